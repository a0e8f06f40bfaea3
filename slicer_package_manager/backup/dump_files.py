"""Files of documents: BSON one after the other, as ``mongodump`` writes it, compressed with gzip."""
from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import bson
from bson.codec_options import CodecOptions
from bson.errors import BSONError, InvalidBSON
from bson.raw_bson import RawBSONDocument

from slicer_package_manager.backup import validation
from slicer_package_manager.backup.errors import BackupError

#: Documents as they came from the database, byte for byte; their fields can be read like those of a dictionary.
RAW: CodecOptions = CodecOptions(document_class=RawBSONDocument)
_LEVEL = 4
#: Bytes of the length before each document.
_PREFIX = 4
#: How much larger than its file a list may be; checksums, of which it consists, pack badly.
_RATIO, _SMALL = 100, 2**20


class Written(NamedTuple):
    """What is known of a file that was written: number of entries, size in bytes, and SHA-256."""

    entries: int
    size: int
    sha256: str


class _Hashed:
    """A file that is written, with its SHA-256."""

    def __init__(self, file) -> None:
        self.file = file
        self.digest = hashlib.sha256()

    def write(self, data) -> int:
        self.digest.update(data)
        return self.file.write(data)

    def flush(self) -> None:
        self.file.flush()


def write(path: Path, entries: Iterable[bytes]) -> Written:
    """Write ``entries`` to the compressed file ``path``, and have it on the disk before this returns."""
    count = 0
    with path.open('wb') as file:
        hashed = _Hashed(file)
        with gzip.GzipFile(filename='', mode='wb', compresslevel=_LEVEL, fileobj=hashed, mtime=0) as packed:
            for entry in entries:
                packed.write(entry)
                count += 1
        file.flush()
        os.fsync(file.fileno())
    return Written(count, path.stat().st_size, hashed.digest.hexdigest())


def documents(path: Path) -> Iterator[RawBSONDocument]:
    """The documents in the file ``path``, one at a time.

    :raises BackupError: it is damaged.
    """
    try:
        with gzip.open(path) as packed:
            while length := packed.read(_PREFIX):
                yield RawBSONDocument(length + _rest(packed, length), RAW)
    except (OSError, EOFError, zlib.error, BSONError) as error:
        raise BackupError(f'{path}: cannot be read: {error}') from error


def _rest(packed, length: bytes) -> bytes:
    size = int.from_bytes(length, 'little', signed=True)
    if len(length) < _PREFIX or not _PREFIX < size <= validation.DOCUMENT:
        raise InvalidBSON(f'a document cannot have {size} bytes')
    return packed.read(size - _PREFIX)


def lines(path: Path) -> Iterator[str]:
    """The lines in the compressed file ``path``.

    :raises BackupError: it is damaged.
    """
    try:
        most, found = max(_SMALL, path.stat().st_size * _RATIO), 0
        with gzip.open(path) as packed:
            while line := packed.readline(validation.LINE + 1):
                found += len(line)
                if len(line) > validation.LINE or found > most:
                    raise ValueError('it unpacks to more than a backup writes')  # noqa: TRY301 - as what is damaged
                yield line.decode().rstrip('\n')
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise BackupError(f'{path}: cannot be read: {error}') from error


def sha256(path: Path) -> str:
    """The SHA-256 of the file ``path`` as it lies there.

    :raises OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while piece := file.read(1024 * 1024):
            digest.update(piece)
    return digest.hexdigest()


def encoded(document: dict[str, Any] | RawBSONDocument) -> bytes:
    """The bytes of ``document``."""
    return bytes(document.raw) if isinstance(document, RawBSONDocument) else bson.encode(document)
