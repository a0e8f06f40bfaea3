"""Read a live database as of one moment."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import bson
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import PyMongoError, ServerSelectionTimeoutError

from slicer_package_manager.backup import validation
from slicer_package_manager.backup.dump_files import RAW
from slicer_package_manager.backup.errors import BackupError, MissingBytesError
from slicer_package_manager.registry.server import database_outage

Result = TypeVar('Result')

#: A database as pymongo hands it out; documents of MongoDB may have any value.
Mongo = Database[dict[str, Any]]
#: How often the reading begins anew before the backup is given up.
ATTEMPTS = 10
#: MongoDB's codes SnapshotTooOld and SnapshotUnavailable.
_TOO_OLD = (239, 246)


def collections(database: Mongo) -> list[str]:
    """The names of the collections to back up, sorted."""
    return sorted(name for name in database.list_collection_names(filter={'type': 'collection'})
                  if name not in validation.EXCLUDED_COLLECTIONS and not name.startswith('system.'))


def as_of_one_moment(database: Mongo, read: Callable[[ClientSession], Result]) -> Result:
    """Call ``read`` with a session whose reads all see the database as of its first one, and return the result.

    It is called again, with a later moment, if MongoDB no longer has the state of that moment, if a primary was lost,
    or if ``read`` raises :class:`MissingBytesError`.

    :raises BackupError: that happened too often.
    :raises pymongo.errors.PyMongoError: the database is not available.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            with database.client.start_session(snapshot=True) as session:
                return read(session)
        except (MissingBytesError, PyMongoError) as error:
            if not _may_pass(error):
                raise
            if attempt >= ATTEMPTS:
                raise _given_up(error) from error


def _may_pass(error: MissingBytesError | PyMongoError) -> bool:
    if isinstance(error, ServerSelectionTimeoutError):  # the driver has waited for a primary already
        return False
    return isinstance(error, MissingBytesError) or _is_too_old(error) or database_outage.passes(error)


def _is_too_old(error: PyMongoError) -> bool:
    return getattr(error, 'code', None) in _TOO_OLD


def _given_up(error: MissingBytesError | PyMongoError) -> BackupError:
    if isinstance(error, PyMongoError) and _is_too_old(error):
        remedy = ('MongoDB keeps the state of a moment for five minutes, unless minSnapshotHistoryWindowInSeconds says '
                  "otherwise. Allow an hour on each of its servers: mongosh --eval 'db.adminCommand({setParameter: 1, "
                  "minSnapshotHistoryWindowInSeconds: 3600})'")
    else:
        remedy = 'Run it again when the server has less to do.'
    return BackupError(f'The backup was begun {ATTEMPTS} times, and could not be completed: {error}. {remedy}')


def documents(collection: Collection[dict[str, Any]], session: ClientSession) -> Iterator[RawBSONDocument]:
    """Yield the documents of ``collection`` in the order of their ids."""
    # pymongo types batches as documents; they are BSON.
    for batch in cast('Iterator[bytes]', collection.find_raw_batches({}, sort=[('_id', 1)], session=session)):
        yield from bson.decode_iter(batch, RAW)
