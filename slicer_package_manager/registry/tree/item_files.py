"""The file of a package, and what the package's item states about it: checksum, size, and whether there is one.

Readers get the first file of an item. A second one, named ``new_file``, is a replacement whose uploader is about to
delete the first and rename it, as published clients do. Any other newer file replaces the first at once: the old one is
*detached* from the item, and can be read by its id until :mod:`file_removal` erases it.

Whatever changes the files of a package does so in one transaction, in which it writes :data:`transactions.LOCK` of the
item too:

1. :func:`with_files` reads the item with its files before the transaction, which is shorter thereby.
2. :func:`change` begins the transaction, and calls the function that changes the files.
3. That calls :func:`update_item` with the files that the item is to have, to write what the item states, and to detach
   replaced files. If the lock has changed since step 1, all is read again, in a second transaction.
4. Then it writes the files.

A change that does not know all files before, such as a rename, calls :func:`take` first and :func:`settle_taken` last.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from bson.objectid import ObjectId
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.schema.invariants import REPLACEMENT_NAME, FileFacts, files_of_package
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions
from slicer_package_manager.registry.tree import attestations, former_files, keys, sizes
from slicer_package_manager.registry.tree.types import ChannelFolder, PackageItem, StoredFile

PLACE = ('folderId', 'baseParentType', 'baseParentId')  #: The keys of the place of an item.
_TICK = timedelta(milliseconds=1)  #: The smallest difference between moments in the database.
#: The stage that reads the files of an item.
FILES = {'$lookup': {'from': 'file', 'localField': '_id', 'foreignField': 'itemId', 'as': 'files'}}
_ASSETSTORE = {'$lookup': {'from': 'assetstore', 'pipeline': [{'$match': {'current': True}}], 'as': 'assetstore'}}


def package_of(file: Mapping[str, Any]) -> PackageItem | None:
    """Return the package that ``file`` belongs to, or belonged to; ``None`` for other files."""
    found: PackageItem | None = Item().findOne(_package(file))
    return found


def _package(file: Mapping[str, Any]) -> Document:
    """The query for the package of ``file``."""
    item_id = file.get('itemId') or (file.get('attachedToId') if 'spm' in file else None)
    return {'_id': item_id, keys.PACKAGE_TYPE: {'$exists': True}}


class Package(NamedTuple):
    """A package and its files, as they were at one moment.

    :param is_attested: whether it may have attestations: unless it is known that there is none.
    """

    item: PackageItem
    files: Sequence[StoredFile]
    is_attested: bool = True

    def file(self, file_id: ObjectId) -> StoredFile | None:
        """Return the file with the id ``file_id``, ``None`` if it is not in the item."""
        return next((file for file in self.files if file['_id'] == file_id), None)

    @property
    def current(self) -> StoredFile | None:
        """The file that readers get, the first one."""
        return min(self.files, key=_age, default=None)


def with_files(file: Mapping[str, Any]) -> Package | None:
    """Return the package that ``file`` belongs to, or belonged to, with its files, by one query."""
    for item in Item().collection.aggregate([{'$match': _package(file)}, FILES, *attestations.look_up('_id')]):
        return Package(item, item.pop('files'), item.pop('attested'))
    return None


def of_upload(upload: Mapping[str, Any]) -> Package | None:
    """Return the package whose file ``upload`` becomes, with its files, by one query; ``None`` for other uploads."""
    if 'fileId' not in upload:
        return with_files({'itemId': upload.get('parentId')})
    found = of_file(upload['fileId'], to_change=True)
    return found and found.package


class Found(NamedTuple):
    """A package, the folder whose access decides who may read it, and its file if it has one.

    :param package: with all files, or with none if ``file`` is detached.
    :param assetstore: that of new files, if it was looked for.
    """

    item: PackageItem
    folder: ChannelFolder
    file: StoredFile | None
    package: Package
    assetstore: Document | None = None


def of_item(item_id: ObjectId, *, to_store: bool = False) -> Found | None:
    """Return the package ``item_id`` with its files, by one query; ``None`` if there is none.

    :param to_store: look up the assetstore of new files too, and whether there are attestations.
    """
    for item in Item().collection.aggregate([
            {'$match': {'_id': item_id, keys.PACKAGE_TYPE: {'$exists': True}}}, _with('folder', 'folderId'), FILES,
            *([_ASSETSTORE, *attestations.look_up('_id')] if to_store else ())]):
        folders, assetstores = item.pop('folder'), item.pop('assetstore', [])
        package = Package(item, item.pop('files'), item.pop('attested', True))
        return Found(item, folders[0], package.current, package, *assetstores[:1]) if folders else None
    return None


def of_file(file_id: ObjectId, *, to_change: bool = False) -> Found | None:
    """Return the file ``file_id`` with its package; ``None`` if it belongs to no package.

    :param to_change: look up whether there are attestations too.
    """
    file = next(File().collection.aggregate([
        {'$match': {'_id': file_id}}, _with('item', 'itemId'), _with('folder', 'item.folderId'),
        {**FILES, '$lookup': {**FILES['$lookup'], 'localField': 'item._id'}},
        *(attestations.look_up('item._id') if to_change else ())]), None)
    if file is None:
        return None
    items, folders, files, is_attested = (file.pop(key, True) for key in ('item', 'folder', 'files', 'attested'))
    if items and folders:
        package = Package(items[0], files, is_attested)
        return Found(items[0], folders[0], file, package) if 'kind' in items[0].get('spm', ()) else None
    item = package_of(file)  # a detached file is in no item
    return item and Found(item, Folder().load(item['folderId'], force=True), file, Package(item, ()))


def _with(model: str, key: str) -> Document:
    return {'$lookup': {'from': model, 'localField': key, 'foreignField': '_id', 'as': model}}


def _age(file: Mapping[str, Any]) -> tuple[datetime, ObjectId]:
    return file['created'], file['_id']


def later_than(others: Iterable[Mapping[str, Any]]) -> datetime:
    """Return the current time, or just after the newest of the files ``others`` if the clocks of servers differ."""
    newest = max((file['created'] for file in others), default=None)
    return max(clock.now(), newest + _TICK) if newest else clock.now()


def take(file: Mapping[str, Any]) -> PackageItem | None:
    """Take the package that ``file`` belongs to, or belonged to, for the transaction; ``None`` if there is none.

    No other transaction changes its files, or moves or deletes it, until this one ends.
    """
    taken: PackageItem | None = transactions.find_for_update(Item(), _package(file))
    return taken


def refresh(item: Document, now: Mapping[str, Any]) -> None:
    """Update the place of the package ``item``, and what it states about its files, to those of ``now``."""
    item.update({key: now[key] for key in ('spm', 'size', transactions.LOCK, *PLACE)})
    item.setdefault('meta', {})['sha512'] = now['meta'].get('sha512', '')


@transactions.atomic
def settle(item: Mapping[str, Any]) -> None:
    """Take ``item`` if it is a package, and let it follow its files, see :func:`settle_taken`."""
    taken = take({'itemId': item['_id']})
    if taken:
        settle_taken(taken)


def settle_taken(item: PackageItem) -> None:
    """Let ``item``, which was taken and not written since, follow its files, see :func:`update_item`. Idempotent."""
    update_item(item, File().find({'itemId': item['_id']}))


class _OutdatedError(Exception):
    """The files of a package have changed, or it was moved, since it was read."""


def change(package: Package, work: Callable[[Package | None], transactions.Result]) -> transactions.Result:
    """Call ``work`` in a transaction with ``package``; if its files have changed since, with the package as it is then.

    :param work: calls :func:`update_item` before other writes. It gets ``None`` if the package was deleted.
    """
    turn = package.item['_id']
    try:
        return transactions.run(partial(work, package), turn=turn)
    except _OutdatedError:
        return transactions.run(lambda: work(with_files({'itemId': turn})), turn=turn)


def update_item(item: PackageItem, files: Iterable[StoredFile], *, is_attested: bool = True) -> None:
    """Write the checksum and the size of ``item``, and whether it has a file, when its files are to be ``files``.

    All of these but the newest are detached. If the newest is named ``new_file``, the one for readers stays too, until
    its uploader deletes it. ``is_attested`` is as in :class:`Package`.
    """
    found = sorted(files, key=_age)
    waiting = len(found) > 1 and _waits(found[-1])
    _write_facts(item, _facts([found[0], found[-1]] if waiting else found[-1:]), is_attested=is_attested)
    for replaced in found[1:-1] if waiting else found[:-1]:
        detach(item, replaced, waited=_waits(replaced))


def _waits(newest: Mapping[str, Any]) -> bool:
    return newest['name'] == REPLACEMENT_NAME and not newest.get('linkUrl')


def _facts(found: list[StoredFile]) -> Document:
    """The values that an item states about its files, of which readers get the first."""
    stated = files_of_package(FileFacts(file['name'], file.get('sha512'), file.get('size')) for file in found).statement
    return {'meta.sha512': stated.sha512, keys.HAS_FILE: stated.has_file, 'size': stated.size}


def _write_facts(item: PackageItem, facts: Document, *, is_attested: bool) -> None:
    """Write ``facts`` to ``item`` if they differ, and after the commit, its size to the folders around it."""
    stated = (item['meta'].get('sha512'), item['spm'].get('ready'), item.get('size'))
    changes = {} if stated == tuple(facts.values()) else {**facts, 'updated': clock.now()}
    same = {**_package({'itemId': item['_id']}), transactions.LOCK: item.get(transactions.LOCK)}
    before = Item().collection.find_one_and_update(same, {'$set': {**changes, transactions.LOCK: ObjectId()}})
    if before is None:
        raise _OutdatedError
    if is_attested and stated[0] and stated[0] != facts['meta.sha512']:
        attestations.end([item['_id']], still=facts['meta.sha512'])
    sizes.grow_around(before, facts['size'] - before.get('size', 0))


def is_detached(file: Mapping[str, Any]) -> bool:
    """Whether ``file`` no longer belongs to an item, because another file or new content has replaced it."""
    return 'retired' in file.get('spm', ())


def detached(file: Mapping[str, Any]) -> Document:
    """The fields of ``file`` that change when it is detached from its item now."""
    return {'itemId': None, 'attachedToType': 'item', 'attachedToId': file['itemId'],
            'spm': {'retired': clock.now()}}


def detach(item: Mapping[str, Any], file: Mapping[str, Any], *, waited: bool = False) -> Document:
    """Detach ``file`` from ``item``, for which :func:`update_item` was called, and return it. Its facts are kept.

    :param waited: whether it is a replacement whose uploader may still delete the older file, see :func:`remove`.
    """
    detachment = detached(file)
    detachment['spm'].update({'facts': former_files.of_detached(item, file), **({'waited': True} if waited else {})})
    File().collection.update_one({'_id': file['_id']}, {'$set': detachment})
    return {**file, **detachment}


def detach_all(items: Sequence[Mapping[str, Any]]) -> list[Document]:
    """Detach the files of ``items``, which are deleted in the same transaction, and return them."""
    ids = {'$in': [item['_id'] for item in items]}
    files = File().find({'$or': [{'itemId': ids}, {keys.BESIDE: True, 'attachedToId': ids}]})
    found = [{**file, **detached({'itemId': file.get('itemId') or file['attachedToId']})} for file in files]
    if found:
        former_files.record_deleted(items, found)
        attestations.end(one['_id'] for one in items)
        new = detached({'itemId': {'$ifNull': ['$itemId', '$attachedToId']}}) | {'spm': {'$literal': found[0]['spm']}}
        File().collection.update_many({'_id': {'$in': [file['_id'] for file in found]}}, [{'$set': new}])
    return found


def _attach(file: Mapping[str, Any]) -> None:
    """Undo :func:`detach`."""
    gone = dict.fromkeys(detached(file).keys() - {'itemId'}, '')
    File().collection.update_one({'_id': file['_id']}, {'$set': {'itemId': file['attachedToId']}, '$unset': gone})


def is_replaced(file: Mapping[str, Any]) -> bool:
    """Whether another file of its item replaces ``file``, or has replaced it."""
    if is_detached(file) or File().findOne({'itemId': file['itemId'], '_id': {'$ne': file['_id']}}, fields=['_id']):
        return True
    return _waited(file['itemId']) is not None


def remove(package: Package, file: StoredFile) -> Document | None:
    """Remove ``file`` from ``package``, in a transaction, see :func:`change`.

    Another file takes its place if it is in the item. Or it was there as a replacement, was detached when ``file`` got
    new content, and its uploader deletes ``file`` only now: then it returns to the item.

    :returns: ``file`` as it is now if no other took its place.
    """
    left = [one for one in package.files if one is not file]
    back = None if left else _waited(package.item['_id'])
    update_item(package.item, [back] if back else left, is_attested=package.is_attested)
    if back:
        _attach(back)
    gone = detach(package.item, file)
    return None if back or left else gone


def _waited(item_id: ObjectId) -> StoredFile | None:
    """Return the newest replacement that was detached from the item before it was renamed."""
    found: StoredFile | None = File().findOne(
        {'attachedToId': item_id, 'name': REPLACEMENT_NAME, keys.WAITED: True}, sort=[('created', -1)])
    return found
