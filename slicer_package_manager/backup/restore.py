"""Puts a backup into an empty database and an empty directory."""
from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from girder.constants import AssetstoreType

from slicer_package_manager.backup import dump_files, manifest, objects, validation, verify
from slicer_package_manager.backup.directory import Backup, Directory
from slicer_package_manager.backup.dump_files import RAW
from slicer_package_manager.backup.errors import BackupError
from slicer_package_manager.backup.progress import Steps
from slicer_package_manager.registry.downloads import rollup
from slicer_package_manager.registry.schema.invariants import Bytes, bytes_violation

#: Documents that are stored together, and their bytes.
_BATCH, _BATCH_BYTES = 500, 16 * 2**20
_UNFINISHED = 'temp'
#: What documents of files in object storage have, and others do not.
_OF_OBJECT = ('s3Key', 'relpath', 'imported')
_NO_BYTES = hashlib.sha512().hexdigest()


@dataclass(frozen=True)
class Target:
    """Where a backup goes: a database, and the directory of its assetstore.

    Of several assetstores the current one gets the directory, the others ``assetstores/<id>`` beside it.
    """

    database: Any
    assetstore: Path

    def root_of(self, store: dict[str, Any], stores: list[dict[str, Any]]) -> Path:
        """The directory for the assetstore ``store`` of all ``stores``."""
        on_disk = [one for one in stores if one['root']]
        main = next((one for one in on_disk if one['current']), on_disk[0])
        return self.assetstore if store['id'] == main['id'] else self.assetstore.with_name('assetstores') / store['id']


class Files:
    """The files of ``backup`` where they are on a disk.

    :param buckets: the assetstores in object storage that get a directory. Their objects get the places that a file
        with these bytes has in a directory.
    """

    def __init__(self, backup: Backup, buckets: set[str]) -> None:
        self.backup, self.buckets = backup, buckets

    def __iter__(self) -> Iterator[verify.Stored]:
        for one in verify.stored(self.backup):
            yield one._replace(path=objects.address(one.digest)) if one.store in self.buckets else one

    def moved(self, roots: dict[str, Path]) -> Callable[[RawBSONDocument], RawBSONDocument]:
        """What makes a file's document, if it speaks of an object, speak of the file on disk."""
        places = {(one.store, one.path): objects.address(one.digest) for one in verify.stored(self.backup)
                  if one.store in self.buckets}

        def change(document: RawBSONDocument) -> RawBSONDocument:
            store = str(document.get('assetstoreId'))
            if store not in self.buckets:
                return document
            kept = {key: value for key, value in document.items() if key not in _OF_OBJECT}
            path = places.get((store, str(document.get('s3Key'))))
            if path is None:  # it has no bytes, for which a bucket has no object
                path = objects.address(_NO_BYTES)
                validation.require_within(roots[store], path)
                (roots[store] / path).parent.mkdir(parents=True, exist_ok=True)
                (roots[store] / path).touch()
            return _raw({'sha512': _NO_BYTES, **kept, 'path': path})
        return change


def restore_backup(directory: Directory, backup: Backup, target: Target, steps: Steps, *, replace: bool = False
            ) -> dict[str, Any]:
    """Put ``backup``, which is read whole before, into ``target``; gives its manifest.

    :param replace: the database may have content, all of which goes, and the directories may have files, which stay.
    :raises DamagedError: the backup is damaged; nothing is changed.
    :raises BackupError: the target is not empty; nothing is changed.
    """
    facts = verify.verify_backup(directory, backup, steps)
    stores = facts['assetstores']
    roots = {store['id']: target.root_of(store, stores) for store in stores if store['root']}
    files = Files(backup, manifest.buckets(facts))
    for root in roots.values():
        validation.require_no_links(target.assetstore.parent, root / _UNFINISHED)
    if not replace:
        _require_empty_database(target.database)
        _require_no_strangers(files, roots)
    _require_room(files, roots)
    _copy(directory, files, roots, steps)
    try:
        _drop_all(target.database)
        _load(files, facts, target.database, roots, steps)
    except BaseException:
        _drop_all(target.database)
        raise
    return facts


def _require_empty_database(database) -> None:
    filled = [name for name in database.list_collection_names() if database[name].find_one({}, {'_id': 1})]
    if filled:
        raise BackupError(f'The database "{database.name}" is not empty: it has {", ".join(sorted(filled))}. '
                          'Take a new one, or lose all that is in it with --replace.')


