"""Reads the documents of a live database, and again those that do not fit together; see the package."""
from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import bson
from bson.objectid import ObjectId
from pymongo.errors import OperationFailure, PyMongoError

from slicer_package_manager.backup import document_index, projection, validation
from slicer_package_manager.backup.document_index import DocumentIndex
from slicer_package_manager.backup.dump_files import RAW

#: How long what does not fit is read again without anything new before it is taken as it is, in seconds: a server that
#: has much to do may take some between the writes of one change.
PATIENCE = 5
_PAUSE = 0.2
#: MongoDB's SnapshotTooOld and SnapshotUnavailable.
_TOO_OLD = (239, 246)


def collections(database) -> list[str]:
    """The names of the collections to read, in the order in which to read them."""
    found = {one['name'] for one in database.list_collections(filter={'type': 'collection'})}
    mine = sorted(name for name in found if name not in validation.LEFT_OUT and not name.startswith('system.'))
    leaves = [kind for kind in document_index.KINDS[:-1] if kind in mine]
    # Accounts and assetstores are what everything else refers to.
    roots = [name for name in ('group', 'user', 'assetstore') if name in mine]
    return [*leaves, *(name for name in mine if name not in (*leaves, *roots)), *roots]


class TooOldError(Exception):
    """The database no longer has the moment that a session reads."""


@contextmanager
def moment(database) -> Iterator:
    """A session that reads all collections as they are now, where the database can do that; else ``None``."""
    with database.client.start_session(snapshot=True) as session:
        yield session if _can_read(database, session) else None


def _can_read(database, session) -> bool:
    try:
        database['setting'].find_one({}, session=session)
    except PyMongoError:
        return False
    return True


def documents(collection, session) -> Iterator[bytes]:
    """The documents of ``collection`` in the order of their ids, byte for byte.

    :raises TooOldError: the moment of ``session`` is too long ago for the database.
    """
    try:
        for batch in collection.find_raw_batches({}, sort=[('_id', 1)], session=session):
            yield from (document.raw for document in bson.decode_iter(batch, RAW))
    except OperationFailure as error:
        if session and error.code in _TOO_OLD:
            raise TooOldError from error
        raise


def learn(index: DocumentIndex, kind: str, raws: Iterator[bytes]) -> Iterator[bytes]:
    """Pass ``raws`` on, and let ``index`` know what they say."""
    if kind not in document_index.KINDS:
        yield from raws
        return
    index.forget(kind)
    for raw in raws:
        index.add(kind, projection.projected(raw, document_index.FIELDS[kind]))
        yield raw


def reconcile(database, index: DocumentIndex) -> None:
    """Read again what does not fit together, until it fits or stays as it is."""
    last_news = time.monotonic()
    while (suspects := index.suspects()) and time.monotonic() - last_news < PATIENCE:
        news = [refresh(database, index, kind, identifier) for kind, identifier in suspects]
        if any(news):
            last_news = time.monotonic()
        else:
            time.sleep(_PAUSE)


def refresh(database, index: DocumentIndex, kind: str, identifier: str) -> bool:
    """Take the document, and what belongs to it, as it is in the database now; tells whether that is news."""
    document = database[kind].with_options(RAW).find_one({'_id': ObjectId(identifier)})
    if document is None:
        return index.amend(kind, identifier, None)
    news = index.amend(kind, identifier, document)
    for other_kind, other_id in _related(database, index, kind, identifier, document):
        other = database[other_kind].with_options(RAW).find_one({'_id': ObjectId(other_id)})
        if other or other_kind == 'file':
            news |= index.amend(other_kind, other_id, other)
    return news


def _related(database, index, kind, identifier, document):
    """Kinds and ids of what has to fit to ``document``."""
    if kind == 'file' and document.get('itemId'):
        yield 'item', str(document['itemId'])
    elif kind == 'item':
        now = {str(file['_id']) for file in database['file'].find({'itemId': ObjectId(identifier)}, {'_id': 1})}
        yield from (('file', one) for one in sorted(now | set(index.files_of(identifier))))
        yield 'folder', str(document['folderId'])
        if document.get('spm'):  # the application tells of promotions, whose the item is
            yield 'folder', str(document['spm']['app'])
    elif kind == 'folder' and document.get('parentId'):
        yield document['parentCollection'], str(document['parentId'])

