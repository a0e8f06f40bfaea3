"""Whether the database can be reached: which of its errors pass by themselves, and how long anybody waits for it."""
from __future__ import annotations

import threading
import time

import pymongo
from girder.models import getDbConnection
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from slicer_package_manager.registry.server.environment import DATABASE_SECONDS

#: What a client is told to wait before it tries again, in seconds.
RETRY_AFTER = 5
#: How long a database that works takes for an answer to a ping at most, in seconds.
_MOMENT = 2
#: Codes of MongoDB for a server that cannot do now what it could do before: the retryable errors of the specifications
#: of its drivers ("Retryable Reads", "Retryable Writes"), writes that too few members acknowledge (64, 100), cursors
#: that ended with their server (43, 237), and a full disk (14031).
_PASSING = frozenset({6, 7, 43, 50, 64, 89, 91, 100, 134, 189, 237, 262, 9001, 10107, 11600, 11602, 13435, 13436,
                      14031})


def passes(error: PyMongoError) -> bool:
    """Whether ``error`` tells that the database cannot be used now, and not that a request was wrong."""
    if isinstance(error, ConnectionFailure) or error.timeout:
        return True
    return error.has_error_label('RetryableWriteError') or (
        isinstance(error, OperationFailure) and error.code in _PASSING)


class _Outage:
    """How long nobody could write to the database, as far as this process has noticed."""

    def __init__(self):
        self._lock = threading.Lock()
        self._since: float | None = None

    def lasts(self, *, writable: bool) -> float:
        """For how many seconds, given whether it is ``writable`` now."""
        with self._lock:
            if writable:
                self._since = None
                return 0.0
            self._since = self._since or time.monotonic()
            return time.monotonic() - self._since


_outage = _Outage()


def patience() -> float:
    """How long one operation on the database may take, in seconds: the ``timeoutMS`` of its URI, or our own."""
    return getDbConnection().options.timeout or DATABASE_SECONDS


def answers() -> bool:
    """Whether the database answers right now, within a moment."""
    try:
        with pymongo.timeout(_MOMENT):
            getDbConnection().admin.command('ping')
    except PyMongoError:
        return False
    return True


def lost() -> bool:
    """Whether there was no server to write to for so long that nobody should wait for one any more.

    This asks what the driver knows, and not the database.
    """
    servers = getDbConnection().topology_description.server_descriptions()
    return _outage.lasts(writable=any(server.is_writable for server in servers.values())) > patience()
