"""What is noted of every request: its id, and for servers that log JSON a line about it."""
from __future__ import annotations

import logging
import re
import time
import uuid

import cherrypy
import orjson

from slicer_package_manager.registry import addresses
from slicer_package_manager.registry.operation import Operation
from slicer_package_manager.rest import routing

logger = logging.getLogger('slicer_package_manager.requests')

HEADER = 'X-Request-ID'
#: What is taken over from a proxy; anything else could smuggle something into a log.
_USABLE = re.compile(r'[\w.:+/=@-]{1,128}', re.ASCII)
_FAILURES = 400
_operation = Operation()


def request_id() -> str | None:
    """The id of the request that this thread serves; ``None`` outside of requests."""
    return getattr(cherrypy.serving.request, 'spm_id', None)


def client_address() -> str:
    """The address of the client whose request this thread serves."""
    return addresses.client(cherrypy.request.wsgi_environ, _operation.trusted_proxies)


def _begin():
    """At the beginning of a request: choose its id and answer it."""
    request = cherrypy.request
    request.spm_started = time.perf_counter()
    routing.remember(request)
    given = request.headers.get(HEADER)
    believed = given and _USABLE.fullmatch(given) and addresses.within(
        request.wsgi_environ.get('REMOTE_ADDR', ''), _operation.trusted_proxies)
    request.spm_id = given if believed else uuid.uuid4().hex
    cherrypy.response.headers[HEADER] = request.spm_id


def _name_in_failure():
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


def _log():
    """After a request: the line about it. Queries are left out, since they may hold tokens."""
    request = cherrypy.request
    if not logger.isEnabledFor(logging.INFO) or request_id() is None:
        return
    status = status_of(cherrypy.response)
    logger.info('%s %s %s', request.method, request.path_info, status, extra={
        'method': request.method, 'path': request.script_name + request.path_info, 'route': routing.template(request),
        'status': status, 'seconds': round(age(request), 6), 'address': client_address()})


def age(request) -> float:
    """For how many seconds ``request`` has been served."""
    return time.perf_counter() - request.spm_started


def status_of(response) -> int:
    """The status of ``response`` as a number."""
    return int(str(response.status or 200).split(None, 1)[0])


class RequestId(logging.Filter):
    """Gives every record the id of the request that it was written for."""

    def filter(self, record):
        """Let all pass."""
        if not hasattr(record, 'request_id'):
            record.request_id = request_id()
        return True


def add_hooks(tree, hooks) -> None:
    """Have CherryPy call ``hooks``, functions by the names of their points, for everything that ``tree`` serves."""
    for app in tree.apps.values():
        app.merge({'/': {f'hooks.{point}': function for point, function in hooks.items()}})


def start(tree, operation: Operation) -> None:
    """Note every request to ``tree`` from now on."""
    global _operation  # noqa: PLW0603 - there is one server in a process
    _operation = operation
    add_hooks(tree, {'on_start_resource.spm': _begin, 'before_finalize.spm': _name_in_failure})
    if operation.log_format == 'json':
        add_hooks(tree, {'on_end_request.spm': _log})
