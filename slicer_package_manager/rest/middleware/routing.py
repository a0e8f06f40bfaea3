"""Which route of Girder's API a request took."""
from __future__ import annotations

import cherrypy
from girder.api.rest import Resource
from girder.exceptions import GirderException, RestException

from slicer_package_manager.rest.middleware import request_state

#: Everything that is no route of the API, so that strangers cannot make up names.
OTHER = 'other'
_LISTS = {'package', 'extension', 'release', 'draft'}
#: By these headers Girder takes a POST for a request with another method; of several the last counts.
OVERRIDES = ('X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override')


def remember() -> None:
    """Remember the handler of the current request, before CherryPy's tools wrap it."""
    request_state.current().handler = cherrypy.request.handler


def of_kept(path: str) -> str:
    """The route of a list that was kept and was asked for with ``path``, which begins below ``/api``."""
    _, *parts = filter(None, path.split('/'))
    if parts[2:] and parts[2] not in _LISTS:
        return OTHER
    return '/' + '/'.join(':app_id' if place == 1 else part for place, part in enumerate(parts))


def method() -> str:
    """Return the method that Girder handles the current request as: headers of a POST may override it."""
    request = cherrypy.request
    if request.method == 'HEAD':
        return 'GET'
    given: list[str] = [request.headers[name] for name in OVERRIDES if name in request.headers]
    sent: str = request.method
    return given[-1].upper() if given and sent == 'POST' else sent


def template() -> str:
    """Return the route of the current request, such as ``/app/:app_id/extension``; :data:`OTHER` if it has none."""
    handler = request_state.current().handler
    resource = getattr(getattr(handler, 'callable', None), '__self__', None)
    if handler is None or not isinstance(resource, Resource):
        return OTHER
    try:
        route, endpoint, _ = resource._matchRoute(method().lower(), tuple(handler.args))  # noqa: SLF001 - Girder keeps no note
    except (RestException, GirderException):
        return OTHER
    name = getattr(resource, 'resourceName', None) or endpoint.__module__.rsplit('.', 1)[-1]
    return '/' + '/'.join((name, *route))
