"""The catalog of extensions."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

import cherrypy
from girder.exceptions import AccessException, RestException

from slicer_package_manager.pages import addresses, html
from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.tree.types import ApplicationFolder
from slicer_package_manager.rest.middleware import anonymous_access


class Catalog:
    """``/catalog/:category/:app_revision/:os``: the page that Slicer shows inside its Extensions Manager.

    It lists public extensions only, since Slicer requests them without a login.
    """

    exposed = True

    def GET(self, *place: str, app: str | None = None, **_for_the_script: str) -> bytes:
        """Return the page, whose script reads the address, or redirect to the usual spelling of the address."""
        parts = tuple(part for part in place if part)
        named = _named(addresses.of_catalog, parts)
        if named != addresses.Place(*parts[:3]):
            return _redirect(named, _query())
        found = application(app)
        return html.page('catalog.html', app=str(found['_id']), name=found['name'])


class View:
    """``/view/:extension/:app_revision/:os/:arch``: an extension in the earlier catalog."""

    exposed = True

    def GET(self, *place: str, **_in_the_query: str) -> bytes:
        """Redirect to the page of the extension."""
        return _redirect(_named(addresses.of_extension, [part for part in place if part]), _query())


def _query() -> dict[str, str]:
    return dict(parse_qsl(cherrypy.request.query_string))


def _named(rule: Callable[[Sequence[str]], addresses.Place], parts: Sequence[str]) -> addresses.Place:
    try:
        return rule(parts)
    except ValueError:
        raise cherrypy.HTTPError(404, 'The address of a catalog is /catalog/CATEGORY/REVISION/SYSTEM.') from None


def _redirect(place: addresses.Place, others: Mapping[str, str]) -> bytes:
    """Redirect to ``place``, by a relative URL that is right behind any proxy prefix.

    :param others: parameters of the query, as well.
    """
    response = cherrypy.response
    response.status = 302
    response.headers.update({'Location': f'{html.root()}{place.address(others)}', 'Cache-Control': 'no-cache'})
    return b''


def require_reader() -> None:
    """Refuse an anonymous request if an administrator has disabled anonymous access.

    :raises cherrypy.HTTPError: the access is disabled (401).
    """
    try:
        anonymous_access.refuse()
    except AccessException as error:
        raise cherrypy.HTTPError(401, str(error)) from None


def application(wanted: str | None = None) -> ApplicationFolder:
    """Return the public application with the id ``wanted``, by default that of this server.

    :raises cherrypy.HTTPError: there is no such application (404), or it is not public (403).
    """
    require_reader()
    try:
        found: ApplicationFolder = applications.load(wanted, None) if wanted else applications.default(None)
    except AccessException:
        raise cherrypy.HTTPError(403, 'This application is not public.') from None
    except RestException as error:
        raise cherrypy.HTTPError(error.code, str(error)) from None
    return found
