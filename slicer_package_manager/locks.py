"""Locks between processes of one machine. They end with their process, even if that is killed."""
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(path: Path, error: Callable[[str | None], Exception], *, shared: bool = False) -> Iterator[None]:
    """Lock the file ``path``, which is created if it is missing and contains the number of this process.

    :param error: makes what is raised if another process owns the lock, of its number or ``unknown``; of ``None`` if
        this is not a POSIX system.
    :param shared: other processes may have a shared lock at the same time.
    """
    if fcntl is None:
        raise error(None)
    with path.open('a+') as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as refusal:
            file.seek(0)
            raise error(file.read().strip() or 'unknown') from refusal
        file.truncate(0)
        file.write(f'{os.getpid()}\n')
        file.flush()
        yield
