"""Child processes that run and end together."""
import os
import re
import select
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from slicer_package_manager.cli.errors import ServeError

HASTENED_GRACE = 5.0
_ERROR = re.compile(r'"s": *"[EF]"')  # the severity in a line of mongod's log
_SIGNALS = ('SIGINT', 'SIGTERM', 'SIGHUP', 'SIGCHLD')


class Stopped(Exception):  # noqa: N818 - the user asked for it
    """A signal requests the end."""


@dataclass
class Child:
    """A process, its name in messages, and how it is ended.

    ``grace`` is the time in seconds that it has to end after SIGTERM; ``hasten`` is the signal that a second request
    to stop sends; ``log`` is the file whose last lines explain an unexpected end.
    """

    name: str
    process: subprocess.Popen[bytes]
    grace: float
    hasten: int = signal.SIGTERM
    log: Path | None = None

    def send(self, number: int) -> None:
        """Send the signal ``number``, unless the process has ended."""
        if self.process.poll() is None:
            self.process.send_signal(number)

    def send_input(self, data: bytes) -> None:
        """Write ``data`` to the standard input of the process, and close it."""
        # If the process has ended, that is reported elsewhere, with its reason.
        if self.process.stdin and not self.process.stdin.closed:
            with suppress(BrokenPipeError):
                self.process.stdin.write(data)
                self.process.stdin.close()

    def kill(self) -> None:
        """End the process and its children, now."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def end_report(self) -> str:
        """How the process ended, with the last lines of its log."""
        status = self.process.returncode
        how = f'exit code {status}' if status >= 0 else f'signal {signal.Signals(-status).name}'
        return f'{self.name} ended by itself ({how}).{last_lines(self.log)}'


def last_lines(log: Path | None, count: int = 12) -> str:
    """The path of ``log``, and its last ``count`` lines with an error; if none has one, its last ``count`` lines."""
    if log is None or not log.is_file():
        return ''
    lines = log.read_text(errors='replace').splitlines()
    shown = [line for line in lines if _ERROR.search(line)] or lines
    return '\n'.join([f' From {log}:', *shown[-count:]])


class Supervisor:
    """Supervisor of child processes and signals. Its context ends all children, the last one first."""

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

    def __exit__(self, exc_type: type[BaseException] | None, *_exc: object) -> None:
        while self._children:
            self._end(self._children.pop(), has_failed=exc_type is ServeError)
        signal.set_wakeup_fd(-1)
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        os.close(self._wakeup)
        os.close(self._waker)

    def add(self, child: Child) -> Child:
        """Watch ``child`` from now on, and end it at the end of the context."""
        self._children.append(child)
        return child

    def receive(self, channel: socket.socket) -> bytes:
        """Return all that comes from ``channel`` until its other end is closed.

        :raises Stopped: a signal requests the end.
        :raises ServeError: a child ended.
        """
        channel.setblocking(False)
        received = b''
        while True:
            self.pause(1, channel)
            with suppress(BlockingIOError):
                data = _received(channel)
                received += data
                if not data:
                    return received

    def pause(self, seconds: float, channel: socket.socket | None = None) -> None:
        """Wait for ``seconds``, or until a signal arrives or ``channel`` has data.

        :raises Stopped: a signal requests the end.
        :raises ServeError: a child ended.
        """
        self._sleep(seconds, channel)
        if self._requests:
            raise Stopped
        for child in self._children:
            if child.process.poll() is not None:
                raise ServeError(child.end_report())

    def _note(self, number: int, _frame: object) -> None:
        if number != signal.SIGCHLD:
            self._requests += 1

    def _sleep(self, seconds: float, channel: socket.socket | None = None) -> None:
        watched: list[int | socket.socket] = [self._wakeup, *([channel] if channel else [])]
        if self._wakeup in select.select(watched, [], [], max(seconds, 0))[0]:
            os.read(self._wakeup, 512)

    def _end(self, child: Child, *, has_failed: bool) -> None:
        requests = self._requests
        deadline = time.monotonic() + child.grace
        child.send_input(b'')
        child.send(signal.SIGTERM)
        # The requests of a web server whose database has ended can only wait for it.
        if has_failed and child.hasten != signal.SIGTERM:
            deadline = _hastened(child, deadline)
        while child.process.poll() is None and time.monotonic() < deadline:
            self._sleep(deadline - time.monotonic())
            if self._requests > requests:
                requests = self._requests
                deadline = _hastened(child, deadline)
        child.kill()


def _hastened(child: Child, deadline: float) -> float:
    """Have ``child`` end without finishing its work; return its new deadline."""
    child.send(child.hasten)
    return min(deadline, time.monotonic() + HASTENED_GRACE)


def _received(channel: socket.socket) -> bytes:
    with suppress(ConnectionResetError):  # the other end was closed before all was read from it
        return channel.recv(4096)
    return b''


def _handled_signals() -> list[int]:
    """The signals to handle; SIGHUP stays ignored under ``nohup``."""
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    return [number for number in numbers
            if number != getattr(signal, 'SIGHUP', None) or signal.getsignal(number) != signal.SIG_IGN]
