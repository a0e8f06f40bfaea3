"""Create one backup of a live database and its assetstores; see the package for why it is consistent."""
from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import cast

import bson
from bson.objectid import ObjectId
from pymongo.client_session import ClientSession

import slicer_package_manager
from slicer_package_manager.backup import (
    document_index,
    dump_files,
    live_database,
    manifest,
    objects,
    sources,
    store_types,
)
from slicer_package_manager.backup.directory import Backup, Directory
from slicer_package_manager.backup.document_index import Document, DocumentIndex, FileBytes
from slicer_package_manager.backup.dump_files import Written
from slicer_package_manager.backup.errors import BackupError
from slicer_package_manager.backup.live_database import Mongo
from slicer_package_manager.backup.manifest import FileEntry, Manifest, StoreEntry
from slicer_package_manager.backup.progress import Advance, Steps

#: How often the documents of files that were deleted during the copying are read again.
_ROUNDS = 20
#: The largest number of lost files, and of notes, in a manifest; the command names them all.
_MAX_MESSAGES = 5000
#: How the documents were read, see the package.
_SNAPSHOT, _IN_ORDER = 'read as of one moment', 'read in order, and again what did not fit'


@dataclass
class Result:
    """A backup that was created.

    ``copied`` and ``shared`` are the numbers of objects and of bytes that are new, and that existed before;
    ``left_out`` names files of the database whose bytes are lost; ``notes`` has other remarks.
    """

    backup: Backup | None = None
    documents: int = 0
    files: int = 0
    copied: list[int] = field(default_factory=lambda: [0, 0])
    shared: list[int] = field(default_factory=lambda: [0, 0])
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def create_backup(database: Mongo, directory: Directory, steps: Steps, *, include_s3: bool = False, check: bool = False,
                  ) -> Result:
    """Back up ``database`` and the files of its filesystem assetstores; the caller holds the lock of ``directory``.

    :param include_s3: copy the files in S3 too.
    :param check: read the objects that exist already, and replace those that are damaged.
    :raises BackupError: no backup can be created; none is listed then.
    :raises OSError: a directory cannot be read or written.
    """
    place = directory.begin()
    in_buckets = {'type': {'$in': store_types.BUCKETS}}
    buckets = [str(one['_id']) for one in database['assetstore'].find(in_buckets)] if include_s3 else []
    with document_index.opened(buckets) as index:
        creation = _Creation(database, directory, place, index, steps, check)
        creation.buckets = buckets
        creation.read_documents()
        creation.copy_files()
        collections = creation.write_documents()
        contents = dump_files.write(place.contents, _lines(index))
    creation.result.files = contents.entries
    manifest.write(place.path, creation.manifest(collections, contents))
    creation.result.backup = directory.finish(place)
    return creation.result


def _lines(index: DocumentIndex) -> Iterator[bytes]:
    return (json.dumps(row).encode() + b'\n' for row in index.contents())


