"""JSON responses of lists and objects, and the cache of those for anonymous clients in this process.

1. A handler passes a function that reads the database to :func:`list_response` or :func:`record_response`.
2. A request without a token, whose response depends only on its path and query, is looked up in :data:`CACHE` by them,
   and by the data version that the database has now.
3. If the cache has no response, or one of another data version, the function runs and its response is cached.
4. For the next such request, :mod:`front.cached` sends the response before CherryPy and Girder begin, where ``serve``
   runs the server.
"""
from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

import cherrypy
import orjson
from girder.api.rest import getCurrentUser, setRawResponse, setResponseHeader
from girder.models.item import Item

from slicer_package_manager.registry.schema.pagination import Listing
from slicer_package_manager.registry.server import data_version, settings
from slicer_package_manager.registry.server.versioned_cache import VersionedCache
from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware import anonymous_access


def _size(key: Hashable, response: JsonResponse) -> int:
    """Estimate the memory that a response takes with its compressed body, in bytes."""
    return len(response.body) * 5 // 4 + len(repr(key)) + 1024


_Response = TypeVar('_Response', JsonResponse, JsonResponse | None)

#: The cache of this process.
CACHE: VersionedCache[JsonResponse] = VersionedCache()


def request_key(environ: Mapping[str, Any]) -> tuple[str, str]:
    """Return the key of a request, which has the WSGI environment ``environ``."""
    return environ['PATH_INFO'], environ.get('QUERY_STRING', '')


def list_response(model: Any, find: Callable[[], Listing | None], extra_keys: Iterable[str] = (), *,  # Girder's model
                  cacheable: bool = True) -> bytes | None:
    """Serialize the page returned by ``find``, including only the fields that the user may see.

    The response has the headers ``Girder-Total-Count`` and ``ETag``. It is compressed if the client accepts that, and
    304 without a body if the client has it already. Responses to anonymous clients are cached until the data changes.

    :param find: may return ``None`` if another handler has to respond.
    :param extra_keys: keys of the documents to include besides those that ``model`` exposes.
    :param cacheable: ``False`` if the response depends on more than folders, items and files.
    :returns: the body, or ``None`` if ``find`` returned that.
    """
    user = getCurrentUser()
    if user is None and _is_plain():
        response = _cached(lambda: _of_list(find(), model, None, extra_keys), is_cached=cacheable)
    else:
        response = _of_list(find(), model, user, extra_keys)
    return None if response is None else _send(response)


def json_response(body: bytes) -> bytes:
    """Respond with ``body``, the JSON of an object; with ``ETag``, 304 and compression as in :func:`list_response`."""
    cache_control = 'public, no-cache' if getCurrentUser() is None else 'private, no-cache'
    return _send(JsonResponse(body, None, cache_control))


def record_response(key: Hashable, read: Callable[[], Any],  # what JSON can express
                    total: Callable[[Any], int] | None = None) -> bytes:
    """Respond with what ``read`` returns as JSON, cached like lists; other caches revalidate it every time.

    :param key: what the response depends on, besides folders, items and files; different from the key of any list.
    :param total: returns the value of ``Girder-Total-Count`` for what ``read`` returned.
    """
    def make() -> JsonResponse:
        content = read()
        return JsonResponse(orjson.dumps(content, default=str), total and total(content), 'no-cache')
    if getCurrentUser() is not None or not _is_plain():
        return _send(make())
    return _send(_cached(make, key=key))


def _send(response: JsonResponse) -> bytes:
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


def _cached(make: Callable[[], _Response], *, is_cached: bool = True, key: Hashable = None) -> _Response:
    """Return the cached response or what ``make`` returns. Without a ``key``, settings decide on ``Cache-Control``."""
    cache_key = key or request_key(cherrypy.request.wsgi_environ)
    # Read before the response is made, which is of this data version or a later one.
    version: data_version.Version | None = anonymous_access.state().version if is_cached else None
    cached = CACHE.get(cache_key, version)
    if cached is not None:
        return cached
    response = make()
    if response is not None:
        # A change of these settings changes the data version, so they need not be read for cached responses.
        seconds, megabytes = settings.get_each(settings.LIST_MAX_AGE, settings.LIST_CACHE)
        if key is None:
            response.cache_control = f'public, max-age={seconds}' if seconds else 'public, no-cache'
        CACHE.put(cache_key, version, response, _size(cache_key, response), megabytes * 2**20)
    return response


def _is_plain() -> bool:
    """Whether the response to the current request depends only on its path and query, and on no user."""
    request = cherrypy.request
    return request.wsgi_environ['REQUEST_METHOD'] in ('GET', 'HEAD') and 'token' not in request.params


def _of_list(found: Listing | None, model: Any, user: Mapping[str, Any] | None,
             extra_keys: Iterable[str]) -> JsonResponse | None:
    if found is None:
        return None
    documents = _visible(found.documents, model, user, extra_keys)
    return JsonResponse(orjson.dumps(documents, default=str), found.total, 'private, no-cache')


def _visible(documents: list[Any], model: Any, user: Mapping[str, Any] | None, extra_keys: Iterable[str]) -> list[Any]:
    if not isinstance(model, Item):
        # Girder's filter orders the keys differently in each process, and the ETag must not depend on that.
        return [dict(sorted(model.filter(document, user, extra_keys).items())) for document in documents]
    # The query has selected the keys that Girder's filter would leave, since the filter is slow for hundreds of items.
    for document in documents:
        document['_modelType'] = 'item'
    return documents
