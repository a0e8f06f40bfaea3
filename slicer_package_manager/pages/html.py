"""HTML from templates, with the headers that keep a page safe."""
from __future__ import annotations

import gzip
from functools import cache
from http import HTTPStatus
from pathlib import Path
from string import Template

import cherrypy
from markupsafe import Markup, escape

from slicer_package_manager.pages.assets import PLACE, digest
from slicer_package_manager.rest.middleware.response_cache import accepts_gzip

_FOLDER = Path(__file__).parent / 'templates'
#: Scripts and styles are our own files; only pictures, which extensions name, come from anywhere.
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' https: http:; "
          "base-uri 'none'; form-action 'self'; frame-ancestors 'self'")


@cache
def _template(name):
    return Template((_FOLDER / name).read_text(encoding='utf-8'))


def fragment(template: str, **values: str) -> Markup:
    """What ``template`` makes of ``values``; what is put in is escaped, unless it is a fragment itself."""
    return Markup(_template(template).substitute({key: escape(text) for key, text in values.items()}))  # noqa: S704


def root() -> str:
    """The relative address of the server's root, so that a page works wherever a proxy puts it."""
    # CherryPy's own word on the path has a slash more for the place of the page itself.
    return '../' * cherrypy.request.wsgi_environ['PATH_INFO'].count('/') or './'


def page(template: str, **values: str) -> bytes:
    """The page of ``template``, filled as a :func:`fragment`, and with :func:`root` and ``static``, that of assets."""
    body = fragment(template, **{'root': root(), 'static': f'{root()}{PLACE}/{digest()}', **values}).encode()
    headers = cherrypy.response.headers
    headers.update({
        'Cache-Control': 'no-cache', 'Content-Security-Policy': POLICY, 'Content-Type': 'text/html;charset=utf-8',
        'Referrer-Policy': 'no-referrer', 'Vary': 'Accept-Encoding', 'X-Content-Type-Options': 'nosniff'})
    if not accepts_gzip(cherrypy.request.headers.get('Accept-Encoding', '')):
        return body
    headers['Content-Encoding'] = 'gzip'
    return gzip.compress(body, mtime=0)


def error(status: str, message: str, **_ignored) -> bytes:
    """The page for what cannot be shown; CherryPy calls this with its ``status`` line."""
    code = int(status.split(maxsplit=1)[0])
    failed = code >= HTTPStatus.INTERNAL_SERVER_ERROR and code != HTTPStatus.SERVICE_UNAVAILABLE
    shown = 'The server failed; its log tells why.' if failed else message
    return page('error.html', title=HTTPStatus(code).phrase, message=shown)
