"""A local file that is hashed while it is read."""
from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from slicer_package_manager_client.errors import ChecksumMismatch, InvalidRequest, SlicerPackageManagerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Self

BLOCK = 1 << 20


def require(path: Path) -> None:
    """Check that there is a file at ``path``.

    :raises InvalidRequest: there is none, or a directory.
    :raises SlicerPackageManagerError: it cannot be read.
    """
    _opened(path).close()


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open('rb')
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InvalidRequest(f'There is no file "{path}".') from error
    except OSError as error:
        if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises, too, where the directory above cannot be read
            raise InvalidRequest(f'"{path}" is a directory, not a file.') from error
        raise SlicerPackageManagerError(f'"{path}" cannot be read: {error.strerror}.') from error


class LocalFile:
    """The file at ``path``, open for reading until the ``with`` block ends.

    Bytes are hashed while they are read in order, so that the checksum of a file that was sent needs no second read.

    :raises InvalidRequest: there is no such file, it is a directory, or it is empty.
    """

    def __init__(self, path: str | os.PathLike[str], algorithms: tuple[str, ...] = ('sha512',)) -> None:
        self.path = Path(path)
        self.name = self.path.name
        self._stream = _opened(self.path)
        self._stamp = self._now_on_disk()
        self.size = self._stamp[0]
        if self.size == 0:
            self._stream.close()
            raise InvalidRequest(f'"{path}" is empty.')
        self._hashes = {name: hashlib.new(name) for name in algorithms}
        self._hashed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self._stream.close()

    @property
    def stamp(self) -> dict[str, Any]:
        """Path, size in bytes and modification time, which identify this state of the file without reading it."""
        return {'path': str(self.path.resolve()), 'size': self._stamp[0], 'mtime_ns': self._stamp[1]}

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``; skipped bytes are hashed first.

        :raises ChecksumMismatch: the file became shorter.
        """
        self._hash_up_to(offset)
        self._stream.seek(offset)
        data = self._stream.read(length)
        if len(data) < min(length, self.size - offset):
            raise self._changed()
        if offset <= self._hashed < offset + len(data):
            self._add(data[self._hashed - offset:])
        return data

    def blocks(self, start: int = 0, length: int = BLOCK) -> Iterator[bytes]:
        """Iterate over the file from ``start`` to its end, in blocks of ``length`` bytes."""
        for offset in range(start, self.size, length):
            yield self.read(offset, min(length, self.size - offset))

    def digest(self, algorithm: str = 'sha512') -> str:
        """Return the hexadecimal checksum of the whole file; only bytes that were not read yet are read."""
        self._hash_up_to(self.size)
        return self._hashes[algorithm].hexdigest()

    def require_unchanged(self) -> None:
        """Check that the file was not changed since it was opened.

        :raises ChecksumMismatch: it was.
        """
        try:
            now = self._now_on_disk()
        except OSError as error:
            raise self._changed() from error
        if now != self._stamp:
            raise self._changed()

    def _now_on_disk(self) -> tuple[int, int]:
        state = self.path.stat()
        return state.st_size, state.st_mtime_ns

    def _hash_up_to(self, end: int) -> None:
        while self._hashed < end:
            self._stream.seek(self._hashed)
            data = self._stream.read(min(BLOCK, end - self._hashed))
            if not data:
                raise self._changed()
            self._add(data)

    def _add(self, data: bytes) -> None:
        for one in self._hashes.values():
            one.update(data)
        self._hashed += len(data)

    def _changed(self) -> ChecksumMismatch:
        return ChecksumMismatch(
            f'"{self.path}" changed on disk while it was being read; nothing was published.',
            advice='Run the command again when the file is complete.')
