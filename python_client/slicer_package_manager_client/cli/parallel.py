"""Work on many files by one command: several at the same time, one display, one table, one exit status.

1. The command logs in and finds the application once. An error there ends it, as with one file.
2. Threads take the next file, each with a connection of its own.
3. A failure is printed with the name of its file, and counted. The others continue, unless ``--fail-fast`` is given.
4. After a file for which the server could not be reached until its time for retries was over, the next ones get one
   attempt only, until the server answers again: a server that is down does not delay each file.
"""
from __future__ import annotations

import dataclasses
import queue
import threading
import time
from typing import TYPE_CHECKING, Any, Callable

import click

from slicer_package_manager_client.cli import ci
from slicer_package_manager_client.cli.failures import as_document
from slicer_package_manager_client.cli.many_progress import Display, display
from slicer_package_manager_client.cli.progress import readable
from slicer_package_manager_client.errors import NetworkProblem
from slicer_package_manager_client.retry import Budget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slicer_package_manager_client.cli.results import Result
    from slicer_package_manager_client.cli.session import Session
    from slicer_package_manager_client.client import SlicerPackageClient

#: Exit statuses of files that were refused; the other failures may succeed in another run.
_REFUSED = frozenset({2, 3, 4, 5})
#: Seconds after which the main thread looks for Ctrl-C; on Windows it does not interrupt a wait.
_GLANCE = 0.5


Act = Callable[['SlicerPackageClient', Any], None]


def run(session: Session, results: Sequence[Result], act: Act, *, title: str, jobs: int,
        fail_fast: bool = False) -> int:
    """Call ``act`` with a client and each of ``results``, to which it sets the status, in ``jobs`` threads.

    :param title: of the section in the log of a CI service.
    :return: the exit status, which is the highest of all files, or that of an interruption.
    """
    session.client  # noqa: B018  # logs in, before any thread begins
    try:
        with ci.current().section(title), display(results) as shown:
            _Threads(session, shown, act, fail_fast=fail_fast).run(results, min(jobs, len(results)))
    except KeyboardInterrupt:
        return session.print_error(click.Abort())
    return max((result.exit_code for result in results), default=0)


class _Threads:
    """Threads that share a queue of results."""

    def __init__(self, session: Session, shown: Display, act: Act, *, fail_fast: bool) -> None:
        self._session = session
        self._shown = shown
        self._act = act
        self._fail_fast = fail_fast
        self._waiting: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._stopped = self._outage = False

    def run(self, results: Sequence[Result], jobs: int) -> None:
        for result in results:
            self._waiting.put(result)
        for _number in range(jobs):
            # Daemons: after Ctrl-C the command ends at once, and the next one resumes the transfers.
            threading.Thread(target=self._work, daemon=True).start()
        for _number in range(jobs):
            self.join()

    def join(self) -> None:
        """Wait for the end of a thread."""
        while True:
            try:
                error = self._ended.get(timeout=_GLANCE)
            except queue.Empty:
                continue
            if error is not None:
                raise error
            return

    def _work(self) -> None:
        try:
            client = self._session.client_for_thread(self._shown.reporter)
            with client.session():
                while not self._stopped:
                    self._process(client, self._waiting.get_nowait())
        except queue.Empty:
            pass
        except BaseException as error:  # noqa: BLE001
            self._ended.put(error)
            return
        self._ended.put(None)

    def _process(self, client: SlicerPackageClient, result: Result) -> None:
        started, about = time.monotonic(), f'{result.path}: '
        client.retries = self._retries(client, about)
        try:
            self._act(client, result)
            self._outage = False
        except Exception as error:  # noqa: BLE001
            self._failed(result, error)
        finally:
            result.seconds = time.monotonic() - started
            self._session.print_warnings(client, about)
            self._shown.finished(result.path, result.size,
                                 f'{result.status}, {readable(result.size)} in {result.seconds:.1f} s')

    def _retries(self, client: SlicerPackageClient, about: str) -> Any:
        budget = Budget(0.0 if self._outage else self._session.retries.budget.seconds)
        return dataclasses.replace(client.retries, budget=budget, notice=lambda error, seconds: (
            self._session.print_retry(error, seconds, about)))

    def _failed(self, result: Result, error: Exception) -> None:
        result.exit_code = self._session.print_error(error, f'{result.path}: ')
        if result.status == 'skipped':  # else the work has named its own status for this error
            result.status = 'refused' if result.exit_code in _REFUSED else 'failed'
        result.error = {key: self._session.redacted(text) for key, text in as_document(error).items()}
        self._outage = self._outage or isinstance(error, NetworkProblem)
        self._stopped = self._stopped or self._fail_fast
