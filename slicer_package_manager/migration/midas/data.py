"""The data of MIDAS in memory: each table is read once, and its texts are mended.

There may be hundreds of thousands of items, so what there is of each is packed (:mod:`packed`).
"""
from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.midas import tables
from slicer_package_manager.migration.midas.packed import PackedFiles, PackedRow
from slicer_package_manager.migration.midas.rules import moments, texts
from slicer_package_manager.migration.midas.rules.files import Bitstream, Revision
from slicer_package_manager.migration.midas.rules.moments import Shift
from slicer_package_manager.migration.midas.tables import CUT, EXTENSION, PACKAGE, Row, Tables
from slicer_package_manager.registry.midas.numbers import Kind, spelled

#: The made-up group of everyone; it has no row in the table of groups.
_ANYONE = 0
#: The module for packages of Slicer. Its settings are numbers of folders.
_MODULE = 'slicerpackages'


class Item(NamedTuple):
    """A row of the table ``item``."""

    id: int
    name: str
    created: object
    downloads: int


class Data:
    """What is read from ``source``, which is not needed any more then.

    :ivar rows: those of packages and extensions whose item exists, in the order of their items. Of one item, packages
        come first, and then it is the order of their numbers.
    :ivar dangling: for each table, the numbers of rows whose item does not exist.
    :ivar public: items that everyone may read.
    :ivar folders_of: the folders that each item is in.
    :ivar top_folders: folders that the settings name, in which the uploads of each kind were.
    :ivar downloads_by_day: how often an item was downloaded on each day, ``YYYY-MM-DD``, if MIDAS noted the days.
    :ivar counts: the numbers of rows of tables that are not imported.
    :ivar mended: how many values of each column, as ``table.column``, were stored in a wrong character set.
    :ivar cut: for each column that MIDAS cut off, the numbers of rows with a value of exactly that length.
    :raises MigrationError: it is no database of MIDAS with the module for packages of Slicer.
    """

    def __init__(self, source: Tables) -> None:
        _require_midas(source)
        self._source, self._once = source, dict[Any, Any]()
        self.mended: Counter[str] = Counter()
        self.cut: dict[str, list[int]] = defaultdict(list)
        self.dangling: dict[str, list[int]] = defaultdict(list)
        self.thumbnails = 0
        self.items = {one.id: one for one in self._items()}
        self.rows = sorted((*self._with_item(PACKAGE), *self._with_item(EXTENSION)), key=_order)
        self.public = {row['item_id'] for row in source.rows('itempolicygroup') if row['group_id'] == _ANYONE}
        self._files = PackedFiles()
        self._read_files()
        self.stores = {row['assetstore_id']: row for row in source.rows('assetstore')}
        self.folders = {row['folder_id']: row for row in source.rows('folder')}
        self.shift = self._shift()
        self.folders_of: dict[int, tuple[int, ...]] = {}
        for row in source.rows('item2folder'):
            found = (*self.folders_of.get(row['item_id'], ()), row['folder_id'])
            self.folders_of[row['item_id']] = self._once.setdefault(found, found)
        self.top_folders = {int(row['value']) for row in source.rows('setting')
                            if row['module'] == _MODULE and str(row['value']).isdecimal()}
        self.downloads_by_day = self._downloads()
        self.counts = {table: source.count(table) for table in (*tables.LEFT_OUT, 'user')}
        self._once.clear()

    def mended_rows(self, table: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of ``table`` with mended texts."""
        return (mended for _, mended in self._rows_and_mended(table))

    def _rows_and_mended(self, table: str) -> Iterator[tuple[Row, dict[str, Any]]]:
        for row in self._source.rows(table):
            yield row, {key: self._mend(f'{table}.{key}', value) if isinstance(value, str) else value
                        for key, value in row.items()}

    def _mend(self, column: str, text: str) -> str:
        found = texts.mended(text)
        if found != text:
            self.mended[column] += 1
        return found

    def _items(self) -> Iterator[Item]:
        for row in self.mended_rows('item'):
            yield Item(row['item_id'], row['name'] or '', row['date_creation'], row['download'] or 0)

    def _with_item(self, table: str) -> Iterator[PackedRow]:
        columns = {name: place for place, name in enumerate(tables.COLUMNS[table])}
        for stored, row in self._rows_and_mended(table):
            if row['item_id'] in self.items:
                values = (row[name] if row[name] is not None or name in _NOT_TEXTS else '' for name in columns)
                found = PackedRow(table, columns, tuple(self._once.setdefault(one, one) for one in values))
                self._mark_cut(table, found.number, stored)
                yield found
            else:
                self.dangling[table].append(row[tables.NUMBERS[table]])

    def _mark_cut(self, table: str, number: int, row: Row) -> None:
        """Note values that may be cut off; ``row`` is as it is stored, since mended texts are shorter."""
        for (of_table, column), length in CUT.items():
            if of_table == table and len(row[column] or '') == length:
                self.cut[f'{table}.{column}'].append(number)

    def _read_files(self) -> None:
        item_of: dict[int, int] = {}
        for row in self.mended_rows('itemrevision'):
            if row['item_id'] in self.items:
                item_of[row['itemrevision_id']] = row['item_id']
                self._files.add_revision(_revision(row))
            else:
                self.dangling['itemrevision'].append(row['itemrevision_id'])
        for stored, row in self._rows_and_mended('bitstream'):
            if row['itemrevision_id'] in item_of:
                self._files.add_file(item_of[row['itemrevision_id']], _bitstream(row))
                self._mark_cut('bitstream', row['bitstream_id'], stored)
            elif (row['itemrevision_id'] or 0) < 0:
                self.thumbnails += 1
            else:
                self.dangling['bitstream'].append(row['bitstream_id'])

    def _shift(self) -> Shift:
        def pairs() -> Iterator[tuple[object, object]]:
            seen = set()
            for row in self._source.rows('itempolicyuser'):
                item = self.items.get(row['item_id'])
                if item and item.id not in seen:
                    seen.add(item.id)
                    yield item.created, row['date']
        return moments.shift(pairs())

    def rows_of(self, item_id: int) -> list[PackedRow]:
        """Return the packages and extensions of an item."""
        first = bisect_left(self.rows, item_id, key=_item_of)
        last = first
        while last < len(self.rows) and _item_of(self.rows[last]) == item_id:
            last += 1
        return self.rows[first:last]

    def revisions(self, item_id: int) -> list[tuple[Revision, list[Bitstream]]]:
        """Return the revisions of an item, each with its files."""
        return self._files.of(item_id)

    def files_of_all(self) -> Iterator[Bitstream]:
        """Yield the files of all items."""
        for item_id in self.items:
            for _, found in self.revisions(item_id):
                yield from found

    def _downloads(self) -> dict[int, Counter[str]]:
        found: dict[int, Counter[str]] = defaultdict(Counter)
        for row in self._source.rows('statistics_download'):
            day = self.shift.corrected(row['date'])
            if day:
                found[row['item_id']][f'{day:%Y-%m-%d}'] += 1
        return found


#: Columns of packages and extensions that are no texts.
_NOT_TEXTS = ('checkoutdate', 'enabled')


def _item_of(row: PackedRow) -> int:
    number: int = row['item_id']
    return number


def _order(row: PackedRow) -> tuple[int, bool, int]:
    return _item_of(row), row.table == EXTENSION, row.number


def _require_midas(source: Tables) -> None:
    for table, columns in tables.REQUIRED.items():
        missing = columns - source.columns(table)
        if missing:
            raise MigrationError(
                f'The database is not one of MIDAS with packages of Slicer: the table "{table}" has no '
                f'{", ".join(sorted(missing))}. Name the database in the address, mysql://USER@HOST/DB.')


def _revision(row: Row) -> Revision:
    return Revision(row['itemrevision_id'], row['item_id'], row['revision'] or 0, row['date'], row['user_id'] or 0,
                    row['changes'] or '')


def _bitstream(row: Row) -> Bitstream:
    return Bitstream(row['bitstream_id'], row['itemrevision_id'], row['name'] or '', row['sizebytes'] or 0,
                     spelled(Kind.MD5, row['checksum'] or '') or '', row['path'] or '', row['assetstore_id'] or 0,
                     row['mimetype'] or '')
