"""Moves of folders and items to and from places of packages, each in one transaction.

1. Take what is moved, and the folder that it is moved to, so that no other transaction deletes one of them.
2. Save it in its new place, as any change of it is saved (:mod:`saves`). That registers it and all that is below it, or
   refuses the move.
3. After the commit, move its size from the one collection to the other. All uploads change these numbers too.
"""
from __future__ import annotations

from collections.abc import Callable

from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import documents, item_files, sizes


@transactions.atomic
def move_item(item: Document, folder: Document) -> Document:
    """Move ``item`` into ``folder``, and return it.

    :raises NotFound: one of the two was deleted.
    :raises Invalid, Conflict: see :func:`consistency.check_item`.
    """
    moved, target = documents.take(Item(), item), documents.take(Folder(), folder)
    sizes.grow_around(moved, -moved['size'])
    place = dict(zip(item_files.PLACE, (target['_id'], target['baseParentType'], target['baseParentId']), strict=True))
    # A save leaves a package where it is.
    Item().update({'_id': moved['_id']}, {'$unset': {'spm': ''}}, multi=False)
    moved.update(place)
    sizes.grow_around(moved, moved['size'])
    saved: Document = Item().save(moved)
    return saved


@transactions.atomic
def move_folder(move: Callable[..., Document], folder: Document, parent: Document, parent_type: str) -> Document:
    """Move ``folder`` with all that is below it into ``parent``, and return it.

    :param move: Girder's method, which saves it.
    :raises NotFound: one of the two was deleted.
    :raises Invalid, Conflict: see :func:`consistency.check_folder` and :func:`documents.require_few`.
    """
    moved = documents.take(Folder(), folder)
    if parent_type == 'folder':
        parent = documents.take(Folder(), parent)
    root = documents.root_of(parent, parent_type)
    if sizes.root_of(moved) != root:
        _change_root(moved, root)
    return move(moved, parent, parent_type)


def _change_root(folder: Document, root: sizes.Place) -> None:
    """Let ``folder`` and all that is below it belong to ``root``, a collection or user."""
    moved = documents.with_folders_below([folder])
    documents.require_few(moved)
    ids = [one['_id'] for one in moved]
    values = {'baseParentType': root[0], 'baseParentId': root[1]}
    for model, key in ((Folder(), '_id'), (Item(), 'folderId')):
        model.update({key: {'$in': ids}}, {'$set': values})
    size = sum(one.get('size', 0) for one in moved)
    sizes.grow(-size, sizes.root_of(folder))
    sizes.grow(size, root)
    folder.update(values)
