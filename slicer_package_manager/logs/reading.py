"""Read the files of logs: plain, or compressed by gzip, zstd or bzip2, in pieces of complete lines."""
from __future__ import annotations

import bz2
import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

import zstandard

from slicer_package_manager.progress import Advance

#: Bytes that are read at once, and the most that come of them at once.
_RAW, _BLOCK = 1 << 18, 12 << 20
#: Of zstd, all that comes of the bytes is in memory: 32,768 times as many at most.
_RAW_ZSTD = 1 << 12
#: A longer line is not kept in memory.
_LONGEST = 1 << 20
#: How files of zstd begin: with a frame, or with one that is skipped, as pzstd writes them.
_ZSTD = re.compile(rb'\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18', re.DOTALL)
#: How files begin that are compressed otherwise.
_OTHERS = {b'\xfd7zXZ\0': 'xz', b'PK\x03\x04': 'zip', b'\x04\x22\x4d\x18': 'lz4', b'\x1f\x9d': 'compress'}
#: Takes the place of such a line.
TOO_LONG = b'(a line that is too long)\n'


class UnreadableError(Exception):
    """A file cannot be read, or not to its end; the message says why."""


class DamagedError(UnreadableError):
    """A compressed file ends too early, or cannot be decompressed further."""


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None:
        """Add ``data``."""


def opened(path: Path) -> BinaryIO:
    """Return the file ``path``. It is opened once: while it is read, rotation may give its name to another one.

    :raises UnreadableError: it is no file. To open a pipe would be to wait for who writes to it.
    :raises OSError: it cannot be opened.
    """
    if path.is_dir():
        with os.scandir(path):  # it may be here because this is refused
            raise UnreadableError('it is a directory, or a link to one, which is not followed. Name it with --dir')
    if path.is_symlink() and not path.exists():
        raise UnreadableError('it is a link to a file that does not exist')
    if path.exists() and not path.is_file():
        raise UnreadableError('it is a pipe, a socket or a device. Write its contents to a file, and read that')
    return path.open('rb')


def blocks(file: BinaryIO, advance: Advance = lambda _: None) -> Iterator[bytes]:
    """Yield the contents of ``file`` from its beginning, decompressed, in blocks.

    :raises UnreadableError: after all blocks that could be read.
    :raises OSError: the file cannot be read.
    """
    file.seek(0)
    begin = file.read(6)
    file.seek(0)
    yield from _decompression(begin)(file, advance)


def readable_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the contents of ``file`` as far as they can be decompressed."""
    with suppress(UnreadableError):
        yield from blocks(file)


def _decompression(begin: bytes) -> Callable[[BinaryIO, Advance], Iterator[bytes]]:
    for sign, name in _OTHERS.items():
        if begin.startswith(sign):
            raise UnreadableError(f'it is compressed by {name}, which is not read. Decompress it first')
    if begin[:2] == b'\x1f\x8b':
        return _gzip
    if begin[:3] == b'BZh':
        return _bzip2
    return _zstd if _ZSTD.match(begin) else _plain


def _raw(file: BinaryIO, advance: Advance, size: int = _RAW) -> Iterator[bytes]:
    while data := file.read(size):
        yield data
        advance(len(data))


def _plain(file: BinaryIO, advance: Advance) -> Iterator[bytes]:
    return _raw(file, advance, _BLOCK)


def _gzip(file: BinaryIO, advance: Advance) -> Iterator[bytes]:
    member = None
    for data in _raw(file, advance):
        left = data
        while left:
            if member is None:  # zeros may follow a member, and other members
                left = left.lstrip(b'\0')
                member = zlib.decompressobj(31) if left else None
                continue
            try:
                yield member.decompress(left, _BLOCK)
            except zlib.error as error:
                raise DamagedError(f'it cannot be decompressed: {error}') from None
            left = member.unconsumed_tail or member.unused_data
            member = None if member.eof else member
    if member is not None:
        yield member.flush()
        if not member.eof:
            raise DamagedError('it ends in the middle')


def _bzip2(file: BinaryIO, advance: Advance) -> Iterator[bytes]:
    stream = bz2.BZ2Decompressor()
    is_begun = False
    for data in _raw(file, advance):
        left = data
        while left or not stream.needs_input:
            if stream.eof:
                left, stream = stream.unused_data + left, bz2.BZ2Decompressor()
                is_begun = False
                if not left:
                    break
            try:
                yield stream.decompress(left, _BLOCK)
            except OSError as error:
                raise DamagedError(f'it cannot be decompressed: {error}') from None
            left, is_begun = b'', True
    if is_begun and not stream.eof:
        raise DamagedError('it ends in the middle')


def _zstd(file: BinaryIO, advance: Advance) -> Iterator[bytes]:
    frame, done = None, bytearray()
    for data in _raw(file, advance, _RAW_ZSTD):
        left = data
        while left:
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            try:
                done += frame.decompress(left)
            except zstandard.ZstdError as error:
                yield bytes(done)
                raise DamagedError(f'it cannot be decompressed: {error}') from None
            left, frame = (frame.unused_data, None) if frame.eof else (b'', frame)
        if len(done) > _BLOCK // 2:
            yield bytes(done)
            done.clear()
    yield bytes(done)
    if frame is not None:
        raise DamagedError('it ends in the middle')


class Piece(NamedTuple):
    """Complete lines of a log.

    :param end: the number of bytes from the beginning of the log to their end.
    """

    lines: bytes
    end: int


class Lines:
    """The complete lines of a log, in pieces.

    :param start: where to begin, the beginning of a line.
    :param digest: gets all bytes up to the end of each piece, before the piece is yielded.
    """

    def __init__(self, contents: Iterator[bytes], start: int, digest: _Digest) -> None:
        self._contents, self._start, self._digest = contents, start, digest
        self._end = 0
        self._in_long_line = False
        #: When all is read: the last complete line, also if it is before the start, and what follows it.
        self.last = self.rest = b''

    def __iter__(self) -> Iterator[Piece]:
        for block in self._contents:
            cut = block.rfind(b'\n') + 1
            if cut:
                taken = b''.join((self.rest, memoryview(block)[:cut]))
                self.rest = block[cut:]
                yield from self._piece(taken)
                continue
            self.rest += block
            if len(self.rest) > _LONGEST:
                self._take(self.rest)
                self.rest, self._in_long_line = b'', True

    def _take(self, taken: bytes) -> int:
        self._digest.update(taken)
        self._end += len(taken)
        return self._end - len(taken)

    def _piece(self, taken: bytes) -> Iterator[Piece]:
        begin = self._take(taken)
        self.last = taken[taken.rfind(b'\n', 0, -1) + 1:]
        lines = taken[max(0, self._start - begin):]
        if self._in_long_line and begin >= self._start:
            lines = TOO_LONG + taken[taken.index(b'\n') + 1:]
        self._in_long_line = False
        if lines:
            yield Piece(lines, self._end)
