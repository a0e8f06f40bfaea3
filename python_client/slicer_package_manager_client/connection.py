"""Connection to a Girder server: retries, timeouts, renewed logins, and errors explained in one line."""
from __future__ import annotations

import contextlib
import dataclasses
import logging
import re
from typing import TYPE_CHECKING, Any, Callable, cast

import requests
from girder_client import AuthenticationError, GirderClient, HttpError

from slicer_package_manager_client import certificates, errors
from slicer_package_manager_client.addresses import bracketed
from slicer_package_manager_client.explain import (
    TRANSIENT,
    explain,
    is_lasting,
    is_unknown_name,
    not_girder,
)
from slicer_package_manager_client.retry import Retries, is_transient_status

if TYPE_CHECKING:
    from collections.abc import Iterator

    import tenacity

DEFAULT_TIMEOUT = 120.0
WARNING_HEADER = 'Slicer-Package-Warning'
#: Seconds to retry a host name that DNS does not know, before the first answer of the server.
NAME_PATIENCE = 20.0
_UNAUTHORIZED = 401

_logger = logging.getLogger(__name__)


class Connection(GirderClient):  # type: ignore[misc]  # girder-client has no types
    """A GirderClient that retries transient failures.

    :param retries: the number of attempts and the pauses between them.
    :param timeout: seconds without data from the server after which an attempt fails.
    :param verify: whether to verify certificates, or the path of trusted ones; ``None`` leaves it to requests.
    """

    def __init__(self, host: str | None = None, *args: Any, retries: Retries | None = None,
                 timeout: float = DEFAULT_TIMEOUT, verify: bool | str | None = None, **kwargs: Any) -> None:
        super().__init__(bracketed(host) if host else host, *args, **kwargs)
        self.verify = certificates.trusted() if verify is None else verify
        if isinstance(self.verify, str) and self.urlBase.lower().startswith('https:'):
            certificates.require_readable(self.verify)
        self.retries = dataclasses.replace(retries or Retries(), doubt=self._doubt)
        self.timeout = timeout
        #: Warnings: which given values the server, or this client, changed.
        self.warnings: list[str] = []
        #: Id, name, user and expiry of the API key of the login, if the server states them.
        self.api_key: dict[str, Any] | None = None
        #: Called with each token that this client receives.
        self.on_token: Callable[[str], None] = lambda _token: None
        self._log_in: Callable[[Connection], Any] | None = None
        #: Whether the login was by trusted publishing.
        self.is_publisher = False
        self._answered = False

    def authenticate(self, username: str | None = None, password: str | None = None,
                     interactive: bool = False, apiKey: str | None = None) -> dict[str, Any]:
        """Log in; see :meth:`girder_client.GirderClient.authenticate`.

        The API key is sent in the request body, so that access logs do not record it. The credentials are used
        again when the token expires.
        """
        def log_in(client: Connection) -> dict[str, Any]:
            if not apiKey:
                return cast('dict[str, Any]', GirderClient.authenticate(client, username, password, interactive))
            answer = client.post('api_key/token', data={'key': apiKey})
            client.setToken(answer['authToken']['token'])
            client.api_key = answer.get('apiKey')
            return cast('dict[str, Any]', answer['user'])

        return cast('dict[str, Any]', self.logInBy(log_in, again=bool(apiKey or password)))

    def logInBy(self, log_in: Callable[[Connection], Any], *, again: bool = True) -> Any:
        """Log in by calling ``log_in`` with this connection, and return its result.

        :param again: whether to call it again when the token expires.
        """
        self._log_in = None
        self.is_publisher = False
        result = log_in(self)
        self._log_in = log_in if again else None
        return result

    def share_login(self, other: Connection) -> None:
        """Use the login of ``other``, a connection to the same server in another thread."""
        self.on_token = other.on_token
        self.is_publisher = other.is_publisher
        if other.token:
            self.setToken(other.token)
        self._log_in = other._log_in

    def setToken(self, token: str) -> None:
        """Use ``token`` from now on; see :meth:`girder_client.GirderClient.setToken`."""
        super().setToken(token)
        self.on_token(token)

    def warn(self, text: str) -> None:
        """Add ``text`` to :attr:`warnings` once, as one line of printable characters."""
        line = ' '.join(re.sub(r'[^\x20-\x7e\u00a0-\uffff]', ' ', text).split())
        if line and line not in self.warnings:
            self.warnings.append(line)

    def is_transient(self, error: BaseException) -> bool:
        """Whether a request that failed with ``error`` may succeed when it is repeated."""
        if isinstance(error, HttpError):
            return is_transient_status(error.status)
        return isinstance(error, TRANSIENT) and not is_lasting(error, first_contact=not self._answered)

    def attempts(self) -> tenacity.Retrying:
        """Return the retry policy for calls that raise exceptions of requests."""
        return self.retries.attempts(self.is_transient)

    def _doubt(self, error: BaseException) -> float | None:
        return NAME_PATIENCE if not self._answered and is_unknown_name(error) else None

    def sendRestRequest(self, method: str, path: str, parameters: Any = None, data: Any = None,
                        files: Any = None, json: Any = None, headers: Any = None, jsonResp: bool = True,
                        **kwargs: Any) -> Any:
        """Send a request and retry transient failures; see :meth:`girder_client.GirderClient.sendRestRequest`."""
        def send() -> Any:
            return self.sendOnce(method, path, parameters, data=data, files=files, json=json,
                                 headers=headers, jsonResp=jsonResp, **kwargs)

        if files or hasattr(data, 'read'):  # a stream cannot be sent twice
            return send()
        return self.attempts()(send)

    def sendOnce(self, method: str, path: str, parameters: Any = None, *, jsonResp: bool = True,
                 **kwargs: Any) -> Any:
        """Send a request without retries; log in again once if the token has expired.

        :raises NetworkProblem: the answer is a redirect or a page instead of JSON.
        """
        try:
            return self._exchange(method, path, parameters, jsonResp=jsonResp, **kwargs)
        except HttpError as error:
            if error.status != _UNAUTHORIZED or not self._renew_token(kwargs):
                raise
        return self._exchange(method, path, parameters, jsonResp=jsonResp, **kwargs)

    def _renew_token(self, request: dict[str, Any]) -> bool:
        """Log in again, if that is possible and ``request`` can be sent a second time."""
        log_in = self._log_in
        if log_in is None or request.get('files') or hasattr(request.get('data'), 'read'):
            return False
        _logger.debug('The token has expired; logging in again.')
        self._log_in = None  # a refused login is final
        try:
            log_in(self)
        finally:
            self._log_in = log_in
        return True

    def _exchange(self, method: str, path: str, parameters: Any, *, jsonResp: bool, **kwargs: Any) -> Any:
        _logger.debug('%s %s', method.upper(), path)
        kwargs.setdefault('timeout', self.timeout)
        # REQUESTS_CA_BUNDLE overrides the setting of a session, but not that of a request.
        kwargs.setdefault('verify', self.verify)
        # A redirect would send the token to another host, and turn a POST into a GET.
        kwargs.setdefault('allow_redirects', False)
        try:
            answer = super().sendRestRequest(method, path.lstrip('/'), parameters, jsonResp=False, **kwargs)
        except HttpError:
            self._answered = True
            raise
        self._answered = True
        self.warn(answer.headers.get(WARNING_HEADER, ''))
        if not jsonResp:
            return answer
        if answer.is_redirect:
            raise errors.NetworkProblem(
                f'The server redirects to {answer.headers["Location"]}.', server=self.urlBase,
                advice='Give --api-url as it is there.')
        try:
            return answer.json()
        except ValueError as error:
            raise not_girder(self.urlBase) from error

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Convert exceptions of requests in the ``with`` block to :class:`SlicerPackageManagerError`."""
        try:
            yield
        except (requests.RequestException, AuthenticationError) as error:
            raise explain(error, self.urlBase, logged_in=bool(self.token),
                          as_publisher=self.is_publisher) from error
