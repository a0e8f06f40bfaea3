"""The days that are open: each has a directory with the records of its requests, and a salt.

A record has no address and no user agent. Its line and its client are hashes with the salt of the day. When a day is
*sealed*, its daily files are final, and the directory is deleted with the salt: then no hash can be compared with
anything any more.
"""
from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from slicer_package_manager import durability
from slicer_package_manager.logs.ledger import Ledger
from slicer_package_manager.logs.place import UNFINISHED, Place, replaced

_SALT = 'salt'
#: States what the daily files of a day were made from.
_MADE = 'made'


class Days:
    """The open days in ``place``."""

    def __init__(self, place: Place, ledger: Ledger) -> None:
        self._place, self._ledger = place, ledger
        self._salts: dict[date, str] = {}
        self._lock = threading.Lock()

    def directory(self, day: date) -> Path:
        """Return the directory of ``day``."""
        return self._place.open / day.isoformat()

    def __iter__(self) -> Iterator[date]:
        """The open days, the first one first."""
        for path in sorted(self._place.open.glob('????-??-??')):
            yield date.fromisoformat(path.name)

    def records(self, day: date) -> list[Path]:
        """Return the files with the records of ``day``."""
        return sorted(self.directory(day).glob('*.parquet'))

    def raw(self, day: date) -> list[Path]:
        """Return the files with lines for the raw logs of ``day``."""
        return sorted(self._place.raw.glob(f'*/{day}/*.parquet'))

    def salt(self, day: date) -> str:
        """Return the salt of ``day``, which exists until the day is sealed."""
        with self._lock:
            if day not in self._salts:
                path = self.directory(day) / _SALT
                self._salts[day] = path.read_text() if path.exists() else secrets.token_urlsafe(16)
            return self._salts[day]

    def prepare(self, day: date) -> Path:
        """Return the directory of ``day``, with its salt in it."""
        directory = self.directory(day)
        directory.mkdir(mode=0o700, exist_ok=True)
        if not (directory / _SALT).exists():
            with replaced(directory / _SALT) as new:
                new.write_text(self.salt(day))
        return directory

    def clean(self) -> None:
        """Delete what a process has left that was killed: records that were not committed, and sealed days."""
        for path in (*self._place.scratch.iterdir(), *self._place.path.rglob(f'{UNFINISHED}*')):
            path.unlink()
        for day in list(self):
            if day in self._ledger.sealed:
                self._forget(day)
        for path in (*self._place.open.glob('*/*.parquet'), *self._place.raw.glob('*/*/*.parquet')):
            if path.stem not in self._ledger.flushes:
                path.unlink()

    def is_made(self, day: date, basis: str) -> bool:
        """Whether the daily files of ``day`` were made from its records as they are, and from ``basis``."""
        path = self.directory(day) / _MADE
        return path.exists() and path.read_text() == self._made_from(day, basis)

    def note_made(self, day: date, basis: str) -> None:
        """Note that the daily files of ``day`` are made from its records, and from ``basis``."""
        with replaced(self.directory(day) / _MADE) as new:
            new.write_text(self._made_from(day, basis))

    def _made_from(self, day: date, basis: str) -> str:
        return '\n'.join([basis, *(path.name for path in self.records(day))])

    def due(self, open_days: int) -> list[date]:
        """Return the days that ended, and got their last records, more than ``open_days`` days ago."""
        now = datetime.now(timezone.utc)
        ended = (now - timedelta(days=open_days + 1)).date()
        return [day for day in self if day <= ended and self._age(day) >= open_days * 86400]

    def _age(self, day: date) -> float:
        newest = max((path.stat().st_mtime for path in (*self.records(day), *self.raw(day))), default=0.0)
        return time.time() - newest

    def seal(self, day: date) -> None:
        """Make the daily files of ``day``, which are written, final."""
        self._ledger.seal([day])
        self._forget(day)

    def _forget(self, day: date) -> None:
        directory = self.directory(day)
        (directory / _SALT).unlink(missing_ok=True)
        durability.sync(directory)
        shutil.rmtree(directory)
        self._salts.pop(day, None)


def commit_files(paths: list[Path]) -> None:
    """Write the files ``paths`` and the entries of their directories to the disk."""
    for path in paths:
        durability.sync(path)
    for directory in {path.parent for path in paths}:
        durability.sync(directory)
