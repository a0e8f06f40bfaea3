"""The way to a Girder server: retries, time limits, and failures said in one line."""
from __future__ import annotations

import contextlib
import json as jsonlib
import logging
import re
from typing import TYPE_CHECKING, Any, cast

import requests
from girder_client import AuthenticationError, GirderClient, HttpError, IncompleteResponseError

from slicer_package_manager_client import errors
from slicer_package_manager_client.retry import Retries, is_transient_status

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_TIMEOUT = 120.0

_logger = logging.getLogger(__name__)

_TRANSIENT = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError,
              requests.exceptions.ContentDecodingError, IncompleteResponseError)
# Kinds of ConnectionError that are no matter of luck.
_PERMANENT = (requests.exceptions.SSLError, requests.exceptions.ProxyError)

_KINDS = {400: errors.InvalidRequest, 401: errors.Refused, 403: errors.Refused, 404: errors.NotFound,
          409: errors.Conflict, 413: errors.InvalidRequest, 414: errors.InvalidRequest,
          422: errors.InvalidRequest}
_LOG_IN = 'Give --api-key or set GIRDER_API_KEY.'
_ADVICE = {
    401: _LOG_IN,
    403: 'Ask an administrator for access, or use the key of another account.',
    413: 'The server, or a proxy before it, does not take that much at once.',
}


def is_transient(error: BaseException) -> bool:
    """Whether what failed with ``error`` may succeed the next time."""
    if isinstance(error, HttpError):
        return is_transient_status(error.status)
    return isinstance(error, _TRANSIENT) and not isinstance(error, _PERMANENT)


