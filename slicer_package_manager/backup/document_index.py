"""What the documents of a backup say about each other, in a small database of its own on the disk.

Memory does not grow with the number of documents. Changes to what was read are kept here until the files of
documents are written anew.
"""
from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, NamedTuple

from slicer_package_manager.backup import dump_files
from slicer_package_manager.backup.projection import Wanted
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

#: Which collections are looked at, leaves first: this is the order in which they are read.
KINDS = ('file', 'item', 'folder', 'collection', 'user')
#: What is read of the documents of each.
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
CREATE TABLE item (_id PRIMARY KEY, folderId, ours, ready, sha512, size, app, channel, draft, release);
CREATE TABLE folder (_id PRIMARY KEY, parentId, parentCollection, app, channel, draft, release);
CREATE TABLE collection (_id PRIMARY KEY);
CREATE TABLE user (_id PRIMARY KEY);
CREATE TABLE amended (kind, id, document, PRIMARY KEY (kind, id));
CREATE TABLE store (id PRIMARY KEY, root);
CREATE TABLE kept (store, path, digest, size, PRIMARY KEY (store, path));
CREATE INDEX file_item ON file (itemId, created, _id);
CREATE INDEX file_place ON file (store, path);
"""
_WITHOUT_PARENT = """SELECT child._id FROM {child} AS child LEFT JOIN {parent} AS parent ON parent._id = child.{key}
    WHERE parent._id IS NULL AND {condition}"""
_PACKAGES = """SELECT item._id, item.ready, item.sha512, item.size,
    item.app, item.channel, item.draft, item.release, folder.app, folder.channel, folder.draft, folder.release,
    file._id, file.name, file.sha512, file.size
    FROM item LEFT JOIN folder ON folder._id = item.folderId LEFT JOIN file ON file.itemId = item._id
    WHERE item.ours ORDER BY item._id, file.created, file._id"""
_FILE_ID, _FILE_COLUMNS = 12, slice(13, 16)
_NOT_KEPT = """SELECT file.store, file.path, max(size), max(sha512), min(name), max(imported) FROM file
    JOIN store ON store.id = file.store WHERE path IS NOT NULL AND (file.store, file.path) > (?, ?) AND NOT EXISTS (
    SELECT 1 FROM kept WHERE kept.store = file.store AND kept.path = file.path)
    GROUP BY file.store, file.path ORDER BY file.store, file.path LIMIT 100"""


class Content(NamedTuple):
    """The bytes that a file document speaks of: where they are, how many, and their SHA-512 if it tells one.

    ``path`` is that of a file, or the key of an object.
    """

    store: str
    path: str
    size: int
    sha512: str | None
    name: str
    imported: bool


class Package(NamedTuple):
    """A package, its files and, if it has one, the registration of its folder."""

    identifier: str
    stated: Statement
    place: Place
    folder: Place
    files: FilesOfPackage

    def violations(self) -> set[Violation]:
        """The contradictions between the package and its files."""
        return package_violations(self.stated, self.files)


Document = Mapping[str, Any]
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
    """``value`` if sizes can be summed with it; damaged and forged documents may have anything there."""
    return value if isinstance(value, int | float) else 0


def _id(document: Document) -> Row:
    return (str(document['_id']),)


_ROWS: dict[str, Callable[[Document], Row]] = {'item': _item, 'folder': _folder, 'collection': _id, 'user': _id}


def _package(identifier: str, rows: Iterator[sqlite3.Row]) -> Package:
    """One package of the rows of ``_PACKAGES``, each of which has one of its files, or ``None`` if it has none."""
    first = next(rows)
    files = (FileFacts(*row[_FILE_COLUMNS]) for row in chain([first], rows) if row[_FILE_ID] is not None)
    return Package(identifier, Statement(bool(first[1]), *first[2:4]), Place(*first[4:8]), Place(*first[8:12]),
                   files_of_package(files))


class DocumentIndex:
    """The facts of one backup; see the module.

    :param buckets: the ids of assetstores in object storage whose files belong to the backup.
    """

    def __init__(self, connection: sqlite3.Connection, buckets: Collection[str]) -> None:
        self.sql = connection
        self._buckets = buckets

    def add(self, kind: str, document: Any) -> None:
        """Learn ``document`` of the collection ``kind``, or that it has changed."""
        row = _file(document, self._buckets) if kind == 'file' else _ROWS[kind](document)
        self.sql.execute(f'REPLACE INTO {kind} VALUES ({", ".join("?" * len(row))})', row)  # noqa: S608 - our names

    def forget(self, kind: str) -> None:
        """Know nothing of the collection ``kind`` any more, which is read from its beginning."""
        self.sql.execute(f'DELETE FROM {kind}')  # noqa: S608 - our names

    def amend(self, kind: str, identifier: str, document: dict[str, Any] | None) -> bool:
        """Have ``document`` in the backup instead of what was read, or nothing if it is ``None``.

        :returns: whether that is news.
        """
        raw = None if document is None else dump_files.encoded(document)
        known = self.amended(kind, identifier)
        if known == (raw,):
            return False
        self.sql.execute('REPLACE INTO amended VALUES (?, ?, ?)', (kind, identifier, raw))
        if document is None:
            self.sql.execute(f'DELETE FROM {kind} WHERE _id = ?', (identifier,))  # noqa: S608 - our names
        else:
            self.add(kind, document)
        return True

    def amended(self, kind: str, identifier: str) -> tuple[bytes | None] | None:
        """What the backup has instead of the document that was read; ``None`` if that is as it was."""
        return self.sql.execute('SELECT document FROM amended WHERE kind = ? AND id = ?', (kind, identifier)).fetchone()

    def amendments(self, kind: str) -> dict[str, bytes | None]:
        """All changes to the collection ``kind`` by ids; few, since little happens while a backup is made."""
        return dict(self.sql.execute('SELECT id, document FROM amended WHERE kind = ?', (kind,)))

    def suspects(self) -> list[tuple[str, str]]:
        """Collections and ids of documents that contradict an invariant."""
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
        """All packages with their files, in the order of ids."""
        for identifier, rows in groupby(self.sql.execute(_PACKAGES), key=itemgetter(0)):
            yield _package(identifier, rows)

    def untrue(self) -> list[tuple[str, Statement]]:
        """The ids of packages that contradict their files, each with what it must state instead."""
        return [(one.identifier, one.files.statement) for one in self.packages()
                if one.stated != one.files.statement]

    def without_file(self) -> Iterator[str]:
        """The ids of the packages that claim to have a file and have none."""
        return (one.identifier for one in self.packages() if Violation.FILE_MISSING in one.violations())

    def number_of(self, kind: str) -> int:
        """How many documents of the collection ``kind`` are known; one that came twice counts once."""
        return self.sql.execute(f'SELECT count(*) FROM {kind}').fetchone()[0]  # noqa: S608 - our names

    def files_of(self, item: str) -> list[str]:
        """The ids of the files in ``item``."""
        return [row[0] for row in self.sql.execute('SELECT _id FROM file WHERE itemId = ?', (item,))]

    def files_at(self, content: Content) -> list[str]:
        """The ids of the file documents that speak of ``content``."""
        return [row[0] for row in self.sql.execute(
            'SELECT _id FROM file WHERE store = ? AND path = ?', (content.store, content.path))]

    def add_store(self, identifier: str, root: str) -> None:
        """Learn of the directory, or the bucket, of an assetstore whose files belong to the backup."""
        self.sql.execute('REPLACE INTO store VALUES (?, ?)', (identifier, root))

    def keep(self, content: Content, digest: str) -> None:
        """Note that ``content`` is in the backup as the object ``digest``."""
        self.keep_at((digest, content.size, content.store, content.path))

    def keep_at(self, stored: tuple[str, int, str, str]) -> None:
        """Note that an object of some size is in the backup, for a path in an assetstore."""
        digest, size, store, path = stored
        self.sql.execute('REPLACE INTO kept VALUES (?, ?, ?, ?)', (store, path, digest, size))

    def contents(self) -> Iterator[Content]:
        """All bytes that belong to the backup and are not in it yet; may be kept while this goes on."""
        last = ('', '')
        while rows := self.sql.execute(_NOT_KEPT, last).fetchall():
            yield from map(Content._make, rows)
            last = rows[-1][:2]

    def kept(self) -> Iterator[tuple[str, int, str, str]]:
        """Object, size, assetstore and path of all bytes that documents of the backup speak of, by objects."""
        return self.sql.execute("""SELECT digest, kept.size, kept.store, kept.path FROM kept WHERE EXISTS (
            SELECT 1 FROM file WHERE file.store = kept.store AND file.path = kept.path)
            ORDER BY digest, kept.store, kept.path""")

    def elsewhere(self) -> list[tuple[str, int]]:
        """Assetstores whose files are not in the backup, with their numbers of files."""
        return list(self.sql.execute("""SELECT store, count(*) FROM file WHERE store IS NOT NULL
            AND store NOT IN (SELECT id FROM store) GROUP BY store"""))


@contextmanager
def opened(buckets: Collection[str] = ()) -> Iterator[DocumentIndex]:
    """New facts, in a temporary file that goes afterwards; see :class:`DocumentIndex`."""
    with closing(sqlite3.connect('', isolation_level=None)) as connection:
        connection.executescript(_SCHEMA + 'BEGIN;')
        yield DocumentIndex(connection, buckets)
