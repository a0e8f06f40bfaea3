"""Documents that are sent after the file of a package: its attestation, or the README of an extension."""
from __future__ import annotations

from typing import TYPE_CHECKING

from girder_client import HttpError

from slicer_package_manager_client.errors import SlicerPackageManagerError

if TYPE_CHECKING:
    from slicer_package_manager_client.connection import Connection
    from slicer_package_manager_client.registry import Document


def send(client: Connection, path: str, item: Document, content: bytes, media_type: str, kind: str) -> None:
    """Store ``content`` at ``path``, for ``item``.

    :param kind: the word for such documents, in the plural.
    :raises SlicerPackageManagerError: the server is too old for that.
    """
    try:
        client.sendRestRequest('PUT', path, data=content, headers={'Content-Type': media_type})
    except HttpError as error:
        if is_unknown_route(error):
            raise SlicerPackageManagerError(
                f'"{item["name"]}" was uploaded, but the server does not store {kind}; it is too old for that.',
                server=client.urlBase) from error
        raise


def is_unknown_route(error: HttpError) -> bool:
    """Whether the server does not know the call that has failed."""
    return 'No matching route' in str(error.responseText)
