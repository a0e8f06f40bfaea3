"""The tables of a MIDAS database as SQL, with the types that MIDAS gave its columns."""
from slicer_package_manager.migration.midas import tables

_TYPES = {
    'name': 'varchar(255)', 'description': 'text', 'homepage': 'text', 'screenshots': 'text', 'contributors': 'text',
    'icon_url': 'text', 'development_status': 'text', 'changes': 'text', 'value': 'text', 'comment': 'text',
    'repository_type': 'varchar(10)', 'mimetype': 'varchar(30)', 'path': 'varchar(512)', 'checksum': 'varchar(64)',
    'enabled': 'tinyint not null default 1', 'type': 'tinyint', 'admin': 'int', 'policy': 'tinyint',
    'rating': 'tinyint', 'download': 'bigint', 'sizebytes': 'bigint', 'os': 'varchar(256)',
    'slicer_revision': 'varchar(255)'}
_DATES = ('date', 'date_creation', 'creation', 'checkoutdate')
#: Columns that must not be read.
_SECRET = {'user': ('password varchar(100) default "secret"',)}
#: Columns that are numbers in one table, and texts in another one.
_NUMBERS = {('itemrevision', 'revision')}


def statements(midas, database):
    """Yield statements, each with its rows, which make ``database`` of the tables ``midas``."""
    yield f'drop database if exists {database}', ()
    yield f'create database {database} character set latin1', ()
    yield f'use {database}', ()
    yield "set time_zone = '+00:00'", ()
    for table, rows in midas.tables.items():
        columns = _columns(midas, table)
        if columns:
            definitions = ', '.join([*(f'`{one}` {_type(table, one)}' for one in columns), *_SECRET.get(table, ())])
            # The core of MIDAS chose a character set, and its modules did not.
            charset = '' if table.startswith('slicerpackages') else 'character set utf8'
            yield f'create table `{table}` ({definitions}) {charset}', ()
            names, places = ', '.join(f'`{one}`' for one in columns), ', '.join(['%s'] * len(columns))
            if rows:
                yield f'insert into `{table}` ({names}) values ({places})', [
                    tuple(row.get(one) for one in columns) for row in rows]


def _columns(midas, table):
    """All columns that are read, and those of the rows beside them."""
    there = midas.columns(table)
    if table in tables.COLUMNS and not there:
        return []
    more = {key for row in midas.tables[table] for key in row} - set(tables.COLUMNS.get(table, ()))
    return sorted(there | more) or (['dummy_id'] if table in tables.LEFT_OUT else [])


def _type(table, column):
    if column in _DATES:
        return 'timestamp null'
    if column.endswith('_id') or (table, column) in _NUMBERS:
        return 'bigint'
    return _TYPES.get(column, 'varchar(255)')
