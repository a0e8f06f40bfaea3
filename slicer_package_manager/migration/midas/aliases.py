"""What the numbers and checksums of MIDAS stand for here."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from slicer_package_manager.migration.girder_database import AnyDatabase, batches
from slicer_package_manager.migration.midas import tables
from slicer_package_manager.migration.midas.documents import Entry, Plan
from slicer_package_manager.registry.midas.aliases import Alias, AliasModel
from slicer_package_manager.registry.midas.numbers import Kind, spelled
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.types import Document


class Aliases:
    """The aliases of ``plan``, after its items were written.

    :param instead: the ids of items that were here already, for those of the plan that they stand for.
    """

    def __init__(self, plan: Plan, here: AnyDatabase, instead: Mapping[Any, Any]) -> None:
        self._plan, self._data, self._instead = plan, plan.data, instead
        wanted = [instead.get(one, one) for one in plan.entries]
        self._there = set(_existing(here, 'item', wanted))
        self._with_file = {one['itemId'] for some in batches(wanted) for one in here['file'].find(
            {'itemId': {'$in': some}}, {'itemId': 1})}
        self._by_file: dict[int, list[Entry]] = defaultdict(list)
        for one in plan.entries.values():
            if one.file:
                self._by_file[one.file.id].append(one)
        self._folders = set(_existing(here, 'folder', [*plan.places.folders, plan.target.app['_id']]))

    def __iter__(self) -> Iterator[Alias]:
        for aliases in (self._of_rows(), self._of_items(), self._of_files(), self._of_checksums(), self._of_folders()):
            yield from (one for one in aliases if spelled(one.kind, one.value))  # no address has a number below 1

    def _targets(self, entries: Iterable[Entry]) -> tuple[Any, ...]:
        found = (self._instead.get(one.id, one.id) for one in entries)
        return tuple(dict.fromkeys(one for one in found if one in self._there))

    def _name(self, item_id: int) -> str:
        """The name of an item for everyone; empty if it is private, or unknown."""
        item = self._data.items.get(item_id)
        return _short(item.name) if item and item_id in self._data.public else ''

    def _of_rows(self) -> Iterator[Alias]:
        for entry in self._plan.entries.values():
            if entry.kind is not Kind.BITSTREAM:
                yield Alias(entry.kind, str(entry.number), self._targets([entry]), self._name(entry.item.id))
        for kind, table in ((Kind.PACKAGE, tables.PACKAGE), (Kind.EXTENSION, tables.EXTENSION)):
            yield from (Alias(kind, str(number)) for number in self._data.dangling.get(table, ()))

    def _of_items(self) -> Iterator[Alias]:
        for item in self._data.items.values():
            main, name = self._plan.of_item.get(item.id, [])[:1], self._name(item.id)
            yield Alias(Kind.ITEM, str(item.id), self._targets(main), name)
            for revision, files in self._data.revisions(item.id) if main else ():
                first = self._by_file.get(min(files).id, []) if files else []
                is_last = main[0].file in files
                targets = self._targets(main if is_last else first)
                if targets:
                    yield Alias(Kind.ITEM, f'{item.id},{revision.number}', targets, name)

    def _of_files(self) -> Iterator[Alias]:
        for item_id in self._data.items:
            for _, files in self._data.revisions(item_id):
                for file in files:
                    name = _short(file.file_name) if item_id in self._data.public else ''
                    yield Alias(Kind.BITSTREAM, str(file.id), self._targets(self._by_file.get(file.id, ())[:1]), name)
        yield from (Alias(Kind.BITSTREAM, str(number)) for number in self._data.dangling.get('bitstream', ()))

    def _of_checksums(self) -> Iterator[Alias]:
        found: dict[str, list[Entry]] = defaultdict(list)
        for item_id in self._data.items:
            for _, files in self._data.revisions(item_id):
                for file in files:
                    if file.checksum and not file.is_link:
                        found[file.checksum] += self._by_file.get(file.id, ())
        for checksum, entries in found.items():
            targets = self._targets(entries)
            yield Alias(Kind.MD5, checksum, tuple(one for one in targets if one in self._with_file))

    def _of_folders(self) -> Iterator[Alias]:
        channels = self._channels()
        for row in self._data.folders.values():
            is_top = row['folder_id'] in self._data.top_folders
            found = channels.get(row['folder_id'], set())
            target = next(iter(found)) if len(found) == 1 and not is_top else self._plan.target.app['_id']
            targets = (target,) if (found or is_top) and target in self._folders else ()
            yield Alias(Kind.FOLDER, str(row['folder_id']), targets)

    def _channels(self) -> dict[int, set[Any]]:
        """For each folder of MIDAS, the releases and drafts of the listed packages in it and below it."""
        found: dict[int, set[Any]] = defaultdict(set)
        for item_id, entries in self._plan.of_item.items():
            channels = {self._plan.places.channel_of(one.folder) for one in entries if not one.aside}
            for folder in self._data.folders_of.get(item_id, ()):
                for above in _upward(folder, self._data.folders):
                    found[above] |= channels
        return {folder: channels for folder, channels in found.items() if channels}


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
    for some in batches(one for one in plan.entries.values() if one.file):
        by_number = {str(one.file.id): one for one in some if one.file}
        aliases = AliasModel().collection.find({'kind': Kind.BITSTREAM.value, 'value': {'$in': list(by_number)},
                                                'targets.0': {'$exists': True}})
        targets = {one['targets'][0]: by_number[one['value']] for one in aliases}
        for file in here['file'].find({'itemId': {'$in': [one for one, entry in targets.items() if one != entry.id]}}):
            found[targets[file['itemId']].file_id] = file
    return found
