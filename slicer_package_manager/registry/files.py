"""The one file of a package or extension, and what the item tells about it."""
from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, NamedTuple

from bson.objectid import ObjectId
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry import store
from slicer_package_manager.registry.clock import CLOCK
from slicer_package_manager.registry.listing import BATCH

logger = logging.getLogger(__name__)

#: The clients in use upload a replacement under this name, delete the old file and rename the new one.
REPLACEMENT_NAME = 'new_file'
#: How long a replaced file can still be fetched by those who were told its id.
GRACE = timedelta(minutes=10)
_ORDER = [('created', 1), ('_id', 1)]


def thing_of(file):
    """The package or extension whose file ``file`` is, or was; ``None`` for anybody else's file."""
    item_id = file.get('itemId') or ('spm' in file and file.get('attachedToId'))
    return Item().findOne({'_id': item_id, 'spm.kind': {'$exists': True}}) if item_id else None


def of_upload(upload) -> dict[str, Any] | None:
    """The file that ``upload`` changes, ``None`` if it is gone; or what is known of a new one."""
    return File().findOne({'_id': upload['fileId']}) if 'fileId' in upload else {'itemId': upload.get('parentId')}


def thing_of_upload(upload):
    """The package or extension whose file ``upload`` becomes; ``None`` for anybody else's."""
    return thing_of(of_upload(upload) or {})


class Found(NamedTuple):
    """A package or extension, the folder that says who may read it, and its file if it has one."""

    item: dict[str, Any]
    folder: dict[str, Any]
    file: dict[str, Any] | None


def of_item(item_id) -> Found | None:
    """The package or extension ``item_id`` with its current file, by one query; ``None`` if there is none."""
    found = list(Item().collection.aggregate([
        {'$match': {'_id': item_id, 'spm.kind': {'$exists': True}}}, _with('folder', 'folderId'),
        {'$lookup': {'from': 'file', 'localField': '_id', 'foreignField': 'itemId', 'as': 'files'}}]))
    if not found or not found[0]['folder']:
        return None
    item = found[0]
    (folder,), here = item.pop('folder'), item.pop('files')
    return Found(item, folder, min(here, key=_age, default=None))


def of_file(file_id) -> Found | None:
    """The file ``file_id`` with the package or extension whose it is; ``None`` if it is anybody else's."""
    found = list(File().collection.aggregate([
        {'$match': {'_id': file_id}}, _with('item', 'itemId'), _with('folder', 'item.folderId')]))
    if not found:
        return None
    file = found[0]
    items, folders = file.pop('item'), file.pop('folder')
    if items and folders:
        return Found(items[0], folders[0], file) if 'kind' in items[0].get('spm', ()) else None
    item = thing_of(file)  # a retired file lies in no item any more
    return item and Found(item, Folder().load(item['folderId'], force=True), file)


def _with(model, key):
    return {'$lookup': {'from': model, 'localField': key, 'foreignField': '_id', 'as': model}}


def _age(file):
    return file['created'], file['_id']


def current(item):
    """The file that readers of ``item`` get: its first one; ``None`` if there is none yet."""
    return File().findOne({'itemId': item['_id']}, sort=_ORDER)


def with_items(item_ids) -> dict[Any, tuple[dict[str, Any], dict[str, Any]]]:
    """The items ``item_ids`` by their ids, each with the file that readers get, ``{}`` if there is none; one query."""
    found = Item().collection.aggregate([
        {'$match': {'_id': {'$in': list(item_ids)}}},
        {'$lookup': {'from': 'file', 'localField': '_id', 'foreignField': 'itemId', 'as': 'files'}}],
        batchSize=BATCH)
    return {item['_id']: (item, min(item.pop('files'), key=_age, default={})) for item in found}


