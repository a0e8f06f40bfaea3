"""The call that deletes old drafts."""
from __future__ import annotations

from girder.utility.progress import ProgressContext

from slicer_package_manager.registry.catalog import applications, retention
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.handlers.call import Response, call, current_user
from slicer_package_manager.rest.handlers.parameters import of_application


@call(access.PRUNE_DRAFTS, (
    of_application('Delete old drafts. Counts stay.')
    .notes('Answers a row for each draft that goes, newest first; `deleted` tells whether it is gone. The draft of a '
           'revision that is being promoted stays. Needs ADMIN on all of them, or nothing is deleted.')
    .param('keep', 'Keep so many, the newest ones.', required=False, dataType='integer')
    .param('older_than_days', 'Delete only what was created longer ago than so many days.', required=False,
           dataType='integer')
    .param('dry_run', 'Only tell what would be deleted.', required=False, dataType='boolean', default=False)
    .param('progress', 'Whether to record progress on this task.', dataType='boolean', required=False, default=False)
    .errorResponse('A number is unusable, or neither keep nor older_than_days is given.')
    .errorResponse('A draft could not be deleted; the message tells which were.', 409)
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
