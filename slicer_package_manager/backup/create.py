"""Create one backup of a live database and its assetstores; see the package for the protocol."""
from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, cast

import bson
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession

import slicer_package_manager
from slicer_package_manager import file_copies
from slicer_package_manager.backup import (
    dump_files,
    file_index,
    live_database,
    manifest,
    sources,
    store_types,
)
from slicer_package_manager.backup.directory import Backup, Directory
from slicer_package_manager.backup.dump_files import FileEntry
from slicer_package_manager.backup.errors import BackupError, MissingBytesError
from slicer_package_manager.backup.file_index import FileBytes, FileIndex
from slicer_package_manager.backup.live_database import Mongo
from slicer_package_manager.backup.manifest import Manifest, StoreEntry
from slicer_package_manager.progress import Advance, Steps
from slicer_package_manager.registry.schema.invariants import stated_by
from slicer_package_manager.registry.schema.types import Document

#: The largest number of lost files, and of notes, in a manifest; the command names them all.
_MAX_MESSAGES = 5000


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
    with file_index.opened() as index:
        creation = _Creation(database, directory, place, index, steps, include_s3, check)
        written = live_database.as_of_one_moment(database, creation.attempt)
        manifest.write(place.path, creation.manifest(*written))
    creation.result.backup = directory.finish(place)
    return creation.result


