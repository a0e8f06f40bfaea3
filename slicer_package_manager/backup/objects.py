"""The content of files, each stored once under its SHA-512 and shared by all backups of a directory."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from slicer_package_manager.backup import validation
from slicer_package_manager.backup.errors import BackupError
from slicer_package_manager.file_copies import address, place, pour
from slicer_package_manager.progress import Advance
from slicer_package_manager.registry.schema.invariants import Bytes, bytes_violation

_UNFINISHED = 'unfinished'


class Objects:
    """All objects below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, digest: str) -> Path:
        """The path of the object ``digest``, which may be missing."""
        return self.root / address(digest)

    def has(self, digest: str | None, size: int) -> bool:
        """Whether the object exists with this size. Only complete objects get their name."""
        try:
            return bool(digest) and self.path(str(digest)).stat().st_size == size
        except OSError:
            return False

    def put(self, source: BinaryIO, advance: Advance) -> str:
        """Store a copy of ``source``, and return its SHA-512, by which it is found."""
        return place(source, self.root, True, self.root / _UNFINISHED, advance)

    def problem(self, digest: str, size: int, advance: Advance = lambda _: None) -> str | None:
        """What is wrong with the object, all of which is read; ``None`` if it is intact."""
        path, stated = self.path(digest), Bytes(size, digest)
        try:
            validation.require_no_links(self.root.parent, path)
            found = path.stat().st_size
            if bytes_violation(stated, Bytes(found)):
                return f'{path}: has {found} bytes instead of {size}'
            with path.open('rb') as content:
                whole = Bytes(found, pour(content, None, advance))
        except (BackupError, OSError) as error:
            return validation.reading_problem(path, error)
        return f'{path}: its bytes have changed' if bytes_violation(stated, whole) else None

    def digests(self) -> Iterator[str]:
        """Yield the SHA-512 of every object, sorted."""
        for first in _sorted(self.root, '[0-9a-f][0-9a-f]'):
            for second in _sorted(first, '[0-9a-f][0-9a-f]'):
                yield from (one.name for one in _sorted(second, '*'))

    def clear_unfinished(self) -> None:
        """Remove the incomplete copies of earlier runs; only for the process that may write to the directory."""
        for left in _sorted(self.root / _UNFINISHED, '*'):
            left.unlink()


def _sorted(directory: Path, pattern: str) -> list[Path]:
    validation.require_no_links(directory.parent, directory)
    return sorted(directory.glob(pattern))
