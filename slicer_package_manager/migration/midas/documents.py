"""The rows of MIDAS as folders, items and files; see :class:`source.Source`.

Each package and each extension is an item with one file. A file that is not that of its item, of an older revision or
beside it, is an ordinary item of its own, which no list has.
"""
from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from slicer_package_manager.migration.midas import ids, tables
from slicer_package_manager.migration.midas.data import Data, Item
from slicer_package_manager.migration.midas.places import Places
from slicer_package_manager.migration.midas.rules import metadata, moments, texts
from slicer_package_manager.migration.midas.rules.files import Bitstream, Files
from slicer_package_manager.migration.midas.rules.releases import Channel, Releases
from slicer_package_manager.migration.midas.tables import Row
from slicer_package_manager.migration.midas.target import Target
from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.registry.midas.numbers import Kind
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree.registration import ORIGIN

_NO_ROW: Row = {}
#: The key of the number in the rows of each kind.
NUMBER = {Kind.PACKAGE: 'package_id', Kind.EXTENSION: tables.EXTENSION_ID}


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


class Plan:
    """Everything that ``data`` becomes in ``target``.

    :param keep_old: whether files of older revisions become items, too.
    :ivar entries: by the id of the item that each becomes.
    :ivar of_item: the entries of the packages and extensions of each item of MIDAS.
    :ivar dropped: files that are not imported.
    """

    def __init__(self, data: Data, target: Target, *, keep_old: bool) -> None:
        self.data, self.target, self._keep_old = data, target, keep_old
        self.entries: dict[Any, Entry] = {}
        self.of_item: dict[int, list[Entry]] = defaultdict(list)
        self.dropped: list[Bitstream] = []
        self.kept: Counter[str] = Counter()
        self.notes: list[Note] = []
        rows = [*((Kind.PACKAGE, row) for row in data.packages), *((Kind.EXTENSION, row) for row in data.extensions)]
        self.releases = Releases((texts.given(row['release']), texts.given(row['revision'])) for row in data.packages)
        channels = {id(row): self._channel(kind, row) for kind, row in rows}
        self.places = Places(target, channels.values())
        for kind, row in rows:
            self._add(kind, row, channels[id(row)])
        self.notes += [*self.places.notes, *self._ambiguous()]

    def _channel(self, kind: Kind, row: Row) -> Channel:
        if kind is Kind.PACKAGE:
            return Channel(texts.given(row['release']), texts.given(row['revision']))
        return self.releases.of_extension(texts.given(row['slicer_revision']))

    def _add(self, kind: Kind, row: Row, channel: Channel) -> None:
        item, number = self.data.items[row['item_id']], row[NUMBER[kind]]
        files = self.data.files(item.id, is_extension=kind is Kind.EXTENSION)
        created, updated = self._moments(item, files)
        is_public = item.id in self.data.public
        aside = _reason(kind, row, channel, is_public=is_public)
        if aside:
            folder = self.places.aside(created, is_public=is_public)
            self.notes.append(Note(Outcome.NOT_LISTED, kind.value, str(number), item.name, aside))
        else:
            place = self.places.channel if kind is Kind.PACKAGE else self.places.extensions
            folder = place(channel, created)
        entry = Entry(ids.of(kind.value, number), kind, number, item, files.main, folder['_id'], created, updated,
                      files.last.user if files.last else 0, channel, row, aside)
        self.entries[entry.id] = entry
        if not self.of_item[item.id]:
            self._add_others(entry, files)
        self.of_item[item.id].append(entry)

    def _moments(self, item: Item, files: Files) -> tuple[datetime, datetime]:
        """When an item was created, and when its last revision was, if there are several."""
        corrected = self.data.shift.corrected
        uploads = [found for one in ([files.last] if files.last else []) + [one for one, _ in files.older]
                   if (found := corrected(one.date))]
        created = corrected(item.created) or min(uploads, default=moments.EPOCH)
        return created, max(created, *uploads) if files.older and uploads else created

    def _add_others(self, entry: Entry, files: Files) -> None:
        """Add the files of an item that are not the one for readers."""
        last = files.last.number if files.last else 0
        found = [(last, entry.uploader, file) for file in files.others]
        found += [(revision.number, revision.user, file) for revision, of_it in files.older for file in of_it]
        for number, user, file in found:
            if not self._keep_old:
                self.dropped.append(file)
                continue
            self.kept['bytes'] += file.size
            self.kept['files'] += 1
            reason = f'it is in revision {number} of the item {entry.item.id} of MIDAS, whose file is another one'
            other = entry._replace(id=ids.of('bitstream', file.id), kind=Kind.BITSTREAM, number=file.id, file=file,
                                   uploader=user, row=_NO_ROW, aside=reason)
            self.entries[other.id] = other

    def _ambiguous(self) -> Iterator[Note]:
        for revision, names in sorted(self.releases.ambiguous.items()):
            yield Note(Outcome.MENDED, 'release', revision, names[0],
                       f'the revision {revision} has several releases ({", ".join(names)}); its extensions are in the '
                       'first')

    def uploaders(self) -> set[int]:
        """Return the users of MIDAS who are named as creators."""
        return {one.uploader for one in self.entries.values()}

    def size(self) -> int:
        """Return how many bytes the files have, those that several items have once."""
        stored = {(one.file.store, one.file.path): one.file.size for one in self.entries.values()
                  if one.file and not one.file.is_link}
        return sum(stored.values())


