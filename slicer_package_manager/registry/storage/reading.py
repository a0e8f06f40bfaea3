"""The bytes of files that an assetstore keeps, handed out as Girder does it, in larger pieces."""
from __future__ import annotations

import logging
from itertools import chain, islice
from typing import NoReturn

from girder import auditLogger, events
from girder.exceptions import GirderException
from girder.models.file import File

from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.storage.filesystem import Disk
from slicer_package_manager.registry.storage.s3_bucket import LostError
from slicer_package_manager.registry.tree import item_files

logger = logging.getLogger(__name__)

#: Each piece costs a way through Python's layers, and each transfer under way holds one in memory.
PIECE = 256 * 1024


def on_disk(adapter) -> bool:
    """Whether ``adapter`` keeps its files where this server can read them."""
    return isinstance(adapter, Disk)


def read(file, adapter, start: int, stop: int):
    """A function that gives the bytes of ``file`` from ``start`` up to, and without, ``stop``.

    Tells the audit log and the handlers of Girder's events what ``File.download`` tells them.

    :param adapter: that of the assetstore which has the file.
    :raises GirderException: the assetstore has lost the file.
    :raises NotFound: the file was deleted since ``file`` was read.
    :raises Unavailable: its folder is out of reach.
    """
    about = {'startByte': start, 'endByte': stop}
    events.trigger('model.file.download.request', info={'file': file, **about})
    auditLogger.info('file.download', extra={
        'details': {'fileId': file['_id'], **about, 'extraParameters': None}})
    try:
        pieces = (_pieces(file, adapter, start, stop) if on_disk(adapter)
                  else adapter.downloadFile(file, offset=start, endByte=stop, headers=False))
    except LostError as error:
        _refuse_lost(file, error)

    def stream():
        yield from pieces()
        if stop >= file['size']:
            events.trigger('model.file.download.complete', info={'file': file, **about, 'redirect': False})
    return stream


def location(file, adapter, disposition: str, *, head: bool) -> str:
    """A URL where the object storage of ``adapter`` hands out ``file``, see :meth:`object_storage.Adapter.location`.

    Tells the audit log and the handlers of Girder's events what ``File.download`` tells them.
    """
    about = {'startByte': 0, 'endByte': None}
    events.trigger('model.file.download.request', info={'file': file, **about})
    auditLogger.info('file.download', extra={
        'details': {'fileId': file['_id'], **about, 'extraParameters': None}})
    found = adapter.location(file, disposition, head=head)
    events.trigger('model.file.download.complete', info={'file': file, **about, 'redirect': True})
    return found


def _refuse_lost(file, reason) -> NoReturn:
    now = File().findOne({'_id': file['_id']}, fields=['spm'])
    if now is None or item_files.is_detached(now):
        raise NotFound(f'"{file["name"]}" was deleted in this moment.')
    logger.error('The content of the file %s is missing: %s', file['_id'], reason)
    raise GirderException(f'The content of "{file["name"]}" ({file["_id"]}) is lost; upload it again.')


def _pieces(file, adapter, start, stop):
    adapter.require()
    pieces = _read(file, adapter.fullPath(file), start, stop)
    try:
        first = list(islice(pieces, 1))  # from now on the file is open, and may be deleted
    except FileNotFoundError as error:
        _refuse_lost(file, error)
    return lambda: chain(first, pieces)


def _read(file, path, start, stop):
    left = stop - start
    with open(path, 'rb', buffering=0) as content:  # noqa: PTH123 - a path object would cost more
        content.seek(start)
        while left and (piece := content.read(min(PIECE, left))):
            left -= len(piece)
            yield piece
    if left:
        raise GirderException(f'The content of the file {file["_id"]} ends {left} bytes too early.')
