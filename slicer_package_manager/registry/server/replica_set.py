"""Transactions require a MongoDB that is a replica set; one member is enough."""
from __future__ import annotations

from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from slicer_package_manager.registry.schema.errors import UnusableDatabaseError
from slicer_package_manager.registry.schema.types import Document

PAGE = 'docs/how-to/run-a-replica-set.md'
_INITIATE = f"once run `mongosh --eval 'rs.initiate()'`. See {PAGE}"
#: The driver's name for a server that was started as a member of a replica set, and does not know of which.
_NOT_INITIATED = 'RSGhost'


def require(database: Database[Document]) -> None:
    """Make sure that the MongoDB of ``database`` has transactions.

    :raises UnusableDatabaseError: it is no member of a replica set; the message has the commands that make it one.
    """
    state = database.client.admin.command('hello')
    is_router = state.get('msg') == 'isdbgrid'
    if 'setName' in state or is_router:
        return
    raise UnusableDatabaseError(
        'This MongoDB is not a replica set, and the server needs one for its transactions; one member is enough, and '
        'the data stays. Restart it with `mongod --replSet slicer-packages` and its other options (in mongod.conf: '
        f'replication.replSetName), and {_INITIATE}')


def require_initiated(client: MongoClient[Any]) -> None:
    """Explain why ``client`` found no server that it can use, if that is because the replica set was not initiated.

    Reads the state of the driver; does not query the database.

    :raises UnusableDatabaseError: the MongoDB runs with ``--replSet``, and only that; the message has the command that
        is missing.
    """
    servers = client.topology_description.server_descriptions().values()
    if any(server.server_type_name == _NOT_INITIATED for server in servers):
        raise UnusableDatabaseError(f'The replica set of this MongoDB was not initiated: {_INITIATE}')
