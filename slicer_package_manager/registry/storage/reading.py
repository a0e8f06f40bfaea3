"""The bytes of stored files for downloads, with the events and audit records of Girder's ``File.download``.

Girder's own function streams smaller pieces, and delivers the error message of a failing store as if it were the file.
"""
from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import NoReturn

from girder import auditLogger, events
from girder.exceptions import GirderException
from girder.models.file import File

from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.storage.store import LostError, Store
from slicer_package_manager.registry.tree import item_files

logger = logging.getLogger(__name__)

_REQUEST, _COMPLETE = 'model.file.download.request', 'model.file.download.complete'
_PLUGIN = f'{__name__.partition(".")[0]}.'


def read(file: Document, store: Store | None, start: int, stop: int) -> Callable[[], Iterator[bytes]]:
    """Open ``file`` and return a function that yields its bytes from ``start`` up to, but not including, ``stop``.

    :param store: the store that has the file; ``None`` if its assetstore was deleted.
    :raises GirderException: the store has lost the file.
    :raises NotFound: the file was deleted since ``file`` was read.
    :raises Unavailable: the store cannot be reached.
    """
    _report_request(file, start, stop)
    if store is None:
        _refuse_lost(file, LostError('its assetstore was deleted'))
    try:
        pieces = store.read(file, start, stop)
    except LostError as error:
        _refuse_lost(file, error)

    def stream() -> Iterator[bytes]:
        yield from pieces
        if stop >= file['size']:
            _report_complete(file, start, stop, redirect=False)
    return stream


def url(file: Document, store: Store, disposition: str, *, head: bool) -> str:
    """Return the URL at which ``store`` itself delivers ``file``, see :meth:`Store.url`."""
    _report_request(file, 0, None)
    found = store.url(file, disposition, head=head)
    _report_complete(file, 0, None, redirect=True)
    return found


def is_observed() -> bool:
    """Whether functions of other plugins are called for each download, which may block."""
    bound = events._mapping  # noqa: SLF001 - Girder has no function for that
    functions = (*bound.get(_REQUEST, {}).values(), *bound.get(_COMPLETE, {}).values())
    return not all(str(getattr(one, '__module__', '')).startswith(_PLUGIN)
                   for one in (*functions, *map(type, auditLogger.handlers)))


def _report_request(file: Document, start: int, stop: int | None) -> None:
    span = {'startByte': start, 'endByte': stop}
    events.trigger(_REQUEST, info={'file': file, **span})
    auditLogger.info('file.download', extra={'details': {'fileId': file['_id'], **span, 'extraParameters': None}})


def _report_complete(file: Document, start: int, stop: int | None, *, redirect: bool) -> None:
    events.trigger(_COMPLETE, info={
        'file': file, 'startByte': start, 'endByte': stop, 'redirect': redirect})


def _refuse_lost(file: Document, reason: LostError) -> NoReturn:
    now = File().findOne({'_id': file['_id']}, fields=['spm'])
    if now is None or item_files.is_detached(now):
        raise NotFound(f'"{file["name"]}" was deleted just now.')
    logger.error('The content of the file %s is missing: %s', file['_id'], reason)
    raise GirderException(f'The content of "{file["name"]}" ({file["_id"]}) is lost; upload it again.')
