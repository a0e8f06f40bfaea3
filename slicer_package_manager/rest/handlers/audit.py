"""The call that lists the audit log."""
from __future__ import annotations

from girder.api.describe import Description
from girder.api.rest import setResponseHeader

from slicer_package_manager.registry.accounts import audit_log
from slicer_package_manager.registry.schema.pagination import check_numbers
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.handlers.call import Response, call


@call(access.LIST_CHANGES, (
    Description('List the changes in the audit log, newest first.')
    .notes('Each entry has `when`, `user` (id), `login`, `kind` (what was changed: `package`, `extension`, `release`, '
           '`application`, `file`, `key`, or the name of a Girder resource), `method`, `path`, `route`, `address` and '
           '`request_id`. Where they are known, it also has `app` (id of the application), `name`, `key` (id of the '
           'API key), `build` (the run of a CI service that uploaded as a publisher: `repository`, `commit`, `run`) '
           'and `given` (parameters). The list is empty unless the audit log is enabled.')
    .param('user', 'Only changes by the user with this login or id.', required=False)
    .param('kind', 'Only changes of this kind.', required=False)
    .param('app_id', 'Only changes in the application with this id.', required=False)
    .param('date_from', 'First day to list, such as 2026-11-01 (UTC), or a date with a time.', required=False)
    .param('date_to', 'Last day to list, inclusive.', required=False)
    .param('limit', 'Maximum number of results; 0 for all.', required=False, dataType='integer', default=50)
    .param('offset', 'Number of results to skip.', required=False, dataType='integer', default=0)
    .errorResponse()
    .errorResponse('The user is not logged in.', 401)
    .errorResponse('The user is not a site administrator.', 403)
))
def listChanges(user: str | None, kind: str | None, app_id: str | None, date_from: str | None, date_to: str | None,
                limit: int, offset: int) -> Response:
    check_numbers(limit, offset)
    found = audit_log.find(limit, offset, user=user, kind=kind, app_id=app_id, date_from=date_from,
                           date_to=date_to)
    setResponseHeader('Girder-Total-Count', found.total)
    return found.documents
