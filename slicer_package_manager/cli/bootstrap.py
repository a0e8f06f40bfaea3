"""Create what a database needs before the server opens; a program of its own.

Girder reads the database's address when it is imported, and no connection may be inherited by the workers of
the web server, so this runs in a process apart: the plan comes on standard input, the outcome goes to
standard output, and ``GIRDER_MONGO_URI`` names the database.
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

import pymongo
from girder.exceptions import GirderException, ValidationException
from girder.models.assetstore import Assetstore
from girder.models.setting import Setting
from girder.models.user import User
from girder.settings import SettingDefault, SettingKey
from pymongo.errors import DuplicateKeyError, PyMongoError, ServerSelectionTimeoutError

from slicer_package_manager.cli.database import hosts_of
from slicer_package_manager.registry.tree import older_data

ASSETSTORE_NAME = 'Data directory'
LEASE_COLLECTION = 'slicer_package_manager_bootstrap'
LEASE_ID = 'lease'
#: For how long one server may prepare the database before another takes it for killed.
LEASE_SECONDS = 120
# What browsers on other sites may send and read besides Girder's own headers.
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
    """What to create when it is missing.

    ``embedded`` says that no other server can use the database; ``patience`` is the time in seconds in which
    the database has to answer.
    """

    assetstore: str
    login: str
    password: str
    embedded: bool
    patience: float


def prepare(plan: Plan) -> bool:
    """Create what is missing, once, however many servers do so at the same time.

    :returns: whether the admin account was created.
    :raises ValidationException: Girder refuses the login, the password or the directory.
    """
    if plan.embedded:
        _follow_moved_assetstore(plan.assetstore)
    if _has_assetstore() and _has_admin():
        return False
    # Nobody else can hold the lease on an embedded database: one that is there was left by a killed run.
    with lease(Setting().database[LEASE_COLLECTION], patience=0 if plan.embedded else LEASE_SECONDS):
        return _create_missing(plan)


def _create_missing(plan: Plan) -> bool:
    new = not _has_admin()
    if new:
        _configure()
    if not _has_assetstore():
        Assetstore().createFilesystemAssetstore(ASSETSTORE_NAME, plan.assetstore)
    if new:
        # The last step, since an admin is what tells a database that is complete.
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
    """Correct the assetstore's place after the whole data directory was moved."""
    store = Assetstore().findOne({'name': ASSETSTORE_NAME})
    if store and store['root'] != root and Path(root).is_dir() and not Path(store['root']).exists():
        Assetstore().update({'_id': store['_id']}, {'$set': {'root': root}}, multi=False)


@contextmanager
def lease(collection, patience: float) -> Iterator[None]:
    """Hold the one lease of ``collection``.

    One that stays with the same holder for ``patience`` seconds is taken over: its holder was killed.
    No clock of another machine is involved.
    """
    owner = uuid.uuid4().hex
    _acquire(collection, owner, patience)
    try:
        yield
    finally:
        collection.delete_one({'_id': LEASE_ID, 'owner': owner})


def _acquire(collection, owner: str, patience: float) -> None:
    seen, since = None, time.monotonic()
    while not _insert(collection, owner):
        holder = collection.find_one({'_id': LEASE_ID})
        if holder and holder['owner'] != seen:
            seen, since = holder['owner'], time.monotonic()
        elif holder and time.monotonic() - since >= patience and _take_over(collection, seen, owner):
            return
        time.sleep(0.05)


def _insert(collection, owner: str) -> bool:
    try:
        collection.insert_one({'_id': LEASE_ID, 'owner': owner})
    except DuplicateKeyError:
        return False
    return True


def _take_over(collection, holder: str | None, owner: str) -> bool:
    result = collection.update_one({'_id': LEASE_ID, 'owner': holder}, {'$set': {'owner': owner}})
    return result.modified_count == 1


def wait_for_database(uri: str, patience: float) -> None:
    """Wait until the database of ``uri`` answers, and look whether a server may work on it.

    :raises PyMongoError: it does not within ``patience`` seconds, or refuses us.
    :raises OlderDataError: it has data of the older plugin.
    """
    client: pymongo.MongoClient = pymongo.MongoClient(uri, serverSelectionTimeoutMS=int(patience * 1000),
                                              timeoutMS=int(patience * 1000))
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
    """Carry out the plan on standard input; the outcome on standard output has ``created`` or ``error``."""
    plan = Plan(**json.load(sys.stdin))
    uri = os.environ['GIRDER_MONGO_URI']
    try:
        wait_for_database(uri, plan.patience)
        outcome: dict = {'created': prepare(plan)}
    except (PyMongoError, GirderException, ValidationException, OSError, older_data.OlderDataError) as error:
        outcome = {'error': _explain(error, uri)}
    print(json.dumps(outcome))  # noqa: T201 - this is how the outcome is told


if __name__ == '__main__':
    main()
