"""Functions that may block, called in threads."""
from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar

_Result = TypeVar('_Result')


async def run(executor: Executor, function: Callable[..., _Result], *args: Any) -> _Result:
    """Return the result of ``function``, called in a thread of ``executor``.

    :raises Exception: what ``function`` raises.
    """
    return await asyncio.get_running_loop().run_in_executor(executor, function, *args)
