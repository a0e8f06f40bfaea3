"""Admission of requests: each class of work has its own limit, so that a flood of one kind does not slow the others.

1. A request of a class runs at once if fewer requests of the class run than its limit.
2. Otherwise it waits in the queue of the class, which is short, for a limited time.
3. If the queue is full, or the time is over, the request is refused: 503 with ``Retry-After``.
4. One address may have only a part of a class, running and waiting, so that it does not lock out the others.
"""
from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

#: The part of a class that one address may have. Many users may share the address of a hospital.
_SHARE = 0.75


class Refused(Exception):  # noqa: N818 - an answer
    """The class is full."""


@dataclass(frozen=True)
class Limits:
    """The limits of a class.

    :param running: how many requests run at the same time.
    :param waiting: how many wait.
    :param seconds: how long one waits, at most.
    """

    running: int
    waiting: int
    seconds: float


class Observer(Protocol):
    """What metrics of a class implement."""

    def changed(self, running: int, waiting: int) -> None:
        """Note how many requests run and wait."""

    def began(self, seconds: float) -> None:
        """Note that a request has waited for ``seconds``, and runs."""

    def refused(self) -> None:
        """Note that a request was refused."""


class WorkClass:
    """The requests of one class in this process. For one event loop.

    :ivar running: how many requests run.
    :ivar refused: how many were refused.
    """

    def __init__(self, limits: Limits, observer: Observer | None = None) -> None:
        self._limits, self._observer = limits, observer
        self._share = max(1, int(_SHARE * (limits.running + limits.waiting)))
        self._present: Counter[str] = Counter()
        self._queue: list[asyncio.Future[bool]] = []
        self.running = self.refused = 0

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return len(self._queue)

    @asynccontextmanager
    async def admitted(self, address: str) -> AsyncIterator[None]:
        """Run as a request from ``address`` in this context.

        :raises Refused: the class is full, or the address has its share of it already.
        """
        if self._present[address] >= self._share:
            self._refuse()
        self._present[address] += 1
        arrived = time.monotonic()
        try:
            await self._enter()
            try:
                if self._observer:
                    self._observer.began(time.monotonic() - arrived)
                yield
            finally:
                self._leave()
        finally:
            self._report()
            self._present[address] -= 1
            if not self._present[address]:
                del self._present[address]

    async def _enter(self) -> None:
        if self.running < self._limits.running and not self._queue:
            self.running += 1
            self._report()
            return
        if len(self._queue) >= self._limits.waiting:
            self._refuse()
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._queue.append(turn)
        self._report()
        # asyncio.wait_for() loses a cancellation that comes with the turn, before Python 3.12.
        timer = loop.call_later(self._limits.seconds, _end, turn)
        try:
            has_place = await turn
        except BaseException:
            self._give_up(turn)
            raise
        finally:
            timer.cancel()
        if not has_place:
            self._queue.remove(turn)
            self._refuse()

    def _give_up(self, turn: asyncio.Future[bool]) -> None:
        if turn in self._queue:
            self._queue.remove(turn)
        elif not turn.cancelled():  # its turn came at this moment
            self._leave()

    def _leave(self) -> None:
        """Give the place to the request that has waited longest."""
        while self._queue:
            turn = self._queue.pop(0)
            if not turn.done():
                turn.set_result(True)
                return
        self.running -= 1

    def _refuse(self) -> None:
        self.refused += 1
        if self._observer:
            self._observer.refused()
        raise Refused

    def _report(self) -> None:
        if self._observer:
            self._observer.changed(self.running, self.waiting)


def _end(turn: asyncio.Future[bool]) -> None:
    """End the wait for a turn that has not come in time."""
    if not turn.done():
        turn.set_result(False)
