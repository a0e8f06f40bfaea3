"""The catalog of extensions."""
import cherrypy
from girder.exceptions import AccessException, RestException

from slicer_package_manager.pages import html
from slicer_package_manager.registry import applications

#: Category, revision of the application, operating system.
_PLACES = 3


class Catalog:
    """``/catalog/:category/:app_revision/:os``: what Slicer opens inside its Extensions Manager.

    It shows what Slicer is told, which is what everyone may see.
    """

    exposed = True

    def GET(self, *place, app=None, **_for_the_script):
        """The page; its script reads the address."""
        if len([part for part in place if part]) > _PLACES:
            raise cherrypy.HTTPError(404, 'The address of a catalog is /catalog/CATEGORY/REVISION/SYSTEM.')
        found = application(app)
        return html.page('catalog.html', app=str(found['_id']), name=found['name'])


def application(wanted=None):
    """The application that a page is about: the one with the id ``wanted``, else that of this server.

    :raises cherrypy.HTTPError: there is none that everyone may see.
    """
    try:
        return applications.load(wanted, None) if wanted else applications.default(None)
    except AccessException:
        raise cherrypy.HTTPError(403, 'This application is not public.') from None
    except RestException as error:
        raise cherrypy.HTTPError(error.code, str(error)) from None
