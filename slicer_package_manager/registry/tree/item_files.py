"""The file of a package, and what the package's item states about it: checksum, size, and whether there is one.

Readers get the first file of an item. A second one, named ``new_file``, is a replacement whose uploader is about to
delete the first and rename it, as published clients do. Any other newer file replaces the first at once: the old one is
*detached* from the item, and can be read by its id until :func:`sweep` removes it.
"""
from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from bson.objectid import ObjectId
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.schema.invariants import REPLACEMENT_NAME, FileFacts, files_of_package
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.types import ChannelFolder, PackageItem, StoredFile

logger = logging.getLogger(__name__)

#: How long readers that got the id of a replaced file can still read it.
GRACE = timedelta(minutes=10)
_ORDER = [('created', 1), ('_id', 1)]
#: The smallest difference between moments in the database.
_TICK = timedelta(milliseconds=1)


def package_of(file: Mapping[str, Any]) -> PackageItem | None:
    """Return the package that ``file`` belongs to, or belonged to; ``None`` for other files."""
    item_id = file.get('itemId') or ('spm' in file and file.get('attachedToId'))
    if not item_id:
        return None
    found: PackageItem | None = Item().findOne({'_id': item_id, keys.PACKAGE_TYPE: {'$exists': True}})
    return found


def of_upload(upload: Mapping[str, Any]) -> Document | None:
    """Return the file that ``upload`` replaces, ``None`` if deleted; for a new file, a document with its item."""
    return File().findOne({'_id': upload['fileId']}) if 'fileId' in upload else {'itemId': upload.get('parentId')}


def package_of_upload(upload: Mapping[str, Any]) -> PackageItem | None:
    """Return the package whose file ``upload`` becomes; ``None`` for other uploads."""
    return package_of(of_upload(upload) or {})


class Found(NamedTuple):
    """A package, the folder whose access decides who may read it, and its file if it has one."""

    item: PackageItem
    folder: ChannelFolder
    file: StoredFile | None


def of_item(item_id: ObjectId) -> Found | None:
    """Return the package ``item_id`` with its current file, by one query; ``None`` if there is none."""
    found = list(Item().collection.aggregate([
        {'$match': {'_id': item_id, keys.PACKAGE_TYPE: {'$exists': True}}}, _with('folder', 'folderId'),
        {'$lookup': {'from': 'file', 'localField': '_id', 'foreignField': 'itemId', 'as': 'files'}}]))
    if not found or not found[0]['folder']:
        return None
    item = found[0]
    (folder,), here = item.pop('folder'), item.pop('files')
    return Found(item, folder, min(here, key=_age, default=None))


def of_file(file_id: ObjectId) -> Found | None:
    """Return the file ``file_id`` with its package; ``None`` if it belongs to no package."""
    found = list(File().collection.aggregate([
        {'$match': {'_id': file_id}}, _with('item', 'itemId'), _with('folder', 'item.folderId')]))
    if not found:
        return None
    file = found[0]
    items, folders = file.pop('item'), file.pop('folder')
    if items and folders:
        return Found(items[0], folders[0], file) if 'kind' in items[0].get('spm', ()) else None
    item = package_of(file)  # a detached file is in no item
    return item and Found(item, Folder().load(item['folderId'], force=True), file)


def _with(model: str, key: str) -> Document:
    return {'$lookup': {'from': model, 'localField': key, 'foreignField': '_id', 'as': model}}


def _age(file: Mapping[str, Any]) -> tuple[datetime, ObjectId]:
    return file['created'], file['_id']


def current(item: Mapping[str, Any]) -> StoredFile | None:
    """Return the file that readers of ``item`` get, its first one; ``None`` if there is none yet."""
    found: StoredFile | None = File().findOne({'itemId': item['_id']}, sort=_ORDER)
    return found


