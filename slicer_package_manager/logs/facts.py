"""Facts of all files that were ever published, which state what the addresses in logs stand for.

``slicer-package-manager logs facts`` exports them from the database of a server, as lines of JSON. The statistics
directory has a copy, so that logs can be read elsewhere too.
"""
from __future__ import annotations

from pathlib import Path

import duckdb

from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.place import replaced

#: The columns of a fact, with their types in DuckDB.
COLUMNS = {
    'file': 'VARCHAR', 'item': 'VARCHAR', 'app': 'VARCHAR', 'kind': 'VARCHAR', 'name': 'VARCHAR', 'baseName': 'VARCHAR',
    'os': 'VARCHAR', 'arch': 'VARCHAR', 'revision': 'VARCHAR', 'version': 'VARCHAR', 'app_revision': 'VARCHAR',
    'release': 'VARCHAR', 'pre_release': 'BOOLEAN', 'build_date': 'VARCHAR', 'category': 'VARCHAR',
    'sha512': 'VARCHAR', 'size': 'BIGINT', 'object': 'VARCHAR', 'created': 'TIMESTAMP', 'removed': 'TIMESTAMP',
    'public': 'BOOLEAN', 'aliases': 'VARCHAR[]'}
#: Of each fact, the addresses that it is known by, as :mod:`addresses` spells them.
NAMES = """
CREATE TABLE names AS
SELECT 'item:' || item AS key, id, created, removed FROM facts
UNION ALL SELECT 'file:' || file, id, created, removed FROM facts
UNION ALL SELECT 'sha512:' || lower(sha512), id, created, removed FROM facts WHERE sha512 <> ''
UNION ALL SELECT 'object:' || object, id, created, removed FROM facts WHERE object <> ''
UNION ALL SELECT 'midas-' || unnest(aliases), id, created, removed FROM facts"""


def store(exported: Path, target: Path) -> int:
    """Store the facts in the file ``exported`` as ``target``; return how many there are.

    Facts of files that only ``target`` had before are kept.

    :raises LogsError: the file has no facts.
    """
    columns = ', '.join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
    with duckdb.connect(':memory:', config={'autoinstall_known_extensions': False, 'threads': 1}) as database:
        try:
            database.execute(f"CREATE TABLE facts AS SELECT * FROM read_json($1, format = 'newline_delimited', "
                             f"columns = {{{columns}}})", [str(exported)])
        except duckdb.Error as error:
            raise LogsError(f'{exported} has no facts of files as "logs facts" exports them: {error}') from error
        if database.execute('SELECT count(*) FROM facts WHERE file IS NULL OR item IS NULL').fetchall() != [(0,)]:
            raise LogsError(f'{exported} has lines without "file" or "item", so they are no facts of files.')
        if target.exists():
            database.execute('INSERT INTO facts SELECT * FROM read_parquet($1) AS old WHERE NOT EXISTS ('
                             'SELECT 1 FROM facts WHERE facts.file = old.file AND facts.sha512 = old.sha512)',
                             [str(target)])
        with replaced(target) as new:
            database.execute(f"COPY (SELECT * FROM facts ORDER BY created, file, sha512) TO '{quoted(new)}' "
                             '(FORMAT parquet, COMPRESSION zstd)')
        (number,), = database.execute('SELECT count(*) FROM facts').fetchall()
    return int(number)


def load(database: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Create the tables ``facts``, with an ``id``, and ``names`` from the file ``path``."""
    database.execute('CREATE TABLE facts AS SELECT CAST(row_number() OVER () AS INTEGER) AS id, * '
                     'FROM read_parquet($1)', [str(path)])
    database.execute(NAMES)


def quoted(path: Path) -> str:
    """Return ``path`` for use between single quotes in SQL."""
    return str(path).replace("'", "''")
