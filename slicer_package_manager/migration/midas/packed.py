"""Rows of MIDAS in a fraction of the memory that objects take."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from slicer_package_manager.migration.midas.rules.files import Bitstream, Revision
from slicer_package_manager.migration.midas.tables import NUMBERS

#: The place of the path among the values of a file.
_PATH = Bitstream._fields.index('path')


class PackedRow(Mapping[str, Any]):
    """A row of a table in a third of the memory of a dictionary.

    :param columns: the place of each column in ``values``.
    :ivar table: the name of the table.
    """

    __slots__ = ('_columns', '_values', 'table')

    def __init__(self, table: str, columns: Mapping[str, int], values: tuple[Any, ...]) -> None:
        self.table, self._columns, self._values = table, columns, values

    def __getitem__(self, name: str) -> Any:
        return self._values[self._columns[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def number(self) -> int:
        """The number of the package or extension."""
        found: int = self[NUMBERS[self.table]]
        return found


class PackedFiles:
    """The revisions and files of all items, those of one item as one JSON text."""

    def __init__(self) -> None:
        self._of_item: dict[int, bytes] = {}

    def add_revision(self, one: Revision) -> None:
        """Add a revision to its item."""
        self._add(one.item, one)

    def add_file(self, item_id: int, one: Bitstream) -> None:
        """Add a file of a revision of an item."""
        self._add(item_id, (*one[:_PATH], None, *one[_PATH + 1:]) if one.path == _usual_path(one.checksum) else one)

    def _add(self, item_id: int, row: tuple[Any, ...]) -> None:
        text = orjson.dumps((*row,), default=str)
        before = self._of_item.get(item_id)
        self._of_item[item_id] = text if before is None else b'%b,%b' % (before, text)

    def of(self, item_id: int) -> list[tuple[Revision, list[Bitstream]]]:
        """Return the revisions of an item, each with its files, in the order in which they were added."""
        revisions: list[tuple[Revision, list[Bitstream]]] = []
        files: dict[int, list[Bitstream]] = {}
        for row in orjson.loads(b'[%b]' % self._of_item.get(item_id, b'')):
            if len(row) == len(Revision._fields):
                revision = Revision(*row)
                revisions.append((revision, files.setdefault(revision.id, [])))
            else:
                file = Bitstream(*row)
                files[file.revision].append(file if row[_PATH] is not None else file._replace(
                    path=_usual_path(file.checksum)))
        return revisions


def _usual_path(checksum: str) -> str:
    """The path of a file in its assetstore, as MIDAS makes it of the checksum."""
    return f'{checksum[:2]}/{checksum[2:4]}/{checksum}'
