"""``/midas3`` as one resource of Girder, so that its requests are limited, measured and logged like all others."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeAlias

import cherrypy
from girder.api.rest import setRawResponse, setResponseHeader
from girder.exceptions import RestException

from slicer_package_manager.midas import addresses, api, files, outcomes, sites, store
from slicer_package_manager.midas.addresses import Action, Asked
from slicer_package_manager.pages import html
from slicer_package_manager.registry.midas.targets import LOOK_ELSEWHERE
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.rest import OwnResource
from slicer_package_manager.rest.handlers.call import Response
from slicer_package_manager.rest.middleware import error_responses, request_limits

#: What carries out an action.
Handler: TypeAlias = Callable[[Asked, Document], Response]
#: How each action of the table is carried out.
HANDLERS: dict[Action, Handler] = {
    Action.API: api.answer, Action.FILE: files.send, Action.ITEM: api.describe_item, Action.STORE: store.show,
    Action.EXTENSION: store.show_extension, Action.LISTED: store.list_extensions,
    Action.CATEGORIES: store.count_categories, Action.PAGE: outcomes.page, Action.FOLDER: outcomes.folder,
    Action.CATALOG: outcomes.catalog, Action.DATA: outcomes.data, Action.GONE: outcomes.gone,
    Action.MISSING: outcomes.missing,
}


class Midas(OwnResource):
    """``/midas3``: what the table of :mod:`addresses` states."""

    def __init__(self) -> None:
        super().__init__('midas3', [], nodoc=True)
        self._cp_config = {}

    def handleRoute(self, method: str, path: tuple[str, ...], params: Document) -> Response:
        """Answer a request. Browsers get errors as pages.

        :raises RestException: see the handlers.
        """
        try:
            return super().handleRoute(method, path, params)
        except sites.REFUSALS as failure:
            if not sites.wants_page() or 'Content-Range' in cherrypy.response.headers:  # of which Girder makes a 206
                cherrypy.request.headers['Accept'] = 'application/json'
                raise
            return _page(sites.status_of(failure), str(failure))

    def _matchRoute(self, method: str, path: Sequence[str]) -> tuple[tuple[str, ...], Any, Document]:
        """Return route, handler and arguments of a request, as Girder's method does.

        :raises NotFound: MIDAS had no such address.
        :raises RestException: it has no such method (405).
        """
        verb, params = method.upper(), cherrypy.request.params
        found = addresses.asked(verb, path, params)
        if found:
            return found.row.route, _switched(HANDLERS[found.row.action]), {'asked': found}
        if addresses.asked('GET', path, params):
            raise RestException(f'This address cannot be used with {verb}; use GET.', code=405)
        raise NotFound(f'MIDAS had no such address. {LOOK_ELSEWHERE}')


def _switched(handler: Handler) -> Handler:
    """Have ``handler`` answer as long as the setting is on."""
    @wraps(handler)  # by whose attributes Girder checks access
    def switched(asked: Asked, params: Document) -> Response:
        sites.require_on()
        return handler(asked, params)
    return switched


def _page(status: int, message: str) -> bytes:
    cherrypy.response.status = status
    setRawResponse()
    body = html.error(str(status), message)
    setResponseHeader('Content-Length', len(body))
    return body


def error(status: str, message: str, **_ignored: object) -> bytes:
    """Return an error that is raised before a handler is called, as a page for browsers, and else as JSON."""
    return (html.error if sites.wants_page() else error_responses.as_json)(status=status, message=message)


def leave_upload() -> None:
    """At the beginning of a request: do not read the body of an upload, which is refused whatever it is.

    :raises cherrypy.HTTPError: see :func:`request_limits.measure`.
    """
    if cherrypy.request.method == 'PUT':
        cherrypy.request.body.length = 0
    else:
        request_limits.measure()