def with_items(item_ids: Iterable[ObjectId]) -> dict[ObjectId, tuple[Document, Document]]:
    """Return items by id, each with the file that readers get, ``{}`` if there is none. One query."""
    found = Item().collection.aggregate([
        {'$match': {'_id': {'$in': list(item_ids)}}},
        {'$lookup': {'from': 'file', 'localField': '_id', 'foreignField': 'itemId', 'as': 'files'}}],
        batchSize=BATCH)
    return {item['_id']: (item, min(item.pop('files'), key=_age, default={})) for item in found}


def later_than(others: Iterable[Mapping[str, Any]]) -> datetime:
    """Return the current time, or just after the newest of the files ``others`` if the clocks of servers differ."""
    newest = max((file['created'] for file in others), default=None)
    return max(clock.now(), newest + _TICK) if newest else clock.now()


def settle(item: Mapping[str, Any]) -> None:
    """Reconcile ``item`` with its files: keep the newest; refresh its checksum, its size and whether it is ready.

    Idempotent. Only a newer file named ``new_file`` waits until its uploader deletes the older one.
    """
    written = None
    while written != (facts := _facts(_attached(item))):
        if not _write_facts(item, facts):
            return
        # Another process may have changed the files and written its facts before these: read them again.
        written = facts


def _attached(item: Mapping[str, Any]) -> list[StoredFile]:
    """Detach the files of ``item`` that a newer one has replaced, and return the others, the one for readers first.

    At most two are left: the one for readers, and a replacement that waits.
    """
    while True:
        found = list(File().find({'itemId': item['_id']}, sort=_ORDER))
        waiting = len(found) > 1 and _waits(found[-1])
        replaced = found[1:-1] if waiting else found[:-1]
        # A file that got new content since it was read may be the newest now.
        if all(detach(old, waited=_waits(old), created=old['created']) for old in replaced):
            return [found[0], found[-1]] if waiting else found[-1:]


def _waits(newest: Mapping[str, Any]) -> bool:
    return newest['name'] == REPLACEMENT_NAME and not newest.get('linkUrl')


def _facts(found: list[StoredFile]) -> Document:
    """The values that an item states about its files, of which readers get the first."""
    stated = files_of_package(FileFacts(file['name'], file.get('sha512'), file.get('size')) for file in found).statement
    return {'meta.sha512': stated.sha512, keys.HAS_FILE: stated.has_file, 'size': stated.size}


def _write_facts(item: Mapping[str, Any], facts: Document) -> bool:
    """Write ``facts`` to ``item`` and its size to the folders around it; return whether they differed."""
    differs = {'$or': [{key: {'$ne': value}} for key, value in facts.items()]}
    before = Item().collection.find_one_and_update(
        {'_id': item['_id'], keys.PACKAGE_TYPE: {'$exists': True}, **differs},
        {'$set': {**facts, 'updated': clock.now()}})
    if before is None:
        return False
    grown = facts['size'] - before.get('size', 0)
    if grown:
        File().propagateSizeChange(before, grown, updateItemSize=False)
    return True


def is_detached(file: Mapping[str, Any]) -> bool:
    """Whether ``file`` no longer belongs to an item, because another file or new content has replaced it."""
    return 'retired' in file.get('spm', ())


def detached(file: Mapping[str, Any]) -> Document:
    """The fields of ``file`` that change when it is detached from its item now."""
    return {'itemId': None, 'attachedToType': 'item', 'attachedToId': file['itemId'],
            'spm': {'retired': clock.now()}}


def detach(file: Mapping[str, Any], *, waited: bool = False, **still: object) -> StoredFile | None:
    """Detach ``file`` from its item by one atomic write, and return it as it was.

    Readers that got its id before can still read it; :func:`sweep` removes it later. Call :func:`settle` afterwards.

    :param waited: whether it is a replacement whose uploader may still delete the older file, see
        :func:`detach_for_successor`.
    :param still: values that the file must still have.
    :returns: ``None`` if it is no longer in the item or has other values.
    """
    detachment = detached(file)
    detachment['spm'].update({'waited': True} if waited else {})
    taken: StoredFile | None = File().collection.find_one_and_update(
        {'_id': file['_id'], 'itemId': file['itemId'], **still}, {'$set': detachment})
    sweep()
    return taken


