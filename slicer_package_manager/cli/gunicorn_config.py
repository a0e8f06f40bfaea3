"""The configuration of gunicorn besides its arguments; the names are those of its settings and hooks."""
import logging
import os
import re
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.http import message
from gunicorn.workers.gthread import ThreadWorker

from slicer_package_manager.cli import connection, processes, web
from slicer_package_manager.registry.server import client_address, environment, json_logs, log_masking

_SHARED_MEMORY = Path('/dev/shm')  # noqa: S108 - for the workers' heartbeat files, which are anonymous
#: gunicorn's message about an invalid request ends with a part of the request, which may be a credential.
_UNREADABLE = re.compile(r'(Invalid request from ip=\S*: [^:\'"]*).*', re.DOTALL)
#: The time in seconds after which a starting worker logs that the database does not answer.
_PATIENCE = 5
_operation = environment.of()


class AccessLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Mask passwords, tokens and API keys in the logs, and log the address of the client, not of its proxy."""

    def setup(self, cfg: Any) -> None:
        """Open the logs that the configuration ``cfg`` of gunicorn names."""
        super().setup(cfg)
        if _operation.log_format == 'json':
            json_logs.use_json(self.error_log)

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> dict[str, Any]:
        """The values that a line of the access log may have (gunicorn's method)."""
        atoms = super().atoms(resp, req, environ, request_time)
        hidden = {name: log_masking.masked(str(atoms[name])) for name in ('r', 'U', 'q', 'f', 'a')}
        # No user name of "Authorization" and no other header: the format "combined" has none.
        shown = {name: atom for name, atom in atoms.items() if not name.startswith('{')}
        return {**shown, **hidden, 'u': '-', 'h': client_address.client(environ, _operation.trusted_proxies) or '-'}

    def warning(self, msg: str, *args: object, **kwargs: Any) -> None:
        """Log a warning without data of the client."""
        super().warning(_UNREADABLE.sub(r'\1', msg), *args, **kwargs)

    def exception(self, msg: str, *args: object, **kwargs: Any) -> None:
        """Log a failure without the credentials in the URL of the request."""
        super().exception(msg, *(log_masking.masked(one) if isinstance(one, str) else one for one in args), **kwargs)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A worker with threads; slow clients do not block the loop that accepts connections."""

    def handle(self, conn: Any) -> bool:
        """Serve a request, and return whether the connection stays open (gunicorn's method)."""
        stays_open: bool = super().handle(conn)
        if stays_open is False and hasattr(util, 'close_graceful'):
            # gunicorn would wait in that loop, up to 2 s for each client, until it closes its connection.
            util.close_graceful(conn.sock)
            conn.close = _nothing
        return stays_open

    def murder_pending(self) -> None:
        """Close connections that sent no request in time; when stopping, all without a request (gunicorn's method)."""
        if not self.alive:
            # gunicorn would wait for these, such as the spare connections of a browser, as for running requests.
            for conn in self.pending_conns:
                conn.timeout = 0
        super().murder_pending()


def _nothing(*_args: object, **_options: object) -> None:
    """Do nothing: the connection is already closed."""


worker_class = Worker
logger_class = AccessLogger
# In seconds, for workers that hang; a thread that serves a slow transfer does not count.
timeout = 120
graceful_timeout = 25
# In seconds; longer than the 60 s for which common proxies keep a connection open.
keepalive = 65
# girder-client sends all metadata in the query: a percent-encoded description of 64 KiB, and the rest. gunicorn lowers
# limits that exceed its own constant.
message.MAX_REQUEST_LINE = 1024 * 1024
limit_request_line = 512 * 1024
# By default gunicorn trusts a header with the path of the application, which clients can send too.
forwarder_headers = ''
# All servers of a user would share the file of this socket.
control_socket_disable = True
if _SHARED_MEMORY.is_dir():
    worker_tmp_dir = str(_SHARED_MEMORY)


def on_starting(_server: Any) -> None:
    """Import the application once for all workers, while the database starts.

    This opens no connection; only the workers may do so, since no connection survives a fork.
    """
    if _operation.log_format == 'json':
        # Before Girder logs its first message.
        logging.basicConfig(stream=sys.stdout, level=os.environ['LOGLEVEL'])
        json_logs.use_json(logging.getLogger())
    processes.import_for_forks('girder.api.api_main')
    # The access log of CherryPy would go to standard error at every level, with tokens.
    access = logging.getLogger('cherrypy.access')
    access.propagate = False
    access.addHandler(logging.NullHandler())


def when_ready(server: Any) -> None:
    """Have the database prepared, and wait until the supervisor reports that it is, before any worker starts."""
    with socket.socket(fileno=int(os.environ.pop(web.CHANNEL_VARIABLE))) as channel:
        bootstrap = os.fork()
        if bootstrap == 0:
            _prepare_database(server.pid, channel)
    if not sys.stdin.readline():
        os.kill(bootstrap, signal.SIGKILL)  # it may wait for the database; this process has not reaped it yet
        sys.exit(0)


def _prepare_database(parent: int, channel: socket.socket) -> NoReturn:
    """Prepare the database in this fork of ``parent``, which has imported Girder, and end it."""
    processes.die_with_parent(parent)
    _reset_signals()
    status = 1
    try:
        from slicer_package_manager.cli import bootstrap  # noqa: PLC0415 - the parent needs no more than Girder's API
        bootstrap.run(channel)
        status = 0
    except BaseException:  # noqa: BLE001 - the supervisor reports that the reason is on standard error
        traceback.print_exc()
    finally:
        os._exit(status)


def _reset_signals() -> None:
    """Restore the default handlers of signals: a fork begins with those of its parent."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def post_fork(server: Any, worker: Any) -> None:
    """End the worker with its master, even if that is killed, and have it wait for the database."""
    processes.die_with_parent(server.pid)
    _wait_for_database(worker)


def _wait_for_database(worker: Any) -> None:
    """Wait until the database answers: gunicorn ends the server if a worker cannot start."""
    _reset_signals()
    while not connection.answers(os.environ['GIRDER_MONGO_URI'], _PATIENCE):
        worker.log.warning('A worker waits for the database, which does not answer.')
        worker.notify()


def child_exit(_server: Any, worker: Any) -> None:
    """Remove the gauges of a worker that has ended from the metrics."""
    if os.environ.get('PROMETHEUS_MULTIPROC_DIR'):
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - most servers need not load it
        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
