"""Promotion: all packages of a draft become those of the release of its revision, at once for readers.

Without transactions, a promotion takes these steps, each of which any process can repeat:

1. *Announce* it, in the application's folder and then in the folders of the draft and the release. From then on a
   post of a package for the draft goes to the release, and a post to the release finds what is in the draft. A process
   that stored a package before reads the folder afterwards, so at least one of the two sees the other: after this
   step, the draft gets no new packages.
2. *Check* the draft. If something must not be moved, the promotion ends here, with nothing changed.
3. *Turn*: one write to the application's folder makes the release the owner of the packages, see :mod:`promotions`.
4. *Move* the items into the folders of the release, and remove the draft's, see :mod:`move_items`.

A deletion of the release or the draft says so in its folder before it looks for a promotion, and a promotion is
announced before it looks for a deletion: one of the two ends, or lets the other finish first.
"""
from __future__ import annotations

import logging
from typing import NamedTuple

from bson.objectid import ObjectId
from girder.exceptions import GirderBaseException
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.catalog import releases
from slicer_package_manager.registry.promotion import move_items
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import data_version, write_gate
from slicer_package_manager.registry.tree import access, keys, promotions
from slicer_package_manager.registry.tree.promotions import ANNOUNCED, DONE, MOVING
from slicer_package_manager.registry.tree.registration import APPLICATION, DRAFT, EXTENSIONS, RELEASE
from slicer_package_manager.registry.tree.types import (
    ApplicationFolder,
    ChannelFolder,
    PackageItem,
    Promotion,
    UserDocument,
)

logger = logging.getLogger(__name__)

#: How often a promotion that others end is begun again.
_ATTEMPTS = 20
#: So many names fit into a message.
_NAMED = 20


class Places(NamedTuple):
    """The folders of a draft, or of a release: its own and that of its extensions, ``None`` where there is none."""

    channel: ChannelFolder
    extensions: ChannelFolder | None

    @property
    def ids(self) -> list[ObjectId]:
        """The ids of those that are there."""
        return [one['_id'] for one in self if one]


def promote(app: ApplicationFolder, user: UserDocument | None, id_or_name: str, revision: str,
            progress: move_items.Progress) -> ChannelFolder:
    """Promote the draft of ``revision`` to the release ``id_or_name``. Idempotent.

    :returns: the release's folder; nothing is done if there is no such draft.
    :raises NotFound: ``user`` sees no such release, or it was deleted meanwhile.
    :raises Invalid: it is the release of another revision.
    :raises AccessException: ``user`` may not write to the release or the draft.
    :raises Conflict: the release has other packages with the same identity or name, the draft contains other items, or
        the release is being deleted; the message names them, and nothing was moved.
    """
    write_gate.require()
    release = _release(app, user, id_or_name, revision)
    _catch_up(app, release)
    for _ in range(_ATTEMPTS):
        draft = _draft(app, release)
        if draft is None:
            break
        access.require(access.PROMOTE_DRAFT, draft, user)
        if _turn(app, draft, release, user):
            move_items.finish(app['_id'], draft['_id'], progress)
            break
    else:
        raise Conflict(f'The promotion into "{release["name"]}" is ended by others all the time; try again.')
    found: ChannelFolder | None = Folder().findOne({'_id': release['_id']})
    return found or release


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


def _catch_up(app: ApplicationFolder, release: ChannelFolder) -> None:
    """Finish what an earlier promotion into ``release`` has left to do."""
    now = Folder().findOne({'_id': app['_id']}, fields=['spm'])
    for entry in promotions.entries(now, MOVING, DONE) if now else ():
        if entry['release'] == release['_id'] and entry['state'] == MOVING:
            move_items.finish(app['_id'], entry['draft'])
        elif entry['release'] == release['_id']:
            move_items.move_late_items(entry)


