"""The catalog of extensions."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

import cherrypy

from slicer_package_manager.pages import addresses, html
from slicer_package_manager.pages.about import About
from slicer_package_manager.pages.application import application, shown_app
from slicer_package_manager.rest.handlers import site


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
        return html.page('catalog.html', current='catalog', **shown_app(found, app), about=About(
            f'{found["name"]} extensions', f'Extensions for {found["name"]}: search, read about and download them.',
            f'{site.root()}/catalog'))


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
