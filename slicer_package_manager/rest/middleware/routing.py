"""Which route of Girder's API a request took."""
from girder.api.rest import Resource
from girder.exceptions import GirderException, RestException

#: Everything that is no route of the API, so that strangers cannot make up names.
OTHER = 'other'
_LISTS = {'package', 'extension', 'release', 'draft'}
#: By these headers Girder takes a POST for a request with another method; of several the last counts.
OVERRIDES = ('X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override')


def remember(request) -> None:
    """At the beginning of ``request``, one of CherryPy's: note who handles it, before tools wrap that."""
    request.spm_handler = request.handler


def of_kept(path) -> str:
    """The route of a list that was kept and was asked for with ``path``, which begins below ``/api``."""
    _, *parts = filter(None, path.split('/'))
    if parts[2:] and parts[2] not in _LISTS:
        return OTHER
    return '/' + '/'.join(':app_id' if place == 1 else part for place, part in enumerate(parts))


def method(request) -> str:
    """The method that Girder takes ``request`` for: a POST may say that it is another one."""
    if request.method == 'HEAD':
        return 'GET'
    given = [request.headers[name] for name in OVERRIDES if name in request.headers]
    return given[-1].upper() if given and request.method == 'POST' else request.method


def template(request) -> str:
    """The route that ``request`` took, as ``/app/:app_id/extension``; :data:`OTHER` for all that is no route."""
    handler = getattr(request, 'spm_handler', None)
    resource = getattr(getattr(handler, 'callable', None), '__self__', None)
    if handler is None or not isinstance(resource, Resource):
        return OTHER
    try:
        route, endpoint, _ = resource._matchRoute(method(request).lower(), tuple(handler.args))  # noqa: SLF001 - Girder keeps no note
    except (RestException, GirderException):
        return OTHER
    name = getattr(resource, 'resourceName', None) or endpoint.__module__.rsplit('.', 1)[-1]
    return '/' + '/'.join((name, *route))
