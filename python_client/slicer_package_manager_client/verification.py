"""Comparison of what a server has with local files, or with itself: its records against the bytes that it sends."""
from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from slicer_package_manager_client import filenames, registry
from slicer_package_manager_client.download import Download, file_of, local_name
from slicer_package_manager_client.errors import ChecksumMismatch, InvalidRequest, NetworkProblem, NotFound
from slicer_package_manager_client.localfile import LocalFile

if TYPE_CHECKING:
    from slicer_package_manager_client.connection import Connection
    from slicer_package_manager_client.fields import PackageType
    from slicer_package_manager_client.registry import Document

OK, UNVERIFIED = 'ok', 'unverified'


def local_file(client: Connection, package_type: PackageType, path: str, app: Document,
               items: list[Document] | None) -> str:
    """Check that the server has the file at ``path``; return :data:`OK`.

    :param items: those among which it must be; ``None`` to look for the package that the name of the file states.
    :raises NotFound: the server does not have the package.
    :raises ChecksumMismatch: it has another file for the package.
    """
    with LocalFile(path) as source:
        facts = filenames.facts(source.name, package_type)
        if items is None:
            items = _candidates(client, package_type, app, source.name, facts)
        if any(item['meta'].get('sha512') == source.digest() for item in items):
            return OK
        identity = {one.key: facts.get(one.option) for one in package_type.fields if one.key in package_type.identity}
        same = [item for item in items if all(item['meta'].get(key) == value for key, value in identity.items())]
    if same:
        raise ChecksumMismatch(f'The server has another file for "{same[0]["name"]}" ({same[0]["_id"]}).',
                               server=client.urlBase, advice='Upload the file again.')
    raise NotFound('The server does not have this file.', server=client.urlBase)


def _candidates(client: Connection, package_type: PackageType, app: Document, name: str,
                facts: dict[str, str]) -> list[Document]:
    if not facts:
        raise InvalidRequest(f'The name "{name}" does not state which {package_type.noun} it is.',
                             advice='Give --release or --draft.')
    filters = {one.key: facts.get(one.option) for one in package_type.fields
               if one.key in {'baseName', 'os', 'arch', package_type.app_revision}}
    if package_type.app_revision != 'app_revision':  # the name of a package has the version instead
        filters.update({'revision': None, 'version': facts.get('version')})
    return registry.packages(client, package_type, app, **filters, limit=0)


def stored_file(client: Connection, item: Document, *, download: bool) -> tuple[str, int]:
    """Check the file of ``item``; return :data:`OK`, or :data:`UNVERIFIED` without a checksum, and the bytes received.

    :param download: receive the file and compare its checksum; else the server, or the host of a link, is asked for
        its size only.
    :raises NotFound: there is no file.
    :raises ChecksumMismatch: the file is not as recorded.
    """
    file = file_of(client, item)
    recorded = item['meta'].get('sha512') or None
    if recorded and (file.get('sha512') or recorded).lower() != recorded.lower():
        raise ChecksumMismatch('The checksums of the item and of its file differ.', server=client.urlBase)
    if download:
        return _received(client, file)
    size = _size(client, file)
    if file.get('size') and size is not None and size != file['size']:
        raise ChecksumMismatch(f'The file has {size} bytes instead of {file["size"]}.', server=client.urlBase)
    return (OK if recorded else UNVERIFIED), 0


def _received(client: Connection, file: Document) -> tuple[str, int]:
    with tempfile.TemporaryDirectory(prefix='slicer-package-manager-') as directory:
        target = Path(directory) / local_name(file['name'])
        Download(client, file, target).run()
        return (OK if file.get('sha512') else UNVERIFIED), target.stat().st_size


def _size(client: Connection, file: Document) -> int | None:
    """Return the size of the file that a download would receive now; ``None`` if it is not stated."""
    def ask() -> Any:
        return client.sendOnce('HEAD', f'file/{file["_id"]}/download', jsonResp=False)

    with contextlib.closing(client.attempts()(ask)) as answer:
        if not answer.is_redirect:
            return _number(answer.headers.get('Content-Length'))
        location = answer.headers['Location']
    # One byte: signed addresses of object storage allow GET only.
    with requests.get(location, headers={'Range': 'bytes=0-0', 'Accept-Encoding': 'identity'}, stream=True,
                      timeout=client.timeout, verify=client.verify) as answer:
        if answer.status_code in {404, 410}:
            raise NotFound(f'{answer.url.split("?")[0]} does not exist (status {answer.status_code}).')
        if not answer.ok:
            raise NetworkProblem(f'{answer.url.split("?")[0]} answered status {answer.status_code}.')
        ranged = answer.headers.get('Content-Range', '').rpartition('/')[2]
        return _number(ranged if answer.status_code == 206 else answer.headers.get('Content-Length'))  # noqa: PLR2004


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
