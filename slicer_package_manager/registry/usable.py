"""Whether this version can use a database. Only reads, and uses no model of Girder, which would create indexes."""
from __future__ import annotations

import pymongo
from pymongo.errors import ServerSelectionTimeoutError

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import replica_set, restoration
from slicer_package_manager.registry.tree import older_data


def require(database: older_data.AnyDatabase, *, by_restoration: bool = False, by_migration: bool = False) -> None:
    """Make sure that this version can use ``database``.

    :param by_restoration: a restoration is to replace what the database has, which may be a part of a backup.
    :param by_migration: the data of the older plugin is to be migrated.
    :raises UnusableDatabaseError: its MongoDB is no replica set, it has data of the older plugin, or its restoration
        has not ended.
    """
    replica_set.require(database)
    if not by_restoration:
        restoration.require_none(database)
    if not by_migration:
        older_data.require_none(database)


def require_at(uri: str, patience: float, **exceptions: bool) -> None:
    """Make sure that the database of ``uri`` answers, and that this version can use it; see :func:`require`.

    :param patience: seconds within which it must answer.
    :param exceptions: those of :func:`require`.
    :raises PyMongoError: it does not answer, or refuses the connection.
    :raises UnusableDatabaseError: this version cannot use it.
    """
    milliseconds = int(patience * 1000)
    client: pymongo.MongoClient[Document] = pymongo.MongoClient(
        uri, serverSelectionTimeoutMS=milliseconds, timeoutMS=milliseconds)
    with client:
        try:
            client.get_database().command('ping')
        except ServerSelectionTimeoutError:
            replica_set.require_initiated(client)
            raise
        require(client.get_database(), **exceptions)
