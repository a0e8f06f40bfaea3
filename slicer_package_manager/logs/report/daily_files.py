"""The daily files of a period, as tables of a database in memory."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from slicer_package_manager.logs import facts
from slicer_package_manager.logs.check import Period
from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.rules.vocabulary import ROBOT

_ONE_DAY = timedelta(days=1)
#: ``history`` has all rows until the end of the period, ``everything`` those of the period, and ``downloads`` those
#: that are no robots'. ``days`` has the days with daily files.
_VIEWS = f"""
CREATE VIEW history AS SELECT * REPLACE (coalesce(baseName, '') AS baseName, coalesce(app, '') AS app,
        coalesce(release, '') <> '' AND NOT coalesce(pre_release, FALSE) AS release)
    FROM read_parquet([{{files}}], union_by_name = true) WHERE day <= DATE '{{last}}';
CREATE VIEW everything AS SELECT * FROM history WHERE day >= DATE '{{first}}';
CREATE VIEW downloads AS SELECT * FROM everything WHERE client <> '{ROBOT}' AND requests > 0;
CREATE TABLE days (day DATE)"""


class Span(NamedTuple):
    """The days from ``first`` to ``last``, both included."""

    first: date
    last: date

    @property
    def length(self) -> int:
        """The number of days."""
        return (self.last - self.first).days + 1

    @property
    def days(self) -> list[date]:
        """All days."""
        return [self.first + number * _ONE_DAY for number in range(self.length)]

    @property
    def before(self) -> Span:
        """The period of the same length before this one."""
        return Span(self.first - self.length * _ONE_DAY, self.first - _ONE_DAY)


class DailyFiles:
    """The daily files in ``paths``, by day, of which ``period`` is looked at."""

    def __init__(self, database: duckdb.DuckDBPyConnection, period: Span, paths: dict[date, Path]) -> None:
        self._database, self.period = database, period
        self._days = set(paths)
        files = ', '.join(f"'{facts.quoted(path)}'" for day, path in paths.items() if day <= period.last)
        database.execute(_VIEWS.format(files=files, first=period.first, last=period.last))
        database.executemany('INSERT INTO days VALUES (?)', [[day] for day in self.there(period)])

    def there(self, period: Span) -> list[date]:
        """Return the days of ``period`` that have daily files."""
        return [day for day in period.days if day in self._days]

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows that ``query`` finds; ``values`` are its parameters."""
        found: list[tuple[Any, ...]] = self._database.execute(query, values or None).fetchall()
        return found


@contextmanager
def opened(published: Path, period: Period) -> Iterator[DailyFiles]:
    """Give the daily files of ``period`` in the directory ``published``.

    :raises LogsError: there are none, or one cannot be read.
    """
    paths = {day: path for path in sorted(published.glob('????/??/??.parquet')) if (day := _day_of(path))}
    if not paths:
        raise LogsError(f'There are no daily files in {published}. Run "slicer-package-manager logs ingest" first, or '
                        'name the directory that has them with --statistics-dir.')
    chosen = Span(period.first or min(paths), period.last or max(paths))
    if not any(chosen.first <= day <= chosen.last for day in paths):
        raise LogsError(f'There are no daily files of {chosen.first} to {chosen.last} in {published}: they begin on '
                        f'{min(paths)} and end on {max(paths)}. Choose another period with --from and --to.')
    try:
        with duckdb.connect(':memory:', config={'autoinstall_known_extensions': False}) as database:
            yield DailyFiles(database, chosen, paths)
    except duckdb.Error as error:
        raise LogsError(f'A daily file in {published} cannot be read: {error}. Compare the checksums in manifest.json, '
                        'and get damaged files again.') from error


def _day_of(path: Path) -> date | None:
    *_, year, month, name = path.parts
    try:
        return date(int(year), int(month), int(name.partition('.')[0]))
    except ValueError:
        return None
