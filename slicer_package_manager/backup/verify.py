"""Reads a backup whole and tells everything that is wrong with it."""
from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from bson.errors import BSONError
from bson.objectid import ObjectId
from girder.constants import AssetstoreType

from slicer_package_manager.backup import document_index, dump_files, live_database, manifest, projection, validation
from slicer_package_manager.backup.directory import Backup, Directory
from slicer_package_manager.backup.errors import BackupError, DamagedError
from slicer_package_manager.backup.progress import Steps

#: What documents of wrong types come to.
_UNUSABLE = (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError, BSONError, sqlite3.Error)
#: So many problems are named at most.
_NAMED = 1000
_SHOWN = 100


class Stored(NamedTuple):
    """One line of a backup's contents: an object, and the place in an assetstore where Girder looks for it."""

    digest: str
    size: int
    store: str
    path: str


def stored(backup: Backup) -> Iterator[Stored]:
    """The contents of ``backup``, ordered by objects.

    :raises BackupError: the list is damaged.
    """
    facts = manifest.read(backup.path)
    stores, buckets = {store['id'] for store in facts['assetstores'] if store['root']}, manifest.buckets(facts)
    for line in dump_files.lines(backup.contents):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BackupError(f'{backup.contents}: cannot be read: {error}') from error
        validation.require_entry(row, stores, buckets)
        yield Stored(*row)


def verify_backup(directory: Directory, backup: Backup, steps: Steps) -> dict[str, Any]:
    """The manifest of ``backup``, all of which was read and is as it was written.

    :raises DamagedError: it is not; all problems are named.
    """
    validation.require_no_links(directory.path, backup.path)
    facts = manifest.read(backup.path)
    problems = list(islice(_damaged_files(backup, facts, steps), _NAMED))
    if not problems:
        found = chain(_damaged_objects(directory, backup, facts, steps), _broken_promises(backup, facts))
        problems = list(islice(found, _NAMED))
    if problems:
        raise DamagedError(problems)
    return facts


def _damaged_files(backup: Backup, facts: dict[str, Any], steps: Steps) -> Iterator[str]:
    files = {backup.collection(name): told for name, told in facts['collections'].items()}
    files[backup.contents] = facts['contents']
    with steps('Reading the documents', sum(told['size'] for told in files.values()), True) as advance:
        for path, told in files.items():
            problem = _file_problem(path, told)
            if problem:
                yield problem
            advance(told['size'])


def _file_problem(path: Path, told: dict[str, Any]) -> str | None:
    try:
        validation.require_no_links(path.parent.parent, path)
        if dump_files.sha256(path) != told['sha256']:
            return f'{path}: its bytes have changed'
    except BackupError as error:
        return str(error)
    except FileNotFoundError:
        return f'{path}: is missing'
    except OSError as error:
        return f'{path}: cannot be read: {error.strerror}'
    return None


def _damaged_objects(directory: Directory, backup: Backup, facts: dict[str, Any], steps: Steps) -> Iterator[str]:
    last = None
    with steps('Reading the files', sum(one.size for one in stored(backup)), True) as advance:
        for one in stored(backup):
            if one.digest != last:
                yield from filter(None, [directory.objects.problem(one.digest, one.size, advance)])
            last = one.digest
    found = sum(1 for _ in stored(backup))
    if found != facts['contents']['entries']:
        yield f'{backup.contents}: lists {found} files instead of {facts["contents"]["entries"]}'


def _broken_promises(backup: Backup, facts: dict[str, Any]) -> Iterator[str]:
    """What a server with these documents would do wrong: none of it is in a backup that was made without errors."""
    with document_index.opened(manifest.buckets(facts)) as known:
        for name, told in facts['collections'].items():
            try:
                found = sum(1 for _ in live_database.learn(known, name, _raws(backup, name)))
                if name in document_index.KINDS and known.number_of(name) != found:
                    yield f'{backup.collection(name)}: has a document twice'
                yield from _foreign(backup, name, facts)
            except BackupError as error:
                yield str(error)
                continue
            except _UNUSABLE as error:
                yield f'{backup.collection(name)}: a document is not what a server stores: {error}'
                continue
            if found != told['entries']:
                yield f'{backup.collection(name)}: has {found} documents instead of {told["entries"]}'
        for store in facts['assetstores']:
            if store['root']:
                known.add_store(store['id'], store['root'])
        for one in stored(backup):
            known.keep_at(one)
        yield from (f'The bytes of "{content.name}" are not in the backup.' for content in known.contents())
        yield from (f'The package {one} has no file.' for one in known.without_file())


def _raws(backup: Backup, name: str) -> Iterator[bytes]:
    return map(dump_files.encoded, dump_files.documents(backup.collection(name)))


def _foreign(backup: Backup, name: str, facts: dict[str, Any]) -> Iterator[str]:
    """Documents by which a server would read or write somewhere else than in the assetstores of the manifest."""
    if name not in document_index.FIELDS:
        return
    stores = {store['id']: store for store in facts['assetstores']}
    for raw in _raws(backup, name):
        document = projection.projected(raw, document_index.FIELDS[name])
        if not isinstance(document['_id'], ObjectId):
            yield f'{backup.collection(name)}: {str(document["_id"])[:_SHOWN]!r} is no id'
        elif name == 'assetstore':
            yield from filter(None, [_store_problem(document, stores.pop(str(document['_id']), None))])
        elif name == 'file' and document.get('imported'):
            store = stores.get(str(document.get('assetstoreId')))
            if store is None or store['type'] != AssetstoreType.S3:
                yield f'The file {document["_id"]} would lie outside of its assetstore.'


def _store_problem(document: dict[str, Any], store: dict[str, Any] | None) -> str | None:
    if store is None or isinstance(document['type'], bool) or store['type'] != document['type']:
        return f'The manifest does not name the assetstore {document["_id"]}, or not once, or not as what it is.'
    if store['type'] != AssetstoreType.S3 and not store['root']:
        return f'The assetstore {document["_id"]} has files that are not in the backup.'
    return None
