"""Recognition of archives and installers by their first and last bytes, and the files in archives."""
from __future__ import annotations

import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from lzma import LZMAError
from typing import TYPE_CHECKING, Callable

from slicer_package_manager_client.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Magic numbers of archives that the standard library does not read: 7z, Zstandard, lzip, xar (.pkg), RPM, ar (.deb).
_ARCHIVES = (b"7z\xbc\xaf'\x1c", b'(\xb5/\xfd', b'LZIP', b'xar!', b'\xed\xab\xee\xdb', b'!<arch>\n')
#: Magic numbers of Windows programs and installers, Linux programs (AppImage), scripts with an archive (STGZ).
_INSTALLERS = (b'MZ', b'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', b'\x7fELF', b'#!')
#: Disk images of macOS, which end with a trailer of 512 bytes, or are encrypted.
_DMG_TRAILER, _DMG_TRAILER_SIZE, _DMG_ENCRYPTED = b'koly', 512, b'encrcdsa'
UNREADABLE = (tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError, zlib.error, LZMAError, OSError,
              NotImplementedError)


@dataclass(frozen=True)
class Member:
    """A file in an archive; ``read`` returns its first bytes, while it is the current one of :func:`members`."""

    name: str
    size: int
    read: Callable[[int], bytes]


def members(path: Path) -> Iterator[Member]:
    """Iterate over the files in a tar or zip archive, which is read once from its begin to its end.

    :raises Exception: one of :data:`UNREADABLE`; other kinds of archives are unreadable, too.
    """
    yield from _zip_members(path) if zipfile.is_zipfile(path) else _tar_members(path)


def _zip_members(path: Path) -> Iterator[Member]:
    def head(info: zipfile.ZipInfo, size: int) -> bytes:
        with archive.open(info) as stream:
            return stream.read(size)

    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield Member(info.filename, info.file_size, lambda size, info=info: head(info, size))  # type: ignore[misc]


def _tar_members(path: Path) -> Iterator[Member]:
    def head(entry: tarfile.TarInfo, size: int) -> bytes:
        stream = archive.extractfile(entry)
        return stream.read(size) if stream else b''

    with tarfile.open(path, 'r|*') as archive:
        while (entry := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # else it remembers all entries
            if entry.isfile():
                yield Member(entry.name, entry.size, lambda size, entry=entry: head(entry, size))  # type: ignore[misc]


def require(path: Path, *, installers: bool) -> None:
    """Check that the file at ``path`` is an archive.

    :param installers: whether installers are accepted, too.
    :raises InvalidRequest: it is neither.
    """
    if _is_archive(path) or (installers and _is_installer(path)):
        return
    raise InvalidRequest(f'"{path}" is no archive{" and no installer" if installers else ""}; nothing was sent.',
                         advice='Is it the file that the build made? --no-check sends it all the same.')


def _is_archive(path: Path) -> bool:
    with path.open('rb') as stream:
        if stream.read(8).startswith(_ARCHIVES):
            return True
    try:
        if zipfile.is_zipfile(path):
            return True
        with tarfile.open(path) as archive:  # reads the first header, through gzip, bzip2 or xz
            return archive.next() is not None
    except UNREADABLE:
        return False


def _is_installer(path: Path) -> bool:
    with path.open('rb') as stream:
        head = stream.read(8)
        stream.seek(max(0, path.stat().st_size - _DMG_TRAILER_SIZE))
        return head.startswith((*_INSTALLERS, _DMG_ENCRYPTED)) or stream.read(4) == _DMG_TRAILER
