"""What the documents of a backup say about each other, in a small database of its own on the disk.

Memory does not grow with the number of documents. Changes to what was read are kept here until the files of
documents are written anew.
"""
from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from slicer_package_manager.backup import streams
from slicer_package_manager.backup.picking import Wanted

#: Which collections are looked at, leaves first: this is the order in which they are read.
KINDS = ('file', 'item', 'folder', 'collection', 'user')
_PLACE = ('app', 'channel', 'draft', 'release')
#: What is read of the documents of each.
FIELDS: dict[str, Wanted] = {
    'file': dict.fromkeys(('_id', 'itemId', 'attachedToId', 'attachedToType', 'assetstoreId', 's3Key', 'path', 'sha512',
                           'size', 'imported', 'name', 'created')),
    'item': {**dict.fromkeys(('_id', 'folderId', 'size')), 'spm': dict.fromkeys(('kind', 'ready', *_PLACE)),
             'meta': {'sha512': None}},
    'folder': {**dict.fromkeys(('_id', 'parentId', 'parentCollection')), 'spm': dict.fromkeys(_PLACE)},
    'collection': {'_id': None}, 'user': {'_id': None}, 'assetstore': dict.fromkeys(('_id', 'type'))}

_SCHEMA = """
CREATE TABLE file (id PRIMARY KEY, item, attached, sha512, size, store, path, imported, name, created);
CREATE TABLE item (id PRIMARY KEY, folder, ours, ready, sha512, size, channel, place);
CREATE TABLE folder (id PRIMARY KEY, parent, kind, channel, place);
CREATE TABLE collection (id PRIMARY KEY);
CREATE TABLE user (id PRIMARY KEY);
CREATE TABLE amended (kind, id, document, PRIMARY KEY (kind, id));
CREATE TABLE store (id PRIMARY KEY, root);
CREATE TABLE kept (store, path, digest, size, PRIMARY KEY (store, path));
CREATE INDEX file_item ON file (item);
CREATE INDEX file_place ON file (store, path);
CREATE INDEX item_folder ON item (folder);
"""

# An item that was promoted keeps the channel in which it was made, see registry/tree/promotions.
_FIRST = '(SELECT {} FROM file WHERE file.item = item.id ORDER BY created, id LIMIT 1)'
_LOST_FILES = """SELECT id FROM file WHERE item IS NOT NULL AND item NOT IN (SELECT id FROM item)
    OR item IS NULL AND attached IS NOT NULL AND attached NOT IN (SELECT id FROM item)"""
_WRONG_ITEMS = f"""SELECT item.id FROM item LEFT JOIN folder ON folder.id = item.folder
    WHERE folder.id IS NULL OR item.ours AND (
        item.channel = folder.channel AND item.place != folder.place
        OR (SELECT count(*) > 1 AND sum(name = 'new_file') = 0 FROM file WHERE file.item = item.id)
        OR item.size != (SELECT coalesce(sum(size), 0) FROM file WHERE file.item = item.id)
        OR item.ready IS NOT ({_FIRST.format('1')} IS NOT NULL)
        OR item.sha512 IS NOT coalesce({_FIRST.format('sha512')}, ''))"""  # noqa: S608 - our text
_LOST_FOLDERS = """SELECT id FROM folder WHERE kind = 'folder' AND parent NOT IN (SELECT id FROM folder)
    OR kind = 'collection' AND parent NOT IN (SELECT id FROM collection)
    OR kind = 'user' AND parent NOT IN (SELECT id FROM user)"""
_NOT_KEPT = """SELECT file.store, file.path, max(size), max(sha512), min(name), max(imported) FROM file
    JOIN store ON store.id = file.store WHERE path IS NOT NULL AND (file.store, file.path) > (?, ?) AND NOT EXISTS (
    SELECT 1 FROM kept WHERE kept.store = file.store AND kept.path = file.path)
    GROUP BY file.store, file.path ORDER BY file.store, file.path LIMIT 100"""
_SUM = '(SELECT coalesce(sum(size), 0) FROM file WHERE file.item = item.id)'
_UNTRUE = f"""SELECT id, first IS NOT NULL, coalesce(first_sha512, ''), total FROM (
    SELECT id, ready, sha512, size, ours,
    {_FIRST.format('1')} AS first, {_FIRST.format('sha512')} AS first_sha512, {_SUM} AS total FROM item)
    WHERE ours AND (ready IS NOT (first IS NOT NULL)
    OR sha512 IS NOT coalesce(first_sha512, '')
    OR size != total)"""  # noqa: S608 - our text
