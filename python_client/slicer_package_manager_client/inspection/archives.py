"""Recognition of archives and installers by their first and last bytes, and the files in archives."""
from __future__ import annotations

import os
import re
import stat
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from lzma import LZMAError
from typing import TYPE_CHECKING, BinaryIO, Callable

from . import bounded

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Magic numbers of archives that the standard library does not read: 7z, Zstandard, lzip, xar (.pkg), RPM, ar (.deb).
_UNREAD = (b"7z\xbc\xaf'\x1c", b'(\xb5/\xfd', b'LZIP', b'xar!', b'\xed\xab\xee\xdb', b'!<arch>\n')
#: Magic numbers of Windows programs and installers, Linux programs (AppImage), scripts with an archive (STGZ).
_INSTALLERS = (b'MZ', b'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', b'\x7fELF', b'#!')
#: Disk images of macOS, which end with a trailer of 512 bytes, or are encrypted.
_DMG_TRAILER, _DMG_TRAILER_SIZE, _DMG_ENCRYPTED = b'koly', 512, b'encrcdsa'
#: What the standard library raises; ``RuntimeError`` of an encrypted file.
UNREADABLE = (tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError, zlib.error, LZMAError, OSError, RuntimeError)
_SUFFIX = re.compile(r'(\.tar)?\.[A-Za-z][A-Za-z0-9]{0,9}$')


@dataclass(frozen=True)
class Member:
    """A file in an archive; ``read`` returns its first bytes, while it is the current one of :func:`members`."""

    name: str
    size: int
    read: Callable[[int], bytes]


def stem(name: str) -> str:
    """Return the file name without the suffix of an archive or installer."""
    return _SUFFIX.sub('', name)


def members(stream: BinaryIO, most: int | None = None) -> Iterator[Member]:
    """Iterate over the files in a tar or zip archive, which is read once from its begin to its end.

    :param most: a tar archive of more bytes after decompression, or with a very long header, becomes unreadable there.
    :raises Exception: one of :data:`UNREADABLE`; other kinds of archives are unreadable, too.
    """
    is_zip = zipfile.is_zipfile(stream)
    stream.seek(0)
    yield from _zip_members(stream) if is_zip else _tar_members(stream, most)


def _zip_members(stream: BinaryIO) -> Iterator[Member]:
    def head(info: zipfile.ZipInfo, size: int) -> bytes:
        with archive.open(info) as member:
            return member.read(size)

    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            if not info.filename.endswith('/') and not stat.S_ISLNK(info.external_attr >> 16):
                yield Member(info.filename, info.file_size, lambda size, info=info: head(info, size))  # type: ignore[misc]


def _tar_members(stream: BinaryIO, most: int | None) -> Iterator[Member]:
    def head(entry: tarfile.TarInfo, size: int) -> bytes:
        member = archive.extractfile(entry)
        return member.read(size) if member else b''

    with tarfile.open(fileobj=stream, mode='r|*') if most is None else bounded.open_tar(stream, most) as archive:
        while (entry := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # else it remembers all entries
            if entry.isfile():
                yield Member(entry.name, entry.size, lambda size, entry=entry: head(entry, size))  # type: ignore[misc]


def is_archive(stream: BinaryIO) -> bool:
    """Whether ``stream`` is an archive."""
    if is_unread(stream):
        return True
    try:
        if zipfile.is_zipfile(stream):
            return True
        stream.seek(0)
        with tarfile.open(fileobj=stream) as archive:  # reads the first header, through gzip, bzip2 or xz
            return archive.next() is not None
    except UNREADABLE:
        return False


def is_unread(stream: BinaryIO) -> bool:
    """Whether ``stream`` is an archive of a kind that :func:`members` does not read."""
    stream.seek(0)
    return stream.read(8).startswith(_UNREAD)


def is_installer(stream: BinaryIO) -> bool:
    """Whether ``stream`` is an installer, or a disk image."""
    stream.seek(0)
    head = stream.read(8)
    stream.seek(max(0, stream.seek(0, os.SEEK_END) - _DMG_TRAILER_SIZE))
    return head.startswith((*_INSTALLERS, _DMG_ENCRYPTED)) or stream.read(4) == _DMG_TRAILER
