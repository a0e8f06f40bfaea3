"""Deletion of registered folders and of packages, with all that is in them.

1. Check that the stores of the files can delete now. If one cannot, nothing is deleted.
2. One transaction takes the folder, seals its download counts, deletes the documents of the folders and items, removes
   them from the aliases of MIDAS, and detaches the files, see :mod:`item_files`. A request that stores a package takes
   the folder too. So it comes before the deletion, and the package is deleted, or it begins again after it.
3. After the commit, trigger Girder's events, erase the first :data:`ERASED` of the detached files, cancel uploads, and
   update the sizes of the folders around. :func:`file_removal.sweep` erases the other files, and all of them after a
   crash, when old uploads are canceled by :mod:`uploads`.

A release or draft is deleted by one transaction. What is above them is deleted one release or draft after the other,
and its own folder last. So is a folder with more than :data:`transactions.DOCUMENTS` items: so many in each
transaction.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from bson.objectid import ObjectId
from girder import events
from girder.models.assetstore import Assetstore
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload

from slicer_package_manager.registry.accounts import publishers
from slicer_package_manager.registry.downloads import sealing
from slicer_package_manager.registry.midas import aliases
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.storage import file_removal, stores, uploads
from slicer_package_manager.registry.tree import documents, item_files, sizes
from slicer_package_manager.registry.tree.registration import APPLICATION, CHANNELS, DRAFTS, is_of_channel, role

#: How many files a request erases at most; a release may have thousands, which take minutes in object storage.
ERASED = 100
#: How many items are looked up at once.
_BATCH = 10_000


def remove_folder(folder: Mapping[str, Any], progress: Any = None, *, itself: bool = True,
                  still: Mapping[str, Any] | None = None) -> bool:
    """Delete ``folder`` with all that is in it, and return whether it was there.

    :param progress: Girder's, which has no type.
    :param itself: whether the folder is deleted too.
    :param still: values that it must have when it is deleted.
    :raises Unavailable: a store cannot delete files now.
    """
    folders, erased = documents.with_folders_below([folder]), iter(range(ERASED))
    items = Item().collection.find({'folderId': {'$in': _ids(folders)}}, {'_id': 1}, batch_size=_BATCH)
    _require_stores(one['_id'] for one in items)
    # What is above releases and drafts comes last. The extensions of these go with them.
    parts = [one for one in folders[:0:-1] if role(one) in (*CHANNELS, DRAFTS, APPLICATION)]
    for part in () if is_of_channel(folder) else parts:
        _remove({'_id': part['_id']}, progress, erased)
    return _remove({'_id': folder['_id'], **(still or {})}, progress, erased, itself)


def _remove(query: Document, progress: Any, erased: Iterator[int], itself: bool = True) -> bool:
    was_there = None
    while was_there is None:
        was_there = transactions.run(partial(_remove_part, query, progress, erased, itself))
    return was_there


def remove_item(item: Mapping[str, Any], progress: Any = None) -> None:
    """Delete ``item`` with its files.

    :raises Unavailable: the store of a file cannot delete it now.
    """
    remove_together([item], progress)


def remove_together(items: Iterable[Mapping[str, Any]], progress: Any = None) -> None:
    """Delete ``items`` with their files by one transaction, which can have :data:`transactions.DOCUMENTS` of them.

    :raises Unavailable: the store of a file cannot delete it now.
    """
    ids = _ids(items)
    _require_stores(ids)
    transactions.run(lambda: remove_items(list(Item().find({'_id': {'$in': ids}})), progress))


def _require_stores(items: Iterable[ObjectId]) -> None:
    """Check that the stores of the files of ``items`` can delete now."""
    if transactions.is_open():
        return
    left, ids = {one['_id']: one for one in Assetstore().find()}, iter(items)
    while left and (batch := list(islice(ids, _BATCH))):
        files = {'itemId': {'$in': batch}, 'assetstoreId': {'$in': list(left)}}
        for used in File().collection.distinct('assetstoreId', files):
            stores.of_assetstore(left.pop(used)).require_writable()


def _remove_part(query: Document, progress: Any, erased: Iterator[int], itself: bool) -> bool | None:
    """Delete the folder that matches ``query``; return whether it was there, ``None`` if items are left in it.

    :param erased: how many files may be erased now: each takes one of it.
    """
    taken = transactions.find_for_update(Folder(), query)
    if taken is None:
        return False
    folders = documents.with_folders_below([taken])
    items = list(Item().find({'folderId': {'$in': _ids(folders)}}, limit=transactions.DOCUMENTS))
    remove_items(items, progress, erased)
    if len(items) == transactions.DOCUMENTS:
        return None
    _remove_folders(folders if itself else folders[1:], progress)
    return True


def _ids(found: Iterable[Mapping[str, Any]]) -> list[ObjectId]:
    return [one['_id'] for one in found]


def _remove_folders(folders: Sequence[Document], progress: Any) -> None:
    """Delete the documents of ``folders``, in which no item is left."""
    for folder in reversed(folders):
        sealing.begin(folder)
    Folder().collection.delete_many({'_id': {'$in': _ids(folders)}})
    aliases.forget(_ids(folders))
    publishers.forget(_ids(one for one in folders if role(one) == APPLICATION))
    cancel_uploads('folder', folders)
    transactions.after_commit(partial(_report, Folder(), folders[::-1], progress))


def remove_items(items: Sequence[Document], progress: Any = None, erased: Iterator[int] | None = None) -> None:
    """Delete ``items`` with their files, in a transaction of the caller."""
    if not items:
        return
    files = item_files.detach_all(items)
    Item().collection.delete_many({'_id': {'$in': _ids(items)}})
    aliases.forget(_ids(items))
    cancel_uploads('item', items)
    transactions.after_commit(partial(_report, Item(), items, progress))
    now = zip(files, erased or iter(range(ERASED)), strict=False)
    transactions.after_commit(lambda: file_removal.erase_all(file for file, _ in now))
    _shrink_folders(items)


def cancel_uploads(kind: str, parents: Iterable[Mapping[str, Any]]) -> None:
    """Cancel the uploads to ``parents``, folders or items as ``kind`` states, after the commit."""
    for upload in Upload().find({'parentType': kind, 'parentId': {'$in': _ids(parents)}}):
        transactions.after_commit(partial(uploads.cancel, upload))


def _report(model: Any, gone: Iterable[Document], progress: Any) -> None:  # Girder's models have no types
    """Trigger Girder's events for what is ``gone``, and update ``progress``."""
    for one in gone:
        events.trigger(f'model.{model.name}.remove', one)
        events.trigger(f'model.{model.name}.remove_with_kwargs', {'document': one, 'kwargs': {'progress': progress}})
        if progress:
            progress.update(increment=1, message=f'Deleted {model.name} {one["name"]}')


def _shrink_folders(items: Iterable[Document]) -> None:
    """After the commit, subtract the sizes of ``items`` from those of their folders and collections."""
    folder_of = itemgetter('folderId')
    for _, group in groupby(sorted(items, key=folder_of), key=folder_of):
        here = list(group)
        sizes.grow_around(here[0], -sum(one.get('size', 0) for one in here))
