"""Whether this version can use a database. Only reads, and uses no model of Girder, which would create indexes."""
from __future__ import annotations

from slicer_package_manager.registry.server import replica_set
from slicer_package_manager.registry.tree import older_data


def require(database: older_data.AnyDatabase) -> None:
    """Make sure that this version can use ``database``.

    :raises UnusableDatabaseError: its MongoDB is no replica set, or it has data of the older plugin.
    """
    replica_set.require(database)
    older_data.require_none(database)
