"""The URL of this server, as its clients see it."""
from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlsplit

import cherrypy
from girder.models.setting import Setting
from girder.settings import SettingKey

from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.server import settings
from slicer_package_manager.registry.tree.types import ApplicationFolder
from slicer_package_manager.rest.middleware import anonymous_access


def root() -> str:
    """Return the URL of the server without a trailing slash: the setting ``core.server_root``, or that of the request.

    Without the setting, a client that sends a wrong host gets a response that is wrong for that client only.
    """
    return _root_setting() or f'{cherrypy.request.base}{_mounted_at()}'


def _root_setting() -> str:
    return str(Setting().get(SettingKey.SERVER_ROOT) or '').rstrip('/')


def _mounted_at() -> str:
    """Return the path prefix of Girder; the current request is for a resource directly below it, or for its root."""
    path = str(cherrypy.request.script_name)
    return (path if getattr(cherrypy.request.app.root, 'is_at_root', False) else path.rpartition('/')[0]).rstrip('/')


def catalog_of(app: ApplicationFolder) -> Callable[[str, str], str]:
    """Return a function that makes catalog URLs of ``app`` from a revision and an operating system."""
    place = f'{root()}/catalog/All'
    choice = '' if str(app['_id']) == applications.SLICER else f'?app={app["_id"]}'
    return lambda revision, os: f'{place}/{quote(revision, safe="")}/{os}{choice}'


def answers_midas() -> bool:
    """Whether this server answers the addresses of the former MIDAS server, as a setting states."""
    (is_on,) = settings.each_of(anonymous_access.state().settings, settings.MIDAS)
    return bool(is_on)


def redirect(path: str) -> None:
    """Redirect the current request to ``path`` on this server (302). Caches do not store the response."""
    setting = _root_setting()
    prefix = urlsplit(setting).path if setting else _mounted_at()
    response = cherrypy.response
    response.status = 302
    # Without the host, so that the response is right behind any number of proxies.
    response.headers.update({
        'Location': prefix + path, 'Cache-Control': 'no-store',
        'Content-Length': 0})
    response.headers.pop('Content-Type', None)
