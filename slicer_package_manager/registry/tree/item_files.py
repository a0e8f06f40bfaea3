"""The file of a package, and what the package's item states about it: checksum, size, and whether there is one.

Readers get the first file of an item. A second one, named ``new_file``, is a replacement whose uploader is about to
delete the first and rename it, as published clients do. Any other newer file replaces the first at once: the old one is
*detached* from the item, and can be read by its id until :mod:`file_removal` erases it.

Whatever changes the files of a package does so in one transaction: it takes the package (:func:`take`), changes the
files, and lets the package follow (:func:`settle_taken`).
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
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

#: The keys of the place of an item.
PLACE = ('folderId', 'baseParentType', 'baseParentId')
_ORDER = [('created', 1), ('_id', 1)]
#: The smallest difference between moments in the database.
_TICK = timedelta(milliseconds=1)


def package_of(file: Mapping[str, Any]) -> PackageItem | None:
    """Return the package that ``file`` belongs to, or belonged to; ``None`` for other files."""
    query = _package(file)
    found: PackageItem | None = Item().findOne(query) if query else None
    return found


def _package(file: Mapping[str, Any]) -> Document | None:
    """The query for the package of ``file``, ``None`` if it is in no item."""
    item_id = file.get('itemId') or ('spm' in file and file.get('attachedToId'))
    return {'_id': item_id, keys.PACKAGE_TYPE: {'$exists': True}} if item_id else None


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


def take(file: Mapping[str, Any]) -> PackageItem | None:
    """Take the package that ``file`` belongs to, or belonged to, for the transaction; ``None`` if there is none.

    No other transaction changes its files, or moves or deletes it, until this one ends.
    """
    query = _package(file)
    taken: PackageItem | None = transactions.find_for_update(Item(), query) if query else None
    return taken


def refresh(item: Document, now: Mapping[str, Any]) -> None:
    """Update the place of the package ``item``, and what it states about its files, to those of ``now``."""
    item.update({key: now[key] for key in ('spm', 'size', *PLACE)})
    item.setdefault('meta', {})['sha512'] = now['meta'].get('sha512', '')


@transactions.atomic
def settle(item: Mapping[str, Any]) -> None:
    """Take ``item`` if it is a package, and let it follow its files, see :func:`settle_taken`."""
    taken = take({'itemId': item['_id']})
    if taken:
        settle_taken(taken)


def settle_taken(item: Mapping[str, Any]) -> None:
    """Detach all files of ``item`` but the newest; update its checksum, its size and whether it has a file. Idempotent.

    If the newest is named ``new_file``, the one for readers stays too, until its uploader deletes it.
    """
    found = list(File().find({'itemId': item['_id']}, sort=_ORDER))
    waiting = len(found) > 1 and _waits(found[-1])
    for replaced in found[1:-1] if waiting else found[:-1]:
        detach(replaced, waited=_waits(replaced))
    _write_facts(item, _facts([found[0], found[-1]] if waiting else found[-1:]))


def _waits(newest: Mapping[str, Any]) -> bool:
    return newest['name'] == REPLACEMENT_NAME and not newest.get('linkUrl')


def _facts(found: list[StoredFile]) -> Document:
    """The values that an item states about its files, of which readers get the first."""
    stated = files_of_package(FileFacts(file['name'], file.get('sha512'), file.get('size')) for file in found).statement
    return {'meta.sha512': stated.sha512, keys.HAS_FILE: stated.has_file, 'size': stated.size}


def _write_facts(item: Mapping[str, Any], facts: Document) -> None:
    """Write ``facts`` to ``item`` if they differ, and after the commit, its size to the folders around it."""
    differs = {'$or': [{key: {'$ne': value}} for key, value in facts.items()]}
    before = Item().collection.find_one_and_update(
        {'_id': item['_id'], **differs}, {'$set': {**facts, 'updated': clock.now()}})
    grown = before and facts['size'] - before.get('size', 0)
    if grown:  # uploads to one collection at the same time would wait for each other
        transactions.after_commit(partial(File().propagateSizeChange, before, grown, updateItemSize=False))


def is_detached(file: Mapping[str, Any]) -> bool:
    """Whether ``file`` no longer belongs to an item, because another file or new content has replaced it."""
    return 'retired' in file.get('spm', ())


def detached(file: Mapping[str, Any]) -> Document:
    """The fields of ``file`` that change when it is detached from its item now."""
    return {'itemId': None, 'attachedToType': 'item', 'attachedToId': file['itemId'],
            'spm': {'retired': clock.now()}}


def detach(file: Mapping[str, Any], *, waited: bool = False) -> Document:
    """Detach ``file`` from its item, which was taken, and return it. Call :func:`settle_taken` afterwards.

    :param waited: whether it is a replacement whose uploader may still delete the older file, see
        :func:`detach_for_successor`.
    """
    detachment = detached(file)
    detachment['spm'].update({'waited': True} if waited else {})
    File().collection.update_one({'_id': file['_id']}, {'$set': detachment})
    return {**file, **detachment}


def detach_all(items: Iterable[Mapping[str, Any]]) -> list[Document]:
    """Detach the files of ``items``, which are deleted in the same transaction, and return them."""
    here = {'itemId': {'$in': [item['_id'] for item in items]}}
    found = [{**file, **detached(file)} for file in File().find(here)]
    if found:
        values = {**detached({'itemId': None}), 'attachedToId': '$itemId', 'spm': {'$literal': found[0]['spm']}}
        File().collection.update_many(here, [{'$set': values}])
    return found


def _attach(file: Mapping[str, Any]) -> None:
    """Undo :func:`detach`."""
    gone = dict.fromkeys(detached(file).keys() - {'itemId'}, '')
    File().collection.update_one({'_id': file['_id']}, {'$set': {'itemId': file['attachedToId']}, '$unset': gone})


def is_replaced(file: Mapping[str, Any]) -> bool:
    """Whether another file of its item replaces ``file``, or has replaced it."""
    return is_detached(file) or _successor(file) is not None


def detach_for_successor(file: Mapping[str, Any]) -> bool:
    """Detach ``file`` from its item, which was taken, if another file replaces it.

    The other file is in the item; or it was there as a replacement, was detached when ``file`` got new content, and its
    uploader deletes ``file`` only now. Then the replacement returns to the item.

    :returns: whether ``file`` was detached.
    """
    successor = _successor(file)
    if successor is None:
        return False
    if is_detached(successor):
        _attach(successor)
    detach(file)
    return True


def _successor(file: Mapping[str, Any]) -> StoredFile | None:
    """Return another file in the item of ``file``; else the newest detached replacement that was not renamed."""
    beside = File().findOne({'itemId': file['itemId'], '_id': {'$ne': file['_id']}})
    found: StoredFile | None = beside or File().findOne(
        {'attachedToId': file['itemId'], 'name': REPLACEMENT_NAME, keys.WAITED: True}, sort=[('created', -1)])
    return found
