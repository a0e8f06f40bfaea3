"""How the server is used: storage and quotas, uploads by account, unfinished uploads, and links that do not work."""
from __future__ import annotations

from datetime import timedelta
from typing import Any

from girder.models.file import File
from girder.models.folder import Folder
from girder.models.upload import Upload
from girder.models.user import User

from slicer_package_manager.registry.links import checker
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, settings
from slicer_package_manager.registry.storage import quotas
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.registration import APPLICATION

#: The period of uploads, in days.
DAYS = 90
#: How many unfinished uploads and links are listed at most.
MOST = 100
#: An upload that received nothing for so long has failed, unless its client resumes it.
_IDLE = timedelta(hours=1)


def of_server() -> Document:
    """All of this, for site administrators. The number of queries is fixed."""
    uploads, unfinished = _uploads(), _unfinished()
    logins = _logins([*uploads, *unfinished])
    for row in (*uploads, *unfinished):
        row['login'] = logins.get(row.pop('user'), '')
    return {'applications': _applications(), 'days': DAYS, 'uploads': uploads, 'unfinished': unfinished,
            'broken_links': [_finding(item, file) for item, file in checker.broken(MOST)]}


def _applications() -> list[Document]:
    """The applications with the bytes of their files, as quotas count them, and their quota; largest first."""
    limits = settings.get(settings.UPLOAD_QUOTAS)
    apps = list(Folder().find({keys.ROLE: APPLICATION}, fields=['name']).batch_size(BATCH))
    sizes = quotas.used_by([app['_id'] for app in apps])
    found = [{'_id': app['_id'], 'name': app['name'], 'bytes': sizes[app['_id']],
              'quota': quotas.limit_of(app['_id'], limits)} for app in apps]
    return sorted(found, key=lambda one: (-one['bytes'], one['name']))


def _uploads() -> list[Document]:
    """Files of the last days that are still there, by the account that uploaded them, largest number first."""
    return list(File().collection.aggregate([
        {'$match': {'created': {'$gte': clock.now() - timedelta(days=DAYS)}, 'itemId': {'$ne': None}}},
        {'$group': {'_id': '$creatorId', 'files': {'$sum': 1}, 'bytes': {'$sum': '$size'},
                    'last': {'$max': '$created'}}},
        {'$sort': {'files': -1, '_id': 1}},
        {'$project': {'_id': 0, 'user': '$_id', 'files': 1, 'bytes': 1, 'last': 1}}], batchSize=BATCH))


def _unfinished() -> list[Document]:
    idle = Upload().find({'updated': {'$lt': clock.now() - _IDLE}}, sort=[('updated', -1)], limit=MOST)
    return [{'name': one['name'], 'user': one.get('userId'), 'size': one['size'], 'received': one['received'],
             'updated': one['updated']} for one in idle]


def _logins(rows: list[Document]) -> dict[Any, str]:
    users = User().find({'_id': {'$in': [row['user'] for row in rows]}}, fields=['login']).batch_size(BATCH)
    return {user['_id']: user['login'] for user in users}


def _finding(item: Document, file: Document) -> Document:
    return {'item': item['_id'], 'name': item['name'], 'url': file['linkUrl'], **file['spm']['link']}
