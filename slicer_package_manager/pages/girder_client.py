"""``/admin``: Girder's web client, with the administration of packages in it.

Girder serves it at the root of the server. Its page names its files by relative URLs, so that it works at each address
directly below the root.
"""
from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

import cherrypy
from girder import constants

from slicer_package_manager.pages import html
from slicer_package_manager.pages.assets import PLACE, digest


def files() -> str:
    """The folder of the files of Girder's web client."""
    return os.getenv('GIRDER_STATIC_ROOT_DIR', constants.STATIC_ROOT_DIR)


def _has_notifications() -> bool:
    """Whether the web server has Girder's socket of notifications, which only its ASGI server (girder serve) has."""
    return 'girder.asgi' in sys.modules


@cache
def page(*, has_notifications: bool) -> bytes:
    """Girder's page with the title and the icon of this product, as Girder serves it where it has a path prefix."""
    text = (Path(files()) / 'index.html').read_text(encoding='utf-8')
    text = text.replace('root=""', f'root="{os.getenv("GIRDER_URL_ROOT") or ""}"')
    text = text.replace('<title>Girder</title>', f'<title>{html.PRODUCT}</title>')
    if not has_notifications:
        text = text.replace('<html ', '<html data-notifications="none" ')
    start, rest = text.split('<link rel="icon"', 1)
    return f'{start}<link rel="icon" href="./{PLACE}/{digest()}/icon.svg"{rest[rest.index(">"):]}'.encode()


class Administration:
    """``/admin``: the page of Girder's web client."""

    exposed = True

    def GET(self, *place: str, **_others: str) -> bytes:
        """Return the page."""
        if place or cherrypy.request.wsgi_environ['PATH_INFO']:
            # The files of the page are beside it, and not below.
            cherrypy.response.status = 302
            cherrypy.response.headers['Location'] = f'{html.root()}admin'
            return b''
        cherrypy.response.headers.update({'Cache-Control': 'no-cache', 'Content-Type': 'text/html;charset=utf-8'})
        return page(has_notifications=_has_notifications())
