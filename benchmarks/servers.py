"""Both servers, each a process of its own with a real MongoDB of its own."""
from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import httpx
import pymongo

from plugin_tests import mongodb, web_server
from slicer_package_manager.cli import database, web

OURS, PEER = 'ours', 'peer'
#: Another version of this server, from a checkout and an environment of its own.
FORMER = 'version before'
#: Of the administrator of each server.
LOGIN, PASSWORD = 'admin', 'admin-password'
#: Our server with few and with many packages; the two are compared with each other.
SMALL, LARGE = 'ours, few packages', 'ours, many packages'
#: Requests that one process of ours serves at the same time, as many as ``serve`` has by default.
_THREADS = 64
#: Without the access log that it writes by default, since ours does not write one either.
_PEER_CONFIG = """
[global]
server.socket_host = "127.0.0.1"
server.socket_port = {port}
[database]
uri = "{uri}"
replica_set = None
[server]
mode = "production"
[logging]
log_root = "{folder}"
log_access = []
log_level = "WARNING"
"""


@dataclass
class Server:
    """A running server; ``made`` caches what cases have loaded onto it.

    :param database: the URI of its database, which has a mongod of its own.
    :param origin: the origin on loopback that it may link to and fetch from; none if it is of another version.
    :param python: of its environment.
    """

    side: str
    database: str
    port: int
    process: subprocess.Popen
    folder: Path
    origin: str | None
    python: Path
    made: dict = field(default_factory=dict)

    @property
    def is_ours(self):
        return self.side != PEER

    @property
    def api(self):
        return f'http://127.0.0.1:{self.port}/api/v1'

    def once(self, key, make):
        """The result of ``make(server)``, computed once."""
        if key not in self.made:
            self.made[key] = make(self)
        return self.made[key]


class Run(NamedTuple):
    """How our server runs: its number of processes, and environment variables that it has besides."""

    workers: int = 1
    variables: tuple = ()


@contextlib.contextmanager
def start(side, python, origin, run):
    """The server of ``side`` on an empty database; ``python`` is that of its environment."""
    starting = mongodb.standalone() if side == PEER else mongodb.running()
    with starting as uri, _folder() as folder:
        server = Server(side, uri, 0, None, folder, origin, python)
        with _process(server, run) as (port, process):
            yield replace(server, port=port, process=process)


@contextlib.contextmanager
def running_as(server, run):
    """``server``, or if it is ours and ``run`` is not ``None``, another one on its database that runs like that."""
    if run is None or not server.is_ours:
        yield server
        return
    with _process(server, run) as (port, process):
        yield replace(server, port=port, process=process)


def _process(server, run):
    if server.side == PEER:
        return _peer(server)
    return _former(server, run) if server.side == FORMER else _ours(server, run)


@contextlib.contextmanager
def _ours(server, run):
    """This checkout's server, as `slicer-package-manager serve` runs it."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port = listener.getsockname()[1]
        command = web_server.command(listener, workers=run.workers, threads=_THREADS, origin=server.origin)
        variables = {**web.DEFAULTS, **web_server.variables(database.completed(server.database)),
                     **dict(run.variables)}
        with _running(command, variables, port, server.folder, listener) as process:
            yield port, process


@contextlib.contextmanager
def _former(server, run):
    """The server of another checkout, by its command ``serve``, which creates the administrator and the assetstore."""
    port = free_port()
    command = [str(server.python), '-m', 'slicer_package_manager.cli', 'serve', '--database', server.database,
               '--data-dir', str(server.folder), '--port', str(port), '--workers', str(run.workers)]
    with _running(command, {web.ADMIN_PASSWORD_VARIABLE: PASSWORD, **dict(run.variables)}, port,
                  server.folder) as process:
        yield port, process


@contextlib.contextmanager
def _peer(server):
    """The published peer, as it is run by ``girder serve`` of its environment."""
    port = free_port()
    config = server.folder / 'girder.cfg'
    config.write_text(_PEER_CONFIG.format(port=port, uri=server.database, folder=server.folder))
    command = [str(server.python.parent / 'girder'), 'serve']
    with _running(command, {'GIRDER_CONFIG': str(config)}, port, server.folder) as process:
        yield port, process


def mongod(server):
    """The process id of the mongod of ``server``."""
    with pymongo.MongoClient(server.database) as client:
        return client.admin.command('serverStatus')['pid']


@contextlib.contextmanager
def _folder():
    with tempfile.TemporaryDirectory(prefix='spm-benchmark-', ignore_cleanup_errors=True) as name:
        yield Path(name)


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as probe:
        return probe.getsockname()[1]


@contextlib.contextmanager
def _running(command, variables, port, folder, listener=None):
    log = folder / f'server-{port}.log'
    inherited = {name: value for name, value in os.environ.items() if not name.startswith('GIRDER_')}
    with log.open('w') as output:
        process = subprocess.Popen(command, env={**inherited, **variables}, cwd=folder, stdout=output, stderr=output,
                                   start_new_session=True, pass_fds=[listener.fileno()] if listener else [])
    try:
        _wait(f'http://127.0.0.1:{port}/api/v1/system/version', process, log)
        yield process
    finally:
        _end(process)


def _wait(url, process, log, patience=90):
    deadline = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5).status_code == httpx.codes.OK:
                return
        time.sleep(0.2)
    raise RuntimeError(f'The server did not start:\n{log.read_text()[-3000:]}')


def _end(process):
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(15)
