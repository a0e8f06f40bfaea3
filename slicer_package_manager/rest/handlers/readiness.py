"""Calls that set whether releases and drafts are ready to be offered as the latest ones."""
from __future__ import annotations

from girder.models.folder import Folder

from slicer_package_manager.registry.catalog import applications, readiness
from slicer_package_manager.registry.tree import access
from slicer_package_manager.registry.tree.registration import DRAFT, RELEASE
from slicer_package_manager.rest.handlers.call import Response, call, current_user
from slicer_package_manager.rest.handlers.parameters import of_application

_READY = 'true, false, or auto: the setting slicer_package_manager.ready_share decides.'


@call(access.SET_READINESS, (
    of_application('Set whether a release is ready to be offered as the latest one.')
    .param('release_id_or_name', 'Id or name of the release.', paramType='path')
    .param('ready', _READY)
    .errorResponse('The value of ready is invalid.')
), model=Folder)
def setReleaseReady(app_id: str, release_id_or_name: str, ready: str) -> Response:
    user = current_user()
    app = applications.load(app_id, user, access.SET_READINESS)
    return readiness.override(app, RELEASE, release_id_or_name, ready, user)


@call(access.SET_READINESS, (
    of_application('Set whether a draft is ready to be offered as the latest one.')
    .param('revision_or_id', 'Revision or id of the draft.', paramType='path')
    .param('ready', _READY)
    .errorResponse('The value of ready is invalid.')
), model=Folder)
def setDraftReady(app_id: str, revision_or_id: str, ready: str) -> Response:
    user = current_user()
    app = applications.load(app_id, user, access.SET_READINESS)
    return readiness.override(app, DRAFT, revision_or_id, ready, user)
