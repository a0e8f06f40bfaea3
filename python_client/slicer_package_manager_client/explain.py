"""Explain failed requests in one line that names the real cause and the address."""
from __future__ import annotations

import http.client
import json as jsonlib
import re
import socket
import ssl
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from girder_client import AuthenticationError, HttpError, IncompleteResponseError

from slicer_package_manager_client import config, errors
from slicer_package_manager_client.addresses import without_credentials
from slicer_package_manager_client.retry import TRANSIENT_STATUS, is_transient_status

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Exceptions for requests that got no complete answer.
TRANSIENT = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError,
             requests.exceptions.ContentDecodingError, IncompleteResponseError)
_KINDS = {400: errors.InvalidRequest, 401: errors.Refused, 403: errors.Refused, 404: errors.NotFound,
          409: errors.Conflict, 413: errors.InvalidRequest, 414: errors.InvalidRequest,
          422: errors.InvalidRequest}
#: The variable with the ID token, where the CI service sets it.
ID_TOKEN = 'SLICER_PACKAGE_MANAGER_ID_TOKEN'  # noqa: S105 - a name, no secret
#: What to do in a job of a CI service that gives no ID token.
LET_JOB_LOG_IN = ('On GitHub Actions, the job requires "permissions: id-token: write". On GitLab CI, name '
                  f'{ID_TOKEN} in "id_tokens" of the job.')
_ADVICE = {
    403: 'Ask an administrator for access, or use the key of another account.',
    413: 'The server, or a proxy before it, does not take that much at once.',
}
_TO_PUBLISHERS = 'Ask an administrator to register what this workflow may upload, and with which account.'
#: Calls that log in, with what was refused and what to do.
_LOGINS = {
    'api_key/token': ('The API key was refused', 'Create another one on the account page of the server.'),
    'oidc/token': ('Trusted publishing was refused', ''),
}
_NO_SPACE, _PROXY_LOGIN = 507, 407
#: Reasons that OpenSSL reports when the server does not speak TLS.
_NOT_TLS = re.compile(r'WRONG_VERSION_NUMBER|HTTP_REQUEST|HTTPS_PROXY_REQUEST|UNKNOWN_PROTOCOL|RECORD_LAYER_FAILURE|'
                      r'PACKET_LENGTH_TOO_LONG|NOT_SSL_RECORD', re.IGNORECASE)
#: Girder's message for an unknown path of its API.
_NO_ROUTE = re.compile(r'^No matching route\b')
_TUNNEL = re.compile(r'Tunnel connection failed: (\d{3})')
_NO_SUCH_NAME = {getattr(socket, name) for name in ('EAI_NONAME', 'EAI_NODATA') if hasattr(socket, name)}


