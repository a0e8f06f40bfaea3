"""What the numbers and checksums of MIDAS stand for here."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from slicer_package_manager.migration.girder_database import AnyDatabase, batches
from slicer_package_manager.migration.midas import tables
from slicer_package_manager.migration.midas.plan import Entry, Plan
from slicer_package_manager.migration.midas.redirects import Redirects
from slicer_package_manager.migration.midas.rules import files
from slicer_package_manager.migration.midas.rules.files import Bitstream
from slicer_package_manager.registry.midas.aliases import Alias, AliasModel
from slicer_package_manager.registry.midas.numbers import Kind, spelled
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.types import Document


class Aliases:
    """The aliases of ``plan``, after its items were written.

    :param instead: the ids of items that were here already, for those of the plan that they stand for.
    :param redirects: where data is that is not here. That of an MD5 is that of all files with it.
    """

    def __init__(self, plan: Plan, here: AnyDatabase, instead: Mapping[Any, Any], redirects: Redirects) -> None:
        self._plan, self._data, self._here, self._instead = plan, plan.data, here, instead
        self._redirects = redirects

    def __iter__(self) -> Iterator[Alias]:
        left = dict(self._redirects)
        for aliases in (self._of_items(), self._of_dangling(), self._of_folders()):
            for one in aliases:
                if spelled(one.kind, one.value):  # no address has a number below 1
                    left.pop((one.kind, one.value), None)
                    yield one
        yield from (Alias(kind, value, url=url) for (kind, value), url in left.items())

    def _url(self, kind: Kind, value: str, file: Bitstream | None = None) -> str | None:
        """The URL of data that is not here; ``None`` leaves what an import before has recorded."""
        of_file = self._redirects.get((Kind.MD5, file.checksum)) if file else None
        return self._redirects.get((kind, value), of_file)

    def _of_items(self) -> Iterator[Alias]:
        for some in batches(self._data.items):
            entries = {item_id: self._plan.entries_of(item_id) for item_id in some}
            there = _There(self._here, self._instead, (one for found in entries.values() for one in found))
            for item_id, found in entries.items():
                yield from self._of_item(item_id, found, there)

    def _of_item(self, item_id: int, entries: list[Entry], there: _There) -> Iterator[Alias]:
        """The aliases of an item, of its packages and extensions, and of its revisions and files."""
        revisions, main, is_public = self._data.revisions(item_id), entries[:1], item_id in self._data.public
        name = _short(self._data.items[item_id].name) if is_public else ''
        file = main[0].file if main else files.of_item(revisions, is_extension=False).main
        yield Alias(Kind.ITEM, str(item_id), there.targets(main), name, self._url(Kind.ITEM, str(item_id), file))
        for entry in entries:
            if entry.kind is not Kind.BITSTREAM:
                url = self._url(entry.kind, str(entry.number), entry.file)
                yield Alias(entry.kind, str(entry.number), there.targets([entry]), name, url)
        for revision, of_it in revisions:
            found = {one: [entry for entry in entries if entry.file == one] for one in sorted(of_it)}
            yield from self._of_revision(f'{item_id},{revision.number}', file, found, there, name)
            yield from self._of_files(found, there, is_public=is_public)

    def _of_revision(self, value: str, main: Bitstream | None, found: Mapping[Bitstream, list[Entry]], there: _There,
                     name: str) -> Iterator[Alias]:
        """The alias of a revision that has something here or elsewhere: its file is that of the item, or its first."""
        file = main if main in found else next(iter(found), None)
        targets = there.targets(found[file][:1]) if file else ()
        url = self._url(Kind.ITEM, value, file)
        if targets or url is not None:
            yield Alias(Kind.ITEM, value, targets, name, url)

    def _of_files(self, found: Mapping[Bitstream, list[Entry]], there: _There, *, is_public: bool) -> Iterator[Alias]:
        for file, entries in found.items():
            yield Alias(Kind.BITSTREAM, str(file.id), there.targets(entries[:1]),
                        _short(file.file_name) if is_public else '', self._url(Kind.BITSTREAM, str(file.id), file))
            if file.checksum and not file.is_link:
                yield Alias(Kind.MD5, file.checksum, there.targets(entries, with_file=True),
                            url=self._url(Kind.MD5, file.checksum))

    def _of_dangling(self) -> Iterator[Alias]:
        kinds = {tables.PACKAGE: Kind.PACKAGE, tables.EXTENSION: Kind.EXTENSION, 'bitstream': Kind.BITSTREAM}
        for table, kind in kinds.items():
            yield from (Alias(kind, str(number), url=None) for number in self._data.dangling.get(table, ()))

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
