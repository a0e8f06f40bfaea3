"""The threads of a migration that read its source: what they wait for, and how many bytes they read in a second."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from slicer_package_manager.progress import Advance


class Pace:
    """Keeps the threads of a migration to ``rate`` bytes per second together; there is no limit if it is ``None``.

    :param clock: returns the seconds since any moment.
    """

    def __init__(self, rate: int | None, clock: Callable[[], float] = time.monotonic,
                 sleep: Callable[[float], object] | None = None) -> None:
        self._stopped = threading.Event()
        self._rate, self.clock, self._sleep = rate, clock, sleep or self._stopped.wait
        self._lock = threading.Lock()
        self._free = clock()  # when the next bytes may be read

    @contextmanager
    def workers(self, number: int) -> Iterator[Executor]:
        """The threads that read files. When the migration is interrupted, they end with what they read now."""
        with ThreadPoolExecutor(number, 'files') as workers:
            try:
                yield workers
            except BaseException:
                self._stopped.set()
                workers.shutdown(wait=False, cancel_futures=True)
                raise

    def pause(self, seconds: float) -> bool:
        """Wait, and return whether the migration was interrupted, which ends the wait."""
        self._sleep(seconds)
        return self._stopped.is_set()

    def limited(self, advance: Advance) -> Advance:
        """``advance``, which waits until so many bytes may be read."""
        def wait(number: int) -> None:
            advance(number)
            if self._rate and number:
                with self._lock:
                    self._free = max(self._free, self.clock()) + number / self._rate
                    pause = self._free - self.clock()
                self.pause(max(0, pause))
        return wait
