"""The ASGI application that ``serve`` runs."""
from __future__ import annotations

import asyncio
import errno
import io
import logging
from collections.abc import Awaitable, Callable, Hashable, Mapping
from functools import lru_cache, partial
from typing import Any, BinaryIO, TypeAlias

import orjson

from slicer_package_manager.front import bodies, collapsed
from slicer_package_manager.front.access_log import AccessLog
from slicer_package_manager.front.admission import Refused, WorkClass
from slicer_package_manager.front.cached import CachedResponses
from slicer_package_manager.front.classes import Work, work_of
from slicer_package_manager.front.collapsed import CollapsedRequests
from slicer_package_manager.front.connection import Connection, Disconnected
from slicer_package_manager.front.downloads import PublicDownloads
from slicer_package_manager.front.exchange import Exchange, Message, Receive, Representation, Send, encoded
from slicer_package_manager.front.girder import Girder, WsgiResponse
from slicer_package_manager.front.pace import Pace, PaceLimits, TooSlow
from slicer_package_manager.front.versions import Outage, Versions
from slicer_package_manager.registry.server import database_outage
from slicer_package_manager.registry.server.environment import Operation
from slicer_package_manager.rest.middleware import error_responses, routing, security_headers, tracing

logger = logging.getLogger(__name__)

_BUSY = 'The server is busy with requests of this kind. The request is valid: try it again in a moment.'
_NO_ROOM = 'The disk of the server is full. Ask its administrator to make room, then send the request again.'
#: Requests that can do nothing without the database. Writes wait for another primary.
_OF_DATABASE = {Work.DOWNLOADS, Work.READS, Work.HEAVY}
#: Requests that end when the database does not answer; some pages do not need it.
_GUARDED = {*_OF_DATABASE, Work.PAGES}
#: Requests that may have public responses.
_OF_PUBLIC = {Work.PAGES, Work.READS, Work.HEAVY}
_SLOW = 'The body of the request arrives too slowly. Check the connection, and send smaller chunks.'

Response: TypeAlias = Representation | WsgiResponse


