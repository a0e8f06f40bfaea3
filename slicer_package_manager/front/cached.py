"""Cached responses, sent without a thread: Girder's overhead is larger than the work for them."""
from __future__ import annotations

from typing import NamedTuple

from slicer_package_manager.front.exchange import Exchange, Headers, encoded, path_of
from slicer_package_manager.front.versions import Versions
from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware import routing, security_headers, tracing
from slicer_package_manager.rest.middleware.response_cache import CACHE

#: Headers on which the response depends, and the id that a proxy sends.
_HEADERS = (b'accept-encoding', b'if-none-match', b'x-request-id')
_ID = tracing.HEADER.lower().encode()
#: The place of the API, to which the keys of cached responses are relative.
_API = '/api'
#: How many values of ``Accept-Encoding`` a response is kept ready for.
_REPRESENTATIONS = 8


class CachedResponses:
    """The responses in the cache of this process."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions

    async def answer(self, exchange: Exchange) -> bool:
        """Answer the request, if its response is cached; return whether it is.

        :raises Outage: it is cached, and the database does not tell whether it is current.
        """
        request = _request(exchange)
        if request is None or request.key not in CACHE:
            return False
        response = CACHE.get(request.key, await self._versions.current())
        if response is None:
            return False
        await _send(exchange, request, response)
        return True


class _Request(NamedTuple):
    """What of a request decides on a cached response.

    :param key: of the response in the cache.
    """

    key: tuple[str, str]
    accept_encoding: str
    if_none_match: str
    request_id: str


def _request(exchange: Exchange) -> _Request | None:
    """Return what is requested; ``None`` if the response is never cached."""
    scope = exchange.scope
    path = path_of(scope)
    if scope['method'] != 'GET' or not path.startswith(_API + '/'):
        return None
    if exchange.is_personal:
        return None
    found = dict.fromkeys(_HEADERS, '')
    for name, value in scope['headers']:
        if name in found:
            found[name] = value.decode('latin-1')
    return _Request((path.removeprefix(_API), scope['query_string'].decode('latin-1')), *found.values())


async def _send(exchange: Exchange, request: _Request, response: JsonResponse) -> None:
    client = exchange.scope['client'] or ('', 0)
    request_id = tracing.choose_id({'HTTP_X_REQUEST_ID': request.request_id, 'REMOTE_ADDR': client[0]})
    status, headers, body = _represented(response, request)
    await exchange.begin(status, [*headers, (_ID, request_id.encode())])
    await exchange.send(body)
    exchange.observe(routing.of_cached(request.key[0]), request_id)


def _represented(response: JsonResponse, request: _Request) -> tuple[int, Headers, bytes]:
    """Return status, headers and body of the representation that the client wants."""
    if request.if_none_match:
        return _encoded(response.negotiate(request.accept_encoding, request.if_none_match))
    # Most clients send the same header, and want all of the response.
    found = response.represented.get(request.accept_encoding)
    if found is None:
        found = _encoded(response.negotiate(request.accept_encoding))
        if len(response.represented) < _REPRESENTATIONS:
            response.represented[request.accept_encoding] = found
    return found


def _encoded(negotiated: tuple[int, dict[str, str], bytes]) -> tuple[int, Headers, bytes]:
    status, headers, body = negotiated
    if body:
        headers['Content-Length'] = str(len(body))
    return status, encoded(security_headers.protected(list(headers.items()), security_headers.SANDBOX)), body
