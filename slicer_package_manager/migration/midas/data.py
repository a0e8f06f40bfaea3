"""The data of MIDAS in memory: each table is read once, and its texts are mended."""
from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.midas import tables
from slicer_package_manager.migration.midas.rules import files, moments, texts
from slicer_package_manager.migration.midas.rules.files import Bitstream, Files, Revision
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


class PackedRow(Mapping[str, Any]):
    """A row in a third of the memory of a dictionary.

    :param columns: the place of each column in ``values``.
    """

    __slots__ = ('_columns', '_values')

    def __init__(self, columns: Mapping[str, int], values: tuple[Any, ...]) -> None:
        self._columns, self._values = columns, values

    def __getitem__(self, name: str) -> Any:
        return self._values[self._columns[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


class Data:
    """What is read from ``source``, which is not needed any more then.

    :ivar packages: rows of packages whose item exists, in the order of their numbers; likewise ``extensions``.
    :ivar dangling: for each table, the numbers of rows whose item does not exist.
    :ivar public: items that everyone may read.
    :ivar folders_of: the folders that each item is in; one may be named twice.
    :ivar top_folders: folders that the settings name, in which the uploads of each kind were.
    :ivar downloads_by_day: how often an item was downloaded on each day, ``YYYY-MM-DD``, if MIDAS noted the days.
    :ivar counts: the numbers of rows of tables that are not imported.
    :ivar mended: how many values of each column, as ``table.column``, were stored in a wrong character set.
    :ivar cut: for each column that MIDAS cut off, the numbers of rows with a value of exactly that length.
    :raises MigrationError: it is no database of MIDAS with the module for packages of Slicer.
    """

    def __init__(self, source: Tables) -> None:
        _require_midas(source)
        self._source, self._texts = source, dict[str, str]()
        self.mended: Counter[str] = Counter()
        self.cut: dict[str, list[int]] = defaultdict(list)
        self.dangling: dict[str, list[int]] = defaultdict(list)
        self.thumbnails = 0
        self.items = {one.id: one for one in self._items()}
        self.packages = self._with_item(PACKAGE, 'package_id')
        self.extensions = self._with_item(EXTENSION, tables.EXTENSION_ID)
        self.public = {row['item_id'] for row in source.rows('itempolicygroup') if row['group_id'] == _ANYONE}
        self._revisions: dict[int, list[Revision]] = defaultdict(list)
        self._bitstreams: dict[int, list[Bitstream]] = defaultdict(list)
        self._read_files()
        self.stores = {row['assetstore_id']: row for row in source.rows('assetstore')}
        self.folders = {row['folder_id']: row for row in source.rows('folder')}
        self.shift = self._shift()
        self.folders_of: dict[int, list[int]] = defaultdict(list)
        for row in source.rows('item2folder'):
            self.folders_of[row['item_id']].append(row['folder_id'])
        self.top_folders = {int(row['value']) for row in source.rows('setting')
                            if row['module'] == _MODULE and str(row['value']).isdecimal()}
        self.downloads_by_day = self._downloads()
        self.counts = {table: source.count(table) for table in (*tables.LEFT_OUT, 'user')}

    def mended_rows(self, table: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of ``table`` with mended texts."""
        for row in self._source.rows(table):
            yield {key: self._mend(f'{table}.{key}', value) if isinstance(value, str) else value
                   for key, value in row.items()}

    def _mend(self, column: str, text: str) -> str:
        found = texts.mended(text)
        if found != text:
            self.mended[column] += 1
        return found

    def _items(self) -> Iterator[Item]:
        for row in self.mended_rows('item'):
            yield Item(row['item_id'], self._once(row['name'] or ''), row['date_creation'], row['download'] or 0)

    def _with_item(self, table: str, key: str) -> list[Row]:
        found: list[Row] = []
        columns = {name: place for place, name in enumerate(tables.COLUMNS[table])}
        for row in self.mended_rows(table):
            if row['item_id'] in self.items:
                values = [row[name] if row[name] is not None or name in _NOT_TEXTS else '' for name in columns]
                found.append(PackedRow(columns, tuple(map(self._once, values))))
                self._mark_cut(table, row[key], row)
            else:
                self.dangling[table].append(row[key])
        return sorted(found, key=lambda row: row[key])

    def _once(self, value: Any) -> Any:
        """``value``, or a text that is equal and in memory already: builds of each night repeat them."""
        return self._texts.setdefault(value, value) if isinstance(value, str) else value

    def _mark_cut(self, table: str, number: int, row: Row) -> None:
        for (of_table, column), length in CUT.items():
            if of_table == table and len(row[column] or '') == length:
                self.cut[f'{table}.{column}'].append(number)

    def _read_files(self) -> None:
        known = set()
        for row in self.mended_rows('itemrevision'):
            if row['item_id'] not in self.items:
                self.dangling['itemrevision'].append(row['itemrevision_id'])
                continue
            known.add(row['itemrevision_id'])
            self._revisions[row['item_id']].append(Revision(
                row['itemrevision_id'], row['item_id'], row['revision'] or 0, row['date'], row['user_id'] or 0,
                self._once(row['changes'] or '')))
        for row in self.mended_rows('bitstream'):
            if row['itemrevision_id'] in known:
                row.update(mimetype=self._once(row['mimetype']), name=self._once(row['name']))
                self._bitstreams[row['itemrevision_id']].append(_bitstream(row))
                self._mark_cut('bitstream', row['bitstream_id'], row)
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

    def revisions(self, item_id: int) -> list[tuple[Revision, list[Bitstream]]]:
        """Return the revisions of an item, each with its files."""
        return [(one, self._bitstreams.get(one.id, [])) for one in self._revisions.get(item_id, ())]

    def files(self, item_id: int, *, is_extension: bool) -> Files:
        """Return the files of an item, sorted by :func:`files.of_item`."""
        return files.of_item(self.revisions(item_id), is_extension=is_extension)

    def files_of_all(self) -> Iterator[Bitstream]:
        """Yield the files of all items."""
        for files_of_one in self._bitstreams.values():
            yield from files_of_one

    def _downloads(self) -> dict[int, Counter[str]]:
        found: dict[int, Counter[str]] = defaultdict(Counter)
        for row in self._source.rows('statistics_download'):
            day = self.shift.corrected(row['date'])
            if day:
                found[row['item_id']][f'{day:%Y-%m-%d}'] += 1
        return found


#: Columns of packages and extensions that are no texts.
_NOT_TEXTS = ('checkoutdate', 'enabled')


def _require_midas(source: Tables) -> None:
    for table, columns in tables.REQUIRED.items():
        missing = columns - source.columns(table)
        if missing:
            raise MigrationError(
                f'The database is not one of MIDAS with packages of Slicer: the table "{table}" has no '
                f'{", ".join(sorted(missing))}. Name the database in the address, mysql://USER@HOST/DB.')


def _bitstream(row: Row) -> Bitstream:
    return Bitstream(row['bitstream_id'], row['itemrevision_id'], row['name'] or '', row['sizebytes'] or 0,
                     spelled(Kind.MD5, row['checksum'] or '') or '', row['path'] or '', row['assetstore_id'] or 0,
                     row['mimetype'] or '')
