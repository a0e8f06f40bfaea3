"""The engine that reads lines: DuckDB, in memory, with a thread for each processor.

A thread takes a piece of a log through these steps:

1. Split it into lines, and these into fields, by the rules of :mod:`formats`.
2. Look up what Python has to decide, once for each distinct value: the target of a request, its client and country.
3. Count the lines that are left out, by reason. Store a record of each other line, with hashes in place of its text.

Addresses and user agents are in the memory of these steps only: this database has no file, and swaps nothing out.
"""
from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from slicer_package_manager.logs.countries import Countries
from slicer_package_manager.logs.rules import addresses, clients, counting, formats, raw_lines
from slicer_package_manager.logs.rules.raw_lines import Kind

#: Of the memory of a process below 500 MB, what DuckDB may use.
_MEMORY = '260MB'
#: Characters of the values that are remembered, of each kind and in each thread; and how many pieces wait for a thread.
_REMEMBERED, _WAITING = 6_000_000, 1
#: Bytes that are split into lines at once.
_TEXT = 1 << 16
_RECORD = ('day DATE, line UUID, client UBIGINT, chain VARCHAR, key VARCHAR, level UTINYINT, status USMALLINT, '
           'bytes BIGINT, first BIGINT, stop BIGINT, country VARCHAR, class VARCHAR, os VARCHAR')
_WORDS = ' OR '.join(f"contains(target, '{word}')" for word in addresses.WORDS)
#: The lines of texts. One text by itself would be a constant, which DuckDB splits when it plans the query: that takes
#: four times as long.
_LINES = """lines AS (SELECT line FROM (
    SELECT unnest(string_split(part, chr(10))) AS line FROM (SELECT unnest($1::VARCHAR[]) AS part)) WHERE line <> '')"""
#: Requests that may be for a package. Logs of buckets have keys of objects.
_CANDIDATE = (f"(moment IS NOT NULL AND ({_WORDS} OR starts_with(target, '{addresses.OBJECT}') "
              "OR (substr(target, -33, 1) = '/' AND regexp_matches(target, '/[0-9a-f]{32}$'))))")
# Hashes are compared only while their salt exists, so that fast ones suffice: MD5 for a line, and for a client that of
# DuckDB, which differs between its versions.
#: Which lines are for raw logs.
_RAW: Mapping[Kind | None, str] = {None: 'FALSE', Kind.PSEUDONYMS: raw_lines.INCLUDED, Kind.UNCHANGED: 'TRUE'}
_TEXTS = ', '.join(f'CASE WHEN is_looked_up THEN {name} END AS {name}' for name in (
    'address', 'method', 'target', 'agent'))
#: The text of other requests is not needed any more.
_REQUESTS = f"""
CREATE OR REPLACE TEMP TABLE requests AS WITH {_LINES}
SELECT CASE WHEN is_looked_up OR is_raw THEN line END AS line, {_TEXTS}, moment, CAST(moment AS DATE) AS day, status,
    bytes, first, stop, malformed, is_raw
FROM (SELECT *, {counting.MALFORMED} AS malformed, {{raw}} AS is_raw, {_CANDIDATE} OR {{shown}} AS is_looked_up
      FROM ({{parsed}}))"""
_STAGE = f"""
INSERT INTO staging
SELECT day, CAST(md5(salt || $source || line) AS UUID),
    hash(salt, address, agent), $chain, key, level, status, bytes,
    first, stop, coalesce(country, 'unknown'), class, os
FROM requests JOIN targets USING (target) JOIN salts USING (day) JOIN agents USING (agent)
LEFT JOIN places USING (address) WHERE {counting.REASON} = '{counting.KEPT}'"""
_RAW_COLUMNS = ('day DATE, source VARCHAR, line UUID, chain VARCHAR, moment TIMESTAMP, text VARCHAR, key VARCHAR, '
                'client VARCHAR, country VARCHAR, class VARCHAR, os VARCHAR, method VARCHAR, target VARCHAR, '
                'status USMALLINT, bytes BIGINT, first BIGINT, stop BIGINT, agent VARCHAR')
_RAW_LINE = 'day, $source, CAST(md5(salt || $source || line) AS UUID), $chain, moment'
_RAW_KEPT = f'is_raw AND malformed IS NULL AND {counting.POSSIBLE}'
_STAGE_RAW = {
    Kind.UNCHANGED: f"""
INSERT INTO raw_lines BY POSITION SELECT {_RAW_LINE}, line, {', '.join(['NULL'] * 12)}
FROM requests JOIN salts USING (day) WHERE {_RAW_KEPT}""",
    Kind.PSEUDONYMS: f"""
INSERT INTO raw_lines BY POSITION SELECT {_RAW_LINE}, NULL, key, left(sha256(salt || ' client ' || address), 16),
    coalesce(country, 'unknown'), class, os, method, shown_targets.shown, status, bytes, first, stop, shown_agents.shown
FROM requests JOIN salts USING (day) JOIN targets USING (target) JOIN shown_targets USING (target)
JOIN shown_agents USING (agent) JOIN agents USING (agent) LEFT JOIN places USING (address) WHERE {_RAW_KEPT}"""}
_HOURS = f"""
SELECT DISTINCT date_trunc('hour', moment) FROM requests WHERE malformed IS NULL AND {counting.POSSIBLE}"""
_REASONS = f"""
SELECT {counting.REASON} AS reason, count(*) FROM requests LEFT JOIN targets USING (target) LEFT JOIN salts USING (day)
GROUP BY reason"""


