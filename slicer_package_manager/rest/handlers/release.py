"""Calls for releases and drafts."""
from __future__ import annotations

from girder.constants import SortDir
from girder.models.folder import Folder
from girder.utility.progress import ProgressContext

from slicer_package_manager.registry.catalog import applications, releases
from slicer_package_manager.registry.promotion import promote as promotion_promote
from slicer_package_manager.registry.schema.pagination import FOLDER_SORTS, page
from slicer_package_manager.registry.tree import access
from slicer_package_manager.registry.tree.registration import DRAFT, RELEASE
from slicer_package_manager.rest.handlers.call import Response, call, current_user
from slicer_package_manager.rest.handlers.parameters import of_application
from slicer_package_manager.rest.middleware.response_cache import list_response


@call(access.LIST_RELEASES, (
    of_application('List the releases of an application, newest first, or get one of them.')
    .param('release_id_or_name', 'Return only the release with this id or name, or null. Case is ignored. '
                                 '"draft" is the folder of drafts.', required=False)
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
    return list_response(Folder(), lambda: releases.find(
        applications.load(app_id, user, access.LIST_RELEASES), RELEASE, user, part))


@call(access.CREATE_RELEASE, (
    of_application('Create a release. From then on, packages and extensions for its revision go there.')
    .param('name', 'Name of the release, such as "5.8.1".')
    .param('app_revision', 'Revision of the application that the release is of.')
    .param('description', 'Description of the release.', required=False, default='')
    .param('public', 'Whether everyone who may read the application may read the release, true or '
                     'false.', required=False, default='true')
    .errorResponse('A value is invalid, or another release has the name or the revision.')
), model=Folder)
def createRelease(app_id: str, name: str, app_revision: str, description: str, public: str) -> Response:
    user = current_user()
    app = applications.load(app_id, user, access.CREATE_RELEASE)
    return releases.create_release(app, user, name, app_revision, description, public)


@call(access.DELETE_RELEASE, (
    of_application('Delete a release or, if there is no such release, a draft. Download counts are kept.')
    .param('release_id_or_name', 'Id or name of the release, or id or revision of the draft.',
           paramType='path')
    .param('progress', 'Whether to report progress through Girder.', dataType='boolean', required=False,
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
    of_application('Promote the draft of a revision: move all its packages and extensions to the release.')
    .notes('Readers see either none or all of them in the release. Ids and download counts are kept. From then on, the '
           'access of the release applies. The draft is deleted. Packages and extensions that the release already has '
           'with the same file are deleted with it. The call requires WRITE on the release and on the draft. It may '
           'be repeated, also after a crash of the server; without such a draft it does nothing.')
    .param('release_id_or_name', 'Id or name of the release.', paramType='path')
    .param('revision', 'Revision of the draft, which is also that of the release.')
    .param('progress', 'Whether to report progress through Girder.', dataType='boolean', required=False,
           default=False)
    .errorResponse('The release is of another revision.')
    .errorResponse('The release has other packages or extensions with the same identity or name, or the draft contains '
                   'other items; the message lists them, and nothing was moved.', 409)
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
    return list_response(Folder(), lambda: releases.find(
        applications.load(app_id, user, access.LIST_DRAFTS), DRAFT, user, part, revision or None))
