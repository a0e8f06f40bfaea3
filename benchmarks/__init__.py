"""Measure this server against the published peer, side by side; see README.md beside this file."""