class Connection(GirderClient):
    """A GirderClient that tries again what may succeed the next time.

    :param retries: how often, and with which pauses.
    :param timeout: seconds without any sign of the server after which an attempt is given up.
    :param verify: whether to verify certificates, or the path of trusted ones; ``None`` leaves it to requests.
    """

    def __init__(self, *args: Any, retries: Retries | None = None, timeout: float = DEFAULT_TIMEOUT,
                 verify: bool | str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.verify = verify
        self.retries = retries or Retries()
        self.timeout = timeout

    def authenticate(self, username: str | None = None, password: str | None = None,
                     interactive: bool = False, apiKey: str | None = None) -> dict[str, Any]:
        """Log in; see :meth:`girder_client.GirderClient.authenticate`.

        An API key travels in the body of the request, so that it is in nobody's access log.
        """
        if not apiKey:
            return cast('dict[str, Any]', super().authenticate(username, password, interactive))
        answer = self.post('api_key/token', data={'key': apiKey})
        self.setToken(answer['authToken']['token'])
        return cast('dict[str, Any]', answer['user'])

    def sendRestRequest(self, method: str, path: str, parameters: Any = None, data: Any = None,
                        files: Any = None, json: Any = None, headers: Any = None, jsonResp: bool = True,
                        **kwargs: Any) -> Any:
        """Send a request, again if need be; see :meth:`girder_client.GirderClient.sendRestRequest`."""
        def send() -> Any:
            return self.sendOnce(method, path, parameters, data=data, files=files, json=json,
                                 headers=headers, jsonResp=jsonResp, **kwargs)

        if files or hasattr(data, 'read'):  # a stream is at its end after the first attempt
            return send()
        return self.retries.attempts(is_transient)(send)

    def sendOnce(self, method: str, path: str, parameters: Any = None, *, jsonResp: bool = True,
                 **kwargs: Any) -> Any:
        """Send a request, and do not try again.

        :raises NetworkProblem: a redirect or a page was answered where JSON was expected.
        """
        _logger.debug('%s %s', method.upper(), path)
        kwargs.setdefault('timeout', self.timeout)
        # REQUESTS_CA_BUNDLE would win over what a session says, but not over what a request says.
        kwargs.setdefault('verify', self.verify)
        # The token must not travel to where a server redirects to, and a redirected POST becomes a GET.
        kwargs.setdefault('allow_redirects', False)
        answer = super().sendRestRequest(method, path.lstrip('/'), parameters, jsonResp=False, **kwargs)
        if not jsonResp:
            return answer
        if answer.is_redirect:
            raise errors.NetworkProblem(
                f'The server redirects to {answer.headers["Location"]}.', server=self.urlBase,
                advice='Give --api-url as it is there.')
        try:
            return answer.json()
        except ValueError as error:
            raise _not_girder(self.urlBase) from error

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Turn failures of requests inside the ``with`` block into :class:`SlicerPackageManagerError`."""
        try:
            yield
        except (requests.RequestException, AuthenticationError) as error:
            raise explain(error, self.urlBase, logged_in=bool(self.token)) from error


def explain(error: Exception, server: str, *, logged_in: bool = True) -> errors.SlicerPackageManagerError:
    """What ``error`` means to the user of ``server``."""
    if isinstance(error, AuthenticationError):
        return errors.Refused('Wrong user name or password.', server=server)
    if isinstance(error, HttpError):
        return _explain_answer(error, server, logged_in)
    return explain_connection(error, server)


def explain_connection(error: Exception, server: str) -> errors.SlicerPackageManagerError:
    """What it means that no answer came at all."""
    if isinstance(error, requests.exceptions.SSLError):
        if 'CERTIFICATE' not in str(error):
            return errors.NetworkProblem('No secure connection can be made.', server=server,
                                         advice='Does the server speak https at this address?')
        return errors.NetworkProblem('The certificate of the server is not trusted.', server=server,
                                     advice='Give the authority that signed it with --certificate.')
    if isinstance(error, requests.Timeout):
        return errors.NetworkProblem('The server did not answer in time.', server=server,
                                     advice='Try again later, or with a longer --timeout.')
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema,
                          requests.exceptions.MissingSchema)):
        return errors.InvalidRequest('This is not the URL of a server.', server=server,
                                     advice='--api-url looks like https://example.org/api/v1.')
    if isinstance(error, OSError) and not isinstance(error, _TRANSIENT) and error.errno:
        # A certificate file that is not there, for instance.
        return errors.InvalidRequest(str(error), server=server)
    return errors.NetworkProblem('The server cannot be reached.', server=server,
                                 advice='Is the address right, and does the server run?')


def _explain_answer(error: HttpError, server: str, logged_in: bool) -> errors.SlicerPackageManagerError:
    said = answered_message(error.responseText)
    if is_transient_status(error.status):
        return errors.NetworkProblem(f'The server failed with status {error.status}: {said}', server=server,
                                     advice='Try again later.')
    if error.status == 404 and error.responseText.lstrip().startswith('<'):  # noqa: PLR2004
        return _not_girder(server)
    kind = _KINDS.get(error.status, errors.SlicerPackageManagerError)
    if 'api_key/token' in error.url:
        return errors.Refused(f'The API key was refused: {said}', server=server,
                              advice='Check --api-key or GIRDER_API_KEY.')
    advice = _ADVICE.get(error.status, '')
    if error.status == 403 and not logged_in:  # noqa: PLR2004
        advice = _LOG_IN
    return kind(f'Refused with status {error.status}: {said}', server=server, advice=advice)


def _not_girder(server: str) -> errors.NetworkProblem:
    return errors.NetworkProblem('The answer is not that of a Girder server.', server=server,
                                 advice='--api-url ends with /api/v1; is it the right one?')


def answered_message(text: str) -> str:
    """The sentence in an error answer of Girder; of any other page only the beginning."""
    try:
        body = jsonlib.loads(text)
        said = str(body['message'])
    except (ValueError, TypeError, KeyError):
        said = re.sub(r'<[^>]*>', ' ', text)[:120]
    said = ' '.join(said.split()) or 'no reason given.'
    return said if said.endswith(('.', '!', '?')) else f'{said}.'
