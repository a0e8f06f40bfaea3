"""Removal of the uploads that their clients have abandoned."""
from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from girder.exceptions import ValidationException
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import background, clock, settings
from slicer_package_manager.registry.storage import file_removal, stores
from slicer_package_manager.registry.tree import item_files, registration

logger = logging.getLogger(__name__)

#: Between two searches for replaced files and old uploads, in seconds.
_PAUSE = file_removal.GRACE.total_seconds()
#: For how long old uploads stay after the clock was set, in seconds. Uploads that continue are updated by then.
_SETTLED = 3600
#: After this time, no document will refer to a temporary file that has none.
_UNKNOWN = timedelta(days=1)


def start_cleanup() -> None:
    """Start a thread that cancels abandoned uploads and erases replaced files, as long as this process runs."""
    background.repeat(_clean_up, _PAUSE, 'old-uploads',
                      'Abandoned uploads could not be canceled. The next attempt is in ten minutes.')


def _clean_up() -> None:
    file_removal.sweep()
    cancel_abandoned()


def cancel_abandoned() -> int:
    """Cancel the uploads to packages that were not updated for ``upload_max_age`` days, and remove their bytes.

    This includes all uploads whose item or folder no longer exists. Several servers may do this at the same time.

    :returns: how many were canceled.
    """
    days = settings.get(settings.UPLOAD_MAX_AGE)
    if not days or not clock.CLOCK.is_steady(_SETTLED):
        return 0
    limit = clock.now() - timedelta(days=days)
    old = Upload().find({'updated': {'$lt': limit}})
    canceled = 0
    for upload in old:
        if not _belongs_to_others(upload) and not _is_written(upload, limit) and _claim(upload):
            cancel(upload)
            canceled += 1
    for store in stores.every_store():
        store.remove_leftovers(max(timedelta(days=days), _UNKNOWN))
    if canceled:
        logger.warning('%d uploads that were not updated for %d days were canceled.', canceled, days)
    return canceled


def _claim(upload: Document) -> bool:
    """Claim ``upload`` for this process, unless it was updated; after a crash it becomes old once more."""
    unchanged = {'_id': upload['_id'], 'updated': upload['updated']}
    return bool(Upload().collection.update_one(unchanged, {'$set': {'updated': clock.now()}}).modified_count)


def _belongs_to_others(upload: Document) -> bool:
    """Whether ``upload`` goes to an existing place that is no part of an application."""
    file = File().findOne({'_id': upload['fileId']}) if 'fileId' in upload else {'itemId': upload.get('parentId')}
    if file is None:
        return False
    if upload.get('parentType') == 'folder':
        folder = Folder().findOne({'_id': upload['parentId']}, fields=['spm'])
        return folder is not None and registration.role(folder) is None
    if upload.get('parentType', 'item') != 'item':
        return True
    item = Item().findOne({'_id': file.get('itemId')}, fields=['_id'])
    return item is not None and item_files.package_of(file) is None


def _is_written(upload: Document, limit: datetime) -> bool:
    """Whether bytes of a chunk of ``upload``, which is not complete, have arrived since ``limit``."""
    part = Path(upload.get('tempFile') or '/')
    return part.is_file() and part.stat().st_mtime >= limit.timestamp()


def cancel(upload: Document) -> None:
    """Cancel ``upload``, and remove bytes that were already stored for it, unless a file has them."""
    store = stores.of_file(upload)
    if store:
        with suppress(ValidationException):  # as Girder does
            store.cancelUpload(upload)
    Upload().remove(upload)
    if store:
        store.discard(upload)
