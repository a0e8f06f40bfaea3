"""A request and its response."""
from __future__ import annotations

import asyncio
import ipaddress
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import cached_property
from http import HTTPStatus
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote_to_bytes

from slicer_package_manager.front.connection import Connection, Disconnected
from slicer_package_manager.front.pace import Pace, PaceLimits
from slicer_package_manager.registry.downloads import counter
from slicer_package_manager.registry.server import client_address
from slicer_package_manager.rest.middleware import tracing

#: ASGI's messages and functions.
Message: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

#: A request with one of these headers may be of a user, or its response has headers that depend on settings.
_PERSONAL = frozenset({b'girder-token', b'authorization', b'cookie', b'origin'})
_ID = tracing.HEADER.lower().encode()
#: How much of a body is sent at once, in bytes: what a client at the lowest rate takes in about a minute.
_PART = 64 * 1024
#: A body that is not larger is sent by one write, which takes less processor time for a list of extensions.
_AT_ONCE = 2 * _PART
#: Headers of WSGI that have no prefix.
_PLAIN = {b'content-type': 'CONTENT_TYPE', b'content-length': 'CONTENT_LENGTH'}


class Representation(NamedTuple):
    """A whole response as it is sent to all that request the same, each with a request id of its own."""

    status: int
    headers: Headers
    body: bytes

    @property
    def is_public(self) -> bool:
        """Whether all that request the same without being a user get the same response."""
        return True


class Exchange:
    """A request and its response, with the ``scope`` and functions of ASGI.

    :param trusted_proxies: whose statements on the address of the client are believed.
    :ivar scope: ASGI's description of the request.
    :ivar fields: the headers of the request as ASGI has them, by name in lower case.
    :ivar status: of the response; 0 before it begins.
    :ivar sent: how many bytes of the body were sent.
    :ivar content_range: the part that the response is, as ``Content-Range`` states it; empty if it is no part.
    :ivar started: when the request began, in seconds of :func:`time.perf_counter`.
    """

    def __init__(self, scope: Message, receive: Receive, send: Send,
                 trusted_proxies: tuple[client_address.Network, ...] = ()) -> None:
        self.started = time.perf_counter()
        self.connection: Connection = scope['state']['connection']
        self.scope = scope
        self.fields: dict[bytes, bytes] = dict(scope['headers'])
        self.status = self.sent = 0
        self.content_range = ''
        self._is_raw = False
        self.receive, self._send, self._trusted_proxies = receive, send, trusted_proxies

    @cached_property
    def environ(self) -> dict[str, Any]:
        """The request as WSGI's environment, without ``wsgi.input``."""
        return environ_of(self.scope)

    @cached_property
    def headers(self) -> dict[str, str]:
        """The headers of the request by name, such as ``If-None-Match``."""
        return {name.decode('latin-1').title(): value.decode('latin-1') for name, value in self.scope['headers']}

    @cached_property
    def request_id(self) -> str:
        """The id of the request, for the response and for logs."""
        address, _ = self.scope['client'] or ('', 0)
        return tracing.choose_id(self.fields.get(_ID, b'').decode('latin-1'), address)

    @cached_property
    def site(self) -> str:
        """What the address of the client is counted as, where one address may have a part of something."""
        return client_address.site(client_address.client(self.environ, self._trusted_proxies))

    @property
    def is_personal(self) -> bool:
        """Whether the request may be of a user, or its response depends on more than its address."""
        return not _PERSONAL.isdisjoint(self.fields)

    @property
    def seconds(self) -> float:
        """The time since the request began."""
        return time.perf_counter() - self.started

    async def begin(self, status: int, headers: Headers) -> None:
        """Send the status and the headers of the response."""
        self.status = status
        if status == HTTPStatus.PARTIAL_CONTENT:
            self.content_range = next((value.decode('latin-1') for name, value in headers
                                       if name.lower() == b'content-range'), '')
        self._is_raw = self._must_be_raw(headers)
        if self._is_raw:
            self.scope['method'] = 'HEAD'  # uvicorn sends no body then
        self.connection.hold()
        await self._send({'type': 'http.response.start', 'status': status, 'headers': headers})

    async def send(self, data: bytes | memoryview, *, more: bool = False) -> None:
        """Send a part of the body.

        :param more: whether another part follows.
        """
        if self._is_raw:
            self.connection.write(data)
        await self._send({'type': 'http.response.body', 'body': data, 'more_body': more})
        self.connection.release()
        self.sent += len(data)

    async def stream(self, parts: AsyncIterator[bytes | memoryview], limits: PaceLimits) -> None:
        """Send ``parts`` of the body, and wait until each has left the server. :meth:`send` sends the end.

        :param limits: the slowest client that is served.
        :raises Disconnected: the client has closed the connection.
        :raises TooSlow: the client takes the response too slowly.
        """
        pace = Pace(limits)
        if self.connection.is_paused:  # uvicorn would wait without a limit
            await self._flush(pace)
        async for part in parts:
            await self.send(part, more=True)
            await self._flush(pace)
            pace.move(len(part))
        await self._flush(pace)

    async def finish(self, body: bytes, limits: PaceLimits) -> None:
        """Send the whole ``body`` and the end of the response.

        :raises Disconnected: the client has closed the connection.
        :raises TooSlow: the client takes the response too slowly.
        """
        last = 0 if len(body) <= _AT_ONCE else (len(body) - 1) // _PART * _PART
        if last:
            await self.stream(_parts(body, last), limits)
        await self.send(memoryview(body)[last:] if last else body)

    async def represent(self, representation: Representation, limits: PaceLimits, route: Callable[[], str]) -> None:
        """Send a response that was made for more than this request, and report it, see :meth:`observe`.

        :raises Disconnected: the client has closed the connection.
        :raises TooSlow: the client takes the response too slowly.
        """
        status, headers, body = representation
        await self.begin(status, [*headers, (_ID, self.request_id.encode())])
        await self.finish(body, limits)
        self.observe(route)

    async def _flush(self, pace: Pace) -> None:
        self.connection.release()
        if not self.connection.is_flushed:  # it usually is, and a wait with a limit takes a timer
            await pace.wait(self.connection.flushed)

    async def counted(self) -> None:
        """Wait until the downloads of this connection are counted, but not for long."""
        counted = self.connection.counted
        if counted and not counted.done():
            await asyncio.wait([asyncio.wrap_future(counted)], timeout=counter.LONGEST_WAIT)

    def _must_be_raw(self, headers: Headers) -> bool:
        """Whether the body ends with the connection: uvicorn would send chunks, which HTTP/1.0 does not have."""
        return (self.scope['http_version'] == '1.0' and self.scope['method'] != 'HEAD'
                and all(name.lower() != b'content-length' for name, _ in headers))

    def observe(self, route: Callable[[], str]) -> None:
        """Report a request that Girder does not see to metrics and logs, with what ``route`` returns."""
        if tracing.FRONT_OBSERVERS:
            request = tracing.FrontRequest(self.environ, route(), self.status, self.sent, self.seconds, self.request_id)
            for observe in tracing.FRONT_OBSERVERS:
                observe(request)

    async def read(self) -> tuple[bytes, bool]:
        """Receive a part of the body of the request, and whether more follows.

        :raises Disconnected: the client has closed the connection.
        """
        message = await self.receive()
        if message['type'] == 'http.disconnect':
            raise Disconnected
        return message.get('body', b''), message.get('more_body', False)


