"""The download page, and the redirect to the build that parameters ask for."""
from __future__ import annotations

from collections.abc import Mapping

import cherrypy
from girder.exceptions import AccessException, GirderBaseException

from slicer_package_manager.pages import html, offers
from slicer_package_manager.pages.catalog import application, require_reader
from slicer_package_manager.registry.lookup import parameters
from slicer_package_manager.registry.tree.types import ApplicationFolder
from slicer_package_manager.rest import beside_api
from slicer_package_manager.rest.handlers import lookup as calls
from slicer_package_manager.rest.middleware import error_responses, rate_limits


class Download:
    """``/download``: redirects to the build that its parameters ask for; without such parameters, the page.

    The page lists public builds only.
    """

    exposed = True

    def __init__(self) -> None:
        self._calls = beside_api('download', (), calls.download)

    def GET(self, app: str | None = None, **params: str) -> bytes:
        """Return the page or a redirect; failures are pages for browsers, and JSON for other clients."""
        asked = parameters.has_parameters(params)
        if _is_for_programs(params):
            answer: bytes = self._calls.GET(**params)
            return answer
        try:
            require_reader()
            rate_limits.check()
            return calls.download(params) if asked else _page(application(app))
        except GirderBaseException as error:
            code = 403 if isinstance(error, AccessException) else getattr(error, 'code', 400)
            raise cherrypy.HTTPError(code, str(error)) from None

    def OPTIONS(self, **_params: str) -> bytes:
        """Answer a browser's preflight request for a page of another site."""
        answer: bytes = self._calls.OPTIONS()
        return answer


def _page(app: ApplicationFolder) -> bytes:
    return html.page('download.html', name=app['name'], app=str(app['_id']), offers=offers.of(app, html.root()))


def _is_for_programs(params: Mapping[str, str]) -> bool:
    wants_html = any(one.value == 'text/html' for one in cherrypy.request.headers.elements('Accept'))
    return parameters.has_parameters(params) and not wants_html


def error(status: str, message: str, **_ignored: object) -> bytes:
    """Return a failure as a page for browsers, and as JSON for other clients."""
    answer = error_responses.as_json if _is_for_programs(cherrypy.request.params) else html.error
    return answer(status=status, message=message)
