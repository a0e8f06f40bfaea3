"""Durable writes: data on the disk itself, and not only in the memory of the system."""
import os
from pathlib import Path


def sync(path: Path) -> None:
    """Write ``path``, the bytes of a file or the entries of a directory, to the disk.

    :raises OSError: the disk refuses it.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