class Counts:
    """What was read: lines by reason, :data:`counting.KEPT` for those that were kept, and hours with requests."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self.hours: set[datetime] = set()

    def add(self, reasons: Iterable[tuple[str, int]], hours: Iterable[datetime]) -> None:
        """Add the counts of a piece."""
        for reason, number in reasons:
            self.reasons[reason] += number
        self.hours.update(hours)


class Engine:
    """An engine that stages records until they are written.

    :param salt: returns the salt of a day, which is not sealed.
    :param sealed: the days that are.
    :param raw: which raw logs are staged, too.
    """

    def __init__(self, countries: Countries, salt: Callable[[date], str], sealed: Iterable[date],
                 threads: int | None = None, raw: Kind | None = None) -> None:
        self._countries, self._salt, self._sealed, self._raw = countries, salt, frozenset(sealed), raw
        self._database = duckdb.connect(':memory:', config={
            'threads': 1, 'memory_limit': _MEMORY, 'temp_directory': '', 'autoinstall_known_extensions': False,
            'preserve_insertion_order': False, 'allow_community_extensions': False})
        self.clear()
        number = threads or os.cpu_count() or 1
        self._threads, self._most = ThreadPoolExecutor(number, thread_name_prefix='logs'), number + _WAITING
        self._running: list[Future[None]] = []
        self._of_thread = threading.local()
        self._lock = threading.Lock()

    def close(self) -> None:
        """End the threads, and release the memory."""
        self._threads.shutdown(cancel_futures=True)
        self._database.close()

    def submit(self, lines: bytes, source: str, chain: str, counts: Counts) -> None:
        """Stage the records of complete ``lines``, soon; what cannot be kept is added to ``counts``."""
        self._running.append(self._threads.submit(self._read, lines, source, chain, counts))
        while len(self._running) > self._most:
            self._running.pop(0).result()

    def wait(self) -> None:
        """Wait until all lines are staged."""
        while self._running:
            self._running.pop(0).result()

    def wait_if_full(self, records: int) -> bool:
        """If more than ``records`` are staged, wait until all lines are, and return whether that is so."""
        (number,), = self._database.execute('SELECT (SELECT count(*) FROM staging) + (SELECT count(*) FROM raw_lines)'
                                            ).fetchall()
        if number > records:
            self.wait()
        return bool(number > records)

    def days(self) -> list[date]:
        """Return the days of the staged records."""
        return [day for day, in self._database.execute('SELECT DISTINCT day FROM staging ORDER BY day').fetchall()]

    def write(self, day: date, path: Path) -> None:
        """Write the staged records of ``day`` to ``path``. Each is of one line, the number ``n``."""
        self._database.execute(f"COPY (SELECT * EXCLUDE (day), 1::BIGINT AS n FROM staging WHERE day = '{day}') "
                               f"TO '{_quoted(path)}' (FORMAT parquet, COMPRESSION zstd)")

    def raw_days(self) -> list[date]:
        """Return the days of the staged lines of raw logs."""
        return [day for day, in self._database.execute('SELECT DISTINCT day FROM raw_lines ORDER BY day').fetchall()]

    def write_raw(self, day: date, path: Path) -> None:
        """Write the staged lines of the raw logs of ``day`` to ``path``; equal ones as one with their number ``n``."""
        self._database.execute(
            f"COPY (SELECT * EXCLUDE (day), count(*) AS n FROM raw_lines WHERE day = '{day}' GROUP BY ALL) "
            f"TO '{_quoted(path)}' (FORMAT parquet, COMPRESSION zstd)")

    def clear(self) -> None:
        """Forget all staged records and lines."""
        self._database.execute(f'CREATE OR REPLACE TABLE staging ({_RECORD}); '
                               f'CREATE OR REPLACE TABLE raw_lines ({_RAW_COLUMNS})')

    def _read(self, lines: bytes, source: str, chain: str, counts: Counts) -> None:
        reader = getattr(self._of_thread, 'reader', None)
        if reader is None:
            reader = self._of_thread.reader = _Reader(
                self._database.cursor(), self._countries, self._salt, self._sealed, self._raw)
        found = reader.read(lines, source, chain)
        with self._lock:
            counts.add(*found)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


class _Reader:
    """The steps of one thread."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, countries: Countries, salt: Callable[[date], str],
                 sealed: Collection[date], raw: Kind | None) -> None:
        self._cursor, self._raw = cursor, raw
        self._decide: dict[str, Callable[[Any], tuple[Any, ...]]] = {
            'targets': _target, 'agents': clients.of_agent, 'places': lambda one: (countries.of(one),),
            'salts': lambda one: (salt(one),), 'shown_targets': lambda one: (raw_lines.shown_target(one),),
            'shown_agents': lambda one: (raw_lines.shown_agent(one),)}
        self._keys = {table: column for table, column in (_KEYS | (_RAW_KEYS if raw is Kind.PSEUDONYMS else {})).items()
                      if table != 'places' or countries.are_known}
        self._requests = _REQUESTS.replace('{raw}', _RAW[raw]).replace(
            '{shown}', 'is_raw' if raw is Kind.PSEUDONYMS else 'FALSE')
        self._sizes: Counter[str] = Counter()
        #: Those that have a salt already, or get none: their lines are in no record.
        self._days = set(sealed)
        for table in _TABLES:
            self._create(table)

    def read(self, lines: bytes, source: str, chain: str) -> tuple[list[tuple[str, int]], list[datetime]]:
        """Stage the records of ``lines``; return how many lines have which reason, and the hours of all requests."""
        execute = self._cursor.execute
        execute(self._requests.replace('{parsed}', formats.query(lines)), [_texts(lines)])
        hours = [hour for hour, in execute(_HOURS).fetchall()]
        self._learn('salts', {hour.date() for hour in hours} - self._days)
        self._days.update(hour.date() for hour in hours)
        for table, column in self._keys.items():
            self._learn(table, self._missing(table, column))
        execute(_STAGE, {'source': source, 'chain': chain})
        if self._raw:
            execute(_STAGE_RAW[self._raw], {'source': source, 'chain': chain})
        return execute(_REASONS).fetchall(), hours

    def _create(self, table: str) -> None:
        """Create ``table`` without rows. To truncate it would not release its memory."""
        self._cursor.execute(f'CREATE OR REPLACE TEMP TABLE {table} ({_TABLES[table]})')
        self._sizes[table] = 0

    def _missing(self, table: str, column: str) -> list[str]:
        """Return the values in ``column`` of the requests that ``table`` lacks."""
        if self._sizes[table] > _REMEMBERED:
            self._create(table)
        new = self._cursor.execute(f'FROM (SELECT DISTINCT {column} FROM requests WHERE {column} IS NOT NULL) '
                                   f'ANTI JOIN {table} USING ({column})').fetchall()
        return [value for value, in new]

    def _learn(self, table: str, values: Iterable[Any]) -> None:
        """Add to ``table`` what is decided of each of the new ``values``."""
        rows = [(one, *self._decide[table](one)) for one in values]
        if rows:
            columns = ', '.join(f'unnest(${number}::{_TYPES.get((table, number), "VARCHAR")}[])'
                                for number in range(1, len(rows[0]) + 1))
            self._cursor.execute(f'INSERT INTO {table} SELECT {columns}',
                                 [list(each) for each in zip(*rows, strict=True)])
            self._sizes[table] += sum(len(str(one)) for one, *_ in rows)


