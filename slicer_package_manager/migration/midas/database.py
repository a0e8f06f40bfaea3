"""The database of MIDAS, restored into MariaDB, which is only read."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.midas.tables import COLUMNS, Row

_SCHEMES = ('mysql', 'mariadb')
#: Seconds within which the database must answer, and within which it sends the next rows.
_PATIENCE, _READING = 15, 3600
#: Moments are stored in UTC, zeros are dates, and all tables are of one moment. Bytes come as the text that they are.
_SESSION = ("set time_zone = '+00:00'", "set sql_mode = ''", 'start transaction with consistent snapshot, read only')
#: How many rows are fetched at once.
_ROWS = 1000


@contextmanager
def connected(address: str) -> Iterator[Database]:
    """Connect to the database of ``address``, ``mysql://USER@HOST:PORT/DB``, or with ``?unix_socket=PATH``.

    :raises MigrationError: the driver is not installed, the address is wrong, or the database does not answer.
    """
    try:
        import pymysql  # noqa: PLC0415 - an extra, which only this command requires
        from pymysql.cursors import SSCursor  # noqa: PLC0415
    except ImportError:
        raise MigrationError('The driver PyMySQL is not installed. Install the server with its extra, in the clone: '
                             "pip install '.[midas]'") from None
    options = _options(urlsplit(address))
    try:
        connection = pymysql.connect(
            **options, charset='utf8mb4', cursorclass=SSCursor, connect_timeout=_PATIENCE, read_timeout=_READING,
            autocommit=False)
    except (pymysql.Error, OSError) as error:
        raise MigrationError(f'The database of MIDAS cannot be read: {_reason(error)}') from error
    with connection:
        try:
            database = Database(connection, options['database'])
            yield database
        except pymysql.Error as error:
            raise MigrationError(f'The database of MIDAS cannot be read: {_reason(error)}') from error


def _reason(error: Exception) -> str:
    return str(error.args[-1] if error.args else error)


def _options(parts: SplitResult) -> dict[str, Any]:
    name, wrong = unquote(parts.path.strip('/')), None
    try:
        port = parts.port or 3306
    except ValueError:
        port, wrong = 0, True
    if wrong or parts.scheme not in _SCHEMES or not name or '/' in name:
        raise MigrationError('The address of the database must be mysql://USER@HOST:PORT/DB.')
    socket = parse_qs(parts.query).get('unix_socket')
    user, password = unquote(parts.username or ''), unquote(parts.password or '')
    return {'host': parts.hostname or 'localhost', 'port': port, 'user': user, 'password': password, 'database': name,
            **({'unix_socket': socket[-1]} if socket else {})}


class Database:
    """The tables that ``connection``, of PyMySQL, reads from the database ``name``; see :class:`tables.Tables`."""

    def __init__(self, connection: Any, name: str) -> None:
        self._connection = connection
        for statement in _SESSION:
            self._all(statement)
        self._columns: dict[str, set[str]] = {}
        for table, column in self._all('select table_name, column_name from information_schema.columns '
                                       'where table_schema = %s', name):
            self._columns.setdefault(table, set()).add(column)

    def columns(self, table: str) -> set[str]:
        """See :class:`tables.Tables`."""
        return self._columns.get(table, set())

    def rows(self, table: str) -> Iterator[Row]:
        """See :class:`tables.Tables`. The rows of one table are read at a time."""
        wanted = COLUMNS[table]
        there = [one for one in wanted if one in self.columns(table)]
        if not there:
            return
        missing = dict.fromkeys(set(wanted) - set(there))
        with self._connection.cursor() as cursor:
            cursor.execute(f'select {", ".join(map(_quoted, there))} from {_quoted(table)}')  # noqa: S608 - our names
            while found := cursor.fetchmany(_ROWS):
                for values in found:
                    yield {**dict(zip(there, values, strict=True)), **missing}

    def count(self, table: str) -> int:
        """See :class:`tables.Tables`."""
        if not self.columns(table):
            return 0
        return int(self._all(f'select count(*) from {_quoted(table)}')[0][0])  # noqa: S608 - our names

    def _all(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())


def _quoted(name: str) -> str:
    return f'`{name}`'
