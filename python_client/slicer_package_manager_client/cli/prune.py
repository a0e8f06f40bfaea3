"""Command that deletes old drafts, the oldest first, after it printed the plan."""
from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import click

from slicer_package_manager_client.cli import options, output
from slicer_package_manager_client.cli.session import Session, pass_session
from slicer_package_manager_client.errors import NotFound

if TYPE_CHECKING:
    from slicer_package_manager_client.client import SlicerPackageClient
    from slicer_package_manager_client.registry import Document


@click.command()
@options.app_name
@options.option('--keep', type=click.IntRange(min=0), required=True, help='How many of the newest drafts stay')
@options.option('--older-than', type=click.FloatRange(min=0), metavar='DAYS',
                help='Of the others, those that were created in the last DAYS stay too')
@options.deleting_command
@pass_session
def prune(session: Session, app_name: str, keep: int, older_than: float | None, coll_id: str | None,
          as_json: bool, dry_run: bool, yes: bool) -> None:
    """Delete old drafts with their packages and extensions, the oldest first.

    Prints the plan before it deletes drafts. After an interruption, run the command again.
    """
    client = session.client
    drafts = client.listDraftRelease(app_name, coll_id=coll_id, limit=0)
    obsolete = plan(drafts, keep, older_than, datetime.now(timezone.utc))
    say = output.note if as_json else click.echo
    say(f'{len(obsolete)} of {len(drafts)} drafts to delete, the oldest first:')
    for draft in obsolete:
        say(f'{draft["meta"].get("revision")} created {draft["created"][:10]} ({draft["_id"]})')
    deleted: list[Document] = []
    if obsolete and not dry_run:
        output.confirm(f'Delete {len(obsolete)} drafts?', yes=yes)
        deleted = _delete_all(client, app_name, coll_id, obsolete)
    if as_json:
        output.show({'status': 'planned' if dry_run else 'deleted', 'kept': len(drafts) - len(obsolete),
                     'drafts': obsolete if dry_run else deleted}, '', as_json=True)
    elif not dry_run:
        click.echo(f'{len(deleted)} drafts DELETED, {len(drafts) - len(obsolete)} kept')


def plan(drafts: list[Document], keep: int, older_than: float | None, now: datetime) -> list[Document]:
    """Return the drafts to delete, the oldest first; ``drafts`` are in the opposite order."""
    obsolete = drafts[keep:]
    if older_than is not None:
        limit = now - timedelta(days=older_than)
        obsolete = [draft for draft in obsolete if _created(draft) < limit]
    return sorted(obsolete, key=_created)


def _created(draft: Document) -> datetime:
    moment = datetime.fromisoformat(draft['created'].replace('Z', '+00:00'))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _delete_all(client: SlicerPackageClient, app_name: str, coll_id: str | None,
                obsolete: list[Document]) -> list[Document]:
    deleted = []
    for number, draft in enumerate(obsolete, 1):
        revision = draft['meta'].get('revision')
        try:
            client.deleteDraftRelease(app_name, revision, coll_id)
        except NotFound:
            output.note(f'{number}/{len(obsolete)}: draft {revision} was already deleted')
            continue
        output.note(f'{number}/{len(obsolete)}: draft {revision} deleted')
        deleted.append(draft)
    return deleted
