"""Upload of many files by one command; values come from the name and the description of each file."""
from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slicer_package_manager_client import receipts
from slicer_package_manager_client.cli import ci, output, parallel, results, upload_values
from slicer_package_manager_client.cli.results import Result
from slicer_package_manager_client.cli.upload_file import FileUpload
from slicer_package_manager_client.errors import InvalidRequest

if TYPE_CHECKING:
    from slicer_package_manager_client.cli.session import Session
    from slicer_package_manager_client.client import SlicerPackageClient
    from slicer_package_manager_client.fields import PackageType
    from slicer_package_manager_client.registry import Document

_COLUMNS = {'uploaded': 'uploaded', 'replaced': 'uploaded', 'registered': 'uploaded', 'updated': 'updated',
            'unchanged': 'unchanged', 'refused': 'refused', 'failed': 'failed', 'skipped': 'skipped'}


def upload_many(session: Session, package_type: PackageType, paths: list[str], given: dict[str, Any], *, jobs: int,
                fail_fast: bool, as_json: bool) -> int:
    """Upload the files and print the table; return the exit status."""
    started = time.monotonic()
    app = session.client.findApp(given['app_name'], given['coll_id'])
    files = [Result(path, size=_size(path)) for path in paths]
    status = parallel.run(session, files, Batch(session, package_type, app, given).upload, jobs=jobs,
                          title=f'Upload {len(paths)} files', fail_fast=fail_fast)
    numbers = results.totals(files, _COLUMNS, time.monotonic() - started)
    if given['dry_run']:
        output.note('Nothing was changed (--dry-run); the table counts what would be done.')
    results.show(files, numbers, as_json=as_json, status='planned' if given['dry_run'] else 'done')
    if not given['dry_run']:
        _inform_ci([result.document() for result in files], numbers)
    return status


def _inform_ci(files: list[Document], numbers: Document) -> None:
    ci.current().summarize([{'name': Path(file['path']).name, **file} for file in files])
    ci.current().publish({**numbers, 'files': [{key: value for key, value in file.items() if key != 'item'}
                                               for file in files]})


class Batch:
    """The uploads of one command."""

    def __init__(self, session: Session, package_type: PackageType, app: Document, given: dict[str, Any]) -> None:
        self._session = session
        self._package_type = package_type
        self._app = app
        self._given = given
        self._identities: dict[tuple[Any, ...], str] = {}
        self._lock = threading.Lock()

    def upload(self, client: SlicerPackageClient, result: Result) -> None:
        """Upload the file of ``result``."""
        started = time.monotonic()
        values = upload_values.of_each(self._package_type, result.path, self._given,
                                       lambda text: output.note(f'{result.path}: {text}'))
        self._require_single(values, result.path)
        outcome = FileUpload(self._session, lambda: client, self._package_type, self._app, result.path, self._given,
                             values).run()
        result.status, result.sent, result.more = outcome.status, outcome.sent, {'item': outcome.item}
        if not self._given['dry_run']:
            result.more.update(receipts.receipt(client.urlBase, outcome, time.monotonic() - started))
        for line in outcome.notes:
            output.note(f'{result.path}: {line}')

    def _require_single(self, values: dict[str, Any], path: str) -> None:
        """Check that no other file of the command is of the same package.

        :raises InvalidRequest: one is.
        """
        options = {one.key: one.option for one in self._package_type.fields}
        identity = tuple(values.get(options[key]) for key in self._package_type.identity)
        with self._lock:
            other = self._identities.setdefault(identity, path)
        if other != path and None not in identity:
            raise InvalidRequest(f'It is the same {self._package_type.noun} as "{other}" '
                                 f'({" ".join(map(str, identity))}); nothing was sent.')


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
