"""The clock of this machine: the present moment, and whether the clock was set."""
from __future__ import annotations

import threading
import time
from datetime import datetime, timezone

#: Seconds by which a clock may drift forward.
_TOLERANCE = 60.0


def now() -> datetime:
    """The present moment in UTC, in whole milliseconds, as the database stores it."""
    moment = datetime.now(timezone.utc)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Clock:
    """Detects that the clock was set forward, by comparing it with the monotonic clock. Thread-safe.

    When the clock is set forward, everything seems to be older than it is.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead = time.time() - time.monotonic()
        self._set_at: float | None = None

    def is_steady(self, seconds: float) -> bool:
        """Whether this process has not seen the clock set forward in the last ``seconds``."""
        with self._lock:
            ahead = time.time() - time.monotonic()
            if ahead - self._ahead > _TOLERANCE:
                self._set_at = time.monotonic()
            self._ahead = ahead
            return self._set_at is None or time.monotonic() - self._set_at >= seconds


CLOCK = Clock()
