"""Which of an application's things a user may see, as a condition for the database."""
from __future__ import annotations

from typing import Any

from girder.constants import AccessType
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.schema.fields import EXTENSION
from slicer_package_manager.registry.schema.listing import BATCH
from slicer_package_manager.registry.tree import promotions
from slicer_package_manager.registry.tree.registration import CHANNELS, DRAFTS, EXTENSIONS, REVISION, role


def item_clause(app, user) -> dict[str, Any]:
    """The condition for the items of ``app`` that ``user`` may see.

    What lies in a folder, release or draft that the user cannot read is hidden, and so is, from those who
    cannot write to its folder, what has no file yet. Costs one query for the anonymous, at most three for other
    users and none for an administrator; one more where something is hidden.
    """
    if user and user['admin']:
        return {}
    clause = _without(app, _hidden(app, user))
    writable = [] if user is None else _writable_with_unready(app, user)
    if writable:
        return {**clause, '$or': [{'spm.ready': True}, {'folderId': {'$in': writable}}]}
    return {**clause, 'spm.ready': True}


def hidden_revisions(app, user) -> list[str]:
    """Revisions of the application whose release or draft ``user`` cannot read, or not find."""
    hidden = _hidden(app, user)
    found = {folder['spm']['revision'] for folder in hidden if folder['spm'].get('revision')}
    if any(role(folder) == DRAFTS for folder in hidden):
        found.update(Folder().collection.distinct('spm.revision', {'spm.app': app['_id'], 'spm.role': REVISION}))
    return sorted(found)


def _hidden(app, user):
    if user and user['admin']:
        return []
    query = {'spm.app': app['_id'], 'spm.role': {'$exists': True}}
    # For the anonymous this is the same condition as the other, written so that an index answers it.
    unreadable = {'public': {'$ne': True}} if user is None else {'$nor': [folder_clause(user)]}
    return list(Folder().find({**query, **unreadable}, fields=['spm']).batch_size(BATCH))


def _writable_with_unready(app, user):
    """Ids of the folders that ``user`` may write to and in which something waits for its file."""
    waiting = Item().collection.distinct('folderId', {'spm.app': app['_id'], 'spm.ready': False})
    if not waiting:
        return []
    query = {'_id': {'$in': waiting}, **folder_clause(user, AccessType.WRITE)}
    return [folder['_id'] for folder in Folder().find(query, fields=['_id']).batch_size(BATCH)]


def _without(app, hidden) -> dict[str, Any]:
    """The condition for items in none of the folders ``hidden``, wherever the promotion of a draft has got to.

    It asks for the channel, which a promotion leaves as it is, never for the folder, see :mod:`promotions`.
    """
    if not hidden:
        return {}
    # A draft's folder that is not among the hidden ones may have been removed by a promotion just now; the
    # application, read after them, tells of it, so that the release's access holds.
    app = Folder().findOne({'_id': app['_id']}, fields=['spm']) or app
    keys = [key for folder in hidden if role(folder) in CHANNELS for key in promotions.keys(app, folder['_id'])]
    closed = [key for folder in hidden if role(folder) == EXTENSIONS
              for key in promotions.keys(app, folder['spm']['channel'])]
    outside = [{'spm.channel': {'$in': keys}}, {'spm.kind': EXTENSION.label, 'spm.channel': {'$in': closed}}]
    if any(role(folder) == DRAFTS for folder in hidden):
        outside.append(promotions.in_drafts(app))
    return {'$nor': outside}


def folder_clause(user, level=AccessType.READ) -> dict[str, Any]:
    """Girder's condition for the folders that ``user`` has access to."""
    if user and user['admin']:
        return {}
    return Folder().permissionClauses(user, level)
