"""The download page, and the redirect to the build that parameters ask for."""
from __future__ import annotations

import cherrypy
from girder.exceptions import AccessException, GirderBaseException

from slicer_package_manager.pages import html, offers
from slicer_package_manager.pages.catalog import application, require_reader
from slicer_package_manager.registry.lookup import parameters
from slicer_package_manager.rest import BesideApi
from slicer_package_manager.rest.handlers import lookup as calls
from slicer_package_manager.rest.middleware import error_responses, rate_limits


class Download:
    """``/download``: with parameters that ask for a build a redirect to it, else the page.

    The page shows what everyone may see.
    """

    exposed = True

    def __init__(self):
        self._calls = BesideApi('download', (), calls.download)

    def GET(self, app=None, **params):
        """The page or a redirect; browsers get failures as pages, all others as JSON."""
        asked = parameters.is_asked(params)
        if _is_for_programs(params):
            return self._calls.GET(**params)
        try:
            require_reader()
            rate_limits.check()
            return calls.download(params) if asked else _page(application(app))
        except GirderBaseException as error:
            code = 403 if isinstance(error, AccessException) else getattr(error, 'code', 400)
            raise cherrypy.HTTPError(code, str(error)) from None

    def OPTIONS(self, **_params):
        """What a browser asks before it lets another site's page read."""
        return self._calls.OPTIONS()


def _page(app):
    return html.page('download.html', name=app['name'], app=str(app['_id']), offers=offers.of(app, html.root()))


def _is_for_programs(params):
    wants_html = any(one.value == 'text/html' for one in cherrypy.request.headers.elements('Accept'))
    return parameters.is_asked(params) and not wants_html


def error(status: str, message: str, **_ignored) -> bytes:
    """What cannot be answered, as those who asked can read it."""
    answer = error_responses.as_json if _is_for_programs(cherrypy.request.params) else html.error
    return answer(status=status, message=message)
