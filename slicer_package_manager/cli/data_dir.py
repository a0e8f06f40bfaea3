"""The data directory of a server."""
import os
from contextlib import AbstractContextManager
from pathlib import Path

from slicer_package_manager import locks
from slicer_package_manager.cli.errors import ServeError


class DataDir:
    """The paths of the database, the assetstore and the logs below ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self.database = self.path / 'db'
        self.assetstore = self.path / 'assetstore'
        self.sockets = self.path / 'run'
        self.log = self.path / 'log' / 'mongod.log'

    def create(self, *directories: Path) -> None:
        """Create the data directory and ``directories`` in it, accessible to this user only.

        :raises ServeError: a directory cannot be created or written to.
        """
        try:
            for directory in (self.path, *directories):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ServeError(f'Cannot create {error.filename}: {error.strerror}. '
                             'Choose another directory with --data-dir.') from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise ServeError(f'Cannot write to the data directory {self.path}. '
                             'Choose another with --data-dir.')

    def in_use(self) -> bool:
        """Whether a process has locked the directory."""
        try:
            with self.locked():
                return False
        except ServeError:
            return True

    def locked(self) -> AbstractContextManager[None]:
        """Lock the directory for this process; the lock ends with the process, even if that is killed.

        :raises ServeError: another process has the lock.
        """
        return locks.locked(self.path / 'serve.lock', lambda owner: ServeError(
            f'The data directory {self.path} is in use by process {owner}. Stop that server, or choose another '
            'directory with --data-dir.' if owner else 'The embedded database requires Linux or macOS.'))
