"""What the numbers and checksums of MIDAS stand for here."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from slicer_package_manager.migration.girder_database import AnyDatabase, batches
from slicer_package_manager.migration.midas import tables
from slicer_package_manager.migration.midas.plan import Entry, Plan
from slicer_package_manager.registry.midas.aliases import Alias, AliasModel
from slicer_package_manager.registry.midas.numbers import Kind, spelled
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.types import Document


class Aliases:
    """The aliases of ``plan``, after its items were written.

    :param instead: the ids of items that were here already, for those of the plan that they stand for.
    """

    def __init__(self, plan: Plan, here: AnyDatabase, instead: Mapping[Any, Any]) -> None:
        self._plan, self._data, self._here, self._instead = plan, plan.data, here, instead

    def __iter__(self) -> Iterator[Alias]:
        for aliases in (self._of_items(), self._of_dangling(), self._of_folders()):
            yield from (one for one in aliases if spelled(one.kind, one.value))  # no address has a number below 1

    def _of_items(self) -> Iterator[Alias]:
        for some in batches(self._data.items):
            entries = {item_id: self._plan.entries_of(item_id) for item_id in some}
            there = _There(self._here, self._instead, (one for found in entries.values() for one in found))
            for item_id, found in entries.items():
                yield from self._of_item(item_id, found, there)

    def _of_item(self, item_id: int, entries: list[Entry], there: _There) -> Iterator[Alias]:
        """The aliases of an item, of its packages and extensions, and of its revisions and files."""
        item, is_public = self._data.items[item_id], item_id in self._data.public
        name, main = _short(item.name) if is_public else '', entries[:1]
        yield Alias(Kind.ITEM, str(item_id), there.targets(main), name)
        for entry in entries:
            if entry.kind is not Kind.BITSTREAM:
                yield Alias(entry.kind, str(entry.number), there.targets([entry]), name)
        for revision, files in self._data.revisions(item_id):
            of_files = {file: [one for one in entries if one.file == file] for file in sorted(files)}
            first = main if main and main[0].file in files else next(iter(of_files.values()), [])
            if there.targets(first[:1]):
                yield Alias(Kind.ITEM, f'{item_id},{revision.number}', there.targets(first[:1]), name)
            for file, found in of_files.items():
                yield Alias(Kind.BITSTREAM, str(file.id), there.targets(found[:1]),
                            _short(file.file_name) if is_public else '')
                if file.checksum and not file.is_link:
                    yield Alias(Kind.MD5, file.checksum, there.targets(found, with_file=True))

    def _of_dangling(self) -> Iterator[Alias]:
        kinds = {tables.PACKAGE: Kind.PACKAGE, tables.EXTENSION: Kind.EXTENSION, 'bitstream': Kind.BITSTREAM}
        for table, kind in kinds.items():
            yield from (Alias(kind, str(number)) for number in self._data.dangling.get(table, ()))

    def _of_folders(self) -> Iterator[Alias]:
        channels, app = self._channels(), self._plan.target.app['_id']
        there = set(_existing(self._here, 'folder', [*self._plan.places.folders, app]))
        for row in self._data.folders.values():
            is_top = row['folder_id'] in self._data.top_folders
            found = channels.get(row['folder_id'], set())
            target = next(iter(found)) if len(found) == 1 and not is_top else app
            targets = (target,) if (found or is_top) and target in there else ()
            yield Alias(Kind.FOLDER, str(row['folder_id']), targets)

    def _channels(self) -> dict[int, set[Any]]:
        """For each folder of MIDAS, the releases and drafts of the listed packages in it and below it."""
        found: dict[int, set[Any]] = defaultdict(set)
        for folder_id, items in self._plan.items_in.items():
            if not self._plan.places.is_aside(folder_id):
                channel = self._plan.places.channel_of(folder_id)
                for folder in {one for item_id in items for one in self._data.folders_of.get(item_id, ())}:
                    for above in _upward(folder, self._data.folders):
                        found[above].add(channel)
        return found


class _There:
    """Which of ``entries`` are here, and which have a file."""

    def __init__(self, here: AnyDatabase, instead: Mapping[Any, Any], entries: Iterable[Entry]) -> None:
        self._instead = instead
        wanted = [instead.get(one.id, one.id) for one in entries]
        self._items = set(_existing(here, 'item', wanted))
        self._with_file = {one['itemId'] for some in batches(wanted) for one in here['file'].find(
            {'itemId': {'$in': some}}, {'itemId': 1})}

    def targets(self, entries: Iterable[Entry], *, with_file: bool = False) -> tuple[Any, ...]:
        found = (self._instead.get(one.id, one.id) for one in entries)
        return tuple(dict.fromkeys(one for one in found if one in self._items
                                   and (not with_file or one in self._with_file)))


def _upward(folder: int, folders: Mapping[int, Mapping[str, Any]]) -> Iterator[int]:
    """Yield ``folder`` and those that it is in; folders may be lost, or in a circle."""
    seen: set[int] = set()
    while folder in folders and folder not in seen:
        seen.add(folder)
        yield folder
        folder = folders[folder]['parent_id']


def _existing(here: AnyDatabase, collection: str, ids: Iterable[Any]) -> Iterator[Any]:
    for some in batches(ids):
        yield from (one['_id'] for one in here[collection].find({'_id': {'$in': some}}, {'_id': 1}))


def _short(name: str) -> str:
    return validators.one_line(name)[:validators.NAME_CHARACTERS]


def files_instead(plan: Plan, here: AnyDatabase) -> dict[Any, Document]:
    """Return the files of items that a run before found here, so that their bytes are not read again.

    :returns: by the id that the file would have if it were imported.
    """
    found: dict[Any, Document] = {}
    for some in batches(one for one in plan if one.file):
        by_number = {str(one.file.id): one for one in some if one.file}
        aliases = AliasModel().collection.find({'kind': Kind.BITSTREAM.value, 'value': {'$in': list(by_number)},
                                                'targets.0': {'$exists': True}})
        targets = {one['targets'][0]: by_number[one['value']] for one in aliases}
        for file in here['file'].find({'itemId': {'$in': [one for one, entry in targets.items() if one != entry.id]}}):
            found[targets[file['itemId']].file_id] = file
    return found
