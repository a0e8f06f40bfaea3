"""Who is logged in: user, API key, scopes and expiry, and the permission to write to an application."""
from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from girder_client import HttpError

if TYPE_CHECKING:
    from slicer_package_manager_client.connection import Connection
    from slicer_package_manager_client.registry import Document

#: Days before its expiry from which a key gets a warning.
WARN_DAYS = 14
#: Girder's level of access that allows to write.
_WRITE = 1
_DENIED = frozenset({401, 403})
_UPLOAD = 'slicer_package_manager.upload'


def who(client: Connection) -> Document:
    """Return the user, the API key and the token of ``client``; ``user`` is ``None`` if it is not logged in."""
    token = client.get('token/current') if client.token else None
    key = client.api_key
    return {'server': client.urlBase.rstrip('/'), 'user': _user(client, token, key),
            'key': key and {name: key.get(name) for name in ('_id', 'name', 'expires')},
            'scopes': token['scope'] if token else [], 'token_expires': token['expires'] if token else None}


def _user(client: Connection, token: Document | None, key: Document | None) -> str | None:
    if not token:
        return None
    if key and key.get('login'):
        return str(key['login'])
    found = client.get('user/me')  # null for tokens that may not read the user
    return str(found['login'] if found else token.get('userId', ''))


def may_write(client: Connection, app: Document, scopes: list[str]) -> bool:
    """Whether ``client`` may upload to the application ``app``, or to one of its releases or drafts.

    :param scopes: those of the token of ``client``.
    """
    try:
        if _UPLOAD in scopes:  # the server shows the application to such a token only if it may write
            return client.get(f'app/{app["_id"]}')['_id'] == app['_id']  # type: ignore[no-any-return]
        if app.get('_accessLevel', 0) >= _WRITE:
            return True
        return any(one['_id'] == app['_id'] for one in client.get('slicer_package_manager/editable'))
    except HttpError as error:
        if error.status in _DENIED:
            return False
        raise


def expiry(key: Document | None) -> datetime | None:
    """Return when an API key expires, or ``None``; servers that do not state it are taken to have keys that last."""
    moment = key.get('expires') if key else None
    if not moment:
        return None
    when = datetime.fromisoformat(str(moment).replace('Z', '+00:00'))
    return when if when.tzinfo else when.replace(tzinfo=timezone.utc)


def expiry_warning(key: Document | None, now: datetime) -> str | None:
    """Return the warning about a key that expires soon, or ``None``."""
    when = expiry(key)
    if key is None or when is None or (when - now).days >= WARN_DAYS:
        return None
    days = max(0, (when - now).days)
    return (f'The API key "{key.get("name", "")}" expires {"today" if not days else f"in {days} days"}, on '
            f'{when:%Y-%m-%d}. Ask an administrator of the server for a new one.')


def summary(found: Document) -> list[tuple[str, Any]]:
    """Return the lines about :func:`who`."""
    key = found['key']
    lines: list[tuple[str, Any]] = [('server', found['server']), ('user', found['user'] or 'not logged in')]
    if key:
        when = expiry(key)
        lines += [('key', f'{key["name"]} ({key["_id"]})'),
                  ('expires', f'{when:%Y-%m-%d %H:%M} UTC' if when else 'never')]
    if found['user']:
        lines += [('scopes', ' '.join(found['scopes']) or 'none')]
    return lines
