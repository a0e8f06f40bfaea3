"""An index of the documents of a backup: the facts on which the invariants depend, in a temporary SQLite database.

Memory does not grow with the number of documents. Amendments (documents that the backup has instead of those that were
read) stay in the index until the files of documents are rewritten.
"""
from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, NamedTuple

from slicer_package_manager.backup import dump_files
from slicer_package_manager.backup.projection import Wanted, projected
from slicer_package_manager.registry.schema.invariants import (
    REFERENCES,
    FileFacts,
    FilesOfPackage,
    Place,
    Reference,
    Statement,
    Violation,
    files_of_package,
    is_misplaced,
    package_violations,
)

#: The collections in the index, leaves first: the order in which they are read.
COLLECTIONS = ('file', 'item', 'folder', 'collection', 'user')
#: The fields that are read of the documents of each collection.
FIELDS: dict[str, Wanted] = {
    'file': dict.fromkeys(('_id', 'itemId', 'attachedToId', 'attachedToType', 'assetstoreId', 's3Key', 'path', 'sha512',
                           'size', 'imported', 'name', 'created')),
    'item': {**dict.fromkeys(('_id', 'folderId', 'size')), 'spm': dict.fromkeys(('kind', 'ready', *Place._fields)),
             'meta': {'sha512': None}},
    'folder': {**dict.fromkeys(('_id', 'parentId', 'parentCollection')), 'spm': dict.fromkeys(Place._fields)},
    'collection': {'_id': None}, 'user': {'_id': None}, 'assetstore': dict.fromkeys(('_id', 'type'))}

_SCHEMA = """
CREATE TABLE file (_id PRIMARY KEY, itemId, attachedToType, attachedToId, sha512, size, store, path, imported, name,
    created);
CREATE TABLE item (_id PRIMARY KEY, folderId, is_package, has_file, sha512, size, app, channel, draft, release);
CREATE TABLE folder (_id PRIMARY KEY, parentId, parentCollection, app, channel, draft, release);
CREATE TABLE collection (_id PRIMARY KEY);
CREATE TABLE user (_id PRIMARY KEY);
CREATE TABLE amendment (collection, id, document, PRIMARY KEY (collection, id));
CREATE TABLE store (id PRIMARY KEY, root);
CREATE TABLE content (store, path, digest, size, PRIMARY KEY (store, path));
CREATE INDEX file_item ON file (itemId, created, _id);
CREATE INDEX file_place ON file (store, path);
"""
_WITHOUT_PARENT = """SELECT child._id FROM {child} AS child LEFT JOIN {parent} AS parent ON parent._id = child.{key}
    WHERE parent._id IS NULL AND {condition}"""
_PACKAGES = """SELECT item._id, item.has_file, item.sha512, item.size,
    item.app, item.channel, item.draft, item.release, folder.app, folder.channel, folder.draft, folder.release,
    file._id, file.name, file.sha512, file.size
    FROM item LEFT JOIN folder ON folder._id = item.folderId LEFT JOIN file ON file.itemId = item._id
    WHERE item.is_package ORDER BY item._id, file.created, file._id"""
_FILE_ID, _FILE_COLUMNS = 12, slice(13, 16)
_MISSING_BYTES = """SELECT file.store, file.path, max(size), max(sha512), min(name), max(imported) FROM file
    JOIN store ON store.id = file.store WHERE path IS NOT NULL AND (file.store, file.path) > (?, ?) AND NOT EXISTS (
    SELECT 1 FROM content WHERE content.store = file.store AND content.path = file.path)
    GROUP BY file.store, file.path ORDER BY file.store, file.path LIMIT 100"""


class FileBytes(NamedTuple):
    """The bytes that file documents refer to: their place, their number, and their SHA-512 if it is known.

    ``path`` is relative to the directory of the assetstore, or the key of an object in S3.
    """

    store: str
    path: str
    size: int
    sha512: str | None
    name: str
    imported: bool


class Package(NamedTuple):
    """A package, the registrations of it and of its folder, and its files."""

    identifier: str
    stated: Statement
    place: Place
    folder: Place
    files: FilesOfPackage

    def violations(self) -> set[Violation]:
        """The contradictions between the package and its files."""
        return package_violations(self.stated, self.files)


Document = Mapping[str, Any]  # any document of MongoDB
Row = tuple[str | int | float | bool | None, ...]


