"""API keys with few permissions and an expiry date.

Girder's keys do not expire and have, by default, all permissions of their user. Here a key can have the scope
:data:`UPLOAD`, which suffices to upload packages and for nothing else, for one application if so wanted, and a date
after which it gives no more tokens.
"""
from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bson.objectid import ObjectId
from girder.constants import TokenScope
from girder.models.api_key import ApiKey
from girder.models.user import User

from slicer_package_manager.registry.accounts import upload_rules
from slicer_package_manager.registry.accounts import users as accounts_users
from slicer_package_manager.registry.accounts.upload_rules import ALL, Limits
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Forbidden, Invalid, NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import Input, clean_all
from slicer_package_manager.registry.server import clock, transactions
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.types import ApplicationFolder

UPLOAD = 'slicer_package_manager.upload'
#: Purposes of a key and their scopes; ``None`` stands for all permissions of its user.
PURPOSES: dict[str, list[str] | None] = {'upload': [UPLOAD], 'read': [TokenScope.DATA_READ], 'full': None}
#: The longest lifetime of a key.
MOST_DAYS = 3650
#: The longest lifetime of a token, in days: longer than any upload, and short if it is stolen.
_TOKEN_DAYS = 1.0
_DAY = timedelta(days=1)


def register() -> None:
    """Register the scope with Girder, so that keys can have it, and let keys join transactions. Idempotent."""
    accounts_users.register()
    if UPLOAD not in TokenScope.scopeIds():
        TokenScope.describeScope(UPLOAD, 'Upload packages', 'Allows to upload packages and extensions of Slicer where '
                                 'you have write access, and to replace their files; nothing can be deleted, and no '
                                 'private file be read.')


@transactions.atomic
def create(login: str, name: str, purpose: str, days: int | None, app: ApplicationFolder | None = None) -> Document:
    """Create a key of the user ``login``; return its document, with the secret as ``key``.

    :param days: lifetime of the key; ``None`` if it does not expire.
    :param app: the only application that the key can upload to.
    :raises NotFound: there is no such user.
    :raises Invalid: ``name`` or ``days`` is not valid, the key is not for uploads, or the user may not upload to
        ``app``.
    """
    user, name = accounts_users.load(login), clean_all(name=Input(name, validators.name))['name']
    own = {**_expiry(days), **(_only_for(app, purpose, user) if app else {})}
    key: Document = ApiKey().createApiKey(user, name, scope=PURPOSES[purpose], days=_TOKEN_DAYS)
    if own:
        ApiKey().update({'_id': key['_id']}, {'$set': own}, multi=False)
    return {**key, **own}


def _expiry(days: int | None) -> Document:
    if days is None:
        return {}
    if not 1 <= days <= MOST_DAYS:
        raise Invalid([('days', f'must be between 1 and {MOST_DAYS}')])
    return {'expires': clock.now() + timedelta(days=days)}


def _only_for(app: ApplicationFolder, purpose: str, user: Document) -> Document:
    if purpose != 'upload':
        raise Invalid([('purpose', 'must be "upload" for a key of one application')])
    upload_rules.require_uploader(user, app)
    return {'spm': {'app': app['_id']}}


def in_transaction(original: Callable[..., Any], *args: object, **kwargs: object) -> Any:
    """Replacement for methods of Girder's API keys: else a key that gives a token when it is revoked comes back."""
    return transactions.run(lambda: original(*args, **kwargs))


def of(login: str | None = None) -> list[Document]:
    """Return all keys, or those of the user ``login``, oldest first, with the ``login`` and without the secret.

    :raises NotFound: there is no such user.
    """
    query = {} if login is None else {'userId': accounts_users.load(login)['_id']}
    return _with_logins(list(ApiKey().find(
        query, fields={'key': False, 'access': False}, sort=[('created', 1), ('_id', 1)])))


def _with_logins(found: list[Document]) -> list[Document]:
    users = {user['_id']: user['login'] for user in User().find(
        {'_id': {'$in': [key['userId'] for key in found]}}, fields=['login'])}
    return [{**key, 'login': users.get(key['userId'], '')} for key in found]


@transactions.atomic
def revoke(identifier: str) -> Document:
    """Delete the key with the id ``identifier`` and all its tokens; return its document, with the ``login``.

    :raises NotFound: there is no such key.
    """
    key: Document | None = ApiKey().findOne({'_id': ObjectId(identifier)}) if ObjectId.is_valid(identifier) else None
    if key is None:
        raise NotFound(f'There is no API key with the id "{validators.shortened(identifier)}"; see "key list".')
    [named] = _with_logins([key])
    ApiKey().remove(key)
    return named


def purpose_of(key: Document) -> str | None:
    """Return the purpose of ``key``; ``None`` for other scopes, as keys have that were created in another way."""
    return next((name for name, scopes in PURPOSES.items() if scopes == key['scope']), None)


def state_of(key: Document) -> str:
    """Return whether ``key`` is ``active``, ``inactive`` or ``expired``."""
    if has_expired(key):
        return 'expired'
    return 'active' if key['active'] else 'inactive'


def limits_of(token: Document) -> Limits | None:
    """Return what the key of ``token`` may upload; ``None`` if only the access of its user limits that.

    :raises Forbidden: the key was revoked.
    """
    if 'apiKeyId' not in token:
        return None
    key = ApiKey().findOne({'_id': token['apiKeyId']}, fields=[keys.APP])
    if key is None:
        raise Forbidden('The API key of this token was revoked.')
    app = key.get('spm', {}).get('app')
    return app and Limits(app, (ALL,), packages=True, holder='API key', remedy='create another key')


def has_expired(key: Document) -> bool:
    """Whether ``key`` has expired."""
    return key.get('expires') is not None and key['expires'] <= clock.now()


def days_left(secret: str) -> float | None:
    """Return for how many days tokens of the key may last, ``None`` if it does not expire or does not exist.

    :raises Forbidden: it has expired.
    """
    key = ApiKey().findOne({'key': secret, 'expires': {'$exists': True}}, fields=['name', 'expires'])
    if key is None:
        return None
    if has_expired(key):
        raise Forbidden(f'The API key "{key["name"]}" expired on {key["expires"]:%Y-%m-%d}. Ask its issuer for a new '
                        'one.')
    return float((key['expires'] - clock.now()) / _DAY)


def described(secret: str) -> Document | None:
    """Return ``_id``, ``name`` and ``expires`` of a key, and the ``login`` of its user; ``None`` if there is none."""
    key = ApiKey().findOne({'key': secret}, fields=['name', 'expires', 'userId'])
    user = User().findOne({'_id': key['userId']}, fields=['login']) if key else None
    if key is None or user is None:
        return None
    return {'_id': key['_id'], 'name': key.get('name', ''), 'expires': key.get('expires'), 'login': user['login']}
