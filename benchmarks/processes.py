"""Memory and processor time of the processes of a server, from ``/proc``."""
from __future__ import annotations

import os
from pathlib import Path

_RESET_PEAK = '5'
#: Of the fields of ``/proc/PID/stat`` that follow the program's name.
_USER_TIME, _SYSTEM_TIME = 11, 12


def tree(pid):
    """The process ``pid`` and those below it."""
    found = [pid]
    for task in Path(f'/proc/{pid}/task').iterdir():
        for child in (task / 'children').read_text().split():
            found += tree(int(child))
    return found


def processor_seconds(pids):
    """The time for which processors have worked for ``pids`` so far."""
    return sum(map(_processor_seconds, pids))


def cost(pids, load):
    """Milliseconds for which processors work for ``pids`` for each request of ``load()``, see :mod:`traffic`."""
    before = processor_seconds(pids)
    done = load()
    done.rate  # noqa: B018 - fails if a request did
    return 1000 * (processor_seconds(pids) - before) / done.requests


def _processor_seconds(pid):
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[_USER_TIME]) + int(fields[_SYSTEM_TIME])) / os.sysconf('SC_CLK_TCK')


def largest(pid):
    """MiB of resident memory of the largest process among ``pid`` and those below it."""
    return max(mebibytes(one, 'status', 'VmRSS') for one in tree(pid))


class Peak:
    """How much memory the processes below ``pid`` take from now on, at most, in MiB.

    ``growth`` is how much resident memory came to it, ``total`` all that they have, where what processes share is
    taken once.
    """

    def __init__(self, pid):
        self.pids = tree(pid)
        for one in self.pids:
            Path(f'/proc/{one}/clear_refs').write_text(_RESET_PEAK)
        self.before = self._sum('status', 'VmRSS')

    def _sum(self, file, key):
        return sum(mebibytes(pid, file, key) for pid in self.pids)

    @property
    def growth(self):
        return self._sum('status', 'VmHWM') - self.before

    @property
    def total(self):
        above_now = self._sum('status', 'VmHWM') - self._sum('status', 'VmRSS')
        return self._sum('smaps_rollup', 'Pss') + above_now


def mebibytes(pid, file, key):
    """What ``/proc/PID/file`` says of ``key``, in MiB."""
    lines = Path(f'/proc/{pid}/{file}').read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f'{key}:'))
