"""Locks between processes of one machine. They end with their process, even if that is killed."""
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]


class UnsupportedError(Exception):
    """This system does not support such locks."""


class LockedError(Exception):
    """Another process owns the lock; ``owner`` is its number, or ``unknown``."""

    def __init__(self, owner: str) -> None:
        super().__init__(f'locked by process {owner}')
        self.owner = owner


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Lock the file ``path``, which is created if it is missing and contains the number of this process.

    :param shared: other processes may have a shared lock at the same time.
    :raises LockedError: another process owns the lock.
    :raises UnsupportedError: this is not a POSIX system.
    """
    if fcntl is None:
        raise UnsupportedError
    with path.open('a+') as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise LockedError(file.read().strip() or 'unknown') from error
        file.truncate(0)
        file.write(f'{os.getpid()}\n')
        file.flush()
        yield
