"""Who may do what: the table of operations, and the conditions for what a list shows.

To change who may do something, change its row in the table, from which the REST reference is generated. Whatever the
operation, what its caller cannot read is hidden, as if it did not exist.
"""
from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from bson.objectid import ObjectId
from girder.constants import AccessType, TokenScope
from girder.exceptions import AccessException
from girder.models.collection import Collection
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.schema.fields import EXTENSION
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.registration import CHANNELS, DRAFT, DRAFTS, EXTENSIONS, role
from slicer_package_manager.registry.tree.types import ApplicationFolder, ChannelFolder, UserDocument

READ, WRITE, ADMIN = AccessType.READ, AccessType.WRITE, AccessType.ADMIN
DATA_READ, DATA_WRITE, DATA_OWN = TokenScope.DATA_READ, TokenScope.DATA_WRITE, TokenScope.DATA_OWN


class Caller(Enum):
    """Who may call an operation at all."""

    ANYONE = 'anyone'
    USER = 'a user who is logged in'
    ADMINISTRATOR = 'a site administrator'


ANYONE, USER, ADMINISTRATOR = Caller


class Operation(NamedTuple):
    """What the server does, and what its caller needs for it.

    :param scope: what an API key needs; a key without scopes can do everything that its user can do, and without
        ``scope`` no other key will do.
    :param application: the level of access to the application; ``None`` if there is none yet, or many.
    :param target: the level of access to ``what``, the folders or items that the operation reads or changes.
    """

    title: str
    caller: Caller
    scope: str | None
    application: int | None = None
    target: int | None = None
    what: str = ''


# The table: operation, caller, scope, level on the application, level on what else.

LIST_APPLICATIONS = Operation('list applications', ANYONE, DATA_READ, READ)
LIST_EDITABLE = Operation(
    'list applications in which the caller may edit something', USER, DATA_READ, READ, WRITE, 'the application, or '
    'any release or draft')
GET_NAME_TEMPLATE_EXAMPLE = Operation('get the example of a name template', USER, DATA_READ)
GET_APPLICATION = Operation('get an application', ANYONE, DATA_READ, READ)
CREATE_APPLICATION = Operation(
    'create an application', USER, DATA_WRITE, None, WRITE, "the collection, or Girder's permission to create "
    'collections if there is none')
CHOOSE_APPLICATION_ID = Operation('choose the id of an application', ADMINISTRATOR, DATA_WRITE)
DELETE_APPLICATION = Operation('delete an application', USER, DATA_OWN, ADMIN)
SEARCH = Operation('search for applications, releases, drafts, packages and extensions', USER, DATA_READ, READ, READ,
                   'each release or draft')
GET_SUMMARY = Operation('get the summary of an application', ANYONE, DATA_READ, READ, READ, 'each release or draft')
GET_EXPECTED = Operation(
    'compare extensions with the expected ones', ANYONE, DATA_READ, READ, READ, 'each release or draft')
GET_STATISTICS = Operation('get download statistics', ANYONE, DATA_READ, READ, READ, 'each release or draft')
MANAGE_WEBHOOKS = Operation('add webhooks, and list, test and remove those that one has added', USER, None, WRITE)
MANAGE_ALL_WEBHOOKS = Operation('list, test and remove webhooks that others have added', USER, None, ADMIN)
FIND_AFFECTED = Operation('find who has downloaded a file', USER, DATA_READ, ADMIN)

LIST_RELEASES = Operation('list releases', ANYONE, DATA_READ, READ, READ, 'each release')
CREATE_RELEASE = Operation('create a release', USER, DATA_WRITE, WRITE)
DELETE_RELEASE = Operation('delete a release or draft', USER, DATA_OWN, READ, ADMIN, 'the release or draft')
PROMOTE_DRAFT = Operation('promote a draft', USER, DATA_WRITE, READ, WRITE, 'the release and the draft')
SET_READINESS = Operation('set the readiness', USER, DATA_WRITE, READ, WRITE, 'the release or draft')
LIST_DRAFTS = Operation('list drafts', ANYONE, DATA_READ, READ, READ, 'each draft')
PRUNE_DRAFTS = Operation('delete old drafts', USER, DATA_OWN, READ, ADMIN, 'each draft to delete')