def detach_all(items: Iterable[Mapping[str, Any]]) -> list[Document]:
    """Detach the files of ``items``, which are deleted in the same transaction, and return them."""
    here = {'itemId': {'$in': [item['_id'] for item in items]}}
    found = [{**file, **detached(file)} for file in File().find(here)]
    if found:
        values = {**detached({'itemId': None}), 'attachedToId': '$itemId', 'spm': {'$literal': found[0]['spm']}}
        File().collection.update_many(here, [{'$set': values}])
    return found


def attach(file: StoredFile) -> None:
    """Undo :func:`detach`, which has returned ``file``."""
    back = {key: file[key] for key in ('itemId', 'spm') if key in file}
    removed = {key: '' for key in detached(file) if key not in back}
    File().collection.update_one({'_id': file['_id']}, {'$set': back, '$unset': removed})


def sweep(older_than: timedelta = GRACE) -> None:
    """Remove the files that were detached before ``older_than``, unless the clock was set since.

    Removes their bytes too, so it waits for the end of a transaction.
    """
    transactions.after_commit(lambda: _sweep(older_than))


def _sweep(older_than: timedelta) -> None:
    if not clock.CLOCK.is_steady(older_than.total_seconds()):
        return
    for file in File().find({keys.DETACHED: {'$lte': clock.now() - older_than}}):
        try:
            File().remove(file, updateItemSize=False)
        except Exception:
            logger.exception('The replaced file %s could not be removed. The server will try again.', file['_id'])
            return  # if its storage is out of reach, each of the others would take as long to fail


def is_replaced(file: Mapping[str, Any]) -> bool:
    """Whether another file of its item replaces ``file``, or has replaced it."""
    return is_detached(file) or _successor(file) is not None


def detach_for_successor(item: Mapping[str, Any], file: Mapping[str, Any]) -> bool:
    """Detach ``file`` from ``item`` if another file replaces it, so that the item has one at each moment.

    The other file is in the item; or it was there as a replacement, was detached when ``file`` got new content, and its
    uploader deletes ``file`` only now. Then the replacement returns to the item.

    :returns: whether ``file`` was detached.
    """
    now: Mapping[str, Any] | None = file
    while now and now.get('itemId') == item['_id']:
        successor = _successor(now)
        if successor is None:
            return False
        if is_detached(successor) or (_waits(successor) and _age(successor) < _age(now)):
            # As the newer of the two: otherwise, another process detaches it in favor of ``file``.
            _reattach(successor, now)
        # A file that got new content since it was read may be the newest now, with no other left in its item.
        elif detach(now, created=now['created']):
            break
        now = File().findOne({'_id': file['_id']})
    settle(item)
    return True


def _successor(file: Mapping[str, Any]) -> StoredFile | None:
    """Return another file in the item of ``file``; else the newest detached replacement that was not renamed."""
    beside = File().findOne({'itemId': file['itemId'], '_id': {'$ne': file['_id']}})
    found: StoredFile | None = beside or File().findOne(
        {'attachedToId': file['itemId'], 'name': REPLACEMENT_NAME, keys.WAITED: True}, sort=[('created', -1)])
    return found


def _reattach(replacement: Mapping[str, Any], file: Mapping[str, Any]) -> None:
    """Put ``replacement`` beside ``file``, as the newer of the two, unless that has changed."""
    back = detached({'itemId': None}).keys() - {'itemId'} if is_detached(replacement) else ()
    File().collection.update_one(
        {key: replacement[key] for key in ('_id', 'itemId', 'created')},
        {'$set': {'itemId': file['itemId'], 'created': later_than([file])},
         **({'$unset': dict.fromkeys(back, '')} if back else {})})
