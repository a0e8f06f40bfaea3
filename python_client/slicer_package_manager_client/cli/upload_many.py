"""Upload of many files by one command: several at the same time, one display, one table, one exit status.

1. Log in and find the application once. An error here ends the command, as with one file.
2. Threads take the next file, each with a connection of its own. Values come from the file's name and description.
3. A failure is printed with the name of its file, and counted. The others continue, unless ``--fail-fast`` is given.
4. After a file for which the server could not be reached until its time for retries was over, the next ones get one
   attempt only, until the server answers again: a server that is down does not delay each file.
"""
from __future__ import annotations

import dataclasses
import queue
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slicer_package_manager_client import receipts
from slicer_package_manager_client.cli import ci, output, upload_values
from slicer_package_manager_client.cli.failures import as_document
from slicer_package_manager_client.cli.many_progress import Display, display
from slicer_package_manager_client.cli.progress import readable
from slicer_package_manager_client.cli.upload_file import FileUpload
from slicer_package_manager_client.errors import InvalidRequest, NetworkProblem
from slicer_package_manager_client.retry import Budget

if TYPE_CHECKING:
    from slicer_package_manager_client.cli.session import Session
    from slicer_package_manager_client.client import SlicerPackageClient
    from slicer_package_manager_client.fields import PackageType
    from slicer_package_manager_client.registry import Document

#: Exit statuses of files that were refused; the other failures may succeed in another run.
_REFUSED = frozenset({2, 3, 4, 5})
_COUNTS = {'uploaded': 'uploaded', 'replaced': 'uploaded', 'registered': 'uploaded', 'updated': 'updated',
           'unchanged': 'unchanged', 'refused': 'refused', 'failed': 'failed', 'skipped': 'skipped'}
#: Seconds after which the main thread looks for Ctrl-C; on Windows it does not interrupt a wait.
_GLANCE = 0.5


@dataclass
class Result:
    """What became of a file."""

    path: str
    status: str = 'skipped'
    exit_code: int = 0
    seconds: float = 0.0
    size: int = 0
    sent: int = 0
    item: Document | None = None
    receipt: Document = field(default_factory=dict)
    error: Document | None = None

    def document(self) -> Document:
        """The result as JSON."""
        document = {'path': self.path, 'status': self.status, 'seconds': round(self.seconds, 3), 'bytes': self.sent,
                    **self.receipt, 'item': self.item, 'error': self.error}
        return {key: value for key, value in document.items() if value is not None}


def upload_many(session: Session, package_type: PackageType, paths: list[str], given: dict[str, Any], *, jobs: int,
                fail_fast: bool, as_json: bool) -> int:
    """Upload the files and print the table; return the exit status."""
    started = time.monotonic()
    app = session.client.findApp(given['app_name'], given['coll_id'])
    batch = Batch(session, package_type, app, paths, given, fail_fast=fail_fast)
    try:
        with ci.current().section(f'Upload {len(paths)} files'):
            batch.run(min(jobs, len(paths)))
    except KeyboardInterrupt:
        _show(batch.results, time.monotonic() - started, as_json=as_json, dry_run=given['dry_run'])
        return session.print_error(click.Abort())
    _show(batch.results, time.monotonic() - started, as_json=as_json, dry_run=given['dry_run'])
    return max(result.exit_code for result in batch.results)


def _show(results: list[Result], seconds: float, *, as_json: bool, dry_run: bool) -> None:
    """Print the table, or JSON, and pass it on to the CI service."""
    totals: dict[str, Any] = dict.fromkeys(dict.fromkeys(_COUNTS.values()), 0)
    for result in results:
        totals[_COUNTS[result.status]] += 1
    totals.update(seconds=round(seconds, 1), bytes=sum(result.sent for result in results))
    if dry_run:
        output.note('Nothing was changed (--dry-run); the table counts what would be done.')
    files = [result.document() for result in results]
    output.show({'status': 'planned' if dry_run else 'done', 'files': files, 'totals': totals},
                output.table([name.upper() for name in totals], [list(totals.values())]), as_json=as_json)
    if not dry_run:
        ci.current().summarize([{'name': Path(file['path']).name, **file} for file in files])
        ci.current().publish({**totals, 'files': [{key: value for key, value in file.items() if key != 'item'}
                                                  for file in files]})


