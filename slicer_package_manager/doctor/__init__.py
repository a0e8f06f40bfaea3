"""Looks for damage in an installation, says what to do about it, and mends what can be mended without a loss."""
