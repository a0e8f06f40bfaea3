"""The server's own counts beside those from logs, by day and by package."""
from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from slicer_package_manager.logs import manifest
from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.place import Place, replaced
from slicer_package_manager.logs.rules import comparison
from slicer_package_manager.logs.rules.comparison import Circumstances, Numbers
from slicer_package_manager.logs.rules.vocabulary import ROBOT

#: The file in which a comparison is saved, beside the daily files.
NAME = 'check.json'
#: The columns that identify a package in the rows of ``downloadstats``; ``revision`` is that of the application.
PACKAGE = ('kind', 'baseName', 'os', 'arch', 'revision')
_HOURS = 24
_LOGS = f"""
SELECT CAST(day AS VARCHAR), kind, baseName, os, arch, app_revision, sum(requests),
    coalesce(sum(requests) FILTER (WHERE client = '{ROBOT}'), 0), sum(incomplete)
FROM read_parquet($files) GROUP BY ALL"""


class Row(NamedTuple):
    """What one package, or all (``package`` is empty), has on one day, and what may explain a difference."""

    day: str
    package: tuple[str, ...]
    numbers: Numbers
    reasons: list[str]


class Period(NamedTuple):
    """The days that are compared, both included; ``None`` is the first or the last one with logs."""

    first: date | None = None
    last: date | None = None


class Comparison(NamedTuple):
    """The rows of all days, and those of the packages that differ, the largest difference first."""

    days: list[Row]
    packages: list[Row]

    @property
    def total(self) -> Numbers:
        """The sums of all days."""
        total = Numbers()
        for row in self.days:
            total = total.plus(row.numbers)
        return total

    def as_json(self) -> dict[str, list[dict[str, Any]]]:
        """Return the rows for JSON."""
        return {'days': [_shown(row) for row in self.days], 'packages': [_shown(row) for row in self.packages]}

    def save(self, place: Place) -> None:
        """Write the rows beside the daily files in ``place``, where :mod:`report.comparison` finds them."""
        with replaced(place.published / NAME) as new:
            new.write_text(json.dumps(self.as_json(), indent=1) + '\n')


def _shown(row: Row) -> dict[str, Any]:
    package = dict(zip(PACKAGE, row.package, strict=True)) if row.package else {}
    return {'day': row.day, **package, **row.numbers._asdict(), 'difference': row.numbers.difference,
            'reasons': row.reasons}


def counts_in(path: Path) -> list[dict[str, Any]]:
    """Return the rows in a file of ``downloadstats`` with ``format=csv``.

    :raises LogsError: it is no such file, or has no days.
    """
    with path.open(newline='', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    if rows and not {'period', 'count', *PACKAGE} <= rows[0].keys():
        raise LogsError(f'{path} has no download counts: get it by downloadstats?granularity=day&format=csv&limit=0.')
    for row in rows:
        try:
            date.fromisoformat(row['period'])
            row['count'] = int(row['count'])
        except ValueError:
            raise LogsError(f'{path} has no counts by day: get it by downloadstats?granularity=day&format=csv&limit=0.'
                            ) from None
    return rows


def compare(place: Place, counts: Iterable[Mapping[str, Any]], period: Period) -> Comparison:
    """Compare the daily files in ``place`` with ``counts``, rows of ``downloadstats`` by day.

    :raises LogsError: there are no daily files.
    """
    known = manifest.read(place)['days']
    if not known:
        raise LogsError(f'There are no daily files in {place.published}. Run "slicer-package-manager logs ingest" '
                        'first.')
    first = period.first or date.fromisoformat(min(known))
    last = period.last or date.fromisoformat(max(known))
    days = [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]
    found = _from_logs(place, [day for day in days if day in known])
    for row in counts:
        if row['period'] in days:
            key = (row['period'], *(row[name] for name in PACKAGE))
            found[key] = found.get(key, Numbers()).plus(Numbers(server=row['count']))
    return _compared(found, {day: _circumstances(known.get(day)) for day in days})


def _from_logs(place: Place, days: Iterable[str]) -> dict[tuple[str, ...], Numbers]:
    files = [str(place.published / f'{day.replace("-", "/")}.parquet') for day in days]
    if not files:
        return {}
    with duckdb.connect(':memory:', config={'autoinstall_known_extensions': False, 'threads': 1}) as database:
        rows = database.execute(_LOGS, {'files': files}).fetchall()
    return {tuple(str(value) for value in key): Numbers(0, int(requests), int(robots), int(incomplete))
            for *key, requests, robots, incomplete in rows}


def _circumstances(day: Mapping[str, Any] | None) -> Circumstances:
    if day is None:
        return Circumstances(has_logs=False)
    missing = [(source, f'{hour:02}') for source, hours in day['hours'].items() for hour in range(_HOURS)
               if hours[hour] == '0']
    return Circumstances(missing=missing, unknown=day['unknown'])


def _compared(found: Mapping[tuple[str, ...], Numbers], days: Mapping[str, Circumstances]) -> Comparison:
    totals = dict.fromkeys(days, Numbers())
    for (day, *_), numbers in found.items():
        totals[day] = totals[day].plus(numbers)
    packages = [Row(day, tuple(package), numbers, comparison.reasons(numbers, days[day]))
                for (day, *package), numbers in found.items() if numbers.difference]
    packages.sort(key=lambda row: (-abs(row.numbers.difference), row))
    return Comparison([Row(day, (), numbers, comparison.reasons(numbers, days[day]))
                       for day, numbers in totals.items()], packages)
