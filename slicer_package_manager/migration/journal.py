"""What migrations into a database have written, and which one is running.

A row for each document has a digest of what was written. So a later run knows whether a document was changed here, at
the source, or at both. The rows stay: the next run needs them. The transaction that writes a document writes its row,
too. So a process that is killed leaves no document of which it is unknown who has written it.

One migration runs at a time: it owns the lease, and renews it until its end. That of a process which was killed ends
after :data:`_LEASE` seconds.
"""
from __future__ import annotations

import hashlib
import os
import platform
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import bson
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.objectid import ObjectId
from pymongo import InsertOne, UpdateOne
from pymongo.errors import DuplicateKeyError

from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.girder_database import AnyDatabase
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree.registration import ORIGIN

COLLECTION = 'slicer_package_migration'
#: Seconds after which a lease that is not renewed ends, and between its renewals.
_LEASE, _RENEWAL = 60, 15
_LEASE_ID, _ENDED_ID = 'lease', 'ended'
#: The kind of rows about downloads from the source.
_FETCHED = 'fetched'
#: The kind of rows about download counts, one for each application.
_COUNTED = 'counted'
#: The fields that people and programs change, as opposed to what follows from others.
_COMPARED = ('name', 'description', 'meta', 'folderId', 'parentId', 'public', 'access', ORIGIN, 'login', 'email',
             'firstName', 'lastName', 'admin', 'status', 'salt', 'otp', 'groups', 'scope', 'active', 'key', 'sha512',
             'linkUrl', 'itemId', 'attachedToId', 'value')


def digest(document: Mapping[str, Any]) -> bytes:
    """A digest of what people and programs change in ``document``."""
    values = {key: document[key] for key in _COMPARED if key in document}
    if 'meta' in values:
        values['meta'] = dict(sorted(values['meta'].items()))
    return hashlib.sha256(bson.encode(values)).digest()[:16]


class Journal:
    """The journal in ``database``.

    :param source: a name for the source; each has rows of its own.
    """

    def __init__(self, database: AnyDatabase, source: str) -> None:
        self._rows, self._source = transactions.joined(database[COLLECTION]), source

    def written(self, kind: str, ids: Iterable[Any]) -> dict[Any, bytes]:
        """Return digests of what was written of the documents ``ids`` of ``kind``, by id."""
        keys = [self._key(kind, one) for one in ids]
        found = self._rows.find({'_id': {'$in': keys}}) if keys else ()
        return {row['_id']['id']: bytes(row['digest']) for row in found}

    def ids(self, kind: str) -> Iterator[Any]:
        """Yield the ids of all documents of ``kind`` that were written."""
        first, last = self._key(kind, MinKey()), self._key(kind, MaxKey())
        for row in self._rows.find({'_id': {'$gt': first, '$lt': last}}, {'_id': 1}):
            yield row['_id']['id']

    def note(self, kind: str, documents: Sequence[Mapping[str, Any]]) -> None:
        """Note that ``documents`` are written as they are."""
        known = self.written(kind, (one['_id'] for one in documents))  # an upsert takes ten times longer than an insert
        rows = [self._row(kind, one, is_known=one['_id'] in known) for one in documents]
        if rows:
            self._rows.bulk_write(rows, ordered=False)

    def _row(self, kind: str, document: Mapping[str, Any], *, is_known: bool) -> InsertOne[Document] | UpdateOne:
        row, value = {'_id': self._key(kind, document['_id'])}, {'digest': digest(document)}
        return UpdateOne(row, {'$set': value}) if is_known else InsertOne({**row, **value})

    def counted(self, app_id: Any) -> list[tuple[Any, ...]]:
        """The values of the keys of all download counts of the application that were written."""
        row = self._rows.find_one({'_id': self._key(_COUNTED, app_id)})
        return [tuple(one) for one in row['keys']] if row else []

    def note_counted(self, app_id: Any, keys: Iterable[tuple[Any, ...]]) -> None:
        """Note that these are all download counts of the application that were written."""
        self._rows.update_one({'_id': self._key(_COUNTED, app_id)}, {'$set': {'keys': sorted(map(list, keys))}},
                              upsert=True)

    def note_fetched(self, folder_id: Any, path: str) -> None:
        """Note that a file was downloaded from the source, which has counted that in a folder, by the keys ``path``."""
        self._rows.update_one({'_id': self._key(_FETCHED, {'folder': folder_id, 'path': path})},
                              {'$inc': {'number': 1}}, upsert=True)

    def fetched(self) -> dict[Any, dict[str, int]]:
        """Return how many downloads by migrations the source has counted, by the id of the folder and the keys."""
        first, last, found = self._key(_FETCHED, MinKey()), self._key(_FETCHED, MaxKey()), dict[Any, dict[str, int]]()
        for row in self._rows.find({'_id': {'$gt': first, '$lt': last}}):
            values = row['_id']['id']
            found.setdefault(values['folder'], {})[values['path']] = row['number']
        return found

    def _key(self, kind: str, identifier: Any) -> Document:
        return {'kind': f'{self._source} {kind}', 'id': identifier}

    def has_ended(self) -> bool:
        """Whether a migration into the database has ended before."""
        return self._rows.find_one({'_id': f'{_ENDED_ID} {self._source}'}) is not None

    def end(self) -> None:
        """Note that a migration has ended."""
        self._rows.update_one({'_id': f'{_ENDED_ID} {self._source}'},
                              {'$setOnInsert': {'moment': datetime.now(timezone.utc)}}, upsert=True)

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Be the only migration into the database.

        :raises MigrationError: another one runs.
        """
        owner, ended = ObjectId(), threading.Event()
        thread = threading.Thread(target=self._renew, args=(owner, ended), name='lease', daemon=True)
        try:  # an interruption may come while the lease is acquired, too
            self._acquire(owner)
            thread.start()
            yield
        finally:
            ended.set()
            if thread.ident:
                thread.join()
            self._rows.delete_one({'_id': _LEASE_ID, 'owner': owner})

    def _acquire(self, owner: ObjectId) -> None:
        now = datetime.now(timezone.utc)
        mine = {'owner': owner, 'until': now + timedelta(seconds=_LEASE),
                'process': f'{platform.node()}, process {os.getpid()}'}
        try:
            self._rows.update_one({'_id': _LEASE_ID, 'until': {'$lt': now}}, {'$set': mine}, upsert=True)
        except DuplicateKeyError:
            other: Document = self._rows.find_one({'_id': _LEASE_ID}) or {}
            raise MigrationError(f'Another migration into this database is running ({other.get("process")}). Wait for '
                                 f'its end; if it was killed, try again in {_LEASE} seconds.') from None

    def _renew(self, owner: ObjectId, ended: threading.Event) -> None:
        while not ended.wait(_RENEWAL):
            until = datetime.now(timezone.utc) + timedelta(seconds=_LEASE)
            self._rows.update_one({'_id': _LEASE_ID, 'owner': owner}, {'$set': {'until': until}})
