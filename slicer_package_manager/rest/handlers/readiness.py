"""Calls that set whether releases and drafts are ready to be offered as the latest ones."""
from girder.api.describe import autoDescribeRoute
from girder.api.rest import boundHandler, filtermodel
from girder.models.folder import Folder

from slicer_package_manager.registry.catalog import applications, readiness
from slicer_package_manager.registry.tree import access
from slicer_package_manager.registry.tree.registration import RELEASE, REVISION
from slicer_package_manager.rest.handlers.parameters import of_application
from slicer_package_manager.rest.middleware.permissions import permitted

_READY = 'true, false, or auto to let the setting slicer_package_manager.ready_share decide.'


@permitted(access.SET_READINESS)
@boundHandler
@filtermodel(Folder)
@autoDescribeRoute(
    of_application('Say whether a release is ready to be offered as the latest one.')
    .param('release_id_or_name', 'Id or name of the release.', paramType='path')
    .param('ready', _READY)
    .errorResponse('The word is none of these.'))
def setReleaseReady(self, app_id, release_id_or_name, ready):
    user = self.getCurrentUser()
    app = applications.load(app_id, user, access.SET_READINESS)
    return readiness.say(app, RELEASE, release_id_or_name, ready, user)


@permitted(access.SET_READINESS)
@boundHandler
@filtermodel(Folder)
@autoDescribeRoute(
    of_application('Say whether a draft is ready to be offered as the latest one.')
    .param('revision_or_id', 'Revision or id of the draft.', paramType='path')
    .param('ready', _READY)
    .errorResponse('The word is none of these.'))
def setDraftReady(self, app_id, revision_or_id, ready):
    user = self.getCurrentUser()
    app = applications.load(app_id, user, access.SET_READINESS)
    return readiness.say(app, REVISION, revision_or_id, ready, user)
