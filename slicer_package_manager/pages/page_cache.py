"""Pages that are cached in this process until the data changes.

Pages are about what everyone may see, so one page serves all visitors. Numbers of downloads change without a new data
version: they are at most two minutes old, the lifetimes of a value and of a page with it.
"""
from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import cherrypy

from slicer_package_manager.pages import html
from slicer_package_manager.pages.html import Page
from slicer_package_manager.registry.server.versioned_cache import VersionedCache
from slicer_package_manager.rest.middleware import anonymous_access, request_state

_PAGES: VersionedCache[Page] = VersionedCache()
_VALUES: VersionedCache[Any] = VersionedCache()  # of the types that their readers return
#: The memory of all pages, in bytes, and the number of values.
_MOST, _MOST_VALUES = 24 * 2**20, 64


def respond(make: Callable[[], Page], *depends: Hashable) -> bytes:
    """Respond with the page that ``make`` renders, or that it has rendered before.

    :param depends: what the page depends on besides the data and the URL of the request.
    """
    request = cherrypy.request
    environ = request.wsgi_environ
    key = (request.base, request.script_name, environ['PATH_INFO'], environ.get('QUERY_STRING'), *depends)
    version = anonymous_access.state().version
    page = _PAGES.get(key, version)
    if page is None:
        page = make()
        _PAGES.put(key, version, page, len(page.body) + len(page.compressed) + 1024, _MOST)
    request_state.current().is_public = True
    return html.send(page)


def value(key: Hashable, read: Callable[[], Any]) -> Any:
    """Return what ``read`` returns, or has returned before, and several pages have in common."""
    version = anonymous_access.state().version
    found = _VALUES.get(key, version)
    if found is None:
        found = read()
        _VALUES.put(key, version, found, 1, _MOST_VALUES)
    return found
