"""Whether this server answers MIDAS addresses, for which application, and in which form."""
from __future__ import annotations

import cherrypy
from girder.exceptions import AccessException, RestException, ValidationException

from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.server import settings
from slicer_package_manager.registry.tree import access
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument
from slicer_package_manager.rest.handlers import site
from slicer_package_manager.rest.handlers.call import current_user

#: Statuses that concern the server or the client, not what is asked for. They are never a success.
FAULTS = (401, 429, 503)


def require_on() -> None:
    """Check that the setting has this server answer MIDAS addresses.

    :raises NotFound: it does not.
    """
    if not site.answers_midas():
        raise NotFound(f'This server does not answer addresses of MIDAS; an administrator has switched off the setting '
                       f'{settings.MIDAS}.')


def application(user: UserDocument | None) -> ApplicationFolder:
    """Return the application whose id Slicer has compiled in; if there is none, the default one of this server.

    :raises NotFound: there is none of both.
    :raises AccessException: ``user`` cannot read it.
    """
    try:
        return applications.load(applications.SLICER, user, access.LIST_PACKAGES)
    except NotFound:
        return applications.default(user, access.LIST_PACKAGES)


def wants_page() -> bool:
    """Whether a browser sent the current request, rather than a program."""
    return 'text/html' in cherrypy.request.wsgi_environ.get('HTTP_ACCEPT', '')


def status_of(error: Exception) -> int:
    """Return the status that Girder gives to ``error``."""
    if isinstance(error, AccessException):
        return 401 if current_user() is None else 403
    return 400 if isinstance(error, ValidationException) else int(getattr(error, 'code', 500))


#: What a response may state about a request.
REFUSALS = (AccessException, RestException, ValidationException)
