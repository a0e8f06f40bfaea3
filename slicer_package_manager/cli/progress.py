"""Report the progress of long work on standard error: a bar on a terminal, else a line from time to time."""
from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import click
from rich import filesize

from slicer_package_manager.backup.progress import Advance

#: The time between two lines of a step, in seconds.
_PAUSE = 10


def step(title: str, total: int | None, in_bytes: bool) -> AbstractContextManager[Advance]:
    """One step of the work; see :data:`backup.progress.Steps`."""
    return (_bar if sys.stderr.isatty() else _lines)(title, total, in_bytes)


@contextmanager
def _bar(title: str, total: int | None, in_bytes: bool) -> Iterator[Advance]:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    amount = DownloadColumn() if in_bytes else MofNCompleteColumn()
    with Progress(TextColumn('{task.description}'), BarColumn(), amount, TimeRemainingColumn(),
                  console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.advance(task, done)


@contextmanager
def _lines(title: str, total: int | None, in_bytes: bool) -> Iterator[Advance]:
    done, reported = 0, time.monotonic()

    def advance(more: int) -> None:
        nonlocal done, reported
        done += more
        if time.monotonic() - reported > _PAUSE:
            reported = time.monotonic()
            click.echo(f'{title}: {_amount(done, in_bytes)} of {_amount(total, in_bytes)}', err=True)
    yield advance
    click.echo(f'{title}: {_amount(done, in_bytes)}', err=True)


def _amount(number: int | None, in_bytes: bool) -> str:
    return filesize.decimal(number) if in_bytes and number is not None else str(number)
