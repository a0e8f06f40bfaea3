"""The directory of the statistics.

``ledger.jsonl`` and ``ledger.key`` state what was read, see :mod:`ledger`. ``open/YYYY-MM-DD/`` has the records of a
day that is not sealed yet, and its salt, see :mod:`days`. ``published/`` has the daily files, see :mod:`daily`.
``raw/KIND/YYYY-MM-DD/`` has raw logs that are to be published, if the operator wants them, see :mod:`raw_logs`.
``checked.json`` states which daily files were compared with the manifest, see :mod:`publication.checked_files`.
"""
from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from slicer_package_manager import durability, locks
from slicer_package_manager.logs.errors import LogsError

#: Begins the names of files that are being written.
UNFINISHED = '.new-'


class Place:
    """The paths in the directory ``path``.

    :param published: the directory of the daily files, if it is another one.
    """

    def __init__(self, path: Path, published: Path | None = None) -> None:
        self.path = path
        self.ledger, self.key = path / 'ledger.jsonl', path / 'ledger.key'
        self.open, self.published, self.raw = path / 'open', published or path / 'published', path / 'raw'
        self.facts, self.scratch = path / 'facts.parquet', path / 'scratch'

    def create(self) -> None:
        """Create the directory, for this user only.

        :raises OSError: it cannot be created.
        """
        for directory in (self.path, self.open, self.published, self.scratch):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def locked(self) -> AbstractContextManager[None]:
        """Lock the directory for this process.

        :raises LogsError: another process works on it.
        """
        return locks.locked(self.path / 'lock', lambda owner: LogsError(
            f'The statistics directory {self.path} is in use by process {owner}. Wait for its end.' if owner else
            'Statistics from logs require Linux or macOS.'))


def for_reading(path: Path) -> Place:
    """Return the statistics in ``path``, which may also be a copy of their directory ``published``."""
    place = Place(path)
    return place if place.published.is_dir() else Place(path, published=path)


@contextmanager
def replaced(target: Path) -> Iterator[Path]:
    """Give the path of a new file, which takes the place of ``target`` at the end, on the disk, or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=UNFINISHED)
    os.close(handle)
    new = Path(name)
    try:
        yield new
        durability.sync(new)
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)
    durability.sync(target.parent)
