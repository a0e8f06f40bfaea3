"""Monthly sums of the downloads that logs have: a document for each month and package, in the order of lists.

A year of an application has millions of rows by day, which take minutes to add up and to order.

1. After days were loaded or removed, ``logs load`` makes the sums of their months again (:func:`outdated`). They get
   a new ``version``; then the document of the month names this version and its days, and those before are deleted.
2. :func:`versions` returns what stands for a period. A reader calls it in the transaction in which it reads the sums,
   so that these are still there. While they are outdated, it reads the days instead.
3. A process that is killed leaves sums that no month names. No reader sees them, and :func:`update` deletes them.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import groupby, islice
from typing import Any

from bson.objectid import ObjectId
from pymongo import ASCENDING, IndexModel

from slicer_package_manager.logs.rules.vocabulary import ROBOT
from slicer_package_manager.registry.downloads import counts, logged
from slicer_package_manager.registry.downloads.logged import LoggedDownload
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions

#: For each choice of columns, the key of the rows that have them; without the class of clients, robots are left out.
ROWS = {('country',): 'by_country', ('client',): 'by_client', ('country', 'client'): 'by_both'}
#: What a document is about, besides its application and month.
_PACKAGE = counts.ORDER[1:]
#: How many documents are inserted at once.
_AT_ONCE = 1000
#: After this time, no process still makes sums that no month names.
_ABANDONED = timedelta(days=1)


class LoggedSum(transactions.TransactionalModel):
    """Sums in the collection ``slicer_package_logged_sum``, one document for each month and package or release.

    A document has ``version``, ``app`` (id), ``kind``, ``baseName``, ``os``, ``arch``, the application's ``revision``,
    ``release``, the first ``day`` of the month, and for each choice of columns the :data:`ROWS` with ``requests``.
    """

    stored_in = 'slicer_package_logged_sum'


class LoggedMonth(transactions.TransactionalModel):
    """The months in the collection ``slicer_package_logged_month``.

    A document has the month (``YYYY-MM``) as its id, the ``version`` of its sums, and the ``days`` that they were made
    from, each with when it was loaded.
    """

    stored_in = 'slicer_package_logged_month'


def _filtered_by(*filters: str) -> IndexModel:
    keys = ('app', *filters, *(key for key in counts.ORDER if key not in filters))
    return IndexModel([(key, ASCENDING) for key in keys], name='_'.join(('spm_summed', *filters)))


INDEXES = [_filtered_by(), _filtered_by('baseName'), _filtered_by('revision'),
           IndexModel([('version', ASCENDING)], name='spm_summed_version')]


def prepare() -> None:
    """Create the indexes, as the server does when it starts. Idempotent."""
    LoggedSum().collection.create_indexes(INDEXES)


def versions(first: str, last: str) -> list[ObjectId] | None:
    """Return the versions of the sums of the days from ``first`` to ``last``.

    ``None`` if they do not have sums: some are only a part of the days of a month, or were loaded since.
    """
    wanted = {month: days for month, days in _months().items() if first <= max(days) and min(days) <= last}
    known = {one['_id']: one for one in LoggedMonth().collection.find({'_id': {'$in': list(wanted)}})}
    for month, days in wanted.items():
        if min(days) < first or max(days) > last or known.get(month, {}).get('days') != days:
            return None
    return [known[month]['version'] for month in wanted]


def _months() -> dict[str, dict[str, Any]]:
    """The days that are loaded, and when, by month."""
    months: dict[str, dict[str, Any]] = {}
    for day, loaded in sorted(logged.loaded()):
        months.setdefault(day[:7], {})[day] = loaded
    return months


def outdated() -> list[str]:
    """Return the months whose days were loaded or removed since their sums were made."""
    wanted = _months()
    known = {one['_id']: one['days'] for one in LoggedMonth().collection.find()}
    return sorted(month for month in {*wanted, *known} if wanted.get(month) != known.get(month))


def update(month: str) -> None:
    """Make the sums of ``month``, and delete those that it had, and what a process has left that was killed."""
    days = _months().get(month, {})  # as of now: if rows change later, the sums are outdated, and not wrong
    version = ObjectId()
    documents = ({'version': version, **one} for one in _sums(month))
    while batch := list(islice(documents, _AT_ONCE)):
        LoggedSum().collection.insert_many(batch)
    before = _name(month, version, days)
    LoggedSum().collection.delete_many({'$or': [{'version': before}, _abandoned()]})


def _name(month: str, version: ObjectId, days: Mapping[str, Any]) -> ObjectId | None:
    """Let ``month`` have the sums with this ``version``, made from ``days``; return the version that it had."""
    this: Document = {'_id': month}
    before: Document | None = (LoggedMonth().collection.find_one_and_update(
        this, {'$set': {'version': version, 'days': days}}, upsert=True) if days else
        LoggedMonth().collection.find_one_and_delete(this))
    return before['version'] if before else None


def _abandoned() -> Document:
    """The condition for old sums that no month names."""
    old = ObjectId.from_datetime(clock.now() - _ABANDONED)
    return {'version': {'$lt': old, '$nin': LoggedMonth().collection.distinct('version')}}


def _sums(month: str) -> Iterator[Document]:
    by = ('app', *_PACKAGE)
    found = transactions.at_one_moment(LoggedDownload()).find(
        {'day': {'$gte': f'{month}-01', '$lte': f'{month}-31'}, 'app': {'$ne': None}},
        {'_id': 0, **dict.fromkeys((*by, 'rows'), 1)}, sort=[(key, ASCENDING) for key in by], allow_disk_use=True,
        batch_size=BATCH)
    for package, documents in groupby(found, key=lambda one: tuple(one[key] for key in by)):
        rows = [row for one in documents for row in one['rows']]
        yield {**dict(zip(by, package, strict=True)), 'day': f'{month}-01',
               **{key: _added(rows, columns) for columns, key in ROWS.items()}}


def _added(rows: Iterable[Document], columns: tuple[str, ...]) -> list[Document]:
    """The requests of ``rows`` by ``columns``, in their order."""
    numbers: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        if 'client' in columns or row['client'] != ROBOT:
            numbers[tuple(row[name] for name in columns)] += row['requests']
    return [{**dict(zip(columns, values, strict=True)), 'requests': number}
            for values, number in sorted(numbers.items())]
