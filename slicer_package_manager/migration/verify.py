"""Verification of a migration: both databases are read anew, and compared without the rules by which it was made.

It compares the documents of each kind, the access to them, API keys, download counts, and the bytes of files. A value
that is different is a note. Metadata, which the migration mends, is not compared here.
"""
from __future__ import annotations

import functools
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

from girder.exceptions import GirderException

from slicer_package_manager.migration.girder_database import AnyDatabase, batches, ids_of_files, ids_of_items
from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.migration.references import References
from slicer_package_manager.progress import Advance, Steps
from slicer_package_manager.registry.downloads.counts import UNDATED
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.storage import stores
from slicer_package_manager.registry.storage.store import Store

#: The fields of each kind that have to be the same.
_SAME = {
    'user': ('login', 'email', 'admin', 'status', 'salt', 'otp', 'groups', 'created', 'access'),
    'group': ('name', 'public', 'created', 'access'),
    'collection': ('name', 'public', 'created', 'access'),
    'api_key': ('userId', 'scope', 'active', 'key', 'tokenDuration'),
    'folder': ('public', 'created', 'creatorId', 'access'),
    'item': ('created', 'creatorId'),
    'file': ('linkUrl', 'created', 'size'),
}
#: Further fields that are read. Documents may be large, so others are not.
_NAMES = ('name', 'login', 'sha512')
#: The fields of a file by which its bytes are read.
_OF_BYTES = ('name', 'assetstoreId', 'size', 'sha512', *stores.content_fields())
#: Of fields with secrets, a note does not show the values.
_SECRET = ('salt', 'otp', 'key')


def differences(source: AnyDatabase, here: AnyDatabase, references: References, folders: set[Any], merged: set[Any]
                ) -> Iterator[Note]:
    """Yield a note for each document of ``source`` that is not here as it was there.

    :param folders: ids of the folders of the source that were migrated.
    :param merged: those of them whose contents went into others; they need not be here.
    """
    for kind in _SAME:
        for some in batches(_ids(kind, source, folders, merged)):
            yield from _of_batch(kind, source, here, references, some)


def _ids(kind: str, source: AnyDatabase, folders: set[Any], merged: set[Any]) -> Iterator[Any]:
    """The ids of the documents of ``kind`` that were migrated."""
    if kind == 'folder':
        yield from folders - merged
    elif kind == 'item':
        yield from ids_of_items(source, folders)
    elif kind == 'file':
        yield from ids_of_files(source, ids_of_items(source, folders))
    else:
        yield from (one['_id'] for one in source[kind].find({}, {'_id': 1}))


def _of_batch(kind: str, source: AnyDatabase, here: AnyDatabase, references: References, ids: list[Any]
              ) -> Iterator[Note]:
    mapped = {references.of(kind, one): one for one in ids}
    fields = [*_SAME[kind], *_NAMES]
    found = {one['_id']: one for one in here[kind].find({'_id': {'$in': list(mapped)}}, fields)}
    for one in source[kind].find({'_id': {'$in': ids}}, fields):
        other = found.get(references.of(kind, one['_id']))
        name = str(one.get('name', one.get('login', '')))
        if other is None:
            yield Note(Outcome.DIFFERENT, kind, str(one['_id']), name, 'it is not here')
        elif other['_id'] == one['_id']:
            for field, what in _compared(kind, references.applied(kind, one), other):
                yield Note(Outcome.DIFFERENT, kind, str(one['_id']), name, f'{field} {what}', fields=(field,))


def _compared(kind: str, there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field in _SAME[kind]:
        if field in _SECRET and not there.get(field):
            continue  # the source does not show it
        if there.get(field) != here.get(field):
            yield field, ('is another one' if field in _SECRET else
                          f'is {here.get(field)!r} here, and was {there.get(field)!r}')
    stated = there.get('sha512') if kind == 'file' else None
    if stated and stated != here.get('sha512'):
        yield 'sha512', f'is {here.get("sha512")} here, and was {stated}'


def bytes_of_files(here: AnyDatabase, file_ids: Iterable[Any], sample: int | None, steps: Steps, workers: Executor
                   ) -> Iterator[Note]:
    """Read the files ``file_ids`` that are here, or some of them, and yield a note for each whose bytes are wrong.

    :param sample: how many to read; all if ``None``.
    """
    ids = list(file_ids)
    chosen = ids if sample is None or sample >= len(ids) else random.sample(ids, sample)
    with steps('Verifying files', _size_of(here, chosen), True) as advance:
        store_of = functools.cache(stores.of_id)
        for files in _stored(here, chosen, _OF_BYTES):
            yield from filter(None, workers.map(
                lambda file: _bytes_of(file, store_of(file['assetstoreId']), advance), files))


def _size_of(here: AnyDatabase, ids: list[Any]) -> int:
    return sum(file['size'] for files in _stored(here, ids, ('size',)) for file in files)


def _stored(here: AnyDatabase, ids: list[Any], fields: Sequence[str]) -> Iterator[list[Document]]:
    """Yield the ``fields`` of those files that are in an assetstore, some at a time."""
    for some in batches(ids):
        yield list(here['file'].find({'_id': {'$in': some}, 'assetstoreId': {'$ne': None}}, list(fields)))


def _bytes_of(file: Document, store: Store | None, advance: Advance) -> Note | None:
    advance(file['size'])
    try:
        found = store.sha512(file) if store else 'in no assetstore'
    except GirderException as error:
        found = str(error)
    if found == file.get('sha512'):
        return None
    return Note(Outcome.LOST, 'file', str(file['_id']), file['name'], f'its bytes are not those it states: {found}')


def counts(channels: Iterable[Mapping[str, Any]], here: AnyDatabase, app_id: Any, name: str,
           fetched: Counter[str]) -> Iterator[Note]:
    """Yield a note for each kind of downloads of which this server has fewer than the source.

    :param channels: the folders of releases and of drafts, as the source has them.
    :param fetched: downloads by migrations, which the source has counted, by the plural of their type.
    """
    wanted: Counter[str] = Counter()
    for folder in channels:
        meta = folder.get('meta') or {}
        wanted += _sums(meta.get('downloadStats'), '')
        wanted += _sums({'extensions': meta.get('downloadExtensions')}, '')
    found = {row['_id']: row['count'] for row in here['slicer_package_download'].aggregate([
        {'$match': {'app': app_id, 'day': UNDATED}}, {'$group': {'_id': '$kind', 'count': {'$sum': '$count'}}}])}
    for plural, kind in (('applications', 'package'), ('extensions', 'extension')):
        number = wanted[plural] - fetched[plural]
        if number > found.get(kind, 0):
            yield Note(Outcome.DIFFERENT, 'downloads', str(app_id), name,
                       f'{number} downloads of {plural} were counted, and {found.get(kind, 0)} are here')


def _sums(value: object, kind: str) -> Counter[str]:
    """The sums of all numbers below the keys ``applications`` and ``extensions``."""
    if isinstance(value, Mapping):
        return sum((_sums(below, kind or (key if key in ('applications', 'extensions') else ''))
                    for key, below in value.items()), Counter())
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Counter({kind: int(value)}) if kind and is_number and value > 0 else Counter()  # type: ignore[operator,call-overload]
