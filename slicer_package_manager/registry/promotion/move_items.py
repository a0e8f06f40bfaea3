"""Move the items of a draft, which a release owns, into the release's folders, and remove the draft's folders."""
from __future__ import annotations

import time
from typing import Any, NoReturn, TypeAlias

from bson.objectid import ObjectId
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.model_base import Model
from girder.utility.progress import noProgress
from pymongo.errors import DuplicateKeyError

from slicer_package_manager.registry.schema.errors import Conflict, NotFound
from slicer_package_manager.registry.schema.fields import PACKAGE
from slicer_package_manager.registry.tree import keys, promotions
from slicer_package_manager.registry.tree.promotions import DONE, MOVING
from slicer_package_manager.registry.tree.registration import EXTENSIONS
from slicer_package_manager.registry.tree.types import ChannelFolder, PackageItem, Promotion

#: Girder's progress of a task, which has no type.
Progress: TypeAlias = Any

#: How often, and after which pause in seconds, items are looked for again that others are about to take back.
_ROUNDS, _PAUSE = 40, 0.05


def finish(app_id: ObjectId, draft_id: ObjectId, progress: Progress = noProgress) -> None:
    """Move what the promotion of ``draft_id`` has left in the draft, and remove the draft's folders.

    Any number of processes may do this at the same time; each skips what another has done.

    :raises NotFound: the release is gone.
    :raises Conflict: something in the draft cannot be moved; the message names it.
    """
    entry = _entry(app_id, draft_id)
    if entry is None:
        return
    folders = dict(entry['folders'])
    _move(app_id, entry, folders, progress)
    for item in Item().find({'_id': {'$in': entry['without']}, 'folderId': {'$in': list(folders)}}):
        Item().remove(item)
    _remove_folders(entry, folders)
    _move(app_id, entry, folders, progress)  # items that were stored in the folders after the first pass
    for folder_id in folders.values():
        _correct_size(folder_id)
    _follow_name(entry)
    _settle(app_id, entry)


def _entry(app_id: ObjectId, draft_id: ObjectId) -> Promotion | None:
    app = Folder().findOne({'_id': app_id}, fields=['spm'])
    return next((one for one in promotions.entries(app, MOVING) if one['draft'] == draft_id), None) if app else None


def _move(app_id: ObjectId, entry: Promotion, folders: dict[ObjectId, ObjectId], progress: Progress) -> None:
    for _ in range(_ROUNDS):
        left = list(Item().find({'folderId': {'$in': list(folders)}, '_id': {'$nin': entry['without']}},
                                fields=('name', 'folderId', 'spm')))
        if not left:
            return
        release = Folder().findOne({'_id': entry['release']}, fields=('name', 'spm'))
        if release is None:
            _give_back(app_id, entry)
        progress.update(total=len(left), current=0)
        stuck = [item['name'] for item in left if not _move_item(item, folders[item['folderId']], release, progress)]
        if stuck:  # a post that saw the draft before the promotion takes its item back
            time.sleep(_PAUSE)
    raise Conflict(f'These are left in the draft of "{entry["name"]}" and cannot be moved into the release: '
                   f'{", ".join(stuck[:20])}. Delete or rename them, and promote the draft again.')


def _give_back(app_id: ObjectId, entry: Promotion) -> NoReturn:
    """The release is gone, so what is left in the draft is the draft's again."""
    promotions.remove_entries(app_id, {'token': entry['token']})
    raise NotFound(f'The release "{entry["name"]}" was deleted meanwhile.')


def _move_item(item: PackageItem, target: ObjectId, release: ChannelFolder, progress: Progress) -> bool:
    """Move ``item`` by one write; ``False`` if something in ``target`` is in the way."""
    if 'spm' not in item:
        return False
    changes = {'folderId': target, keys.RELEASE: release['spm']['release']}
    if item['spm']['kind'] == PACKAGE.label:
        changes['meta.release'] = release['spm']['release']
    try:
        Item().collection.update_one({'_id': item['_id'], 'folderId': item['folderId']}, {'$set': changes})
    except DuplicateKeyError:
        return False
    progress.update(increment=1, message=f'Moved {item["name"]}')
    return True


def _remove_folders(entry: Promotion, folders: dict[ObjectId, ObjectId]) -> None:
    """Remove the draft's folders, but not their content: another process may be storing an item there.

    A folder of extensions that was created meanwhile is empty: it is marked, so no item is stored in it.
    """
    for query in ({'_id': {'$in': list(folders)}}, {'parentId': entry['draft'], keys.ROLE: EXTENSIONS}):
        for folder in list(Folder().find(query)):
            Model.remove(Folder(), {**folder, 'promoted': True})  # its counts are the release's


def _correct_size(folder_id: ObjectId) -> None:
    """Give the folder the sum of its items' sizes, unless another process is changing it."""
    folder = Folder().findOne({'_id': folder_id}, fields=['size'])
    row = next(Item().collection.aggregate([{'$match': {'folderId': folder_id}},
                                            {'$group': {'_id': None, 'size': {'$sum': '$size'}}}]), {'size': 0})
    if folder:
        Folder().collection.update_one({'_id': folder_id, 'size': folder['size']}, {'$set': {'size': row['size']}})


def _follow_name(entry: Promotion) -> None:
    """Write the current name of the release to its items, in case it was renamed during the move."""
    release = Folder().findOne({'_id': entry['release']}, fields=['spm'])
    name = release and release['spm']['release']
    if name:
        Item().collection.update_many({'folderId': entry['release'], keys.PACKAGE_TYPE: PACKAGE.label,
                                       'meta.release': {'$ne': name}},
                                      {'$set': {'meta.release': name, keys.RELEASE: name}})
        Item().collection.update_many({keys.APP: release['spm']['app'], keys.PACKAGE_TYPE: {'$exists': True},
                                       'folderId': {'$in': list(dict(entry['folders']).values())},
                                       keys.RELEASE: {'$ne': name}}, {'$set': {keys.RELEASE: name}})


def _settle(app_id: ObjectId, entry: Promotion) -> None:
    """Take the marks from the release's folders, and note that the move is done."""
    promotions.unmark(app_id, entry)
    done = {'draft': entry['draft'], 'release': entry['release'], 'token': entry['token'],
            'folders': entry['folders'], 'state': DONE}
    Folder().collection.update_one({'_id': app_id, 'spm.promoted.token': entry['token']},
                                   {'$set': {'spm.promoted.$': done}})
    promotions.unmark(app_id, entry)  # on folders that another process created meanwhile


def move_late_items(entry: Promotion) -> None:
    """Move items that a process, which had read them before the promotion ``entry``, stored in a removed folder."""
    folders = dict(entry['folders'])
    left = list(Item().find({'folderId': {'$in': list(folders)}}, fields=('name', 'folderId', 'spm')))
    release = Folder().findOne({'_id': entry['release']}, fields=('name', 'spm')) if left else None
    if release is None:
        return
    for item in left:
        _move_item(item, folders[item['folderId']], release, noProgress)
