"""The bytes of files: from the assetstores of the source into that of this server.

A file is stored under its SHA-512, when all of it was read and compared with what the source states. One that is there
under this name is complete, so it is not read again. Files on one volume are linked, not copied; they are never moved.
"""
from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from slicer_package_manager import file_copies
from slicer_package_manager.migration.errors import LostBytesError
from slicer_package_manager.migration.source_stores import Bucket, Directory, Reader
from slicer_package_manager.progress import Advance
from slicer_package_manager.registry.schema.invariants import Bytes, Violation, bytes_violation
from slicer_package_manager.registry.schema.types import Document

_UNFINISHED = 'temp'
_WRONG = {Violation.BYTES_MISSING: 'its bytes are missing', Violation.BYTES_OF_OTHER_SIZE: 'it has another size',
          Violation.BYTES_CHANGED: 'its bytes have another SHA-512'}


class Stored(NamedTuple):
    """Where the bytes of a file are here, as fields of its document."""

    assetstoreId: Any
    path: str
    sha512: str
    size: int


class Contents:
    """Takes the bytes of files into the assetstore ``target``.

    :param sources: the assetstores of the source, by id.
    :param target: the document of an assetstore of the type filesystem.
    :param stay: leave files where this server can read them, since it uses the assetstores of the source.
    :param keep_objects: leave files in object storage where they are; this server gets the assetstore, too.
    """

    def __init__(self, sources: Mapping[Any, Reader], target: Document, *, stay: bool = False,
                 keep_objects: bool = False) -> None:
        self._sources, self._target, self._root = sources, target, Path(target['root'])
        self._staying = (*((Directory, Bucket) if stay else ()), *((Bucket,) if keep_objects else ()))

    def copied(self) -> list[Any]:
        """The ids of the assetstores of the source whose files take room here."""
        return [identifier for identifier, source in self._sources.items()
                if not isinstance(source, self._staying)
                and not (isinstance(source, Directory) and _same_volume(source.root, self._root))]

    def sized(self, file: Document) -> Document:
        """``file`` with its size, which is that of its bytes if it states none."""
        source = self._sources.get(file.get('assetstoreId'))
        return {**file, 'size': (source and source.size(file)) or 0} if file.get('size') is None else file

    def take(self, file: Document, advance: Advance, *, dry: bool = False) -> Stored | None:
        """Store the bytes of ``file`` here; ``None`` if they stay where they are.

        :param dry: only look whether they are there, and as many as the source states.
        :raises LostBytesError: they are not, or others.
        """
        source = self._sources.get(file.get('assetstoreId'))
        if source is None:
            raise LostBytesError('its assetstore does not exist')
        _require(file, Bytes(source.size(file)))
        if dry or (isinstance(source, self._staying) and not _is_outside(file, source)):
            advance(file['size'])
            return None
        return self._stored(file, source, advance)

    def _stored(self, file: Document, source: Reader, advance: Advance) -> Stored:
        digest = file.get('sha512')
        if digest and self._has(digest, file['size']):
            advance(file['size'])
            return self._at(digest, file['size'])
        copy = self._link(file, source) if isinstance(source, Directory) else None
        temporary = copy or self._new()
        try:
            with source.opened(file) as content, _writable(temporary, copied=copy is None) as target:
                found = file_copies.pour(cast('BinaryIO', _Readable(content)), target, advance)
            _require(file, Bytes(temporary.stat().st_size, found))
            final = self._root / file_copies.address(found)
            final.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(final)
        finally:
            temporary.unlink(missing_ok=True)  # if it is not in its place
        return self._at(found, file['size'])

    def has(self, file: Mapping[str, Any]) -> bool:
        """Whether the bytes of ``file``, a document of this server, are here, as far as one can see without reading."""
        if file.get('assetstoreId') != self._target['_id']:
            return True
        with suppress(OSError):
            return bool((self._root / file['path']).stat().st_size == file['size'])
        return False

    def _has(self, digest: str, size: int) -> bool:
        with suppress(OSError):
            return (self._root / file_copies.address(digest)).stat().st_size == size
        return False

    def _at(self, digest: str, size: int) -> Stored:
        return Stored(self._target['_id'], file_copies.address(digest), digest, size)

    def _new(self) -> Path:
        (self._root / _UNFINISHED).mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._root / _UNFINISHED)
        os.close(handle)
        return Path(name)

    def _link(self, file: Document, source: Directory) -> Path | None:
        """Link the file of the source, if it is on the same volume and cannot be changed by others."""
        if file.get('imported'):
            return None
        path = self._new()
        path.unlink()
        try:
            path.hardlink_to(source.path(file))
        except OSError:  # another volume, a file of another user, …: a copy succeeds, or fails with the reason
            return None
        return path


class _Readable:
    """The bytes of a file of the source. That they cannot be read is not a failure of this server's disk."""

    def __init__(self, content: BinaryIO) -> None:
        self._content = content

    def read(self, size: int) -> bytes:
        try:
            return self._content.read(size)
        except (OSError, KeyError, TypeError) as error:
            raise LostBytesError(f'its bytes cannot be read: {error}') from error


def _same_volume(one: Path, other: Path) -> bool:
    return one.is_dir() and one.stat().st_dev == other.stat().st_dev


def _require(file: Document, found: Bytes) -> None:
    wrong = bytes_violation(Bytes(file.get('size'), file.get('sha512')), found if found.size is not None else None)
    if wrong:
        raise LostBytesError(_WRONG[wrong])


@contextmanager
def _writable(path: Path, *, copied: bool) -> Iterator[BinaryIO | None]:
    """The file ``path`` for writing, which is on the disk at the end; ``None`` if it is a link, and only read."""
    if not copied:
        yield None
        return
    with path.open('wb') as target:
        yield target
        target.flush()
        os.fsync(target.fileno())


def _is_outside(file: Mapping[str, Any], source: Reader) -> bool:
    """Whether ``file`` was imported from elsewhere, by an absolute path."""
    return isinstance(source, Directory) and bool(file.get('imported'))