async def _parts(body: bytes, end: int) -> AsyncIterator[memoryview]:
    view = memoryview(body)
    for start in range(0, end, _PART):
        yield view[start:start + _PART]


def encoded(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return ``headers`` as the bytes that ASGI takes."""
    return [(name.encode('latin-1'), value.encode('latin-1')) for name, value in headers]


def environ_of(scope: Message) -> dict[str, Any]:
    """Return the WSGI environment (PEP 3333) of a request with the ASGI ``scope``.

    Headers with an underscore in their name are left out: they would look like those with a hyphen.
    """
    (address, port), (host, local_port) = scope['client'] or ('', 0), scope['server'] or ('', 0)
    environ: dict[str, Any] = {
        'REQUEST_METHOD': scope['method'], 'SCRIPT_NAME': '',
        'PATH_INFO': path_of(scope),
        'RAW_URI': _target(scope),
        'QUERY_STRING': scope['query_string'].decode('latin-1'),
        'SERVER_PROTOCOL': f'HTTP/{scope["http_version"]}', 'SERVER_NAME': host, 'SERVER_PORT': str(local_port or 0),
        'REMOTE_ADDR': address, 'REMOTE_PORT': str(port),
        'wsgi.version': (1, 0), 'wsgi.url_scheme': 'http', 'wsgi.errors': sys.stderr, 'wsgi.multithread': True,
        'wsgi.multiprocess': True, 'wsgi.run_once': False, 'wsgi.input_terminated': True,
    }
    for name, value in scope['headers']:
        if b'_' not in name:
            key = _PLAIN.get(name) or f'HTTP_{name.decode("latin-1").upper().replace("-", "_")}'
            text = value.decode('latin-1')
            environ[key] = f'{environ[key]}{";" if name == b"cookie" else ","}{text}' if key in environ else text
    if environ.get('HTTP_X_FORWARDED_PROTO') == 'https' and _is_loopback(address):
        environ['wsgi.url_scheme'] = 'https'
    return environ


def path_of(scope: Message) -> str:
    """Return the path of a request as WSGI has it: its bytes without percent-encoding, one letter for each."""
    return unquote_to_bytes(scope['raw_path']).decode('latin-1')


def _target(scope: Message) -> str:
    path: str = scope['raw_path'].decode('latin-1')
    return f'{path}?{scope["query_string"].decode("latin-1")}' if scope['query_string'] else path


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # a socket file
        return not address