class _Creation:
    def __init__(self, database: Mongo, directory: Directory, place: Backup, index: DocumentIndex, steps: Steps,
                 check: bool) -> None:
        self.database, self.directory, self.place = database, directory, place
        self.index, self.steps, self.check = index, steps, check
        self.result = Result()
        self.written: dict[str, Written] = {}
        self.stores: list[StoreEntry] = []
        self.buckets: list[str] = []
        self.sources: dict[str, sources.Source] = {}
        self.consistency = _IN_ORDER

    def read_documents(self) -> None:
        """Read all collections until they are consistent, and find the assetstores."""
        names = live_database.collections(self.database)
        total = sum(self.database[name].estimated_document_count() for name in names)
        with (self.steps('Reading the database', total, False) as advance,
              live_database.snapshot(self.database) as snapshot):
            session, self.consistency = snapshot, _SNAPSHOT if snapshot else _IN_ORDER
            for name in names:
                try:
                    self._read(name, session, advance)
                except live_database.TooOldError:  # from here on the order of the collections ensures consistency
                    session, self.consistency = None, _IN_ORDER
                    self._read(name, session, advance)
        live_database.reconcile(self.database, self.index)
        for store in self.database['assetstore'].find({}):
            self._add_store(store)

    def _read(self, name: str, session: ClientSession | None, advance: Advance) -> None:
        raws = document_index.indexed(self.index, name, live_database.documents(self.database[name], session))
        self.written[name] = dump_files.write(self.place.collection(name), _counted(raws, advance))

    def _add_store(self, store: Document) -> None:
        identifier = str(store['_id'])
        entry = cast('StoreEntry', {'id': identifier, **{
            key: store.get(key) for key in ('name', 'type', 'root', 'bucket', 'prefix', 'current')}})
        if not store_types.is_bucket(store) or identifier in self.buckets:
            source = self.sources[identifier] = sources.of(store)
            entry['root'] = str(source)
            self.index.add_store(identifier, str(source))
        self.stores.append(entry)

    def copy_files(self) -> None:
        """Copy the bytes of files; read documents of missing ones again, and leave out those that are lost."""
        for _ in range(_ROUNDS):
            missing = self._copy_missing()
            if not missing:
                break
            changes = [live_database.refresh(self.database, self.index, 'file', one)
                       for content in missing for one in self.index.files_at(content)]
            live_database.reconcile(self.database, self.index)
            if not any(changes) and {*missing} == {*self.index.missing_bytes()}:
                break
        self._leave_out_lost_files()
        self._note_files_elsewhere()

    def _copy_missing(self) -> list[FileBytes]:
        """Copy the bytes that the backup lacks; return those that their assetstores lack too."""
        missing = self.index.missing_bytes
        wanted = sum(one.size for one in missing() if not self._exists(one))
        free = shutil.disk_usage(self.directory.path).free
        if wanted > free:
            raise BackupError(f'{self.directory.path} has {free} bytes left, and {wanted} must be copied there. Make '
                              'room, or use another directory.')
        with self.steps('Copying files', wanted, True) as advance:
            return [one for one in missing() if not self._copy(one, advance)]

    def _exists(self, content: FileBytes) -> bool:
        return not content.imported and self.directory.objects.has(content.sha512, content.size)

    def _is_intact(self, content: FileBytes) -> bool:
        return not self.check or self.directory.objects.problem(str(content.sha512), content.size) is None

    def _copy(self, content: FileBytes, advance: Advance) -> bool:
        """Copy ``content`` to the directory unless it is there; return whether it is there now."""
        if self._exists(content) and self._is_intact(content):
            self._add_content(content, str(content.sha512))
            _count(self.result.shared, content)
            return True
        try:
            with self.sources[content.store].opened(content) as source:
                digest = self.directory.objects.put(source, advance)
        except FileNotFoundError:
            return False
        self._add_content(content, digest)
        _count(self.result.copied, content)
        self._correct_documents(content, digest)
        return True

    def _add_content(self, content: FileBytes, digest: str) -> None:
        self.index.add_content((digest, content.size, content.store, content.path))

    def _correct_documents(self, content: FileBytes, digest: str) -> None:
        """Have the documents of the files at ``content`` refer to the object that was copied."""
        if content.imported:  # its file is outside of the assetstore, and is restored into it as any other
            path = objects.address(digest)
            self._amend_files(content, {'sha512': digest, 'path': path}, without=('imported', 'mtime'))
            self._add_content(content._replace(path=path), digest)
        elif content.sha512 is None:
            self._amend_files(content, {'sha512': digest})
        elif digest != content.sha512:
            where = f'{self.sources[content.store]}/{content.path}'
            self.result.notes.append(f'The bytes of "{content.name}" ({where}) do not have the checksum that the '
                                     'database states. The backup has them as they are; run the doctor.')

    def _amend_files(self, content: FileBytes, values: dict[str, str], *, without: tuple[str, ...] = ()) -> None:
        """Have the documents of the files at ``content`` in the backup with ``values``."""
        for identifier in self.index.files_at(content):
            document = self.database['file'].find_one({'_id': ObjectId(identifier)})
            if document:
                kept = {key: value for key, value in document.items() if key not in without}
                self.index.amend('file', identifier, {**kept, **values})

    def _leave_out_lost_files(self) -> None:
        """Remove files without bytes from the backup, and correct what packages state about their files."""
        for content in list(self.index.missing_bytes()):
            files = self.index.files_at(content)
            self.result.left_out.append(f'"{content.name}" (file {", ".join(files)}): its {content.size} bytes are not '
                                        f'at {content.path}')
            for identifier in files:
                self.index.amend('file', identifier, None)
        for identifier, true in self.index.contradicting():
            item = bson.decode(self._item(identifier))
            item['spm']['ready'], item['meta']['sha512'], item['size'] = true
            self.index.amend('item', identifier, item)

    def _item(self, identifier: str) -> bytes:
        """The item as it is in the backup so far."""
        amended = self.index.amended('item', identifier)
        if amended and amended[0]:
            return amended[0]
        return next(dump_files.encoded(one) for one in dump_files.documents(self.place.collection('item'))
                    if str(one['_id']) == identifier)

    def _note_files_elsewhere(self) -> None:
        stores = {store['id']: store for store in self.stores}
        for identifier, files in self.index.files_elsewhere():
            store = stores.get(identifier)
            where = f'in the bucket {store["bucket"]} of "{store["name"]}"' if store else 'in no known assetstore'
            self.result.notes.append(f'{files} files lie {where}; the backup has their documents, not their bytes. '
                                     '--include-s3 copies them too.')

    def write_documents(self) -> dict[str, Written]:
        """Rewrite the files of collections that have amendments."""
        for name in self.written:
            amendments = self.index.amendments(name)
            if amendments:
                path = self.place.collection(name)
                path = path.rename(path.with_suffix('.old'))
                self.written[name] = dump_files.write(self.place.collection(name), _amended(path, amendments))
                path.unlink()
        return self.written

    def manifest(self, collections: dict[str, Written], contents: Written) -> Manifest:
        """The manifest of this backup."""
        self.result.documents = sum(one.entries for one in collections.values())
        return {
            'created': datetime.now(timezone.utc).isoformat(timespec='seconds'),
            'version': slicer_package_manager.__version__,
            'mongodb': self.database.client.server_info()['version'],
            'consistency': self.consistency,
            'collections': {name: _entry(one) for name, one in collections.items()},
            'contents': _entry(contents),
            'assetstores': self.stores,
            'left_out': _bounded(self.result.left_out),
            'notes': _bounded(self.result.notes),
        }


def _entry(written: Written) -> FileEntry:
    return {'entries': written.entries, 'size': written.size, 'sha256': written.sha256}


def _counted(raws: Iterator[bytes], advance: Advance) -> Iterator[bytes]:
    for raw in raws:
        yield raw
        advance(1)


def _bounded(messages: list[str]) -> list[str]:
    """The first ``messages``: with too many the manifest could not be read."""
    more = len(messages) - _MAX_MESSAGES
    return messages if more <= 0 else [*messages[:_MAX_MESSAGES], f'and {more} more']


def _count(pair: list[int], content: FileBytes) -> None:
    pair[0] += 1
    pair[1] += content.size


def _amended(path: Path, amendments: dict[str, bytes | None]) -> Iterator[bytes]:
    """Yield the documents in the file ``path`` with ``amendments``, and those of them that are new."""
    rest = dict(amendments)
    for document in dump_files.documents(path):
        raw = rest.pop(str(document['_id']), dump_files.encoded(document))
        if raw is not None:
            yield raw
    yield from (raw for raw in rest.values() if raw is not None)
