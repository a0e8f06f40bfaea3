"""Promotion: all packages of a draft become those of the release of its revision, in one transaction.

1. Take the folders of the draft and of the release, so that no other transaction changes or deletes them.
2. Check the draft. If something must not be moved, the promotion ends here, with nothing changed.
3. Remove the packages of the draft that the release has with the same file.
4. Move the others into the folders of the release, by one update for each folder. It also registers them for their new
   place. If the release has no folder for extensions, make it.
5. Remove the folders of the draft, and mark the release: the download counts of the draft are its own from now on.

Readers see none of the packages in the release or all of them, since lists are read in transactions too. A request that
stores a package in the draft takes its folder as well. So it comes before the promotion, or begins again after it and
stores the package in the release.
"""
from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from bson.objectid import ObjectId
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.model_base import Model
from pymongo import ReturnDocument

from slicer_package_manager.registry.catalog import releases, removal
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions, write_gate
from slicer_package_manager.registry.tree import access, keys, registration
from slicer_package_manager.registry.tree.registration import DRAFT, EXTENSIONS, RELEASE, role
from slicer_package_manager.registry.tree.types import ApplicationFolder, ChannelFolder, UserDocument

#: Girder's progress of a task, which has no type.
Progress: TypeAlias = Any

#: So many names fit into a message.
_NAMED = 20


class Taken(NamedTuple):
    """The taken folders of a draft or a release: its own, and that of its extensions, ``None`` if there is none."""

    channel: ChannelFolder
    extensions: ChannelFolder | None

    @property
    def ids(self) -> list[ObjectId]:
        """The ids of those that are there."""
        return [one['_id'] for one in self if one]


@transactions.atomic
def promote(app: ApplicationFolder, user: UserDocument | None, id_or_name: str, revision: str,
            progress: Progress) -> ChannelFolder:
    """Promote the draft of ``revision`` to the release ``id_or_name``. Idempotent.

    :returns: the release's folder; nothing is done if there is no such draft.
    :raises NotFound: ``user`` sees no such release.
    :raises Invalid: it is the release of another revision.
    :raises AccessException: ``user`` may not write to the release or the draft.
    :raises Conflict: the release has other packages with the same identity or name, or the draft contains other items;
        the message names them, and nothing was moved.
    """
    write_gate.require()
    release = _release(app, user, id_or_name, revision)
    draft: ChannelFolder | None = Folder().findOne({
        keys.APP: app['_id'], keys.ROLE: DRAFT, keys.REVISION: release['spm']['revision']})
    if draft is None:
        return release
    access.require(access.PROMOTE_DRAFT, draft, user)
    old, new = _take(draft), _take(release)
    identical = _check_draft(old, new)
    progress.update(message=f'Moving the packages of {draft["name"]}')
    removal.remove_items(list(Item().find({'_id': {'$in': identical}})), progress)
    _move_packages(old, _with_extensions(old, new, user))
    _remove_folders(old)
    return mark(release)


def _release(app: ApplicationFolder, user: UserDocument | None, id_or_name: str, revision: str) -> ChannelFolder:
    release: ChannelFolder | None = releases.find_one(app, RELEASE, id_or_name, user)
    if release is None:
        raise NotFound(f'There is no release "{validators.shortened(id_or_name)}" in "{app["name"]}"; create it first.')
    access.require(access.PROMOTE_DRAFT, release, user)
    if revision != release['spm']['revision']:
        what = (f'"{release["name"]}" is the release of the revision "{release["spm"]["revision"]}"; promote the '
                f'draft of that one, or create a release of "{validators.shortened(revision)}"')
        raise Invalid([('revision', what)])
    return release


def _take(folder: ChannelFolder) -> Taken:
    """Take the folders of the release or draft ``folder``."""
    channel = transactions.find_for_update(Folder(), {'_id': folder['_id']})
    return Taken(channel, transactions.find_for_update(Folder(), {'parentId': folder['_id'], keys.ROLE: EXTENSIONS}))


