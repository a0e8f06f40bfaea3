"""Which of an application's things a user may see, as a condition for the database."""
from __future__ import annotations

from typing import Any

from girder.constants import AccessType
from girder.models.folder import Folder

from slicer_package_manager.registry import holdings
from slicer_package_manager.registry.kinds import EXTENSION
from slicer_package_manager.registry.registration import CHANNELS, DRAFTS, EXTENSIONS, role

_PROJECTION = ('spm', 'public', 'access')


def item_clause(app, user) -> dict[str, Any]:
    """The condition for the items of ``app`` that ``user`` may see.

    What lies in a folder, release or draft that the user cannot read is hidden, and so is, from those who
    cannot write to its folder, what has no file yet. Costs one query, none for an administrator.
    """
    if user and user['admin']:
        return {}
    hidden = _hidden(app, user)
    clause = _without(app, hidden)
    ready = {'spm.ready': True}
    if user is None:
        return {**clause, **ready}
    writable = [folder['_id'] for folder in _folders(app) if _can(folder, user, AccessType.WRITE)]
    return {**clause, '$or': [ready, {'folderId': {'$in': writable}}]} if writable else {**clause, **ready}


def hidden_revisions(app, user) -> list[str]:
    """Revisions of the application whose release or draft ``user`` cannot read."""
    return sorted({folder['spm']['revision'] for folder in _hidden(app, user) if folder['spm'].get('revision')})


def _hidden(app, user):
    if user and user['admin']:
        return []
    if user is None:
        return list(Folder().find({'spm.app': app['_id'], 'spm.role': {'$exists': True}, 'public': {'$ne': True}},
                                  fields=_PROJECTION))
    return [folder for folder in _folders(app) if not _can(folder, user, AccessType.READ)]


def _folders(app):
    return Folder().find({'spm.app': app['_id'], 'spm.role': {'$exists': True}}, fields=_PROJECTION)


def _can(folder, user, level):
    return Folder().hasAccess(folder, user, level)


def _without(app, hidden) -> dict[str, Any]:
    """The condition for items in none of the folders ``hidden``, wherever the promotion of a draft has got to.

    It asks for the channel, which a promotion leaves as it is, never for the folder, see :mod:`holdings`.
    """
    if not hidden:
        return {}
    # A draft's folder that is not among the hidden ones may have been removed by a promotion just now; the
    # application, read after them, tells of it, so that the release's access holds.
    app = Folder().findOne({'_id': app['_id']}, fields=['spm']) or app
    keys = [key for folder in hidden if role(folder) in CHANNELS for key in holdings.keys(app, folder['_id'])]
    closed = [key for folder in hidden if role(folder) == EXTENSIONS
              for key in holdings.keys(app, folder['spm']['channel'])]
    outside = [{'spm.channel': {'$in': keys}}, {'spm.kind': EXTENSION.label, 'spm.channel': {'$in': closed}}]
    if any(role(folder) == DRAFTS for folder in hidden):
        outside.append(holdings.in_drafts(app))
    return {'$nor': outside}


def folder_clause(user, level=AccessType.READ) -> dict[str, Any]:
    """Girder's condition for the folders that ``user`` has access to."""
    if user and user['admin']:
        return {}
    return Folder().permissionClauses(user, level)
