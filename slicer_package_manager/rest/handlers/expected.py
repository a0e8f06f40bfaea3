"""Calls that compare the extensions of builds with the expected ones, those of Slicer's extension index."""
from __future__ import annotations

import cherrypy

from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.expected import missing
from slicer_package_manager.registry.schema.pagination import check_numbers
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.handlers.call import Response, call, current_user
from slicer_package_manager.rest.handlers.parameters import of_application
from slicer_package_manager.rest.middleware.response_cache import record_response


@call(access.GET_EXPECTED, (
    of_application('Get the expected extensions that each release and draft lacks, newest build first.')
    .notes('Which extensions are expected comes from the extension index, see `slicer-package-manager expected sync`. '
           'Builds for whose version the index has no branch are omitted. For each system, `present` is a number, and '
           '`missing` has the name of each extension that is not there, the revision of the application `since` which '
           'it is missing, and the last one before that had it, `last_good`. `unfinished` states that extensions were '
           'uploaded in the last six hours. The header `Girder-Total-Count` is the number of builds.')
    .param('limit', 'Maximum number of builds; 0 for all.', required=False, dataType='integer', default=10)
    .param('offset', 'Number of builds to skip.', required=False, dataType='integer', default=0)
    .errorResponse('A number is negative or too large.')
))
def compareExtensions(app_id: str, limit: int, offset: int) -> Response:
    user = current_user()
    check_numbers(limit, offset)
    total = 0

    def read() -> Document:
        nonlocal total
        comparison = missing.compare(applications.load(app_id, user, access.GET_EXPECTED), user)
        total = len(comparison.builds)
        return missing.matrix(comparison, limit, offset)
    return record_response((cherrypy.request.path_info, limit, offset), read, total=lambda _: total)


@call(access.GET_EXPECTED, (
    of_application('Get the status of an expected extension: what its newest builds lack, and its last ten builds.')
    .notes('`missing` has the newest build of each branch and system that lacks the extension, unless extensions are '
           'still uploaded for it. `unfinished` has those that lack it and for which no build is finished yet. In '
           '`expected`, `builds` is the number of builds of the branch. In `builds`, a system is `present`, `missing` '
           'or `unfinished`.')
    .param('name', 'Base name of the extension.', paramType='path')
    .errorResponse('The extension is not expected.', 404)
))
def getExtensionStatus(app_id: str, name: str) -> Response:
    user = current_user()

    def read() -> Document:
        return missing.status(missing.compare(applications.load(app_id, user, access.GET_EXPECTED), user), name)
    return record_response((cherrypy.request.path_info,), read)
