"""Requests for the same public response, which is made once for all of them.

After a change of data, many clients request the same list or page at the same time.

1. Requests are the same if all is equal that a public response depends on (:func:`key_of`). Those that may be of a user
   are never the same as others.
2. The first one leads: it takes a place of its class, see :mod:`.admission`. The others wait, and take none.
3. When the leader has its place, its response is made for all that wait, in a task of its own: it does not end when a
   client leaves. Requests that arrive from now on wait for the next response, since this one may be older than they
   are. The first of them leads when this one is made; usually it finds the response cached. So no client gets an older
   response than by a request of its own, one of them is made at any time, and a request waits for two at most.
4. If the handler has stated that the response is public, all get it. Otherwise only the leader gets it, and each other
   request is served by itself. If it is no error, such requests are served by themselves at once for a minute.
5. If the leader is refused, the next one leads. If the database does not answer, all that wait get that answer. Any
   other error is the leader's alone, and each other request is served by itself.
6. A request that has waited for :data:`_PATIENCE` is refused. There is no limit for how many wait: each waits on a
   connection that the server has anyway.
"""
from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic, Protocol, TypeAlias, TypeVar

from slicer_package_manager.front.admission import Refused
from slicer_package_manager.front.exchange import Exchange
from slicer_package_manager.front.versions import Outage
from slicer_package_manager.registry.server.versioned_cache import VersionedCache
from slicer_package_manager.rest.http.headers import accepts_gzip

#: Seconds that a request waits for a response of others. Common proxies give up after 60.
_PATIENCE = 60.0
#: How many kinds of requests are remembered that are served by themselves, and the length of their keys in bytes.
_MOST_SEPARATE, _LONGEST_KEY = 1024, 4096
_ANY_VERSION = 'any'
#: Headers of requests with a body.
_OF_BODIES = frozenset({b'content-length', b'transfer-encoding'})
#: Headers that a public response of any call may depend on, and those besides that a page may depend on.
_OF_CALLS = (b'host', b'x-forwarded-host', b'x-forwarded-proto', b'if-none-match')
_OF_PAGES = (b'user-agent', b'accept', b'accept-language')
_CALLS = b'/api/'


class Response(Protocol):
    """What is made for a request."""

    @property
    def status(self) -> int:
        """The status."""

    @property
    def is_public(self) -> bool:
        """Whether all that request the same without being a user get the same response."""


_Response = TypeVar('_Response', bound=Response)
#: Admits the request to its class, see :meth:`.WorkClass.admitted`.
Place: TypeAlias = Callable[[], AbstractAsyncContextManager[None]]


def key_of(exchange: Exchange) -> Hashable | None:
    """Return what the same requests have in common; ``None`` if the request is served by itself."""
    scope, fields = exchange.scope, exchange.fields
    if scope['method'] != 'GET' or exchange.is_personal or not _OF_BODIES.isdisjoint(fields):
        return None
    path, query = scope['raw_path'], scope['query_string']
    names = _OF_CALLS if path.startswith(_CALLS) else _OF_CALLS + _OF_PAGES
    parts = path, query, *(fields.get(name, b'') for name in names)
    if sum(map(len, parts)) > _LONGEST_KEY:
        return None
    accept_encoding = fields.get(b'accept-encoding', b'').decode('latin-1')
    return *parts, exchange.environ['wsgi.url_scheme'], accepts_gzip(accept_encoding)


