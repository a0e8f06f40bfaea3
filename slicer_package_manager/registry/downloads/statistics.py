"""Statistics of download counts: rows by day, month or year, with filters, read from indexes."""
from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from bson.objectid import ObjectId

from slicer_package_manager import csv_cells
from slicer_package_manager.registry.downloads.counts import COUNTS, ORDER, UNDATED, Download
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.pagination import BATCH, Listing
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import Input, clean_all
from slicer_package_manager.registry.tree.registration import DRAFT_NAME
from slicer_package_manager.registry.tree.types import ApplicationFolder

#: For each granularity, the number of characters of ``YYYY-MM-DD`` that name the period.
GRANULARITIES = {'day': 10, 'month': 7, 'year': 4}
COLUMNS = ('period', 'kind', 'baseName', 'os', 'arch', 'revision', 'release', 'count')
#: Projection of the documents to the columns.
_PROJECTION = {'_id': 0, 'day': 1, **dict.fromkeys(COLUMNS[1:], 1)}


class Question(NamedTuple):
    """The filters and the granularity of a request; ``None`` is no filter.

    ``date_from`` and ``date_to`` are days as ``YYYY-MM-DD``, both included. ``release`` is a name, or ``draft``.
    """

    date_from: str | None = None
    date_to: str | None = None
    granularity: str = 'day'
    kind: str | None = None
    name: str | None = None
    os: str | None = None
    arch: str | None = None
    revision: str | None = None
    release: str | None = None


def rows(app: ApplicationFolder, question: Question, limit: int, offset: int,
         hidden_revisions: Collection[str] = (), sealed: Sequence[ObjectId] = ()) -> Listing:
    """One page of the rows that match ``question``. Each has the :data:`COLUMNS`, by which rows are ordered.

    :param limit: number of rows, 0 for all.
    :param hidden_revisions: revisions whose counts are left out.
    :param sealed: seals whose counts are included, see :mod:`sealing`.
    :raises Invalid: a date is not a day.
    """
    match = condition(app, question, hidden_revisions, sealed)
    days = question.granularity == 'day'
    found = _days_of(match, limit, offset) if days else _periods_of(match, question.granularity, limit, offset)
    if not offset and (not limit or len(found) < limit):
        return Listing(found, len(found))
    collection = Download().collection
    total = collection.count_documents(match) if days else next(iter(collection.aggregate(
        [*_grouped(match, question.granularity), {'$count': 'total'}], allowDiskUse=True)), {'total': 0})['total']
    return Listing(found, total)


def _days_of(match: Document, limit: int, offset: int) -> list[Document]:
    """Rows by day: each is a document, and the indexes have them in order."""
    found = Download().collection.find(match, _PROJECTION, sort=[(key, 1) for key in ORDER], skip=offset,
                                       limit=limit, batch_size=BATCH)
    return [{'period': row['day'], **{key: row[key] for key in COLUMNS[1:]}} for row in found]


def _periods_of(match: Document, granularity: str, limit: int, offset: int) -> list[Document]:
    """Rows by month or year: the database adds up the days."""
    pipeline = [*_grouped(match, granularity), {'$sort': {f'_id.{key}': 1 for key in COLUMNS[:-1]}},
                {'$skip': offset}, *([{'$limit': limit}] if limit else [])]
    return [{**row['_id'], 'count': row['count']} for row in Download().collection.aggregate(
        pipeline, allowDiskUse=True, batchSize=BATCH)]


def _grouped(match: Document, granularity: str) -> list[Document]:
    group: dict[str, Any] = {key: f'${key}' for key in COLUMNS[1:-1]}
    group['period'] = {'$substrCP': ['$day', 0, GRANULARITIES[granularity]]}
    return [{'$match': match}, {'$group': {'_id': group, 'count': {'$sum': '$count'}}}]


def condition(app: ApplicationFolder, question: Question, hidden_revisions: Collection[str],
              sealed: Sequence[ObjectId] = ()) -> Document:
    """The condition for the counts that match ``question``; for the parameters see :func:`rows`."""
    match: Document = {'app': {'$in': [app['_id'], *sealed]} if sealed else app['_id'],
                       'kind': question.kind or COUNTS, 'day': {'$gt': UNDATED, **_days(question)}}
    for key, value in (('baseName', question.name), ('os', question.os), ('arch', question.arch),
                       ('release', question.release)):
        if value is not None:
            match[key] = '' if key == 'release' and value == DRAFT_NAME else value
    hidden: Document = {'$nin': list(hidden_revisions)} if hidden_revisions else {}
    match.update({'revision': {**hidden, '$eq': question.revision}} if question.revision is not None
                 else {'revision': hidden} if hidden else {})
    return match


def _days(question: Question) -> dict[str, str]:
    given = clean_all(**{name: Input(value, _day, required=False) for name in ('date_from', 'date_to')
                         if (value := getattr(question, name)) is not None})
    return {operator: given[name] for name, operator in (('date_from', '$gte'), ('date_to', '$lte')) if name in given}


def _day(text: str) -> str:
    try:
        day = date.fromisoformat(text) if len(text) == GRANULARITIES['day'] else validators.timestamp(text).date()
    except ValueError:
        raise ValueError(f'"{validators.shortened(text)}" is not a day such as 2026-11-01') from None
    return day.isoformat()


def as_csv(found: Sequence[Mapping[str, Any]]) -> str:
    """The rows as CSV with a header line, for spreadsheets."""
    columns = (*COLUMNS[:-1], *(key for key in next(iter(found), {}) if key not in COLUMNS), COLUMNS[-1])
    return csv_cells.table(columns, ([row[column] for column in columns] for row in found))
