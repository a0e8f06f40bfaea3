"""Child processes that do not outlive the process that started them, and what forks share."""
import ctypes
import gc
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

_PR_SET_PDEATHSIG = 1
# Loaded here, since no library may be loaded between fork and exec.
_libc = ctypes.CDLL(None) if sys.platform == 'linux' else None


def die_with_parent(parent: int, death_signal: int = signal.SIGKILL) -> None:
    """Have the kernel send ``death_signal`` to this process when its ``parent`` ends; only on Linux."""
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != parent:  # it ended before the kernel was asked
        os.kill(os.getpid(), death_signal)


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == 'linux' else os.cpu_count() or 1


def spawn(args: Sequence[str], *, death_signal: int = signal.SIGKILL, **options: Any) -> subprocess.Popen[bytes]:
    """Start ``args`` in a session of its own; the kernel sends it ``death_signal`` when this process ends.

    In its own session it gets no Ctrl-C of the terminal: this process decides the order of stopping.

    :param options: those of :class:`subprocess.Popen`.

    :raises OSError: the program cannot be started.
    """
    parent = os.getpid()
    return subprocess.Popen(  # noqa: S603 - our own arguments, and no shell
        args,
        start_new_session=True,
        preexec_fn=lambda: die_with_parent(parent, death_signal),  # noqa: PLW1509 - there are no threads here
        **options,
    )


def import_for_forks(module: str) -> None:
    """Import a module whose content this process and its forks keep until they end.

    The garbage collector ignores that content from now on. No collection writes to the memory that the forks share, and
    the end of a process does not collect it: https://docs.python.org/3/library/gc.html#gc.freeze
    """
    gc.disable()
    importlib.import_module(module)
    gc.freeze()
    gc.enable()
