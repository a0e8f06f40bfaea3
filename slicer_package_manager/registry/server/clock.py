"""Whether the clock of this machine can be trusted to tell how long ago something was."""
from __future__ import annotations

import threading
import time

#: By how many seconds a clock may run ahead without having been set.
_TOLERANCE = 60.0


class Clock:
    """Notices when the clock is set forward, by comparing it with one that is never set.

    Then everything seems to be older than it is. Threads may share it.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._ahead = time.time() - time.monotonic()
        self._set_at: float | None = None

    def is_steady(self, seconds: float) -> bool:
        """Whether it was not set forward in the last so many seconds, as far as this process has noticed."""
        with self._lock:
            ahead = time.time() - time.monotonic()
            if ahead - self._ahead > _TOLERANCE:
                self._set_at = time.monotonic()
            self._ahead = ahead
            return self._set_at is None or time.monotonic() - self._set_at >= seconds


CLOCK = Clock()
