"""API keys in the keyring of the system, one for each server.

1. :func:`store` puts a key into the keyring under the address of the server, and records that in :data:`RECORD`, which
   has no secret.
2. :func:`key` reads it. Callers ask :func:`is_recorded` first: so no command asks to unlock a keyring that has nothing
   for its server, and commands work as before where there is no keyring.
3. :func:`delete` removes the key, then the record.

Only keyrings that encrypt are used: backends with a priority below 1 are those that the package ``keyring`` does not
recommend, such as the files of ``keyrings.alt``.
"""
from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from slicer_package_manager_client import locks
from slicer_package_manager_client.directories import state_directory
from slicer_package_manager_client.errors import InvalidRequest, Refused, SlicerPackageManagerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Name of the file with the servers that have a key in the keyring.
RECORD = 'logins.json'
#: Name of the keys in the keyring; the "user" of each is the address of the server.
SERVICE = 'slicer-package-manager'
_DEFAULT_PORTS = {'http': 80, 'https': 443}
_OTHERWISE = 'Or use a key file: --api-key-file, GIRDER_API_KEY_FILE.'


def address(api_url: str) -> str:
    """Return the address of a server as keys are stored under it, which is the same for all ways to write it.

    :raises InvalidRequest: it is no URL.
    """
    try:
        url = parse_url(api_url)
    except LocationParseError as error:
        raise InvalidRequest('This is not the URL of a server.', server=api_url,
                             advice='--api-url looks like https://example.org/api/v1.') from error
    port = None if url.port == _DEFAULT_PORTS.get(url.scheme or '') else url.port
    return url._replace(auth=None, port=port, path=(url.path or '').rstrip('/')).url


def recorded() -> dict[str, Any]:
    """Return what is known about the key of each server: the user, and the name of the keyring.

    :raises InvalidRequest: the record is damaged.
    """
    try:
        found = json.loads(_record().read_text('utf-8'))
        return {str(server): dict(about) for server, about in found.items()}
    except (OSError, RuntimeError):  # never logged in, or no home directory that can be read
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidRequest(f'The record of logins "{_record()}" is damaged: {error}.',
                             advice='Delete it, and log in again.') from error


def is_recorded(api_url: str) -> bool:
    """Whether there is a key for a server.

    :raises InvalidRequest: the record is damaged.
    """
    found = recorded()
    return bool(found) and address(api_url) in found


def require_keyring() -> str:
    """Return the name of the keyring.

    :raises SlicerPackageManagerError: there is none that encrypts.
    """
    return str(_backend().name)


def store(api_url: str, key: str, user: str) -> str:
    """Store ``key`` for a server, instead of an earlier one; return the name of the keyring.

    :raises SlicerPackageManagerError: the keyring is missing or locked, or the record cannot be written.
    """
    server, backend = address(api_url), _backend()
    with _explained(server, 'store the key'):
        backend.set_password(SERVICE, server, key)
        if backend.get_password(SERVICE, server) != key:
            raise RuntimeError('it did not keep the key')
    try:
        _change(server, {'user': user, 'keyring': backend.name})
    except (OSError, RuntimeError) as error:
        with contextlib.suppress(Exception):
            backend.delete_password(SERVICE, server)
        raise SlicerPackageManagerError(f'The login cannot be recorded in the home directory: {error}.',
                                        advice=_OTHERWISE) from error
    return str(backend.name)


def key(api_url: str) -> str:
    """Return the key of a server.

    :raises SlicerPackageManagerError: the keyring is missing or locked, or has none.
    """
    server, backend = address(api_url), _backend()
    with _explained(server, 'read the key'):
        found = backend.get_password(SERVICE, server)
    if not found:
        raise Refused(f'The {backend.name} has no API key for this server any more.', server=server,
                      advice='Run "login" again, or "logout" to go on without it.')
    return str(found)


def delete(api_url: str) -> bool:
    """Delete the key of a server; return whether there was a record of it.

    :raises SlicerPackageManagerError: the keyring is missing or locked.
    """
    server = address(api_url)
    if server not in recorded():
        return False
    try:
        backend = _backend()
        with _explained(server, 'delete the key'):
            if backend.get_password(SERVICE, server) is not None:
                backend.delete_password(SERVICE, server)
    except SlicerPackageManagerError as error:
        error.advice = f'To go on without the login, and leave the key in the keyring, delete "{_record()}".'
        raise
    _change(server, None)
    return True


def _record() -> Path:
    return state_directory() / RECORD


def _change(server: str, about: dict[str, Any] | None) -> None:
    """Replace what is recorded about a server; ``None`` removes it."""
    path = _record()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locks.exclusive(path):
        found = {**recorded(), server: about}
        scratch = path.with_suffix('.new')
        scratch.write_text(json.dumps({one: more for one, more in found.items() if more}, indent=1), 'utf-8')
        scratch.replace(path)


def _backend() -> Any:
    """Return the backend of the package ``keyring`` that encrypts.

    :raises InvalidRequest: the package or the backend is missing.
    """
    try:
        import keyring  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise InvalidRequest('The package "keyring" is not installed.', advice=(
            f'Run: {sys.executable} -m pip install keyring. {_OTHERWISE}')) from error
    try:
        chosen = keyring.get_keyring()
        backend = next(iter(getattr(chosen, 'backends', ())), chosen)  # the first of a chain
        is_safe = backend.priority >= 1
    except Exception as error:  # each backend, and its configuration, fails in its own way
        raise InvalidRequest(f'The keyring of this system cannot be used: {_reason(error)}.',
                             advice=_OTHERWISE) from error
    if not is_safe:
        found = f' ("{backend.name}" is not used)' if backend.priority > 0 else ''
        raise InvalidRequest(f'This system has no keyring that encrypts{found}.', advice=(
            f'On Linux, a desktop session provides the Secret Service or KWallet. {_OTHERWISE}'))
    return backend


@contextlib.contextmanager
def _explained(server: str, what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # each backend fails in its own way
        raise Refused(f'The keyring did not {what}: {_reason(error)}.', server=server, advice=(
            f'Is it unlocked? {_OTHERWISE}')) from error


def _reason(error: Exception) -> str:
    return ' '.join(str(error).split()).rstrip('.!') or type(error).__name__
