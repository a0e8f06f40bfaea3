"""Counts of completed downloads: one small document for each thing and day, changed by single increments."""
from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from bson.objectid import ObjectId
from girder.models.model_base import Model
from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.errors import BulkWriteError

from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document

_KEY = ('app', 'kind', 'revision', 'baseName', 'os', 'arch', 'release', 'day')
#: Condition for ``kind`` that selects counts; the other documents belong to :mod:`rollup`.
COUNTS: Document = {'$in': sorted(PACKAGE_TYPES)}
ROLLUP, SUMS = 'rollup', 'sums'
#: MongoDB's code of the error that a unique index causes.
DUPLICATE = 11000
_ONE_MORE: Document = {'$inc': {'count': 1}}


class Download(Model):
    """Counts in the collection ``slicer_package_download``.

    A document has ``app`` (id), ``kind``, the application's ``revision``, ``baseName``, ``os``, ``arch``, ``release``
    (name, ``''`` for a draft), ``day`` (UTC, as ``YYYY-MM-DD``) and ``count``. Names are values here, never keys, so
    they may have any character. Nothing refers to items, so that counts outlive them. The documents of the kinds
    :data:`ROLLUP` and :data:`SUMS` are those of :mod:`rollup`.
    """

    def initialize(self):
        """Name the collection."""
        self.name = 'slicer_package_download'

    def validate(self, doc):
        """Take ``doc`` as it is; only :func:`record` writes here."""
        return doc


#: What rows of statistics are ordered by; each index gives the answers to questions with its filter in this order.
ORDER = ('day', 'kind', 'baseName', 'os', 'arch', 'revision', 'release')


def _asked_by(*filters):
    keys = ('app', *filters, *(key for key in ORDER if key not in filters))
    return IndexModel([(key, ASCENDING) for key in keys], name='_'.join(('spm_download_by', *(filters or ORDER[:1]))))


INDEXES = [
    IndexModel([(key, ASCENDING) for key in _KEY], name='spm_download', unique=True),
    _asked_by(), _asked_by('baseName'), _asked_by('revision'), _asked_by('release'),
]


def _day(moment) -> str:
    return f'{moment:%Y-%m-%d}'


def key_of(item) -> dict[str, Any]:
    """What one download of ``item``, a package or an extension, counts for today."""
    meta, package_type = item['meta'], PACKAGE_TYPES[item['spm']['kind']]
    return {'app': item['spm']['app'], 'kind': package_type.label, 'revision': meta[package_type.app_revision],
            'baseName': meta['baseName'], 'os': meta['os'], 'arch': meta['arch'],
            'release': item['spm'].get('release', ''), 'day': _day(datetime.now(timezone.utc))}


def record(key: Document) -> bool:
    """Count one download for ``key``, a result of :func:`key_of`, by one command.

    :returns: whether ``key`` was not counted for before.
    :raises pymongo.errors.PyMongoError: the database does not accept it.
    """
    is_closed = {'app': key['app'], 'kind': ROLLUP, 'fence': {'$gt': key['day']}}
    increment = UpdateOne(key, _ONE_MORE, upsert=True)
    try:
        return bool(Download().collection.bulk_write(
            [UpdateOne(is_closed, _announcement(key['revision'])), increment]).upserted_ids)
    except BulkWriteError as error:
        if error.details['writeErrors'][0]['code'] != DUPLICATE:
            raise
    Download().collection.bulk_write([increment])  # another process has inserted the document meanwhile
    return False


def announce(app_id: ObjectId, revision: str) -> None:
    """Announce a change of counts of past days to the :mod:`rollup`; to be called before and after the change.

    :param revision: of the application, whose counts change.
    """
    Download().collection.update_one({'app': app_id, 'kind': ROLLUP}, _announcement(revision))


def _announcement(revision: str) -> Document:
    return {'$addToSet': {'stale': revision}, '$inc': {'version': 1}, '$currentDate': {'announced': True}}


def add_totals(package_type, app, items) -> None:
    """Give each of ``items``, packages of ``package_type``, its own total as ``downloads``, by one query."""
    thing = {key: f'${key}' for key in ('revision', 'baseName', 'os', 'arch')}
    among = {key: {'$in': sorted({item['meta'][source] for item in items})}
             for key, source in (('revision', package_type.app_revision), ('baseName', 'baseName'))}
    counts = {tuple(row['_id'][key] for key in thing): row['count'] for row in Download().collection.aggregate([
        {'$match': {'app': app['_id'], 'kind': package_type.label, **among}},
        {'$group': {'_id': thing, 'count': {'$sum': '$count'}}}], batchSize=BATCH)} if items else {}
    for item in items:
        meta = item['meta']
        item['downloads'] = counts.get((meta[package_type.app_revision], meta['baseName'], meta['os'], meta['arch']), 0)
