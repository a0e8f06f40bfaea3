"""The README of an extension, which its page in the catalog shows: Markdown in a file."""
from __future__ import annotations

from typing import TYPE_CHECKING

from slicer_package_manager_client import companions, textfiles
from slicer_package_manager_client.errors import InvalidRequest

if TYPE_CHECKING:
    from pathlib import Path

    from slicer_package_manager_client.connection import Connection
    from slicer_package_manager_client.registry import Document

#: The most bytes that the server accepts.
LARGEST = 64 * 1024


def read(path: Path) -> bytes:
    """Return the README in the file at ``path``, in UTF-8.

    :raises InvalidRequest: it cannot be read, is too large, or is no text.
    """
    try:
        with path.open('rb') as stream:
            content = stream.read(2 * LARGEST + 1)  # in UTF-16, it may have twice as many bytes
        text = textfiles.decoded(content).encode()
    except OSError as error:
        raise InvalidRequest(f'The README "{path}" cannot be read: {error.strerror}.') from error
    except ValueError as error:
        raise InvalidRequest(f'The README "{path}" cannot be read: {error}.') from error
    if len(text) > LARGEST:
        raise InvalidRequest(f'The README "{path}" has more than {LARGEST} bytes.')
    return text


def send(client: Connection, app: Document, item: Document, content: bytes) -> None:
    """Store ``content`` as the README of the extension ``item``.

    :raises SlicerPackageManagerError: the server is too old for that.
    """
    path = f'app/{app["_id"]}/extension/{item["_id"]}/readme'
    companions.send(client, path, item, content, 'text/markdown', 'READMEs')
