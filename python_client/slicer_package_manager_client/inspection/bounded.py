"""Files in archives that may be hostile: no long read, and nothing beyond a position after decompression."""
from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tarfile
from typing import Any, BinaryIO, Callable

#: The longest header that is read. Those of names and attributes state their own length.
_HEADER = 1 << 20
_KINDS: tuple[tuple[bytes, Callable[[Any], Any]], ...] = (
    (b'\x1f\x8b', lambda stream: gzip.GzipFile(fileobj=stream)), (b'BZh', bz2.BZ2File), (b'\xfd7zXZ', lzma.LZMAFile))


class Bounded:
    """The part of a file that :mod:`tarfile` uses.

    :param most: the last position that is read.
    """

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream, self._most = stream, most

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes.

        :raises tarfile.ReadError: that are more than any archive needs at once.
        """
        if size > _HEADER:
            raise tarfile.ReadError(f'a header has {size} bytes')
        return self._stream.read(size)

    def seek(self, position: int) -> int:
        """Continue at ``position``.

        :raises tarfile.ReadError: it is too far away, or before the current one. A file with a negative size leads back
            to its own header, and :mod:`tarfile` would read it again and again (CVE-2025-8194).
        """
        if not self._stream.tell() <= position <= self._most:
            raise tarfile.ReadError(f'it leads to byte {position}')
        return self._stream.seek(position)

    def tell(self) -> int:
        """Return the position."""
        return self._stream.tell()


def open_tar(stream: BinaryIO, most: int) -> tarfile.TarFile:
    """Open a tar archive, of which at most ``most`` bytes after decompression are read.

    :raises Exception: as :mod:`tarfile` and the decompression do.
    """
    head = stream.read(6)
    stream.seek(-len(head), os.SEEK_CUR)
    unpack = next((kind for magic, kind in _KINDS if head.startswith(magic)), lambda raw: raw)
    unpacked: Any = Bounded(unpack(stream), most)
    return tarfile.open(fileobj=unpacked, mode='r:')