def _with_extensions(old: Taken, new: Taken, user: UserDocument | None) -> Taken:
    """``new`` with a folder for the extensions that ``old`` has."""
    if old.extensions is None or new.extensions is not None:
        return new
    return Taken(new.channel, releases.make_folder(
        EXTENSION, new.channel['spm']['revision'], new.channel, access.require_user(user)))


def _check_draft(old: Taken, new: Taken) -> list[ObjectId]:
    """Check the draft, and return the ids of its packages that the release has with the same file.

    :raises Conflict: something of the draft must not be moved.
    """
    identical, problems = [], _other_content(old)
    there = list(Item().find({'folderId': {'$in': new.ids}}, fields=('name', 'spm', 'folderId', 'meta.sha512')))
    by_identity = {(one['spm']['kind'], one['spm']['identity']): one for one in there if 'spm' in one}
    names = {(one['folderId'], one['name']) for one in there}
    for item in Item().find({'folderId': {'$in': old.ids}, keys.PACKAGE_TYPE: {'$exists': True}},
                            fields=('name', 'spm', 'meta.sha512')):
        other = by_identity.get((item['spm']['kind'], item['spm']['identity']))
        target = new.channel if item['spm']['kind'] == PACKAGE.label else new.extensions
        checksum = item['meta'].get('sha512')
        if other and checksum and checksum == other['meta'].get('sha512'):
            identical.append(item['_id'])
        elif other or (target and (target['_id'], item['name']) in names):
            problems.append(f'the {item["spm"]["kind"]} "{item["name"]}" is in the release too')
    if problems:
        more = f' and {len(problems) - _NAMED} more' if len(problems) > _NAMED else ''
        raise Conflict(f'The draft "{old.channel["name"]}" cannot be promoted to "{new.channel["name"]}": '
                       f'{"; ".join(problems[:_NAMED])}{more}. Delete or move one of the two, or what is no package; '
                       'nothing was moved.')
    return identical


def _other_content(old: Taken) -> list[str]:
    items = Item().find({'folderId': {'$in': old.ids}, keys.PACKAGE_TYPE: {'$exists': False}}, fields=('name',))
    folders = Folder().find({'parentId': {'$in': old.ids}, 'parentCollection': 'folder', '_id': {'$nin': old.ids}},
                            fields=('name',))
    return [f'"{one["name"]}" in the draft is no package or extension' for one in (*items, *folders)]


def _move_packages(old: Taken, new: Taken) -> None:
    for source, target in zip(old, new, strict=True):
        if source and target:
            move_items({'folderId': source['_id']}, target)


def move_items(query: Document, target: ChannelFolder) -> None:
    """Move the packages that match ``query`` into ``target``, a folder of a release or of its extensions."""
    update = registration.place_update(PACKAGE if role(target) == RELEASE else EXTENSION, target)
    update['$set']['folderId'] = target['_id']
    Item().collection.update_many(query, update)
    row = next(Item().collection.aggregate([{'$match': {'folderId': target['_id']}},
                                            {'$group': {'_id': None, 'size': {'$sum': '$size'}}}]), {'size': 0})
    Folder().collection.update_one({'_id': target['_id']}, {'$set': {'size': row['size']}})


def _remove_folders(old: Taken) -> None:
    for folder in (old.extensions, old.channel):  # the one is in the other
        if folder:
            remove_folder(folder)


def remove_folder(folder: ChannelFolder) -> None:
    """Remove the empty ``folder`` of a draft. Its download counts are not sealed: see :func:`mark`."""
    Model.remove(Folder(), folder)


def mark(release: ChannelFolder) -> ChannelFolder:
    """Note that ``release`` has the download counts of a draft from now on, and return it."""
    marked: ChannelFolder = Folder().collection.find_one_and_update(
        {'_id': release['_id']}, {'$set': {keys.PROMOTED: True}}, return_document=ReturnDocument.AFTER)
    return marked
