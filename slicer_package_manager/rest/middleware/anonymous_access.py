"""Refuses those who have not logged in where an administrator wants that: ``core.disable_anonymous_access``."""
from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from girder.api.rest import Resource, getCurrentUser
from girder.exceptions import AccessException
from girder.models.setting import Setting

from slicer_package_manager.registry.server import anonymous_access
from slicer_package_manager.rest.middleware import request_state, routing, upload_scope

#: What tells how the server is, or leads to a login: open whatever the setting says.
OPEN = {
    'GET /slicer_package_manager/health', 'GET /system/version', 'GET /system/check', 'GET /describe',
    # What Girder's web client asks for before somebody logs in, and clients to learn whether they are.
    'GET /system/public_settings', 'GET /system/plugin_static_files', 'GET /user/me', 'GET /token/current',
    'GET /user/authentication', 'DELETE /user/authentication', 'POST /api_key/token',
    # Accounts and passwords have settings of their own.
    'POST /user', 'PUT /user/password/temporary', 'GET /user/password/temporary/:id', 'PUT /user/:id/verification',
    'POST /user/verification', 'GET /oauth/provider', 'GET /oauth/:provider/callback',
}
MESSAGE = ('This server is read only by those who have an account: log in, or send a token. '
           f'(Its setting {anonymous_access.KEY} is true.)')


def state() -> anonymous_access.State:
    """What the database said when the current request first asked."""
    current = request_state.current()
    if current.data is None:
        current.data = anonymous_access.read()
    return current.data


def refuse() -> None:
    """Let nobody pass who has not logged in, where that is wanted.

    :raises AccessException: 401.
    """
    # Girder remembers the user whom it was first asked for, and a token that is only for uploads has one only once its
    # call is opened to it: Girder is not asked for the user of such a token here.
    if upload_scope.is_for_uploads(request_state.current().token) or getCurrentUser() is not None:
        return
    if Setting().get(anonymous_access.KEY):
        raise AccessException(MESSAGE)


def _refusing(check: Callable[..., None]) -> Callable[..., None]:
    """``check``, which Girder calls before each handler, also those that answer in the place of another."""
    @wraps(check)
    def refusing(handler: Callable[..., Any], **kwargs: Any) -> None:
        if f'{routing.method()} {routing.template()}' not in OPEN:
            refuse()
        check(handler, **kwargs)
    refusing.refuses = True  # type: ignore[attr-defined]
    return refusing


def _knowing(get: Callable[[Setting, str], Any]) -> Callable[[Setting, str], Any]:
    """``Setting.get``, which asks once for each request, and believes no cache of its process."""
    @wraps(get)
    def knowing(self: Setting, key: str) -> Any:
        return state().closed if key == anonymous_access.KEY and not anonymous_access.is_given() else get(self, key)
    return knowing


def guard() -> None:
    """Guard all calls, and all checks of access, by the setting; may be called again."""
    check = Resource._defaultAccess  # noqa: SLF001 - the one place that all calls pass when the user is known
    if not hasattr(check, 'refuses'):
        Resource._defaultAccess = staticmethod(_refusing(check))  # noqa: SLF001
        Setting.get = _knowing(Setting.get)
