"""A program that creates what a database needs before the server opens.

Girder reads the address of the database when it is imported, and the workers of the web server must not inherit a
connection. Therefore this runs in a process of its own: it reads the plan from standard input and writes the outcome
to standard output; ``GIRDER_MONGO_URI`` names the database.
"""
import json
import os
import sys
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

from slicer_package_manager.cli.database import hosts_of
from slicer_package_manager.registry.tree import older_data

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


def wait_for_database(uri: str, patience: float) -> None:
    """Wait until the database of ``uri`` answers, and check whether this version may use it.

    :raises PyMongoError: it does not answer within ``patience`` seconds, or refuses the connection.
    :raises OlderDataError: it has data of the older plugin.
    """
    milliseconds = int(patience * 1000)
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
        uri, serverSelectionTimeoutMS=milliseconds, timeoutMS=milliseconds)
    with client:
        client.get_database().command('ping')
        older_data.require_none(client.get_database())


def _explain(error: Exception, uri: str) -> str:
    if isinstance(error, older_data.OlderDataError):
        return str(error)
    reason = str(error).partition(' (configured timeouts')[0]
    if isinstance(error, ServerSelectionTimeoutError):
        return f'No MongoDB answers at {hosts_of(uri)}: {reason}. Start it, or correct --database.'
    if isinstance(error, PyMongoError):
        return f'The database at {hosts_of(uri)} cannot be used: {reason}'
    return f'Cannot prepare the database: {reason}'


def main() -> None:
    """Execute the plan on standard input; the outcome on standard output has ``created`` or ``error``."""
    plan = Plan(**json.load(sys.stdin))
    uri = os.environ['GIRDER_MONGO_URI']
    try:
        wait_for_database(uri, plan.patience)
        outcome: dict[str, bool | str] = {'created': prepare(plan)}
    except (PyMongoError, GirderException, ValidationException, OSError, older_data.OlderDataError) as error:
        outcome = {'error': _explain(error, uri)}
    print(json.dumps(outcome))  # noqa: T201 - the outcome


if __name__ == '__main__':
    main()
