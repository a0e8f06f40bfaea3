"""Locks between processes of one user."""
from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

from slicer_package_manager_client.directories import state_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Wait until no other process of this user is in a ``with`` block for ``path``.

    The lock is a file in the state directory, and not beside ``path``, where it would be in the way. Without a home
    directory that can be written, or on a file system without locks, nobody waits.
    """
    import filelock  # noqa: PLC0415  # only transfers need it

    name = hashlib.sha256(str(path.absolute()).encode('utf-8', 'surrogateescape')).hexdigest()[:32]
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, RuntimeError, NotImplementedError):
            directory = state_directory() / 'locks'
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            stack.enter_context(filelock.FileLock(str(directory / f'{name}.lock')))
        yield