def _file(document: Document, buckets: Collection[str]) -> Row:
    store = _text(document.get('assetstoreId'))
    path = document.get('s3Key' if store in buckets else 'path') if store else None
    return (str(document['_id']), _text(document.get('itemId')), _text(document.get('attachedToType')),
            _text(document.get('attachedToId')), document.get('sha512'), _size(document.get('size')), store, path,
            bool(document.get('imported')) and store not in buckets, document.get('name'), str(document.get('created')))


def _item(document: Document) -> Row:
    spm, meta = document.get('spm') or {}, document.get('meta') or {}
    return (str(document['_id']), _text(document.get('folderId')), 'kind' in spm, bool(spm.get('ready')),
            meta.get('sha512') or '', document.get('size') or 0, *_place(spm))


def _folder(document: Document) -> Row:
    return (str(document['_id']), _text(document.get('parentId')), document.get('parentCollection'),
            *_place(document.get('spm') or {}))


def _place(spm: Document) -> Place:
    return Place(*(_text(spm.get(key)) for key in Place._fields))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _size(value: object) -> int | float:
    """``value`` if it is a number, else 0: damaged and forged documents may have any value there."""
    return value if isinstance(value, int | float) else 0


def _id(document: Document) -> Row:
    return (str(document['_id']),)


_ROWS: dict[str, Callable[[Document], Row]] = {'item': _item, 'folder': _folder, 'collection': _id, 'user': _id}


def _package(identifier: str, rows: Iterator[Row]) -> Package:
    """Build a package from the rows of ``_PACKAGES``: one for each of its files, or one without a file."""
    first: tuple[Any, ...] = next(rows)
    files = (FileFacts(*row[_FILE_COLUMNS]) for row in chain([first], rows) if row[_FILE_ID] is not None)
    return Package(identifier, Statement(bool(first[1]), *first[2:4]), Place(*first[4:8]), Place(*first[8:12]),
                   files_of_package(files))


