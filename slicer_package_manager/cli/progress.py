"""Tells on standard error how far long work is: by a bar on a terminal, else by lines now and then."""
from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

#: Seconds between two lines of one step.
_PAUSE = 10


@contextmanager
def step(title: str, total: int | None, in_bytes: bool) -> Iterator[Callable[[int], None]]:
    """One step of the work; yields what is called with how much more is done."""
    with (_bar if sys.stderr.isatty() else _lines)(title, total, in_bytes) as advance:
        yield advance


@contextmanager
def _bar(title, total, in_bytes):
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    amount = DownloadColumn() if in_bytes else MofNCompleteColumn()
    with Progress(TextColumn('{task.description}'), BarColumn(), amount, TimeRemainingColumn(),
                  console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.advance(task, done)


@contextmanager
def _lines(title, total, in_bytes):
    done, told = 0, time.monotonic()

    def advance(more):
        nonlocal done, told
        done += more
        if time.monotonic() - told > _PAUSE:
            told = time.monotonic()
            click.echo(f'{title}: {_amount(done, in_bytes)} of {_amount(total, in_bytes)}', err=True)
    yield advance
    click.echo(f'{title}: {_amount(done, in_bytes)}', err=True)


def _amount(number, in_bytes):
    return size(number) if in_bytes else str(number)


def size(number: float) -> str:
    """``number`` of bytes as people write it."""
    for unit in ('bytes', 'kB', 'MB', 'GB'):
        if number < 1000 or unit == 'GB':  # noqa: PLR2004 - SI
            return f'{number:.0f} {unit}' if unit == 'bytes' else f'{number:.1f} {unit}'
        number /= 1000
    raise AssertionError
