"""Calls for releases and drafts."""
from __future__ import annotations

from girder.constants import SortDir
from girder.models.folder import Folder
from girder.utility.progress import ProgressContext

from slicer_package_manager.registry.catalog import applications, releases
from slicer_package_manager.registry.promotion import promote as promotion_promote
from slicer_package_manager.registry.schema.pagination import FOLDER_SORTS, page
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.handlers.call import Response, call, current_user
from slicer_package_manager.rest.handlers.parameters import of_application
from slicer_package_manager.rest.middleware.response_cache import list_response


@call(access.LIST_RELEASES, (
    of_application('List the releases of an application, newest first, or get one of them.')
    .param('release_id_or_name', 'Answer just this release, or null; names are compared in any case. "draft" is '
                                 'the folder of drafts.', required=False)
    .pagingParams(defaultSort='created', defaultSortDir=SortDir.DESCENDING)
    .errorResponse()
))
def listReleases(app_id: str, release_id_or_name: str | None, limit: int, offset: int,
                 sort: list[tuple[str, int]]) -> Response:
    user = current_user()
    if release_id_or_name:
        app = applications.load(app_id, user, access.LIST_RELEASES)
        release = releases.find_release(app, release_id_or_name, user)
        return release and Folder().filter(release, user)
    part = page(limit, offset, sort, FOLDER_SORTS)
    return list_response(Folder(), lambda: releases.find_releases(
        applications.load(app_id, user, access.LIST_RELEASES), user, part))


@call(access.CREATE_RELEASE, (
    of_application('Create a release. From then on what is uploaded for its revision goes there.')
    .param('name', 'Name of the release, such as "5.8.1".')
    .param('app_revision', 'Revision of the application that is released.')
    .param('description', 'What the release is.', required=False, default='')
    .param('public', 'Whether everyone may read the release, true or false; never more than may read the '
                     'application.', required=False, default='true')
    .errorResponse('A value is unusable, or another release has the name or the revision.')
), model=Folder)
def createRelease(app_id: str, name: str, app_revision: str, description: str, public: str) -> Response:
    user = current_user()
    app = applications.load(app_id, user, access.CREATE_RELEASE)
    return releases.create_release(app, user, name, app_revision, description, public)


@call(access.DELETE_RELEASE, (
    of_application('Delete a release or, if no release is meant, the draft of a revision. Counts stay.')
    .param('release_id_or_name', 'Id or name of the release, or id or revision of the draft.',
           paramType='path')
    .param('progress', 'Whether to record progress on this task.', dataType='boolean', required=False,
           default=False)
    .errorResponse('The folder of all drafts cannot be deleted.')
))
def deleteRelease(app_id: str, release_id_or_name: str, progress: bool) -> Response:
    user = current_user()
    app = applications.load(app_id, user, access.DELETE_RELEASE)
    with ProgressContext(progress, user=user, title=f'Deleting release {release_id_or_name}') as context:
        folder = releases.delete(app, release_id_or_name, user, context)
    return {'message': f'Deleted release {folder["name"]}.'}


@call(access.PROMOTE_DRAFT, (
    of_application('Promote the draft of a revision: make all its packages and extensions those of the release.')
    .notes('Readers see none of them or all of them in the release. Ids of items and files, and download counts, '
           'stay; access is that of the release from then on. The draft is removed. Needs WRITE on the release and '
           'on the draft. What the release has already with the same file is removed from the draft. The call may be '
           'repeated, also after a crash of the server; without such a draft there is nothing to do.')
    .param('release_id_or_name', 'Id or name of the release.', paramType='path')
    .param('revision', 'Revision of the application; that of the release.')
    .param('progress', 'Whether to record progress on this task.', dataType='boolean', required=False,
           default=False)
    .errorResponse('The release is that of another revision.')
    .errorResponse('The release has other things with the identity or the name of things in the draft, or there is '
                   'something else in the draft; the message names them, and nothing was moved.', 409)
), model=Folder)
def promoteDraft(app_id: str, release_id_or_name: str, revision: str, progress: bool) -> Response:
    user = current_user()
    app = applications.load(app_id, user, access.PROMOTE_DRAFT)
    with ProgressContext(progress, user=user, title=f'Promoting revision {revision}') as context:
        return promotion_promote.promote(app, user, release_id_or_name, revision, context)


@call(access.LIST_DRAFTS, (
    of_application('List the drafts of an application, one for each revision, newest first.')
    .param('revision', 'Only the draft of this revision of the application.', required=False)
    .pagingParams(defaultSort='created', defaultSortDir=SortDir.DESCENDING)
    .errorResponse()
))
def listDrafts(app_id: str, revision: str | None, limit: int, offset: int, sort: list[tuple[str, int]]) -> Response:
    user = current_user()
    part = page(limit, offset, sort, FOLDER_SORTS)
    return list_response(Folder(), lambda: releases.find_drafts(
        applications.load(app_id, user, access.LIST_DRAFTS), user, part, revision))
