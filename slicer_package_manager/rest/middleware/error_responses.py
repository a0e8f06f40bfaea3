"""Error responses that Girder and CherryPy do not send by themselves.

Errors outside of Girder's handlers get Girder's JSON form. While the database is out of reach, clients get 503 within
half a minute, with the time after which to try again: Girder responds with 500, which clients do not repeat, and each
request waits for the database until no thread is left.
"""
from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any

import cherrypy
import orjson
import pymongo
from cherrypy._cptree import Tree
from girder.api.rest import Resource, setResponseHeader
from pymongo.errors import PyMongoError

from slicer_package_manager.registry.schema.errors import Unavailable
from slicer_package_manager.registry.server import database_outage
from slicer_package_manager.rest.middleware import request_state, tracing

logger = logging.getLogger(__name__)

MESSAGE = 'The database is out of reach. Nothing is wrong with the request: try it again in a moment.'
#: How much longer than one operation on the database all that a request reads may take, in seconds. One that writes may
#: have much to do, or wait for the bytes of its client: there each operation has an end of its own.
_MORE = 5
_READS = ('GET', 'HEAD')
#: Tells the state of the server, also that the database is away.
_HEALTH = '/slicer_package_manager/health'


class ParameterError(cherrypy.HTTPError):  # type: ignore[misc] # CherryPy has no types
    """The parameter ``name`` of the request cannot be used (400)."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(400, message)
        self.name = name

    def set_response(self) -> None:
        """Name the parameter in the body, as ``field``."""
        request_state.current().wrong_parameter = self.name
        super().set_response()


def as_json(status: str, message: str, **_: object) -> bytes:
    """Return the body of an error that is raised before a handler is called, in Girder's form."""
    cherrypy.response.headers['Content-Type'] = 'application/json'
    name = request_state.current().wrong_parameter
    return orjson.dumps({'message': f'{status}: {message}', 'type': 'rest',
                         **({} if name is None else {'field': name.encode(errors='replace').decode()})})


def _limit(method: str) -> AbstractContextManager[Any]:
    return pymongo.timeout(database_outage.patience() + _MORE) if method in _READS else nullcontext()


def _answering(handle: Callable[..., Any]) -> Callable[..., Any]:
    """``handle``, Girder's way from a request to its handler, with an end and with 503 where the database is away."""
    @wraps(handle)
    def handle_route(self: Resource, method: str, path: tuple[str, ...], params: dict[str, Any]) -> Any:
        try:
            with _limit(method):
                return handle(self, method, path, params)
        except Unavailable as error:
            setResponseHeader('Retry-After', str(error.after))
            raise
        except PyMongoError as error:
            if not database_outage.passes(error):
                raise
            logger.warning('The database is out of reach: %s', error)
            setResponseHeader('Retry-After', str(database_outage.RETRY_AFTER))
            raise Unavailable(MESSAGE, database_outage.RETRY_AFTER) from error
    handle_route.ends = True  # type: ignore[attr-defined]
    return handle_route


def _answer_failure() -> None:
    """Answer what failed before or after a handler: as CherryPy does, but 503 where the database is away."""
    error = sys.exc_info()[1]
    away = isinstance(error, PyMongoError) and database_outage.passes(error)
    (_Away() if away else cherrypy.HTTPError(500)).set_response()


class _Away(cherrypy.HTTPError):  # type: ignore[misc] # CherryPy has no types
    """The database is out of reach (503)."""

    def __init__(self) -> None:
        super().__init__(503, MESSAGE)

    def set_response(self) -> None:
        """Answer so; CherryPy takes the headers of what would have been the answer away."""
        super().set_response()
        cherrypy.response.headers['Retry-After'] = str(database_outage.RETRY_AFTER)


def _refuse() -> None:
    """At the beginning of a request: let nobody wait for a database that was away for long."""
    if not cherrypy.request.path_info.endswith(_HEALTH) and database_outage.lost():
        raise _Away


# After those that note the request.
_refuse.priority = 60  # type: ignore[attr-defined]


def guard(tree: Tree) -> None:
    """Give all that ``tree`` serves by now these answers; may be called again."""
    if not hasattr(Resource.handleRoute, 'ends'):
        Resource.handleRoute = _answering(Resource.handleRoute)
    tracing.add_hooks(tree, {'on_start_resource.spm_outage': _refuse})
    for path, app in tree.apps.items():
        app.merge({'/': {'request.error_response': _answer_failure}})
        if '/api' in path:
            app.merge({'/': {'error_page.503': as_json}})