def _draft(app: ApplicationFolder, release: ChannelFolder) -> ChannelFolder | None:
    found: ChannelFolder | None = Folder().findOne({
        keys.APP: app['_id'], keys.ROLE: DRAFT, keys.REVISION: release['spm']['revision']})
    return found


def _turn(app: ApplicationFolder, draft: ChannelFolder, release: ChannelFolder, user: UserDocument | None) -> bool:
    """Announce the promotion, check the draft, and turn; ``False`` if another process ended the promotion."""
    entry = _announce(app, draft, release)
    if entry['state'] != ANNOUNCED:
        return True
    try:
        _mark(app, release, entry)
        old, new = _places(draft), _places(release)
        identical = _check_draft(old, new)
        new = _with_extensions(app, old, new, user)
    except Exception:
        if withdraw(app['_id'], entry):
            raise
        return True  # another process has turned it
    turned = _set_state(app['_id'], entry, {
        'state': MOVING, 'without': identical, 'name': new.channel['name'],
        'folders': [list(pair) for pair in zip(old.ids, new.ids, strict=False)]})
    if not turned:
        promotions.unmark_ended(app['_id'], entry)
    # Otherwise, processes would return cached responses from before the turn beside those of others.
    data_version.announce()
    return turned


def _announce(app: ApplicationFolder, draft: ChannelFolder, release: ChannelFolder) -> Promotion:
    """Return the entry of the promotion of ``draft`` in the application's folder, and add it if there is none."""
    entry: Promotion = {'draft': draft['_id'], 'release': release['_id'], 'token': ObjectId(), 'state': ANNOUNCED}
    Folder().collection.update_one({'_id': app['_id'], 'spm.promoted.draft': {'$ne': draft['_id']}},
                                   {'$push': {keys.PROMOTED: entry}})
    found = Folder().findOne({'_id': app['_id']}, fields=['spm'])
    if found is None:
        raise NotFound(f'The application "{app["name"]}" was deleted meanwhile.')
    return next((one for one in found['spm'].get('promoted', ()) if one['draft'] == draft['_id']), entry)


def _mark(app: ApplicationFolder, release: ChannelFolder, entry: Promotion) -> None:
    """Mark the draft's folders, then the release's: who sees the latter marked sees all that the draft will have."""
    mark = {'draft': entry['draft'], 'token': entry['token']}
    for draft in (True, False):
        Folder().collection.update_many(
            {keys.APP: app['_id'], keys.REVISION: release['spm']['revision'], keys.ROLE: {'$exists': True},
             keys.DRAFT: draft},
            {'$set': {keys.PROMOTING: mark}})


def _set_state(app_id: ObjectId, entry: Promotion, values_to_set: Document) -> bool:
    done = Folder().collection.update_one(
        {'_id': app_id, keys.PROMOTED: {'$elemMatch': {'token': entry['token'], 'state': ANNOUNCED}}},
        {'$set': {f'spm.promoted.$.{key}': value for key, value in values_to_set.items()}})
    return bool(done.modified_count == 1)


def withdraw(app_id: ObjectId, entry: Promotion) -> bool:
    """End the announced promotion ``entry``; ``False`` if it was turned before."""
    promotions.remove_entries(app_id, {'token': entry['token'], 'state': ANNOUNCED})
    found = Folder().findOne({'_id': app_id}, fields=['spm'])
    if found and any(one['token'] == entry['token'] for one in found['spm'].get('promoted', ())):
        return False
    promotions.unmark(app_id, entry)
    return True


def _places(folder: ChannelFolder) -> Places:
    found = Folder().findOne({'_id': folder['_id']})
    extensions = Folder().findOne({'parentId': folder['_id'], keys.ROLE: EXTENSIONS})
    if (found is None or found['spm']['revision'] != folder['spm']['revision']
            or any(one and one['spm'].get('deleting') for one in (found, extensions))):
        raise Conflict(f'"{folder["name"]}" is being deleted or changed; nothing was moved. Try again.')
    return Places(found, extensions)