LIST_PACKAGES = Operation('list packages or extensions', ANYONE, DATA_READ, READ, READ, 'the folder of each')
LIST_INCOMPLETE = Operation(
    'see packages or extensions that have no file yet', USER, DATA_READ, READ, WRITE, 'the folder of each')
FIND_PACKAGES = Operation('find the latest packages', ANYONE, DATA_READ, READ, READ, 'the folder of each')
SAVE_PACKAGE = Operation(
    'create or update a package or extension', USER, DATA_WRITE, READ, WRITE, 'its folder, or the nearest one around '
    'it that exists')
DELETE_PACKAGE = Operation('delete a package or extension', USER, DATA_WRITE, READ, WRITE, 'its folder')

GET_PROVENANCE = Operation(
    'get the origin of a package or extension', ANYONE, DATA_READ, READ, READ, 'its folder')

ATTEST_FILE = Operation('attest the file of a package or extension', USER, DATA_WRITE, READ, WRITE, 'its folder')

DOWNLOAD_FILE = Operation('download a file', ANYONE, DATA_READ, None, READ, 'its folder')
LIST_FILES = Operation('list the files of an item', ANYONE, DATA_READ, None, READ, 'its folder')
LIST_REPLACEMENTS = Operation(
    'see a file that is about to replace another one', USER, DATA_READ, None, WRITE, 'its folder')
UPLOAD_FILE = Operation('upload or replace a file', USER, DATA_WRITE, None, WRITE, 'its folder')
RENAME_FILE = Operation('rename a file', USER, DATA_WRITE, None, WRITE, 'its folder')
DELETE_FILE = Operation('delete a file', USER, DATA_WRITE, None, WRITE, 'its folder')

MANAGE_KEYS = Operation('list, create and revoke API keys of all accounts', ADMINISTRATOR, None)
MANAGE_PUBLISHERS = Operation('list, register and remove publishers', ADMINISTRATOR, None)
EXCHANGE_ID_TOKEN = Operation('exchange an ID token of a CI service', ANYONE, None)
LIST_CHANGES = Operation('read the audit log', ADMINISTRATOR, None)
GET_USAGE = Operation('see how the server is used', ADMINISTRATOR, None)
CHANGE_SETTINGS = Operation('change settings', ADMINISTRATOR, None)
CHECK_HEALTH = Operation('check whether the server works', ANYONE, None)

OPERATIONS = tuple(one for one in list(globals().values()) if isinstance(one, Operation))


def require(operation: Operation, document: Mapping[str, Any], user: UserDocument | None) -> None:
    """Refuse ``operation`` unless ``user`` has the access to ``document``, a folder, item or collection, that it needs.

    :raises AccessException: the user does not have it.
    """
    _model_of(document).requireAccess(document, user, operation.target)


def allows(operation: Operation, document: Mapping[str, Any], user: UserDocument | None) -> bool:
    """Whether ``user`` has the access to ``document``, a folder, item or collection, that ``operation`` needs."""
    return bool(_model_of(document).hasAccess(document, user, operation.target))


def require_user(user: UserDocument | None) -> UserDocument:
    """Return ``user``, who is logged in.

    :raises AccessException: the request is anonymous.
    """
    if user is None:
        raise AccessException('You must be logged in.')
    return user


def may_call(operation: Operation, user: UserDocument | None) -> bool:
    """Whether ``user`` is one of the callers of ``operation``."""
    if operation.caller is ADMINISTRATOR:
        return user is not None and user['admin']
    return operation.caller is ANYONE or user is not None


def _model_of(document: Mapping[str, Any]) -> Any:  # Girder's models have no types
    if 'folderId' in document:
        return Item()
    return Folder() if 'parentCollection' in document else Collection()


class ItemAccess(NamedTuple):
    """Which items of an application a user may see.

    :param hidden: the folders that the user cannot read.
    :param waiting_in: ids of the folders of which the user sees what has no file yet; ``None`` if that is all folders.
    """

    hidden: list[ChannelFolder]
    waiting_in: list[ObjectId] | None

    @property
    def clause(self) -> Document:
        """The condition for the items."""
        clause = _without(self.hidden)
        if self.waiting_in is None:
            return clause
        if self.waiting_in:
            return {**clause, '$or': [{keys.HAS_FILE: True}, {'folderId': {'$in': self.waiting_in}}]}
        return {**clause, keys.HAS_FILE: True}


