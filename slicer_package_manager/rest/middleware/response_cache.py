"""JSON responses of lists and objects, and the cache of those for anonymous clients in this process.

1. A handler passes a function that reads the database to :func:`list_response` or :func:`record_response`.
2. A request without a token, whose response depends only on its path and query, is looked up in :data:`CACHE` by them,
   and by the data version that the database has now.
3. If the cache has no response, or one of another data version, the function runs and its response is cached.
4. For the next such request, :mod:`front.cached` sends the response before CherryPy and Girder begin, where ``serve``
   runs the server. If the data has changed, it makes lists of :mod:`prepared_lists` anew without them, and
   :mod:`front.collapsed` has each response made once for all that request it at the same time.
"""
from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeAlias, TypeVar, cast

import cherrypy
import orjson
from girder.api.rest import getCurrentUser, setRawResponse, setResponseHeader

from slicer_package_manager.registry.schema.pagination import Listing
from slicer_package_manager.registry.server import data_version, settings
from slicer_package_manager.registry.server.anonymous_access import State
from slicer_package_manager.registry.server.versioned_cache import VersionedCache
from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware import anonymous_access, request_state


def _size(key: Hashable, response: JsonResponse) -> int:
    """Estimate the memory that a response takes with its compressed body, in bytes."""
    return len(response.body) * 5 // 4 + len(repr(key)) + 1024


_Response = TypeVar('_Response', JsonResponse, JsonResponse | None)
#: What identifies a request: the path, relative to the API, and the query.
Key: TypeAlias = tuple[str, str]


class LiveResponse:
    """A response whose body is read from the database each time, by ``read``.

    ``read`` returns the same object as long as the body is the same. Then the response with its tag and its compressed
    body is made once.
    """

    def __init__(self, read: Callable[[], bytes], cache_control: str) -> None:
        self._read, self._cache_control = read, cache_control
        self._known = JsonResponse(b'', None, cache_control)
        #: The read that requests share. The front of the server keeps it.
        self.shared: Any = None

    def current(self) -> JsonResponse:
        """Read the body, and return the response as it is now."""
        body, known = self._read(), self._known
        if body is not known.body:
            known = self._known = JsonResponse(body, None, self._cache_control)
        return known


#: The cache of this process.
CACHE: VersionedCache[JsonResponse | LiveResponse] = VersionedCache()


def request_key(environ: Mapping[str, Any]) -> Key:
    """Return the key of a request, which has the WSGI environment ``environ``."""
    return environ['PATH_INFO'], environ.get('QUERY_STRING', '')


def list_response(model: Any, find: Callable[[], Listing | None], extra_keys: Iterable[str] = (), *,  # Girder's model
                  cacheable: bool = True) -> bytes | None:
    """Serialize the page returned by ``find``, including only the fields that the user may see.

    The response has the headers ``Girder-Total-Count`` and ``ETag``. It is compressed if the client accepts that, and
    304 without a body if the client has it already. Responses to anonymous clients are cached until the data changes.

    :param model: of Girder; ``None`` if the documents are JSON.
    :param find: may return ``None`` if another handler has to respond.
    :param extra_keys: keys of the documents to include besides those that ``model`` exposes.
    :param cacheable: ``False`` if the response depends on more than folders, items and files.
    :returns: the body, or ``None`` if ``find`` returned that.
    """
    user = getCurrentUser()
    if user is None and is_plain():
        response = cached(request_key(cherrypy.request.wsgi_environ),
                          lambda: public(of_list(find(), model, None, extra_keys)), is_cached=cacheable)
    else:
        response = of_list(find(), model, user, extra_keys)
        cacheable = False
    return None if response is None else send(response, is_public=cacheable)


