"""Locks between processes of one machine, which end with the process that holds them, however it ends."""
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]


class UnsupportedError(Exception):
    """This system has no such locks."""


class HeldError(Exception):
    """Another process has the lock; ``owner`` is its number, or ``unknown``."""

    def __init__(self, owner: str) -> None:
        super().__init__(f'held by process {owner}')
        self.owner = owner


@contextmanager
def held(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock of the file ``path``, which is made when missing and tells the number of this process.

    :param shared: others that share may hold it too.
    :raises HeldError: another process holds it.
    :raises UnsupportedError: not on a POSIX system.
    """
    if fcntl is None:
        raise UnsupportedError
    with path.open('a+') as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise HeldError(file.read().strip() or 'unknown') from error
        file.truncate(0)
        file.write(f'{os.getpid()}\n')
        file.flush()
        yield
