"""The database of an older server (Girder 3), which is only read."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import pymongo
from bson.codec_options import DatetimeConversion
from pymongo.database import Database
from pymongo.errors import PyMongoError

from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.migration.rules import shapes, values
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import older_data

AnyDatabase: TypeAlias = Database[Document]

#: Seconds within which the source must answer.
_PATIENCE = 15
#: How many ids one query names at most.
BATCH = 1000
#: How many folders are read at once.
_FOLDERS = 200


def connect(uri: str) -> AnyDatabase:
    """Connect to the database of ``uri``, which names it.

    :raises MigrationError: it does not answer, or is no database of Girder.
    """
    try:
        client: pymongo.MongoClient[Document] = pymongo.MongoClient(
            uri, serverSelectionTimeoutMS=_PATIENCE * 1000)
        database = opened(client.get_default_database('girder'))
        names = set(database.list_collection_names())
    except PyMongoError as error:
        raise MigrationError(f'The database of the older server cannot be read: {error}') from error
    if not {'folder', 'item', 'file', 'user'} <= names:
        raise MigrationError(f'The database "{database.name}" is not one of Girder: it has no collections folder, '
                             'item, file and user. Name the database in the address, mongodb://HOST:PORT/NAME.')
    return database


def opened(database: AnyDatabase) -> AnyDatabase:
    """``database`` with moments in UTC, as Girder's models read them.

    Moments outside of the years 1 to 9999 and bytes that are no UTF-8 do not fail; see :mod:`rules.values`.
    """
    return database.with_options(codec_options=database.codec_options.with_options(
        tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO,
        unicode_decode_error_handler='surrogateescape'))


def identity(database: AnyDatabase) -> str:
    """What distinguishes this older server from others, wherever it is read: the id of its oldest collection."""
    oldest = database['collection'].find_one({}, {'_id': 1}, sort=[('_id', 1)])
    return str(oldest['_id']) if oldest else database.name


def folders_below(database: AnyDatabase, folder_id: Any) -> list[Document]:
    """Return all folders below the folder ``folder_id``, each after the one that it is in."""
    found: list[Document] = []
    parents = [folder_id]
    while parents:
        level = [one for ids in batches(parents) for one in database['folder'].find(
            {'parentId': {'$in': ids}, 'parentCollection': 'folder'})]
        found += level
        parents = [one['_id'] for one in level]
    return found


def nearest_folders(database: AnyDatabase, folder_id: Any, most: int) -> list[Document]:
    """Return the folder ``folder_id``, the folder that it is in, and so on, at most so many."""
    found: list[Document] = []
    while len(found) < most:
        folder = database['folder'].find_one({'_id': folder_id}, {'name': 1, 'public': 1, 'parentId': 1})
        if folder is None:
            break
        found.append(folder)
        folder_id = folder.get('parentId')
    return found


def filled(database: AnyDatabase, folders: Iterable[Mapping[str, Any]]) -> set[Any]:
    """Return the ids of those of ``folders`` that have items."""
    return {one for ids in batches(folder['_id'] for folder in folders)
            for one in database['item'].distinct('folderId', {'folderId': {'$in': ids}})}


def items_in(database: AnyDatabase, folder_ids: Iterable[Any]) -> list[Document]:
    """Return the items of these folders, the oldest first."""
    return list(database['item'].find({'folderId': {'$in': list(folder_ids)}}, sort=[('created', 1), ('_id', 1)]))


def files_of(database: AnyDatabase, items: Iterable[Mapping[str, Any]]) -> dict[Any, list[Document]]:
    """Return the files of ``items`` by the ids of these."""
    found: dict[Any, list[Document]] = {}
    for ids in batches(item['_id'] for item in items):
        for file in database['file'].find({'itemId': {'$in': ids}}, sort=[('_id', 1)]):
            found.setdefault(file['itemId'], []).append(file)
    return found


def ids_of_items(database: AnyDatabase, folder_ids: Iterable[Any]) -> Iterator[Any]:
    """Yield the ids of the items in these folders."""
    for ids in batches(folder_ids):
        yield from (one['_id'] for one in database['item'].find({'folderId': {'$in': ids}}, {'_id': 1}))


def ids_of_files(database: AnyDatabase, item_ids: Iterable[Any]) -> Iterator[Any]:
    """Yield the ids of the files of these items, those beside that for readers included."""
    for ids in batches(item_ids):
        either = [{key: {'$in': ids}} for key in ('itemId', 'attachedToId')]
        yield from (one['_id'] for one in database['file'].find({'$or': either}, {'_id': 1}))


def size_of_files(database: AnyDatabase, stores: list[Any]) -> int:
    """Return how many bytes the files in the assetstores ``stores`` have, those with the same checksum once."""
    return sum(values.whole(row['size']) or 0 for row in database['file'].aggregate(
        [{'$match': {'assetstoreId': {'$in': stores}}},
         {'$group': {'_id': {'$ifNull': ['$sha512', '$_id']}, 'size': {'$max': '$size'}}}], allowDiskUse=True))


def batches(ids: Iterable[Any], most: int = BATCH) -> Iterator[list[Any]]:
    """Yield ``ids`` in lists of at most ``most``."""
    batch = []
    for one in ids:
        batch.append(one)
        if len(batch) == most:
            yield batch
            batch = []
    if batch:
        yield batch


class OlderServer:
    """The folders and items of the older server in ``database``, in their shape; see :class:`source.Source`.

    :param add: gets a note for each document that was not in its shape, once.
    """

    def __init__(self, database: AnyDatabase, add: Callable[[list[Note]], None]) -> None:
        self._database, self._add = database, add
        self._changed: dict[tuple[str, str], set[str] | None] = {}

    def applications(self) -> Iterator[tuple[Document, Document]]:
        """Yield the folder of each application, and the folder ``packages`` that it is in."""
        for app, packages in older_data.applications(self._database):
            found = self.shaped('folder', [packages, app])
            if len(found) == len((app, packages)):
                yield found[1], found[0]

    def folders_below(self, folder_id: Any) -> list[Document]:
        """See :func:`folders_below`. A folder that cannot be used is left out, with all that are below it."""
        below = (shapes.shaped('folder', one) for one in folders_below(self._database, folder_id))
        found = self._usable('folder', [shapes.as_release(one) if one.document.get('parentId') == folder_id else one
                                        for one in below])
        usable = {folder_id}
        return [one for one in found if one['parentId'] in usable and not usable.add(one['_id'])]  # type: ignore[func-returns-value]

    def filled(self, folders: Iterable[Mapping[str, Any]]) -> set[Any]:
        """See :func:`filled`."""
        return filled(self._database, folders)

    def items_in(self, folder_ids: Iterable[Any]) -> list[Document]:
        """See :func:`items_in`."""
        found = self.shaped('item', items_in(self._database, folder_ids))
        return sorted(found, key=lambda one: (one['created'], one['_id']))

    def files_of(self, items: Iterable[Mapping[str, Any]]) -> dict[Any, list[Document]]:
        """See :func:`files_of`."""
        return {item: self.shaped('file', files) for item, files in files_of(self._database, items).items()}

    def folders_of(self, item_ids: Iterable[Any]) -> dict[Any, Any]:
        """Return the id of the folder that each of these items is in, but those that are not there."""
        return {one['_id']: one.get('folderId') for some in batches(item_ids)
                for one in self._database['item'].find({'_id': {'$in': some}}, {'folderId': 1})}

    def folders_without(self, ids: set[Any]) -> Iterator[list[Document]]:
        """Yield all folders but ``ids``, some at a time."""
        others = (one['_id'] for one in self._database['folder'].find({}, {'_id': 1}) if one['_id'] not in ids)
        for some in batches(others, _FOLDERS):
            yield self.shaped('folder', self._database['folder'].find({'_id': {'$in': some}}))

    def shaped(self, kind: str, documents: Iterable[Mapping[str, Any]]) -> list[Document]:
        """Return those of ``documents`` that can be used, in their shape."""
        return self._usable(kind, [shapes.shaped(kind, one) for one in documents])

    def _usable(self, kind: str, found: list[shapes.Shaped]) -> list[Document]:
        for one in found:
            if one.changes or one.problem:
                self._note(kind, one)
        usable = [one.document for one in found if not one.problem]
        return [self._with_base(one) for one in usable] if kind == 'folder' else usable

    def explains(self, note: Note) -> bool:
        """Whether a difference that the verification has found follows from what was mended here."""
        fields = self._changed.get((note.kind, note.id), set())
        return fields is None or not fields.isdisjoint(note.fields)

    def _note(self, kind: str, found: shapes.Shaped) -> None:
        identifier = str(found.document.get('_id'))
        if (kind, identifier) in self._changed:
            return
        self._changed[kind, identifier] = None if found.problem else set(found.changes)
        name = values.printable(found.document.get('name', found.document.get('login', '')))
        sentences = '; '.join(filter(None, found.changes.values()))
        if found.problem and kind != 'folder':  # those are in the report with all that are not read, see leftovers
            self._add([Note(Outcome.LEFT_OUT, kind, identifier, name, found.problem, 'Correct it at the source, and '
                            'run the migration again.')])
        elif sentences:
            self._add([Note(Outcome.MENDED, kind, identifier, name, sentences, fields=tuple(found.changes))])

    def _with_base(self, folder: Document) -> Document:
        """``folder`` with the collection or user that it is below."""
        if folder.get('baseParentType') in shapes.PLACES[1:] and shapes.is_id(folder.get('baseParentId')):
            return folder
        above, seen = folder, set()
        while above['parentCollection'] == 'folder' and above['parentId'] not in seen:
            seen.add(above['parentId'])
            parent = self._database['folder'].find_one({'_id': above['parentId']})
            if parent is None or parent.get('parentCollection') not in shapes.PLACES:
                break
            above = parent
        return {**folder, 'baseParentType': above['parentCollection'], 'baseParentId': above.get('parentId')}