@dataclass
class Batch:
    """The files of one command, which :meth:`run` uploads."""

    session: Session
    package_type: PackageType
    app: Document
    paths: list[str]
    given: dict[str, Any]
    fail_fast: bool = False
    results: list[Result] = field(init=False)

    def __post_init__(self) -> None:
        self.results = [Result(path, size=_size(path)) for path in self.paths]
        self._waiting: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._identities: dict[tuple[Any, ...], str] = {}
        self._lock = threading.Lock()
        self._stopped = self._outage = False

    def run(self, jobs: int) -> None:
        """Upload the files in ``jobs`` threads; each has its result afterwards."""
        for result in self.results:
            self._waiting.put(result)
        with display(self.results) as shown:
            for _number in range(jobs):
                # Daemons: after Ctrl-C the command ends at once, and the next one resumes the uploads.
                threading.Thread(target=self._work, args=(shown,), daemon=True).start()
            for _number in range(jobs):
                self._join()

    def _join(self) -> None:
        while True:
            try:
                error = self._ended.get(timeout=_GLANCE)
            except queue.Empty:
                continue
            if error is not None:
                raise error
            return

    def _work(self, shown: Display) -> None:
        try:
            client = self.session.client_for_thread(shown.reporter)
            with client.session():
                while not self._stopped:
                    self._upload(client, self._waiting.get_nowait(), shown)
        except queue.Empty:
            pass
        except BaseException as error:  # noqa: BLE001
            self._ended.put(error)
            return
        self._ended.put(None)

    def _upload(self, client: SlicerPackageClient, result: Result, shown: Display) -> None:
        started, about = time.monotonic(), f'{result.path}: '
        client.retries = self._retries(client, about)
        try:
            self._publish(client, result)
        except Exception as error:  # noqa: BLE001
            self._failed(result, error)
        finally:
            result.seconds = time.monotonic() - started
            self.session.print_warnings(client, about)
            shown.finished(result.path, f'{result.status}, {readable(result.size)} in {result.seconds:.1f} s')

    def _retries(self, client: SlicerPackageClient, about: str) -> Any:
        budget = Budget(0.0 if self._outage else self.session.retries.budget.seconds)
        return dataclasses.replace(client.retries, budget=budget, notice=lambda error, seconds: (
            self.session.print_retry(error, seconds, about)))

    def _publish(self, client: SlicerPackageClient, result: Result) -> None:
        started = time.monotonic()
        values = upload_values.of_each(self.package_type, result.path, self.given,
                                       lambda text: output.note(f'{result.path}: {text}'))
        self._require_single(values, result.path)
        outcome = FileUpload(self.session, lambda: client, self.package_type, self.app, result.path, self.given,
                             values).run()
        result.status, result.item, result.sent = outcome.status, outcome.item, outcome.sent
        if not self.given['dry_run']:
            result.receipt = receipts.receipt(client.urlBase, outcome, time.monotonic() - started)
        for line in outcome.notes:
            output.note(f'{result.path}: {line}')
        self._outage = False

    def _require_single(self, values: dict[str, Any], path: str) -> None:
        """Check that no other file of the command is of the same package.

        :raises InvalidRequest: one is.
        """
        options = {one.key: one.option for one in self.package_type.fields}
        identity = tuple(values.get(options[key]) for key in self.package_type.identity)
        with self._lock:
            other = self._identities.setdefault(identity, path)
        if other != path and None not in identity:
            raise InvalidRequest(f'It is the same {self.package_type.noun} as "{other}" '
                                 f'({" ".join(map(str, identity))}); nothing was sent.')

    def _failed(self, result: Result, error: Exception) -> None:
        result.exit_code = self.session.print_error(error, f'{result.path}: ')
        result.status = 'refused' if result.exit_code in _REFUSED else 'failed'
        result.error = {key: self.session.redacted(text) for key, text in as_document(error).items()}
        self._outage = self._outage or isinstance(error, NetworkProblem)
        self._stopped = self._stopped or self.fail_fast


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
