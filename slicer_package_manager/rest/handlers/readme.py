"""Calls for the README of an extension."""
from __future__ import annotations

import cherrypy
from girder.api.describe import Description

from slicer_package_manager.registry.catalog import applications, describing, packages
from slicer_package_manager.registry.schema.fields import EXTENSION
from slicer_package_manager.registry.schema.readmes import LARGEST, MEDIA_TYPE
from slicer_package_manager.registry.tree import access
from slicer_package_manager.registry.tree.types import PackageItem
from slicer_package_manager.rest.handlers import bodies
from slicer_package_manager.rest.handlers.call import Response, call, current_user
from slicer_package_manager.rest.handlers.parameters import of_application
from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware.response_cache import respond


def _of(summary: str) -> Description:
    return of_application(summary).param('ext_id', 'Id of the extension.', paramType='path')


def _load(app_id: str, item_id: str, operation: access.Operation) -> PackageItem:
    user = current_user()
    return packages.load(EXTENSION, applications.load(app_id, user, operation), item_id, user, operation)


@call(access.LIST_PACKAGES, (
    _of('Get the README of an extension, as Markdown.')
    .produces([MEDIA_TYPE])
    .errorResponse('There is no README, or no file.', 404)
))
def getReadme(app_id: str, ext_id: str) -> Response:
    def make() -> JsonResponse:
        text = describing.read(_load(app_id, ext_id, access.LIST_PACKAGES))
        return JsonResponse(text.encode(), None, 'no-cache', f'{MEDIA_TYPE};charset=utf-8')
    return respond(cherrypy.request.path_info, make)


@call(access.SAVE_PACKAGE, (
    _of('Set the README of an extension, which its page shows.')
    .notes(f'The body is the README: Markdown (CommonMark with tables) in UTF-8, of at most {LARGEST} bytes. It '
           'replaces an earlier one; an empty body removes that. It stays when the extension is saved or its file is '
           'replaced. The page shows it as safe HTML. If the repository is at GitHub, relative links and pictures lead '
           'there, at the revision of the extension. The response has the number of `characters`.')
    .errorResponse('The README is no text.')
    .errorResponse('The README is too large.', 413)
))
def setReadme(app_id: str, ext_id: str) -> Response:
    item = _load(app_id, ext_id, access.SAVE_PACKAGE)
    return {'characters': describing.describe(item, bodies.read(LARGEST, 'readme', MEDIA_TYPE))}
