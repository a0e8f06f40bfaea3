"""Progress of many transfers on stderr: bars on a terminal, a line for each file elsewhere."""
from __future__ import annotations

import contextlib
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slicer_package_manager_client.cli.progress import bar, readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from typing_extensions import Self

#: Seconds without a line after which one states how far the transfers are.
_SILENCE = 30.0


class Display:
    """Progress of all transfers together.

    :param count: number of files.
    :param total: their bytes.
    """

    def __init__(self, count: int, total: int) -> None:
        self._count = count
        self._total = total
        self._finished = self._finished_bytes = 0
        self._active: dict[int, int] = {}
        self._lock = threading.RLock()
        self._last_line = time.monotonic()

    def reporter(self, label: str = '', length: int = 0) -> Transfer:
        """Return the reporter of one transfer, in the form that girder-client expects."""
        return Transfer(self, label, length)

    def finished(self, path: str, size: int, text: str) -> None:
        """Count a file of ``size`` bytes; ``text`` is what became of it."""
        with self._lock:
            self._finished += 1
            self._finished_bytes += size
            self._print(f'[{self._finished}/{self._count}] {Path(path).name}: {text}')
            self._last_line = time.monotonic()

    def begin(self, transfer: Transfer) -> None:
        """Show a transfer that begins."""
        with self._lock:
            self._active[id(transfer)] = 0

    def advance(self, transfer: Transfer, size: int) -> None:
        """Show that ``size`` more bytes of a transfer are done."""
        with self._lock:
            self._active[id(transfer)] += size
            self._show()

    def end(self, transfer: Transfer) -> None:
        """Hide a transfer that has ended."""
        with self._lock:
            self._active.pop(id(transfer), None)

    def _done(self) -> int:
        return min(self._total, self._finished_bytes + sum(self._active.values()))

    def _show(self) -> None:
        if time.monotonic() - self._last_line >= _SILENCE:
            self._last_line = time.monotonic()
            click.echo(f'{self._done() * 100 // max(self._total, 1)} % of {readable(self._total)}', err=True)

    def _print(self, line: str) -> None:
        click.echo(line, err=True)


class Transfer:
    """Reporter of one transfer."""

    reportProgress = True

    def __init__(self, display: Display, label: str, length: int) -> None:
        self._display = display
        self.label = label
        self.length = length

    def __enter__(self) -> Self:
        self._display.begin(self)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._display.end(self)

    def update(self, chunkSize: int) -> None:
        """Add ``chunkSize`` bytes."""
        self._display.advance(self, chunkSize)


class Bars(Display):
    """A bar for all files, and one for each transfer."""

    def __init__(self, count: int, total: int) -> None:
        super().__init__(count, total)
        self._bars: dict[int, Any] = {}
        self._all = bar(f'0/{count} files', total)

    def begin(self, transfer: Transfer) -> None:
        """Add a bar."""
        with self._lock:
            super().begin(transfer)
            self._bars[id(transfer)] = bar(transfer.label, transfer.length)

    def advance(self, transfer: Transfer, size: int) -> None:
        """Advance the bar of the transfer, and that of all files."""
        with self._lock:
            self._bars[id(transfer)].update(size)
            super().advance(transfer, size)

    def end(self, transfer: Transfer) -> None:
        """Remove the bar."""
        with self._lock:
            super().end(transfer)
            self._bars.pop(id(transfer)).close()

    def close(self) -> None:
        """Remove the bar for all files."""
        self._all.close()

    def _show(self) -> None:
        self._all.set_description_str(f'{self._finished}/{self._count} files', refresh=False)
        self._all.update(self._done() - self._all.n)

    def _print(self, line: str) -> None:
        self._all.write(line, file=sys.stderr)
        self._show()


@contextlib.contextmanager
def display(files: Sequence[Any]) -> Iterator[Display]:
    """Show the progress of ``files``, which have a ``size``, in the ``with`` block."""
    total = sum(file.size for file in files)
    if not sys.stderr.isatty():
        yield Display(len(files), total)
        return
    with contextlib.closing(Bars(len(files), total)) as shown:
        yield shown
