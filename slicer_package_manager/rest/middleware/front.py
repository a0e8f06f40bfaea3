"""Answers what is kept before CherryPy and Girder begin with a request, which costs them more than the answer."""
from __future__ import annotations

import time
from collections.abc import Iterable
from http.client import responses
from typing import TYPE_CHECKING

import pymongo
from bson.objectid import ObjectId
from cherrypy._cptree import Tree
from pymongo.errors import PyMongoError

from slicer_package_manager.registry.server import data_version, database_outage
from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware import security_headers, tracing
from slicer_package_manager.rest.middleware.response_cache import CACHE, request_key

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Who sends one of these may be somebody, or needs headers that depend on settings: Girder answers them.
_NOT_PLAIN = ('HTTP_GIRDER_TOKEN', 'HTTP_AUTHORIZATION', 'HTTP_COOKIE', 'HTTP_ORIGIN')

#: How long the database may take here, in seconds: the usual way may wait for it as well.
_PATIENCE = 3


class Front:
    """The WSGI application ``app``, except that lists which are kept and true are answered at once."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, wsgi: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, as WSGI has it."""
        started = time.perf_counter()
        answer = _kept(wsgi)
        if answer is None:
            return self.app(wsgi, start_response)
        status, headers, body = answer.negotiate(wsgi.get('HTTP_ACCEPT_ENCODING', ''),
                                                   wsgi.get('HTTP_IF_NONE_MATCH', ''))
        if body:
            headers['Content-Length'] = str(len(body))
        headers[tracing.HEADER] = tracing.choose_id(wsgi)
        for watch in tracing.WATCHING_FRONT:
            watch(tracing.Shortcut(wsgi, status, len(body), time.perf_counter() - started, headers[tracing.HEADER]))
        start_response(f'{status} {responses[status]}', list(headers.items()))
        return [body]


def _kept(wsgi: WSGIEnvironment) -> JsonResponse | None:
    if wsgi['REQUEST_METHOD'] != 'GET' or any(name in wsgi for name in _NOT_PLAIN):
        return None
    question = request_key(wsgi)
    if question not in CACHE:
        return None
    try:
        return None if database_outage.lost() else CACHE.get(question, _version())
    except PyMongoError:
        return None  # the usual way fails too, and says how


def _version() -> ObjectId | None:
    with pymongo.timeout(_PATIENCE):
        return data_version.version()


def put_before(tree: Tree) -> None:
    """Put it before each of our server's applications in CherryPy's ``tree`` that serves the API, and the headers that
    protect before all of them.
    """
    for path, app in tree.apps.items():
        pipeline = app.wsgiapp.pipeline
        if path.endswith('/api') and all(name != 'spm_front' for name, _ in pipeline):
            pipeline.insert(0, ('spm_front', Front))
    security_headers.put_before(tree)
