"""Fetch files that are hosted elsewhere, for clients that cannot follow a redirect.

The other server chooses where its redirects lead to, so the policy checks the URL of each step and the address that it
connects to.
"""
from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from slicer_package_manager.registry.links import policy
from slicer_package_manager.registry.schema.errors import BadGateway
from slicer_package_manager.registry.server import settings

CONNECT_SECONDS = 10
STALL_SECONDS = 30
#: How long all of a :func:`post` takes at most, by default.
POST_SECONDS = 60
REDIRECTS = 5
CHUNK = 64 * 1024
_MOVED = (301, 302, 303, 307, 308)
_PARTIAL, _OK = 206, 200
#: Without the proxies of the environment, which would resolve names by themselves.
_OPTIONS: dict[str, Any] = {'trust_env': False, 'follow_redirects': False, 'headers': {'Accept-Encoding': 'identity'},
                            'timeout': httpx.Timeout(STALL_SECONDS, connect=CONNECT_SECONDS)}


@dataclass
class Remote:
    """A response of another server, whose body is not read yet.

    :param size: bytes of the body, ``None`` if the server does not report it.
    :param start: position in the file, in bytes, where the body begins.
    :param partial: whether the body is the requested part instead of the whole file.
    """

    response: httpx.Response
    size: int | None
    start: int
    partial: bool

    def require(self, size: int | None, start: int) -> None:
        """Check that the body begins at ``start`` and has ``size`` bytes, as far as both sizes are known.

        :raises BadGateway: it does not.
        """
        if self.start != start or (None not in (size, self.size) and size != self.size):
            raise BadGateway(f'{self.response.url.host} offers {self.size} bytes from {self.start} on, where {size} '
                             f'from {start} on were registered.')

    def close(self) -> None:
        """Close the connection."""
        self.response.close()


@cache
def _client() -> httpx.Client:
    return httpx.Client(**_OPTIONS, limits=httpx.Limits(max_connections=None, max_keepalive_connections=8))


def post(url: str, body: bytes, headers: Mapping[str, str], hosts: Collection[str],
         seconds: float = POST_SECONDS) -> int:
    """Send ``body`` to ``url``, and return the status of the response, which is not read. No redirect is followed.

    The timeouts of httpx are those of single operations, and only asyncio ends a server that answers byte by byte.

    :param hosts: to which may be sent.
    :param seconds: how long all of it may take, however slowly the other server takes the body and answers.
    :raises BadGateway: the URL is not allowed, or the other server does not answer in time.
    """
    host = _checked_host(url, hosts, 'Nothing can be sent to')
    with _explained(host):
        request = _request(url, headers, 'POST', body)
        try:
            return asyncio.run(asyncio.wait_for(_posted(request), seconds))
        except asyncio.TimeoutError:
            raise BadGateway(f'{host} has not answered within {seconds:g} seconds.') from None


async def _posted(request: httpx.Request) -> int:
    async with httpx.AsyncClient(**_OPTIONS) as client:
        response = await client.send(request, stream=True)
        await response.aclose()
        return response.status_code


def fetch(url: str, part: tuple[int, int] | None = None, hosts: Collection[str] | None = None) -> Remote:
    """Request the file at ``url``, or ``part`` of it, and return the response with its headers read.

    :param part: the first byte and the one after the last.
    :param hosts: from which files may be fetched; by default those of the setting.
    :raises BadGateway: the other server fails, or redirects to a URL that is not allowed.
    """
    headers = {} if part is None else {'Range': f'bytes={part[0]}-{part[1] - 1}'}
    for _ in range(REDIRECTS + 1):
        response = _ask(url, headers, settings.get(settings.STREAM_HOSTS) if hosts is None else hosts)
        if response.status_code not in _MOVED:
            return _opened(response, url)
        response.close()
        url = urljoin(url, response.headers.get('Location', ''))
    raise BadGateway(f'{_host(url)} redirects more than {REDIRECTS} times.')


def _ask(url: str, headers: dict[str, str], hosts: Collection[str]) -> httpx.Response:
    host = _checked_host(url, hosts, 'The file cannot be fetched from',
                         f'; what may be fetched is in the setting {settings.STREAM_HOSTS}')
    with _explained(host):
        return _client().send(_request(url, headers), stream=True)


@contextmanager
def _explained(host: str) -> Iterator[None]:
    """Raise failures of the network in this context as such of ``host``.

    :raises BadGateway: the other server does not answer.
    """
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise BadGateway(f'{host} does not answer: {type(error).__name__}.') from error


def _request(url: str, headers: Mapping[str, str], method: str = 'GET', body: bytes | None = None) -> httpx.Request:
    """Return the request for ``url``, to the address that the policy has checked."""
    target = policy.current().target(url)
    extensions = {'sni_hostname': target.server_name} if target.server_name else {}
    return _client().build_request(method, target.url, headers={**headers, **target.headers}, content=body,
                                   extensions=extensions)


def _host(url: str) -> str:
    return urlsplit(url).hostname or 'the server'


def _checked_host(url: str, hosts: Collection[str], refusal: str, hint: str = '') -> str:
    wrong = policy.current().problem(url, hosts)
    if wrong:
        raise BadGateway(f'{refusal} {_host(url)}: the URL {wrong}{hint}.')
    return _host(url)


def _opened(response: httpx.Response, url: str) -> Remote:
    length = response.headers.get('Content-Length', '')
    size = int(length) if length.isdigit() else None
    partial = response.status_code == _PARTIAL
    start = _start(response) if partial else 0
    if response.status_code not in (_OK, _PARTIAL) or start is None or 'Content-Encoding' in response.headers:
        response.close()
        raise BadGateway(f'{_host(url)} answers with status {response.status_code}, not with the file.')
    return Remote(response, size, start, partial)


def _start(response: httpx.Response) -> int | None:
    """Return where the body of a partial response begins, ``None`` if it does not report that."""
    unit, _, span = response.headers.get('Content-Range', '').partition(' ')
    first = span.partition('-')[0]
    return int(first) if unit.lower() == 'bytes' and first.isdigit() else None


def verified(remote: Remote, size: int | None, sha512: str | None) -> Generator[bytes, None, None]:
    """Yield the bytes of ``remote`` as they arrive, the last chunk only after ``size`` and ``sha512`` are verified.

    At most two chunks are in memory. The connection is closed when the consumer stops.

    :param size: the expected number of bytes, ``None`` if unknown.
    :param sha512: their expected checksum, ``None`` if unknown or if only a part is fetched.
    :raises BadGateway: the other server breaks off, or sends other bytes.
    """
    digest, count, last = hashlib.sha512(), 0, b''
    try:
        for chunk in remote.response.iter_raw(CHUNK):
            count += len(chunk)
            if size is not None and count > size:
                break
            digest.update(chunk)
            if last:
                yield last
            last = chunk
        if size not in (None, count) or sha512 not in (None, digest.hexdigest()):
            raise BadGateway(f'{remote.response.url.host} sends something else than was registered.')
        if last:
            yield last
    except httpx.HTTPError as error:
        raise BadGateway(f'{remote.response.url.host} broke off: {type(error).__name__}.') from error
    finally:
        remote.close()
