"""The call that deletes old drafts."""
from __future__ import annotations

from girder.utility.progress import ProgressContext

from slicer_package_manager.registry.catalog import applications, retention
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.handlers.call import Response, call, current_user
from slicer_package_manager.rest.handlers.parameters import of_application


@call(access.PRUNE_DRAFTS, (
    of_application('Delete old drafts. Download counts are kept.')
    .notes('Returns a row for each draft to delete, newest first; `deleted` states whether it was deleted. A draft '
           'that is being promoted is kept. If the user lacks ADMIN on one of the drafts, none is deleted.')
    .param('keep', 'Number of drafts to keep, the newest ones.', required=False, dataType='integer')
    .param('older_than_days', 'Delete only drafts that were created more than this number of days ago.', required=False,
           dataType='integer')
    .param('dry_run', 'Only report which drafts would be deleted.', required=False, dataType='boolean', default=False)
    .param('progress', 'Whether to report progress through Girder.', dataType='boolean', required=False, default=False)
    .errorResponse('A number is invalid, or both keep and older_than_days are missing.')
    .errorResponse('A draft could not be deleted; the message states which drafts were.', 409)
))
def pruneDrafts(app_id: str, keep: int | None, older_than_days: int | None, dry_run: bool, progress: bool) -> Response:
    user = current_user()
    app = applications.load(app_id, user, access.PRUNE_DRAFTS)
    drafts = retention.plan(app, user, keep=keep, older_than_days=older_than_days)
    rows = retention.rows(app, user, drafts)
    if dry_run:
        return [{**row, 'deleted': False} for row in rows]
    with ProgressContext(progress, user=user, title=f'Deleting {len(drafts)} drafts') as context:
        deleted = retention.delete(drafts, context)
    return [{**row, 'deleted': row['_id'] in deleted} for row in rows]
