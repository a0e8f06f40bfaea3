"""The assetstores of MIDAS: directories in which files are named by their MD5, and files elsewhere."""
from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from slicer_package_manager.migration.errors import LostBytesError
from slicer_package_manager.migration.source_stores import Directory


class MidasStore(Directory):
    """The assetstore ``number`` of MIDAS.

    :param root: its directory here; ``None`` if the operator has named none.
    :param moved: for files outside of it, the beginnings of their paths at MIDAS, and the directories here.
    """

    def __init__(self, number: int, root: Path | None, moved: Mapping[str, Path]) -> None:
        super().__init__(root or Path())
        self._number, self._has_root, self._moved = number, root is not None, moved

    def path(self, file: Mapping[str, Any]) -> Path:
        """Return where ``file`` is here.

        :raises LostBytesError: it is in no directory that the operator has named.
        """
        root, inside = self._place(file['path'])
        if '..' in PurePosixPath(inside).parts:
            raise LostBytesError(f'its path has "..": {file["path"]}')
        found = (root / inside).resolve()
        if not found.is_relative_to(root.resolve()):
            raise LostBytesError(f'its path leads out of {root}: {file["path"]}')
        return found

    def _place(self, path: str) -> tuple[Path, str]:
        if not path.startswith('/'):
            if not self._has_root:
                raise LostBytesError(f'no directory is given for its assetstore {self._number}')
            return self.root, path
        for beginning in sorted(self._moved, key=len, reverse=True):
            if path.startswith(f'{beginning.rstrip("/")}/'):
                return self._moved[beginning], path[len(beginning.rstrip('/')):].lstrip('/')
        raise LostBytesError(f'no directory is given for its path {path}')

    @contextmanager
    def opened(self, file: Mapping[str, Any]) -> Iterator[BinaryIO]:
        """Open ``file`` for reading; see :class:`Reader`. At its end, its MD5 is compared with what MIDAS stated."""
        with super().opened(file) as content:
            yield cast('BinaryIO', BufferedReader(_Verified(content, file['md5'])))


class _Verified(RawIOBase):
    """The bytes of ``content``, whose MD5 must be ``expected``, if that is not empty."""

    def __init__(self, content: BinaryIO, expected: str) -> None:
        self._content, self._expected = content, expected
        self._digest = hashlib.md5(usedforsecurity=False)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._content.read(len(buffer))
        buffer[:len(piece)] = piece
        self._digest.update(piece)
        if not piece and self._expected and self._digest.hexdigest() != self._expected:
            raise LostBytesError('its bytes have another MD5')
        return len(piece)
