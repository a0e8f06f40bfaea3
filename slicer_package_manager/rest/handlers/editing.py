"""The call by which a web client finds what its user may edit."""
from girder.api.describe import Description, autoDescribeRoute
from girder.api.rest import boundHandler, filtermodel
from girder.models.folder import Folder

from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.middleware.permissions import permitted


@permitted(access.LIST_EDITABLE)
@boundHandler
@filtermodel(Folder)
@autoDescribeRoute(
    Description('List the applications, of all collections, in which the user may edit something, by name.')
    .notes('The application itself, a release, or a draft.')
    .errorResponse('The user is not logged in.', 401))
def listEditable(self):
    return applications.editable(self.getCurrentUser())
