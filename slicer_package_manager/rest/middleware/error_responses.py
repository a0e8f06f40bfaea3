"""Error responses that Girder and CherryPy do not send by themselves.

Errors outside of Girder's handlers get Girder's JSON form. While the database is unreachable, clients get 503 within
half a minute, with the time after which to try again: Girder responds with 500, which clients do not repeat, and each
request waits for the database until no thread is left.
"""
from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import cherrypy
import orjson
import pymongo
from cherrypy._cptree import Tree
from girder.api.rest import Resource, setResponseHeader
from pymongo.errors import PyMongoError

from slicer_package_manager.registry.schema.errors import Unavailable
from slicer_package_manager.registry.server import database_outage
from slicer_package_manager.registry.server.replacements import replaced
from slicer_package_manager.rest.middleware import request_state, tracing

logger = logging.getLogger(__name__)

MESSAGE = 'The database is unreachable or busy. The request is valid: try it again in a moment.'
#: The time that all database operations of a request that reads may take together, beyond the limit of a single one, in
#: seconds. A request that writes has no such limit: it may have much to do, or wait for the content of an upload.
_GRACE = 5
_READS = ('GET', 'HEAD')
#: The health call, which also reports that the database is unreachable.
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


def _handle(original: Callable[..., Any], resource: Resource, method: str, path: tuple[str, ...],
            params: dict[str, Any]) -> Any:
    """Handle a call like ``Resource.handleRoute``: limit the time of reads, and respond with 503 during an outage."""
    try:
        with pymongo.timeout(database_outage.patience() + _GRACE) if method in _READS else nullcontext():
            return original(resource, method, path, params)
    except Unavailable as error:
        setResponseHeader('Retry-After', str(error.after))
        raise
    except PyMongoError as error:
        if not database_outage.passes(error):
            raise
        logger.warning('The database is unreachable or busy: %s', error)
        setResponseHeader('Retry-After', str(database_outage.RETRY_AFTER))
        raise Unavailable(MESSAGE, database_outage.RETRY_AFTER) from error


def _respond_to_error() -> None:
    """Respond to an error before or after a handler: as CherryPy does, but with 503 if the database is unreachable."""
    error = sys.exc_info()[1]
    is_outage = isinstance(error, PyMongoError) and database_outage.passes(error)
    (_DatabaseDown() if is_outage else cherrypy.HTTPError(500)).set_response()


class _DatabaseDown(cherrypy.HTTPError):  # type: ignore[misc] # CherryPy has no types
    """The database is unreachable (503)."""

    def __init__(self) -> None:
        super().__init__(503, MESSAGE)

    def set_response(self) -> None:
        """Set the response with ``Retry-After``; CherryPy removes headers that were set before."""
        super().set_response()
        cherrypy.response.headers['Retry-After'] = str(database_outage.RETRY_AFTER)


def _refuse() -> None:
    """Refuse the request at its beginning if the database has been unreachable for long, so that no thread waits."""
    if not cherrypy.request.path_info.endswith(_HEALTH) and database_outage.lost():
        raise _DatabaseDown


# After tracing and metrics.
_refuse.priority = 60  # type: ignore[attr-defined]


def guard(tree: Tree) -> None:
    """Install the error responses for all that ``tree`` serves by now. Idempotent."""
    Resource.handleRoute = replaced(Resource.handleRoute, _handle)
    tracing.add_hooks(tree, {'on_start_resource.spm_outage': _refuse})
    for path, app in tree.apps.items():
        app.merge({'/': {'request.error_response': _respond_to_error}})
        if '/api' in path:
            app.merge({'/': {'error_page.503': as_json}})
