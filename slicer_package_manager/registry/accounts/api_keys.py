"""API keys that do no more, and last no longer, than they have to.

Girder's keys have no end and, unless told, all rights of their user. Here a key can have the scope :data:`UPLOAD`,
which is enough to upload packages and for nothing else, and a date after which it gives no more tokens.
"""
from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bson.objectid import ObjectId
from girder.constants import TokenScope
from girder.models.api_key import ApiKey
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload
from girder.models.user import User

from slicer_package_manager.registry.accounts import users as accounts_users
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Forbidden, Invalid, NotFound
from slicer_package_manager.registry.server import clock
from slicer_package_manager.registry.tree import access, item_files

UPLOAD = 'slicer_package_manager.upload'
#: What a key may be created for, and the scopes that it gets; ``None`` are all rights of its user.
PURPOSES: dict[str, list[str] | None] = {'upload': [UPLOAD], 'read': [TokenScope.DATA_READ], 'full': None}
#: The longest that a token of a key lasts, in days: longer than any upload, and short once it is stolen.
_TOKEN_DAYS = 1.0
_DAY = timedelta(days=1)


def register() -> None:
    """Tell Girder the scope, so that keys can have it; may be repeated."""
    if UPLOAD not in TokenScope.scopeIds():
        TokenScope.describeScope(UPLOAD, 'Upload packages', 'Allows to upload packages and extensions of Slicer where '
                                 'you have write access, and to replace their files; nothing can be deleted, and no '
                                 'private file be read.')


def create(login: str, name: str, purpose: str, days: int | None) -> dict[str, Any]:
    """A new key of the user ``login``, with its secret as ``key``.

    :param days: the key gives no tokens after so many days; ``None`` if it has no end.
    :raises NotFound: there is no such user.
    :raises Invalid: a list could not show ``name``.
    """
    user, name = accounts_users.load(login), _name(name)
    # Inactive until its end is stored: a crash between the two leaves no key without one.
    key = ApiKey().createApiKey(user, name, scope=PURPOSES[purpose], days=_TOKEN_DAYS, active=False)
    changes: dict[str, Any] = {'active': True}
    if days is not None:
        changes['expires'] = clock.now() + timedelta(days=days)
    ApiKey().update({'_id': key['_id']}, {'$set': changes}, multi=False)
    return {**key, **changes}


def of(login: str | None = None) -> list[dict[str, Any]]:
    """All keys, or those of the user ``login``, oldest first, each with its user's ``login`` and without its secret.

    :raises NotFound: there is no such user.
    """
    query = {} if login is None else {'userId': accounts_users.load(login)['_id']}
    found = list(ApiKey().find(query, fields={'key': False, 'access': False}, sort=[('created', 1), ('_id', 1)]))
    users = {user['_id']: user['login'] for user in User().find(
        {'_id': {'$in': [key['userId'] for key in found]}}, fields=['login'])}
    return [{**key, 'login': users.get(key['userId'], '')} for key in found]


def revoke(identifier: str) -> dict[str, Any]:
    """Delete the key with the id ``identifier``, and end all sessions that it gave.

    :raises NotFound: there is none.
    """
    key = ApiKey().findOne({'_id': ObjectId(identifier)}) if ObjectId.is_valid(identifier) else None
    if key is None:
        raise NotFound(f'There is no API key with the id "{validators.shortened(identifier)}"; see "key list".')
    ApiKey().remove(key)
    return key


def has_expired(key) -> bool:
    """Whether ``key`` is past its end."""
    return key.get('expires') is not None and _remaining(key['expires']) <= timedelta()


def days_left(secret: str) -> float | None:
    """For how many days tokens of the key may last; ``None`` if it has no end, or there is no such key.

    :raises Forbidden: it has expired.
    """
    key = ApiKey().findOne({'key': secret, 'expires': {'$exists': True}}, fields=['name', 'expires'])
    if key is None:
        return None
    if has_expired(key):
        raise Forbidden(f'The API key "{key["name"]}" expired on {key["expires"]:%Y-%m-%d}. Ask who gave it to you for '
                        'a new one.')
    return _remaining(key['expires']) / _DAY


def _remaining(expires: datetime) -> timedelta:
    return expires - clock.now()


def _name(given):
    try:
        kept = validators.name(given)
    except ValueError as error:
        raise Invalid([('name', str(error))]) from None
    if not kept:
        raise Invalid([('name', 'must not be empty')])
    return kept


# What the scope allows, for the user ``user`` of a token that has nothing else.

def may_see(user, app_id) -> bool:
    """Whether ``user`` may write to something in the application ``app_id``, and so has to find it."""
    writable = access.folder_clause(user, access.SAVE_PACKAGE.target)
    return Folder().findOne({'spm.app': app_id, **writable}, fields=['_id']) is not None


def may_fill(user, item_id) -> bool:
    """Whether ``item_id`` is a package or extension to which ``user`` may write; or nothing, which harms nothing."""
    item = item_id and Item().findOne({'_id': item_id})
    return item_id is not None and (item is None or _may_write(user, item))


def _may_write(user, item) -> bool:
    return 'kind' in item.get('spm', ()) and access.allows(access.UPLOAD_FILE, item, user)


def may_replace(user, file_id) -> bool:
    """Whether ``file_id`` is a file of a package or extension to which ``user`` may write, or was; or nothing."""
    file = file_id and File().findOne({'_id': file_id})
    item = file and item_files.package_of(file)
    return file_id is not None and (file is None or (item is not None and _may_write(user, item)))


def may_remove(user, file_id) -> bool:
    """Whether ``file_id`` is such a file, and another one takes its place; or nothing."""
    file = file_id and File().findOne({'_id': file_id})
    return may_replace(user, file_id) and (file is None or item_files.is_replaced(file))


def may_go_on(user, upload_id) -> bool:
    """Whether ``user`` began the upload ``upload_id`` of a file of a package or extension; or it is nothing."""
    upload = upload_id and Upload().findOne({'_id': upload_id})
    if upload is None:
        return upload_id is not None
    if upload['userId'] != user['_id']:
        return False
    return may_replace(user, upload['fileId']) if upload.get('fileId') else may_fill(user, upload.get('parentId'))
