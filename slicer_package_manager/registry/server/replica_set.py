"""Transactions require a MongoDB that is a replica set; one member is enough."""
from __future__ import annotations

from pymongo.database import Database

from slicer_package_manager.registry.schema.errors import UnusableDatabaseError
from slicer_package_manager.registry.schema.types import Document

PAGE = 'docs/how-to/run-a-replica-set.md'


class StandaloneError(UnusableDatabaseError):
    """The MongoDB has no transactions."""


def require(database: Database[Document]) -> None:
    """Make sure that the MongoDB of ``database`` has transactions.

    :raises StandaloneError: it is no member of a replica set; the message has the commands that make it one.
    """
    state = database.client.admin.command('hello')
    is_router = state.get('msg') == 'isdbgrid'
    if 'setName' in state or is_router:
        return
    raise StandaloneError(
        'This MongoDB is no replica set, and the server needs one for its transactions; one member is enough, and the '
        'data stays. Restart it with `mongod --replSet slicer-packages` (in mongod.conf: replication.replSetName), '
        f"and once run `mongosh --eval 'rs.initiate()'`. See {PAGE}")
