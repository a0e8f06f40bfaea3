"""The content of a file as the daily files name it: the beginning of its SHA-512.

A file keeps its id when it gets other bytes, so an id does not state which ones were downloaded. The whole checksum
would double the size of the daily files; its beginning distinguishes the contents of one file.
"""
from __future__ import annotations

#: How many hexadecimal digits are kept.
DIGITS = 16


def of_sha512(checksum: str) -> str:
    """Return what stands for the content with this SHA-512 in hexadecimal; empty if it is not known."""
    return checksum.lower()[:DIGITS]
