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
#: Our server with few and with many packages; the two are compared with each other.
SMALL, LARGE = 'ours, few packages', 'ours, many packages'
#: Requests that one process of ours serves at the same time.
_THREADS = 32
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
    :param origin: the origin on loopback that it may link to and fetch from.
    """

    side: str
    database: str
    port: int
    process: subprocess.Popen
    folder: Path
    origin: str
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
def ours(side, origin, run):
    """This checkout's server on an empty database, as `slicer-package-manager serve` runs it."""
    with mongodb.running() as uri, _folder() as folder, _our_process(uri, folder, origin, run) as (port, process):
        yield Server(side, uri, port, process, folder, origin)


@contextlib.contextmanager
def running_as(server, run):
    """``server``, or if it is ours and ``run`` is not ``None``, another one on its database that runs like that."""
    if run is None or not server.is_ours:
        yield server
        return
    with _our_process(server.database, server.folder, server.origin, run) as (port, process):
        yield replace(server, port=port, process=process)


@contextlib.contextmanager
def _our_process(uri, folder, origin, run):
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port = listener.getsockname()[1]
        command = web_server.command(listener, workers=run.workers, threads=_THREADS, origin=origin)
        variables = {**web.DEFAULTS, **web_server.variables(database.completed(uri)), **dict(run.variables)}
        with _running(command, variables, port, folder, listener) as process:
            yield port, process


@contextlib.contextmanager
def peer(python, origin):
    """The published peer, as it is run by ``girder serve`` of the environment that ``python`` belongs to."""
    with mongodb.standalone() as uri, _folder() as folder:
        port = free_port()
        config = folder / 'girder.cfg'
        config.write_text(_PEER_CONFIG.format(port=port, uri=uri, folder=folder))
        command = [str(python.parent / 'girder'), 'serve']
        with _running(command, {'GIRDER_CONFIG': str(config)}, port, folder) as process:
            yield Server(PEER, uri, port, process, folder, origin)


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
