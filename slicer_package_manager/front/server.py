"""A process that serves: uvicorn with the front, and Girder behind it."""
from __future__ import annotations

import logging
import resource
import socket
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import uvicorn

from slicer_package_manager.front import classes
from slicer_package_manager.front.access_log import AccessLog
from slicer_package_manager.front.admission import WorkClass
from slicer_package_manager.front.application import Front
from slicer_package_manager.front.connection import Connection, Heads
from slicer_package_manager.front.downloads import PublicDownloads
from slicer_package_manager.front.girder import Girder, WsgiApplication
from slicer_package_manager.front.pace import PaceLimits
from slicer_package_manager.front.threads import SharedThreads
from slicer_package_manager.front.versions import Versions
from slicer_package_manager.registry.server import environment
from slicer_package_manager.registry.server.environment import Operation

#: Seconds; longer than the 60 s for which common proxies keep a connection open.
_KEEP_ALIVE = 65
#: Seconds that running requests have when the server stops.
GRACE = 25
#: How many bytes of a response the system takes before the client can take them.
_UNSENT = 128 * 1024
#: Threads that make the bodies of Girder's responses, and as many that read files, and that fetch them from elsewhere.
_SENDERS = 32


def run(listener: socket.socket, app: WsgiApplication, threads: int, workers: int, access_log: Path | None,
        alive: Callable[[], None]) -> None:
    """Serve ``app`` on ``listener`` until a signal requests the end.

    :param threads: how many requests Girder handles at the same time.
    :param workers: how many processes serve on ``listener``, this one included.
    :param alive: is called every second.
    """
    _allow_many_connections()
    _limit_unsent(listener)
    operation = environment.of()
    handlers = ThreadPoolExecutor(threads, 'handlers')
    senders, readers, fetchers = (_shared(name) for name in ('senders', 'readers', 'fetchers'))
    versions, heads = Versions(), Heads()
    pace = PaceLimits(operation.min_rate, operation.max_transfer)
    admission = _classes(threads, workers, operation)
    downloads = PublicDownloads(readers, fetchers, admission[classes.Work.DOWNLOADS], versions, pace)
    front = Front(Girder(app, handlers, senders, pace), versions, downloads, operation, admission, pace,
                  AccessLog(access_log, operation.trusted_proxies) if access_log else None)

    async def notify() -> None:
        alive()
        heads.close_overdue()

    config = uvicorn.Config(
        front, http=partial(Connection, heads),  # type: ignore[arg-type] # uvicorn calls it
        loop='uvloop', ws='none', lifespan='off', interface='asgi3', log_config=None,
        access_log=False, proxy_headers=False, server_header=False, timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE, callback_notify=notify, timeout_notify=1)
    # Its warnings are about malformed requests, and about clients that offer HTTP/2.
    logging.getLogger('uvicorn.error').setLevel(logging.ERROR)
    # A signal that arrives just before uvicorn has its handlers ends the process, which Python would comment on.
    warnings.filterwarnings('ignore', "coroutine 'Server.serve' was never awaited", RuntimeWarning)
    uvicorn.Server(config).run([listener])


def _shared(name: str) -> SharedThreads:
    return SharedThreads(ThreadPoolExecutor(_SENDERS, name), _SENDERS)


def _classes(threads: int, workers: int, operation: Operation) -> dict[classes.Work, WorkClass]:
    if operation.metrics:
        from slicer_package_manager.rest.middleware.metrics import WorkMetrics  # noqa: PLC0415 - few servers need it
    return {work: WorkClass(limits, WorkMetrics(work.value) if operation.metrics else None)
            for work, limits in classes.limits(threads, workers, operation.work_limits).items()}


def _limit_unsent(listener: socket.socket) -> None:
    """Let connections, which inherit it, have little that waits in the system for its client.

    By default this may be 4 MB each. Thousands of slow clients then use up what the system has for TCP, and it delays
    all connections, often by fifths of a second.
    """
    if hasattr(socket, 'TCP_NOTSENT_LOWAT'):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)


def _allow_many_connections() -> None:
    """Raise the number of files that the process may have open to what the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
