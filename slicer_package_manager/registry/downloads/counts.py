"""Counts of completed downloads: one document for each package, release and day, changed by single increments.

How a download becomes a count:

1. :mod:`rest.downloads.delivery` decides by :mod:`rules` whether a response counts, when its last byte was taken.
2. :func:`counter.count` makes the key of the count, see :func:`key_of`. The day is that of the server's clock, in UTC.
3. The counts of public packages whose downloads end at the same time are incremented by one command, see
   :mod:`counter` and :func:`record_all`.
4. An increment notes its turn in the count, so that it is not repeated when the database has stored it, but its answer
   was lost: see :class:`Turn`.
5. A count of a private package is incremented by :func:`record`. If there is none yet, a transaction inserts it, for
   the application or, if the package is deleted by now, for a seal: see :func:`sealing.owner`.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

from bson.objectid import ObjectId
from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.errors import BulkWriteError

from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES, PackageType
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions
from slicer_package_manager.registry.tree.types import PackageItem

_KEY = ('app', 'kind', 'revision', 'baseName', 'os', 'arch', 'release', 'day')
#: Condition for ``kind`` that selects counts; the documents of :data:`SUMS` belong to :mod:`rollup`.
COUNTS: Document = {'$in': sorted(PACKAGE_TYPES)}
SUMS = 'total'
#: The ``day`` of downloads that an older server has counted without a day. They are part of every total, and of no day,
#: month or year.
UNDATED = ''
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
    (name, ``''`` for a draft), ``day`` (UTC, as ``YYYY-MM-DD``, or :data:`UNDATED`) and ``count``. Names are values
    here, never keys, so they may have any character. Nothing refers to items, so that counts outlive them. ``turns``
    has the last :class:`Turn` of each process that has counted here. ``summed`` and ``settled``, and the documents of
    the kind :data:`SUMS`, are those of :mod:`rollup`.
    """

    stored_in = 'slicer_package_download'


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


class Turn(NamedTuple):
    """An attempt to store counts, and all its repetitions. Each key is counted once in it.

    :param process: the name of the process that counts.
    :param number: grows with each turn of the process.
    """

    process: str
    number: int


def record(key: CountKey, number: int, turn: Turn, insert: bool = False) -> bool:
    """Count ``number`` downloads for ``key``, a result of :func:`key_of`, unless they were counted in this ``turn``.

    :param insert: whether to insert the count if there is none; only in a transaction.
    :returns: whether they are counted; otherwise there was no count.
    :raises pymongo.errors.PyMongoError: the database does not accept it.
    """
    collection = Download().collection
    if (collection.update_one(_uncounted(key, turn), _more(number, turn)).matched_count
            or collection.find_one({**key, f'turns.{turn.process}': {'$gte': turn.number}}, {'_id': 1})):
        return True
    if insert:
        collection.update_one(key, _more(number, turn), upsert=True)
    return False


def record_all(numbers: Sequence[tuple[CountKey, int]], turn: Turn) -> None:
    """Count downloads by one command, each key as often as the number with it, unless they were counted in this turn.

    Inserts the counts that are missing.

    :raises pymongo.errors.PyMongoError: the database does not accept all of it.
    """
    try:
        _record_all(numbers, turn, insert=True)
    except BulkWriteError as error:
        errors = error.details['writeErrors']
        if error.details['writeConcernErrors'] or any(one['code'] != transactions.DUPLICATE for one in errors):
            raise
        # These were counted in this turn, or another process has just inserted them.
        _record_all([numbers[one['index']] for one in errors], turn, insert=False)


def _record_all(numbers: Iterable[tuple[CountKey, int]], turn: Turn, *, insert: bool) -> None:
    Download().collection.bulk_write(
        [UpdateOne(_uncounted(key, turn), _more(number, turn), upsert=insert) for key, number in numbers],
        ordered=False)


def _uncounted(key: CountKey, turn: Turn) -> Document:
    return {**key, f'turns.{turn.process}': {'$not': {'$gte': turn.number}}}


def _more(number: int, turn: Turn) -> Document:
    return {'$inc': {'count': number}, '$set': {f'turns.{turn.process}': turn.number}, '$unset': {'settled': ''}}


def raise_to(numbers: Sequence[tuple[CountKey, int]]) -> None:
    """Raise counts, of days or :data:`UNDATED` ones, to these numbers, unless they are as large. Idempotent.

    :raises pymongo.errors.PyMongoError: the database does not accept all of it.
    """
    if not numbers:
        return
    found = {_identity(one): one['count'] for one in Download().collection.find(
        {**{one: {'$in': sorted({key[one] for key, _ in numbers})} for one in ('app', 'day')}, 'kind': COUNTS})}
    updates = [UpdateOne(key, {'$max': {'count': number}, '$unset': {'settled': ''}}, upsert=True)
               for key, number in numbers if found.get(_identity(key), 0) < number]
    if updates:
        Download().collection.bulk_write(updates, ordered=False)


def _identity(count: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(count[key] for key in _KEY)


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
