"""Send cached responses before CherryPy and Girder begin, whose overhead is larger than the work for the response."""
from __future__ import annotations

import time
from collections.abc import Iterable
from http.client import responses
from typing import TYPE_CHECKING

import pymongo
from cherrypy._cptree import Tree
from pymongo.errors import PyMongoError

from slicer_package_manager.registry.server import data_version, database_outage
from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware import security_headers, tracing
from slicer_package_manager.rest.middleware.response_cache import CACHE, request_key

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: A request with one of these may be of a user, or its response has headers that depend on settings.
_NOT_CACHEABLE = ('HTTP_GIRDER_TOKEN', 'HTTP_AUTHORIZATION', 'HTTP_COOKIE', 'HTTP_ORIGIN')

#: The time limit for reading the data version, in seconds. After it, CherryPy handles the request.
_TIMEOUT = 3


class Front:
    """The WSGI application ``app`` behind the response cache."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, wsgi: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Respond to a WSGI request."""
        started = time.perf_counter()
        response = _cached(wsgi)
        if response is None:
            return self.app(wsgi, start_response)
        status, headers, body = response.negotiate(wsgi.get('HTTP_ACCEPT_ENCODING', ''),
                                                   wsgi.get('HTTP_IF_NONE_MATCH', ''))
        if body:
            headers['Content-Length'] = str(len(body))
        headers[tracing.HEADER] = tracing.choose_id(wsgi)
        seconds = time.perf_counter() - started
        for observe in tracing.CACHE_OBSERVERS:
            observe(tracing.CachedRequest(wsgi, status, len(body), seconds, headers[tracing.HEADER]))
        start_response(f'{status} {responses[status]}', list(headers.items()))
        return [body]


def _cached(wsgi: WSGIEnvironment) -> JsonResponse | None:
    if wsgi['REQUEST_METHOD'] != 'GET' or any(name in wsgi for name in _NOT_CACHEABLE):
        return None
    key = request_key(wsgi)
    if key not in CACHE:
        return None
    try:
        return None if database_outage.lost() else CACHE.get(key, _version())
    except PyMongoError:
        return None  # CherryPy reads the database too, and reports the error


def _version() -> data_version.Version:
    with pymongo.timeout(_TIMEOUT):
        return data_version.version()


def put_before(tree: Tree) -> None:
    """Install the cache before each application of ``tree`` that serves the API, and security headers before all."""
    for path, app in tree.apps.items():
        pipeline = app.wsgiapp.pipeline
        if path.endswith('/api') and all(name != 'spm_front' for name, _ in pipeline):
            pipeline.insert(0, ('spm_front', Front))
    security_headers.put_before(tree)
