"""What is on the disk itself, and not only in the memory of the system."""
import os
from pathlib import Path


def sync(path: Path) -> None:
    """Have ``path``, the bytes of a file or the entries of a folder, on the disk itself, where that can be had.

    :raises OSError: the disk does not take it.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
