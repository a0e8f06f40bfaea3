"""Creates what a database needs before the server opens.

The workers of the web server must not inherit a connection. Therefore this runs in a process of its own, a fork of the
web server, which has already imported Girder. It reads the plan from a socket and writes the outcome to it;
``GIRDER_MONGO_URI`` names the database.
"""
import json
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymongo
from girder.exceptions import GirderException, ValidationException
from girder.models.assetstore import Assetstore
from girder.models.setting import Setting
from girder.models.user import User
from girder.settings import SettingDefault, SettingKey
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, PyMongoError, ServerSelectionTimeoutError

from slicer_package_manager.cli import replica_set
from slicer_package_manager.cli.database import hosts_of
from slicer_package_manager.registry import usable
from slicer_package_manager.registry.schema.errors import UnusableDatabaseError
from slicer_package_manager.registry.server.replica_set import require_initiated

#: A collection as pymongo hands it out; documents of MongoDB may have any value.
Documents = Collection[dict[str, Any]]
ASSETSTORE_NAME = 'Data directory'
LEASE_COLLECTION = 'slicer_package_manager_bootstrap'
LEASE_ID = 'lease'
#: The time in seconds after which a server assumes that another one, which has the lease, was killed.
LEASE_SECONDS = 120
# The headers that pages of other sites may send and read besides those of Girder.
_SENT = 'If-Match, If-Modified-Since, If-None-Match, If-Range, Range'
_READ = ('Accept-Ranges, Content-Length, Content-Range, Digest, ETag, Girder-Request-Uid, Last-Modified, '
         'Link, Location, Retry-After, X-Request-ID')
NEW_DATABASE_SETTINGS = {
    SettingKey.REGISTRATION_POLICY: 'closed',
    SettingKey.CORS_ALLOW_ORIGIN: '*',
    SettingKey.CORS_ALLOW_HEADERS: f'{SettingDefault.defaults[SettingKey.CORS_ALLOW_HEADERS]}, {_SENT}',
    SettingKey.CORS_EXPOSE_HEADERS: f'{SettingDefault.defaults[SettingKey.CORS_EXPOSE_HEADERS]}, {_READ}',
}


@dataclass(frozen=True)
class Plan:
    """What to create if it is missing.

    ``embedded`` states that no other server can use the database; ``patience`` is the time in seconds within which the
    database must answer.
    """

    assetstore: str
    login: str
    password: str
    embedded: bool
    patience: float


def prepare(plan: Plan) -> bool:
    """Create what is missing, once, even if several servers do so at the same time.

    :returns: whether the admin account was created.
    :raises ValidationException: Girder refuses the login, the password or the directory.
    """
    if plan.embedded:
        _follow_moved_assetstore(plan.assetstore)
    if _has_assetstore() and _has_admin():
        return False
    # No other server can use an embedded database: if its lease is taken, a killed run has left it.
    with lease(Setting().database[LEASE_COLLECTION], patience=0 if plan.embedded else LEASE_SECONDS):
        return _create_missing(plan)


def _create_missing(plan: Plan) -> bool:
    new = not _has_admin()
    if new:
        _configure()
    if not _has_assetstore():
        Assetstore().createFilesystemAssetstore(ASSETSTORE_NAME, plan.assetstore)
    if new:
        # The last step: a database with an admin counts as complete.
        User().createUser(plan.login, plan.password, 'Site', 'Admin', f'{plan.login}@localhost', admin=True)
    return new


def _has_assetstore() -> bool:
    return Assetstore().findOne({}) is not None


def _has_admin() -> bool:
    return User().findOne({'admin': True}) is not None


def _configure() -> None:
    for key, value in NEW_DATABASE_SETTINGS.items():
        if Setting().findOne({'key': key}) is None:
            Setting().set(key, value)


def _follow_moved_assetstore(root: str) -> None:
    """Correct the path of the assetstore after the whole data directory was moved."""
    store = Assetstore().findOne({'name': ASSETSTORE_NAME})
    if store and store['root'] != root and Path(root).is_dir() and not Path(store['root']).exists():
        Assetstore().update({'_id': store['_id']}, {'$set': {'root': root}}, multi=False)


@contextmanager
def lease(collection: Documents, patience: float) -> Iterator[None]:
    """Own the one lease of ``collection``.

    A lease that has the same owner for ``patience`` seconds is taken over: its owner was killed. Only the clock of
    this machine is used.
    """
    owner = uuid.uuid4().hex
    _acquire(collection, owner, patience)
    try:
        yield
    finally:
        collection.delete_one({'_id': LEASE_ID, 'owner': owner})


def _acquire(collection: Documents, owner: str, patience: float) -> None:
    seen, since = None, time.monotonic()
    while not _insert(collection, owner):
        found = collection.find_one({'_id': LEASE_ID})
        if found and found['owner'] != seen:
            seen, since = found['owner'], time.monotonic()
        elif found and time.monotonic() - since >= patience and _take_over(collection, seen, owner):
            return
        time.sleep(0.05)


def _insert(collection: Documents, owner: str) -> bool:
    try:
        collection.insert_one({'_id': LEASE_ID, 'owner': owner})
    except DuplicateKeyError:
        return False
    return True


def _take_over(collection: Documents, previous: str | None, owner: str) -> bool:
    result = collection.update_one({'_id': LEASE_ID, 'owner': previous}, {'$set': {'owner': owner}})
    return result.modified_count == 1


def wait_for_embedded(uri: str, patience: float) -> None:
    """Wait until the embedded database of ``uri`` accepts writes, at most ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while not replica_set.serves(uri, 1) and time.monotonic() < deadline:
        time.sleep(0.02)


def wait_for_database(uri: str, patience: float) -> None:
    """Wait until the database of ``uri`` answers, and check whether this version may use it.

    :raises PyMongoError: it does not answer within ``patience`` seconds, or refuses the connection.
    :raises UnusableDatabaseError: this version cannot use it.
    """
    milliseconds = int(patience * 1000)
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
        uri, serverSelectionTimeoutMS=milliseconds, timeoutMS=milliseconds)
    with client:
        try:
            client.get_database().command('ping')
        except ServerSelectionTimeoutError:
            require_initiated(client)
            raise
        usable.require(client.get_database())


def _explain(error: Exception, uri: str) -> str:
    if isinstance(error, UnusableDatabaseError):
        return str(error)
    reason = str(error).partition(' (configured timeouts')[0]
    if isinstance(error, ServerSelectionTimeoutError):
        return f'No MongoDB answers at {hosts_of(uri)}: {reason}. Start it, or correct --database.'
    if isinstance(error, PyMongoError):
        return f'The database at {hosts_of(uri)} cannot be used: {reason}'
    return f'Cannot prepare the database: {reason}'


def run(channel: socket.socket) -> None:
    """Execute the plan that comes from ``channel``, a line, and write the outcome, with ``created`` or ``error``."""
    with channel.makefile('rw') as lines:
        plan = Plan(**json.loads(lines.readline()))
        lines.write(json.dumps(_outcome(plan, os.environ['GIRDER_MONGO_URI'])))


def _outcome(plan: Plan, uri: str) -> dict[str, bool | str]:
    try:
        if plan.embedded:
            wait_for_embedded(uri, plan.patience)
        wait_for_database(uri, plan.patience)
        return {'created': prepare(plan)}
    except (PyMongoError, GirderException, ValidationException, OSError, UnusableDatabaseError) as error:
        return {'error': _explain(error, uri)}
