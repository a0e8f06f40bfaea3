"""Verify a backup: read all of it, and name everything that is wrong."""
from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from bson.errors import BSONError
from bson.objectid import ObjectId

from slicer_package_manager.backup import dump_files, file_index, manifest, projection, store_types, validation
from slicer_package_manager.backup.directory import Backup, Directory
from slicer_package_manager.backup.dump_files import FileEntry
from slicer_package_manager.backup.errors import BackupError, DamagedError
from slicer_package_manager.backup.file_index import FileIndex
from slicer_package_manager.backup.manifest import Manifest, StoreEntry
from slicer_package_manager.backup.projection import Wanted
from slicer_package_manager.progress import Steps
from slicer_package_manager.registry.schema.invariants import Violation, package_violations, stated_by

#: What reading documents with values of wrong types raises.
_UNUSABLE = (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError, BSONError, sqlite3.Error)
#: The fields that are read of the documents of some collections; of all others only the number counts.
_FIELDS: dict[str, Wanted] = {
    'file': dict.fromkeys(file_index.FIELDS),
    'item': {**dict.fromkeys(('_id', 'size')), 'spm': dict.fromkeys(('kind', 'ready')), 'meta': {'sha512': None}},
    **{name: {'_id': None} for name in ('folder', 'collection', 'user')},
    'assetstore': dict.fromkeys(('_id', 'type'))}
#: The largest number of problems that are named.
_MAX_PROBLEMS = 1000
#: The largest number of characters of an invalid id in a message.
_MAX_SHOWN = 100


class Content(NamedTuple):
    """One line of a backup's contents: an object, its size in bytes, and the assetstore and path of the file."""

    digest: str
    size: int
    store: str
    path: str


def contents(backup: Backup) -> Iterator[Content]:
    """Yield the contents of ``backup``, sorted by object.

    :raises BackupError: the list is damaged.
    """
    found = manifest.read(backup.path)
    stores, buckets = {store['id'] for store in found['assetstores'] if store['root']}, manifest.buckets(found)
    for line in dump_files.lines(backup.contents):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BackupError(f'{backup.contents}: cannot be read: {error}') from error
        validation.require_entry(row, stores, buckets)
        yield Content(*row)


def verify_backup(directory: Directory, backup: Backup, steps: Steps) -> Manifest:
    """Read all of ``backup``, and return its manifest.

    :raises DamagedError: the backup is damaged or violates an invariant; all problems are named.
    """
    validation.require_no_links(directory.path, backup.path)
    found = manifest.read(backup.path)
    problems = list(islice(_file_problems(backup, found, steps), _MAX_PROBLEMS))
    if not problems:
        more = chain(_object_problems(directory, backup, found, steps), _document_problems(backup, found))
        problems = list(islice(more, _MAX_PROBLEMS))
    if problems:
        raise DamagedError(problems)
    return found


def _file_problems(backup: Backup, found: Manifest, steps: Steps) -> Iterator[str]:
    """Compare the checksums of the files that have the documents and the list of contents."""
    files = {backup.collection(name): entry for name, entry in found['collections'].items()}
    files[backup.contents] = found['contents']
    with steps('Reading the documents', sum(entry['size'] for entry in files.values()), True) as advance:
        for path, entry in files.items():
            yield from filter(None, [_file_problem(path, entry)])
            advance(entry['size'])


def _file_problem(path: Path, entry: FileEntry) -> str | None:
    try:
        validation.require_no_links(path.parent.parent, path)
        if dump_files.sha256(path) != entry['sha256']:
            return f'{path}: its bytes have changed'
    except (BackupError, OSError) as error:
        return validation.reading_problem(path, error)
    return None


def _object_problems(directory: Directory, backup: Backup, found: Manifest, steps: Steps) -> Iterator[str]:
    """Read each object once, and count the contents."""
    last = None
    with steps('Reading the files', sum(one.size for one in contents(backup)), True) as advance:
        for one in contents(backup):
            if one.digest != last:
                yield from filter(None, [directory.objects.problem(one.digest, one.size, advance)])
            last = one.digest
    number = sum(1 for _ in contents(backup))
    if number != found['contents']['entries']:
        yield f'{backup.contents}: lists {number} files instead of {found["contents"]["entries"]}'


def _document_problems(backup: Backup, found: Manifest) -> Iterator[str]:
    """Violations of invariants, none of which a backup has that was made without errors."""
    with file_index.opened() as index:
        index.begin({store['id'] for store in found['assetstores'] if store['root']}, manifest.buckets(found))
        for one in contents(backup):
            index.add_content(*one)
        stores = {store['id']: store for store in found['assetstores']}
        # What is true of packages depends on the files.
        for name, entry in sorted(found['collections'].items(), key=lambda one: one[0] != 'file'):
            yield from _collection_problems(backup, index, stores, name, entry)
        yield from (f'The bytes of "{file.name}" are not in the backup.' for file in index.missing_bytes())


def _collection_problems(backup: Backup, index: FileIndex, stores: dict[str, StoreEntry], name: str, entry: FileEntry,
                         ) -> Iterator[str]:
    """Name the documents of the collection ``name`` that are not valid."""
    path, number = backup.collection(name), 0
    try:
        for document in dump_files.documents(path):
            number += 1
            if name in _FIELDS:
                fields = projection.projected(dump_files.encoded(document), _FIELDS[name])
                yield from _problems(index, stores, name, fields)
    except BackupError as error:
        yield str(error)
    except _UNUSABLE as error:
        yield f'{path}: a document is not what a server stores: {error}'
    else:
        if number != entry['entries']:
            yield f'{path}: has {number} documents instead of {entry["entries"]}'


def _problems(index: FileIndex, stores: dict[str, StoreEntry], name: str, document: dict[str, Any]) -> Iterator[str]:
    """What is wrong with ``document``: a server would read or write outside of the assetstores, or miss a file."""
    identifier = str(document['_id'])
    if not isinstance(document['_id'], ObjectId):
        yield f'{name}: {identifier[:_MAX_SHOWN]!r} is not an id'
    elif not index.is_new(name, identifier):
        yield f'{name}: the document {identifier} is there twice'
    elif name == 'assetstore':
        yield from filter(None, [_store_problem(document, stores.get(identifier))])
    elif name == 'file':
        index.add(document)
        store = stores.get(str(document.get('assetstoreId')))
        if document.get('imported') and (store is None or not store_types.is_bucket(store)):
            yield f'The file {identifier} would lie outside of its assetstore.'
    elif name == 'item' and file_index.is_package(document) and Violation.FILE_MISSING in package_violations(
            stated_by(document), index.files_of(identifier)):
        yield f'The package {identifier} has no file.'


def _store_problem(document: dict[str, Any], store: StoreEntry | None) -> str | None:
    if store is None or isinstance(document['type'], bool) or store['type'] != document['type']:
        return f'The manifest does not have the assetstore {document["_id"]} once, with its type.'
    if not store_types.is_bucket(store) and not store['root']:
        return f'The assetstore {document["_id"]} has files that are not in the backup.'
    return None
