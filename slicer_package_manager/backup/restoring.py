"""Puts a backup into an empty database and an empty directory."""
from __future__ import annotations

import shutil
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument

from slicer_package_manager.backup import checking, objects, streams
from slicer_package_manager.backup.directory import Backup, Directory
from slicer_package_manager.backup.errors import BackupError
from slicer_package_manager.backup.steps import Steps
from slicer_package_manager.backup.streams import RAW

#: Documents that are stored together.
_BATCH = 500
_UNFINISHED = 'temp'


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


def restore(directory: Directory, backup: Backup, target: Target, steps: Steps, *, replace: bool = False
            ) -> dict[str, Any]:
    """Put ``backup``, which is read whole before, into ``target``; gives its manifest.

    :param replace: the database may have content, all of which goes, and the directories may have files, which stay.
    :raises DamagedError: the backup is damaged; nothing is changed.
    :raises BackupError: the target is not empty; nothing is changed.
    """
    facts = checking.require_whole(directory, backup, steps)
    stores = facts['assetstores']
    roots = {store['id']: target.root_of(store, stores) for store in stores if store['root']}
    if not replace:
        _require_empty_database(target.database)
        _require_no_strangers(backup, roots)
    _require_room(backup, roots)
    _copy(directory, backup, roots, steps)
    try:
        _drop_all(target.database)
        _load(backup, facts, target.database, roots, steps)
    except BaseException:
        _drop_all(target.database)
        raise
    return facts


def _require_empty_database(database) -> None:
    filled = [name for name in database.list_collection_names() if database[name].find_one({}, {'_id': 1})]
    if filled:
        raise BackupError(f'The database "{database.name}" is not empty: it has {", ".join(sorted(filled))}. '
                          'Take a new one, or lose all that is in it with --replace.')


def _require_no_strangers(backup: Backup, roots: dict[str, Path]) -> None:
    """Refuse directories with files, but for those that an earlier attempt with this backup has left."""
    found = {root: [path for path in root.rglob('*') if path.is_file()] for root in roots.values() if root.is_dir()}
    if not any(found.values()):
        return
    ours = {roots[one.store] / one.path for one in checking.stored(backup)}
    for root, paths in found.items():
        strangers = [path for path in paths if path not in ours and path.parent != root / _UNFINISHED]
        if strangers:
            raise BackupError(f'The directory {root} is not empty: it has {strangers[0]}. Take a new one, or keep what '
                              'is in it beside the restored files with --replace.')


def _require_room(backup: Backup, roots: dict[str, Path]) -> None:
    for identifier, root in roots.items():
        root.mkdir(parents=True, exist_ok=True)
        wanted = sum(one.size for one in checking.stored(backup) if one.store == identifier
                     and not (root / one.path).exists())
        free = shutil.disk_usage(root).free
        if wanted > free:
            raise BackupError(f'{root} has {free} bytes left, and {wanted} are needed there.')


def _copy(directory: Directory, backup: Backup, roots: dict[str, Path], steps: Steps) -> None:
    """Copy the files first, so that no document ever speaks of one that is not there."""
    with steps('Copying files', sum(one.size for one in checking.stored(backup)), True) as advance:
        for one in checking.stored(backup):
            target = roots[one.store] / one.path
            if _is_there(target, one):
                advance(one.size)
                continue
            digest = objects.place(directory.objects.path(one.digest), target, False, roots[one.store] / _UNFINISHED,
                                   advance)
            if digest != one.digest:
                target.unlink()
                raise BackupError(f'The object {one.digest} changed while it was copied. Verify the backup.')


def _is_there(target: Path, one: checking.Stored) -> bool:
    try:
        with target.open('rb') as content:
            return objects.pour(content) == one.digest
    except FileNotFoundError:
        return False


def _drop_all(database) -> None:
    for name in database.list_collection_names(filter={'type': 'collection'}):
        if not name.startswith('system.'):
            database.drop_collection(name)


def _load(backup: Backup, facts: dict[str, Any], database, roots: dict[str, Path], steps: Steps) -> None:
    """Store the documents, in the opposite order of their reading: nothing speaks of what is not there yet."""
    total = sum(told['entries'] for told in facts['collections'].values())
    with steps('Storing the documents', total, False) as advance:
        for name in reversed(facts['collections']):
            documents = streams.documents(backup.collection(name))
            if name == 'assetstore':
                documents = (_moved(one, roots) for one in documents)
            while batch := list(islice(documents, _BATCH)):
                database[name].with_options(RAW).insert_many(batch)
                advance(len(batch))
            _require_all(database[name], facts['collections'][name]['entries'])


def _moved(store: RawBSONDocument, roots: dict[str, Path]) -> RawBSONDocument:
    identifier = str(store['_id'])
    if identifier not in roots:
        return store
    return RawBSONDocument(bson.encode({**store, 'root': str(roots[identifier])}), RAW)


def _require_all(collection, expected: int) -> None:
    found = collection.count_documents({})
    if found != expected:
        raise BackupError(f'"{collection.name}" has {found} documents instead of {expected} after the restoration; is '
                          'somebody else writing to this database?')

