"""Raw logs: the requests of a day, for those who compute what the daily files do not have.

``logs ingest --raw-logs`` keeps their lines in ``raw/KIND/YYYY-MM-DD/``, in files that are named after the commits of
the ledger, so that each line counts once, as in :mod:`daily`. From them follows a log for each source of the day:

- Those with pseudonyms have the parts of a request in :mod:`raw_lines`. Requests for private packages are left out.
  A country, system or user agent that few clients of the day share is not shown.
- Those that are unchanged have the lines as they are.

A log is a file in the combined format, ordered by time. It depends on the lines only.
"""
from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import duckdb

from slicer_package_manager.logs import daily
from slicer_package_manager.logs.place import Place, replaced
from slicer_package_manager.logs.rules.privacy import Combination
from slicer_package_manager.logs.rules.raw_lines import Kind

#: In the directory of a day: what the checksums of its logs are, and what they were made from.
_MADE = 'made.json'
_BATCH, _BLOCK = 10_000, 1 << 20
#: Ends the name of a directory that is being deleted: half of the lines of a day must not pass for all of them.
_DELETED = '.deleted'
_COLUMNS = ('moment', 'text', 'key', 'client', 'country', 'class', 'os', 'method', 'target', 'status', 'bytes', 'first',
            'stop', 'agent')
#: A line counts as often as in the chain that has it most often.
_LINES = f"""
CREATE TEMP TABLE lines AS SELECT source, line, {', '.join(f'any_value({name}) AS {name}' for name in _COLUMNS)},
    max(n) AS n
FROM (SELECT source, line, chain, {', '.join(f'any_value({name}) AS {name}' for name in _COLUMNS)}, sum(n) AS n
      FROM read_parquet($files) GROUP BY source, line, chain) GROUP BY source, line"""
_PRIVATE = """
DELETE FROM lines WHERE key IN (
    SELECT key FROM names JOIN facts USING (id) GROUP BY key HAVING NOT bool_or(coalesce(public, FALSE)))"""
_AGENTS = """
CREATE TEMP TABLE shared AS SELECT agent FROM lines GROUP BY agent HAVING count(DISTINCT client) >= $threshold"""
_TEXT = {
    Kind.UNCHANGED: 'SELECT text, n FROM lines WHERE source = $source ORDER BY moment, text',
    Kind.PSEUDONYMS: """
SELECT lines.client || ' - ' || shown.country || strftime(moment, ' [%d/%b/%Y:%H:%M:%S +0000] "') || method
    || ' ' || target || ' HTTP/1.1" ' || status || ' ' || coalesce(CAST(bytes AS VARCHAR), '-') || ' "-" "'
    || CASE WHEN shown.client_os = lines.os AND agent IN (FROM shared) THEN agent
       ELSE shown.client || '; ' || shown.client_os END || '"'
    || CASE WHEN first IS NULL OR stop IS NULL THEN ''
       ELSE ' "bytes ' || first || '-' || (stop - 1) || '/*"' END AS text, n
FROM lines JOIN combinations AS shown ON (lines.country, lines.class, lines.os) = shown.own
WHERE source = $source ORDER BY moment, text"""}
_PLAIN = re.compile(r'[A-Za-z0-9_-]{1,40}')


class RawLog(NamedTuple):
    """One log of a day: its size in bytes, and its SHA-256."""

    size: int
    sha256: str


