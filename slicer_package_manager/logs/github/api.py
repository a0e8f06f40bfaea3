"""Requests to the REST API of GitHub for one repository.

The token is sent to two origins only: that of the API, and the one for uploads that belongs to it. No redirect is
followed. A request is repeated while GitHub is busy, limits requests, or cannot be reached; pauses that it states are
obeyed.
"""
from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar

import httpx
from tenacity import RetryCallState

from slicer_package_manager import retries
from slicer_package_manager.logs.errors import LaterError, LogsError
from slicer_package_manager.logs.github import permissions
from slicer_package_manager.progress import Advance

API_URL = 'https://api.github.com'
_Result = TypeVar('_Result')
#: Primary limits are per hour, so that GitHub states no longer pause; in seconds.
_LONGEST_PAUSE = 3700
#: From so many writes on, one is sent per second: https://docs.github.com/rest/using-the-rest-api/best-practices.
_FREE_WRITES, _PACE = 30, 1.0
_BLOCK = 1 << 20
_REPOSITORY = re.compile(r'[A-Za-z0-9_.-]+/(?!\.{1,2}$)[A-Za-z0-9._-]+')
_TOKEN = re.compile(r'[\x21-\x7e]+')
_LOOPBACK = ('127.0.0.1', '::1', 'localhost')


def _quiet(_message: str) -> None:
    """Report nothing."""


class Access(NamedTuple):
    """How a repository is reached.

    :param repository: ``owner/name``.
    :param api_url: of GitHub Enterprise Server, ``https://HOST/api/v3``.
    :param uploads: other origins that may get files, if GitHub names them for uploads.
    :param attempts: at each request.
    :param pause: before the second attempt, in seconds; each further one is twice as long.
    :param notice: called with the reason of each pause.
    """

    repository: str
    token: str
    api_url: str = API_URL
    uploads: tuple[str, ...] = ()
    attempts: int = 6
    pause: float = 2
    timeout: float = 120
    notice: Callable[[str], None] = _quiet
    sleep: Callable[[float], None] = time.sleep


class RefusedError(LogsError):
    """GitHub refuses a request."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class GitHub:
    """The API for the repository of ``access``.

    :raises LogsError: the repository, the token or a URL is malformed.
    """

    def __init__(self, access: Access) -> None:
        if not _REPOSITORY.fullmatch(access.repository):
            raise LogsError(f'"{access.repository}" is no repository of GitHub. Write it as OWNER/NAME.')
        if not _TOKEN.fullmatch(access.token):
            raise LogsError('The token of GitHub is empty, or has characters that no token has. Store it as one line.')
        self.repository = access.repository
        self._access, self._writes, self._last_write = access, 0, 0.0
        api = _checked(access.api_url)
        self._base = f'{str(api).rstrip("/")}/repos/{access.repository}'
        self._uploads = {_origin(api), _uploads_of(api), *(_origin(_checked(one)) for one in access.uploads)}
        self._retrying = retries.repeated(access.attempts, access.pause, _LONGEST_PAUSE, access.sleep).copy(
            before_sleep=self._notify)
        self._http = httpx.Client(timeout=access.timeout, headers={
            'Authorization': f'Bearer {access.token}', 'Accept': 'application/vnd.github+json',
            'X-GitHub-Api-Version': '2022-11-28', 'User-Agent': 'slicer-package-manager logs publish'})

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """Return what is at ``path`` below the repository.

        :raises RefusedError: GitHub refuses the request, also if there is nothing.
        :raises LaterError: GitHub is busy or cannot be reached, even after all attempts.
        """
        return self.send('GET', path, params=params)

    def send(self, method: str, path: str, **more: Any) -> Any:
        """Send a request, and return the JSON of the response; for errors see :meth:`get`."""
        return self.repeat(lambda: self.once(method, f'{self._base}{path}', **more))

    def repeat(self, request: Callable[[], _Result]) -> _Result:
        """Call ``request`` until it succeeds, at most as often as there are attempts.

        :raises LaterError: GitHub is busy or cannot be reached, even after all attempts.
        """
        try:
            return self._retrying(request)
        except (retries.BusyError, httpx.TransportError) as error:
            raise LaterError(f'GitHub is busy, limits requests, or cannot be reached ({_described(error)}). Run the '
                             'command again later: it continues.') from error

    def once(self, method: str, url: str, **more: Any) -> Any:
        """Send a request once, and return the JSON of the response.

        :raises RefusedError: GitHub refuses it.
        :raises BusyError, httpx.TransportError: another attempt may succeed.
        """
        if method != 'GET':
            self._wait_for_turn()
        response = retries.final(self._http.request(method, url, **more))
        if not response.is_success:
            self._fail(response)
        try:
            return response.json() if response.content else None
        except ValueError:
            raise LogsError(f'{url} answers with something else than JSON. Check --api-url and the proxy.') from None

    def upload(self, url: str, name: str, path: Path, advance: Advance) -> Any:
        """Send the file ``path`` as an asset to the ``url`` of a release, once; see :meth:`once`.

        :raises LogsError: the URL is not that of GitHub.
        """
        target = httpx.URL(url.partition('{')[0])
        if _origin(target) not in self._uploads:
            raise LogsError(f'{self.repository} names {_origin(target)} for uploads, which does not belong to '
                            f'{self._access.api_url}. If it is yours, allow it with --uploads-url.')
        headers = {'Content-Type': 'application/gzip' if name.endswith('.gz') else 'application/octet-stream',
                   'Content-Length': str(path.stat().st_size)}
        return self.once('POST', str(target), params={'name': name}, headers=headers, content=_blocks(path, advance))

    def _wait_for_turn(self) -> None:
        self._writes += 1
        left = self._last_write + _PACE - time.monotonic()
        if self._writes > _FREE_WRITES and left > 0:
            self._access.sleep(left)
        self._last_write = time.monotonic()

    def _notify(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0
        self._access.notice(f'GitHub: {_described(error)}. The next attempt is in {pause:.0f} seconds.')

    def _fail(self, response: httpx.Response) -> NoReturn:
        if response.is_redirect:
            raise LogsError(f'{self.repository} was renamed or moved. Give its present name, and the URL of the API '
                            'as GitHub states it.')
        raise RefusedError(permissions.explained(response, self.repository), response.status_code)


def _checked(url: str) -> httpx.URL:
    """Return ``url``, to which a token may be sent.

    :raises LogsError: it is no URL, or not encrypted.
    """
    try:
        found = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise LogsError(f'"{url}" is no URL.') from None
    if found.scheme != 'https' and not (found.scheme == 'http' and found.host in _LOOPBACK):
        raise LogsError(f'"{url}" is no URL that begins with https://, which a token requires.')
    return found


def _origin(url: httpx.URL) -> str:
    return f'{url.scheme}://{url.netloc.decode()}'


def _uploads_of(api: httpx.URL) -> str:
    """The origin for uploads: of ``api.github.com`` and ``api.NAME.ghe.com`` it begins with ``uploads``."""
    return f'{api.scheme}://{re.sub("^api[.]", "uploads.", api.netloc.decode())}'


def _blocks(path: Path, advance: Advance) -> Iterator[bytes]:
    with path.open('rb') as file:
        while block := file.read(_BLOCK):
            yield block
            advance(len(block))


def _described(error: BaseException | None) -> str:
    return str(error) or type(error).__name__