def item_access(app: ApplicationFolder, user: UserDocument | None) -> ItemAccess:
    """Which items of ``app`` the user may see.

    The content of a folder, release or draft that the user cannot read is hidden, and so is, from those who
    cannot write to its folder, what has no file yet. Costs one query for the anonymous, at most three for other
    users and none for an administrator; one more where something is hidden.
    """
    if user and user['admin']:
        return ItemAccess([], None)
    return ItemAccess(_hidden(app, user), [] if user is None else _writable_with_unready(app, user))


def item_clause(app: ApplicationFolder, user: UserDocument | None) -> Document:
    """The condition for the items of ``app`` that ``user`` may see, see :func:`item_access`."""
    return item_access(app, user).clause


def hidden_builds(app: ApplicationFolder, hidden: list[ChannelFolder]) -> tuple[set[ObjectId], set[ObjectId]]:
    """The releases and drafts of which the folders ``hidden`` hide everything, and those whose extensions they hide."""
    builds = {folder['_id'] for folder in hidden if role(folder) in CHANNELS}
    if any(role(folder) == DRAFTS for folder in hidden):
        builds.update(Folder().collection.distinct('_id', {keys.APP: app['_id'], keys.ROLE: DRAFT}))
    return builds, builds | {folder['spm']['channel'] for folder in hidden if role(folder) == EXTENSIONS}


def hidden_revisions(app: ApplicationFolder, user: UserDocument | None) -> list[str]:
    """Revisions of the application whose release or draft ``user`` cannot read, or not find."""
    hidden = _hidden(app, user)
    found = {folder['spm']['revision'] for folder in hidden if folder['spm'].get('revision')}
    if any(role(folder) == DRAFTS for folder in hidden):
        found.update(Folder().collection.distinct(keys.REVISION, {keys.APP: app['_id'], keys.ROLE: DRAFT}))
    return sorted(found)


def _hidden(app: ApplicationFolder, user: UserDocument | None) -> list[ChannelFolder]:
    if user and user['admin']:
        return []
    query = {keys.APP: app['_id'], keys.ROLE: {'$exists': True}}
    # For the anonymous this is the same condition as the other, written so that an index answers it.
    unreadable = {'public': {'$ne': True}} if user is None else {'$nor': [folder_clause(user)]}
    return list(Folder().find({**query, **unreadable}, fields=['spm']).batch_size(BATCH))


def _writable_with_unready(app: ApplicationFolder, user: UserDocument) -> list[ObjectId]:
    """Ids of the folders that ``user`` may write to and in which something waits for its file."""
    waiting = Item().collection.distinct('folderId', {keys.APP: app['_id'], keys.HAS_FILE: False})
    if not waiting:
        return []
    query = {'_id': {'$in': waiting}, **folder_clause(user, LIST_INCOMPLETE.target)}
    return [folder['_id'] for folder in Folder().find(query, fields=['_id']).batch_size(BATCH)]


def _without(hidden: list[ChannelFolder]) -> Document:
    """The condition for items in none of the folders ``hidden``."""
    if not hidden:
        return {}
    channels = [folder['_id'] for folder in hidden if role(folder) in CHANNELS]
    closed = [folder['spm']['channel'] for folder in hidden if role(folder) == EXTENSIONS]
    outside = [{keys.CHANNEL: {'$in': channels}}, {keys.PACKAGE_TYPE: EXTENSION.label, keys.CHANNEL: {'$in': closed}}]
    if any(role(folder) == DRAFTS for folder in hidden):
        outside.append({keys.DRAFT: True})
    return {'$nor': outside}


def folder_clause(user: UserDocument | None, level: int | None = READ) -> Document:
    """Girder's condition for the folders to which ``user`` has the access ``level``."""
    if user and user['admin']:
        return {}
    clause: Document = Folder().permissionClauses(user, level)
    return clause
