"""Progress of transfers on stderr: a bar on a terminal, plain lines elsewhere."""
from __future__ import annotations

import functools
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


def bar(label: str, length: int) -> Any:
    """Return a bar for ``length`` bytes, below those that are shown on stderr; it vanishes when it is closed."""
    return _bars()(desc=label, total=length or None, unit='B', unit_scale=True, unit_divisor=1024, leave=False,
                   dynamic_ncols=True, file=sys.stderr)


@functools.cache
def _bars() -> Any:
    """Return the class of tqdm, without its thread, and without the lock between processes."""
    import threading

    from tqdm import tqdm

    tqdm.set_lock(threading.RLock())
    tqdm.monitor_interval = 0
    return tqdm


class Bar:
    """A progress bar."""

    reportProgress = True

    def __init__(self, label: str = '', length: int = 0) -> None:
        self._label = label
        self._length = length
        self._bar: Any = None

    def __enter__(self) -> Self:
        self._bar = bar(self._label, self._length)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._bar.close()

    def update(self, chunkSize: int) -> None:
        """Add ``chunkSize`` bytes."""
        self._bar.update(chunkSize)


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
