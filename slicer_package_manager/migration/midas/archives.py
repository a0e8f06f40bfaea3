"""The description of an extension in its archive, which states what the extension depends on.

An archive has a member ``….s4ext``, a text with a key and its value on each line. Archives are read within bounds.
"""
from __future__ import annotations

import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

_SUFFIX = '.s4ext'
#: Bytes of a description, and of an archive after decompression, that are read at most.
_LARGEST, _MOST = 1024 * 1024, 8 * 1024**3
_UNREADABLE = (tarfile.TarError, zipfile.BadZipFile, RuntimeError, EOFError, ValueError, zlib.error, OSError)
_NONE = ('NA', 'N/A', '')


class UnreadableArchiveError(Exception):
    """It cannot be read to the end; the message has the reason."""


def dependencies(path: Path) -> list[str] | None:
    """Return the names of the extensions that the one in the archive ``path`` depends on.

    :returns: ``None`` if the file is no archive of a known form, or has no description.
    :raises UnreadableArchiveError: it is damaged, or too large.
    """
    try:
        text = _of_zip(path) if zipfile.is_zipfile(path) else _of_tar(path)
    except _UNREADABLE as error:
        raise UnreadableArchiveError(str(error) or type(error).__name__) from error
    return None if text is None else parsed(text.decode('utf-8', 'replace'))


def parsed(text: str) -> list[str]:
    """Return the names in the line ``depends`` of a description."""
    for line in text.splitlines():
        key, _, value = line.strip().partition(' ')
        if key == 'depends':
            return list(dict.fromkeys(name for name in value.split() if name.upper() not in _NONE))
    return []


def _of_zip(path: Path) -> bytes | None:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.filename.endswith(_SUFFIX):
                with archive.open(member) as content:
                    return content.read(_LARGEST)
    return None


def _of_tar(path: Path) -> bytes | None:
    with path.open('rb') as file, _unpacked(file) as content:
        if content is None:
            return None
        with tarfile.open(fileobj=content, mode='r|') as archive:
            for member in archive:
                found = archive.extractfile(member) if member.isfile() and member.name.endswith(_SUFFIX) else None
                if found:
                    return found.read(_LARGEST)
    return None


@contextmanager
def _unpacked(file: BinaryIO) -> Iterator[BinaryIO | None]:
    """The bytes of a tar file that gzip has compressed; ``None`` if it is none."""
    is_gzip = file.read(2) == b'\x1f\x8b'
    file.seek(0)
    if not is_gzip:
        yield None
        return
    with gzip.GzipFile(fileobj=file) as content:
        yield cast('BinaryIO', _Bounded(content))


class _Bounded(RawIOBase):
    """The first bytes of ``content``; more are an error."""

    def __init__(self, content: Any) -> None:
        self._content, self._left = content, _MOST

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        piece: bytes = self._content.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise ValueError(f'it has more than {_MOST} bytes')
        return piece