_TABLES = {'targets': 'target VARCHAR, key VARCHAR, level UTINYINT', 'salts': 'day DATE, salt VARCHAR',
           'agents': 'agent VARCHAR, class VARCHAR, os VARCHAR', 'places': 'address VARCHAR, country VARCHAR',
           'shown_targets': 'target VARCHAR, shown VARCHAR', 'shown_agents': 'agent VARCHAR, shown VARCHAR'}
#: The tables of what is decided, each with the column that it is decided by.
_KEYS = {'targets': 'target', 'agents': 'agent', 'places': 'address'}
_RAW_KEYS = {'shown_targets': 'target', 'shown_agents': 'agent'}
#: Types of the columns, by their number, that are no text.
_TYPES = {('targets', 3): 'UTINYINT', ('salts', 1): 'DATE'}


def _target(target: str) -> tuple[str | None, int | None]:
    found = addresses.of_target(target)
    return (found.key, int(found.level)) if found else (None, None)


def _texts(lines: bytes) -> list[str]:
    """Return ``lines`` as texts of complete lines. Hostile bytes do no harm: equal lines stay equal."""
    if b'\r' in lines:
        lines = lines.replace(b'\r\n', b'\n')
    if b'\0' in lines:
        lines = lines.replace(b'\0', b'?')
    texts, begin = [], 0
    while begin < len(lines):
        end = lines.find(b'\n', begin + _TEXT) + 1 or len(lines)
        texts.append(lines[begin:end].decode('utf-8', 'replace'))
        begin = end
    return texts
