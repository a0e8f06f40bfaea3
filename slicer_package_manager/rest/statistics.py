"""Calls for download counts."""
from girder.api import access
from girder.api.describe import autoDescribeRoute
from girder.api.rest import boundHandler
from girder.constants import TokenScope

from slicer_package_manager.registry import applications, downloads, visibility
from slicer_package_manager.rest.parameters import of_application


@access.public(scope=TokenScope.DATA_READ)
@boundHandler
@autoDescribeRoute(
    of_application('Get how often packages and extensions were downloaded, by revision of the application.'))
def downloadStats(self, app_id):
    user = self.getCurrentUser()
    app = applications.load(app_id, user)
    return downloads.totals(app, visibility.hidden_revisions(app, user))
