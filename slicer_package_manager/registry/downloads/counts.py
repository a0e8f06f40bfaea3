"""Counts of completed downloads: one document for each package, release and day, changed by single increments.

How a download becomes a count:

1. :mod:`rest.downloads.delivery` decides by :mod:`rules` whether a response counts, when its last byte was taken.
2. :func:`counter.count` makes the key of the count, see :func:`key_of`. The day is that of the server's clock, in UTC.
3. The counts of public packages whose downloads end at the same time are incremented by one command, see
   :mod:`counter` and :func:`record_all`.
4. A count of a private package is incremented by :func:`record`. If there is none yet, a transaction inserts it, for
   the application or, if the package is deleted by now, for a seal: see :func:`sealing.owner`.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

from bson.objectid import ObjectId
from pymongo import ASCENDING, IndexModel, UpdateOne

from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES, PackageType
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions
from slicer_package_manager.registry.tree.types import PackageItem

_KEY = ('app', 'kind', 'revision', 'baseName', 'os', 'arch', 'release', 'day')
#: Condition for ``kind`` that selects counts; the documents of :data:`SUMS` belong to :mod:`rollup`.
COUNTS: Document = {'$in': sorted(PACKAGE_TYPES)}
SUMS = 'total'
#: Selects the counts that the sums do not contain, or not wholly. There is an index for it.
UNSETTLED: Document = {'settled': None, 'kind': COUNTS}


class CountKey(TypedDict):
    """All that identifies a count; see :class:`Download`. ``app`` is an application or a seal."""

    app: ObjectId
    kind: str
    revision: str
    baseName: str
    os: str
    arch: str
    release: str
    day: str


class Download(transactions.TransactionalModel):
    """Counts in the collection ``slicer_package_download``.

    A document has ``app`` (id), ``kind``, the application's ``revision``, ``baseName``, ``os``, ``arch``, ``release``
    (name, ``''`` for a draft), ``day`` (UTC, as ``YYYY-MM-DD``) and ``count``. Names are values here, never keys, so
    they may have any character. Nothing refers to items, so that counts outlive them. ``summed`` and ``settled``, and
    the documents of the kind :data:`SUMS`, are those of :mod:`rollup`.
    """

    def initialize(self) -> None:
        """Set the name of the collection."""
        self.name = 'slicer_package_download'


#: The order of rows of statistics. Each of the indexes has its filters first, and then this order.
ORDER = ('day', 'kind', 'baseName', 'os', 'arch', 'revision', 'release')


def _filtered_by(*filters: str) -> IndexModel:
    keys = ('app', *filters, *(key for key in ORDER if key not in filters))
    return IndexModel([(key, ASCENDING) for key in keys], name='_'.join(('spm_download_by', *(filters or ORDER[:1]))))


INDEXES = [
    IndexModel([(key, ASCENDING) for key in _KEY], name='spm_download', unique=True),
    _filtered_by(), _filtered_by('baseName'), _filtered_by('revision'), _filtered_by('release'),
    IndexModel([(key, ASCENDING) for key in ('app', 'revision', 'day')], name='spm_download_unsettled',
               partialFilterExpression={'settled': None}),
]


def key_of(item: PackageItem) -> CountKey:
    """The key of the count of ``item`` for today."""
    meta, package_type = item['meta'], PACKAGE_TYPES[item['spm']['kind']]
    return {'app': item['spm']['app'], 'kind': package_type.label, 'revision': meta[package_type.app_revision],
            'baseName': meta['baseName'], 'os': meta['os'], 'arch': meta['arch'],
            'release': item['spm'].get('release', ''), 'day': f'{clock.now():%Y-%m-%d}'}


def record(key: CountKey, insert: bool = False) -> bool:
    """Count one download for ``key``, a result of :func:`key_of`, by one command.

    :param insert: whether to insert the count if there is none.
    :returns: whether there was one.
    :raises pymongo.errors.PyMongoError: the database does not accept it.
    """
    return bool(Download().collection.update_one(key, _more(1), upsert=insert).matched_count)


def record_all(numbers: Iterable[tuple[CountKey, int]]) -> None:
    """Count downloads by one command, each key as often as the number with it. Inserts the counts that are missing.

    :raises pymongo.errors.BulkWriteError: the database does not accept some; its details state which.
    :raises pymongo.errors.PyMongoError: the database does not accept it.
    """
    Download().collection.bulk_write([UpdateOne(key, _more(number), upsert=True) for key, number in numbers],
                                     ordered=False)


def _more(number: int) -> Document:
    return {'$inc': {'count': number}, '$unset': {'settled': ''}}


def add_totals(package_type: PackageType, app: Mapping[str, Any], items: Sequence[Any]) -> None:
    """Set ``downloads`` of each of ``items`` to the number of its downloads, by one query.

    :param items: documents of items of ``package_type`` in ``app``.
    """
    if not items:
        return
    keys = ('revision', 'baseName', 'os', 'arch')
    among = {key: {'$in': sorted({item['meta'][source] for item in items})}
             for key, source in (('revision', package_type.app_revision), ('baseName', 'baseName'))}
    rows = Download().collection.aggregate([
        {'$match': {'app': app['_id'], 'kind': package_type.label, **among}},
        {'$group': {'_id': {key: f'${key}' for key in keys}, 'count': {'$sum': '$count'}}}], batchSize=BATCH)
    counts = {tuple(row['_id'][key] for key in keys): row['count'] for row in rows}
    for item in items:
        meta = item['meta']
        item['downloads'] = counts.get((meta[package_type.app_revision], meta['baseName'], meta['os'], meta['arch']), 0)
