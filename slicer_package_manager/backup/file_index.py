"""An index of the files of a backup and of their bytes, in a temporary SQLite database.

Memory does not grow with the number of files.
"""
from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from slicer_package_manager.registry.schema.invariants import FileFacts, FilesOfPackage, files_of_package

#: The fields of a file's document that the index reads.
FIELDS = ('_id', 'itemId', 'assetstoreId', 's3Key', 'path', 'sha512', 'size', 'imported', 'name', 'created', 'spm')

_SCHEMA = """
CREATE TABLE file (_id PRIMARY KEY, itemId, created, name, sha512, size, store, path, imported, detached);
CREATE TABLE store (id PRIMARY KEY);
CREATE TABLE content (store, path, digest, size, target, PRIMARY KEY (store, path));
CREATE TABLE seen (collection, id, PRIMARY KEY (collection, id));
CREATE INDEX file_item ON file (itemId, created, _id);
CREATE INDEX file_place ON file (store, path);
-- The files that the backup has, as it has them. Those whose bytes belong to the backup are in it with these.
CREATE VIEW kept AS SELECT _id, itemId, created, name, file.size, coalesce(target, file.path) AS path,
    imported AND digest IS NOT NULL AS moved,
    CASE WHEN imported THEN digest ELSE coalesce(sha512, digest) END AS sha512
    FROM file LEFT JOIN content ON content.store = file.store AND content.path = file.path
    WHERE digest IS NOT NULL OR file.path IS NULL OR file.store NOT IN (SELECT id FROM store);
"""
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


class Kept(NamedTuple):
    """A file as the backup has it; ``is_moved`` if its bytes were imported, and now lie in its assetstore."""

    sha512: str | None
    path: str | None
    is_moved: bool


def is_package(item: Mapping[str, Any]) -> bool:
    """Whether the document ``item`` is that of a package."""
    return 'kind' in (item.get('spm') or ())


class FileIndex:
    """The index of one backup; see the module. Identifiers are texts."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.sql = connection
        self._buckets: Collection[str] = ()

    def begin(self, stores: Collection[str], buckets: Collection[str]) -> None:
        """Remove all files, but not their bytes.

        :param stores: the ids of the assetstores whose files belong to the backup.
        :param buckets: those of them in S3.
        """
        self._buckets = buckets
        self.sql.execute('DELETE FROM file')
        self.sql.execute('DELETE FROM store')
        self.sql.executemany('INSERT INTO store VALUES (?)', [(one,) for one in stores])

    def add(self, file: Mapping[str, Any]) -> None:
        """Add the document of a file."""
        store = _text(file.get('assetstoreId'))
        path = file.get('s3Key' if store in self._buckets else 'path') if store else None
        size = file.get('size')
        self.sql.execute('REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', (
            str(file['_id']), _text(file.get('itemId')), str(file.get('created')), file.get('name'), file.get('sha512'),
            # Damaged and forged documents may have any value there.
            size if isinstance(size, int | float) else 0,
            store, path, bool(file.get('imported')) and store not in self._buckets,
            'retired' in (file.get('spm') or ())))

    def is_new(self, collection: str, identifier: str) -> bool:
        """Whether this is the first call for a document."""
        return bool(self.sql.execute('INSERT OR IGNORE INTO seen VALUES (?, ?)', (collection, identifier)).rowcount)

    def kept(self, identifier: str) -> Kept | None:
        """What a file is in the backup; ``None`` if its bytes are lost."""
        found = self.sql.execute('SELECT sha512, path, moved FROM kept WHERE _id = ?', (identifier,)).fetchone()
        return found and Kept._make(found)

    def files_of(self, item: str) -> FilesOfPackage:
        """The files of the package ``item`` that the backup has."""
        return files_of_package(map(FileFacts._make, self.sql.execute(
            'SELECT name, sha512, size FROM kept WHERE itemId = ? ORDER BY created, _id', (item,))))

    def files_at(self, content: FileBytes) -> list[str]:
        """The ids of the files whose bytes are ``content``, without those that another file has replaced."""
        return [row[0] for row in self.sql.execute(
            'SELECT _id FROM file WHERE store = ? AND path = ? AND NOT detached', (content.store, content.path))]

    def add_content(self, digest: str, size: int, store: str, path: str, target: str | None = None) -> None:
        """Record that the backup has the bytes of the file at ``path``, which are restored to ``target``."""
        self.sql.execute('REPLACE INTO content VALUES (?, ?, ?, ?, ?)', (store, path, digest, size, target or path))

    def missing_bytes(self) -> Iterator[FileBytes]:
        """Yield all bytes that files refer to and the backup does not have; they may be added during the iteration."""
        last = ('', '')
        while rows := self.sql.execute(_MISSING_BYTES, last).fetchall():
            yield from map(FileBytes._make, rows)
            last = rows[-1][:2]

    def contents(self) -> Iterator[tuple[str, int, str, str]]:
        """Yield object, size, assetstore and path of all bytes that files of the backup refer to, sorted by object."""
        return self.sql.execute("""SELECT DISTINCT digest, size, store, target FROM content WHERE EXISTS (
            SELECT 1 FROM file WHERE file.store = content.store AND file.path = content.path)
            ORDER BY digest, store, target""")

    def files_elsewhere(self) -> list[tuple[str, int]]:
        """The ids of assetstores whose files do not belong to the backup, with their numbers of files."""
        return list(self.sql.execute("""SELECT store, count(*) FROM file WHERE store IS NOT NULL
            AND store NOT IN (SELECT id FROM store) GROUP BY store"""))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


@contextmanager
def opened() -> Iterator[FileIndex]:
    """An empty index in a temporary file, which is removed at the end; see :class:`FileIndex`."""
    with closing(sqlite3.connect('', isolation_level=None)) as connection:
        connection.executescript(_SCHEMA + 'BEGIN;')
        yield FileIndex(connection)
