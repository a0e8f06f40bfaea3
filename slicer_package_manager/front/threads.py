"""Functions that may block, called in threads."""
from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar

from slicer_package_manager.front.admission import Limits, WorkClass

_Result = TypeVar('_Result')
#: Seconds for which a function waits for a thread at most; transfers have limits of their own.
_DAY = 86_400.0


async def run(executor: Executor, function: Callable[..., _Result], *args: Any) -> _Result:
    """Return the result of ``function``, called in a thread of ``executor``.

    :raises Exception: what ``function`` raises.
    """
    return await asyncio.get_running_loop().run_in_executor(executor, function, *args)


class SharedThreads:
    """The ``number`` threads of ``executor``, which the addresses of clients share.

    One address has three quarters of them at most, and those that wait take turns, see :mod:`.admission`. So functions
    that take long, such as reads from a server that does not respond, do not keep other clients waiting.
    """

    def __init__(self, executor: Executor, number: int) -> None:
        self._executor, self._turns = executor, WorkClass(Limits(number, sys.maxsize, _DAY))

    async def run(self, address: str, function: Callable[..., _Result], *args: Any) -> _Result:
        """Return the result of ``function``, called in one of the threads for a client at ``address``.

        :raises Exception: what ``function`` raises.
        """
        async with self._turns.admitted(address):
            return await run(self._executor, function, *args)
