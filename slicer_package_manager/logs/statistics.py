"""Statistics from logs, from the first step to the last: what the command ``logs ingest`` does.

1. Lock the directory, and delete what a killed process has left.
2. Read the logs, see :mod:`ingest`.
3. Make the daily files of all days that have other records or facts than those they were made from, see :mod:`daily`.
4. Seal the days that are due, see :mod:`days`.

A process may be killed at any moment. The next one has the same result as if nothing had happened.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import duckdb

from slicer_package_manager.logs import daily, dashboard, facts, ingest, manifest
from slicer_package_manager.logs.countries import Countries
from slicer_package_manager.logs.days import Days
from slicer_package_manager.logs.engine import Engine
from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.ingest import FileReport, Ingest
from slicer_package_manager.logs.ledger import Ledger
from slicer_package_manager.logs.place import Place
from slicer_package_manager.logs.raw_logs import RawLogs
from slicer_package_manager.logs.rules import counting, privacy
from slicer_package_manager.logs.rules.raw_lines import Kind
from slicer_package_manager.progress import Steps


class Options(NamedTuple):
    """How logs are read.

    :param source: names the server that wrote them. Equal lines of two sources are two requests.
    :param countries: the database of countries.
    :param open_days: for how many days after its end, and after its last records, a day stays open.
    :param threshold: see :mod:`privacy`.
    :param raw_logs: which raw logs are kept until they are published and pruned, see :mod:`raw_logs`.
    """

    source: str = 'default'
    countries: Path | None = None
    open_days: int = 2
    threshold: int = privacy.THRESHOLD
    raw_logs: Kind | None = None


@contextmanager
def locked(directory: Path) -> Iterator[Place]:
    """Give the statistics ``directory``, which is created if it is missing, locked for this process.

    :raises LogsError: it is in use, cannot be created, or a file in it cannot be read or written.
    """
    place = Place(directory)
    try:
        place.create()
    except OSError as error:
        raise LogsError(f'Cannot create {error.filename}: {error.strerror}. Choose another directory with '
                        '--statistics-dir.') from error
    with place.locked():
        try:
            yield place
        except duckdb.Error as error:
            raise LogsError(f'A file in {directory} cannot be read or written: {str(error).splitlines()[0]}. Make room '
                            'on the disk if it is full. If the file is damaged, restore it from a backup.') from error


class Statistics:
    """The statistics in ``place``, which is locked."""

    def __init__(self, place: Place, options: Options, steps: Steps) -> None:
        self._place, self._options, self._steps = place, options, steps
        self._ledger = Ledger(place)
        self._days = Days(place, self._ledger)
        self._days.clean()

    def use_facts(self, exported: Path) -> int:
        """Store the facts in the file ``exported``; return how many facts there are.

        :raises LogsError: see :func:`facts.store`.
        """
        return facts.store(exported, self._place.facts)

    def require_facts(self) -> None:
        """Check that there are facts.

        :raises LogsError: there are none.
        """
        if not self._place.facts.exists():
            raise LogsError('There are no facts about the files that the logs name. Export them on the server by '
                            '"slicer-package-manager logs facts -o facts.jsonl.gz", and give them with --facts; or '
                            'name the database of the server with --database.')

    def ingest(self, paths: Sequence[Path], *, dry: bool = False) -> list[FileReport]:
        """Read the logs ``paths``; return what became of each.

        :param dry: write nothing.
        """
        countries = Countries(self._options.countries)
        kind = self._options.raw_logs
        raw = RawLogs(self._place, kind or Kind.PSEUDONYMS)
        with closing(Engine(countries, self._days.salt, self._ledger.sealed, raw=kind)) as engine, \
                self._steps('Reading logs', ingest.total_size(paths), True) as advance:
            return Ingest(self._ledger, self._days, engine, self._options.source, raw=raw, dry=dry).read(
                paths, advance)

    def publish(self) -> list[date]:
        """Make the daily files that are out of date, and seal the days that are due; return the days that were made."""
        basis = ' '.join(map(str, (daily.described(self._place.facts)[0], self._options.threshold,
                                   counting.DEFINITIONS)))
        days = [day for day in self._days if self._days.records(day) and not self._days.is_made(day, basis)]
        if days:
            self._make(days)
            for day in days:
                self._days.note_made(day, basis)
        self._seal()
        return days

    def _make(self, days: list[date]) -> None:
        found = manifest.read(self._place)['days']
        with daily.opened(self._place, self._options.threshold) as made, \
                self._steps('Making daily files', len(days), False) as advance:
            for day in days:
                files = made.make(day, self._days.records(day))
                found[day.isoformat()] = manifest.entry(files, self._ledger.hours, self._options.threshold,
                                                        final=False)
                advance(1)
        self._write(found)

    def _write(self, days: dict[str, dict[str, object]]) -> None:
        manifest.write(self._place, days)
        dashboard.write(self._place, self._place.published / dashboard.NAME)

    def _seal(self) -> None:
        due = self._days.due(self._options.open_days)
        if due:
            found = manifest.read(self._place)['days']
            for day in due:
                if day.isoformat() in found:
                    found[day.isoformat()]['final'] = True
            self._write(found)
            for day in due:
                self._days.seal(day)
