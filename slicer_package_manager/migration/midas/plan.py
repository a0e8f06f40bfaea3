"""What the rows of MIDAS become here.

Each package and each extension is an item with one file. A file that is not that of its item, of an older revision or
beside it, is an ordinary item of its own, which no list has.

Entries are made when they are asked for: all of them together would take more memory than the data.
"""
from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from slicer_package_manager.migration.midas import ids, tables
from slicer_package_manager.migration.midas.data import Data, Item
from slicer_package_manager.migration.midas.packed import PackedRow
from slicer_package_manager.migration.midas.places import Places
from slicer_package_manager.migration.midas.rules import files as file_rules
from slicer_package_manager.migration.midas.rules import metadata, moments, texts
from slicer_package_manager.migration.midas.rules.files import Bitstream, Files
from slicer_package_manager.migration.midas.rules.releases import Channel, Releases
from slicer_package_manager.migration.midas.tables import Row
from slicer_package_manager.migration.midas.target import Target
from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.registry.midas.numbers import Kind
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.types import Document

_NO_ROW: Row = {}
_KINDS = {tables.PACKAGE: Kind.PACKAGE, tables.EXTENSION: Kind.EXTENSION}


class Entry(NamedTuple):
    """What becomes an item.

    :param kind: ``BITSTREAM`` for a file that gets an item of its own.
    :param row: of the package or extension.
    :param aside: why no list has it, ``''`` if one can.
    """

    id: Any
    kind: Kind
    number: int
    item: Item
    file: Bitstream | None
    folder: Any
    created: datetime
    updated: datetime
    uploader: int
    channel: Channel
    row: Row
    aside: str = ''

    @property
    def file_id(self) -> Any:
        """The id of the document of its file, if it has one."""
        return ids.of('file', self.id, self.file.id if self.file else '')

    @property
    def metadata(self) -> Document:
        """The metadata of the package or extension, not validated yet."""
        if self.kind is Kind.EXTENSION:
            return metadata.extension(self.row)
        return metadata.package(self.row, self.channel.release, self.file.name if self.file else '', self.created)


#: Finds the folder where an entry is already, given the id of the release or draft that MIDAS names, ``None`` if that
#: is not here. See :meth:`present.Present.folder_of`.
Finder: TypeAlias = Callable[[Entry, Any], Any]


class Total(NamedTuple):
    """A number of files, and their bytes."""

    files: int = 0
    bytes: int = 0

    def with_file(self, file: Bitstream) -> Total:
        """Return the total that includes ``file``."""
        return Total(self.files + 1, self.bytes + file.size)


