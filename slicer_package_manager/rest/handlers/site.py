"""Where this server is, as its clients see it."""
from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlsplit

import cherrypy
from girder.models.setting import Setting
from girder.settings import SettingKey

from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.tree.types import ApplicationFolder


def root() -> str:
    """The address of the server without a slash at its end: Girder's setting ``core.server_root``, else the request's.

    Without the setting, a client that lies about the host gets an answer that is wrong for itself only.
    """
    base: str = cherrypy.request.base
    return _given() or base + _mounted_at()


def _given() -> str:
    given: str | None = Setting().get(SettingKey.SERVER_ROOT)
    return (given or '').rstrip('/')


def _mounted_at() -> str:
    """The path below which Girder is mounted; the current request is to something right there."""
    mounted_at: str = cherrypy.request.script_name
    return mounted_at.rpartition('/')[0].rstrip('/')


def catalog_of(app: ApplicationFolder) -> Callable[[str, str], str]:
    """A maker of addresses of the catalog of ``app``'s extensions, for a revision and an operating system."""
    place = f'{root()}/catalog/All'
    choice = '' if str(app['_id']) == applications.SLICER else f'?app={app["_id"]}'
    return lambda revision, os: f'{place}/{quote(revision, safe="")}/{os}{choice}'


def redirect(path: str) -> None:
    """Answer the current request with 302 to ``path`` on this server; nobody keeps that."""
    given = _given()
    response = cherrypy.response
    response.status = 302
    # Without the host, so that the answer is right however many proxies there are.
    response.headers.update({
        'Location': (urlsplit(given).path if given else _mounted_at()) + path, 'Cache-Control': 'no-store',
        'Content-Length': 0})
    response.headers.pop('Content-Type', None)
