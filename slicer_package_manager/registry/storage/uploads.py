"""Uploads that go on after a crash, and the end of those that nobody goes on with."""
from __future__ import annotations

import logging
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pymongo
from girder.exceptions import ValidationException
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload

from slicer_package_manager.registry.server import clock, settings
from slicer_package_manager.registry.storage import stores
from slicer_package_manager.registry.tree import item_files, registration

logger = logging.getLogger(__name__)

#: Between two looks for old uploads, in seconds.
_PAUSE = 3600
#: For how long old uploads are let alone after the clock was set, in seconds: those that go on move meanwhile.
_SETTLED = 3600
#: What is in no upload's document may be in one soon; not any more after this.
_UNKNOWN = timedelta(days=1)
_WITH_FILES = (
    {'$match': {'spm.kind': {'$exists': True}}},
    {'$lookup': {'from': 'file', 'localField': '_id', 'foreignField': 'itemId', 'as': 'files'}},
)
_NUMBER = {'$size': '$files'}
#: What :func:`item_files.settle` would change of an item with its files. Several files are rare, and left to it.
_UNTRUE = {'$or': [
    {'$gt': [_NUMBER, 1]},
    {'$ne': ['$size', {'$sum': '$files.size'}]},
    {'$ne': ['$spm.ready', {'$gt': [_NUMBER, 0]}]},
    {'$ne': ['$meta.sha512', {'$ifNull': [{'$arrayElemAt': ['$files.sha512', 0]}, '']}]},
]}


def settle_interrupted() -> None:
    """Settle the packages that tell of other files than they have, as a server that was killed has left them.

    The database finds them, among all.
    """
    with pymongo.timeout(_PAUSE):
        for item in Item().collection.aggregate([*_WITH_FILES, {'$match': {'$expr': _UNTRUE}}]):
            item_files.settle(item)


def look_after() -> None:
    """Have old uploads given up from now on, as long as this process lives."""
    threading.Thread(target=_look_after, name='old-uploads', daemon=True).start()


def _look_after():
    while True:
        try:
            settle_interrupted()
            give_up_old()
        except Exception:
            logger.exception('Old uploads could not be given up; it is tried again later.')
        threading.Event().wait(_PAUSE)


def give_up_old() -> int:
    """Give up the uploads to the registry that have not moved for ``upload_max_age`` days, and remove their bytes.

    Uploads whose item or folder is gone go too, whoever's they are. Several servers may do this at the same time.

    :returns: how many were given up.
    """
    days = settings.get(settings.UPLOAD_MAX_AGE)
    if not days or not clock.CLOCK.is_steady(_SETTLED):
        return 0
    limit = clock.now() - timedelta(days=days)
    old = Upload().find({'updated': {'$lt': limit}})
    given_up = sum(_claim(upload) and give_up(upload) for upload in old
                   if not _belongs_to_others(upload) and not _is_written(upload, limit))
    for store in stores.every_store():
        store.remove_leftovers(max(timedelta(days=days), _UNKNOWN))
    if given_up:
        logger.warning('%d uploads that had not moved for %d days were given up.', given_up, days)
    return given_up


def _claim(upload) -> bool:
    """Take ``upload`` for this process, unless it has moved; should the process be killed, it gets old once more."""
    unmoved = {'_id': upload['_id'], 'updated': upload['updated']}
    return Upload().collection.update_one(unmoved, {'$set': {'updated': clock.now()}}).modified_count == 1


def _belongs_to_others(upload) -> bool:
    """Whether ``upload`` goes to a place that is there, and no part of the registry."""
    file = item_files.of_upload(upload)
    if file is None:
        return False
    if upload.get('parentType') == 'folder':
        folder = Folder().findOne({'_id': upload['parentId']}, fields=['spm'])
        return folder is not None and registration.role(folder) is None
    if upload.get('parentType', 'item') != 'item':
        return True
    item = Item().findOne({'_id': file.get('itemId')}, fields=['_id'])
    return item is not None and item_files.package_of(file) is None


def _is_written(upload, limit) -> bool:
    """Whether bytes of ``upload`` have come since ``limit``, of a piece that has not arrived whole."""
    part = Path(upload.get('tempFile') or '/')
    return part.is_file() and part.stat().st_mtime >= limit.timestamp()


def give_up(upload) -> bool:
    """Cancel ``upload``, and remove bytes that were already stored for it, unless a file has them."""
    store = stores.of_upload(upload)
    if store:
        with suppress(ValidationException):  # as Girder does
            store.cancelUpload(upload)
    Upload().remove(upload)
    if store:
        store.discard(upload)
    return True
