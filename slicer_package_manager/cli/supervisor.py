"""Children that run and end together."""
import os
import re
import select
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from slicer_package_manager.cli.errors import ServeError

HASTENED_GRACE = 5.0
_ERROR = re.compile(r'"s": *"[EF]"')  # the severity in a line of mongod's log
_SIGNALS = ('SIGINT', 'SIGTERM', 'SIGHUP', 'SIGCHLD')


class Stopped(Exception):  # noqa: N818 - what the user asked for is no error
    """A signal asks for the end."""


@dataclass
class Child:
    """A process, the name that messages give it, and how it is ended.

    ``grace`` is the time in seconds it has to end after SIGTERM; ``hasten`` is the signal that a second
    request to stop sends; ``log`` is the file whose last lines explain an unexpected end.
    """

    name: str
    process: subprocess.Popen
    grace: float
    hasten: int = signal.SIGTERM
    log: Path | None = None

    def send(self, number: int) -> None:
        """Send the signal ``number``, unless the process has ended."""
        if self.process.poll() is None:
            self.process.send_signal(number)

    def tell(self, data: bytes) -> None:
        """Write ``data`` to the standard input of the process, and close that."""
        # When the process has ended that is reported elsewhere, with its reason.
        if self.process.stdin and not self.process.stdin.closed:
            with suppress(BrokenPipeError):
                self.process.stdin.write(data)
                self.process.stdin.close()

    def output(self) -> bytes:
        """What the process has written to its standard output, if that is a pipe."""
        if self.process.stdout is None:
            return b''
        with self.process.stdout as stdout:
            return stdout.read()

    def kill(self) -> None:
        """End the process and what it started, now."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def obituary(self) -> str:
        """How the process ended, and the last lines of its log."""
        status = self.process.returncode
        how = f'exit code {status}' if status >= 0 else f'signal {signal.Signals(-status).name}'
        return f'{self.name} ended by itself ({how}).{last_lines(self.log)}'


def last_lines(log: Path | None, count: int = 12) -> str:
    """The last ``count`` lines of ``log`` under its name, of those that tell errors if any do."""
    if log is None or not log.is_file():
        return ''
    lines = log.read_text(errors='replace').splitlines()
    telling = [line for line in lines if _ERROR.search(line)] or lines
    return '\n'.join([f' From {log}:', *telling[-count:]])


class Supervisor:
    """Watches children and signals; used as a context, it ends all children, the last started first."""

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._requests = 0

    def __enter__(self) -> 'Supervisor':  # noqa: PYI034 - typing has no Self in Python 3.10
        self._wakeup, self._waker = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(self._waker, False)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        self._previous = {number: signal.signal(number, self._note) for number in _handled_signals()}
        return self

    def __exit__(self, *_exc: object) -> None:
        while self._children:
            self._end(self._children.pop())
        signal.set_wakeup_fd(-1)
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        os.close(self._wakeup)
        os.close(self._waker)

    def add(self, child: Child) -> Child:
        """Watch ``child`` from now on, and end it in the end."""
        self._children.append(child)
        return child

    def finish(self, child: Child) -> int:
        """Wait until ``child`` has ended as it should, and return its exit code.

        :raises Stopped: a signal asks for the end.
        :raises ServeError: another child ended.
        """
        self._children.remove(child)
        try:
            while child.process.poll() is None:
                self.pause(1)
        finally:
            child.kill()
        return child.process.returncode

    def pause(self, seconds: float) -> None:
        """Wait for ``seconds``, or less when something happened.

        :raises Stopped: a signal asks for the end.
        :raises ServeError: a child ended.
        """
        self._sleep(seconds)
        if self._requests:
            raise Stopped
        for child in self._children:
            if child.process.poll() is not None:
                raise ServeError(child.obituary())

    def _note(self, number: int, _frame: object) -> None:
        if number != signal.SIGCHLD:
            self._requests += 1

    def _sleep(self, seconds: float) -> None:
        if select.select([self._wakeup], [], [], max(seconds, 0))[0]:
            os.read(self._wakeup, 512)

    def _end(self, child: Child) -> None:
        requests = self._requests
        deadline = time.monotonic() + child.grace
        child.tell(b'')
        child.send(signal.SIGTERM)
        while child.process.poll() is None and time.monotonic() < deadline:
            self._sleep(deadline - time.monotonic())
            if self._requests > requests:
                requests = self._requests
                child.send(child.hasten)
                deadline = min(deadline, time.monotonic() + HASTENED_GRACE)
        child.kill()


def _handled_signals() -> list[int]:
    """The signals to handle: SIGHUP stays ignored under ``nohup``."""
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    return [number for number in numbers
            if number != getattr(signal, 'SIGHUP', None) or signal.getsignal(number) != signal.SIG_IGN]
