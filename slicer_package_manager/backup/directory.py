"""The directory of all backups and of the objects that they share.

- ``objects/ab/cd/<SHA-512>``: the content of a file, stored once.
- ``backups/<UTC time>/``: one backup; its name ends with ``.partial`` until it is complete. In it are
  ``database/<collection>.bson.gz``, ``contents.gz`` (a line of JSON for each file: object, size, assetstore, path) and
  ``manifest.json``, which is written last.
- ``lock``, ``reading.lock``.
"""
from __future__ import annotations

import re
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from slicer_package_manager import locks
from slicer_package_manager.backup.errors import BackupError
from slicer_package_manager.backup.objects import Objects
from slicer_package_manager.durability import sync

PARTIAL = '.partial'
_NAME = re.compile(r'\d{4}-\d\d-\d\dT\d{6}Z')
_FORM = '%Y-%m-%dT%H%M%SZ'


@dataclass(frozen=True)
class Backup:
    """One backup, at ``path``."""

    path: Path

    @property
    def name(self) -> str:
        """The time at which it was begun, as the commands show it."""
        return self.path.name

    @property
    def moment(self) -> datetime:
        """The time at which it was begun."""
        return datetime.strptime(self.name, _FORM).replace(tzinfo=timezone.utc)

    @property
    def contents(self) -> Path:
        """The path of the list of files."""
        return self.path / 'contents.gz'

    def collection(self, name: str) -> Path:
        """The path of the documents of the collection ``name``."""
        return self.path / 'database' / f'{name}.bson.gz'


class Directory:
    """A directory with backups."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self.objects = Objects(self.path / 'objects')
        self._backups = self.path / 'backups'

    def backups(self) -> list[Backup]:
        """List the complete backups, oldest first."""
        found = self._backups.iterdir() if self._backups.is_dir() else ()
        return [Backup(one) for one in sorted(found) if _NAME.fullmatch(one.name)]

    def find(self, at: str | None = None) -> Backup:
        """Find the backup whose name begins with ``at``; the newest one by default.

        :raises BackupError: no backup, or several, have such a name.
        """
        found = [one for one in self.backups() if one.name.startswith(at or '')]
        if not found:
            what = f'no backup "{at}"' if at else 'no complete backup'
            raise BackupError(f'There is {what} in {self.path}. See slicer-package-manager backup list {self.path}.')
        if at and len(found) > 1:
            raise BackupError(f'Several backups begin with "{at}": {", ".join(one.name for one in found)}. Name one.')
        return found[-1]

    def begin(self) -> Backup:
        """Create the directory of a new backup, and remove the incomplete ones of earlier runs.

        :raises OSError: the directory cannot be written to.
        """
        self._backups.mkdir(parents=True, exist_ok=True)
        for left in self._backups.glob(f'*{PARTIAL}'):
            shutil.rmtree(left)
        self.objects.clear_unfinished()
        moment = datetime.now(timezone.utc)
        while (self._backups / moment.strftime(_FORM)).exists():
            moment += timedelta(seconds=1)
        place = Backup(self._backups / (moment.strftime(_FORM) + PARTIAL))
        (place.path / 'database').mkdir(parents=True)
        return place

    def finish(self, partial: Backup) -> Backup:
        """Give the backup ``partial``, whose files are synced to the disk, its final name."""
        final = Backup(partial.path.with_name(partial.name.removesuffix(PARTIAL)))
        sync(partial.path / 'database')
        sync(partial.path)
        partial.path.rename(final.path)
        sync(self._backups)
        return final

    def remove(self, backup: Backup) -> None:
        """Remove ``backup``, but none of its objects."""
        partial = backup.path.with_name(backup.name + PARTIAL)
        backup.path.rename(partial)
        shutil.rmtree(partial)

    def writing(self) -> AbstractContextManager[None]:
        """Lock the directory for the one process that creates or prunes backups.

        :raises BackupError: another process has the lock.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._locked('lock', 'is being written to')

    def reading(self, *, exclusive: bool = False) -> AbstractContextManager[None]:
        """Lock the objects: shared, so that none is removed, or ``exclusive``, to remove some.

        :raises BackupError: another process has a lock that excludes this one.
        """
        if not self.path.is_dir():
            raise BackupError(f'There is no directory {self.path}.')
        return self._locked('reading.lock', 'is being read or pruned', shared=not exclusive)

    def _locked(self, name: str, doing: str, *, shared: bool = False) -> AbstractContextManager[None]:
        return locks.locked(self.path / name, lambda owner: BackupError(
            f'The directory {self.path} {doing} by process {owner}. Wait until it ends.' if owner
            else 'Backups require Linux or macOS.'), shared=shared)
