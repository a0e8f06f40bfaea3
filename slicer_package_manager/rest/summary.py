"""The call for the summary of an application."""
from girder.api import access
from girder.api.describe import autoDescribeRoute
from girder.api.rest import boundHandler, setResponseHeader
from girder.constants import TokenScope

from slicer_package_manager.registry import applications, summary
from slicer_package_manager.registry.paging import check_numbers
from slicer_package_manager.rest.parameters import of_application


@access.public(scope=TokenScope.DATA_READ)
@boundHandler
@autoDescribeRoute(
    of_application('Get what an application has, in numbers: its releases and drafts, newest first, and totals.')
    .notes('As far as the caller may see it. `access` is the level that the caller has: 0 to read, 1 to write, 2 to '
           'administer. `ready` tells whether it is ready for every system that it has something for, `ready_for` '
           'the same for each system and architecture; `held` is `true` for what was held back by hand, `false` for '
           'what was called ready by hand, and `null` where the setting decides. `size` is in bytes. The header '
           '`Girder-Total-Count` tells the number of drafts.')
    .param('limit', 'At most so many drafts, 0 for all.', required=False, dataType='integer', default=50)
    .param('offset', 'Leave out so many drafts at the beginning.', required=False, dataType='integer', default=0)
    .errorResponse('A number is negative or huge.'))
def getSummary(self, app_id, limit, offset):
    user = self.getCurrentUser()
    check_numbers(limit, offset)
    found = summary.of(applications.load(app_id, user), user, limit, offset)
    setResponseHeader('Girder-Total-Count', found['total']['drafts'])
    return found
