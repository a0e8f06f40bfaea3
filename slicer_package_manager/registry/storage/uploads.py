"""Uploads that go on after a crash, and the end of those that nobody goes on with."""
from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pymongo
from girder.constants import AssetstoreType
from girder.models.assetstore import Assetstore
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload
from girder.utility import _hash_state

from slicer_package_manager.registry.server import settings
from slicer_package_manager.registry.server.clock import CLOCK
from slicer_package_manager.registry.storage import filesystem
from slicer_package_manager.registry.tree import documents, item_files, registration

logger = logging.getLogger(__name__)

_PIECE = 1024 * 1024
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


def mend_checksum(upload) -> None:
    """Where the disk has lost the end of what arrived of ``upload``: make it know what is left, and its checksum.

    Girder lets the client go on after what the disk has, and would end up with a wrong checksum.
    """
    part = upload.get('tempFile')
    if not part or not upload.get('sha512state') or not Path(part).is_file():
        return
    size = Path(part).stat().st_size
    if size < upload['received']:
        known = {'received': size, 'sha512state': _hash_state.serializeHex(_digest(part))}
        Upload().update({'_id': upload['_id'], 'received': upload['received']}, {'$set': known}, multi=False)


def _digest(path):
    digest = hashlib.sha512()
    with Path(path).open('rb') as content:
        while piece := content.read(_PIECE):
            digest.update(piece)
    return digest


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
    if not days or not CLOCK.is_steady(_SETTLED):
        return 0
    limit = documents.now() - timedelta(days=days)
    old = Upload().find({'updated': {'$lt': limit}})
    given_up = sum(_claim(upload) and give_up(upload) for upload in old
                   if not _belongs_to_others(upload) and not _is_written(upload, limit))
    for path in leftovers(max(timedelta(days=days), _UNKNOWN)):
        path.unlink(missing_ok=True)
    if given_up:
        logger.warning('%d uploads that had not moved for %d days were given up.', given_up, days)
    return given_up


def _claim(upload) -> bool:
    """Take ``upload`` for this process, unless it has moved; should the process be killed, it gets old once more."""
    unmoved = {'_id': upload['_id'], 'updated': upload['updated']}
    return Upload().collection.update_one(unmoved, {'$set': {'updated': documents.now()}}).modified_count == 1


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
    return item_files.thing_of(file) is None and Item().findOne({'_id': file.get('itemId')}, fields=['_id']) is not None


def _is_written(upload, limit) -> bool:
    """Whether bytes of ``upload`` have come since ``limit``, of a piece that has not arrived whole."""
    part = Path(upload.get('tempFile') or '/')
    return part.is_file() and part.stat().st_mtime >= limit.timestamp()


def give_up(upload) -> bool:
    """Forget ``upload``, and remove the bytes that nobody else speaks of."""
    key = upload.get('s3', {}).get('key')
    if key and File().findOne({'assetstoreId': upload['assetstoreId'], 's3Key': key}, fields=['_id']):
        Upload().remove(upload)  # it is a file by now, whose bytes Girder would remove with the upload
        return True
    Upload().cancelUpload(upload)
    remove_bytes(upload)
    return True


def remove_bytes(upload) -> None:
    """Remove the bytes that were put in their place for ``upload``, which is forgotten, unless a file has them."""
    place = Assetstore().load(upload['assetstoreId'])
    sha512 = upload.get('sha512')
    if place and place['type'] == AssetstoreType.FILESYSTEM and sha512:
        path = Path(place['root'], sha512[:2], sha512[2:4], sha512)
        if path.is_file():
            filesystem.remove_unused(path, sha512, place['_id'])


def leftovers(age: timedelta = _UNKNOWN) -> Iterator[Path]:
    """Files for uploads, in the assetstores on disk, that belong to no upload and have not changed for ``age``."""
    known = {upload.get('tempFile') for upload in Upload().find({}, fields=['tempFile'])}
    for place in Assetstore().find({'type': AssetstoreType.FILESYSTEM}):
        for path in Path(place['root'], filesystem.TEMPORARY).glob('*'):
            if str(path) not in known and time.time() - path.stat().st_mtime > age.total_seconds():
                yield path
