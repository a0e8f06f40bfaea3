"""Database outages: which errors are temporary, and how long operations wait for the database."""
from __future__ import annotations

import threading
import time

import pymongo
from girder.models import getDbConnection
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from slicer_package_manager.registry.server.environment import DATABASE_SECONDS

#: ``Retry-After`` of responses during an outage, in seconds.
RETRY_AFTER = 5
#: Seconds that a working database takes to respond to a ping, at most.
_MOMENT = 2
#: MongoDB's codes of errors that are temporary: the retryable errors of the specifications
#: of its drivers ("Retryable Reads", "Retryable Writes"), writes that too few members acknowledge (64, 100), cursors
#: that ended with their server (43, 237), and a full disk (14031).
_PASSING = frozenset({6, 7, 43, 50, 64, 89, 91, 100, 134, 189, 237, 262, 9001, 10107, 11600, 11602, 13435, 13436,
                      14031})
#: The labels of temporary errors: of writes, of transactions that conflict or whose server is gone, and of commits.
_PASSING_LABELS = ('RetryableWriteError', 'TransientTransactionError', 'UnknownTransactionCommitResult')


def passes(error: PyMongoError) -> bool:
    """Whether ``error`` is temporary: the database is unavailable, and the request was not wrong."""
    if isinstance(error, ConnectionFailure) or error.timeout:
        return True
    return any(map(error.has_error_label, _PASSING_LABELS)) or (
        isinstance(error, OperationFailure) and error.code in _PASSING)


class _Outage:
    """How long no server of the database accepted writes, as far as this process knows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None

    def lasts(self, *, writable: bool) -> float:
        """The duration in seconds; 0 if the database is ``writable`` now."""
        with self._lock:
            if writable:
                self._since = None
                return 0.0
            self._since = self._since or time.monotonic()
            return time.monotonic() - self._since


_outage = _Outage()


def patience() -> float:
    """Seconds that one operation may take: the ``timeoutMS`` of the database's URI, or the default."""
    return float(getDbConnection().options.timeout or DATABASE_SECONDS)


def answers(seconds: float = _MOMENT) -> bool:
    """Whether the database responds to a ping within ``seconds``."""
    try:
        with pymongo.timeout(seconds):
            getDbConnection().admin.command('ping')
    except PyMongoError:
        return False
    return True


def lost() -> bool:
    """Whether no server accepted writes for longer than an operation waits.

    Reads the state of the driver; does not query the database.
    """
    servers = getDbConnection().topology_description.server_descriptions()
    return _outage.lasts(writable=any(server.is_writable for server in servers.values())) > patience()
