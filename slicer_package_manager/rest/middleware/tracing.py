"""What is noted of every request: its id, and for servers that log JSON a line about it."""
from __future__ import annotations

import logging
import re
import time
import uuid
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
#: What is taken over from a proxy; anything else could smuggle something into a log.
_USABLE = re.compile(r'[\w.:+/=@-]{1,128}', re.ASCII)
_FAILURES = 400
_operation = Operation()


def request_id() -> str | None:
    """The id of the request that this thread serves; ``None`` outside of requests."""
    return request_state.current().id


def client_address() -> str:
    """The address of the client whose request this thread serves."""
    return server_client_address.client(cherrypy.request.wsgi_environ, _operation.trusted_proxies)


def choose_id(wsgi_environ: Mapping[str, Any]) -> str:
    """The id for a request: the one that a trusted proxy sends, else a new one."""
    sent: str = wsgi_environ.get('HTTP_X_REQUEST_ID') or ''
    is_trusted = _USABLE.fullmatch(sent) and server_client_address.within(
        wsgi_environ.get('REMOTE_ADDR', ''), _operation.trusted_proxies)
    return sent if is_trusted else uuid.uuid4().hex


class Shortcut(NamedTuple):
    """A request that was answered before CherryPy saw it, with a body of ``size`` bytes."""

    environ: dict[str, Any]
    status: int
    size: int
    seconds: float
    request_id: str


#: What is called after each of these requests.
WATCHING_FRONT: list[Callable[[Shortcut], None]] = []


def _begin() -> None:
    """At the beginning of a request: choose its id and answer it."""
    state = request_state.current()
    routing.remember()
    state.id = cherrypy.response.headers[HEADER] = choose_id(cherrypy.request.wsgi_environ)


def _name_in_failure() -> None:
    """Before an answer is sent: one that tells a failure as JSON tells the id too."""
    response = cherrypy.response
    if status_of(response) < _FAILURES or response.stream or not response.headers.get(
            'Content-Type', '').startswith('application/json'):
        return
    body = response.collapse_body()
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    if isinstance(told, dict) and request_id():
        response.body = orjson.dumps({**told, 'request_id': request_id()})
        response.headers['Content-Length'] = len(response.collapse_body())


def _log() -> None:
    """After a request: the line about it. Queries are left out, since they may hold tokens."""
    if not logger.isEnabledFor(logging.INFO) or request_id() is None:
        return
    status = status_of(cherrypy.response)
    _tell(cherrypy.request.wsgi_environ, status, routing.template(), age(), request_id())


def _log_shortcut(shortcut: Shortcut) -> None:
    if logger.isEnabledFor(logging.INFO):
        environ = shortcut.environ
        _tell(environ, shortcut.status, routing.of_kept(environ['PATH_INFO']), shortcut.seconds, shortcut.request_id)


def _tell(environ: Mapping[str, Any], status: int, route: str, seconds: float, request: str | None) -> None:
    method, path = environ['REQUEST_METHOD'], log_masking.masked(environ.get('SCRIPT_NAME', '') + environ['PATH_INFO'])
    logger.info('%s %s %s', method, path, status, extra={
        'method': method, 'path': path, 'route': route, 'status': status, 'seconds': round(seconds, 6),
        'address': server_client_address.client(environ, _operation.trusted_proxies), 'request_id': request})


def age() -> float:
    """Return for how many seconds the current request has been served."""
    return time.perf_counter() - request_state.current().started


def status_of(response: Response) -> int:
    """The status of ``response`` as a number."""
    return int(str(response.status or 200).split(None, 1)[0])


class RequestId(logging.Filter):
    """Gives every record the id of the request that it was written for."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let all pass."""
        if not hasattr(record, 'request_id'):
            record.request_id = request_id()
        return True


def add_hooks(tree: Tree, hooks: Mapping[str, Callable[[], None]]) -> None:
    """Have CherryPy call ``hooks``, functions by the names of their points, for everything that ``tree`` serves."""
    for app in tree.apps.values():
        app.merge({'/': {f'hooks.{point}': function for point, function in hooks.items()}})


def _mask(record: logging.LogRecord) -> bool:
    record.msg, record.args = log_masking.masked(record.getMessage()), ()
    return True


def hide_credentials(tree: Tree) -> None:
    """Keep CherryPy from writing credentials into its logs, as by the headers of each request that fails."""
    cherrypy.config.update({'tools.log_headers.on': False})
    if logging.getLogger('cherrypy.access').propagate:  # under "serve" nobody reads it
        for app in tree.apps.values():
            app.log.access_log.addFilter(_mask)


def start(tree: Tree, operation: Operation) -> None:
    """Note every request to ``tree`` from now on."""
    global _operation  # noqa: PLW0603 - there is one server in a process
    _operation = operation
    hide_credentials(tree)
    add_hooks(tree, {'on_start_resource.spm': _begin, 'before_finalize.spm': _name_in_failure})
    if operation.log_format == 'json':
        add_hooks(tree, {'on_end_request.spm': _log})
        WATCHING_FRONT.append(_log_shortcut)
