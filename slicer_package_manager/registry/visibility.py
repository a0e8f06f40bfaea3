"""Which of an application's things a user may see, as a condition for the database."""
from __future__ import annotations

from typing import Any

from girder.constants import AccessType
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.registration import DRAFTS, role


def item_clause(app, user) -> dict[str, Any]:
    """The condition for the items of ``app`` that ``user`` may see.

    What lies in a folder, release or draft that the user cannot read is hidden, and so is, from those who
    cannot write to its folder, what has no file yet. Costs one query for the anonymous, at most three for other
    users and none for an administrator.
    """
    if user and user['admin']:
        return {}
    clause = _without(_hidden(app, user))
    writable = [] if user is None else _writable_with_unready(app, user)
    if writable:
        return {**clause, '$or': [{'spm.ready': True}, {'folderId': {'$in': writable}}]}
    return {**clause, 'spm.ready': True}


def hidden_revisions(app, user) -> list[str]:
    """Revisions of the application whose release or draft ``user`` cannot read."""
    return sorted({folder['spm']['revision'] for folder in _hidden(app, user) if folder['spm'].get('revision')})


def _hidden(app, user):
    if user and user['admin']:
        return []
    query = {'spm.app': app['_id'], 'spm.role': {'$exists': True}}
    # For the anonymous this is the same condition as the other, written so that an index answers it.
    unreadable = {'public': {'$ne': True}} if user is None else {'$nor': [folder_clause(user)]}
    return list(Folder().find({**query, **unreadable}, fields=['spm']))


def _writable_with_unready(app, user):
    """Ids of the folders that ``user`` may write to and in which something waits for its file."""
    waiting = Item().collection.distinct('folderId', {'spm.app': app['_id'], 'spm.ready': False})
    return [folder['_id'] for folder in Folder().find(
        {'_id': {'$in': waiting}, **folder_clause(user, AccessType.WRITE)}, fields=['_id'])] if waiting else []


def _without(hidden) -> dict[str, Any]:
    if not hidden:
        return {}
    ids = [folder['_id'] for folder in hidden]
    clause: dict[str, Any] = {'folderId': {'$nin': ids}, 'spm.channel': {'$nin': ids}}
    if any(role(folder) == DRAFTS for folder in hidden):
        clause['spm.draft'] = False
    return clause


def folder_clause(user, level=AccessType.READ) -> dict[str, Any]:
    """Girder's condition for the folders that ``user`` has access to."""
    if user and user['admin']:
        return {}
    return Folder().permissionClauses(user, level)
