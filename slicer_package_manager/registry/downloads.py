"""Counts of completed downloads: one small document for each thing and day, changed by single increments."""
from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from girder.models.model_base import Model
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from slicer_package_manager.registry.kinds import KINDS

_KEY = ('app', 'kind', 'revision', 'baseName', 'os', 'arch', 'release', 'day')


class Download(Model):
    """Counts in the collection ``slicer_package_download``.

    A document holds ``app`` (id), ``kind``, the application's ``revision``, ``baseName``, ``os``, ``arch``,
    ``release`` (name, ``''`` for a draft), ``day`` (UTC, as ``YYYY-MM-DD``) and ``count``. Names are values
    here, never keys, so they may hold any character. Nothing refers to items, so that counts outlive them.
    """

    def initialize(self):
        """Name the collection."""
        self.name = 'slicer_package_download'

    def validate(self, doc):
        """Take ``doc`` as it is; only :func:`record` writes here."""
        return doc


#: The index by which counts are found and which keeps them unique, and those for questions by date.
INDEXES = [
    IndexModel([(key, ASCENDING) for key in _KEY], name='spm_download', unique=True),
    IndexModel([('app', ASCENDING), ('day', ASCENDING)], name='spm_download_day'),
    IndexModel([('app', ASCENDING), ('baseName', ASCENDING), ('day', ASCENDING)], name='spm_download_name'),
    IndexModel([('app', ASCENDING), ('release', ASCENDING), ('day', ASCENDING)], name='spm_download_release'),
]


def key_of(item) -> dict[str, Any]:
    """What one download of ``item``, a package or an extension, counts for today."""
    meta, kind = item['meta'], KINDS[item['spm']['kind']]
    return {'app': item['spm']['app'], 'kind': kind.label, 'revision': meta[kind.app_revision],
            'baseName': meta['baseName'], 'os': meta['os'], 'arch': meta['arch'],
            'release': item['spm'].get('release', ''), 'day': f'{datetime.now(timezone.utc):%Y-%m-%d}'}


def record(key) -> None:
    """Count one download for ``key`` with a single write.

    :raises pymongo.errors.PyMongoError: the database did not take it.
    """
    try:
        Download().collection.update_one(key, {'$inc': {'count': 1}}, upsert=True)
    except DuplicateKeyError:  # another process made the document since ours looked for it
        Download().collection.update_one(key, {'$inc': {'count': 1}})


def totals(app, hidden_revisions=()):
    """All counts of ``app``, shaped as the download statistics are answered.

    :returns: ``{revision: {'applications': {os: {arch: n}}, 'extensions': {baseName: {os: {arch: n}}}}}``.
    """
    thing = {key: f'${key}' for key in ('revision', 'kind', 'baseName', 'os', 'arch')}
    result: dict = {}
    for row in Download().collection.aggregate([
            {'$match': {'app': app['_id'], 'revision': {'$nin': list(hidden_revisions)}}},
            {'$group': {'_id': thing, 'count': {'$sum': '$count'}}}], allowDiskUse=True):
        _add(result, row['_id'], row['count'])
    return result


def add_totals(kind, app, items) -> None:
    """Give each of ``items``, things of ``kind``, its own total as ``downloads``; one query for all of them."""
    thing = {key: f'${key}' for key in ('revision', 'baseName', 'os', 'arch')}
    among = {key: {'$in': sorted({item['meta'][source] for item in items})}
             for key, source in (('revision', kind.app_revision), ('baseName', 'baseName'))}
    counts = {tuple(row['_id'][key] for key in thing): row['count'] for row in Download().collection.aggregate([
        {'$match': {'app': app['_id'], 'kind': kind.label, **among}},
        {'$group': {'_id': thing, 'count': {'$sum': '$count'}}}])} if items else {}
    for item in items:
        meta = item['meta']
        item['downloads'] = counts.get((meta[kind.app_revision], meta['baseName'], meta['os'], meta['arch']), 0)


def _add(result, thing, count):
    group = result.setdefault(thing['revision'], {}).setdefault(KINDS[thing['kind']].plural, {})
    if thing['kind'] == 'extension':
        group = group.setdefault(thing['baseName'], {})
    by_arch = group.setdefault(thing['os'], {})
    by_arch[thing['arch']] = by_arch.get(thing['arch'], 0) + count
