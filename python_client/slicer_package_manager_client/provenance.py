"""Calls for the origin of the file of a package: the run that has uploaded it, and its attestation."""
from __future__ import annotations

from typing import TYPE_CHECKING, cast

from girder_client import HttpError

from slicer_package_manager_client import companions
from slicer_package_manager_client.attestations import MEDIA_TYPE
from slicer_package_manager_client.errors import Unverified

if TYPE_CHECKING:
    from slicer_package_manager_client.connection import Connection
    from slicer_package_manager_client.fields import PackageType
    from slicer_package_manager_client.registry import Document

_MISSING = 404


def _path(package_type: PackageType, app: Document, item: Document) -> str:
    return f'app/{app["_id"]}/{package_type.label}/{item["_id"]}'


def attestation_url(api_url: str, package_type: PackageType, app: Document, item: Document) -> str:
    """Return the address of the attestation of the file of ``item``."""
    return f'{api_url.rstrip("/")}/{_path(package_type, app, item)}/attestation'


def attest(client: Connection, package_type: PackageType, app: Document, item: Document, attestation: bytes) -> str:
    """Store ``attestation`` as that of the file of ``item``; return its address.

    :raises SlicerPackageManagerError: the server is too old for that.
    """
    path = f'{_path(package_type, app, item)}/attestation'
    companions.send(client, path, item, attestation, MEDIA_TYPE, 'attestations')
    return attestation_url(client.urlBase, package_type, app, item)


def of_item(client: Connection, package_type: PackageType, app: Document, item: Document) -> Document:
    """Return what the server states about the origin of the file of ``item``; nothing if it is too old for that."""
    try:
        return cast('Document', client.get(f'{_path(package_type, app, item)}/provenance'))
    except HttpError as error:
        if companions.is_unknown_route(error) or error.status == _MISSING:
            return {}
        raise


def attestation_of(client: Connection, package_type: PackageType, app: Document, item: Document) -> bytes:
    """Return the attestation of the file of ``item``.

    :raises Unverified: there is none.
    """
    try:
        answer = client.sendRestRequest('GET', f'{_path(package_type, app, item)}/attestation', jsonResp=False)
    except HttpError as error:
        if companions.is_unknown_route(error) or error.status == _MISSING:
            raise Unverified(f'"{item["name"]}" has no attestation, so nothing proves where it was built.',
                             server=client.urlBase) from error
        raise
    return cast('bytes', answer.content)