class DocumentIndex:
    """The index of one backup; see the module.

    :param buckets: the ids of assetstores in S3 whose files belong to the backup.
    """

    def __init__(self, connection: sqlite3.Connection, buckets: Collection[str]) -> None:
        self.sql = connection
        self._buckets = buckets

    def add(self, collection: str, document: Document) -> None:
        """Add ``document``, or replace an earlier version of it."""
        row = _file(document, self._buckets) if collection == 'file' else _ROWS[collection](document)
        values = ', '.join('?' * len(row))
        self.sql.execute(f'REPLACE INTO {collection} VALUES ({values})', row)  # noqa: S608 - our names

    def clear(self, collection: str) -> None:
        """Remove all documents of ``collection``, which is read again from its beginning."""
        self.sql.execute(f'DELETE FROM {collection}')  # noqa: S608 - our names

    def amend(self, collection: str, identifier: str, document: Document | None) -> bool:
        """Have ``document`` in the backup instead of the one that was read; ``None`` removes it.

        :returns: whether this changes the backup.
        """
        raw = None if document is None else dump_files.encoded(document)
        if self.amended(collection, identifier) == (raw,):
            return False
        self.sql.execute('REPLACE INTO amendment VALUES (?, ?, ?)', (collection, identifier, raw))
        if document is None:
            self.sql.execute(f'DELETE FROM {collection} WHERE _id = ?', (identifier,))  # noqa: S608 - our names
        else:
            self.add(collection, document)
        return True

    def amended(self, collection: str, identifier: str) -> tuple[bytes | None] | None:
        """The amendment of a document, as a tuple of one; ``None`` if there is none."""
        found: tuple[bytes | None] | None = self.sql.execute(
            'SELECT document FROM amendment WHERE collection = ? AND id = ?', (collection, identifier)).fetchone()
        return found

    def amendments(self, collection: str) -> dict[str, bytes | None]:
        """All amendments of ``collection`` by ids; there are few, since little changes during a backup."""
        return dict(self.sql.execute('SELECT id, document FROM amendment WHERE collection = ?', (collection,)))

    def violating(self) -> list[tuple[str, str]]:
        """The collections and ids of the documents that violate an invariant."""
        found = [(reference.child, one) for reference in REFERENCES for one in self._without_parent(reference)]
        found += [('item', one.identifier) for one in self.packages()
                  if one.violations() or is_misplaced(one.place, one.folder)]
        return list(dict.fromkeys(found))

    def _without_parent(self, reference: Reference) -> Iterator[str]:
        condition = f'child.{reference.condition[0]} = ?' if reference.condition else 'true'
        if reference.optional:
            condition += f' AND child.{reference.key} IS NOT NULL'
        query = _WITHOUT_PARENT.format(**{**reference._asdict(), 'condition': condition})
        return (row[0] for row in self.sql.execute(query, reference.condition[1:] if reference.condition else ()))

    def packages(self) -> Iterator[Package]:
        """Yield all packages with their files, sorted by id."""
        for identifier, rows in groupby(self.sql.execute(_PACKAGES), key=itemgetter(0)):
            yield _package(identifier, rows)

    def contradicting(self) -> list[tuple[str, Statement]]:
        """The ids of packages that contradict their files, each with what it must state instead."""
        return [(one.identifier, one.files.statement) for one in self.packages() if one.stated != one.files.statement]

    def without_file(self) -> Iterator[str]:
        """Yield the ids of the packages that state that they have a file and have none."""
        return (one.identifier for one in self.packages() if Violation.FILE_MISSING in one.violations())

    def number_of(self, collection: str) -> int:
        """The number of different documents of ``collection``."""
        found: int = self.sql.execute(f'SELECT count(*) FROM {collection}').fetchone()[0]  # noqa: S608 - our names
        return found

    def files_of(self, item: str) -> list[str]:
        """The ids of the files in ``item``."""
        return [row[0] for row in self.sql.execute('SELECT _id FROM file WHERE itemId = ?', (item,))]

    def files_at(self, content: FileBytes) -> list[str]:
        """The ids of the file documents that refer to ``content``."""
        return [row[0] for row in self.sql.execute(
            'SELECT _id FROM file WHERE store = ? AND path = ?', (content.store, content.path))]

    def add_store(self, identifier: str, root: str) -> None:
        """Add an assetstore whose files belong to the backup, with its directory or its bucket."""
        self.sql.execute('REPLACE INTO store VALUES (?, ?)', (identifier, root))

    def add_content(self, content: tuple[str, int, str, str]) -> None:
        """Record that the backup has the bytes of a file: object, size, assetstore and path."""
        digest, size, store, path = content
        self.sql.execute('REPLACE INTO content VALUES (?, ?, ?, ?)', (store, path, digest, size))

    def missing_bytes(self) -> Iterator[FileBytes]:
        """Yield all bytes that files refer to and the backup does not have; they may be added during the iteration."""
        last = ('', '')
        while rows := self.sql.execute(_MISSING_BYTES, last).fetchall():
            yield from map(FileBytes._make, rows)
            last = rows[-1][:2]

    def contents(self) -> Iterator[tuple[str, int, str, str]]:
        """Yield object, size, assetstore and path of all bytes that files of the backup refer to, sorted by object."""
        return self.sql.execute("""SELECT digest, content.size, content.store, content.path FROM content WHERE EXISTS (
            SELECT 1 FROM file WHERE file.store = content.store AND file.path = content.path)
            ORDER BY digest, content.store, content.path""")

    def files_elsewhere(self) -> list[tuple[str, int]]:
        """The ids of assetstores whose files do not belong to the backup, with their numbers of files."""
        return list(self.sql.execute("""SELECT store, count(*) FROM file WHERE store IS NOT NULL
            AND store NOT IN (SELECT id FROM store) GROUP BY store"""))


def indexed(index: DocumentIndex, collection: str, raws: Iterator[bytes]) -> Iterator[bytes]:
    """Yield ``raws``, the documents of ``collection``, and add each to ``index``, which has no others of them then."""
    if collection not in COLLECTIONS:
        yield from raws
        return
    index.clear(collection)
    for raw in raws:
        index.add(collection, projected(raw, FIELDS[collection]))
        yield raw


@contextmanager
def opened(buckets: Collection[str] = ()) -> Iterator[DocumentIndex]:
    """An empty index in a temporary file, which is removed at the end; see :class:`DocumentIndex`."""
    with closing(sqlite3.connect('', isolation_level=None)) as connection:
        connection.executescript(_SCHEMA + 'BEGIN;')
        yield DocumentIndex(connection, buckets)
