"""Addresses of items, and receipts of uploads: where the item and its file are, and how fast the file was sent."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from slicer_package_manager_client.publish import Outcome


def receipt(api_url: str, outcome: Outcome, seconds: float) -> dict[str, Any]:
    """Return the receipt of an upload, for JSON.

    ``url`` is the page of the item in the web client, ``download_url`` the address of its file, whichever that is, and
    ``file.url`` the address of this file.

    :param seconds: how long the command took.
    """
    receipt = {**addresses(api_url, outcome.item['_id'], outcome.file), 'bytes': outcome.sent,
               'attestation_url': outcome.attestation_url,
               'seconds': round(seconds, 3),
               'bytes_per_second': round(outcome.sent / seconds) if seconds and outcome.sent else None}
    return {key: value for key, value in receipt.items() if value is not None}


def addresses(api_url: str, item_id: str, file: dict[str, Any] | None) -> dict[str, Any]:
    """Return the addresses of an item and of its file; see :func:`receipt`."""
    api = api_url.rstrip('/')
    return {'url': item_page(api, item_id), 'download_url': f'{api}/item/{item_id}/download',
            'file': _file(api, file)}


def item_page(api_url: str, item_id: str) -> str:
    """Return the address of an item in the web client."""
    return f'{root(api_url)}/#item/{item_id}'


def _file(api: str, file: dict[str, Any] | None) -> dict[str, Any] | None:
    if file is None:
        return None
    document = {**{key: file.get(key) for key in ('_id', 'name', 'size', 'sha512')},
                'url': file.get('linkUrl') or f'{api}/file/{file["_id"]}/download'}
    return {key: value for key, value in document.items() if value is not None}


def root(api_url: str) -> str:
    """Return the address of the server's pages: the API is at ``/api/v1`` below it."""
    parts = urlsplit(api_url.rstrip('/'))
    return f'{parts.scheme}://{parts.netloc}{parts.path.removesuffix("/api/v1").rstrip("/")}'
