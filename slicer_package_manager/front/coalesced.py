"""Reads that many requests share.

1. A request that needs a value may use only what was read after the request arrived.
2. If no read is under way, the request starts one, and waits for it.
3. While a read is under way, all requests that arrive wait together for the next one. It starts when the current one
   ends.
4. A read that fails fails for all requests that wait for it, and for those that wait for the next one if the failure
   says that this would fail too, after they have waited twice as long. The next request starts another one.

So no request gets an older value than by a read of its own, and one read is under way at any time.
"""
from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

_Value = TypeVar('_Value')


class Coalesced(Generic[_Value]):
    """The value that ``read`` returns, for the tasks of one event loop.

    :param is_lasting: whether the next read would raise the same exception.
    """

    def __init__(self, read: Callable[[], Awaitable[_Value]],
                 is_lasting: Callable[[Exception], bool] = lambda _: False) -> None:
        self._read, self._is_lasting = read, is_lasting
        self._next: list[asyncio.Future[_Value]] = []  # one for each request: a request may be cancelled
        self._reader: asyncio.Task[None] | None = None

    async def get(self) -> _Value:
        """Return what a read returns that begins after this call.

        :raises Exception: what the read raises.
        """
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[_Value] = loop.create_future()
        self._next.append(waiting)
        if self._reader is None:
            self._reader = loop.create_task(self._work())
        return await waiting

    async def _work(self) -> None:
        while self._next:
            current = self._take()
            try:
                value = await self._read()
            except Exception as error:  # noqa: BLE001 - for those who wait
                _fail(current, error)
                if self._is_lasting(error):
                    _fail(self._take(), error)
            else:
                for waiting in current:
                    if not waiting.done():
                        waiting.set_result(value)
        self._reader = None

    def _take(self) -> list[asyncio.Future[_Value]]:
        current, self._next = self._next, []
        return current


def _fail(waiting: list[asyncio.Future[_Value]], error: Exception) -> None:
    for one in waiting:
        if not one.done():
            one.set_exception(error)
            one.exception()  # who waited may be cancelled before it sees this, which is no error
