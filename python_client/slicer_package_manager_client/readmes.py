"""The README of an extension, which its page in the catalog shows: Markdown in a file, or in the uploaded archive."""
from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from slicer_package_manager_client import companions, textfiles
from slicer_package_manager_client.errors import InvalidRequest
from slicer_package_manager_client.inspection import archives

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slicer_package_manager_client.connection import Connection
    from slicer_package_manager_client.registry import Document

#: The most bytes that the server accepts.
LARGEST = 64 * 1024
#: How many bytes are read: one too many, of which UTF-16 may have twice as many.
_READ = 2 * LARGEST + 1
#: The most bytes of an archive, after decompression, in which a README is looked for.
_SEARCHED = 1 << 30
#: Where an archive has the README of its extension: in the top folder or at most two folders below. On macOS, the path
#: within the application takes the place of the top folder.
_PLACE = re.compile(
    r'(?:\./)?[^/]+/(?:[^/]+\.app/Contents/Extensions-[^/]+/[^/]+/)?((?:[^/]+/){0,2})README\.md', re.IGNORECASE)


def read(path: Path) -> bytes:
    """Return the README in the file at ``path``, in UTF-8.

    :raises InvalidRequest: it cannot be read, is too large, or is no text.
    """
    try:
        with path.open('rb') as stream:
            return _text(stream.read(_READ))
    except OSError as error:
        raise InvalidRequest(f'The README "{path}" cannot be read: {error.strerror}.') from error
    except ValueError as error:
        raise InvalidRequest(f'The README "{path}" cannot be read: {error}.') from error


def inside(path: Path) -> bytes | None:
    """Return the README in the archive at ``path`` that is nearest to the top, in UTF-8; ``None`` without one.

    Nothing is extracted. What cannot be read, is too large or is no text does not count.
    """
    return min(_inside(path), default=(0, '', None))[2]


def _inside(path: Path) -> Iterator[tuple[int, str, bytes | None]]:
    """Yield the READMEs in an archive, with their depth and name."""
    try:
        with path.open('rb') as stream:
            for member in archives.members(stream, _SEARCHED):
                place = _PLACE.fullmatch(member.name)
                if place and 0 < member.size < _READ:
                    with suppress(ValueError):
                        yield place[1].count('/'), member.name, _text(member.read(_READ))
    except archives.UNREADABLE:
        pass  # what was found before counts


def _text(content: bytes) -> bytes:
    """Return a README in UTF-8.

    :raises ValueError: it is too large, or no text.
    """
    text = textfiles.decoded(content).encode()
    if len(text) > LARGEST:
        raise ValueError(f'it has more than {LARGEST} bytes')
    return text


def send(client: Connection, app: Document, item: Document, content: bytes) -> None:
    """Store ``content`` as the README of the extension ``item``.

    :raises SlicerPackageManagerError: the server is too old for that.
    """
    path = f'app/{app["_id"]}/extension/{item["_id"]}/readme'
    companions.send(client, path, item, content, 'text/markdown', 'READMEs')