def _require_no_strangers(files: Files, roots: dict[str, Path]) -> None:
    """Refuse directories with files, but for those that an earlier attempt with this backup has left."""
    found = {root: [path for path in root.rglob('*') if path.is_file()] for root in roots.values() if root.is_dir()}
    if not any(found.values()):
        return
    ours = {roots[one.store] / one.path for one in files}
    for root, paths in found.items():
        strangers = [path for path in paths if path not in ours and path.parent != root / _UNFINISHED]
        if strangers:
            raise BackupError(f'The directory {root} is not empty: it has {strangers[0]}. Take a new one, or keep what '
                              'is in it beside the restored files with --replace.')


def _require_room(files: Files, roots: dict[str, Path]) -> None:
    for identifier, root in roots.items():
        root.mkdir(parents=True, exist_ok=True)
        wanted = sum(one.size for one in files if one.store == identifier
                     and not (root / one.path).exists())
        free = shutil.disk_usage(root).free
        if wanted > free:
            raise BackupError(f'{root} has {free} bytes left, and {wanted} are needed there.')


def _copy(directory: Directory, files: Files, roots: dict[str, Path], steps: Steps) -> None:
    """Copy the files first, so that no document ever speaks of one that is not there."""
    with steps('Copying files', sum(one.size for one in files), True) as advance:
        for one in files:
            target = roots[one.store] / one.path
            validation.require_within(roots[one.store], one.path)
            if _is_there(target, one):
                advance(one.size)
                continue
            with directory.objects.path(one.digest).open('rb') as source:
                digest = objects.place(source, target, False, roots[one.store] / _UNFINISHED, advance)
            if bytes_violation(Bytes(one.size, one.digest), Bytes(target.stat().st_size, digest)):
                target.unlink()
                raise BackupError(f'The object {one.digest} changed while it was copied. Verify the backup.')


def _is_there(target: Path, one: verify.Stored) -> bool:
    try:
        with target.open('rb') as content:
            found = Bytes(target.stat().st_size, objects.pour(content))
    except FileNotFoundError:
        return False
    return bytes_violation(Bytes(one.size, one.digest), found) is None


def _drop_all(database) -> None:
    for name in database.list_collection_names(filter={'type': 'collection'}):
        if not name.startswith('system.'):
            database.drop_collection(name)


def _load(files: Files, facts: dict[str, Any], database, roots: dict[str, Path], steps: Steps) -> None:
    """Store the documents, in the opposite order of their reading: nothing speaks of what is not there yet."""
    total = sum(told['entries'] for told in facts['collections'].values())
    with steps('Storing the documents', total, False) as advance:
        for name in reversed(facts['collections']):
            documents: Iterator[RawBSONDocument] = dump_files.documents(files.backup.collection(name))
            if name == 'assetstore':
                documents = (_moved(one, roots) for one in documents)
            elif name == 'file' and files.buckets:
                documents = map(files.moved(roots), documents)
            for batch in _batches(documents):
                database[name].with_options(RAW).insert_many(batch)
                advance(len(batch))
            _require_all(database[name], facts['collections'][name]['entries'])
    rollup.discard(database)  # it may be from another moment than the counts


def _batches(documents: Iterator[RawBSONDocument]) -> Iterator[list[RawBSONDocument]]:
    """``documents`` in groups, each of a size that memory has room for."""
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


def _moved(store: RawBSONDocument, roots: dict[str, Path]) -> RawBSONDocument:
    identifier = str(store['_id'])
    if identifier not in roots:
        return store
    kept = {key: store[key] for key in ('_id', 'name', 'created', 'current') if key in store
            } if store['type'] == AssetstoreType.S3 else dict(store)
    return _raw({**kept, 'type': AssetstoreType.FILESYSTEM, 'root': str(roots[identifier])})


def _raw(document: dict[str, Any]) -> RawBSONDocument:
    return RawBSONDocument(bson.encode(document), RAW)


def _require_all(collection, expected: int) -> None:
    found = collection.count_documents({})
    if found != expected:
        raise BackupError(f'"{collection.name}" has {found} documents instead of {expected} after the restoration; is '
                          'somebody else writing to this database?')

