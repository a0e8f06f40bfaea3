"""Whether this version can use a database. Only reads, and uses no model of Girder, which would create indexes."""
from __future__ import annotations

from slicer_package_manager.registry.server import replica_set, restoration
from slicer_package_manager.registry.tree import older_data


def require(database: older_data.AnyDatabase, *, by_restoration: bool = False) -> None:
    """Make sure that this version can use ``database``.

    :param by_restoration: a restoration is to replace what the database has, which may be a part of a backup.
    :raises UnusableDatabaseError: its MongoDB is no replica set, it has data of the older plugin, or its restoration
        has not ended.
    """
    replica_set.require(database)
    if not by_restoration:
        restoration.require_none(database)
    older_data.require_none(database)
