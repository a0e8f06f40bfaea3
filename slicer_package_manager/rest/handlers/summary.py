"""The call for the summary of an application."""
from __future__ import annotations

import cherrypy
from girder.api.rest import setResponseHeader

from slicer_package_manager.registry.catalog import applications, summary
from slicer_package_manager.registry.schema.pagination import check_numbers
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.handlers.call import Response, call, current_user
from slicer_package_manager.rest.handlers.parameters import of_application
from slicer_package_manager.rest.middleware.response_cache import record_response


@call(access.GET_SUMMARY, (
    of_application('Get the number of packages and extensions of each release and draft, newest first, and in total.')
    .notes('Includes only what the caller may see. `access` is the access level of the caller: 0 for READ, 1 for '
           'WRITE, 2 for ADMIN. `ready` states whether the release or draft is ready on all systems that it has '
           'packages or extensions for; `ready_for` states it for each system and architecture. `held` is `true` if a '
           'user set it to not ready, `false` if a user set it to ready, and `null` if the setting decides. `version` '
           'is that of its packages, and `built` the time when the first of them was built. `size` is in bytes. The '
           'header `Girder-Total-Count` is the number of drafts.')
    .param('limit', 'Maximum number of drafts; 0 for all.', required=False, dataType='integer', default=50)
    .param('offset', 'Number of drafts to skip.', required=False, dataType='integer', default=0)
    .param('fields', 'Keys of the rows to return, separated by commas, such as `revision,extensions`; by default all. '
           'The total has only these too. Without `downloads`, the response is cached like lists, with an `ETag`.',
           required=False)
    .errorResponse('A number is negative or too large, or a key does not exist.')
))
def getSummary(app_id: str, limit: int, offset: int, fields: str | None) -> Response:
    user = current_user()
    check_numbers(limit, offset)
    wanted = summary.wanted(fields)

    def read() -> Document:
        return summary.of(applications.load(app_id, user, access.GET_SUMMARY), user, limit, offset, wanted)
    # Downloads are counted without a new data version.
    if 'downloads' in wanted:
        found = read()
        setResponseHeader('Girder-Total-Count', _drafts(found))
        return found
    return record_response((cherrypy.request.path_info, limit, offset, wanted), read, total=_drafts)


def _drafts(found: Document) -> int:
    return int(found['total']['drafts'])
