"""The embedded MongoDB as a replica set of one member, which transactions require."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

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


def wait(uri: str, seconds: float, pause: Callable[[float], None] = time.sleep) -> bool:
    """Wait until the embedded MongoDB of ``uri``, of which this makes a replica set, accepts writes.

    :returns: whether it does after ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not (is_ready := _serves(uri)) and time.monotonic() < deadline:
        pause(0.02)
    return is_ready


def _serves(uri: str) -> bool:
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(uri, serverSelectionTimeoutMS=1000)
    with client:
        try:
            ensure(client, unquote(database.hosts_of(uri)))  # the path of its socket file
            return bool(client.admin.command('hello').get('isWritablePrimary'))
        except PyMongoError:
            return False
