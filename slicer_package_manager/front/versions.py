"""The data version, which all requests that arrive at the same time share."""
from __future__ import annotations

import asyncio
from concurrent.futures import Executor

import pymongo
from pymongo.errors import PyMongoError

from slicer_package_manager.front.coalesced import Coalesced
from slicer_package_manager.registry.server import data_version, database_outage

#: The time limit for reading the data version, in seconds.
_TIMEOUT = 1.5


class Outage(Exception):  # noqa: N818 - an answer
    """The database does not answer."""


class Versions:
    """Reads of the data version in the threads of ``executor``."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._shared = Coalesced(self._read)

    async def current(self) -> data_version.Version:
        """Return a data version that the database had after this call.

        :raises Outage: the database does not tell it in time.
        """
        try:
            return await self._shared.get()
        except PyMongoError as error:
            raise Outage from error

    async def _read(self) -> data_version.Version:
        return await asyncio.get_running_loop().run_in_executor(self._executor, _read)


def _read() -> data_version.Version:
    if database_outage.lost():
        raise pymongo.errors.ServerSelectionTimeoutError
    with pymongo.timeout(_TIMEOUT):
        return data_version.version()
