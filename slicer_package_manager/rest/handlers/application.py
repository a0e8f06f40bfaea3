"""Calls for applications."""
from __future__ import annotations

from girder.api.describe import Description
from girder.models.folder import Folder
from girder.utility.progress import ProgressContext

from slicer_package_manager.registry.catalog import applications, removal
from slicer_package_manager.registry.schema.pagination import FOLDER_SORTS, page
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.handlers.call import Response, call, current_user
from slicer_package_manager.rest.handlers.parameters import of_application
from slicer_package_manager.rest.middleware.response_cache import list_response


@call(access.LIST_APPLICATIONS, (
    Description('List the applications of a collection, or get one application.')
    .param('app_id', 'Return only the application with this id, as an object.', required=False)
    .param('collection_id', 'Id of the collection; by default the collection "Applications".', required=False)
    .param('name', 'Only the application with this exact name.', required=False)
    .param('text', 'Search words: each must occur in the name or the description. At most 255 characters and 16 '
           'different words.', required=False)
    .pagingParams(defaultSort='name')
    .errorResponse()
    .errorResponse('collection_id is not an id.')
    .errorResponse('The application or the collection does not exist.', 404)
))
def listApplications(app_id: str | None, collection_id: str | None, name: str | None, text: str | None, limit: int,
                     offset: int, sort: list[tuple[str, int]]) -> Response:
    user = current_user()
    if app_id:
        return Folder().filter(applications.load(app_id, user, access.GET_APPLICATION), user)
    part = page(limit, offset, sort, FOLDER_SORTS)
    return list_response(Folder(), lambda: applications.find(user, part, collection_id, name, text))


@call(access.CREATE_APPLICATION, (
    Description('Create an application. A missing collection or folder for it is created too.')
    .param('name', 'Name of the application, such as "Slicer".')
    .param('app_description', 'Description of the application.', required=False, default='')
    .param('collection_id', 'Id of the collection to create it in.', required=False)
    .param('collection_name', 'Name of the collection to create it in; by default "Applications".', required=False)
    .param('collection_description', 'Description of the collection if it is created.', required=False, default='')
    .param('public', 'Whether everyone may read the application, true or false.', required=False, default='true')
    .param('app_id', 'Id of the new application, 24 hexadecimal digits. Only site administrators may choose it: '
           'Slicer has the id of its application built in.', required=False)
    .errorResponse('A value is invalid, or another application in the collection has the name.')
    .errorResponse('The user is not logged in.', 401)
    .errorResponse('The user may not write to the collection, create a collection, or choose an id.', 403)
    .errorResponse('The collection does not exist.', 404)
    .errorResponse('Another document has the id.', 409)
), model=Folder)
def createApplication(name: str, app_description: str, collection_id: str | None, collection_name: str | None,
                      collection_description: str, public: str, app_id: str | None) -> Response:
    return applications.create(
        current_user(), name, app_description, collection_id=collection_id,
        collection_name=collection_name, collection_description=collection_description, public=public,
        app_id=app_id)


@call(access.GET_APPLICATION, of_application('Get an application.'), model=Folder)
def getApplication(app_id: str) -> Response:
    return applications.load(app_id, current_user(), access.GET_APPLICATION)


@call(access.DELETE_APPLICATION, (
    of_application('Delete an application with all its releases, drafts, packages and extensions. Download counts '
                   'are kept.')
    .param('progress', 'Whether to report progress through Girder.', dataType='boolean', required=False,
           default=False)
))
def deleteApplication(app_id: str, progress: bool) -> Response:
    user = current_user()
    app = applications.load(app_id, user, access.DELETE_APPLICATION)
    with ProgressContext(progress, user=user, title=f'Deleting application {app["name"]}') as context:
        removal.remove_folder(app, context)
    return {'message': f'Deleted application {app["name"]}.'}
