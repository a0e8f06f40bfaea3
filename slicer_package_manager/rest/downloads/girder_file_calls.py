"""Girder's own calls for files, where they promise more for packages and extensions.

Bound to the events that Girder gives before and after its handlers; other people's files pass through untouched.
"""
import logging
from functools import wraps

from girder import events
from girder.api.rest import getCurrentUser
from girder.exceptions import RestException
from girder.models.file import File

from slicer_package_manager.registry.downloads import counter, rules
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.pagination import Listing
from slicer_package_manager.registry.schema.validators import object_id
from slicer_package_manager.registry.tree import access, item_files
from slicer_package_manager.rest.downloads.delivery import deliver
from slicer_package_manager.rest.middleware import request_state
from slicer_package_manager.rest.middleware.permissions import permitted
from slicer_package_manager.rest.middleware.response_cache import list_response

logger = logging.getLogger(__name__)

_DISPOSITIONS = ('attachment', 'inline')


def found_by_id(event, find, operation):
    """What ``find`` makes of the id in the path, if it is of a package or extension; else ``None``.

    :raises AccessException: the user does not have the access to it that ``operation`` needs.
    """
    identifier = object_id(event.info.get('id'))
    found = identifier and find(identifier)
    if found and not access.allows(operation, found.folder, getCurrentUser()):
        access.require(operation, found.item, getCurrentUser())
    return found or None


@permitted(access.LIST_FILES)
def list_files(event):
    """``GET /item/:id/files``: who cannot write to the item sees exactly one file, also during a replacement."""
    def find():
        found = found_by_id(event, item_files.of_item, access.LIST_FILES)
        if not found or access.allows(access.LIST_REPLACEMENTS, found.folder, getCurrentUser()):
            return None
        return Listing([found.file], 1) if found.file else Listing.empty()
    answer = list_response(File(), find)
    if answer is not None:
        event.preventDefault().addResponse(answer)


@permitted(access.DOWNLOAD_FILE, cookie=True)
def download_item(event):
    """``GET /item/:id/download`` and ``.../download/:name``: the item's file; 404 if it has none, no empty archive."""
    found = found_by_id(event, item_files.of_item, access.DOWNLOAD_FILE)
    if found and found.file is None:
        raise NotFound(f'"{found.item["name"]}" has no file yet; its upload is not complete.')
    if found and not event.info['params'].get('format'):
        _answer(event, found.item, found.file)


def add_named_download(items) -> None:
    """Add ``GET /item/:id/download/:name``: Girder has it for files only.

    Programs that save under the last part of an address use it.
    """
    @wraps(items.download)
    def download(name, **kwargs):  # noqa: ARG001 - any name will do
        return items.download(**kwargs)
    items.route('GET', (':id', 'download', ':name'), download, nodoc=True)


@permitted(access.DOWNLOAD_FILE, cookie=True)
def download_file(event):
    """``GET /file/:id/download`` and ``.../download/:name``."""
    found = found_by_id(event, item_files.of_file, access.DOWNLOAD_FILE)
    if found:
        _answer(event, found.item, found.file)


@permitted(access.DOWNLOAD_FILE, cookie=True)
def download_by_checksum(event):
    """``GET /file/hashsum/sha512/:hash/download``: the first such file of a package that the user may read."""
    if event.info.get('algo', '').lower() != 'sha512':
        return
    for file in File().find({'sha512': event.info['hash'].lower()}):
        item = item_files.package_of(file)
        if item and access.allows(access.DOWNLOAD_FILE, item, getCurrentUser()):
            _answer(event, item, file)
            return


def _answer(event, item, file):
    params = event.info['params']
    request_state.current().is_package_sent = True
    disposition = params.get('contentDisposition') or 'attachment'
    if disposition not in _DISPOSITIONS:
        raise RestException(f'contentDisposition must be one of {", ".join(_DISPOSITIONS)}.')
    event.preventDefault().addResponse(deliver(item, file, disposition, _bounds(params)))


def _bounds(params):
    """Girder's parameters ``offset`` and ``endByte`` (not included)."""
    try:
        start = int(params.get('offset') or 0)
        stop = int(params['endByte']) if params.get('endByte') else None
    except ValueError:
        raise RestException('offset and endByte must be whole numbers.') from None
    if start < 0 or (stop or 0) < 0:
        raise RestException('offset and endByte must not be negative.')
    return start, stop


def count_archive(event):
    """After an archive was prepared: each package in it counts once all of it was sent."""
    stream = event.info['returnVal']
    if callable(stream) and not request_state.current().is_package_sent:
        event.preventDefault().addResponse(lambda: _counted(stream))


def _counted(stream):
    found = request_state.current().archived_packages = []
    yield from stream()
    for item in found:
        counter.count(item)


def remember_in_archive(event):
    """After the bytes of a file went into an archive."""
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


HANDLERS = {
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


def bind():
    """Bind all handlers."""
    for name, handler in HANDLERS.items():
        events.bind(name, 'slicer_package_manager', handler)