class Front:
    """Answers requests, those without a cached response by ``girder``.

    :param pace: the slowest transfer that is served.
    """

    def __init__(self, girder: Girder, versions: Versions, downloads: PublicDownloads, operation: Operation,
                 classes: Mapping[Work, WorkClass], pace: PaceLimits, access_log: AccessLog | None = None) -> None:
        self._girder, self._operation, self._pace, self._access_log = girder, operation, pace, access_log
        self._versions, self._cached, self._downloads = versions, CachedResponses(versions, pace), downloads
        self._classes = classes
        self._collapsed: CollapsedRequests[Response] = CollapsedRequests()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        exchange = Exchange(scope, receive, send, self._operation.trusted_proxies)
        exchange.connection.begin_request()
        try:
            if exchange.connection.is_paused:  # by responses to pipelined requests; uvicorn would wait without a limit
                await Pace(self._pace).wait(exchange.connection.flushed)
            await self._answer(exchange)
            if exchange.connection.unsent:
                await self._drain(exchange.connection)
        except (Disconnected, TooSlow, asyncio.CancelledError):  # the last one when the time to stop is over
            exchange.connection.abort()
            await asyncio.sleep(0)  # uvicorn learns of it, and does not report an incomplete response
        finally:
            exchange.connection.end_request()
            if self._access_log:
                self._access_log.write(exchange.environ, exchange.status, exchange.sent, exchange.content_range)

    async def _drain(self, connection: Connection) -> None:
        """Wait until the end of a response has left. uvicorn waits without a limit when it closes the connection.

        :raises TooSlow: the client takes it too slowly.
        """
        pace = Pace(self._pace)
        pace.move(connection.unsent)  # at the slowest pace, it takes longer than the time for nothing
        await pace.wait(connection.drained)

    async def _answer(self, exchange: Exchange) -> None:
        try:
            if not (await self._cached.answer(exchange) or await self._downloads.answer(exchange)):
                await self._work(exchange)
        except Outage:
            await _refuse(exchange, 503, error_responses.MESSAGE, database_outage.RETRY_AFTER)
        except Refused:
            await _refuse(exchange, 503, _BUSY, 1)

    async def _work(self, exchange: Exchange) -> None:
        """Have Girder answer, when the body of the request is here and the class of the request has a place.

        :raises Outage: the request reads, and the database does not answer.
        :raises Refused: the class is full.
        """
        environ = exchange.environ
        try:
            body = await self._receive(exchange)
        except TooSlow:
            await _refuse(exchange, 408, _SLOW, close=True)
            return
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            logger.error('A request was refused, because its body cannot be written: %s.', error)  # noqa: TRY400
            exchange.connection.discard_rest()
            await _refuse(exchange, 507, _NO_ROOM)
            return
        with body:
            make = None if self._operation.rate_limit else self._cached.prepared(exchange)
            work = Work.READS if make else work_of(
                environ['REQUEST_METHOD'], environ['PATH_INFO'], environ['QUERY_STRING'])
            if work in _OF_DATABASE:
                await self._versions.require()
            key = collapsed.key_of(exchange) if work in _OF_PUBLIC else None
            if not self._collapsed.has(key):
                self._classes[work].require_room(exchange.site)  # a refusal should cost little
            responding = self._respond(exchange, work, key, partial(self._make, make, environ, body))
            response, is_own = await (self._versions.guard(responding) if work in _GUARDED else responding)
        await self._send(exchange, response, is_own=is_own)

    async def _respond(self, exchange: Exchange, work: Work, key: Hashable | None,
                       make: Callable[[], Awaitable[Response]]) -> tuple[Response, bool]:
        """Return the response, and whether it was made for this request, when its class has a place."""
        await exchange.counted()
        return await self._collapsed.respond(key, partial(self._classes[work].admitted, exchange.site), make)

    async def _make(self, make: Callable[[], Awaitable[Representation | None]] | None, environ: dict[str, Any],
                    body: BinaryIO) -> Response:
        return (make and await make()) or await self._girder.begin(environ, body)

    async def _send(self, exchange: Exchange, response: Response, *, is_own: bool) -> None:
        if isinstance(response, Representation):
            await self._cached.send(exchange, response)
        elif is_own:
            await self._girder.send(exchange, response)
        else:
            await self._girder.share(exchange, response)

    async def _receive(self, exchange: Exchange) -> BinaryIO:
        """Return the body; an empty one if it exceeds a limit, which Girder reports without reading it."""
        if bodies.is_small(exchange) or (bodies.may_be_large(exchange) and await self._girder.knows(exchange.environ)):
            return await bodies.receive(exchange, self._pace)
        exchange.connection.discard_rest()
        return io.BytesIO()


async def _refuse(exchange: Exchange, status: int, message: str, after: int | None = None, *,
                  close: bool = False) -> None:
    """Send an error in Girder's form. It has no route, since none was looked for."""
    body = orjson.dumps({'message': message, 'type': 'rest', 'request_id': exchange.request_id})
    own = encoded((('Content-Length', str(len(body))), (tracing.HEADER, exchange.request_id)))
    try:
        await exchange.begin(status, [*_refusal_headers(after, close=close), *own])
        await exchange.send(body)
    finally:
        exchange.observe(lambda: routing.OTHER)


@lru_cache(maxsize=16)
def _refusal_headers(after: int | None, *, close: bool) -> tuple[tuple[bytes, bytes], ...]:
    headers = [('Content-Type', 'application/json')]
    if after is not None:
        headers.append(('Retry-After', str(after)))
    if close:
        headers.append(('Connection', 'close'))
    return tuple(encoded(security_headers.protected(headers, security_headers.SANDBOX)))
