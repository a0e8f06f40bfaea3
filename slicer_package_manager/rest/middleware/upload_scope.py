"""The calls that are allowed with an upload-only token, and the expiry of API keys.

1. A token whose only scope is "upload packages" lacks the scope of every call, so Girder treats its requests as
   anonymous. New calls of Girder are therefore closed to it.
2. Before a call in :data:`ALLOWED`, the event handler loads the user of the token, and the publisher if it is that of
   one, and checks whether they may make the call.
3. If so, it sets the scope that the request requires to the scope of the token. The handler checks access as always.
"""
from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import cherrypy
from bson.objectid import ObjectId
from girder import events
from girder.api.rest import getCurrentToken, getCurrentUser
from girder.constants import TokenScope
from girder.models.user import User

from slicer_package_manager.registry.accounts import api_keys, token_exchange, upload_rules
from slicer_package_manager.registry.accounts.upload_rules import Uploader
from slicer_package_manager.registry.schema.errors import Forbidden, Invalid
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE, PackageType
from slicer_package_manager.registry.schema.validators import object_id
from slicer_package_manager.registry.server import clock
from slicer_package_manager.registry.tree import builds
from slicer_package_manager.rest.middleware import request_state
from slicer_package_manager.rest.middleware.permissions import before_anyone

#: A hundred years. Dates far beyond are not valid.
_MOST_DAYS = 36525
#: Whether an uploader may make a call, which Girder describes by the ``info`` of its event.
Rule: TypeAlias = Callable[[Uploader, Mapping[str, Any]], bool]


def _in_path(allowed: Callable[[Uploader, ObjectId | None], bool], name: str) -> Rule:
    return lambda uploader, info: allowed(uploader, object_id(info.get(name)))


def _of_upload(uploader: Uploader, info: Mapping[str, Any]) -> bool:
    return upload_rules.may_continue(uploader, object_id(info['params'].get('uploadId')))


def _begins_upload(uploader: Uploader, info: Mapping[str, Any]) -> bool:
    params = info['params']
    return (params.get('parentType') == 'item' and 'linkUrl' not in params
            and upload_rules.may_fill(uploader, object_id(params.get('parentId'))))


def _always(_uploader: Uploader, _info: Mapping[str, Any]) -> bool:
    return True


def _saves(package_type: PackageType) -> Rule:
    def rule(uploader: Uploader, info: Mapping[str, Any]) -> bool:
        upload_rules.require_allowed(
            uploader, object_id(info.get('app_id')), package_type.label, info['params'].get('baseName'))
        return True
    return rule


_of_application = _in_path(upload_rules.may_see, 'app_id')
_of_item = _in_path(upload_rules.may_fill, 'id')
_of_package, _of_extension = (_in_path(upload_rules.may_fill, name) for name in ('pkg_id', 'ext_id'))
_of_file = _in_path(upload_rules.may_replace, 'id')

#: Each allowed call with the function that decides whether the uploader may make it.
ALLOWED = {
    'get.app': _always,
    'get.app/:app_id': _of_application,
    'get.app/:app_id/release': _of_application,
    'get.app/:app_id/draft': _of_application,
    'get.app/:app_id/package': _of_application,
    'get.app/:app_id/extension': _of_application,
    'post.app/:app_id/package': _saves(PACKAGE),
    'post.app/:app_id/extension': _saves(EXTENSION),
    'put.app/:app_id/package/:pkg_id/attestation': _of_package,
    'put.app/:app_id/extension/:ext_id/attestation': _of_extension,
    'put.app/:app_id/extension/:ext_id/readme': _of_extension,
    'get.item/:id': _of_item,
    'get.item/:id/files': _of_item,
    'get.file/offset': _of_upload,
    'post.file': _begins_upload,
    'post.file/chunk': _of_upload,
    'post.file/completion': _of_upload,
    'delete.file/upload/:id': _in_path(upload_rules.may_continue, 'id'),
    'put.file/:id/contents': _of_file,
    'put.file/:id': _of_file,
    'delete.file/:id': _in_path(upload_rules.may_remove, 'id'),
}


