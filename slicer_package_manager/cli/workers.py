"""Processes that serve, and the one that watches them: it replaces those that end or hang."""
from __future__ import annotations

import logging
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from slicer_package_manager.cli import processes

logger = logging.getLogger(__name__)

#: Seconds without a sign of life after which a worker is killed.
_HUNG = 120.0
#: Seconds that workers have to end: more than the requests that they finish, and less than the supervisor waits.
_GRACE, _HASTENED_GRACE = 32.0, 3.0
#: The exit status of a worker that cannot start. Another one would fail too.
CANNOT_START = 3
_STOPPING = (signal.SIGTERM, signal.SIGINT)


@dataclass
class _Worker:
    """A worker, and the pipe through which it shows that it lives. The pipe ends with it."""

    pid: int
    pipe: int
    seen: float = field(default_factory=time.monotonic)


class Workers:
    """``number`` processes that call ``serve`` with a function that they have to call every second.

    :param listener: the file descriptor of the socket that they share.
    """

    def __init__(self, number: int, serve: Callable[[Callable[[], None]], None], listener: int) -> None:
        self._number, self._serve, self._listener = number, serve, listener
        self._workers: dict[int, _Worker] = {}
        self._wakeup, self._waker = os.pipe()
        self._stop: int | None = None

    def run(self) -> int:
        """Keep the workers running until SIGTERM or SIGINT, and return the exit status."""
        os.set_blocking(self._waker, False)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        for number in _STOPPING:
            signal.signal(number, self._note)
        # Programs that rotate the access log may send it. The workers open a new file by themselves.
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        while self._stop is None:
            while len(self._workers) < self._number:
                self._start()
            if CANNOT_START in self._watch():
                self._stop = signal.SIGTERM
                self._end()
                return 1
        self._end()
        return 0

    def _note(self, number: int, _frame: object) -> None:
        if self._stop != signal.SIGINT:  # which Python may handle first, although it came last
            self._stop = number

    def _start(self) -> None:
        ours, theirs = os.pipe()
        master = os.getpid()
        # A signal that arrives before the new process has its own handlers waits for them.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        pid = os.fork()
        if pid == 0:
            self._work(master, ours, theirs)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        os.close(theirs)
        self._workers[ours] = _Worker(pid, ours)

    def _work(self, master: int, ours: int, theirs: int) -> None:
        """In the new process: serve, and exit."""
        signal.set_wakeup_fd(-1)
        for descriptor in (ours, self._wakeup, self._waker, *self._workers):
            os.close(descriptor)
        processes.die_with_parent(master)
        for number in _STOPPING:
            signal.signal(number, _exit)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        os.set_blocking(theirs, False)
        self._serve(lambda: _show_life(theirs))
        sys.exit(0)

    def _watch(self, seconds: float = 1.0) -> list[int]:
        """Wait for signs of life, and return the exit statuses of workers that have ended."""
        readable, _, _ = select.select([self._wakeup, *self._workers], [], [], seconds)
        statuses = []
        for pipe in readable:
            data = os.read(pipe, 4096)
            if data and pipe in self._workers:
                self._workers[pipe].seen = time.monotonic()
            elif not data:
                statuses.append(self._reap(self._workers.pop(pipe)))
        for worker in self._workers.values():
            if time.monotonic() - worker.seen > _HUNG:
                logger.error('A worker has hung for %d s, and is replaced.', _HUNG)
                _send(worker, signal.SIGKILL)
        return statuses

    def _reap(self, worker: _Worker) -> int:
        os.close(worker.pipe)
        status = os.waitstatus_to_exitcode(os.waitpid(worker.pid, 0)[1])
        _forget_metrics(worker.pid)
        if self._stop is None and status != CANNOT_START:
            logger.error('A worker ended by itself (status %d), and is replaced.', status)
        return status

    def _end(self) -> None:
        """End the workers: with SIGTERM after their requests, with SIGINT at once."""
        logger.info('The web server stops.')
        os.close(self._listener)  # the workers close theirs, so that clients are refused instead of waiting
        sent, deadline = 0, 0.0
        while self._workers:
            if self._stop and self._stop != sent:
                sent = self._stop
                deadline = time.monotonic() + (_GRACE if sent == signal.SIGTERM else _HASTENED_GRACE)
                self._send_all(signal.SIGTERM)  # uvicorn takes a second signal as "at once"
                self._send_all(sent)
            if time.monotonic() > deadline:
                self._send_all(signal.SIGKILL)
            self._watch(0.2)

    def _send_all(self, number: int) -> None:
        for worker in self._workers.values():
            _send(worker, number)


def _exit(_number: int, _frame: object) -> None:
    sys.exit(0)  # and not by the signal: download counts that wait in memory are written at exit


def _show_life(pipe: int) -> None:
    with suppress(BlockingIOError):  # the first process is behind
        os.write(pipe, b'.')


def _send(worker: _Worker, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(worker.pid, number)


def _forget_metrics(pid: int) -> None:
    """Remove the gauges of a worker that has ended from the metrics."""
    if os.environ.get('PROMETHEUS_MULTIPROC_DIR'):
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - most servers need not load it
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
