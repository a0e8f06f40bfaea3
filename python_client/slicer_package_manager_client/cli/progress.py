"""Progress of transfers on stderr: a bar on a terminal, plain lines elsewhere."""
from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from typing_extensions import Self

_STEP = 10
_SCALE = 1024.0


def reporter() -> Any:
    """Return the class of progress reporters for stderr, in the form that girder-client expects."""
    return Bar if sys.stderr.isatty() else Lines


def bars() -> Any:
    """Return a display of bars on stderr, which vanishes at its end."""
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn('{task.description}', markup=False), progress.BarColumn(),
        progress.DownloadColumn(), progress.TransferSpeedColumn(), progress.TimeRemainingColumn(),
        console=Console(stderr=True), transient=True)


class Bar:
    """A progress bar."""

    reportProgress = True

    def __init__(self, label: str = '', length: int = 0) -> None:
        self._progress = bars()
        self._task = self._progress.add_task(label, total=length or None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._progress.stop()

    def update(self, chunkSize: int) -> None:
        """Add ``chunkSize`` bytes."""
        self._progress.advance(self._task, chunkSize)


class Lines:
    """A line for each 10 %."""

    reportProgress = True

    def __init__(self, label: str = '', length: int = 0) -> None:
        self._label = label
        self._length = length
        self._done = 0
        self._printed = 0

    def __enter__(self) -> Self:
        click.echo(f'{self._label}: {readable(self._length)}', err=True)
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def update(self, chunkSize: int) -> None:
        """Add ``chunkSize`` bytes."""
        self._done += chunkSize
        percent = self._done * 100 // self._length if self._length else 0
        if percent >= self._printed + _STEP:
            self._printed = percent // _STEP * _STEP
            click.echo(f'{self._label}: {percent} %', err=True)


def readable(size: float) -> str:
    """Format a number of bytes for people."""
    for unit in ('B', 'KiB', 'MiB'):
        if size < _SCALE:
            return f'{size:.0f} {unit}' if unit == 'B' else f'{size:.1f} {unit}'
        size /= _SCALE
    return f'{size:.1f} GiB'
