"""The route of the API that a request takes, by which logs, metrics and the audit log group requests."""
from __future__ import annotations

import cherrypy
from girder.api.rest import Resource
from girder.exceptions import GirderException, RestException

from slicer_package_manager.rest.middleware import request_state

#: All requests without a route of the API, so that clients cannot invent names for logs and metrics.
OTHER = 'other'
_LISTS = {'package', 'extension', 'release', 'draft'}
#: Headers by which a POST states another method. Girder uses the last one.
OVERRIDES = ('X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override')


def remember() -> None:
    """Remember the handler of the current request, before CherryPy's tools wrap it."""
    request_state.current().handler = cherrypy.request.handler


def of_cached(path: str) -> str:
    """Return the route of a cached list that was requested by ``path``, which is relative to ``/api``."""
    _, *parts = filter(None, path.split('/'))
    if parts[2:] and parts[2] not in _LISTS:
        return OTHER
    return '/' + '/'.join(':app_id' if place == 1 else part for place, part in enumerate(parts))


def method() -> str:
    """Return the method that Girder handles the current request as: headers of a POST may override it."""
    request = cherrypy.request
    if request.method == 'HEAD':
        return 'GET'
    overrides: list[str] = [request.headers[name] for name in OVERRIDES if name in request.headers]
    sent: str = request.method
    return overrides[-1].upper() if overrides and sent == 'POST' else sent


def template() -> str:
    """Return the route of the current request, such as ``/app/:app_id/extension``; :data:`OTHER` if it has none."""
    handler = request_state.current().handler
    resource = getattr(getattr(handler, 'callable', None), '__self__', None)
    if handler is None or not isinstance(resource, Resource):
        return OTHER
    try:
        route, endpoint, _ = resource._matchRoute(method().lower(), tuple(handler.args))  # noqa: SLF001 - Girder does not store the route
    except (RestException, GirderException):
        return OTHER
    name = getattr(resource, 'resourceName', None) or endpoint.__module__.rsplit('.', 1)[-1]
    return '/' + '/'.join((name, *route))
