"""Responses without CherryPy and Girder, whose overhead is larger than the work for them.

A cached response is sent without a thread. A list that is prepared, or a search in it, is made anew in one.
"""
from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

from slicer_package_manager.front.coalesced import Coalesced
from slicer_package_manager.front.exchange import Exchange, Representation, encoded, path_of
from slicer_package_manager.front.pace import PaceLimits
from slicer_package_manager.front.versions import Outage, Versions
from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware import prepared_lists, routing, security_headers
from slicer_package_manager.rest.middleware.prepared_lists import PreparedList
from slicer_package_manager.rest.middleware.response_cache import CACHE, LiveResponse

#: Headers on which the response depends.
_HEADERS = (b'accept-encoding', b'if-none-match')
#: The place of the API, to which the keys of cached responses are relative.
_API = '/api'
#: For how many values of ``Accept-Encoding`` a representation is cached.
_REPRESENTATIONS = 8


class CachedResponses:
    """The responses in the cache of this process, and lists that are made anew."""

    def __init__(self, versions: Versions, limits: PaceLimits) -> None:
        self._versions, self._limits = versions, limits

    async def answer(self, exchange: Exchange) -> bool:
        """Answer the request, if its response is cached; return whether it is.

        :raises Outage: it is cached, and the database does not state whether it is current.
        :raises Disconnected: the client has closed the connection.
        :raises TooSlow: the client takes the response too slowly.
        """
        request = _request(exchange)
        if request is None or request.key not in CACHE:
            return False
        response = CACHE.get(request.key, await self._versions.current())
        if response is None:
            return False
        if isinstance(response, LiveResponse):
            response = await self._versions.guard(self._read(exchange, response))
        await self.send(exchange, _represented(response, request))
        return True

    def prepared(self, exchange: Exchange) -> Callable[[], Awaitable[Representation | None]] | None:
        """Return how the response is made anew; ``None`` if Girder has to respond."""
        request = _request(exchange)
        found = request and prepared_lists.prepared_for(request.key)
        return partial(self._make, *found, request) if request and found else None

    async def _make(self, prepared: PreparedList, words: str, request: _Request) -> Representation | None:
        """Make a response, to be passed to :meth:`send`; ``None`` if Girder has to respond, with an error.

        :raises Outage: the database does not answer.
        """
        try:
            version = await self._versions.current() if words else None
            return await self._versions.make(lambda: _represented(prepared.response(words, version), request))
        except Outage:
            raise
        except Exception:  # noqa: BLE001 - Girder raises it again, and reports it
            return None

    async def send(self, exchange: Exchange, representation: Representation) -> None:
        """Send what was made.

        :raises Disconnected: the client has closed the connection.
        :raises TooSlow: the client takes the response too slowly.
        """
        await exchange.represent(representation, self._limits,
                                 lambda: routing.of_cached(path_of(exchange.scope).removeprefix(_API)))

    async def _read(self, exchange: Exchange, live: LiveResponse) -> JsonResponse:
        """Return ``live`` as it is now, by a read that all requests share which arrive at the same time."""
        await exchange.counted()
        if live.shared is None:
            live.shared = Coalesced(lambda: self._versions.read(live.current))
        response: JsonResponse = await live.shared.get()
        return response


class _Request(NamedTuple):
    """What of a request decides on a cached response.

    :param key: of the response in the cache.
    """

    key: tuple[str, str]
    accept_encoding: str
    if_none_match: str


def _request(exchange: Exchange) -> _Request | None:
    """Return what is requested; ``None`` if the response is never cached."""
    scope = exchange.scope
    path = path_of(scope)
    if scope['method'] != 'GET' or not path.startswith(_API + '/'):
        return None
    if exchange.is_personal:
        return None
    found = (exchange.fields.get(name, b'').decode('latin-1') for name in _HEADERS)
    return _Request((path.removeprefix(_API), scope['query_string'].decode('latin-1')), *found)


def _represented(response: JsonResponse, request: _Request) -> Representation:
    """Return status, headers and body of the representation that the client accepts."""
    if request.if_none_match:
        return _encoded(response.negotiate(request.accept_encoding, request.if_none_match))
    # Most clients send the same header, and do not have the response.
    found: Representation | None = response.represented.get(request.accept_encoding)
    if found is None:
        found = _encoded(response.negotiate(request.accept_encoding))
        if len(response.represented) < _REPRESENTATIONS:
            response.represented[request.accept_encoding] = found
    return found


def _encoded(negotiated: tuple[int, dict[str, str], bytes]) -> Representation:
    status, headers, body = negotiated
    if body:
        headers['Content-Length'] = str(len(body))
    own = security_headers.protected(list(headers.items()), security_headers.SANDBOX)
    return Representation(status, encoded(own), body)