def settle(item, *, without=None) -> None:
    """Make ``item`` have one file, the newest, and tell the truth about it; may be repeated at any time.

    Only a newer file named ``new_file`` waits until its uploader deletes the older one.

    :param without: a file that is about to be deleted.
    """
    told = None
    while told != (facts := _facts(_one_file(item, without))):
        if not _tell(item, facts):
            return
        # Somebody else may have changed the files meanwhile and told so before: look again.
        told = facts


def _one_file(item, without):
    """The file that ``item`` shows once all are retired that a newer one has replaced.

    The newest may wait beside the one that is shown, and it alone.
    """
    query = {'itemId': item['_id']}
    if without is not None:
        query['_id'] = {'$ne': without['_id']}
    found = list(File().find(query, sort=_ORDER))
    waiting = len(found) > 1 and _waits(found[-1])
    for old in found[1:-1] if waiting else found[:-1]:
        retire(old)
    return found[0 if waiting else -1] if found else None


def _waits(newest):
    return newest['name'] == REPLACEMENT_NAME and not newest.get('linkUrl')


def _facts(file):
    """What an item tells about its first file."""
    return {'meta.sha512': (file or {}).get('sha512') or '', 'spm.ready': file is not None}


def _tell(item, facts) -> bool:
    """Bring ``item`` up to date by one write; gives whether it was not."""
    differs = {'$or': [{key: {'$ne': value}} for key, value in facts.items()]}
    written = Item().collection.update_one({'_id': item['_id'], 'spm.kind': {'$exists': True}, **differs},
                                           {'$set': {**facts, 'updated': store.now()}})
    return written.modified_count == 1


def retire(file) -> None:
    """Take ``file`` from its item in one atomic write; its bytes are removed after a while.

    Readers who were told its id a moment ago still get it whole.
    """
    taken = File().collection.find_one_and_update(
        {'_id': file['_id'], 'itemId': file['itemId']},
        {'$set': {'itemId': None, 'attachedToType': 'item', 'attachedToId': file['itemId'],
                  'spm': {'retired': store.now()}}})
    if taken is not None and taken.get('size'):
        item = Item().load(file['itemId'], force=True)
        if item:
            File().propagateSizeChange(item, -taken['size'])
    sweep()


def keep_old_bytes(upload) -> None:
    """Before ``upload`` replaces the content of a file: keep the old bytes for those who are reading them.

    Girder deletes them before it stores the new document. A second, retired document for the same bytes makes
    the assetstore keep them.
    """
    file = 'fileId' in upload and File().findOne({'_id': upload['fileId']})
    if not file or not file.get('assetstoreId') or thing_of(file) is None:
        return
    File().collection.insert_one({
        **file, '_id': ObjectId(), 'itemId': None, 'attachedToType': 'item', 'attachedToId': file['itemId'],
        'spm': {'retired': store.now()}})
    sweep()


def put_beside_link(upload) -> None:
    """Before ``upload`` replaces the content of a link file, which has none: make it a new file of the item.

    The link is retired once the new file is stored.
    """
    file = 'fileId' in upload and File().findOne({'_id': upload['fileId']})
    if file and file.get('linkUrl') and not file.get('assetstoreId') and thing_of(file) is not None:
        del upload['fileId']
        upload.update({'parentType': 'item', 'parentId': file['itemId']})


def sweep(older_than=GRACE) -> None:
    """Remove the files that were retired longer ago than ``older_than``, unless the clock was set meanwhile."""
    if not CLOCK.is_steady(older_than.total_seconds()):
        return
    for file in File().find({'spm.retired': {'$lte': store.now() - older_than}}):
        try:
            File().remove(file, updateItemSize=False)
        except Exception:
            logger.exception('The replaced file %s could not be removed; it is tried again later.', file['_id'])
            return  # if its storage is out of reach, each of the others would take as long to fail


def replaced_soon(file) -> bool:
    """Whether ``file`` is deleted because a newer one of its item takes its place."""
    return File().findOne({'itemId': file['itemId'], '_id': {'$ne': file['_id']}}, fields=['_id']) is not None