_WITHOUT_FILE = f'SELECT id FROM item WHERE ours AND ready AND {_FIRST.format("1")} IS NULL'  # noqa: S608 - our text


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


def _file(doc, buckets):
    attached = doc.get('attachedToId') if doc.get('attachedToType') == 'item' else None
    stored = _text(doc.get('assetstoreId'))
    path = doc.get('s3Key' if stored in buckets else 'path') if stored else None
    return (str(doc['_id']), _text(doc.get('itemId')), _text(attached), doc.get('sha512'), doc.get('size') or 0,
            stored, path, bool(doc.get('imported')) and stored not in buckets, doc.get('name'),
            str(doc.get('created')))


def _item(doc):
    place, meta = doc.get('spm') or {}, doc.get('meta') or {}
    ours = 'kind' in place
    return (str(doc['_id']), _text(doc.get('folderId')), ours, bool(place.get('ready')), meta.get('sha512') or '',
            doc.get('size') or 0, _text(place.get('channel')), _place(place) if ours else None)


def _folder(doc):
    place = doc.get('spm') or {}
    return (str(doc['_id']), _text(doc.get('parentId')), doc.get('parentCollection'), _text(place.get('channel')),
            _place(place))


def _place(spm):
    return json.dumps([str(spm.get(key)) for key in _PLACE])


def _text(value):
    return None if value is None else str(value)


_ROWS = {'item': _item, 'folder': _folder,
         'collection': lambda doc: (str(doc['_id']),), 'user': lambda doc: (str(doc['_id']),)}


class Facts:
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
        raw = None if document is None else streams.encoded(document)
        known = self.amended(kind, identifier)
        if known == (raw,):
            return False
        self.sql.execute('REPLACE INTO amended VALUES (?, ?, ?)', (kind, identifier, raw))
        if document is None:
            self.sql.execute(f'DELETE FROM {kind} WHERE id = ?', (identifier,))  # noqa: S608 - our names
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
        """Collections and ids of documents that do not fit to the others."""
        queries = (('file', _LOST_FILES), ('item', _WRONG_ITEMS), ('folder', _LOST_FOLDERS))
        return [(kind, row[0]) for kind, query in queries for row in self.sql.execute(query)]

    def untrue(self) -> list[tuple[str, bool, str, int]]:
        """Packages that do not tell the truth about their file: ids, and whether there is one, its SHA-512 and size."""
        return [(row[0], bool(row[1]), *row[2:]) for row in self.sql.execute(_UNTRUE)]

    def without_file(self) -> Iterator[str]:
        """The ids of the packages that claim to have a file and have none."""
        return (row[0] for row in self.sql.execute(_WITHOUT_FILE))

    def number_of(self, kind: str) -> int:
        """How many documents of the collection ``kind`` are known; one that came twice counts once."""
        return self.sql.execute(f'SELECT count(*) FROM {kind}').fetchone()[0]  # noqa: S608 - our names

    def files_of(self, item: str) -> list[str]:
        """The ids of the files in ``item``."""
        return [row[0] for row in self.sql.execute('SELECT id FROM file WHERE item = ?', (item,))]

    def files_at(self, content: Content) -> list[str]:
        """The ids of the file documents that speak of ``content``."""
        return [row[0] for row in self.sql.execute(
            'SELECT id FROM file WHERE store = ? AND path = ?', (content.store, content.path))]

    def knows(self, kind: str, identifier: str) -> bool:
        """Whether the document is in the backup."""
        query = f'SELECT 1 FROM {kind} WHERE id = ?'  # noqa: S608 - our names
        return self.sql.execute(query, (identifier,)).fetchone() is not None

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
def opened(buckets: Collection[str] = ()) -> Iterator[Facts]:
    """New facts, in a temporary file that goes afterwards; see :class:`Facts`."""
    with closing(sqlite3.connect('', isolation_level=None)) as connection:
        connection.executescript(_SCHEMA + 'BEGIN;')
        yield Facts(connection, buckets)
