"""Creates what a database needs before the server opens.

The workers of the web server must not inherit a connection. Therefore this runs in a process of its own, a fork of the
web server, which has already imported Girder. It reads the plan from a socket and writes the outcome to it;
``GIRDER_MONGO_URI`` names the database.
"""
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from girder.exceptions import GirderException, ValidationException
from girder.models.assetstore import Assetstore
from girder.models.folder import Folder
from girder.models.setting import Setting
from girder.models.user import User
from girder.settings import SettingDefault, SettingKey
from pymongo.errors import PyMongoError, ServerSelectionTimeoutError

from slicer_package_manager.cli import replica_set
from slicer_package_manager.cli.database import hosts_of
from slicer_package_manager.registry import usable
from slicer_package_manager.registry.schema.errors import UnusableDatabaseError
from slicer_package_manager.registry.server import scratch, transactions

ASSETSTORE_NAME = 'Data directory'
#: The longest time in seconds that the creation may take, with that of other servers before it.
_SECONDS = 120
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
    for model in (Setting(), Assetstore(), User(), Folder()):  # an account has folders
        transactions.join(model)
    return transactions.run(lambda: _create_missing(plan), _SECONDS)


def _create_missing(plan: Plan) -> bool:
    # Two servers that do this at the same time conflict here; the later one then finds what the other has created.
    lock = transactions.Transactional(Setting().database, scratch.COLLECTION)
    lock.delete_one({'_id': lock.insert_one({'_id': 'lock'}).inserted_id})
    new = not _has_admin()
    if new:
        _configure()
    if not _has_assetstore():
        Assetstore().createFilesystemAssetstore(ASSETSTORE_NAME, plan.assetstore)
    if new:
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
            replica_set.wait(uri, plan.patience)
        usable.require_at(uri, plan.patience)
        return {'created': prepare(plan)}
    except (PyMongoError, GirderException, ValidationException, OSError, UnusableDatabaseError) as error:
        return {'error': _explain(error, uri)}
