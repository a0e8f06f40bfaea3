"""Command that compares what the server has with local files, or with its own records."""
from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import click

from slicer_package_manager_client.cli import completion, options, results
from slicer_package_manager_client.cli.session import Session, pass_session
from slicer_package_manager_client.errors import ChecksumMismatch, NotFound
from slicer_package_manager_client.fields import ARCHITECTURES, OPERATING_SYSTEMS, PACKAGE_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slicer_package_manager_client.cli.results import Result
    from slicer_package_manager_client.client import SlicerPackageClient
    from slicer_package_manager_client.fields import PackageType
    from slicer_package_manager_client.registry import Document

_COLUMNS = {'ok': 'ok', 'different': 'different', 'missing': 'missing', 'unverified': 'unverified',
            'refused': 'failed', 'failed': 'failed', 'skipped': 'skipped'}
_TYPES = {one.label: one for one in reversed(PACKAGE_TYPES)}


@click.command()
@options.app_name
@click.argument('filepath', nargs=-1, metavar='[FILEPATH]...')
@options.option('--release', shell_complete=completion.releases, help='Release to verify')
@options.option('--draft', metavar='REVISION', help='Revision of the draft to verify, instead of a release')
@options.option('--type', 'label', type=click.Choice(list(_TYPES)), default='extension', show_default=True,
                help='What the local files are')
@options.option('--os', type=click.Choice(OPERATING_SYSTEMS), help='Only this operating system')
@options.option('--arch', type=click.Choice(ARCHITECTURES), help='Only this processor architecture')
@click.option('--download', is_flag=True, help='Receive all bytes and compare their checksums, not only the sizes')
@options.jobs('verified')
@options.every_command
@pass_session
def verify(session: Session, /, filepath: tuple[str, ...], label: str, download: bool, jobs: int, as_json: bool,
           **given: Any) -> int:
    """Verify that the server has local files, or that a release or draft is as recorded.

    With files, compares their checksums with those of the release or draft, or else of the packages that their names
    state. Without files, checks the file of each package and extension of the release or draft, also of links.
    """
    from slicer_package_manager_client.cli import parallel

    started = time.monotonic()
    paths = list(dict.fromkeys(filter(None, filepath)))
    check = _Files(session, _TYPES[label], paths, given) if paths else _Items(session, given, download=download)
    status = parallel.run(session, check.results, check, jobs=jobs, title='Verify')
    numbers = results.totals(check.results, _COLUMNS, time.monotonic() - started)
    results.show(check.results, numbers, as_json=as_json)
    return status


class _Items:
    """The check of a release or draft."""

    def __init__(self, session: Session, given: dict[str, Any], *, download: bool) -> None:
        from slicer_package_manager_client.cli.sync import listed

        self._download = download
        items = [entry.item for entry in listed(session, **given)[1]]
        self.results = [results.Result(item['name'], size=item.get('size') or 0, more={'item': item['_id']})
                        for item in items]
        self._items = {item['_id']: item for item in items}

    def __call__(self, client: SlicerPackageClient, result: Result) -> None:
        from slicer_package_manager_client import verification

        with client.explained(), _statuses(result):
            result.status, result.sent = verification.stored_file(client, self._items[result.more['item']],
                                                                  download=self._download)


class _Files:
    """The check of local files."""

    def __init__(self, session: Session, package_type: PackageType, paths: list[str], given: dict[str, Any]) -> None:
        from slicer_package_manager_client.cli.sync import listed

        self._package_type = package_type
        self._items: list[Document] | None = None
        if given['release'] or given['draft']:
            self._items = [entry.item for entry in listed(session, **given)[1] if entry.package_type is package_type]
        self._app = session.client.findApp(given['app_name'], given['coll_id'])
        self.results = [results.Result(path) for path in paths]

    def __call__(self, client: SlicerPackageClient, result: Result) -> None:
        from slicer_package_manager_client import verification

        with client.explained(), _statuses(result):
            result.status = verification.local_file(client, self._package_type, result.path, self._app, self._items)


@contextlib.contextmanager
def _statuses(result: Result) -> Iterator[None]:
    """Set the status of the two kinds of differences, which are errors."""
    try:
        yield
    except ChecksumMismatch:
        result.status = 'different'
        raise
    except NotFound:
        result.status = 'missing'
        raise