def live_response(make: Callable[[], Callable[[], bytes]]) -> bytes:
    """Respond with the JSON of an object that may change without a new data version, as in :func:`list_response`.

    :param make: returns a function that reads the body each time, see :class:`LiveResponse`. What else the response
        depends on is read by ``make``, and changes the data version.
    """
    if getCurrentUser() is not None or not is_plain():
        return send(LiveResponse(make(), 'private, no-cache').current())
    key, state = request_key(cherrypy.request.wsgi_environ), anonymous_access.state()
    live = CACHE.get(key, state.version)
    if not isinstance(live, LiveResponse):
        live = LiveResponse(make(), 'public, no-cache')
    response = live.current()
    _, megabytes = _settings(state)
    CACHE.put(key, state.version, live, 2 * _size(key, response), megabytes * 2**20)
    return send(response, is_public=True)


def record_response(key: Hashable, read: Callable[[], Any],  # what JSON can express
                    total: Callable[[Any], int] | None = None) -> bytes:
    """Respond with what ``read`` returns as JSON, cached like lists; other caches revalidate it every time.

    :param key: what the response depends on, besides folders, items and files; different from the key of any list.
    :param total: returns the value of ``Girder-Total-Count`` for what ``read`` returned.
    """
    def make() -> JsonResponse:
        content = read()
        return JsonResponse(orjson.dumps(content, default=str), total and total(content), 'no-cache')
    return respond(key, make)


def respond(key: Hashable, make: Callable[[], JsonResponse]) -> bytes:
    """Respond with what ``make`` returns, cached as in :func:`record_response`."""
    if getCurrentUser() is not None or not is_plain():
        return send(make())
    return send(cached(key, make), is_public=True)


def send(response: JsonResponse, *, is_public: bool = False) -> bytes:
    """Set the status and the headers of ``response``, and return the body that the client accepts.

    :param is_public: see :attr:`.RequestState.is_public`.
    """
    request_state.current().is_public = is_public
    requested = cherrypy.request.headers
    status, headers, body = response.negotiate(
        requested.get('Accept-Encoding', ''), requested.get('If-None-Match', ''))
    setRawResponse()
    cherrypy.response.status = status
    for name in ('Content-Type', 'Expires', 'Pragma'):
        cherrypy.response.headers.pop(name, None)
    for name, value in headers.items():
        setResponseHeader(name, value)
    return body


def cached(key: Hashable, make: Callable[[], _Response], *, is_cached: bool = True) -> _Response:
    """Return the cached response with ``key``, or what ``make`` returns."""
    # Read before the response is made, which is of this data version or a later one.
    state = anonymous_access.state()
    version: data_version.Version | None = state.version if is_cached else None
    found = CACHE.get(key, version)
    if found is not None:
        return cast(_Response, found)
    response = make()
    if response is not None:
        # A change of these settings changes the data version.
        _, megabytes = _settings(state)
        CACHE.put(key, version, response, _size(key, response), megabytes * 2**20)
    return response


def public(response: _Response) -> _Response:
    """Let other caches keep a list for anonymous clients as long as the setting says; return it."""
    if response is not None:
        response.cache_control = cache_control()
    return response


def cache_control() -> str:
    """The header ``Cache-Control`` of lists for anonymous clients."""
    seconds, _ = _settings(anonymous_access.state())
    return f'public, max-age={seconds}' if seconds else 'public, no-cache'


def _settings(state: State) -> list[int]:
    """The lifetime of cached lists in seconds, and the size of the cache in MB."""
    return settings.each_of(state.settings, settings.LIST_MAX_AGE, settings.LIST_CACHE)


def is_plain() -> bool:
    """Whether the response to the current request depends only on its path and query, and on no user."""
    request = cherrypy.request
    return request.wsgi_environ['REQUEST_METHOD'] in ('GET', 'HEAD') and 'token' not in request.params


def of_list(found: Listing | None, model: Any = None, user: Mapping[str, Any] | None = None,
            extra_keys: Iterable[str] = ()) -> JsonResponse | None:
    """Return the response with the list ``found``; for the parameters see :func:`list_response`."""
    if found is None:
        return None
    body = b'[%b]' % b','.join(found.documents) if model is None else orjson.dumps([
        # Girder's filter orders the keys differently in each process, and the ETag must not depend on that.
        dict(sorted(model.filter(document, user, extra_keys).items())) for document in found.documents], default=str)
    return JsonResponse(body, found.total, 'private, no-cache', suggestion=found.suggestion)
