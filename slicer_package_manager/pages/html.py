"""HTML pages from Jinja2 templates, with the response headers that protect them."""
from __future__ import annotations

import gzip
from http import HTTPStatus
from pathlib import Path

import cherrypy
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from slicer_package_manager.pages.assets import PLACE, digest
from slicer_package_manager.rest.http.headers import accepts_gzip

#: Every value in a template is escaped, and a value that is missing is an error.
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / 'templates'), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    auto_reload=False)
#: Scripts and styles are files of this package. Images may come from any host: extensions name them by URL.
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' https: http:; "
          "base-uri 'none'; form-action 'self'; frame-ancestors 'self'")


def root() -> str:
    """Relative URL of the server's root, which is right behind any proxy prefix."""
    # `cherrypy.request.path_info` has one slash more at the mount point itself.
    return '../' * cherrypy.request.wsgi_environ['PATH_INFO'].count('/') or './'


def page(template: str, **values: object) -> bytes:
    """Render ``template`` as the body of the response, and set the response headers of a page.

    :param values: variables of the template, besides ``root`` and ``static`` (URL of the folder of assets).
    """
    values = {'root': root(), 'static': f'{root()}{PLACE}/{digest()}', **values}
    body = TEMPLATES.get_template(template).render(values).encode()
    headers = cherrypy.response.headers
    headers.update({
        'Cache-Control': 'no-cache', 'Content-Security-Policy': POLICY, 'Content-Type': 'text/html;charset=utf-8',
        'Referrer-Policy': 'no-referrer', 'Vary': 'Accept-Encoding', 'X-Content-Type-Options': 'nosniff'})
    if not accepts_gzip(cherrypy.request.headers.get('Accept-Encoding', '')):
        return body
    headers['Content-Encoding'] = 'gzip'
    return gzip.compress(body, mtime=0)


def error(status: str, message: str, **_ignored: object) -> bytes:
    """Render the error page; CherryPy calls this with its ``status`` line, such as ``404 Not Found``."""
    code = int(status.split(maxsplit=1)[0])
    failed = code >= HTTPStatus.INTERNAL_SERVER_ERROR and code != HTTPStatus.SERVICE_UNAVAILABLE
    shown = 'The server failed. The cause is in its log.' if failed else message
    return page('error.html', title=HTTPStatus(code).phrase, message=shown)
