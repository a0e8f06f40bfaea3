"""The data version, which all requests that arrive at the same time share, and outages of the database.

1. A request that needs the data version waits for it, and one that reads waits for a sign that the database answers.
2. While a request waits for its turn or is worked on, the database has to go on answering (:meth:`Versions.guard`).
3. A database that does not answer in time is asked once more: after a pause of the whole machine, it answers at once.
4. If it does not answer then, it is away for all requests that wait at this moment.
"""
from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from math import inf
from typing import Any, TypeVar

import pymongo
from pymongo.errors import PyMongoError

from slicer_package_manager.front import threads
from slicer_package_manager.front.coalesced import Coalesced
from slicer_package_manager.registry.server import data_version, database_outage, environment

logger = logging.getLogger(__name__)

_Value = TypeVar('_Value')

#: The time limit for reading the data version, in seconds: at least, at most, and how many times the slowest read of
#: the last minute. A machine that is busy beyond measure is slow in everything, and that is no outage.
_TIMEOUT, _LONGEST_TIMEOUT, _TIMES_SLOWEST = 1.4, 4.0, 4
_MEMORY = 60
#: The time limit for reading it once more.
_SECOND_TIMEOUT = 0.3
#: How long a request may take until the database has to show that it answers. With the least of these time limits, no
#: request waits for two seconds if it does not.
_UNSUSPICIOUS = 0.1
#: Seconds for which a database that has answered is believed to answer.
_RECENT = 1.0
#: When a database has answered that does not answer now.
_NEVER = -inf


class Outage(Exception):  # noqa: N818 - an answer
    """The database does not answer."""


class Versions:
    """Reads of the data version, in a thread of their own: they do not wait for slow disks, or for other queries."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, 'versions')
        self._others = ThreadPoolExecutor(4, 'live-responses')
        self._makers = ThreadPoolExecutor(4, 'lists')  # the others have not to wait for these
        self._shared = Coalesced(self._read, is_lasting=_has_timed_out)
        self._pace = _Pace()
        self._answered = _NEVER

    async def current(self) -> data_version.Version:
        """Return a data version that the database had after this call.

        :raises Outage: the database does not return it in time.
        """
        try:
            version = await self._shared.get()
        except PyMongoError as error:
            if self._answered != _NEVER:
                logger.warning('Requests are refused, since the database does not answer: %s.', error)
            self._answered = _NEVER
            raise Outage from error
        self._answered = time.monotonic()
        return version

    async def require(self) -> None:
        """Read, unless the database has answered lately: other queries wait much longer if it does not.

        :raises Outage: the database does not answer.
        """
        if time.monotonic() - self._answered > _RECENT:
            await self.current()

    async def guard(self, work: Coroutine[Any, Any, _Value]) -> _Value:
        """Return the result of ``work``, and give it up if the database does not answer meanwhile.

        What runs in a thread goes on to its end.

        :raises Outage: the database does not answer.
        """
        task = asyncio.create_task(work)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # also if it was given up
        try:
            while not (await asyncio.wait({task}, timeout=_UNSUSPICIOUS))[0]:
                await self.current()
            return task.result()
        finally:
            task.cancel()

    async def _read(self) -> data_version.Version:
        return await threads.run(self._thread, self._pace.read)

    async def read(self, what: Callable[[], _Value]) -> _Value:
        """Return what ``what`` reads from the database, in another thread.

        :raises Outage: the database does not answer in time.
        """
        return await self._in(self._others, what)

    async def make(self, what: Callable[[], _Value]) -> _Value:
        """Return what ``what`` makes of much that it reads, as :meth:`read` does.

        :raises Outage: the database does not answer in time.
        """
        return await self._in(self._makers, what)

    async def _in(self, executor: Executor, what: Callable[[], _Value]) -> _Value:
        try:
            return await threads.run(executor, _within, environment.DATABASE_SECONDS, what)
        except PyMongoError as error:
            raise Outage from error


def _has_timed_out(error: Exception) -> bool:
    return isinstance(error, PyMongoError) and error.timeout


class _Pace:
    """How long reads of the data version take that succeed, for one thread."""

    def __init__(self) -> None:
        self._slowest, self._since = 0.0, 0.0

    @property
    def limit(self) -> float:
        """The time in seconds after which the database does not answer."""
        if time.monotonic() - self._since > _MEMORY:
            self._slowest = 0.0
        return min(max(_TIMEOUT, _TIMES_SLOWEST * self._slowest), _LONGEST_TIMEOUT)

    def read(self) -> data_version.Version:
        """Return the data version, by a second read if the first one takes too long."""
        try:
            return self._timed(self.limit)
        except PyMongoError as error:
            if not _has_timed_out(error):
                raise
        return self._timed(_SECOND_TIMEOUT)

    def _timed(self, limit: float) -> data_version.Version:
        begun = time.monotonic()
        version = _within(limit, data_version.version)
        took = time.monotonic() - begun
        if took >= self._slowest:
            self._slowest, self._since = took, time.monotonic()
        return version


def _within(seconds: float, read: Callable[[], _Value]) -> _Value:
    if database_outage.lost():
        raise pymongo.errors.ServerSelectionTimeoutError
    with pymongo.timeout(seconds):
        return read()
