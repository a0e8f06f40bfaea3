"""Locks between processes of one user."""
from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

from slicer_package_manager_client.directories import state_directory
from slicer_package_manager_client.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def exclusive(path: Path, busy: str = '') -> Iterator[None]:
    """Keep other processes and threads of this user out of ``with`` blocks for ``path``.

    The lock is a file in the state directory, and not beside ``path``, where it would be in the way. Without a home
    directory that can be written, or on a file system without locks, there is none.

    :param busy: what is wrong if another process has the lock; without it, this one waits.
    :raises Conflict: another process has the lock.
    """
    import filelock  # noqa: PLC0415  # only transfers need it

    name = hashlib.sha256(str(path.absolute()).encode('utf-8', 'surrogateescape')).hexdigest()[:32]
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, RuntimeError, NotImplementedError):
            directory = state_directory() / 'locks'
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = filelock.FileLock(str(directory / f'{name}.lock'))
            try:
                stack.enter_context(lock.acquire(timeout=0 if busy else -1))
            except filelock.Timeout as error:
                raise Conflict(busy, advice='Wait until it has ended, and run the command again.') from error
        yield
