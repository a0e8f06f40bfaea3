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

from slicer_package_manager.backup import document_index, dump_files, manifest, projection, store_types, validation
from slicer_package_manager.backup.directory import Backup, Directory
from slicer_package_manager.backup.document_index import DocumentIndex
from slicer_package_manager.backup.errors import BackupError, DamagedError
from slicer_package_manager.backup.manifest import FileEntry, Manifest, StoreEntry
from slicer_package_manager.backup.progress import Steps

#: What reading documents with values of wrong types raises.
_UNUSABLE = (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError, BSONError, sqlite3.Error)
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
    with document_index.opened(manifest.buckets(found)) as index:
        for name, entry in found['collections'].items():
            yield from _collection_problems(backup, found, index, name, entry)
        for store in found['assetstores']:
            if store['root']:
                index.add_store(store['id'], store['root'])
        for one in contents(backup):
            index.add_content(one)
        yield from (f'The bytes of "{file.name}" are not in the backup.' for file in index.missing_bytes())
        yield from (f'The package {one} has no file.' for one in index.without_file())


def _collection_problems(
        backup: Backup, found: Manifest, index: DocumentIndex, name: str, entry: FileEntry) -> Iterator[str]:
    """Add the documents of the collection ``name`` to ``index``, and name those that are not valid."""
    path = backup.collection(name)
    try:
        number = sum(1 for _ in document_index.indexed(index, name, _encoded(backup, name)))
        if name in document_index.COLLECTIONS and index.number_of(name) != number:
            yield f'{path}: has a document twice'
        yield from _foreign_stores(backup, name, found)
    except BackupError as error:
        yield str(error)
    except _UNUSABLE as error:
        yield f'{path}: a document is not what a server stores: {error}'
    else:
        if number != entry['entries']:
            yield f'{path}: has {number} documents instead of {entry["entries"]}'


def _encoded(backup: Backup, name: str) -> Iterator[bytes]:
    return map(dump_files.encoded, dump_files.documents(backup.collection(name)))


def _foreign_stores(backup: Backup, name: str, found: Manifest) -> Iterator[str]:
    """Documents by which a server would read or write outside of the assetstores of the manifest."""
    if name not in document_index.FIELDS:
        return
    stores = {store['id']: store for store in found['assetstores']}
    for raw in _encoded(backup, name):
        document = projection.projected(raw, document_index.FIELDS[name])
        if not isinstance(document['_id'], ObjectId):
            yield f'{backup.collection(name)}: {str(document["_id"])[:_MAX_SHOWN]!r} is not an id'
        elif name == 'assetstore':
            yield from filter(None, [_store_problem(document, stores.pop(str(document['_id']), None))])
        elif name == 'file' and document.get('imported'):
            store = stores.get(str(document.get('assetstoreId')))
            if store is None or not store_types.is_bucket(store):
                yield f'The file {document["_id"]} would lie outside of its assetstore.'


def _store_problem(document: dict[str, Any], store: StoreEntry | None) -> str | None:
    if store is None or isinstance(document['type'], bool) or store['type'] != document['type']:
        return f'The manifest does not have the assetstore {document["_id"]} once, with its type.'
    if not store_types.is_bucket(store) and not store['root']:
        return f'The assetstore {document["_id"]} has files that are not in the backup.'
    return None
