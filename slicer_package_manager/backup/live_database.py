"""Read the documents of a live database, and read those again that violate an invariant; see the package."""
from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import bson
from bson.objectid import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from slicer_package_manager.backup import document_index, validation
from slicer_package_manager.backup.document_index import Document, DocumentIndex
from slicer_package_manager.backup.dump_files import RAW

#: A database as pymongo hands it out; documents of MongoDB may have any value.
Mongo = Database[dict[str, Any]]
#: The time in seconds for which violating documents are read again without a change before they are taken as they are:
#: a busy server may take that long between the writes of one change.
PATIENCE = 5
_PAUSE = 0.2
#: MongoDB's codes SnapshotTooOld and SnapshotUnavailable.
_TOO_OLD = (239, 246)


def collections(database: Mongo) -> list[str]:
    """The names of the collections to back up, in the order in which they must be read."""
    found = {one['name'] for one in database.list_collections(filter={'type': 'collection'})}
    wanted = sorted(name for name in found
                    if name not in validation.EXCLUDED_COLLECTIONS and not name.startswith('system.'))
    leaves = [name for name in document_index.COLLECTIONS[:-1] if name in wanted]
    # All others refer to accounts and assetstores.
    roots = [name for name in ('group', 'user', 'assetstore') if name in wanted]
    return [*leaves, *(name for name in wanted if name not in (*leaves, *roots)), *roots]


class TooOldError(Exception):
    """The database no longer has the snapshot of a session."""


@contextmanager
def snapshot(database: Mongo) -> Iterator[ClientSession | None]:
    """A session that reads all collections as of now; ``None`` where the database does not support that."""
    with database.client.start_session(snapshot=True) as session:
        yield session if _can_read(database, session) else None


def _can_read(database: Mongo, session: ClientSession) -> bool:
    try:
        database['setting'].find_one({}, session=session)
    except PyMongoError:
        return False
    return True


def documents(collection: Collection[dict[str, Any]], session: ClientSession | None) -> Iterator[bytes]:
    """Yield the documents of ``collection`` as BSON, sorted by id.

    :raises TooOldError: the database no longer has the snapshot of ``session``.
    """
    try:
        # pymongo types batches as documents; they are BSON.
        for batch in cast('Iterator[bytes]', collection.find_raw_batches({}, sort=[('_id', 1)], session=session)):
            yield from (bytes(document.raw) for document in bson.decode_iter(batch, RAW))
    except OperationFailure as error:
        if session and error.code in _TOO_OLD:
            raise TooOldError from error
        raise


def reconcile(database: Mongo, index: DocumentIndex) -> None:
    """Read documents that violate an invariant again, until none does or they no longer change."""
    last_change = time.monotonic()
    while (violating := index.violating()) and time.monotonic() - last_change < PATIENCE:
        changes = [refresh(database, index, collection, identifier) for collection, identifier in violating]
        if any(changes):
            last_change = time.monotonic()
        else:
            time.sleep(_PAUSE)


def refresh(database: Mongo, index: DocumentIndex, collection: str, identifier: str) -> bool:
    """Read a document and those that belong to it again.

    :returns: whether this changes the backup.
    """
    document = _read(database, collection, identifier)
    if document is None:
        return index.amend(collection, identifier, None)
    changed = index.amend(collection, identifier, document)
    for other_collection, other_id in _related(database, index, collection, identifier, document):
        other = _read(database, other_collection, other_id)
        if other or other_collection == 'file':
            changed |= index.amend(other_collection, other_id, other)
    return changed


def _read(database: Mongo, collection: str, identifier: str) -> RawBSONDocument | None:
    return database[collection].with_options(RAW).find_one({'_id': ObjectId(identifier)})


def _related(database: Mongo, index: DocumentIndex, collection: str, identifier: str, document: Document,
             ) -> Iterator[tuple[str, str]]:
    """Yield the collections and ids of the documents that must be consistent with ``document``."""
    if collection == 'file' and document.get('itemId'):
        yield 'item', str(document['itemId'])
    elif collection == 'item':
        now = {str(file['_id']) for file in database['file'].find({'itemId': ObjectId(identifier)}, {'_id': 1})}
        yield from (('file', one) for one in sorted(now | set(index.files_of(identifier))))
        yield 'folder', str(document['folderId'])
    elif collection == 'folder' and document.get('parentId'):
        yield document['parentCollection'], str(document['parentId'])
