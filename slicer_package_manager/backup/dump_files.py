"""Files of a backup: documents as concatenated BSON, as ``mongodump`` writes it, and lines of text; both gzipped."""
from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypedDict

import bson
from bson.codec_options import CodecOptions
from bson.errors import BSONError, InvalidBSON
from bson.raw_bson import RawBSONDocument

from slicer_package_manager.backup import validation
from slicer_package_manager.backup.errors import BackupError
from slicer_package_manager.durability import sync

#: Decodes documents as the database stores them, byte for byte; their fields are read as those of a dictionary.
RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_LEVEL = 4
#: Bytes of the length before each document.
_PREFIX = 4
#: The largest ratio of compression of a list, which consists of checksums, and the size that is always allowed.
_MAX_RATIO, _SMALL = 100, 2**20


class FileEntry(TypedDict):
    """A file of a backup, as the manifest has it: its number of entries, its size in bytes, and its SHA-256."""

    entries: int
    size: int
    sha256: str


def write(path: Path, entries: Iterable[bytes]) -> FileEntry:
    """Write ``entries`` to the compressed file ``path``, and sync it to the disk."""
    count = 0
    with path.open('wb') as file, gzip.GzipFile('', 'wb', _LEVEL, file, mtime=0) as packed:
        for entry in entries:
            packed.write(entry)
            count += 1
    sync(path)
    return {'entries': count, 'size': path.stat().st_size, 'sha256': sha256(path)}


def documents(path: Path) -> Iterator[RawBSONDocument]:
    """Yield the documents in the file ``path``.

    :raises BackupError: the file is damaged.
    """
    try:
        with gzip.open(path) as packed:
            while length := packed.read(_PREFIX):
                yield RawBSONDocument(length + _rest(packed, length), RAW)
    except (OSError, EOFError, zlib.error, BSONError) as error:
        raise BackupError(f'{path}: cannot be read: {error}') from error


def _rest(packed: gzip.GzipFile, length: bytes) -> bytes:
    size = int.from_bytes(length, 'little', signed=True)
    if len(length) < _PREFIX or not _PREFIX < size <= validation.MAX_DOCUMENT:
        raise InvalidBSON(f'a document cannot have {size} bytes')
    return packed.read(size - _PREFIX)


def lines(path: Path) -> Iterator[str]:
    """Yield the lines in the compressed file ``path``.

    :raises BackupError: the file is damaged.
    """
    try:
        limit, size = max(_SMALL, path.stat().st_size * _MAX_RATIO), 0
        with gzip.open(path) as packed:
            while line := packed.readline(validation.MAX_LINE + 1):
                size += len(line)
                if len(line) > validation.MAX_LINE or size > limit:
                    raise ValueError('it unpacks to more than a backup writes')  # noqa: TRY301 - as what is damaged
                yield line.decode().rstrip('\n')
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise BackupError(f'{path}: cannot be read: {error}') from error


def sha256(path: Path) -> str:
    """Compute the SHA-256 of the file ``path``, compressed as it is.

    :raises OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while piece := file.read(1024 * 1024):
            digest.update(piece)
    return digest.hexdigest()


def encoded(document: Mapping[str, Any]) -> bytes:
    """Encode ``document`` as BSON."""
    return bytes(document.raw) if isinstance(document, RawBSONDocument) else bson.encode(document)