def is_for_uploads(token: Mapping[str, Any] | None) -> bool:
    """Whether ``token`` belongs to a user, has not expired, and is only for uploads."""
    scopes = token['scope'] if token and 'userId' in token and token['expires'] > clock.now() else ()
    return api_keys.UPLOAD in scopes and TokenScope.USER_AUTH not in scopes


def require_enough() -> None:
    """Raise an error that names the reason if the current request was refused because its token is only for uploads.

    :raises Forbidden: 403.
    """
    token = getCurrentToken()
    if not is_for_uploads(token) or getCurrentUser() is not None:
        return
    if token_exchange.build_of(token):
        raise Forbidden('This token of a publisher is only for uploads of the packages that the publisher may upload.')
    raise Forbidden('This API key is only for uploads of packages, to the application that it is for, or that its user '
                    'may write to. Use a key with more scopes for other calls.')


def _opens(is_allowed: Rule) -> Callable[[events.Event], None]:
    @before_anyone
    def handler(event: events.Event) -> None:
        token = getCurrentToken()
        if token is None or not is_for_uploads(token):
            return
        user = User().load(token['userId'], force=True)
        if user and is_allowed(token_exchange.uploader_of(token, user), event.info):
            cherrypy.request.requiredScopes = api_keys.UPLOAD
            request_state.current().build = token_exchange.build_of(token)
    return handler


@before_anyone
def _limit_lifetime(event: events.Event) -> None:
    """Before ``POST /api_key/token``: refuse expired keys, and limit the lifetime of the token to that of the key."""
    params = event.info['params']
    left = api_keys.days_left(str(params.get('key', '')).strip())
    try:
        requested = float(params.get('duration') or math.inf)
    except ValueError:
        return  # Girder reports the error
    if math.isnan(requested):
        raise Invalid([('duration', 'must be a number of days')])
    if left is not None:
        # To Girder, 0 means "as long as the key allows".
        params['duration'] = str(min(requested, left) if requested else left)


def _describe_key(event: events.Event) -> None:
    """After ``POST /api_key/token``: state which key it was, its user, and when it expires, which Girder does not."""
    answer = event.info['returnVal']
    # Girder takes the parameters of a call out of those of the event.
    described = api_keys.described(str(cherrypy.request.params.get('key', '')).strip())
    if isinstance(answer, dict) and described is not None:
        answer['apiKey'] = described


@before_anyone
def _check_key(event: events.Event) -> None:
    """Before an API key is created or changed: refuse durations and scopes on which Girder fails later."""
    params = event.info['params']
    problems = []
    if not _is_duration(params.get('tokenDuration')):
        problems.append(('tokenDuration', 'must be a number of days'))
    if not _is_scope(params.get('scope')):
        problems.append(('scope', 'must be a JSON list of scope names'))
    if problems:
        raise Invalid(problems)


def _is_duration(value: str | None) -> bool:
    try:
        return 0 <= float(value or 0) <= _MOST_DAYS
    except ValueError:
        return False


def _is_scope(value: str | None) -> bool:
    try:
        scope = json.loads(value or 'null')
    except ValueError:
        return True  # Girder reports the error
    return scope is None or (isinstance(scope, list) and all(isinstance(one, str) for one in scope))


HANDLERS = {
    **{f'rest.{call}.before': _opens(is_allowed) for call, is_allowed in ALLOWED.items()},
    'rest.post.api_key.before': _check_key,
    'rest.put.api_key/:id.before': _check_key,
    'rest.post.api_key/token.before': _limit_lifetime,
    'rest.post.api_key/token.after': _describe_key,
}


def start() -> None:
    """Let the registry know which run of a CI service the current request belongs to."""
    builds.find_by(lambda: request_state.current().build)
