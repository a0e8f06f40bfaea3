"""The memory of a server's processes, as Linux tells it."""
from pathlib import Path

_RESET_PEAK = '5'


def processes(pid):
    """The process ``pid`` and those below it."""
    found = [pid]
    for task in Path(f'/proc/{pid}/task').iterdir():
        for child in (task / 'children').read_text().split():
            found += processes(int(child))
    return found


class Peak:
    """How much memory the processes below ``pid`` take from now on, at most, in MiB.

    ``growth`` is how much resident memory came to it, ``total`` all that they have, where what processes share is
    taken once.
    """

    def __init__(self, pid):
        self.pids = processes(pid)
        for one in self.pids:
            Path(f'/proc/{one}/clear_refs').write_text(_RESET_PEAK)
        self.before = self._sum('status', 'VmRSS')

    def _sum(self, file, key):
        return sum(_value(pid, file, key) for pid in self.pids)

    @property
    def growth(self):
        return self._sum('status', 'VmHWM') - self.before

    @property
    def total(self):
        above_now = self._sum('status', 'VmHWM') - self._sum('status', 'VmRSS')
        return self._sum('smaps_rollup', 'Pss') + above_now


def _value(pid, file, key):
    lines = Path(f'/proc/{pid}/{file}').read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f'{key}:'))
