"""Girder's WSGI application, in threads. A response that is sent in parts occupies one only while a part is made."""
from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, BinaryIO

import cherrypy

from slicer_package_manager.front import threads
from slicer_package_manager.front.exchange import Exchange, Headers, Representation, encoded
from slicer_package_manager.front.pace import PaceLimits
from slicer_package_manager.front.threads import SharedThreads
from slicer_package_manager.rest.middleware import request_state, routing, tracing, upload_bodies

#: uvicorn sends its own.
_REPLACED = frozenset({'server', 'date'})
#: Headers that are for one request only.
_OWN = frozenset({tracing.HEADER.lower(), 'girder-request-uid'})
_OF_PUBLIC = (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED)
WsgiApplication = Callable[..., Any]


class WsgiResponse:
    """The response of the WSGI application ``app``. Its methods are for any thread, one after another.

    CherryPy has the current request in thread-local storage. It moves with the response from thread to thread.

    :ivar whole: the body; ``None`` if it is made while it is sent. Then the response has to be closed.
    :ivar route: of a response that the handler has stated to be public, see :attr:`.RequestState.is_public`; ``None``
        of all others.
    """

    def __init__(self, app: WsgiApplication, environ: dict[str, Any]) -> None:
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.whole: bytes | None = None
        self.route: str | None = None
        try:
            self._body = app(environ, self._start)
            self.route = routing.template() if request_state.current().is_public else None
            self._serving = cherrypy.serving.request, cherrypy.serving.response
            is_streamed = cherrypy.serving.response.stream
        finally:
            cherrypy.serving.clear()
        self._parts: Iterator[bytes] = iter(self._body)
        if not is_streamed:
            self.whole = self._rest()

    @property
    def is_public(self) -> bool:
        """Whether all that request the same without being a user get the same response."""
        return (self.route is not None and self.whole is not None and self.status in _OF_PUBLIC
                and all(name.lower() != 'set-cookie' for name, _ in self.headers))

    def encoded(self, omitted: frozenset[str] = _REPLACED) -> Headers:
        """Return the headers as they are sent, without those that are ``omitted``."""
        return encoded((name, value) for name, value in self.headers if name.lower() not in omitted)

    def _start(self, status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> None:
        self.status, self.headers = int(status.split(maxsplit=1)[0]), headers

    @contextmanager
    def _as_current(self) -> Iterator[None]:
        cherrypy.serving.load(*self._serving)
        try:
            yield
        finally:
            cherrypy.serving.clear()

    def next(self) -> bytes | None:
        """Return the next part of the body; ``None`` after the last one."""
        with self._as_current():
            return next(self._parts, None)

    def _rest(self) -> bytes:
        try:
            with self._as_current():
                return b''.join(self._parts)
        finally:
            self.close()

    def close(self) -> None:
        """End the request, also when the body was not taken to its end."""
        with self._as_current():
            getattr(self._body, 'close', bool)()


class Girder:
    """Girder's WSGI application ``app``.

    :param handlers: the threads in which its handlers run.
    :param senders: the threads in which parts of bodies are made.
    :param limits: the slowest transfer that is served.
    """

    def __init__(self, app: WsgiApplication, handlers: Executor, senders: SharedThreads, limits: PaceLimits) -> None:
        self._app, self._handlers, self._senders, self._limits = app, handlers, senders, limits

    async def knows(self, environ: dict[str, Any]) -> bool:
        """Whether the request has a valid token, so that a large body may be received."""
        return await threads.run(self._handlers, upload_bodies.has_token, environ)

    async def begin(self, environ: dict[str, Any], body: BinaryIO) -> WsgiResponse:
        """Run the handler of a request with ``body``, and return the response, to be passed to :meth:`send`."""
        return await threads.run(self._handlers, WsgiResponse, self._app, {**environ, 'wsgi.input': body})

    async def send(self, exchange: Exchange, response: WsgiResponse) -> None:
        """Send ``response``.

        :raises Disconnected: the client has closed the connection.
        :raises TooSlow: the client takes the response too slowly.
        """
        try:
            await exchange.begin(response.status, response.encoded())
            if response.whole is None:
                exchange.connection.release()  # the first part may take long
                await exchange.stream(self._parts(exchange, response), self._limits)
        finally:
            if response.whole is None:
                await self._senders.run(exchange.site, response.close)
        await exchange.finish(response.whole or b'', self._limits)

    async def share(self, exchange: Exchange, response: WsgiResponse) -> None:
        """Send a public ``response`` that was made for another request.

        :raises Disconnected: the client has closed the connection.
        :raises TooSlow: the client takes the response too slowly.
        """
        shared = Representation(response.status, response.encoded(_REPLACED | _OWN), response.whole or b'')
        await exchange.represent(shared, self._limits, lambda: response.route or routing.OTHER)

    async def _parts(self, exchange: Exchange, response: WsgiResponse) -> AsyncIterator[bytes]:
        while (part := await self._senders.run(exchange.site, response.next)) is not None:
            yield part
