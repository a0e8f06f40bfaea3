"""The catalog of extensions."""
from urllib.parse import parse_qsl

import cherrypy
from girder.exceptions import AccessException, RestException

from slicer_package_manager.pages import addresses, html
from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.rest.middleware import anonymous_access


class Catalog:
    """``/catalog/:category/:app_revision/:os``: what Slicer opens inside its Extensions Manager.

    It shows what Slicer is told, which is what everyone may see.
    """

    exposed = True

    def GET(self, *place, app=None, **_for_the_script):
        """The page, whose script reads the address; a redirect to that where it is written in another way."""
        parts = tuple(part for part in place if part)
        named = _named(addresses.of_catalog, parts)
        if named != addresses.Place(*parts[:3]):
            return _redirect(named, _query())
        found = application(app)
        return html.page('catalog.html', app=str(found['_id']), name=found['name'])


class View:
    """``/view/:extension/:app_revision/:os/:arch``: where the catalog before this one showed an extension."""

    exposed = True

    def GET(self, *place, **_in_the_query):
        """A redirect to the page of the extension."""
        return _redirect(_named(addresses.of_extension, [part for part in place if part]), _query())


class AppStore:
    """``/midas3/slicerappstore``: what Slicer 4 opens, and below it, the page of an extension."""

    exposed = True

    def GET(self, *_place, **_in_the_query):
        """A redirect to the catalog."""
        query = _query()
        kept = {key: value for key, value in query.items() if key in ('app', 'q')}
        return _redirect(addresses.of_appstore(query), kept, up='../')


def _query():
    return dict(parse_qsl(cherrypy.request.query_string))


def _named(rule, parts):
    try:
        return rule(parts)
    except ValueError:
        raise cherrypy.HTTPError(404, 'The address of a catalog is /catalog/CATEGORY/REVISION/SYSTEM.') from None


def _redirect(place, others, up=''):
    """Redirect to ``place``; relative, so that it is right wherever a proxy puts the server.

    :param up: leads from the place of the page to the root, for pages that are mounted deeper.
    """
    response = cherrypy.response
    response.status = 302
    response.headers.update({'Location': f'{up}{html.root()}{place.address(others)}', 'Cache-Control': 'no-cache'})
    return b''


def require_reader():
    """Show a page to those who may read.

    :raises cherrypy.HTTPError: an administrator wants that nobody reads without an account (401).
    """
    try:
        anonymous_access.refuse()
    except AccessException as error:
        raise cherrypy.HTTPError(401, str(error)) from None


def application(wanted=None):
    """The application that a page is about: the one with the id ``wanted``, else that of this server.

    :raises cherrypy.HTTPError: there is none that everyone may see.
    """
    require_reader()
    try:
        return applications.load(wanted, None) if wanted else applications.default(None)
    except AccessException:
        raise cherrypy.HTTPError(403, 'This application is not public.') from None
    except RestException as error:
        raise cherrypy.HTTPError(error.code, str(error)) from None