class RawLogs:
    """The raw logs of ``kind`` in ``place``."""

    def __init__(self, place: Place, kind: Kind) -> None:
        self._place, self._kind, self._path = place, kind, place.raw / kind.value

    def __iter__(self) -> Iterator[date]:
        """The days that have lines, the first one first."""
        for path in sorted(self._path.glob('????-??-??')):
            if any(path.glob('*.parquet')):
                yield date.fromisoformat(path.name)

    def prepare(self, day: date) -> Path:
        """Return the directory for lines of ``day``, which is created if it is missing."""
        directory = self._path / day.isoformat()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return directory

    def made(self, day: date, threshold: int) -> dict[str, RawLog] | None:
        """Return the logs of ``day`` by their names, if they were made from all of its lines; ``None`` otherwise."""
        path = self._path / day.isoformat() / _MADE
        found = json.loads(path.read_text()) if path.exists() else {}
        if found.get('from') != self._basis(day, threshold):
            return None
        return {name: RawLog(*values) for name, values in found['logs'].items()}

    @contextmanager
    def make(self, day: date, threshold: int) -> Iterator[dict[str, Path]]:
        """Make the logs of ``day``, and give their files by their names; they are deleted at the end."""
        basis, files = self._basis(day, threshold), {}
        try:
            with daily.database(self._place) as database:
                self._read(database, day, threshold)
                for source, in database.execute('SELECT DISTINCT source FROM lines ORDER BY source').fetchall():
                    name = log_name(day, source, self._kind)
                    files[name] = self._place.scratch / name
                    self._write(database, source, files[name])
            self._note(day, basis, files)
            yield files
        finally:
            for path in files.values():
                path.unlink(missing_ok=True)

    def _basis(self, day: date, threshold: int) -> list[str]:
        lines = sorted(path.name for path in (self._path / day.isoformat()).glob('*.parquet'))
        return [str(threshold), *lines]

    def _read(self, database: duckdb.DuckDBPyConnection, day: date, threshold: int) -> None:
        files = [str(path) for path in sorted((self._path / day.isoformat()).glob('*.parquet'))]
        database.execute(_LINES, {'files': files})
        if self._kind is Kind.UNCHANGED:
            return
        database.execute(_PRIVATE)
        database.execute(_AGENTS, {'threshold': threshold})
        found = database.execute('SELECT country, class, os, count(DISTINCT client) FROM lines GROUP BY ALL').fetchall()
        daily.create_combinations(database, {Combination(*one): number for *one, number in found}, threshold)

    def _write(self, database: duckdb.DuckDBPyConnection, source: str, path: Path) -> None:
        rows = database.execute(_TEXT[self._kind], {'source': source})
        with path.open('wb') as raw, gzip.GzipFile(filename='', mode='wb', fileobj=raw, compresslevel=6,
                                                   mtime=0) as file:
            while batch := rows.fetchmany(_BATCH):
                file.write(''.join((text + '\n') * int(number) for text, number in batch).encode())

    def _note(self, day: date, basis: list[str], files: dict[str, Path]) -> None:
        logs = {name: described(path) for name, path in files.items()}
        with replaced(self._path / day.isoformat() / _MADE) as new:
            new.write_text(json.dumps({'from': basis, 'logs': logs}))

    def delete(self, day: date) -> None:
        """Delete the lines of ``day``."""
        (self._path / day.isoformat()).rename(self._path / f'{day}{_DELETED}')
        self.clean()

    def clean(self) -> None:
        """Delete what a process has left that was killed."""
        for path in self._path.glob(f'*{_DELETED}'):
            shutil.rmtree(path)


def log_name(day: date, source: str, kind: Kind) -> str:
    """Return the name of the log of ``source`` on ``day``, which GitHub does not change."""
    plain = source if _PLAIN.fullmatch(source) else (
        f'{re.sub("[^A-Za-z0-9_-]", "_", source)[:20]}-{hashlib.sha256(source.encode()).hexdigest()[:8]}')
    return f'{day}-{plain}{"" if kind is Kind.PSEUDONYMS else ".unchanged"}.log.gz'


#: The names of all raw logs, with their days.
LOG_NAME = re.compile(r'(\d{4}-\d\d-\d\d)-[A-Za-z0-9_-]+(?:\.unchanged)?\.log\.gz')


def described(path: Path) -> RawLog:
    """Return the size and the checksum of the file ``path``."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return RawLog(path.stat().st_size, digest.hexdigest())