def _reason(kind: Kind, row: Row, channel: Channel, *, is_public: bool) -> str:
    """Why no list can have the package or extension ``row``; ``''`` if one can."""
    if not is_public:
        return 'it was private at MIDAS'
    if kind is Kind.PACKAGE and row['packagetype'] and row['packagetype'] not in metadata.INSTALLABLE:
        return f'packages of the type "{validators.shortened(row["packagetype"])}" cannot be installed'
    return '' if channel.revision else 'it names no revision of the application'


class MidasSource:
    """The folders, items and files of ``plan``.

    :param users: the accounts of users of MIDAS.
    """

    def __init__(self, plan: Plan, users: Mapping[int, Any]) -> None:
        self._plan, self._users = plan, users
        self._in_folder: dict[Any, list[Entry]] = defaultdict(list)
        for one in plan.entries.values():
            self._in_folder[one.folder].append(one)

    def folders_below(self, folder_id: Any) -> list[Document]:  # noqa: ARG002 - there is one application
        """See :class:`source.Source`."""
        return list(self._plan.places.folders.values())

    def filled(self, folders: Iterable[Mapping[str, Any]]) -> set[Any]:
        """See :class:`source.Source`."""
        return {one['_id'] for one in folders if one['_id'] in self._in_folder}

    def items_in(self, folder_ids: Iterable[Any]) -> list[Document]:
        """See :class:`source.Source`."""
        found = [one for folder in folder_ids for one in self._in_folder.get(folder, ())]
        return [self._item(one) for one in sorted(found, key=lambda one: (one.created, one.id))]

    def files_of(self, items: Iterable[Mapping[str, Any]]) -> dict[Any, list[Document]]:
        """See :class:`source.Source`."""
        entries = [self._plan.entries[one['_id']] for one in items]
        return {one.id: [self._file(one, one.file)] for one in entries if one.file}

    def _creator(self, entry: Entry) -> Any:
        return self._users.get(entry.uploader, self._plan.target.creator)

    def _item(self, entry: Entry) -> Document:
        app = self._plan.target.app
        name = _name(entry)
        item: Document = {
            '_id': entry.id, 'name': name, 'lowerName': name.lower(), 'description': '', 'folderId': entry.folder,
            'creatorId': self._creator(entry), 'baseParentType': app['baseParentType'],
            'baseParentId': app['baseParentId'], 'created': entry.created, 'updated': entry.updated, 'size': 0,
            'meta': {}}
        if entry.kind is Kind.BITSTREAM:
            return {**item, ORIGIN: {'set_aside': entry.aside}}
        meta = entry.metadata
        facts = metadata.facts(entry.row, entry.file.checksum if entry.file else '')
        if entry.aside:
            return {**item, ORIGIN: {'set_aside': entry.aside, 'meta': {**meta, **facts}}}
        return {**item, 'meta': meta, 'spm': {'midas': facts}}

    def _file(self, entry: Entry, file: Bitstream) -> Document:
        name = validators.one_line(file.file_name) or 'file'
        common = {'_id': entry.file_id, 'name': name, 'itemId': entry.id, 'size': file.size,
                  'creatorId': self._creator(entry), 'created': entry.updated, 'mimeType': file.mimetype or None,
                  'exts': [part.lower() for part in name.split('.')[1:]]}
        if file.is_link:
            return {**common, 'assetstoreId': None, 'mimeType': None, 'linkUrl': file.path}
        outside = {'imported': True} if file.path.startswith('/') else {}
        return {**common, 'assetstoreId': file.store, 'path': file.path, 'md5': file.checksum, **outside}


def _name(entry: Entry) -> str:
    given = entry.file.file_name if entry.kind is Kind.BITSTREAM and entry.file else entry.item.name
    return validators.one_line(given)[:validators.NAME_CHARACTERS] or f'{entry.kind.value} {entry.number}'
