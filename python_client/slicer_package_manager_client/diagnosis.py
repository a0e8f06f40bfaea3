"""Checks of the way to a server: address, proxy, TLS, version, clock, login and permissions."""
from __future__ import annotations

import os
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from slicer_package_manager_client import identity, registry
from slicer_package_manager_client.addresses import without_credentials
from slicer_package_manager_client.directories import state_directory
from slicer_package_manager_client.errors import NetworkProblem, Refused, SlicerPackageManagerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slicer_package_manager_client.connection import Connection

OK, WARNING, FAILED = 'ok', 'warning', 'failed'
_DAY = 86400
#: Days before its expiry from which a certificate gets a warning.
_CERTIFICATE_DAYS = 14
#: Seconds by which clocks may differ: signed addresses and tokens of CI services depend on them.
_CLOCK_SECONDS = 60
_DEFAULT_PORTS = {'http': 80, 'https': 443}


@dataclass(frozen=True)
class Finding:
    """Result of one check.

    :param exit_code: of the command; 0 unless the check failed.
    """

    check: str
    result: str
    detail: str
    exit_code: int = 0


def failed(check: str, error: SlicerPackageManagerError) -> Finding:
    """Return the finding for a check that ended with ``error``."""
    return Finding(check, FAILED, ' '.join(filter(None, (error.message, error.advice))), error.exit_code)


def of_server(client: Connection) -> Iterator[Finding]:
    """Check the way to the server of ``client``, which is not logged in."""
    url = urlsplit(client.urlBase)
    proxy = requests.utils.get_environ_proxies(client.urlBase).get(url.scheme)
    yield _address(url, by_proxy=bool(proxy))
    yield Finding('proxy', OK, without_credentials(proxy) if proxy else 'none')
    if url.scheme == 'https':
        yield _tls(url, client, by_proxy=bool(proxy))
    yield from _answers(client)


def _address(url: Any, *, by_proxy: bool) -> Finding:
    where = f'{url.hostname}:{url.port or _DEFAULT_PORTS.get(url.scheme)}'
    if by_proxy:
        return Finding('address', OK, f'{where}, resolved by the proxy')
    try:
        found = socket.getaddrinfo(url.hostname, url.port or _DEFAULT_PORTS.get(url.scheme), type=socket.SOCK_STREAM)
    except OSError as error:
        return Finding('address', FAILED, f'{where} cannot be resolved (DNS: {error.strerror}).',
                       NetworkProblem.exit_code)
    return Finding('address', OK, f'{where} is {", ".join(dict.fromkeys(str(one[4][0]) for one in found))}')


def _tls(url: Any, client: Connection, *, by_proxy: bool) -> Finding:
    if client.verify is False:
        return Finding('tls', WARNING, 'Certificates are not verified.')
    if by_proxy:
        return Finding('tls', OK, 'goes through the proxy; see "server"')
    try:
        version, certificate = _handshake(url, client)
    except OSError as error:
        reason = getattr(error, 'verify_message', None) or getattr(error, 'reason', None) or error
        return Finding('tls', FAILED, f'No TLS connection: {reason}.', NetworkProblem.exit_code)
    days = int((ssl.cert_time_to_seconds(certificate['notAfter']) - time.time()) // _DAY)
    return Finding('tls', OK if days >= _CERTIFICATE_DAYS else WARNING,
                   f'{version}, the certificate expires in {days} days')


def _handshake(url: Any, client: Connection) -> tuple[Any, Any]:
    trusted = (client.verify if isinstance(client.verify, str) else os.environ.get('REQUESTS_CA_BUNDLE')
               or os.environ.get('CURL_CA_BUNDLE') or requests.utils.DEFAULT_CA_BUNDLE_PATH)
    context = ssl.create_default_context()
    context.load_verify_locations(**{'capath' if os.path.isdir(trusted) else 'cafile': trusted})  # noqa: PTH112
    address = (url.hostname, url.port or _DEFAULT_PORTS['https'])
    with socket.create_connection(address, client.timeout) as plain, \
            context.wrap_socket(plain, server_hostname=url.hostname) as secure:
        return secure.version(), secure.getpeercert()


def _answers(client: Connection) -> Iterator[Finding]:
    started = time.monotonic()
    try:
        with client.explained():
            answer = client.sendOnce('GET', 'slicer_package_manager/health', jsonResp=False)
            health = answer.json()
    except (SlicerPackageManagerError, ValueError) as error:
        known = isinstance(error, SlicerPackageManagerError)
        yield failed('server', error) if known else Finding(  # type: ignore[arg-type]
            'server', FAILED, 'The answer is not that of a Slicer Package Manager.', NetworkProblem.exit_code)
        return
    took = (time.monotonic() - started) * 1000
    problems = {name: state for name, state in health.items() if name != 'version' and state != 'ok'}
    yield Finding('server', WARNING if problems else OK, f'version {health.get("version")}, answered in {took:.0f} ms'
                  + ''.join(f', {name}: {state}' for name, state in problems.items()))
    yield _clock(answer.headers.get('Date', ''))


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _clock(date: str) -> Finding:
    try:
        ahead = (_now() - parsedate_to_datetime(date)).total_seconds()
    except (TypeError, ValueError):
        return Finding('clock', WARNING, 'The server does not state its time.')
    if abs(ahead) < _CLOCK_SECONDS:
        return Finding('clock', OK, 'that of this machine and that of the server agree')
    return Finding('clock', WARNING, f'That of this machine is {abs(ahead):.0f} s '
                                     f'{"ahead of" if ahead > 0 else "behind"} that of the server.')


def of_credentials(sources: list[str]) -> Finding:
    """Report which credentials are used; ``sources`` are in the order of their precedence."""
    if not sources:
        return Finding('credentials', OK, 'none')
    rest = f'; not used: {", ".join(sources[1:])}' if sources[1:] else ''
    return Finding('credentials', OK, f'{sources[0]}{rest}')


def of_login(client: Connection, app_name: str | None, coll_id: str | None) -> Iterator[Finding]:
    """Check the login of ``client``, and whether it may upload to an application."""
    with client.explained():
        found = identity.who(client)
        yield _login(client, found)
        if app_name:
            app = registry.application(client, app_name, coll_id)
            allowed = bool(found['user']) and identity.may_write(client, app, found['scopes'])
            yield Finding('application', OK, f'uploads to "{app["name"]}" are allowed') if allowed else Finding(
                'application', FAILED, f'Uploads to "{app["name"]}" are not allowed.', Refused.exit_code)


def _login(client: Connection, found: dict[str, Any]) -> Finding:
    if not found['user']:
        return Finding('login', WARNING, 'No credentials; only public documents are visible.')
    soon = identity.expiry_warning(client.api_key, _now())
    detail = ', '.join(f'{name} {value}' for name, value in identity.summary(found)[1:])
    return Finding('login', WARNING if soon else OK, f'{detail}. {soon}' if soon else detail)


def of_machine() -> Finding:
    """Check that uploads can be resumed after a crash."""
    try:
        directory = state_directory()
    except RuntimeError as error:
        return Finding('journal', WARNING, f'Uploads are not resumed by the next run: {error}.')
    parent = next(one for one in (directory, *directory.parents) if one.exists())
    if os.access(parent, os.W_OK):
        return Finding('journal', OK, str(directory))
    return Finding('journal', WARNING, f'"{directory}" cannot be written; uploads are not resumed by the next run.')


