"""Copies of folders to and from places of packages, each in one transaction.

1. Girder's own code makes the folder of the copy. Its registration depends on its metadata, which Girder would add
   later: without a revision, a draft would be taken for that of its name. So :func:`add_metadata` adds it at once.
2. Take the packages, so that no other transaction deletes or replaces a file that is copied.
3. Insert the documents of the copies by a few statements. A copied file shares the bytes of the original.
4. Register the copies for their new place (:mod:`consistency`). If that is refused, nothing was copied.
5. After the commit, trigger Girder's events, and add the size to that of the collection.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from copy import deepcopy
from functools import partial
from typing import Any

from bson.objectid import ObjectId
from girder import auditLogger, events
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.model_base import Model

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions
from slicer_package_manager.registry.tree import attestations, consistency, documents, keys, sizes
from slicer_package_manager.registry.tree.registration import ORIGIN, package_type_in

#: The folder that is copied, until its copy was made.
_source: ContextVar[Mapping[str, Any] | None] = ContextVar('source', default=None)


def copy_folder(source: Mapping[str, Any], copy: Callable[[], Document]) -> Document:
    """Copy the folder ``source`` by ``copy``, a call of Girder's own method, in a transaction."""
    def copied() -> Document:
        token = _source.set(source)
        try:
            return copy()
        finally:
            _source.reset(token)
    return transactions.run(copied)


def add_metadata(folder: Document) -> None:
    """Give ``folder``, which is about to be saved, the metadata of its original if it is a new copy."""
    source = _source.get()
    if source is not None and '_id' not in folder:
        folder.update(deepcopy({key: source[key] for key in ('meta', ORIGIN) if key in source}))


def copy_content(source: Document, folder: Document, creator: Mapping[str, Any], progress: Any,
                 firstFolder: Document | None = None) -> Document:
    """Copy the metadata and the content of ``source`` to the new ``folder``, in a transaction of the caller.

    :param progress: Girder's, which has no type.
    :param firstFolder: the folder that the copy began with; it is not copied into itself. The name is Girder's.
    """
    copied = deepcopy({**documents.without_registration(source), **folder, 'meta': source.get('meta', {})})
    Model.save(Folder(), copied, triggerEvents=False)  # it is registered next
    consistency.register_folder(copied)
    _copy_items(source, copied, creator, progress)
    consistency.register_items(copied)
    for child in Folder().childFolders(source, 'folder', user=creator):
        if firstFolder is None or child['_id'] != firstFolder['_id']:
            Folder().copyFolder(child, parent=copied, parentType='folder', creator=creator, progress=progress)
    transactions.after_commit(partial(events.trigger, 'model.folder.copy.after', copied))
    transactions.after_commit(partial(_advance, progress, f'Copied folder {copied["name"]}'))
    loaded: Document = Folder().load(copied['_id'], force=True)
    return loaded


def _copy_items(source: Document, folder: Document, creator: Mapping[str, Any], progress: Any) -> None:
    here, moment = {'folderId': source['_id']}, clock.now()
    Item().update({**here, keys.PACKAGE_TYPE: {'$exists': True}}, {'$set': {transactions.LOCK: ObjectId()}})
    values = {**{key: folder[key] for key in ('baseParentType', 'baseParentId')}, 'folderId': folder['_id'],
              'creatorId': creator['_id'], 'created': moment, 'updated': moment}
    copied = documents.without_registration if package_type_in(folder) is None else dict
    items = {one['_id']: {**copied(one), **values, '_id': ObjectId(), 'copyOfItem': one['_id']}
             for one in Item().find(here)}
    files = [{**documents.without_registration(one), '_id': ObjectId(), 'itemId': items[one['itemId']]['_id'],
              'copied': moment, 'copierId': creator['_id']}
             for one in File().find({'itemId': {'$in': list(items)}})]
    for model, copies in ((Item(), list(items.values())), (File(), files)):
        if copies:
            model.collection.insert_many(copies)
    attestations.copy({one['copyOfItem']: one['_id'] for one in items.values()})
    for item in items.values():
        transactions.after_commit(partial(_report, item, progress))
    size = sum(one.get('size', 0) for one in items.values())
    Folder().update({'_id': folder['_id']}, {'$set': {'size': size}}, multi=False)
    sizes.grow(size, sizes.root_of(folder))


def _report(item: Document, progress: Any) -> None:
    auditLogger.info('document.create', extra={'details': {'collection': 'item', 'id': item['_id']}})
    documents.trigger_saved(Item(), item, 'created', 'after')
    _advance(progress, f'Copied item {item["name"]}')


def _advance(progress: Any, message: str) -> None:
    if progress:
        progress.update(increment=1, message=message)
