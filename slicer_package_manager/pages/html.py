"""HTML pages from Jinja2 templates, with the response headers that protect them."""
from __future__ import annotations

import base64
import gzip
import hashlib
from dataclasses import dataclass
from functools import cache, cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any

import cherrypy
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from slicer_package_manager.pages import about, extensions
from slicer_package_manager.pages.assets import PLACE, digest, every_asset
from slicer_package_manager.rest.http.headers import accepts_gzip
from slicer_package_manager.rest.http.semantics import has_tag

#: The name of this product, for pages that are about no application.
PRODUCT = 'Slicer Package Manager'
#: Every value in a template is escaped, and a value that is missing is an error.
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / 'templates'), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    auto_reload=False)
#: Files that are part of the pages: a browser shows nothing before it has them, and would wait one round trip longer.
INLINE = ('theme.js', 'home.js', 'base.css', 'catalog/catalog.css', 'charts.css', 'download.css', 'home.css',
          'statistics.css', 'status.css')
#: What all pages need to know; a page about an application overrides it.
_DEFAULTS: dict[str, Any] = {
    'brand': PRODUCT, 'app': '', 'query': '', 'about': None, 'current': '', 'words': '', 'action': '', 'hidden': {}}


@cache
def inline(name: str) -> Markup:
    """The script or style sheet ``name``, one of :data:`INLINE`, as an element."""
    element = 'style' if name.endswith('.css') else 'script'
    return Markup('<{0}>{1}</{0}>').format(element, Markup(every_asset()[name].body.decode()))  # noqa: S704 - our file


TEMPLATES.filters |= {'data': about.as_data, 'marked': extensions.marked}
TEMPLATES.globals['inline'] = inline


@cache
def policy() -> str:
    """The ``Content-Security-Policy``: scripts and styles are files of this package, or equal to one of :data:`INLINE`.

    Images may come from any host: extensions name them by URL.
    """
    return (f"default-src 'none'; script-src 'self' {_hashes('.js')}; style-src 'self' {_hashes('.css')}; "
            "connect-src 'self'; img-src 'self' https: http:; base-uri 'none'; form-action 'self'; "
            "frame-ancestors 'self'")


def _hashes(suffix: str) -> str:
    digests = (hashlib.sha256(every_asset()[name].body).digest() for name in INLINE if name.endswith(suffix))
    return ' '.join(f"'sha256-{base64.b64encode(one).decode()}'" for one in digests)


@dataclass
class Page:
    """A rendered page, which may be sent many times."""

    body: bytes
    status: int = 200

    @cached_property
    def tag(self) -> str:
        """What identifies the body."""
        return f'"{hashlib.blake2b(self.body, digest_size=12).hexdigest()}"'

    @cached_property
    def compressed(self) -> bytes:
        """The body for clients that accept gzip."""
        return gzip.compress(self.body, compresslevel=6, mtime=0)


def root() -> str:
    """Relative URL of the server's root, which is right behind any proxy prefix."""
    # `cherrypy.request.path_info` has one slash more at the mount point itself.
    slashes = cherrypy.request.wsgi_environ['PATH_INFO'].count('/')
    return '../' * (slashes - getattr(cherrypy.request.app.root, 'is_at_root', False)) or './'


def render(template: str, *, status: int = 200, **values: Any) -> Page:
    """Render ``template``.

    :param values: variables of the template, besides ``root``, ``static`` (URL of the folder of assets) and those that
        all pages have.
    """
    values = {**_DEFAULTS, 'root': root(), 'static': f'{root()}{PLACE}/{digest()}', **values}
    return Page(TEMPLATES.get_template(template).render(values).encode(), status)


def send(page: Page) -> bytes:
    """Set the status and the headers of the response, and return its body: none if the client has the page."""
    headers = cherrypy.response.headers
    cherrypy.response.status = page.status
    headers.update({
        'Cache-Control': 'no-cache', 'Content-Security-Policy': policy(), 'Content-Type': 'text/html;charset=utf-8',
        # A weak one, since the page is also sent compressed.
        'ETag': f'W/{page.tag}', 'Referrer-Policy': 'no-referrer', 'Vary': 'Accept-Encoding, User-Agent',
        'X-Content-Type-Options': 'nosniff'})
    if page.status == HTTPStatus.OK and has_tag(cherrypy.request.headers, page.tag):
        cherrypy.response.status = HTTPStatus.NOT_MODIFIED
        return b''
    if not accepts_gzip(cherrypy.request.headers.get('Accept-Encoding', '')):
        return page.body
    headers['Content-Encoding'] = 'gzip'
    return page.compressed


def page(template: str, **values: Any) -> bytes:
    """Render ``template``, see :func:`render`, as the response to the current request."""
    return send(render(template, **values))


def error(status: str, message: str, **_ignored: object) -> bytes:
    """Render the error page; CherryPy calls this with its ``status`` line, such as ``404 Not Found``."""
    code = int(status.split(maxsplit=1)[0])
    failed = code >= HTTPStatus.INTERNAL_SERVER_ERROR and code != HTTPStatus.SERVICE_UNAVAILABLE
    shown = 'The server failed. The cause is in its log.' if failed else message
    return page('error.html', status=code, title=HTTPStatus(code).phrase, message=shown)