def _with_extensions(app: ApplicationFolder, old: Places, new: Places, user: UserDocument | None) -> Places:
    """``new`` with a folder for the extensions that ``old`` has."""
    if old.extensions is None or new.extensions is not None:
        return new
    made = releases.make_folder(app, EXTENSION, new.channel['spm']['revision'], new.channel, access.require_user(user))
    if made is None:
        raise NotFound(f'The release "{new.channel["name"]}" was deleted meanwhile.')
    return Places(new.channel, made)


def _check_draft(old: Places, new: Places) -> list[ObjectId]:
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
        if other and _checksum(item) and _checksum(item) == _checksum(other):
            identical.append(item['_id'])
        elif other or (target and (target['_id'], item['name']) in names):
            problems.append(f'the {item["spm"]["kind"]} "{item["name"]}" is in the release too')
    if problems:
        more = f' and {len(problems) - _NAMED} more' if len(problems) > _NAMED else ''
        raise Conflict(f'The draft "{old.channel["name"]}" cannot be promoted to "{new.channel["name"]}": '
                       f'{"; ".join(problems[:_NAMED])}{more}. Delete or move one of the two, or what is no package; '
                       'nothing was moved.')
    return identical


def _checksum(item: PackageItem) -> str | None:
    checksum: str | None = item.get('meta', {}).get('sha512')
    return checksum


def _other_content(old: Places) -> list[str]:
    items = Item().find({'folderId': {'$in': old.ids}, keys.PACKAGE_TYPE: {'$exists': False}}, fields=('name',))
    folders = Folder().find({'parentId': {'$in': old.ids}, 'parentCollection': 'folder', '_id': {'$nin': old.ids}},
                            fields=('name',))
    return [f'"{one["name"]}" in the draft is no package or extension' for one in (*items, *folders)]


def end_promotions(folder: ChannelFolder) -> None:
    """Before ``folder``, of a release or draft, is deleted: end promotions that are announced, finish others.

    :raises Conflict: one cannot be finished.
    """
    Folder().collection.update_one({'_id': folder['_id'], keys.ROLE: {'$exists': True}},
                                   {'$set': {keys.DELETING: True}})
    app = Folder().findOne({'_id': folder['spm']['app']}, fields=['spm'])
    for entry in promotions.entries(app, ANNOUNCED, MOVING) if app else ():
        if folder['spm']['channel'] in (entry['draft'], entry['release']) and not withdraw(app['_id'], entry):
            move_items.finish(app['_id'], entry['draft'])


def remove_entries_of(release: ChannelFolder) -> None:
    """After ``release`` was deleted: remove its promotions from the application."""
    promotions.remove_entries(release['spm']['app'], {'release': release['_id']})


def _finish_quietly(app_id: ObjectId, entry: Promotion) -> None:
    try:
        move_items.finish(app_id, entry['draft'])
    except GirderBaseException as error:
        logger.error('A promotion could not be finished: %s', error)  # noqa: TRY400


def resume() -> None:
    """Finish promotions that the end of a server interrupted, and end those that had not turned yet."""
    for app in Folder().find({keys.ROLE: APPLICATION, keys.PROMOTED: {'$exists': True}}, fields=['spm']):
        for entry in promotions.entries(app, ANNOUNCED, MOVING):
            if not withdraw(app['_id'], entry):
                _finish_quietly(app['_id'], entry)
        for entry in promotions.entries(app, DONE):
            move_items.move_late_items(entry)
    # A mark is set after the promotion is announced: where it is not announced any more, the mark was forgotten.
    for folder in Folder().find({keys.ROLE: {'$exists': True}, keys.PROMOTING: {'$exists': True}}, fields=['spm']):
        app_id, mark = folder['spm']['app'], folder['spm']['promoting']
        if not Folder().findOne({'_id': app_id, 'spm.promoted.token': mark['token']}, fields=['_id']):
            promotions.unmark(app_id, mark)
