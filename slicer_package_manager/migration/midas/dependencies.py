"""The table of dependencies of extensions, which has names only; most servers left it empty."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from slicer_package_manager.migration.midas import tables
from slicer_package_manager.migration.midas.data import Data
from slicer_package_manager.migration.notes import Note, Outcome

_NAME, _REQUIRED = tables.COLUMNS[tables.DEPENDENCY]


class Dependencies:
    """The names that extensions of ``data`` depend on.

    :ivar table: by the name of the extension, each once.
    :ivar missing: pairs of names that no extension has.
    """

    def __init__(self, data: Data) -> None:
        self.table: dict[str, list[str]] = defaultdict(list)
        self.missing: list[tuple[str, str]] = []
        known = {row['productname'] for row in data.rows if row.table == tables.EXTENSION}
        for row in data.mended_rows(tables.DEPENDENCY):
            name, required = row[_NAME] or '', row[_REQUIRED] or ''
            if {name, required} - known:
                self.missing.append((name, required))
            elif required not in self.table[name]:
                self.table[name].append(required)

    def notes(self) -> Iterator[Note]:
        """Yield a note for each row that names no extension."""
        for name, required in self.missing:
            yield Note(Outcome.LEFT_OUT, 'dependency', name, name,
                       f'the dependency on "{required}" is left out: one of the two names is that of no extension')
