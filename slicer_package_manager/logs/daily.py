"""The daily files: what was downloaded on a day, by package and class of client.

From the records of a day follow, by the rules of :mod:`counting`, the downloads of each client, and from these the rows
of the day. They are published as ``YYYY/MM/DD.parquet`` and ``.csv.gz``, which depend on the records only: files that
were made twice are equal.
"""
from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from slicer_package_manager.logs import facts
from slicer_package_manager.logs.place import Place, replaced
from slicer_package_manager.logs.rules import contents, counting, privacy
from slicer_package_manager.logs.rules.privacy import Combination
from slicer_package_manager.logs.rules.vocabulary import ROBOT

_MEMORY = '256MB'
#: Facts of the package in each row.
FACTS = ('kind', 'app', 'baseName', 'os', 'arch', 'revision', 'app_revision', 'version', 'release', 'pre_release',
         'item', 'file')
#: The columns of the daily files; the last three are numbers.
COLUMNS = ('day', *FACTS, 'content', 'country', 'client', 'client_os', 'requests', 'clients', 'incomplete')

_VALUES = ('client', 'key', 'level', 'status', 'bytes', 'first', 'stop', 'country', 'class', 'os')
_MIN = ', '.join(f'min({name}) AS {name}' for name in _VALUES)
#: Lines that are in several records, which are few.
_REPEATED = 'CREATE OR REPLACE TEMP TABLE repeated AS SELECT line FROM records GROUP BY line HAVING count(*) > 1'
#: The requests in the records: a line counts as often as in the chain that has it most often.
_REQUESTS = f"""
CREATE OR REPLACE TEMP VIEW requests AS
SELECT {', '.join(_VALUES)}, n FROM records ANTI JOIN repeated USING (line)
UNION ALL SELECT {_MIN}, max(n) AS n FROM (
    SELECT line, chain, {_MIN}, sum(n) AS n FROM records SEMI JOIN repeated USING (line) GROUP BY line, chain)
GROUP BY line"""
#: The file that each address stands for: the newest one of that day, or else the newest one.
_RESOLVED = """
CREATE OR REPLACE TEMP TABLE resolved AS SELECT key, id, size FROM (
    SELECT key, id, size, row_number() OVER (PARTITION BY key ORDER BY
        CAST(names.created AS DATE) <= $day AND coalesce(CAST(names.removed AS DATE) >= $day, TRUE) DESC,
        names.created DESC, id DESC) AS place
    FROM (SELECT DISTINCT key FROM requests) JOIN names USING (key) JOIN facts USING (id)) WHERE place = 1"""
#: The downloads of each client and file.
_DOWNLOADS = f"""
CREATE OR REPLACE TEMP TABLE downloads AS SELECT *, bodies + unfollowed AS number FROM (
    SELECT client AS person, id, min(country) AS country, min(class) AS client, min(os) AS client_os,
        {counting.BODIES} AS bodies, {counting.UNFOLLOWED} AS unfollowed, {counting.RESPONSES} AS responses
    FROM requests JOIN resolved USING (key) GROUP BY client, id)"""
_PUBLIC = 'downloads JOIN facts USING (id) WHERE coalesce(public, FALSE)'
_ROWS = f"""
CREATE OR REPLACE TEMP TABLE rows AS
SELECT CAST($day AS DATE) AS day, {', '.join(f'facts.{name}' for name in FACTS)},
    coalesce(left(lower(facts.sha512), {contents.DIGITS}), '') AS content,
    shown.country, shown.client, shown.client_os, CAST(sum(number) AS BIGINT) AS requests,
    count(*) FILTER (WHERE number > 0) AS clients, CAST(sum(responses - bodies) AS BIGINT) AS incomplete
FROM downloads JOIN facts USING (id)
JOIN combinations AS shown ON (downloads.country, downloads.client, downloads.client_os) = shown.own
WHERE coalesce(public, FALSE) GROUP BY ALL HAVING requests + incomplete > 0"""


class DayFiles(NamedTuple):
    """The files of a day.

    :param files: of each file, relative to the published directory, its SHA-256 and its size.
    """

    day: date
    totals: dict[str, int]
    files: dict[str, tuple[str, int]]


