"""Report the progress of long work on standard error: a bar on a terminal, else a line from time to time, or JSON."""
from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import click
from rich import filesize

from slicer_package_manager.progress import Advance

#: The time between two lines of a step, in seconds.
_PAUSE = 10
#: Makes a line of what is done, and the seconds since the step began.
_Line = Callable[[int, float], str]


def step(title: str, total: int | None, in_bytes: bool) -> AbstractContextManager[Advance]:
    """One step of the work; see :data:`progress.Steps`."""
    return (_bar if sys.stderr.isatty() else _lines)(title, total, in_bytes)


@contextmanager
def _bar(title: str, total: int | None, in_bytes: bool) -> Iterator[Advance]:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    amount = (DownloadColumn(), TransferSpeedColumn()) if in_bytes else (MofNCompleteColumn(),)
    with Progress(TextColumn('{task.description}'), BarColumn(), *amount, TimeRemainingColumn(),
                  console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.advance(task, done)


@contextmanager
def json_lines(title: str, total: int | None, in_bytes: bool) -> Iterator[Advance]:
    """One step of the work, reported by lines of JSON.

    Each has the ``step``, what is ``done``, the ``total`` or ``null``, the ``unit``, what is done per second as
    ``rate``, and the ``remaining`` seconds or ``null``.
    """
    def line(done: int, seconds: float) -> str:
        rate = done / seconds if seconds else 0
        left = (total - done) / rate if total is not None and rate else None
        return json.dumps({'step': title, 'done': done, 'total': total, 'unit': 'bytes' if in_bytes else 'items',
                           'rate': round(rate, 1), 'remaining': left and round(max(0, left))})
    with _reported(line, line) as advance:
        yield advance


@contextmanager
def _lines(title: str, total: int | None, in_bytes: bool) -> Iterator[Advance]:
    def line(done: int, _seconds: float) -> str:
        return f'{title}: {_amount(done, in_bytes)} of {_amount(total, in_bytes)}'
    with _reported(line, lambda done, _: f'{title}: {_amount(done, in_bytes)}') as advance:
        yield advance


@contextmanager
def _reported(line: _Line, last: _Line) -> Iterator[Advance]:
    """Print a line from time to time, and at the end the ``last`` one."""
    done, begun = 0, time.monotonic()
    reported = begun

    def advance(more: int) -> None:
        nonlocal done, reported
        done += more
        if time.monotonic() - reported > _PAUSE:
            reported = time.monotonic()
            click.echo(line(done, reported - begun), err=True)
    yield advance
    click.echo(last(done, time.monotonic() - begun), err=True)


def _amount(number: int | None, in_bytes: bool) -> str:
    return filesize.decimal(number) if in_bytes and number is not None else str(number)
