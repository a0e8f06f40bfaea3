"""Calls that look after releases and drafts: readiness, and the end of old drafts."""
from girder.api.describe import autoDescribeRoute
from girder.api.rest import boundHandler, filtermodel
from girder.models.folder import Folder
from girder.utility.progress import ProgressContext

from slicer_package_manager.registry.catalog import applications, readiness, retention
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


@permitted(access.PRUNE_DRAFTS)
@boundHandler
@autoDescribeRoute(
    of_application('Delete old drafts. Counts stay.')
    .notes('Answers a row for each draft that goes, newest first; `deleted` tells whether it is gone. The draft of a '
           'revision that is being promoted stays. Needs ADMIN on all of them, or nothing is deleted.')
    .param('keep', 'Keep so many, the newest ones.', required=False, dataType='integer')
    .param('older_than_days', 'Delete only what was created longer ago than so many days.', required=False,
           dataType='integer')
    .param('dry_run', 'Only tell what would be deleted.', required=False, dataType='boolean', default=False)
    .param('progress', 'Whether to record progress on this task.', dataType='boolean', required=False, default=False)
    .errorResponse('A number is unusable, or neither keep nor older_than_days is given.')
    .errorResponse('A draft could not be deleted; the message tells which were.', 409))
def pruneDrafts(self, app_id, keep, older_than_days, dry_run, progress):
    user = self.getCurrentUser()
    app = applications.load(app_id, user, access.PRUNE_DRAFTS)
    drafts = retention.plan(app, user, keep=keep, older_than_days=older_than_days)
    rows = retention.rows(app, user, drafts)
    if dry_run:
        return [{**row, 'deleted': False} for row in rows]
    with ProgressContext(progress, user=user, title=f'Deleting {len(drafts)} drafts') as context:
        deleted = retention.delete(drafts, context)
    return [{**row, 'deleted': row['_id'] in deleted} for row in rows]
