"""The command ``serve``: runs a server until a signal stops it."""
import json
import os
import re
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import platformdirs

from slicer_package_manager import __version__
from slicer_package_manager.cli import database, listener, mongod, processes, web
from slicer_package_manager.cli.admin import Admin, choose_admin
from slicer_package_manager.cli.data_dir import DataDir
from slicer_package_manager.cli.errors import ServeError
from slicer_package_manager.cli.supervisor import Stopped, Supervisor

LOG_LEVELS = ('debug', 'info', 'warning', 'error', 'critical')
# In seconds; a busy machine, or a database that recovers from a crash, may need long. An end is noticed at once.
_START_TIMEOUT = 300.0
# Requests mostly wait for the database. Each one that does takes a connection, of which the driver opens 100.
_THREADS_OF_CORE, _MOST_THREADS = 32, 96
# The variable that had options of the web server in earlier versions.
_OF_GUNICORN = 'GUNICORN_CMD_ARGS'
# The time for one response of a server that starts, in seconds; each attempt has twice that of the one before.
_FIRST_PATIENCE, _LONGEST_PATIENCE = 1.0, 10.0


@dataclass(frozen=True)
class Options:
    """The options of ``serve``."""

    host: str
    port: int
    database: str | None
    data: DataDir
    workers: int
    threads: int
    log_level: str
    access_log: Path | None
    admin: Admin


def threads_for(cores: int) -> int:
    """Return how many requests a process handles at the same time by default."""
    return min(_THREADS_OF_CORE * cores, _MOST_THREADS)


