"""Girder's own calls for files, which promise more for packages and extensions.

The handlers are bound to the events that Girder triggers before and after its own handlers. For other files they do
nothing, and Girder continues.
"""
from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any

from bson.objectid import ObjectId
from girder.api.rest import getCurrentUser
from girder.events import Event
from girder.exceptions import RestException
from girder.models.file import File

from slicer_package_manager.registry.downloads import counter, rules
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.pagination import Listing
from slicer_package_manager.registry.schema.validators import object_id
from slicer_package_manager.registry.tree import access, item_files
from slicer_package_manager.registry.tree.types import PackageItem
from slicer_package_manager.rest.downloads.delivery import deliver
from slicer_package_manager.rest.middleware import request_state
from slicer_package_manager.rest.middleware.permissions import permitted
from slicer_package_manager.rest.middleware.response_cache import list_response

logger = logging.getLogger(__name__)

_DISPOSITIONS = ('attachment', 'inline')


def found_by_id(event: Event, find: Callable[[ObjectId], item_files.Found | None],
                operation: access.Operation) -> item_files.Found | None:
    """Return what ``find`` returns for the id in the path, ``None`` if it belongs to no package or extension.

    :raises AccessException: the user does not have the access to it that ``operation`` needs.
    """
    identifier = object_id(event.info.get('id'))
    found = find(identifier) if identifier else None
    if found and not access.allows(operation, found.folder, getCurrentUser()):
        access.require(operation, found.item, getCurrentUser())
    return found


@permitted(access.LIST_FILES)
def list_files(event: Event) -> None:
    """``GET /item/:id/files``: users who cannot write to the item see exactly one file, also during a replacement."""
    def find() -> Listing | None:
        found = found_by_id(event, item_files.of_item, access.LIST_FILES)
        if not found or access.allows(access.LIST_REPLACEMENTS, found.folder, getCurrentUser()):
            return None
        return Listing([found.file], 1) if found.file else Listing([], 0)
    answer = list_response(File(), find)
    if answer is not None:
        event.preventDefault().addResponse(answer)


@permitted(access.DOWNLOAD_FILE, cookie=True)
def download_item(event: Event) -> None:
    """``GET /item/:id/download`` and ``.../download/:name``: the item's file, or 404 instead of an empty archive."""
    found = found_by_id(event, item_files.of_item, access.DOWNLOAD_FILE)
    if found is None:
        return
    if found.file is None:
        raise NotFound(f'"{found.item["name"]}" has no file yet; its upload is not complete.')
    if not event.info['params'].get('format'):
        _answer(event, found.item, found.file, is_public=bool(found.folder.get('public')))


def add_named_download(items: Any) -> None:
    """Add ``GET /item/:id/download/:name`` to ``items``, Girder's resource; Girder has it for files only.

    Programs that name files by the last part of a URL use it.
    """
    @wraps(items.download)
    def download(name: str, **kwargs: Any) -> Any:  # noqa: ARG001 - any name is accepted
        return items.download(**kwargs)
    items.route('GET', (':id', 'download', ':name'), download, nodoc=True)


@permitted(access.DOWNLOAD_FILE, cookie=True)
def download_file(event: Event) -> None:
    """``GET /file/:id/download`` and ``.../download/:name``."""
    found = found_by_id(event, item_files.of_file, access.DOWNLOAD_FILE)
    if found and found.file:
        _answer(event, found.item, found.file, is_public=bool(found.folder.get('public')))


@permitted(access.DOWNLOAD_FILE, cookie=True)
def download_by_checksum(event: Event) -> None:
    """``GET /file/hashsum/sha512/:hash/download``: the first file with this checksum of a readable package."""
    if event.info.get('algo', '').lower() != 'sha512':
        return
    for file in File().find({'sha512': event.info['hash'].lower()}):
        item = item_files.package_of(file)
        if item and access.allows(access.DOWNLOAD_FILE, item, getCurrentUser()):
            _answer(event, item, file)
            return


def _answer(event: Event, item: PackageItem, file: Mapping[str, Any], *, is_public: bool = False) -> None:
    params = event.info['params']
    request_state.current().is_package_sent = True
    disposition = params.get('contentDisposition') or 'attachment'
    if disposition not in _DISPOSITIONS:
        raise RestException(f'contentDisposition must be one of {", ".join(_DISPOSITIONS)}.')
    event.preventDefault().addResponse(deliver(item, file, disposition, bounds(params), is_public=is_public))


def bounds(params: dict[str, str]) -> tuple[int, int | None]:
    """Parse the parameters ``offset`` and ``endByte`` (not included).

    :raises RestException: one is no whole number, or negative (400).
    """
    try:
        start = int(params.get('offset') or 0)
        stop = int(params['endByte']) if params.get('endByte') else None
    except ValueError:
        raise RestException('offset and endByte must be whole numbers.') from None
    if start < 0 or (stop or 0) < 0:
        raise RestException('offset and endByte must not be negative.')
    return start, stop


def count_archive(event: Event) -> None:
    """After an archive was prepared: count each package in it when all of it is sent."""
    stream = event.info['returnVal']
    if callable(stream) and not request_state.current().is_package_sent:
        event.preventDefault().addResponse(lambda: _counted(stream))


def _counted(stream: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
    found: list[PackageItem] = []
    request_state.current().archived_packages = found
    yield from stream()
    for counted in [counter.count(item) for item in found]:
        counter.wait(counted)


def remember_in_archive(event: Event) -> None:
    """After the bytes of a file were added to an archive: note its package for the count."""
    found = request_state.current().archived_packages
    file = event.info['file']
    if found is None or not rules.counts_in_archive(file):
        return
    try:
        item = item_files.package_of(file)
    except Exception:
        logger.exception('The download of the file %s in an archive is not counted.', file['_id'])
        return
    if item:
        found.append(item)


HANDLERS: dict[str, Callable[[Event], None]] = {
    'rest.get.item/:id/files.before': list_files,
    'rest.get.item/:id/download.before': download_item,
    'rest.get.item/:id/download/:name.before': download_item,
    'rest.get.file/:id/download.before': download_file,
    'rest.get.file/:id/download/:name.before': download_file,
    'rest.get.file/hashsum/:algo/:hash/download.before': download_by_checksum,
    'rest.get.item/:id/download.after': count_archive,
    'rest.get.item/:id/download/:name.after': count_archive,
    'rest.get.folder/:id/download.after': count_archive,
    'rest.get.collection/:id/download.after': count_archive,
    'rest.get.resource/download.after': count_archive,
    'rest.post.resource/download.after': count_archive,
    'model.file.download.complete': remember_in_archive,
}
