"""What a request for a page may do, and the application that the page is about."""
from __future__ import annotations

from typing import Any

import cherrypy
from girder.exceptions import AccessException, GirderBaseException, RestException

from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.schema.pagination import Page
from slicer_package_manager.registry.tree.types import ApplicationFolder
from slicer_package_manager.rest.middleware import anonymous_access, rate_limits

#: How many applications the first page lists.
_MOST = 100


def require_reader() -> None:
    """Refuse an anonymous request if an administrator has disabled anonymous access.

    :raises cherrypy.HTTPError: the access is disabled (401).
    """
    try:
        anonymous_access.refuse()
    except AccessException as error:
        raise cherrypy.HTTPError(401, str(error)) from None


def limited_name(place: tuple[str, ...]) -> str:
    """Return what a request names with ``place``, the rest of its address, if the rate limits allow it.

    :raises cherrypy.HTTPError: there were too many requests (429).
    """
    try:
        rate_limits.check()
    except GirderBaseException as error:
        raise cherrypy.HTTPError(429, str(error)) from None
    return '/'.join(part for part in place if part)


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


def public_applications() -> list[ApplicationFolder]:
    """The public applications in the usual collection, by name."""
    found: list[ApplicationFolder] = applications.find(
        None, Page(_MOST, 0, (('lowerName', 1), ('_id', 1)))).documents
    return found


def shown_app(app: ApplicationFolder, wanted: str | None) -> dict[str, Any]:
    """What templates need to know of ``app``: its name, its id, and the query that links need to stay with it.

    :param wanted: the id that the request names, if it does.
    """
    return {'brand': app['name'], 'app': str(app['_id']), 'query': f'?app={app["_id"]}' if wanted else ''}
