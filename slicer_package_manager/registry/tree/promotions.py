"""Which release owns the packages of a draft that was promoted.

An item's ``spm.channel`` and ``spm.draft`` name the release or draft in which it was created, and stay the same when
that draft is promoted. The application's folder lists in ``spm.promoted`` which release owns the packages of which
draft: ``{'draft': id, 'release': id, 'token': id, 'state': ...}``.

- ``announced``: the draft is being checked; nothing has changed for readers.
- ``moving``: the release owns the packages, though their folder may still be the draft's. ``name`` is the release's
  name, ``folders`` maps the draft's folders to the release's, and ``without`` has the items that are left out because
  the release has the same.
- ``done``: the draft's folder is gone.

So one write to one document, which every request reads first, transfers all packages of a draft to the release.

Lists never filter or sort by what the move of an item changes (its folder, and the release in its metadata), and no
index that they may use has it: a query that has begun finds each item exactly once, wherever its move has got to.
A reader who read the application before that one write and its items after it still asks for the old places of all of
them, and gets all.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bson.objectid import ObjectId
from girder.models.folder import Folder

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree.types import (
    ApplicationFolder,
    ChannelFolder,
    Promotion,
    PromotionMark,
    PromotionState,
)

ANNOUNCED: PromotionState = 'announced'
MOVING: PromotionState = 'moving'
DONE: PromotionState = 'done'

#: Keys of a registration that do not follow from the place of the folder.
#: ``promoting``, on the folders of a draft and a release: the draft, and the token of the promotion that is going on.
#: ``deleting``: a deletion of the folder has begun.
KEPT = ('promoted', 'promoting', 'deleting')


def entries(app: ApplicationFolder, *states: PromotionState) -> list[Promotion]:
    """The promotions of ``app``, as it was read, that are in one of ``states``."""
    return [one for one in app['spm'].get('promoted', ()) if one['state'] in states]


def owners(app: ApplicationFolder) -> dict[ObjectId, ObjectId]:
    """The release that owns the packages of each promoted draft: ids of releases by ids of drafts."""
    return {one['draft']: one['release'] for one in entries(app, MOVING, DONE)}


def keys(app: ApplicationFolder, channel_id: ObjectId) -> list[ObjectId]:
    """The values of ``spm.channel`` of the packages that the release or draft ``channel_id`` owns."""
    owner_of = owners(app)
    if channel_id in owner_of:
        return []
    return [channel_id, *(draft for draft, release in owner_of.items() if release == channel_id)]


def emptied(app: ApplicationFolder) -> list[ObjectId]:
    """The ids of drafts whose folders may still exist, but whose packages a release owns."""
    return [one['draft'] for one in entries(app, MOVING)]


def owned_by(app: ApplicationFolder, channel_id: ObjectId) -> Document:
    """The condition for the items that the release or draft ``channel_id`` owns."""
    found = keys(app, channel_id)
    return {'spm.channel': found[0] if len(found) == 1 else {'$in': found}}


def in_drafts(app: ApplicationFolder) -> Document:
    """The condition for the items that drafts own."""
    promoted = list(owners(app))
    return {'spm.draft': True, **({'$nor': [{'spm.channel': {'$in': promoted}}]} if promoted else {})}


def anywhere(app: ApplicationFolder) -> Document:
    """The condition for all items of ``app``: it leaves out what is in a draft twice, until that is removed."""
    left_out = [item for one in entries(app, MOVING) for item in one['without']]
    return {'_id': {'$nin': left_out}} if left_out else {}


def show_owner(app: ApplicationFolder, items: Iterable[Document]) -> None:
    """Show ``items`` of ``app`` in the folder of the release that owns them, wherever their move has got to.

    Their ids are texts.
    """
    moves = {str(source): (str(target), one['name'])
             for one in entries(app, MOVING) for source, target in one['folders']}
    for item in items:
        if item['folderId'] in moves:
            item['folderId'], name = moves[item['folderId']]
            if 'app_revision' not in item['meta']:
                item['meta']['release'] = name


def place_of(item: Mapping[str, Any]) -> ObjectId | None:
    """The id of the folder in which ``item``, whose folder is gone, lies now if its draft was promoted."""
    app = Folder().findOne({'_id': item['spm']['app']}, fields=['spm'])
    for one in entries(app, MOVING, DONE) if app else ():
        target = dict(one['folders']).get(item['folderId'])
        if target is not None:
            return target
    return None


def remove_entries(app_id: ObjectId, entry_query: Document) -> None:
    """Take the promotions that match ``entry_query`` from the application, and the list itself if it is empty then."""
    taken = Folder().collection.update_one({'_id': app_id, 'spm.promoted': {'$elemMatch': entry_query}},
                                           {'$pull': {'spm.promoted': entry_query}})
    if taken.modified_count:
        Folder().collection.update_one({'_id': app_id, 'spm.promoted': []}, {'$unset': {'spm.promoted': ''}})


def unmark(app_id: ObjectId, entry: Promotion | PromotionMark) -> None:
    """Take the marks of the promotion ``entry`` from all folders."""
    Folder().collection.update_many({'spm.app': app_id, 'spm.role': {'$exists': True},
                                     'spm.promoting.token': entry['token']}, {'$unset': {'spm.promoting': ''}})


def unmark_ended(app_id: ObjectId, entry: Promotion | PromotionMark) -> None:
    """Take the marks of the promotion ``entry`` from all folders, unless it goes on: then its end does so."""
    app = Folder().findOne({'_id': app_id}, fields=['spm'])
    going_on = entries(app, ANNOUNCED, MOVING) if app else ()
    if all(one['token'] != entry['token'] for one in going_on):
        unmark(app_id, entry)


def add_mark(folder: Mapping[str, Any], mark: PromotionMark) -> ChannelFolder | None:
    """Mark ``folder``, created in a folder with ``mark``, unless that promotion has ended; return it as stored."""
    Folder().collection.update_one({'_id': folder['_id'], 'spm.role': {'$exists': True}},
                                   {'$set': {'spm.promoting': mark}})
    unmark_ended(folder['spm']['app'], mark)
    found: ChannelFolder | None = Folder().findOne({'_id': folder['_id']})
    return found
