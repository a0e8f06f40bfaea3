"""Connections without sessions, which a database that starts again leaves behind.

PyMongo asks for each new connection once whether the server has sessions, and a member of a replica set says no until
it has a primary. With ``directConnection``, as for the embedded MongoDB, clients connect before that. Such a connection
stays in the pool, and every transaction on it fails.
"""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from girder.models import getDbConnection
from pymongo.errors import AutoReconnect, ConfigurationError
from pymongo.server_selectors import any_server_selector

_Result = TypeVar('_Result')
#: What PyMongo says in the error.
_WITHOUT_SESSIONS = 'Sessions are not supported'
#: Seconds until the next attempt.
_PAUSE = 0.1


def with_sessions(work: Callable[[], _Result], seconds: float) -> _Result:
    """Call ``work``, and again on new connections while those in the pool have no sessions; return its result.

    :raises AutoReconnect: the database had no sessions for ``seconds``; this passes, as other outages do.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            return work()
        except ConfigurationError as error:
            if _WITHOUT_SESSIONS not in str(error):
                raise
            if time.monotonic() > end:
                raise AutoReconnect('The database is starting: it has no sessions yet.') from error
            _leave_connections()
            time.sleep(_PAUSE)


def _leave_connections() -> None:
    """Let no operation begin on a connection that is in the pool now."""
    # PyMongo itself does so only after errors of the network and of servers that stop.
    for server in getDbConnection()._topology.select_servers(any_server_selector, 'leave connections'):  # noqa: SLF001
        server.pool.reset_without_pause()
