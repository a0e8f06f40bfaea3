"""Command that mirrors a release or a draft in a local directory."""
from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slicer_package_manager_client.cli import completion, options, output, results
from slicer_package_manager_client.cli.session import Session, pass_session
from slicer_package_manager_client.fields import ARCHITECTURES, OPERATING_SYSTEMS

if TYPE_CHECKING:
    from slicer_package_manager_client.client import SlicerPackageClient
    from slicer_package_manager_client.mirror import Entry, Mirror

_COLUMNS = {'downloaded': 'downloaded', 'unchanged': 'unchanged', 'deleted': 'deleted', 'obsolete': 'obsolete',
            'refused': 'failed', 'failed': 'failed', 'skipped': 'skipped'}


@click.command()
@options.app_name
@click.argument('directory', type=click.Path(file_okay=False))
@options.option('--release', shell_complete=completion.releases, help='Release to mirror')
@options.option('--draft', metavar='REVISION', help='Revision of the draft to mirror, instead of a release')
@options.option('--os', type=click.Choice(OPERATING_SYSTEMS), help='Only this operating system')
@options.option('--arch', type=click.Choice(ARCHITECTURES), help='Only this processor architecture')
@click.option('--delete', 'prune', is_flag=True,
              help='Delete files of earlier runs that the server does not have any more')
@options.jobs('downloaded')
@options.changing_command
@pass_session
def sync(session: Session, /, directory: str, prune: bool, jobs: int, as_json: bool, dry_run: bool,
         **given: Any) -> int:
    """Mirror the packages and extensions of a release or draft in DIRECTORY.

    Downloads only what has changed, resumes interrupted downloads, verifies checksums, and writes them to SHA512SUMS.
    """
    from slicer_package_manager_client import locks

    origin, entries = listed(session, **given)
    with locks.exclusive(Path(directory), busy=f'Another process mirrors in "{directory}" now.'):
        return _sync(session, directory, origin, entries, prune=prune, jobs=jobs, as_json=as_json, dry_run=dry_run)


def _sync(session: Session, directory: str, origin: dict[str, Any], entries: list[Entry], *, prune: bool, jobs: int,
          as_json: bool, dry_run: bool) -> int:
    from slicer_package_manager_client.cli import parallel
    from slicer_package_manager_client.mirror import Mirror

    started = time.monotonic()
    run = _Sync(Mirror(Path(directory), origin), dry_run=dry_run)
    status = parallel.run(session, run.outdated(entries), run.fetch, jobs=jobs, title=f'Sync {directory}')
    if status == 0:
        run.look_for_obsolete(prune=prune)
    if dry_run:
        output.note('Nothing was changed (--dry-run); the table counts what would be done.')
    else:
        run.mirror.save()
    numbers = results.totals(run.files, _COLUMNS, time.monotonic() - started)
    results.show(run.files, numbers, as_json=as_json, status='planned' if dry_run else 'done')
    return status


def listed(session: Session, *, app_name: str, coll_id: str | None, release: str | None, draft: str | None,
            **filters: Any) -> tuple[dict[str, Any], list[Entry]]:
    """Return what is mirrored, and its items.

    :raises click.UsageError: neither a release nor a draft is given, or both.
    """
    from slicer_package_manager_client import mirror

    if (release is None) == (draft is None):
        raise click.UsageError('Give --release or --draft.')
    client = session.client
    app = client.findApp(app_name, coll_id)
    folder = client.findRelease(app['_id'], release) if release else client.findDraft(app['_id'], str(draft))
    origin = {'app': app['_id'], 'folder': folder['_id'], 'name': folder['name'],
              **{key: value for key, value in filters.items() if value}}
    with client.explained():
        return origin, mirror.entries(client, app, release=folder if release else None,
                                      revision=folder['meta'].get('revision'), **filters)


class _Sync:
    """One run of the command."""

    def __init__(self, mirror: Mirror, *, dry_run: bool) -> None:
        self.mirror = mirror
        self.files: list[results.Result] = []
        self._dry_run = dry_run
        self._entries: dict[str, Entry] = {}

    def outdated(self, entries: list[Entry]) -> list[results.Result]:
        """Return the results of the entries that are not as recorded; the others are unchanged."""
        for entry in entries:
            result = results.Result(entry.item['name'], size=entry.item.get('size') or 0,
                                     more={'item': entry.item['_id']})
            self._entries[entry.item['_id']] = entry
            if self.mirror.is_current(entry):
                result.status = 'unchanged'
            self.files.append(result)
        return [result for result in self.files if result.status != 'unchanged']

    def fetch(self, client: SlicerPackageClient, result: results.Result) -> None:
        """Download the file of ``result``, or plan it."""
        with client.explained():
            file = self.mirror.fetch(client, self._entries[result.more['item']], dry_run=self._dry_run)
        result.path, result.status, size = file
        result.sent = size if result.status == 'downloaded' else 0

    def look_for_obsolete(self, *, prune: bool) -> None:
        """Delete files that belong to no item any more, or report them."""
        for path in self.mirror.obsolete():
            self.files.append(results.Result(path, status='deleted' if prune else 'obsolete'))
            if prune and not self._dry_run:
                self.mirror.delete(path)
