"""The web server: how ``serve`` starts it, and finds out that it answers."""
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from slicer_package_manager.cli import database
from slicer_package_manager.cli.errors import ServeError
from slicer_package_manager.cli.processes import spawn
from slicer_package_manager.cli.supervisor import Child
from slicer_package_manager.registry.server import environment as server_environment

ADMIN_PASSWORD_VARIABLE = 'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD'  # noqa: S105 - the name of a variable
#: The variable with the number of the socket that the plan comes from; the server sets it for its own process only.
CHANNEL_VARIABLE = 'SPM_BOOTSTRAP_SOCKET'
DEFAULTS = {
    'GIRDER_SERVER_MODE': 'production',
    # There is no broker: Girder runs the tasks of its workers at once.
    'GIRDER_WORKER_TASK_ALWAYS_EAGER': 'true',
    # By default uploads are refused when less than 10 GiB are free.
    'GIRDER_FILESYSTEMASSETSTORE_RESERVED_MBYTES': '512',
    # By default the C library gives each thread memory of its own, and keeps it.
    'MALLOC_ARENA_MAX': '2',
}
# One would replace the database, and the web server does not need the password.
_WITHHELD = ('GIRDER_TEST_DB', ADMIN_PASSWORD_VARIABLE)
STOP_GRACE = 40.0  # seconds; longer than that of the workers
_STDERR = 2
_PROBE = '/api/v1/system/version'


def environment(uri: str, log_level: str, *, embedded: bool) -> dict[str, str]:
    """The environment of Girder's processes; variables of the user override ``DEFAULTS``."""
    withheld = (*_WITHHELD, 'GIRDER_MONGO_REPLICA_SET') if embedded else _WITHHELD
    inherited = {name: value for name, value in os.environ.items() if name not in withheld}
    return {**DEFAULTS, **inherited, 'GIRDER_MONGO_URI': database.completed(uri, database.BOUNDED),
            'LOGLEVEL': log_level.upper()}


@contextmanager
def measured() -> Iterator[dict[str, str]]:
    """Variables with which the processes of the server share their metrics; none if metrics are off.

    :raises ServeError: an environment variable of the server is not valid.
    """
    try:
        wanted = server_environment.of().metrics
    except server_environment.Unusable as error:
        raise ServeError(str(error)) from error
    if not wanted:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix='slicer-package-manager-metrics-') as directory:
        yield {'PROMETHEUS_MULTIPROC_DIR': directory}


def start(
    listener: socket.socket,
    channel: socket.socket,
    env: Mapping[str, str],
    *,
    workers: int,
    threads: int,
    access_log: Path | None,
    directory: Path,
) -> Child:
    """Start the web server in ``directory`` and pass ``listener`` and ``channel`` to it, which are closed here.

    It prepares the database as the plan from ``channel`` says (:mod:`.bootstrap`), and serves after a line on its
    standard input.
    """
    args = [
        sys.executable, '-m', 'slicer_package_manager.cli.web_server',
        '--listener', str(listener.fileno()), '--workers', str(workers), '--threads', str(threads),
        *(['--access-log', str(access_log.absolute())] if access_log else []),
    ]
    # Not in the current directory, whose modules would hide installed ones.
    # Its standard output is our standard error, since ours is for the URL.
    process = spawn(args, env={**env, CHANNEL_VARIABLE: str(channel.fileno())}, cwd=directory,
                    pass_fds=[listener.fileno(), channel.fileno()], stdin=subprocess.PIPE, stdout=_STDERR)
    listener.close()
    channel.close()
    return Child('The web server', process, grace=STOP_GRACE, hasten=signal.SIGINT)


def answers(host: str, port: int, seconds: float) -> bool:
    """Whether Girder's API responds at ``host`` and ``port`` within ``seconds``."""
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request('GET', _PROBE)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
