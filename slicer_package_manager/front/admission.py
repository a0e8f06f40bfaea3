"""Admission of requests: each class of work has its own limit, so that a flood of one kind does not slow the others.

1. A request of a class runs at once if fewer requests of the class run than its limit.
2. Otherwise it waits in the queue of the class, which is short, for a limited time.
3. If the queue is full, or the time is over, the request is refused: 503 with ``Retry-After``.
4. One address may have only a part of what runs, and of all places of the class, so that it does not lock out the
   others.
5. The addresses that wait take turns, so that many requests of one do not delay those of the others.
"""
from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
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


class _Queue:
    """The turns of requests that wait, by address, and the order of the addresses."""

    def __init__(self) -> None:
        self._turns: dict[str, deque[asyncio.Future[bool]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._turns.values()))

    def add(self, address: str, turn: asyncio.Future[bool]) -> None:
        """Add a request that has come last."""
        self._turns.setdefault(address, deque()).append(turn)

    def discard(self, address: str, turn: asyncio.Future[bool]) -> bool:
        """Remove a request; return whether it was there."""
        turns = self._turns.get(address)
        if not turns or turn not in turns:
            return False
        turns.remove(turn)
        if not turns:
            del self._turns[address]
        return True

    def take(self, may_run: Callable[[str], bool]) -> tuple[str, asyncio.Future[bool]] | None:
        """Remove and return the request that is next: the first one of the first address that ``may_run``.

        The address becomes the last one. Requests that wait no longer are removed.
        """
        for address in filter(may_run, list(self._turns)):
            turns = self._turns.pop(address)
            while turns and turns[0].done():
                turns.popleft()
            if turns:
                turn = turns.popleft()
                if turns:
                    self._turns[address] = turns
                return address, turn
        return None


class WorkClass:
    """The requests of one class in this process. For one event loop.

    :ivar running: how many requests run.
    :ivar refused: how many were refused.
    """

    def __init__(self, limits: Limits, observer: Observer | None = None) -> None:
        self._limits, self._observer = limits, observer
        self._most_running = _part(limits.running)
        self._share = _part(limits.running + limits.waiting)
        self._running: Counter[str] = Counter()
        self._present: Counter[str] = Counter()
        self._queue = _Queue()
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
        self.require_room(address)
        self._present[address] += 1
        arrived = time.monotonic()
        try:
            await self._enter(address)
            try:
                if self._observer:
                    self._observer.began(time.monotonic() - arrived)
                yield
            finally:
                self._leave(address)
        finally:
            self._report()
            _remove(self._present, address)

    def require_room(self, address: str) -> None:
        """Check that a request from ``address`` would run now or wait.

        :raises Refused: the class is full, or the address has its share of it already.
        """
        if self._present[address] >= self._share or not (
                self._is_free(address) or self.waiting < self._limits.waiting):
            self._refuse()

    async def _enter(self, address: str) -> None:
        if self._is_free(address):
            self._begin(address)  # those who wait, if any, may not run now
            self._report()
            return
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._queue.add(address, turn)
        self._report()
        # asyncio.wait_for() loses a cancellation that comes with the turn, before Python 3.12.
        timer = loop.call_later(self._limits.seconds, _end, turn)
        try:
            has_place = await turn
        except BaseException:
            self._give_up(address, turn)
            raise
        finally:
            timer.cancel()
        if not has_place:
            self._queue.discard(address, turn)
            self._refuse()

    def _give_up(self, address: str, turn: asyncio.Future[bool]) -> None:
        is_waiting = self._queue.discard(address, turn)
        if not is_waiting and not turn.cancelled() and turn.result():  # its turn came at this moment
            self._leave(address)

    def _is_free(self, address: str) -> bool:
        return self.running < self._limits.running and self._may_run(address)

    def _may_run(self, address: str) -> bool:
        return self._running[address] < self._most_running

    def _begin(self, address: str) -> None:
        self.running += 1
        self._running[address] += 1

    def _leave(self, address: str) -> None:
        """Give the place to the request that is next."""
        self.running -= 1
        _remove(self._running, address)
        while self.running < self._limits.running and (found := self._queue.take(self._may_run)):
            waiting, turn = found
            self._begin(waiting)
            turn.set_result(True)

    def _refuse(self) -> None:
        self.refused += 1
        if self._observer:
            self._observer.refused()
        raise Refused

    def _report(self) -> None:
        if self._observer:
            self._observer.changed(self.running, self.waiting)


def _part(places: int) -> int:
    """Return how many of ``places`` one address may have."""
    return max(1, int(_SHARE * places))


def _remove(numbers: Counter[str], address: str) -> None:
    numbers[address] -= 1
    if not numbers[address]:
        del numbers[address]


def _end(turn: asyncio.Future[bool]) -> None:
    """End the wait for a turn that has not come in time."""
    if not turn.done():
        turn.set_result(False)
