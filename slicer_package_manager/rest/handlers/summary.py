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
    of_application('Get what an application has, in numbers: its releases and drafts, newest first, and totals.')
    .notes('As far as the caller may see it. `access` is the level that the caller has: 0 to read, 1 to write, 2 to '
           'administer. `ready` tells whether it is ready for every system that it has something for, `ready_for` '
           'the same for each system and architecture; `held` is `true` for what was held back by hand, `false` for '
           'what was called ready by hand, and `null` where the setting decides. `size` is in bytes. The header '
           '`Girder-Total-Count` tells the number of drafts.')
    .param('limit', 'At most so many drafts, 0 for all.', required=False, dataType='integer', default=50)
    .param('offset', 'Leave out so many drafts at the beginning.', required=False, dataType='integer', default=0)
    .param('fields', 'Only these keys of the rows, separated by commas, such as `revision,extensions`. What no row has '
           'is not in the total either. Without `downloads` the answer is kept as lists are, with an `ETag`. All by '
           'default.', required=False)
    .errorResponse('A number is negative or huge, or there is no such key.')
))
def getSummary(app_id: str, limit: int, offset: int, fields: str | None) -> Response:
    user = current_user()
    check_numbers(limit, offset)
    wanted = summary.wanted(fields)

    def read() -> Document:
        return summary.of(applications.load(app_id, user, access.GET_SUMMARY), user, limit, offset, wanted)
    # Downloads are counted without a new version of the data.
    if 'downloads' in wanted:
        found = read()
        setResponseHeader('Girder-Total-Count', _drafts(found))
        return found
    return record_response((cherrypy.request.path_info, limit, offset, wanted), read, total=_drafts)


def _drafts(found: Document) -> int:
    drafts: int = found['total']['drafts']
    return drafts
