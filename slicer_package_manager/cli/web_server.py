"""The program of the web server: ``python -m slicer_package_manager.cli.web_server``, which ``serve`` starts.

1. It imports Girder once for all workers, while the database starts. It opens no connection itself, since none survives
   a fork.
2. A fork has the database prepared (:mod:`.bootstrap`), and reports to ``serve``.
3. After a line on the standard input, the workers start; :mod:`.workers` watches them.
"""
from __future__ import annotations

import importlib
import logging
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from slicer_package_manager.cli import connection, processes, web
from slicer_package_manager.cli.workers import CANNOT_START, Workers
from slicer_package_manager.registry.server import environment, json_logs

logger = logging.getLogger(__name__)

#: The time in seconds after which a starting worker logs that the database does not answer.
_PATIENCE = 5


@click.command()
@click.option('--listener', type=int, required=True)
@click.option('--workers', type=int, required=True)
@click.option('--threads', type=int, required=True)
@click.option('--access-log', type=click.Path(path_type=Path))
def main(listener: int, workers: int, threads: int, access_log: Path | None) -> None:
    """Serve on the socket LISTENER."""
    _configure_logs()
    processes.import_for_forks('girder.api.api_main')
    _prepare()

    def serve(alive: Callable[[], None]) -> None:
        _serve(listener, threads, workers, access_log, alive)
    sys.exit(Workers(workers, serve, listener).run())


def _configure_logs() -> None:
    logging.basicConfig(stream=sys.stdout, level=os.environ['LOGLEVEL'])
    # The driver would log whole documents for debugging, with tokens and hashes of passwords.
    logging.getLogger('pymongo').setLevel(logging.INFO)
    if environment.of().log_format == 'json':
        json_logs.use_json(logging.getLogger())
    # The access log of CherryPy would go to standard error at every level, with tokens.
    access = logging.getLogger('cherrypy.access')
    access.propagate = False
    access.addHandler(logging.NullHandler())


def _prepare() -> None:
    """Have the database prepared, and wait until ``serve`` reports that it is."""
    with socket.socket(fileno=int(os.environ.pop(web.CHANNEL_VARIABLE))) as channel:
        master = os.getpid()
        bootstrap = os.fork()
        if bootstrap == 0:
            _prepare_database(master, channel)
    if not sys.stdin.readline():
        os.kill(bootstrap, signal.SIGKILL)  # it may wait for the database; this process has not reaped it yet
        sys.exit(0)
    os.waitpid(bootstrap, 0)


def _prepare_database(parent: int, channel: socket.socket) -> NoReturn:
    """Prepare the database in this fork of ``parent``, which has imported Girder, and end it."""
    processes.die_with_parent(parent)
    status = 1
    try:
        from slicer_package_manager.cli import bootstrap  # noqa: PLC0415 - the parent needs no more than Girder's API
        bootstrap.run(channel)
        status = 0
    except BaseException:  # noqa: BLE001 - the supervisor reports that the reason is on standard error
        traceback.print_exc()
    finally:
        os._exit(status)


def _serve(listener: int, threads: int, workers: int, access_log: Path | None, alive: Callable[[], None]) -> None:
    """In a worker: serve until a signal requests the end."""
    while not connection.answers(os.environ['GIRDER_MONGO_URI'], _PATIENCE):
        logger.warning('A worker waits for the database, which does not answer.')
        alive()
    try:
        app = importlib.import_module('girder.wsgi').app
        from slicer_package_manager.front import server  # noqa: PLC0415 - the first process need not load it
    except BaseException as error:
        if isinstance(error, SystemExit) and not error.code:
            raise  # a signal requests the end
        traceback.print_exc()  # the reason is on standard error
        sys.exit(CANNOT_START)
    server.run(socket.socket(fileno=listener), app, threads, workers, access_log, alive)


if __name__ == '__main__':
    main()
