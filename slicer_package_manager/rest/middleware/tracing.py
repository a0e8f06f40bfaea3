"""The id of each request and, on servers that log JSON, its log line."""
from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import cherrypy
import orjson
from cherrypy._cprequest import Response
from cherrypy._cptree import Tree

from slicer_package_manager.registry.server import client_address as server_client_address
from slicer_package_manager.registry.server import log_masking
from slicer_package_manager.registry.server.environment import Operation
from slicer_package_manager.rest.middleware import request_state, routing

logger = logging.getLogger('slicer_package_manager.requests')

HEADER = 'X-Request-ID'
#: Ids that are accepted from a trusted proxy. Others could inject text into a log.
_USABLE = re.compile(r'[\w.:+/=@-]{1,128}', re.ASCII)
_ERRORS = 400
_operation = Operation()


def request_id() -> str | None:
    """Return the id of the request that this thread serves; ``None`` outside of requests."""
    return request_state.current().id


def client_address() -> str:
    """Return the address of the client whose request this thread serves."""
    return server_client_address.client(cherrypy.request.wsgi_environ, _operation.trusted_proxies)


def choose_id(sent: str, address: str) -> str:
    """Return the id of a request: the one that it was ``sent`` with from a trusted ``address``, or a new one."""
    is_trusted = _USABLE.fullmatch(sent) and server_client_address.within(address, _operation.trusted_proxies)
    # An id is no secret, and the system takes ten times as long for random numbers that cannot be predicted.
    return sent if is_trusted else f'{random.getrandbits(128):032x}'


class FrontRequest(NamedTuple):
    """A request that was answered before CherryPy began.

    :param route: as :func:`routing.template` returns it.
    :param size: how much of the body was sent, in bytes.
    :param seconds: from the request to the end of the response.
    """

    environ: dict[str, Any]
    route: str
    status: int
    size: int
    seconds: float
    request_id: str


#: Functions that are called after each such response.
FRONT_OBSERVERS: list[Callable[[FrontRequest], None]] = []


def _begin() -> None:
    """At the beginning of a request: choose its id, and set the header of the response."""
    state = request_state.current()
    routing.remember()
    environ = cherrypy.request.wsgi_environ
    state.id = choose_id(environ.get('HTTP_X_REQUEST_ID', ''), environ.get('REMOTE_ADDR', ''))
    cherrypy.response.headers[HEADER] = state.id


def _add_to_error() -> None:
    """Before a response is sent: add the id to an error in JSON."""
    response = cherrypy.response
    if status_of(response) < _ERRORS or response.stream or not response.headers.get(
            'Content-Type', '').startswith('application/json'):
        return
    body = response.collapse_body()
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    if isinstance(content, dict) and request_id():
        response.body = orjson.dumps({**content, 'request_id': request_id()})
        response.headers['Content-Length'] = len(response.collapse_body())


def _log() -> None:
    """After a request: log it, without its query, which may contain tokens."""
    if not logger.isEnabledFor(logging.INFO) or request_id() is None:
        return
    status = status_of(cherrypy.response)
    _log_line(cherrypy.request.wsgi_environ, status, routing.template(), age(), request_id())


def _log_front(request: FrontRequest) -> None:
    if logger.isEnabledFor(logging.INFO):
        _log_line(request.environ, request.status, request.route, request.seconds, request.request_id)


def _log_line(environ: Mapping[str, Any], status: int, route: str, seconds: float, request: str | None) -> None:
    method, path = environ['REQUEST_METHOD'], log_masking.masked(environ.get('SCRIPT_NAME', '') + environ['PATH_INFO'])
    logger.info('%s %s %s', method, path, status, extra={
        'method': method, 'path': path, 'route': route, 'status': status, 'seconds': round(seconds, 6),
        'address': server_client_address.client(environ, _operation.trusted_proxies), 'request_id': request})


def age() -> float:
    """Return for how many seconds the current request has been served."""
    return time.perf_counter() - request_state.current().started


def status_of(response: Response) -> int:
    """Return the status of ``response`` as a number."""
    return int(str(response.status or 200).split(None, 1)[0])


class RequestId(logging.Filter):
    """Add the id of the current request to every log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the id; let all records pass."""
        if not hasattr(record, 'request_id'):
            record.request_id = request_id()
        return True


def add_hooks(tree: Tree, hooks: Mapping[str, Callable[[], None]]) -> None:
    """Add ``hooks``, functions by the names of CherryPy's hook points, to all that ``tree`` serves."""
    for app in tree.apps.values():
        app.merge({'/': {f'hooks.{point}': function for point, function in hooks.items()}})


def _mask(record: logging.LogRecord) -> bool:
    record.msg, record.args = log_masking.masked(record.getMessage()), ()
    return True


def hide_credentials(tree: Tree) -> None:
    """Keep credentials out of CherryPy's logs, which otherwise contain the headers of each failed request."""
    cherrypy.config.update({'tools.log_headers.on': False})
    if logging.getLogger('cherrypy.access').propagate:  # "serve" discards the access log
        for app in tree.apps.values():
            app.log.access_log.addFilter(_mask)


def start(tree: Tree, operation: Operation) -> None:
    """Give each request to ``tree`` an id and, if configured, a log line from now on."""
    global _operation  # noqa: PLW0603 - there is one server in a process
    _operation = operation
    hide_credentials(tree)
    add_hooks(tree, {'on_start_resource.spm': _begin, 'before_finalize.spm': _add_to_error})
    if operation.log_format == 'json':
        add_hooks(tree, {'on_end_request.spm': _log})
        FRONT_OBSERVERS.append(_log_front)