def _database_uri(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value and not re.match(r'mongodb(\+srv)?://[^/?]', value):
        raise click.BadParameter('expected mongodb://HOST:PORT/NAME')
    return value or None


@click.command()
@click.option('--host', default='127.0.0.1', show_default=True,
              help='Address to listen on; 0.0.0.0 or :: for all.')
@click.option('--port', type=click.IntRange(0, 65535), default=8080, show_default=True,
              help='Port to listen on; 0 selects a free one.')
@click.option('--data-dir', type=click.Path(file_okay=False, path_type=Path),
              envvar='SLICER_PACKAGE_MANAGER_DATA_DIR', show_envvar=True, show_default=True,
              default=platformdirs.user_data_dir('slicer-package-manager', appauthor=False),
              help='Directory for the database, the uploaded files and the logs.')
@click.option('--database', metavar='URI', callback=_database_uri,
              envvar=['SLICER_PACKAGE_MANAGER_DATABASE', 'GIRDER_MONGO_URI'], show_envvar=True,
              help='MongoDB to use instead of an embedded one, mongodb://HOST:PORT/NAME.')
@click.option('--no-embedded', is_flag=True,
              help='Never run an embedded MongoDB: fail unless --database names one.')
@click.option('--workers', type=click.IntRange(1), default=2, show_default=True,
              help='Number of server processes.')
@click.option('--threads', type=click.IntRange(1), default=lambda: threads_for(processes.cores()),
              show_default='32 for each core, 96 at most',
              help='Requests that Girder handles at the same time in each process.')
@click.option('--log-level', type=click.Choice(LOG_LEVELS, case_sensitive=False), default='warning',
              envvar='LOGLEVEL', show_envvar=True, show_default=True,
              help='Minimum severity of the messages on standard error.')
@click.option('--access-log', type=click.Path(dir_okay=False, path_type=Path), metavar='FILE',
              help='Append a line for each request to FILE, in the "combined" format.')
@click.option('--admin-login', default='admin', envvar='SLICER_PACKAGE_MANAGER_ADMIN_LOGIN', show_envvar=True,
              show_default=True, help='Login of the admin account of a new database.')
@click.option('--admin-password', envvar=web.ADMIN_PASSWORD_VARIABLE, show_envvar=True,
              help='Password of that account. Set it with the variable: arguments are visible to all users. '
                   'By default a password is generated and shown once.')
def serve(data_dir: Path, no_embedded: bool, admin_login: str, admin_password: str | None,
          **options: Any) -> None:  # those of Options
    """Run a server, with an embedded database unless --database names another one.

    The first start creates the database, a directory for uploaded files and an admin account. Later starts keep them.
    Ctrl-C or SIGTERM stops the server after its running requests; a second one does not wait for them.

    \b
    Examples:
      slicer-package-manager serve
      slicer-package-manager serve --host 0.0.0.0 --port 80 --data-dir /srv/slicer-packages
      slicer-package-manager serve --database mongodb://db.example.org:27017/girder --workers 4
    """  # noqa: D301 - click takes the control character as "keep these lines"
    if no_embedded and not options['database']:
        raise click.UsageError('--no-embedded requires a MongoDB: use --database, or set '
                               'SLICER_PACKAGE_MANAGER_DATABASE to mongodb://HOST:PORT/NAME.')
    run(Options(data=DataDir(data_dir), admin=choose_admin(admin_login, admin_password), **options))


def run(options: Options) -> None:
    """Serve until a signal requests the end.

    :raises ServeError: the server cannot start, or one of its processes ended by itself.
    """
    _greet()
    _warn_of_gunicorn()
    program = None if options.database else mongod.find_mongod()
    with ExitStack() as stack:
        metrics = stack.enter_context(web.measured())
        options.data.create()
        stack.enter_context(suppress(Stopped))
        if program:
            stack.enter_context(options.data.locked())
        listening = stack.enter_context(listener.listen(options.host, options.port))
        if program:
            options.data.create(options.data.database, options.data.log.parent)
            endpoint = mongod.Endpoint(options.data.sockets)
            stack.callback(endpoint.remove)
        supervisor = stack.enter_context(Supervisor())
        if program:
            supervisor.add(mongod.start(program, options.data, endpoint))
        uri = endpoint.uri if program else database.completed(options.database or '')
        env = web.environment(uri, options.log_level, embedded=options.database is None)
        _serve(options, supervisor, listening, {**env, **metrics})


def _greet() -> None:
    """Show a person that the command works. A first start takes seconds."""
    if sys.stderr.isatty():
        click.echo(f'Slicer Package Manager {__version__} starts. Ctrl-C stops it.', err=True)


def _warn_of_gunicorn() -> None:
    if os.environ.get(_OF_GUNICORN):
        click.echo(f'{_OF_GUNICORN} has no effect: the server no longer runs gunicorn. Use the options of this '
                   'command.', err=True)


def _serve(options: Options, supervisor: Supervisor, listening: socket.socket, env: Mapping[str, str]) -> None:
    """Start the web server while its database is prepared, and watch both."""
    host, port = listener.reachable_at(listening)
    ours, channel = socket.socketpair()
    server = supervisor.add(web.start(listening, channel, env, workers=options.workers, threads=options.threads,
                                      access_log=options.access_log, directory=options.data.path))
    with ours:
        if _bootstrap(options, supervisor, ours):
            _show_account(options.admin)
    # The workers wait for this line: they must not start before the database is ready.
    server.send_input(b'\n')
    _wait_until_it_answers(supervisor, host, port)
    click.echo(f'Slicer Package Manager {__version__} is ready: {listener.url_of(host, port)}')
    while True:
        supervisor.pause(3600)


def _bootstrap(options: Options, supervisor: Supervisor, channel: socket.socket) -> bool:
    """Have the database prepared by the web server, and return whether the admin account was created."""
    plan = {
        'assetstore': str(options.data.assetstore),
        'login': options.admin.login,
        'password': options.admin.password,
        'embedded': options.database is None,
        'patience': (database.patience(options.database, database.ANSWER_SECONDS) if options.database
                     else database.START_SECONDS),
    }
    with suppress(BrokenPipeError):  # if the web server has ended, that is reported below
        channel.sendall(json.dumps(plan).encode() + b'\n')
    received = supervisor.receive(channel)
    if not received:
        supervisor.pause(1)  # if the web server has ended, its end is reported
        raise ServeError('The database could not be prepared; the reason is above.')
    outcome: dict[str, Any] = json.loads(received)
    if 'error' in outcome:
        raise ServeError(outcome['error'])
    return bool(outcome['created'])


def _wait_until_it_answers(supervisor: Supervisor, host: str, port: int) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    patience = _FIRST_PATIENCE
    while not web.answers(host, port, patience):
        if time.monotonic() > deadline:
            raise ServeError(f'The web server did not answer within {_START_TIMEOUT:.0f} s.')
        supervisor.pause(0.05)
        patience = min(2 * patience, _LONGEST_PATIENCE)


def _show_account(admin: Admin) -> None:
    click.echo(f'Admin login: {admin.login}')
    if admin.generated:
        click.echo(f'Admin password: {admin.password}')
        click.echo('This password is not shown again.')
    else:
        click.echo(f'Admin password: the one of {web.ADMIN_PASSWORD_VARIABLE}')
