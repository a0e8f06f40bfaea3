"""Calls for applications."""
from __future__ import annotations

from girder.api.describe import Description
from girder.models.folder import Folder
from girder.utility.progress import ProgressContext

from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.schema.pagination import FOLDER_SORTS, page
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.handlers.call import Response, call, current_user
from slicer_package_manager.rest.handlers.parameters import of_application
from slicer_package_manager.rest.middleware.response_cache import list_response


@call(access.LIST_APPLICATIONS, (
    Description('List the applications of a collection, or get one application.')
    .param('app_id', 'Answer just the application with this id, as an object.', required=False)
    .param('collection_id', 'Id of the collection; "Applications" by default.', required=False)
    .param('name', 'Only the application with exactly this name.', required=False)
    .param('text', 'Words, all of which are in the name or the description: at most 255 characters, '
           'and 16 different words.', required=False)
    .pagingParams(defaultSort='name')
    .errorResponse()
    .errorResponse('collection_id is no id.')
    .errorResponse('There is no application with the id app_id, or no collection with the id collection_id.', 404)
))
def listApplications(app_id: str | None, collection_id: str | None, name: str | None, text: str | None, limit: int,
                     offset: int, sort: list[tuple[str, int]]) -> Response:
    user = current_user()
    if app_id:
        return Folder().filter(applications.load(app_id, user, access.GET_APPLICATION), user)
    part = page(limit, offset, sort, FOLDER_SORTS)
    return list_response(Folder(), lambda: applications.find(user, part, collection_id, name, text))


@call(access.CREATE_APPLICATION, (
    Description('Create an application, with the collection and folder that hold it where they are missing.')
    .param('name', 'Name of the application, such as "Slicer".')
    .param('app_description', 'What the application is.', required=False, default='')
    .param('collection_id', 'Id of the collection to create it in.', required=False)
    .param('collection_name', 'Name of the collection to create it in; "Applications" by default.', required=False)
    .param('collection_description', 'Description of a collection that is created.', required=False, default='')
    .param('public', 'Whether everyone may read the application, true or false.', required=False, default='true')
    .param('app_id', 'The id that the application gets, 24 hexadecimal digits. For site administrators: Slicer '
                     'has the id of its application built in.', required=False)
    .errorResponse('A value is unusable, or the place has an application of that name.')
    .errorResponse('The user is not logged in.', 401)
    .errorResponse('The user may not write to the collection, not create one, or not choose an id.', 403)
    .errorResponse('There is no such collection.', 404)
    .errorResponse('The id is in use.', 409)
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
    of_application('Delete an application with everything below it. Download counts stay.')
    .param('progress', 'Whether to record progress on this task.', dataType='boolean', required=False,
           default=False)
))
def deleteApplication(app_id: str, progress: bool) -> Response:
    user = current_user()
    app = applications.load(app_id, user, access.DELETE_APPLICATION)
    with ProgressContext(progress, user=user, title=f'Deleting application {app["name"]}') as context:
        applications.delete(app, context)
    return {'message': f'Deleted application {app["name"]}.'}
