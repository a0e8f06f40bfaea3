"""What gunicorn is told besides its arguments; its names are those of gunicorn's settings and hooks."""
import importlib
import logging
import os
import re
import signal
import sys
from pathlib import Path

from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.http import message
from gunicorn.workers.gthread import ThreadWorker

from slicer_package_manager.cli import connection, processes
from slicer_package_manager.registry.server import client_address, environment, json_logs, log_masking

_SHARED_MEMORY = Path('/dev/shm')  # noqa: S108 - for the workers' heartbeat files, which are anonymous
#: What gunicorn says of a request that it cannot read ends with a piece of the request, which may be a credential.
_UNREADABLE = re.compile(r'(Invalid request from ip=\S*: [^:\'"]*).*', re.DOTALL)
#: How long a worker that starts waits for an answer of the database before it says so, in seconds.
_PATIENCE = 5
_operation = environment.of()


class AccessLogger(Logger):
    """Writes no passwords, tokens or API keys into the logs, and the client's address, not its proxy's."""

    def setup(self, cfg):
        """Begin to write to where ``cfg`` says."""
        super().setup(cfg)
        if _operation.log_format == 'json':
            json_logs.use_json(self.error_log)

    def atoms(self, resp, req, environ, request_time):
        """What a line of the log may hold."""
        atoms = super().atoms(resp, req, environ, request_time)
        hidden = {name: log_masking.masked(str(atoms[name])) for name in ('r', 'U', 'q', 'f', 'a')}
        # Neither the name in "Authorization" nor any other header: a line of the format "combined" needs none.
        shown = {name: atom for name, atom in atoms.items() if not name.startswith('{')}
        return {**shown, **hidden, 'u': '-', 'h': client_address.client(environ, _operation.trusted_proxies) or '-'}

    def warning(self, msg, *args, **kwargs):
        """Write a warning, without what a client sent."""
        super().warning(_UNREADABLE.sub(r'\1', msg), *args, **kwargs)

    def exception(self, msg, *args, **kwargs):
        """Write a failure, without the credentials in the address of the request."""
        super().exception(msg, *(log_masking.masked(one) if isinstance(one, str) else one for one in args), **kwargs)


class Worker(ThreadWorker):
    """Threads that serve; slow clients do not hold up the loop that accepts connections."""

    def handle(self, conn):
        """Serve a request; gives whether the connection is kept."""
        kept = super().handle(conn)
        if kept is False and hasattr(util, 'close_graceful'):
            # gunicorn would wait for the client to hang up, up to 2 s for each, in that loop.
            util.close_graceful(conn.sock)
            conn.close = _nothing
        return kept

    def murder_pending(self):
        """Close the connections that have sent nothing in time, and when stopping all that have sent nothing."""
        if not self.alive:
            # gunicorn would wait for them, such as the spare connections of a browser, as for running requests.
            for conn in self.pending_conns:
                conn.timeout = 0
        super().murder_pending()


def _nothing(*_args, **_options):
    """The connection is closed already."""


worker_class = Worker
logger_class = AccessLogger
# A thread that serves a slow transfer does not count: this is for workers that do not move at all.
timeout = 120
graceful_timeout = 25
# Longer than the 60 s for which common proxies keep a connection.
keepalive = 65
# girder-client sends all metadata in the query: a description of 64 KiB, percent-encoded, and the rest. gunicorn would
# lower any limit beyond its own constant.
message.MAX_REQUEST_LINE = 1024 * 1024
limit_request_line = 512 * 1024
# From proxies gunicorn would take the place of the application out of a header that clients can send too.
forwarder_headers = ''
# Servers of one user would share the file of this socket.
control_socket_disable = True
if _SHARED_MEMORY.is_dir():
    worker_tmp_dir = str(_SHARED_MEMORY)


def on_starting(_server):
    """Load the application's modules once for all workers, while the database starts.

    They connect to nothing: only the workers may, since no connection survives a fork.
    """
    if _operation.log_format == 'json':
        # Before Girder writes its first message.
        logging.basicConfig(stream=sys.stdout, level=os.environ['LOGLEVEL'])
        json_logs.use_json(logging.getLogger())
    importlib.import_module('girder.api.api_main')
    # CherryPy's own access log would go to standard error at every level, with the tokens in it.
    access = logging.getLogger('cherrypy.access')
    access.propagate = False
    access.addHandler(logging.NullHandler())


def when_ready(_server):
    """Wait for the supervisor's word that the database is ready before any worker starts."""
    if not sys.stdin.readline():
        sys.exit(0)


def post_fork(server, worker):
    """End the workers with their master, even if that is killed, and have them wait for the database."""
    processes.die_with_parent(server.pid)
    _wait_for_database(worker)


def _wait_for_database(worker):
    """Wait until the database answers: gunicorn ends the server when a worker cannot start."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)  # the worker has its own later, and now those of its master
    while not connection.answers(os.environ['GIRDER_MONGO_URI'], _PATIENCE):
        worker.log.warning('A worker waits for the database, which does not answer.')
        worker.notify()


def child_exit(_server, worker):
    """Take a worker that has ended out of the metrics of the present."""
    if os.environ.get('PROMETHEUS_MULTIPROC_DIR'):
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - most servers need not load it
        mark_process_dead(worker.pid)
