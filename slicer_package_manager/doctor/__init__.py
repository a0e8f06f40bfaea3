"""Finds damage in an installation, reports what to do, and repairs what can be repaired without a loss."""