class CollapsedRequests(Generic[_Response]):
    """The requests of this process for which responses are being made. For one event loop.

    :param patience: seconds that a request waits for a response of others.
    """

    def __init__(self, patience: float = _PATIENCE) -> None:
        self._patience = patience
        self._waiting: dict[Hashable, deque[_Request[_Response]]] = {}
        self._separate: VersionedCache[bool] = VersionedCache()
        self._tasks: set[asyncio.Task[None]] = set()

    def has(self, key: Hashable | None) -> bool:
        """Whether a request with ``key`` would wait for the response of another one."""
        return key in self._waiting

    async def respond(self, key: Hashable | None, place: Place,
                      make: Callable[[], Awaitable[_Response]]) -> tuple[_Response, bool]:
        """Return the response to a request, and whether it was made by ``make``, rather than by that of another.

        :param key: see :func:`key_of`.
        :raises Outage: the database does not answer.
        :raises Refused: the class is full.
        """
        if key is not None and not self._separate.get(key, _ANY_VERSION):
            found = await self._shared(key, place, make)
            if found:
                return found
        async with place():
            return await make(), True

    async def _shared(self, key: Hashable, place: Place,
                      make: Callable[[], Awaitable[_Response]]) -> tuple[_Response, bool] | None:
        """Wait for the response; ``None`` if the request is to be served by itself."""
        loop = asyncio.get_running_loop()
        one = _Request(place, make, loop.create_future())
        if key in self._waiting:
            self._waiting[key].append(one)
        else:
            self._waiting[key] = deque([one])
            task = loop.create_task(self._work(key))
            self._tasks.add(task)  # asyncio has only weak references to tasks
            task.add_done_callback(self._tasks.discard)
        one.timer = loop.call_later(self._patience, one.fail, Refused())
        try:
            return await one.found
        finally:
            one.timer.cancel()
            del one  # an error refers to this frame, and would be in memory until the garbage is collected

    async def _work(self, key: Hashable) -> None:
        try:
            while leader := self._leader(key):
                await self._serve(key, leader)
        finally:
            del self._waiting[key]

    async def _serve(self, key: Hashable, leader: _Request[_Response]) -> None:
        """Have the response made for all that wait by now, or refuse the leader."""
        waiting: list[_Request[_Response]] = []
        try:
            async with leader.place():
                waiting = self._begin(key, leader)
                response = await leader.make() if waiting else None
        except Outage as error:
            _fail([*waiting, *self._waiting[key]], error)
        except Exception as error:  # noqa: BLE001 - for the leader, which is refused or has failed
            leader.fail(error)
            _give(waiting, None)
        else:
            if response:
                self._share(key, response, leader, waiting)

    def _leader(self, key: Hashable) -> _Request[_Response] | None:
        """Return the request that waits longest."""
        waiting = self._waiting[key]
        while waiting and waiting[0].found.done():
            waiting.popleft()
        return waiting[0] if waiting else None

    def _begin(self, key: Hashable, leader: _Request[_Response]) -> list[_Request[_Response]]:
        """Return the requests for which the response is made; from now on, others wait for the next one."""
        waiting, self._waiting[key] = self._waiting[key], deque()
        if not leader.found.done() and leader.timer:
            leader.timer.cancel()  # it waits for no response of others
        return [one for one in waiting if not one.found.done()]

    def _share(self, key: Hashable, response: _Response, leader: _Request[_Response],
               waiting: Iterable[_Request[_Response]]) -> None:
        leader.give((response, True))
        _give(waiting, (response, False) if response.is_public else None)
        if response.status < HTTPStatus.BAD_REQUEST and not response.is_public:
            self._separate.put(key, _ANY_VERSION, True, 1, _MOST_SEPARATE)


@dataclass(eq=False)
class _Request(Generic[_Response]):
    """A request that waits for ``found``: see :meth:`CollapsedRequests._shared`."""

    place: Place
    make: Callable[[], Awaitable[_Response]]
    found: asyncio.Future[tuple[_Response, bool] | None]
    timer: asyncio.TimerHandle | None = None

    def give(self, found: tuple[_Response, bool] | None) -> None:
        if not self.found.done():
            self.found.set_result(found)

    def fail(self, error: Exception) -> None:
        if not self.found.done():
            self.found.set_exception(error)
            self.found.exception()  # the request may be cancelled before it sees this, which is no error


def _give(requests: Iterable[_Request[_Response]], found: tuple[_Response, bool] | None) -> None:
    for one in requests:
        one.give(found)


def _fail(requests: Iterable[_Request[_Response]], error: Exception) -> None:
    for one in requests:
        one.fail(error)
