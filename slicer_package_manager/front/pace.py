"""How slow a client may be while a body is on its way."""
from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

_Result = TypeVar('_Result')

#: Seconds over which a rate is measured.
WINDOW = 60.0


class TooSlow(Exception):  # noqa: N818 - a statement about the client
    """The client is slower than the limits allow."""


@dataclass(frozen=True)
class PaceLimits:
    """The slowest transfer that is served.

    :param rate: bytes per second, on average over each :data:`WINDOW`.
    :param total: seconds for the whole transfer.
    """

    rate: int
    total: float


class Pace:
    """The progress of one transfer, at ``now`` in seconds."""

    def __init__(self, limits: PaceLimits, now: float | None = None) -> None:
        self._limits = limits
        self._began = self._window = time.monotonic() if now is None else now
        self._moved = 0

    async def wait(self, step: Callable[[], Awaitable[_Result]]) -> _Result:
        """Return the result of ``step``, which waits for the client.

        :raises TooSlow: it took too long.
        """
        while (seconds := self.seconds_left()) > 0:
            try:
                return await asyncio.wait_for(step(), seconds)
            except asyncio.TimeoutError:  # enough may have moved in this window; the next one begins
                continue
        raise TooSlow

    def seconds_left(self, now: float | None = None) -> float:
        """Return how long the transfer may wait for its next bytes; not positive if it is too slow already."""
        now = time.monotonic() if now is None else now
        if now - self._window >= WINDOW and self._moved >= self._limits.rate * (now - self._window):
            self._window, self._moved = now, 0
        return min(self._window + WINDOW, self._began + self._limits.total) - now

    def move(self, size: int) -> None:
        """Note that ``size`` bytes have moved."""
        self._moved += size