class Daily:
    """Makes the daily files in ``place`` from the records of the days, with the facts that it has."""

    def __init__(self, place: Place, database: duckdb.DuckDBPyConnection, threshold: int) -> None:
        self._place, self._database, self._threshold = place, database, threshold

    def make(self, day: date, records: list[Path]) -> DayFiles:
        """Make the files of ``day`` from its ``records``."""
        execute = self._database.execute
        files = ', '.join(f"'{facts.quoted(path)}'" for path in records)
        execute(f'CREATE OR REPLACE TEMP VIEW records AS SELECT * FROM read_parquet([{files}])')
        execute(_REPEATED)
        execute(_REQUESTS)
        execute(_RESOLVED, {'day': day})
        execute(_DOWNLOADS)
        self._combine()
        execute(_ROWS, {'day': day})
        return DayFiles(day, self._totals(), dict(self._write(day)))

    def _combine(self) -> None:
        """Create the table of what is published in the place of each combination of country, class and system."""
        found = self._database.execute(
            f'SELECT country, client, client_os, count(DISTINCT person) FILTER (WHERE number > 0) FROM {_PUBLIC} '
            'GROUP BY ALL').fetchall()
        create_combinations(self._database, {Combination(*one): number for *one, number in found}, self._threshold)

    def _totals(self) -> dict[str, int]:
        people = f"count(DISTINCT person) FILTER (WHERE number > 0 AND client <> '{ROBOT}')"
        (clients,), = self._database.execute(f'SELECT {people} FROM {_PUBLIC}').fetchall()
        (requests, robots, incomplete, rows), = self._database.execute(
            f"SELECT coalesce(sum(requests) FILTER (WHERE client <> '{ROBOT}'), 0), "
            f"coalesce(sum(requests) FILTER (WHERE client = '{ROBOT}'), 0), coalesce(sum(incomplete), 0), count(*) "
            'FROM rows').fetchall()
        (private,), = self._database.execute(
            'SELECT coalesce(sum(number), 0) FROM downloads JOIN facts USING (id) WHERE NOT coalesce(public, FALSE)'
        ).fetchall()
        (unknown,), = self._database.execute(
            'SELECT coalesce(sum(n), 0) FROM requests ANTI JOIN resolved USING (key)').fetchall()
        return {'rows': rows, 'requests': int(requests), 'clients': clients, 'robots': int(robots),
                'incomplete': int(incomplete), 'private': int(private), 'unknown': int(unknown)}

    def _write(self, day: date) -> Iterator[tuple[str, tuple[str, int]]]:
        ordered = f'SELECT {", ".join(COLUMNS)} FROM rows ORDER BY ALL'
        stem = f'{day:%Y/%m/%d}'
        target = self._place.published / f'{stem}.parquet'
        with replaced(target) as new:
            self._database.execute(f"COPY ({ordered}) TO '{facts.quoted(new)}' (FORMAT parquet, COMPRESSION zstd)")
        yield f'{stem}.parquet', described(target)
        target = self._place.published / f'{stem}.csv.gz'
        with replaced(target) as new:
            new.write_bytes(_csv(self._database.execute(ordered).fetchall()))
        yield f'{stem}.csv.gz', described(target)


def create_combinations(database: duckdb.DuckDBPyConnection, clients: Mapping[Combination, int],
                        threshold: int) -> None:
    """Create the table ``combinations``: what is published in the place of each, see :func:`privacy.published`."""
    database.execute('CREATE OR REPLACE TEMP TABLE combinations (own STRUCT(a VARCHAR, b VARCHAR, c VARCHAR), '
                     'country VARCHAR, client VARCHAR, client_os VARCHAR)')
    shown = privacy.published(clients, threshold)
    if shown:
        database.executemany('INSERT INTO combinations VALUES (row(?, ?, ?), ?, ?, ?)',
                             [[*own, *other] for own, other in shown.items()])


def _csv(rows: list[tuple[Any, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(COLUMNS)
    writer.writerows([str(value).lower() if isinstance(value, bool) else value for value in row] for row in rows)
    return gzip.compress(text.getvalue().encode(), mtime=0)


def described(path: Path) -> tuple[str, int]:
    """Return the SHA-256 and the size of the file ``path``."""
    content = path.read_bytes()
    return hashlib.sha256(content).hexdigest(), len(content)


@contextmanager
def database(place: Place) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a database in memory that has the facts in ``place``."""
    with duckdb.connect(':memory:', config={
            'threads': 2, 'memory_limit': _MEMORY, 'temp_directory': str(place.scratch),
            'autoinstall_known_extensions': False, 'preserve_insertion_order': False}) as connection:
        facts.load(connection, place.facts)
        yield connection


@contextmanager
def opened(place: Place, threshold: int) -> Iterator[Daily]:
    """Give what makes daily files in ``place``, which has facts."""
    with database(place) as connection:
        yield Daily(place, connection, threshold)
