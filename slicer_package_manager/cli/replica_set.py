"""The embedded MongoDB as a replica set of one member, which transactions require."""
from __future__ import annotations

from typing import Any

import pymongo
from pymongo.errors import OperationFailure, PyMongoError

from slicer_package_manager.cli import database

_NOT_INITIALIZED = 94


def ensure(client: pymongo.MongoClient[dict[str, Any]], host: str) -> None:
    """Make the MongoDB of ``client`` the only member of its replica set, unless it is. Idempotent.

    A database that was not part of a replica set keeps its data. A data directory that was moved gets its new address:
    a member that does not find its own address in the configuration serves nothing.

    :param client: connected to this one server (``directConnection=true``). Connect anew afterwards.
    :param host: the address of the server: host and port, or the path of its socket file.
    :raises pymongo.errors.PyMongoError: the database does not allow it.
    """
    members = [{'_id': 0, 'host': host}]
    try:
        config = client.admin.command('replSetGetConfig')['config']
    except OperationFailure as error:
        if error.code != _NOT_INITIALIZED:
            raise
        client.admin.command('replSetInitiate', {'_id': database.REPLICA_SET, 'members': members})
        return
    if [member['host'] for member in config['members']] != [host]:
        client.admin.command('replSetReconfig', {**config, 'version': config['version'] + 1, 'members': members},
                             force=True)


def serves(uri: str, seconds: float) -> bool:
    """Whether the embedded MongoDB of ``uri``, of which this makes a replica set, accepts writes within ``seconds``."""
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(uri, serverSelectionTimeoutMS=int(seconds * 1000))
    with client:
        try:
            ensure(client, database.socket_of(uri))
            return bool(client.admin.command('hello').get('isWritablePrimary'))
        except PyMongoError:
            return False
