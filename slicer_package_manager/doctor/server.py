"""Checks of what the server depends on: database, clock, indexes, settings, assetstores."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta, timezone

from bson.objectid import ObjectId
from girder.exceptions import ValidationException
from girder.models import getDbConnection
from girder.models.assetstore import Assetstore
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.setting import Setting
from girder.models.user import User
from girder.settings import SettingKey
from pymongo.errors import PyMongoError

from slicer_package_manager.doctor.findings import ERROR, WARNING, Finding, Options
from slicer_package_manager.registry import indexes
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, scratch, settings
from slicer_package_manager.registry.storage import stores
from slicer_package_manager.registry.storage.store import Store
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.registration import APPLICATION

#: The largest difference of clocks in seconds, and how far in the future the time of a document may be.
_MAX_DIFFERENCE, _MAX_FUTURE = 5, timedelta(hours=1)
#: With less free space in bytes the next packages may not fit.
_LITTLE_SPACE = 5 * 10**9


def writable(_options: Options) -> Iterator[Finding]:
    """A database that does not accept writes."""
    collection = getDbConnection().get_database()[scratch.COLLECTION]
    identifier = ObjectId()
    try:
        collection.insert_one({'_id': identifier})
        collection.delete_one({'_id': identifier})
    except PyMongoError as error:
        yield Finding(ERROR, f'The database does not accept writes: {error}',
                      'Look for a full disk, a replica set without a primary, or an account that may only read.')


def clocks(_options: Options) -> Iterator[Finding]:
    """Clocks of this machine and of the database that differ, and documents from the future."""
    database_time = getDbConnection().admin.command('hello')['localTime'].replace(tzinfo=timezone.utc)
    difference = abs((clock.now() - database_time).total_seconds())
    if difference > _MAX_DIFFERENCE:
        yield Finding(WARNING, f'The clocks of this machine and of the database differ by {difference:.0f} s.',
                      'Synchronize both with a time server; lists are ordered by time.')
    for model in (Folder(), Item(), File()):
        future = model.findOne({'created': {'$gt': clock.now() + _MAX_FUTURE}}, fields=['name', 'created'])
        if future:
            yield Finding(WARNING, f'The {model.name} "{future["name"]}" ({future["_id"]}) was created in the future, '
                                   f'{future["created"]:%Y-%m-%d %H:%M} UTC.',
                          'Correct the clock of the server that created it. Until that time lists show it as the '
                          'newest.')


def missing_indexes(_options: Options) -> Iterator[Finding]:
    """Indexes that are missing."""
    names: dict[str, list[str]] = {}
    for model, index in indexes.missing():
        names.setdefault(model.name, []).append(index.document['name'])
    for name, missing in names.items():
        yield Finding(ERROR, f'Indexes of "{name}" are missing: {", ".join(missing)}.',
                      'Start the server, which creates them, or use --fix. Either names what prevents it.',
                      indexes.ensure)


def contradicting_settings(_options: Options) -> Iterator[Finding]:
    """Settings that are not valid, or contradict each other."""
    settings.register()
    if Setting().get(SettingKey.CACHE_ENABLED):
        yield Finding(WARNING, 'The cache of Girder is on (core.cache.enabled). Each server process has its own, which '
                               'the others do not invalidate.', 'Turn it off, unless the server has a single process.')
    if User().findOne({'admin': True}, fields=['_id']) is None:
        yield Finding(ERROR, 'There is no administrator, so that no user can change settings or accounts. If there is '
                             'no account at all, the first one that is registered becomes administrator.',
                      'Start slicer-package-manager serve on this database, which creates the account.')
    try:
        values = {key: settings.get(key) for key in settings.RULES}
    except ValidationException as error:
        yield Finding(ERROR, str(error), 'Correct it in the system settings, or correct the environment variable.')
        return
    if values[settings.LINK_DELIVERY] != 'redirect':
        fetched = values[settings.STREAM_HOSTS]
        for host in values[settings.LINK_HOSTS]:
            if not settings.host_matches(host.replace('*', 'any'), fetched):
                yield Finding(WARNING, f'Links to "{host}" are allowed ({settings.LINK_HOSTS}), but the server may not '
                                       f'fetch from there ({settings.STREAM_HOSTS}), as some clients require.',
                              f'Add it to {settings.STREAM_HOSTS}, or set {settings.LINK_DELIVERY} to "redirect".')
    yield from _applications(values)


def _applications(values: Document) -> Iterator[Finding]:
    """Settings that name an application that does not exist."""
    default = values[settings.DEFAULT_APP]
    if default and not _exists(default, public=True):
        yield Finding(WARNING, f'{settings.DEFAULT_APP} is {default}, which is not a public application: the pages and '
                               '/find show nothing.',
                      'Set it to the id of another one, or leave it empty.')
    for app in set(values[settings.CHECKED_APPLICATIONS]) - {settings.EVERY_APPLICATION}:
        if not _exists(app):
            yield Finding(WARNING, f'{settings.CHECKED_APPLICATIONS} has {app}, which is not an application.',
                          'Remove it, or correct the id.')
    for app in values[settings.UPLOAD_QUOTAS]:
        if app != settings.ALL_OTHERS and not _exists(app):
            yield Finding(WARNING, f'{settings.UPLOAD_QUOTAS} limits {app}, which is not an application.',
                          'Remove it, or correct the id.')


def _exists(identifier: str, **more: bool) -> bool:
    query = {'_id': ObjectId(identifier), keys.ROLE: APPLICATION, **more}
    return Folder().findOne(query, fields=['_id']) is not None


def assetstores(_options: Options) -> Iterator[Finding]:
    """Assetstores that cannot store new files, or have little space."""
    if Assetstore().findOne({'current': True}, fields=['_id']) is None:
        yield Finding(ERROR, 'No assetstore is the current one, so that no file can be uploaded.',
                      'Create one in the admin console, or make an existing one the current one.')
    for store in stores.every_store():
        problem = store.problem()
        if problem:
            yield Finding(ERROR, f'The assetstore "{store.assetstore["name"]}" at {store} cannot be used: {problem}.',
                          'Mount its disk, or correct its owner or its path.')
        elif store.assetstore['current']:
            yield from _space(store)


def _space(store: Store) -> Iterator[Finding]:
    capacity = store.capacityInfo()
    if capacity['free'] is not None and capacity['free'] <= _LITTLE_SPACE:
        refused = capacity['free'] <= 0
        left, reserved = (f'{capacity[key] / 1e9:.1f} GB' for key in ('free', 'reserved'))
        yield Finding(ERROR if refused else WARNING,
                      f'{left} are left for uploads in {store}, beside the {reserved} that stay free'
                      + (': uploads are refused.' if refused else '.'),
                      'Make room, for example by slicer_package_manager_client draft prune, or use a larger disk; '
                      'GIRDER_FILESYSTEMASSETSTORE_RESERVED_MBYTES is the space that stays free.')
