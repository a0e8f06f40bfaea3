"""``/favicon.ico``, which browsers request that do not know the icon of the pages."""
from __future__ import annotations

import cherrypy

from slicer_package_manager.pages.assets import every_asset


class Favicon:
    """``/favicon.ico``: the icon, for old browsers and for programs that read no page."""

    exposed = True

    def GET(self) -> bytes:
        """Return the icon."""
        cherrypy.response.headers.update({'Content-Type': 'image/x-icon', 'Cache-Control': 'public, max-age=86400'})
        return every_asset()['favicon.ico'].body
