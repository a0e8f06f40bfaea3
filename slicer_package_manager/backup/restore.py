"""Restore a backup into an empty database and an empty directory."""
from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection

from slicer_package_manager import file_copies
from slicer_package_manager.backup import dump_files, manifest, store_types, validation, verify
from slicer_package_manager.backup.directory import Backup, Directory
from slicer_package_manager.backup.dump_files import RAW
from slicer_package_manager.backup.errors import BackupError
from slicer_package_manager.backup.live_database import Mongo
from slicer_package_manager.backup.manifest import Manifest, StoreEntry
from slicer_package_manager.backup.verify import Content
from slicer_package_manager.progress import Steps
from slicer_package_manager.registry.schema.invariants import Bytes, bytes_violation
from slicer_package_manager.registry.server import restoration

#: The largest batch of documents that is inserted at once, in documents and in bytes.
_BATCH, _BATCH_BYTES = 500, 16 * 2**20
#: The directory of incomplete files in an assetstore.
_UNFINISHED = 'temp'
#: The fields that only documents of files in S3 have.
_S3_FIELDS = ('s3Key', 'relpath', 'imported')
_NO_BYTES = hashlib.sha512().hexdigest()


@dataclass(frozen=True)
class Target:
    """The target of a restoration: a database, and the directory of its assetstore.

    Of several assetstores the current one gets the directory, the others ``assetstores/<id>`` beside it.
    """

    database: Mongo
    assetstore: Path

    def root_of(self, store: StoreEntry, stores: list[StoreEntry]) -> Path:
        """The directory for ``store``, one of all ``stores`` of a backup."""
        with_files = [one for one in stores if one['root']]
        main = next((one for one in with_files if one['current']), with_files[0])
        return self.assetstore if store['id'] == main['id'] else self.assetstore.with_name('assetstores') / store['id']


class Files:
    """The files of ``backup``, with the paths that they get on a disk.

    :param buckets: the ids of assetstores in S3, each of which becomes a directory. Their objects get the paths that
        a filesystem assetstore gives to these bytes.
    """

    def __init__(self, backup: Backup, buckets: set[str]) -> None:
        self.backup, self.buckets = backup, buckets

    def __iter__(self) -> Iterator[Content]:
        for one in verify.contents(self.backup):
            yield one._replace(path=file_copies.address(one.digest)) if one.store in self.buckets else one

    def moved_to_disk(self, roots: dict[str, Path]) -> Callable[[RawBSONDocument], RawBSONDocument]:
        """A function that has the document of a file in S3 refer to the file on disk, and returns others unchanged."""
        paths = {(one.store, one.path): file_copies.address(one.digest) for one in verify.contents(self.backup)
                 if one.store in self.buckets}

        def move(document: RawBSONDocument) -> RawBSONDocument:
            store = str(document.get('assetstoreId'))
            if store not in self.buckets:
                return document
            kept = {key: value for key, value in document.items() if key not in _S3_FIELDS}
            path = paths.get((store, str(document.get('s3Key')))) or _empty_file(roots[store])
            return _raw({'sha512': _NO_BYTES, **kept, 'path': path})
        return move


def _empty_file(root: Path) -> str:
    """Create the file without bytes below ``root``, for which a bucket has no object, and return its path."""
    path = file_copies.address(_NO_BYTES)
    validation.require_within(root, path)
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).touch()
    return path


def restore_backup(directory: Directory, backup: Backup, target: Target, steps: Steps, *, replace: bool = False
                   ) -> Manifest:
    """Verify ``backup``, restore it into ``target``, and return its manifest.

    :param replace: drop what the database has; leave files that the directories have.
    :raises DamagedError: the backup is damaged; nothing is changed.
    :raises BackupError: the target is not empty; nothing is changed.
    """
    found = verify.verify_backup(directory, backup, steps)
    stores = found['assetstores']
    roots = {store['id']: target.root_of(store, stores) for store in stores if store['root']}
    files = Files(backup, manifest.buckets(found))
    for root in roots.values():
        validation.require_no_links(target.assetstore.parent, root / _UNFINISHED)
    if not replace:
        _require_empty_database(target.database)
        _require_no_other_files(files, roots)
    _require_room(files, roots)
    _copy(directory, files, roots, steps)
    restoration.begin(target.database)
    try:
        _drop_all(target.database)
        _insert(files, found, target.database, roots, steps)
    except BaseException:
        _drop_all(target.database)
        restoration.end(target.database)
        raise
    restoration.end(target.database)
    return found


def _require_empty_database(database: Mongo) -> None:
    filled = [name for name in database.list_collection_names() if database[name].find_one({}, {'_id': 1})]
    if filled:
        raise BackupError(f'The database "{database.name}" is not empty: it has {", ".join(sorted(filled))}. '
                          'Use another one, or drop all that is in it with --replace.')


