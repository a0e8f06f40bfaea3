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
        self._next: asyncio.Future[_Value] | None = None
        self._reader: asyncio.Task[None] | None = None

    async def get(self) -> _Value:
        """Return what a read returns that begins after this call.

        :raises Exception: what the read raises.
        """
        loop = asyncio.get_running_loop()
        if self._next is None:
            self._next = loop.create_future()
            if self._reader is None:
                self._reader = loop.create_task(self._work())
        # A task that is cancelled leaves the read to the others.
        return await asyncio.shield(self._next)

    async def _work(self) -> None:
        while self._next is not None:
            current, self._next = self._next, None
            try:
                current.set_result(await self._read())
            except Exception as error:  # noqa: BLE001 - for those who wait
                self._fail(current, error)
                if self._next and self._is_lasting(error):
                    current, self._next = self._next, None
                    self._fail(current, error)
        self._reader = None

    def _fail(self, waiting: asyncio.Future[_Value], error: Exception) -> None:
        waiting.set_exception(error)
        waiting.exception()  # all who waited may have been cancelled, which is no error
