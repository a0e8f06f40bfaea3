"""A limit of the bytes that a migration reads in a second."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable

from slicer_package_manager.progress import Advance


class Pace:
    """Keeps the threads of a migration to ``rate`` bytes per second together; there is no limit if it is ``None``."""

    def __init__(self, rate: int | None, clock: Callable[[], float] = time.monotonic,
                 sleep: Callable[[float], object] | None = None) -> None:
        self._stopped = threading.Event()
        self._rate, self._clock, self._sleep = rate, clock, sleep or self._stopped.wait
        self._lock = threading.Lock()
        self._free = clock()  # when the next bytes may be read

    def stop(self) -> None:
        """Let no thread wait any more: the migration ends."""
        self._stopped.set()

    def limited(self, advance: Advance) -> Advance:
        """``advance``, which waits until so many bytes may be read."""
        def wait(number: int) -> None:
            advance(number)
            if self._rate and number:
                with self._lock:
                    self._free = max(self._free, self._clock()) + number / self._rate
                    pause = self._free - self._clock()
                self._sleep(max(0, pause))
        return wait