def _require_no_other_files(files: Files, roots: dict[str, Path]) -> None:
    """Refuse directories with files, except those of an earlier restoration of this backup that did not end."""
    found = {root: [path for path in root.rglob('*') if path.is_file()] for root in roots.values() if root.is_dir()}
    if not any(found.values()):
        return
    expected = {roots[one.store] / one.path for one in files}
    for root, paths in found.items():
        others = [path for path in paths if path not in expected and path.parent != root / _UNFINISHED]
        if others:
            raise BackupError(f'The directory {root} is not empty: it has {others[0]}. Use another one, or keep its '
                              'files beside the restored ones with --replace.')


def _require_room(files: Files, roots: dict[str, Path]) -> None:
    for identifier, root in roots.items():
        root.mkdir(parents=True, exist_ok=True)
        wanted = sum(one.size for one in files if one.store == identifier and not (root / one.path).exists())
        free = shutil.disk_usage(root).free
        if wanted > free:
            raise BackupError(f'{root} has {free} bytes left, and the backup needs {wanted} there.')


def _copy(directory: Directory, files: Files, roots: dict[str, Path], steps: Steps) -> None:
    """Copy the files before the documents, so that no document refers to missing bytes."""
    with steps('Copying files', sum(one.size for one in files), True) as advance:
        for one in files:
            target = roots[one.store] / one.path
            validation.require_within(roots[one.store], one.path)
            if _is_intact(target, one):
                advance(one.size)
                continue
            with directory.objects.path(one.digest).open('rb') as source:
                digest = file_copies.place(source, target, False, roots[one.store] / _UNFINISHED, advance)
            if bytes_violation(Bytes(one.size, one.digest), Bytes(target.stat().st_size, digest)):
                target.unlink()
                raise BackupError(f'The object {one.digest} changed while it was copied. Verify the backup.')


def _is_intact(target: Path, one: Content) -> bool:
    try:
        with target.open('rb') as file:
            found = Bytes(target.stat().st_size, file_copies.pour(file))
    except FileNotFoundError:
        return False
    return bytes_violation(Bytes(one.size, one.digest), found) is None


def _drop_all(database: Mongo) -> None:
    for name in database.list_collection_names(filter={'type': 'collection'}):
        if not name.startswith('system.') and name != restoration.COLLECTION:
            database.drop_collection(name)


def _insert(files: Files, found: Manifest, database: Mongo, roots: dict[str, Path], steps: Steps) -> None:
    """Insert the documents. No server reads a part of them, see :mod:`restoration`."""
    total = sum(entry['entries'] for entry in found['collections'].values())
    with steps('Storing the documents', total, False) as advance:
        for name, entry in found['collections'].items():
            collection = database[name].with_options(RAW)
            for batch in _batches(_changed(files, name, roots)):
                collection.insert_many(batch)
                advance(len(batch))
            _require_all(collection, entry['entries'])


def _changed(files: Files, name: str, roots: dict[str, Path]) -> Iterator[RawBSONDocument]:
    """Yield the documents of the collection ``name``, changed to refer to the restored assetstores."""
    documents = dump_files.documents(files.backup.collection(name))
    if name == 'assetstore':
        return (_relocated(one, roots) for one in documents)
    return map(files.moved_to_disk(roots), documents) if name == 'file' and files.buckets else documents


def _batches(documents: Iterator[RawBSONDocument]) -> Iterator[list[RawBSONDocument]]:
    """Group ``documents`` so that each group fits into memory."""
    batch: list[RawBSONDocument] = []
    size = 0
    for document in documents:
        if batch and (len(batch) == _BATCH or size + len(document.raw) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += len(document.raw)
    if batch:
        yield batch


def _relocated(store: RawBSONDocument, roots: dict[str, Path]) -> RawBSONDocument:
    """The assetstore ``store`` with its new directory, if the backup has its files."""
    identifier = str(store['_id'])
    if identifier not in roots:
        return store
    kept = {key: store[key] for key in ('_id', 'name', 'created', 'current') if key in store
            } if store_types.is_bucket(store) else dict(store)
    return _raw({**kept, 'type': store_types.RESTORED, 'root': str(roots[identifier])})


def _raw(document: dict[str, Any]) -> RawBSONDocument:  # any document of MongoDB
    return RawBSONDocument(bson.encode(document), RAW)


def _require_all(collection: Collection[RawBSONDocument], expected: int) -> None:
    found = collection.count_documents({})
    if found != expected:
        raise BackupError(f'"{collection.name}" has {found} documents instead of {expected} after the restoration. '
                          'Stop other programs that write to this database, and restore again.')