class Plan:
    """Everything that ``data`` becomes in ``target``.

    :param keep_old: whether files of older revisions become items, too.
    :param present: finds packages that are here in another release or draft.
    :ivar uploaders: the users of MIDAS who are named as creators.
    :ivar stores: the files that are imported, by their assetstore.
    :ivar outside: those of them that are in no directory of an assetstore, by their assetstore.
    :ivar size: how many bytes are imported; those that several items have count once.
    :ivar beside: files that are not the one of their item.
    :ivar items_in: the items of MIDAS of which something gets into each folder.
    """

    def __init__(self, data: Data, target: Target, *, keep_old: bool, present: Finder = lambda *_: None) -> None:
        self.data, self.target, self.keep_old, self._present = data, target, keep_old, present
        self.uploaders: set[int] = set()
        self.stores: dict[int, Total] = {}
        self.outside: dict[int, Total] = {}
        self.size, self.beside = 0, Total()
        self.items_in: dict[Any, array[int]] = {}
        self.notes: list[Note] = []
        self.releases = Releases((texts.given(row['release']), texts.given(row['revision']))
                                 for row in data.rows if row.table == tables.PACKAGE)
        self.places = Places(target, {self._channel(row) for row in data.rows})
        self._read()
        self.notes += [*self.places.notes, *self._ambiguous()]

    def _channel(self, row: PackedRow) -> Channel:
        if row.table == tables.PACKAGE:
            return Channel(texts.given(row['release']), texts.given(row['revision']))
        return self.releases.of_extension(texts.given(row['slicer_revision']))

    def _read(self) -> None:
        """Make all entries once: then the folders are complete, and as old as the oldest in them."""
        stored: set[int] = set()
        for item_id in self.items():
            for entry in self._all_of(item_id):
                if entry.kind is Kind.BITSTREAM and entry.file:
                    self.beside = self.beside.with_file(entry.file)
                if self._is_imported(entry):
                    self._add(entry, stored)

    def _add(self, entry: Entry, stored: set[int]) -> None:
        """Count ``entry``.

        :param stored: hashes of the places of files, which take less memory than these.
        """
        items = self.items_in.setdefault(entry.folder, array('q'))
        if not items or items[-1] != entry.item.id:
            items.append(entry.item.id)
        self.uploaders.add(entry.uploader)
        if entry.aside and entry.kind is not Kind.BITSTREAM:
            self.notes.append(Note(Outcome.NOT_LISTED, entry.kind.value, str(entry.number), entry.item.name,
                                   entry.aside))
        file = entry.file
        if file is None or file.is_link:
            return
        totals = self.outside if file.path.startswith('/') else self.stores
        totals[file.store] = totals.get(file.store, Total()).with_file(file)
        place = hash((file.store, file.path))
        self.size += file.size if place not in stored else 0
        stored.add(place)

    def items(self) -> Iterable[int]:
        """Return the items of MIDAS that have a package or an extension."""
        return dict.fromkeys(row['item_id'] for row in self.data.rows)

    def __iter__(self) -> Iterator[Entry]:
        """Make all entries."""
        for item_id in self.items():
            yield from self.entries_of(item_id)

    def entries_in(self, folder_id: Any) -> Iterator[Entry]:
        """Make the entries that get into a folder."""
        for item_id in self.items_in.get(folder_id, ()):
            yield from (one for one in self.entries_of(item_id) if one.folder == folder_id)

    def entries_of(self, item_id: int) -> list[Entry]:
        """Make the entries of an item of MIDAS: its packages, its extensions, and then its other files."""
        return [one for one in self._all_of(item_id) if self._is_imported(one)]

    def _is_imported(self, entry: Entry) -> bool:
        return self.keep_old or entry.kind is not Kind.BITSTREAM

    def _all_of(self, item_id: int) -> list[Entry]:
        rows, revisions = self.data.rows_of(item_id), self.data.revisions(item_id)
        sorted_files = [file_rules.of_item(revisions, is_extension=row.table == tables.EXTENSION) for row in rows]
        found = [self._entry(row, files) for row, files in zip(rows, sorted_files, strict=True)]
        for number, user, file in _beside(sorted_files[0]) if rows else ():
            reason = f'it is in revision {number} of the item {item_id} of MIDAS, whose file is another one'
            found.append(found[0]._replace(id=ids.of('bitstream', file.id), kind=Kind.BITSTREAM, number=file.id,
                                           file=file, uploader=user, row=_NO_ROW, aside=reason))
        return found

    def _entry(self, row: PackedRow, files: Files) -> Entry:
        item, kind, channel = self.data.items[row['item_id']], _KINDS[row.table], self._channel(row)
        created, updated = self._moments(item, files)
        is_public = item.id in self.data.public
        aside = _reason(kind, row, channel, is_public=is_public)
        entry = Entry(ids.of(kind.value, row.number), kind, row.number, item, files.main, None, created, updated,
                      files.last.user if files.last else 0, channel, row, aside)
        if aside:
            return entry._replace(folder=self.places.aside(created, is_public=is_public)['_id'])
        return entry._replace(folder=self._folder(entry))

    def _folder(self, entry: Entry) -> Any:
        here = self.places.existing(entry.channel)
        found = self._present(entry, here['_id'] if here else None)
        place = self.places.channel if entry.kind is Kind.PACKAGE else self.places.extensions
        return found or place(entry.channel, entry.created)['_id']

    def _moments(self, item: Item, files: Files) -> tuple[datetime, datetime]:
        """When an item was created, and when its last revision was, if there are several."""
        corrected = self.data.shift.corrected
        uploads = [found for one in ([files.last] if files.last else []) + [one for one, _ in files.older]
                   if (found := corrected(one.date))]
        created = corrected(item.created) or min(uploads, default=moments.EPOCH)
        return created, max(created, *uploads) if files.older and uploads else created

    def _ambiguous(self) -> Iterator[Note]:
        for revision, names in sorted(self.releases.ambiguous.items()):
            yield Note(Outcome.MENDED, 'release', revision, names[0],
                       f'the revision {revision} has several releases ({", ".join(names)}); its extensions are in the '
                       'first')


def _beside(files: Files) -> list[tuple[int, int, Bitstream]]:
    """The files of an item that are not the one for readers, each with its revision and its uploader."""
    last = [(files.last.number, files.last.user, file) for file in files.others] if files.last else []
    return last + [(revision.number, revision.user, file) for revision, of_it in files.older for file in of_it]


def _reason(kind: Kind, row: Row, channel: Channel, *, is_public: bool) -> str:
    """Why no list can have the package or extension ``row``; ``''`` if one can."""
    if not is_public:
        return 'it was private at MIDAS'
    if kind is Kind.PACKAGE and row['packagetype'] and row['packagetype'] not in metadata.INSTALLABLE:
        return f'packages of the type "{validators.shortened(row["packagetype"])}" cannot be installed'
    return '' if channel.revision else 'it names no revision of the application'
