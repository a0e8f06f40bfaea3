"""Counts of completed downloads: one small document for each thing and day, changed by single increments."""
from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from girder.models.model_base import Model
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.pagination import BATCH

_KEY = ('app', 'kind', 'revision', 'baseName', 'os', 'arch', 'release', 'day')
#: How long after its end, by UTC, a day may still be counted for without further ado: clocks of servers differ.
_OPEN_HOURS = 6
#: Stands among the counts of an application and tells how often days that were over have been counted for.
PAST = 'past'
_END_OF_TIME = '9999-12-31'
# Of replica sets this clock never goes back, unlike those of the servers.
_ONE_MORE = {'$inc': {'count': 1}, '$currentDate': {'changed': {'$type': 'timestamp'}}}


class Download(Model):
    """Counts in the collection ``slicer_package_download``.

    A document holds ``app`` (id), ``kind``, the application's ``revision``, ``baseName``, ``os``, ``arch``,
    ``release`` (name, ``''`` for a draft), ``day`` (UTC, as ``YYYY-MM-DD``), ``count`` and ``changed``, the moment of
    the last count by the clock of the database. Names are values here, never keys, so they may hold any character.
    Nothing refers to items, so that counts outlive them. One more document, of the kind :data:`PAST`, belongs to an
    application that was counted for on days that were over.
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
    IndexModel([('app', ASCENDING), ('changed', ASCENDING)], name='spm_download_changed'),
    _asked_by(), _asked_by('baseName'), _asked_by('revision'), _asked_by('release'),
]


def _day(moment) -> str:
    return f'{moment:%Y-%m-%d}'


def first_open_day() -> str:
    """The first day that is still counted for; the days before change only together with what :data:`PAST` tells."""
    return _day(datetime.now(timezone.utc) - timedelta(hours=_OPEN_HOURS))


def key_of(item) -> dict[str, Any]:
    """What one download of ``item``, a package or an extension, counts for today."""
    meta, package_type = item['meta'], PACKAGE_TYPES[item['spm']['kind']]
    return {'app': item['spm']['app'], 'kind': package_type.label, 'revision': meta[package_type.app_revision],
            'baseName': meta['baseName'], 'os': meta['os'], 'arch': meta['arch'],
            'release': item['spm'].get('release', ''), 'day': _day(datetime.now(timezone.utc))}


def record(key) -> bool:
    """Count one download for ``key`` with a single write; for a day that is over, with a second one that tells so.

    :returns: whether it is the first one that this document counts.

    :raises pymongo.errors.PyMongoError: the database did not take it.
    """
    is_new = _increment(key)
    if key['day'] < first_open_day():
        past_changed(key['app'])
    return is_new


def past_changed(app_id) -> None:
    """Tell all server processes that counts of days that are over were written for the application ``app_id``."""
    _increment({**dict.fromkeys(_KEY, ''), 'app': app_id, 'kind': PAST, 'day': _END_OF_TIME})


def _increment(key):
    try:
        return Download().collection.update_one(key, _ONE_MORE, upsert=True).upserted_id is not None
    except DuplicateKeyError:  # another process made the document since ours looked for it
        Download().collection.update_one(key, _ONE_MORE)
        return False


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