class _Creation:
    def __init__(self, database: Mongo, directory: Directory, place: Backup, index: FileIndex, steps: Steps,
                 include_s3: bool, check: bool) -> None:
        self.database, self.directory, self.place = database, directory, place
        self.index, self.steps, self.include_s3, self.check = index, steps, include_s3, check
        self.result = Result()
        self.stores: list[StoreEntry] = []
        self.sources: dict[str, sources.Source] = {}
        self.missing: set[FileBytes] = set()  # at the last attempt

    def attempt(self, session: ClientSession) -> tuple[dict[str, FileEntry], FileEntry]:
        """Write the database as of the moment of ``session``, and copy the bytes of its files.

        :returns: the files of documents by collection, and the list of contents.
        :raises MissingBytesError: the assetstores lack bytes that they had at the last attempt.
        :raises PyMongoError: the database cannot be read as of this moment.
        """
        self._read_stores(session)
        self._read_files(session)
        self._copy_files()
        collections = self._write_documents(session)
        return collections, dump_files.write(self.place.contents, _lines(self.index))

    def _read_stores(self, session: ClientSession) -> None:
        self.stores, self.sources = [], {}
        for store in self.database['assetstore'].find({}, session=session):
            entry = cast('StoreEntry', {'id': str(store['_id']), **{
                key: store.get(key) for key in ('name', 'type', 'root', 'bucket', 'prefix', 'current')}})
            if not store_types.is_bucket(store) or self.include_s3:
                source = self.sources[entry['id']] = sources.of(store)
                entry['root'] = str(source)
            self.stores.append(entry)

    def _read_files(self, session: ClientSession) -> None:
        files = self.database['file']
        self.index.begin(self.sources, {one['id'] for one in self.stores if store_types.is_bucket(one)})
        with self.steps('Reading the list of files', files.estimated_document_count(), False) as advance:
            for file in files.find({}, dict.fromkeys(file_index.FIELDS, 1), session=session):
                self.index.add(file)
                advance(1)

    def _copy_files(self) -> None:
        """Copy the bytes of files, and find those that are lost.

        :raises MissingBytesError: bytes are missing that were not missing in the attempt before.
        """
        before, self.missing = self.missing, set(self._copy_missing())
        new = self.missing - before
        if new:
            raise MissingBytesError(f'{len(new)} files, such as "{min(new).name}", were deleted or replaced meanwhile')
        self.result.left_out = [
            f'"{one.name}" (file {", ".join(self.index.files_at(one))}): its {one.size} bytes are not at {one.path}'
            for one in sorted(self.missing)]

    def _copy_missing(self) -> list[FileBytes]:
        """Copy the bytes that the backup lacks; return those that their assetstores lack too."""
        missing = self.index.missing_bytes
        wanted = sum(one.size for one in missing() if not self._exists(one))
        free = shutil.disk_usage(self.directory.path).free
        if wanted > free:
            raise BackupError(f'{self.directory.path} has {free} bytes left, and {wanted} must be copied there. Make '
                              'room, or use another directory.')
        with self.steps('Copying files', wanted, True) as advance:
            missing_there = [one for one in missing() if not self._copy(one, advance)]
        # Those of replaced files are removed by the server.
        return [one for one in missing_there if self.index.files_at(one)]

    def _exists(self, content: FileBytes) -> bool:
        return not content.imported and self.directory.objects.has(content.sha512, content.size)

    def _is_intact(self, content: FileBytes) -> bool:
        return not self.check or self.directory.objects.problem(str(content.sha512), content.size) is None

    def _copy(self, content: FileBytes, advance: Advance) -> bool:
        """Copy ``content`` to the directory unless it is there; return whether it is there now."""
        if self._exists(content) and self._is_intact(content):
            self.index.add_content(str(content.sha512), content.size, content.store, content.path)
            _count(self.result.shared, content)
            return True
        try:
            with self.sources[content.store].opened(content) as source:
                digest = self.directory.objects.put(source, advance)
        except FileNotFoundError:
            return False
        # An imported file is outside of the assetstore, and is restored into it as any other.
        target = file_copies.address(digest) if content.imported else content.path
        self.index.add_content(digest, content.size, content.store, content.path, target)
        _count(self.result.copied, content)
        if content.sha512 not in (None, digest) and not content.imported:
            where = f'{self.sources[content.store]}/{content.path}'
            self.result.notes.append(f'The bytes of "{content.name}" ({where}) do not have the checksum that the '
                                     'database states. The backup has them as they are; run the doctor.')
        return True

    def _write_documents(self, session: ClientSession) -> dict[str, FileEntry]:
        """Write all documents, without the files that are lost, and with packages that state what is there."""
        names = live_database.collections(self.database)
        total = sum(self.database[name].estimated_document_count() for name in names)
        correct = {'file': self._file, 'item': self._item}
        written = {}
        with self.steps('Reading the database', total, False) as advance:
            for name in names:
                documents = _counted(live_database.documents(self.database[name], session), advance)
                kept = filter(None, map(correct[name], documents)) if name in correct else documents
                written[name] = dump_files.write(self.place.collection(name), map(dump_files.encoded, kept))
        return written

    def _file(self, document: RawBSONDocument) -> Mapping[str, Any] | None:
        """The document of a file as the backup has it; ``None`` if its bytes are lost."""
        kept = self.index.kept(str(document['_id']))
        if kept is None:
            return None
        sha512, path, is_moved = kept
        if is_moved:
            rest = {key: value for key, value in document.items() if key not in ('imported', 'mtime')}
            return {**rest, 'sha512': sha512, 'path': path}
        return document if document.get('sha512') == sha512 else {**document, 'sha512': sha512}

    def _item(self, document: RawBSONDocument) -> Mapping[str, Any]:
        """The document of an item as the backup has it: a package states what is true of its files."""
        if not file_index.is_package(document):
            return document
        true = self.index.files_of(str(document['_id'])).statement
        if stated_by(document) == true:
            return document
        item: Document = bson.decode(document.raw)
        item['spm']['ready'], item['meta']['sha512'], item['size'] = true
        return item

    def manifest(self, collections: dict[str, FileEntry], contents: FileEntry) -> Manifest:
        """The manifest of the backup with these files."""
        self.result.documents = sum(one['entries'] for one in collections.values())
        self.result.files = contents['entries']
        self.result.notes += self._files_elsewhere()
        return {
            'created': datetime.now(timezone.utc).isoformat(timespec='seconds'),
            'version': slicer_package_manager.__version__,
            'mongodb': self.database.client.server_info()['version'],
            'consistency': manifest.ONE_MOMENT,
            'collections': collections,
            'contents': contents,
            'assetstores': self.stores,
            'left_out': _bounded(self.result.left_out),
            'notes': _bounded(self.result.notes),
        }

    def _files_elsewhere(self) -> Iterator[str]:
        stores = {store['id']: store for store in self.stores}
        for identifier, files in self.index.files_elsewhere():
            store = stores.get(identifier)
            where = f'in the bucket {store["bucket"]} of "{store["name"]}"' if store else 'in no known assetstore'
            yield (f'{files} files lie {where}; the backup has their documents, not their bytes. --include-s3 copies '
                   'them too.')


def _lines(index: FileIndex) -> Iterator[bytes]:
    return (json.dumps(row).encode() + b'\n' for row in index.contents())


def _counted(documents: Iterator[RawBSONDocument], advance: Advance) -> Iterator[RawBSONDocument]:
    for document in documents:
        yield document
        advance(1)


def _bounded(messages: list[str]) -> list[str]:
    """The first ``messages``: with too many the manifest could not be read."""
    more = len(messages) - _MAX_MESSAGES
    return messages if more <= 0 else [*messages[:_MAX_MESSAGES], f'and {more} more']


def _count(pair: list[int], content: FileBytes) -> None:
    pair[0] += 1
    pair[1] += content.size