def causes(error: BaseException) -> Iterator[BaseException]:
    """Iterate over ``error`` and its causes, which requests and urllib3 wrap in each other."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [*one.args, getattr(one, 'reason', None), one.__cause__, one.__context__]


def caused(error: BaseException, kind: Any) -> Any:
    """Return the first cause of ``error`` that is an instance of ``kind``, or ``None``."""
    return next((one for one in causes(error) if isinstance(one, kind)), None)


def is_lasting(error: BaseException, *, first_contact: bool) -> bool:
    """Whether it is pointless to repeat a request that got no answer.

    :param first_contact: whether the server has not answered any request yet.
    """
    if caused(error, ssl.SSLCertVerificationError):
        return True
    if first_contact and isinstance(error, requests.exceptions.SSLError) and _in_handshake(error):
        return _NOT_TLS.search(str(error)) is not None
    tunnel = _TUNNEL.search(str(error))
    if tunnel is not None:
        status = int(tunnel[1])
        return status not in TRANSIENT_STATUS and not is_transient_status(status)
    return False


def _in_handshake(error: BaseException) -> bool:
    """Whether the TLS handshake failed."""
    failed = caused(error, ssl.SSLError)
    return failed is None or any(
        frame.f_code.co_name == 'do_handshake' for frame, _line in traceback.walk_tb(failed.__traceback__))


def is_unknown_name(error: BaseException) -> bool:
    """Whether DNS does not know the host name of the server; it may be misspelled."""
    found = caused(error, socket.gaierror)
    return found is not None and found.errno in _NO_SUCH_NAME


def explain(error: Exception, server: str, *, logged_in: bool = True,
            as_publisher: bool = False) -> errors.SlicerPackageManagerError:
    """Return the error to report to the user for ``error``.

    :param as_publisher: whether the login was by trusted publishing.
    """
    if isinstance(error, AuthenticationError):
        return errors.Refused('Wrong user name or password.', server=server)
    if isinstance(error, HttpError):
        return _explain_answer(error, server, logged_in=logged_in, as_publisher=as_publisher)
    return explain_connection(error, server)


def explain_connection(error: Exception, server: str) -> errors.SlicerPackageManagerError:
    """Return the error to report for a request that got no answer."""
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema,
                          requests.exceptions.MissingSchema)):
        return errors.InvalidRequest('This is not the URL of a server.', server=server,
                                     advice='--api-url looks like https://example.org/api/v1.')
    if isinstance(error, OSError) and not isinstance(error, TRANSIENT) and error.errno:
        # For example, the certificate file does not exist.
        return errors.InvalidRequest(str(error), server=server)
    where = _address(error, server)
    message, advice = _explain_proxy(error) or _explain_tls(error, where) or _explain_network(error, where)
    return errors.NetworkProblem(message, server=server, advice=advice)


def _explain_proxy(error: Exception) -> tuple[str, str] | None:
    if not isinstance(error, requests.exceptions.ProxyError):
        return None
    scheme = urlsplit(str(getattr(error.request, 'url', '') or '')).scheme
    proxy = requests.utils.get_environ_proxies(str(getattr(error.request, 'url', '') or '')).get(scheme or 'https', '')
    tunnel = _TUNNEL.search(str(error))
    cause = f'answered status {tunnel[1]}' if tunnel else _explain_network(error, 'it')[0].rstrip('.')
    return (f'The proxy {without_credentials(proxy) or "on the way"} cannot be used: {cause}.',
            'Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.')


def _explain_tls(error: Exception, where: str) -> tuple[str, str] | None:
    refused = caused(error, ssl.SSLCertVerificationError)
    if refused:
        return (f'The certificate of {where} is not trusted: {refused.verify_message or refused}.',
                'Give the authority that signed it with --certificate or SSL_CERT_FILE.')
    if not isinstance(error, requests.exceptions.SSLError):
        return None
    if _NOT_TLS.search(str(error)) and _in_handshake(error):
        return (f'No TLS connection can be made with {where}, which answers something else.',
                'Does the server speak https at this address?')
    reason = getattr(caused(error, ssl.SSLError), 'reason', None) or 'the connection was closed'
    return f'The TLS connection with {where} broke off ({str(reason).replace("_", " ").lower()}).', 'Try again later.'


def _explain_network(error: Exception, where: str) -> tuple[str, str]:
    name = caused(error, socket.gaierror)
    if name or type(caused(error, Exception)).__name__ == 'NameResolutionError':
        return (f'The host name of {where} cannot be resolved (DNS: {name.strerror}).',
                'Is the name right, and does the name server of this machine work?')
    if caused(error, ConnectionRefusedError):
        return f'The connection to {where} was refused.', 'Is the address right, and does the server run?'
    if isinstance(error, requests.Timeout):
        return f'{where} did not answer in time.', 'Try again later, or with a longer --timeout.'
    if caused(error, (ConnectionError, http.client.IncompleteRead, http.client.RemoteDisconnected,
                      IncompleteResponseError)):
        return f'The connection to {where} was closed (reset) before the answer was complete.', 'Try again later.'
    own = next((one for one in error.args if isinstance(one, str)), '')
    if own:  # raised by this client, with the reason
        return f'{own[:1].upper()}{own[1:].rstrip(".")}.', 'Try again later.'
    system = next((one for one in causes(error) if isinstance(one, OSError) and one.strerror and one.errno), None)
    detail = f' ({system.strerror})' if system else ''
    return f'{where} cannot be reached{detail}.', 'Is the address right, and does the server run?'


def _address(error: Exception, server: str) -> str:
    """Return the host and port that could not be reached, or else the server as the user named it."""
    url = str(getattr(getattr(error, 'request', None), 'url', None) or server)
    try:
        parts = urlsplit(url)
        port = parts.port or {'http': 80, 'https': 443}.get(parts.scheme)
    except ValueError:
        return 'the server'
    if not parts.hostname:
        return server or 'The server'
    return f'{"[" + parts.hostname + "]" if ":" in parts.hostname else parts.hostname}{f":{port}" if port else ""}'


def _explain_answer(error: HttpError, server: str, *, logged_in: bool,
                    as_publisher: bool) -> errors.SlicerPackageManagerError:
    reason = answered_message(error.responseText)
    problem, advice = _not_of_the_request(error.status, reason)
    if problem:
        return errors.NetworkProblem(problem, server=server, advice=advice)
    logging_in = 'api_key/token' in error.url or 'user/authentication' in error.url
    if _NO_ROUTE.search(reason) or (
            error.status in {404, 405, 410} and (logging_in or not _is_json(error.responseText))):
        return not_girder(server, f'it answered status {error.status} to {urlsplit(error.url).path}')
    kind = _KINDS.get(error.status, errors.SlicerPackageManagerError)
    for call, (refused, advice) in _LOGINS.items():
        if call in error.url and _is_json(error.responseText):
            return errors.Refused(f'{refused}: {reason}', server=server, advice=advice)
    advice = _ADVICE.get(error.status, '')
    if error.status == 401 or (error.status == 403 and not logged_in):  # noqa: PLR2004
        advice = how_to_log_in()
    elif error.status == 403 and as_publisher:  # noqa: PLR2004
        advice = _TO_PUBLISHERS
    return kind(f'Refused with status {error.status}: {reason}', server=server, advice=advice)


def _not_of_the_request(status: int, reason: str) -> tuple[str, str]:
    """A problem of the server or the network with what to do about it; empty if the request is wrong."""
    if status == _NO_SPACE:
        return f'The server has no space left (status 507): {reason}', 'Its administrator has to make room.'
    if status >= 500:  # noqa: PLR2004
        return f'The server failed with status {status}: {reason}', 'Try again later.'
    if status in TRANSIENT_STATUS:
        return f'The server is busy (status {status}): {reason}', 'Try again later.'
    if status == _PROXY_LOGIN:
        return ('The proxy requires a login (status 407).',
                'Give it as http://USER:PASSWORD@HOST:PORT in HTTP_PROXY or HTTPS_PROXY.')
    return '', ''


def how_to_log_in() -> str:
    """Return what to do without credentials."""
    in_job = 'true' in {config.environment('GITHUB_ACTIONS'), config.environment('GITLAB_CI')}
    return (f'To upload without a secret: {LET_JOB_LOG_IN} Or set GIRDER_API_KEY.' if in_job
            else 'Run "login", give --api-key-file, or set GIRDER_API_KEY.')


def not_girder(server: str, because: str = '') -> errors.NetworkProblem:
    """Return the error for a URL that is not the API of a Girder server."""
    parts = urlsplit(server)
    guess = f'{parts.scheme}://{parts.netloc.rpartition("@")[2]}/api/v1' if parts.netloc else 'https://example.org/api/v1'
    return errors.NetworkProblem(
        f'The answer is not that of a Girder server{f": {because}" if because else ""}.', server=server,
        advice=f'--api-url ends with /api/v1; is it the right one? Try {guess}.')


def _is_json(text: str) -> bool:
    try:
        return isinstance(jsonlib.loads(text), dict)
    except ValueError:
        return False


def answered_message(text: str) -> str:
    """Return the message in an error of Girder, or the beginning of any other page."""
    try:
        body = jsonlib.loads(text)
        reason = str(body['message'])
    except (ValueError, TypeError, KeyError):
        reason = re.sub(r'<[^>]*>', ' ', text)[:120]
    reason = ' '.join(reason.split()) or 'no reason given.'
    return reason if reason.endswith(('.', '!', '?')) else f'{reason}.'
