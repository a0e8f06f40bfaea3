"""Calls for the API keys of all accounts, such as those of build machines."""
from __future__ import annotations

from girder.api.describe import Description
from girder.api.rest import setResponseHeader

from slicer_package_manager.registry.accounts import api_keys
from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.handlers.call import Response, call, current_user


def _for_administrators(summary: str) -> Description:
    return (Description(summary)
            .errorResponse('The user is not logged in.', 401)
            .errorResponse('The user is not a site administrator.', 403))


@call(access.MANAGE_KEYS, (
    _for_administrators('List the API keys of all accounts, oldest first, without their secrets.')
    .notes('Each key has `login`, the account that it belongs to, `purpose`, what it may do (`null` for other scopes, '
           'which are in `scope`), `app_id`, the only application that it can upload to, or `null`, `state` (`active`, '
           '`inactive` or `expired`), and the times `created`, `used` and `expires`, or `null`.')
    .param('login', 'Only keys of this user.', required=False)
    .errorResponse('There is no such user.', 404)
))
def listKeys(login: str | None) -> Response:
    return [_shown(key, key['login']) for key in api_keys.of(login or None)]


@call(access.MANAGE_KEYS, (
    _for_administrators('Create an API key for an account.')
    .notes('The response has the secret as `key`. It is in no other response.')
    .param('login', 'User that the key belongs to. It can do nothing that they may not do.')
    .param('name', 'What the key is for.')
    .param('purpose', 'What it may do: only upload packages and extensions, only read, or all that the user may do.',
           required=False, enum=list(api_keys.PURPOSES), default='upload')
    .param('app_id', 'Id of the only application that the key can upload to. Its user must be able to write there.',
           required=False)
    .param('days', f'Days after which the key expires, at most {api_keys.MOST_DAYS}.', required=False,
           dataType='integer', default=365)
    .errorResponse('A value is not valid, or the user may not upload to the application.')
    .errorResponse('There is no such user or application.', 404)
))
def createKey(login: str, name: str, purpose: str, app_id: str | None, days: int) -> Response:
    app = applications.load(app_id, current_user()) if app_id else None
    made = api_keys.create(login, name, purpose, days, app)
    setResponseHeader('Cache-Control', 'no-store')
    return {**_shown(made, login), 'key': made['key']}


@call(access.MANAGE_KEYS, (
    _for_administrators('Revoke an API key. Its tokens are not accepted any more.')
    .param('key_id', 'Id of the key.', paramType='path')
    .errorResponse('There is no such key.', 404)
))
def revokeKey(key_id: str) -> Response:
    revoked = api_keys.revoke(key_id)
    return _shown(revoked, revoked['login'])


def _shown(key: Document, login: str) -> Document:
    return {'_id': key['_id'], 'login': login, 'name': key['name'], 'purpose': api_keys.purpose_of(key),
            'scope': key['scope'], 'app_id': key.get('spm', {}).get('app'), 'state': api_keys.state_of(key),
            'created': key['created'], 'used': key.get('lastUse'), 'expires': key.get('expires')}
