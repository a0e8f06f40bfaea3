"""Refuse anonymous clients if the setting ``core.disable_anonymous_access`` is on; read settings once per request."""
from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from girder.api.rest import Resource, getCurrentToken, getCurrentUser
from girder.exceptions import AccessException
from girder.models.setting import Setting
from girder_hashsum_download.settings import PluginSettings

from slicer_package_manager.registry.server import anonymous_access, settings
from slicer_package_manager.registry.server.replacements import replaced
from slicer_package_manager.rest.middleware import request_state, routing, upload_scope

#: Calls that report the state of the server or lead to a login. They are open whatever the setting is.
OPEN = {
    'GET /slicer_package_manager/health', 'GET /system/version', 'GET /system/check', 'GET /describe',
    # Requested by Girder's web client before a login, and by clients to find out whether they are logged in.
    'GET /system/public_settings', 'GET /system/plugin_static_files', 'GET /user/me', 'GET /token/current',
    'GET /user/authentication', 'DELETE /user/authentication', 'POST /api_key/token',
    'POST /slicer_package_manager/oidc/token',
    # Other settings control accounts and passwords.
    'POST /user', 'PUT /user/password/temporary', 'GET /user/password/temporary/:id', 'PUT /user/:id/verification',
    'POST /user/verification', 'GET /oauth/provider', 'GET /oauth/:provider/callback',
}
MESSAGE = ('This server requires a login for reading: log in, or send a token. '
           f'(The setting {anonymous_access.KEY} is true.)')
#: Settings that each upload reads, by one query.
OF_UPLOADS = (settings.UPLOAD_QUOTAS, settings.CHECKED_APPLICATIONS, PluginSettings.AUTO_COMPUTE)


def state() -> anonymous_access.State:
    """Return the setting and the data version as the database had them when the current request first read them."""
    current = request_state.current()
    if current.data is None:
        current.data = anonymous_access.read()
    return current.data


def refuse() -> None:
    """Refuse the current request if it is anonymous and the setting is on.

    :raises AccessException: it is (401).
    """
    # Girder remembers the first user that it returns for a request, and returns the user of an upload-only token only
    # after upload_scope has allowed the call. So this function does not ask for the user of such a token.
    if not upload_scope.is_for_uploads(getCurrentToken()) and getCurrentUser() is None:
        require_open()


def require_open() -> None:
    """Check that anonymous clients may read.

    :raises AccessException: the setting is on (401).
    """
    if Setting().get(anonymous_access.KEY):
        raise AccessException(MESSAGE)


def _check(original: Callable[..., None], handler: Callable[..., Any], **kwargs: Any) -> None:
    """Check access before each handler, also before those of events."""
    if f'{routing.method()} {routing.template()}' not in OPEN:
        refuse()
    original(handler, **kwargs)


def _get(original: Callable[[Setting, str], Any], model: Setting, key: str) -> Any:
    """Read a setting: some from the database once per request, past the cache of the process."""
    if settings.variable(key) in os.environ:
        return original(model, key)
    if key in OF_UPLOADS:
        return _of_uploads(model).get(key, model.getDefault(key))
    return state().closed if key == anonymous_access.KEY else original(model, key)


def _of_uploads(model: Setting) -> dict[str, Any]:
    """Return the values of :data:`OF_UPLOADS` as the database had them when the current request first read one."""
    current = request_state.current()
    if current.settings is None:
        current.settings = {one['key']: one['value'] for one in model.find({'key': {'$in': OF_UPLOADS}})}
    return current.settings


def guard() -> None:
    """Apply the setting to all calls. Idempotent."""
    # The only place that all calls pass after the user is known.
    Resource._defaultAccess = staticmethod(replaced(Resource._defaultAccess, _check))  # noqa: SLF001
    Setting.get = replaced(Setting.get, _get)
