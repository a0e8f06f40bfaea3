"""Statistics from logs: rows by country and class of client, and sums for pages, of what the caller may see."""
from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

from pymongo.errors import ExecutionTimeout

from slicer_package_manager.logs.rules.vocabulary import CLASSES, OTHER, ROBOT, UNKNOWN, countries
from slicer_package_manager.registry.downloads import logged, sealing, statistics
from slicer_package_manager.registry.downloads.logged import LoggedDownload
from slicer_package_manager.registry.downloads.statistics import COLUMNS, Question
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.pagination import BATCH, Listing
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import Input, clean_all, shortened
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.server.versioned_cache import VersionedCache
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument

#: What distinguishes clients, each a key of a row.
BY = ('country', 'client')
#: All values of ``client``.
CLIENTS = (*CLASSES, OTHER)
#: Logs of years are added up for these, and change once a day.
_BY_COUNTRY: VersionedCache[dict[str, int]] = VersionedCache(lifetime=math.inf)
_MOST_CACHED = 5000
#: Within this time the database adds up, so that no request keeps it busy for minutes.
_SECONDS = 20


class Clients(NamedTuple):
    """Which clients a request is about, and by what it distinguishes them.

    :param country: a code of ISO 3166, ``unknown`` or ``other``.
    :param client: a class of clients, or ``other``.
    :param columns: names of :data:`BY`, separated by commas.
    """

    country: str | None = None
    client: str | None = None
    columns: str | None = None

    @property
    def are_asked_for(self) -> bool:
        """Whether there is any parameter."""
        return any(value is not None for value in self)

    def cleaned(self) -> tuple[Document, tuple[str, ...]]:
        """Return the condition for rows, and the columns: those that are named, and those with a filter.

        Robots are left out, unless the class is a column.

        :raises Invalid: there is no such country, class or column.
        """
        given = clean_all(**{name: Input(value, rule, required=True) for name, value, rule in zip(
            self._fields, self, (_country, _client, _columns), strict=True) if value is not None})
        columns = tuple(name for name in BY if name in given or name in given.get('columns', ()))
        condition: Document = {f'rows.{name}': given[name] for name in BY if name in given}
        return condition if 'client' in columns else {**condition, **_PEOPLE}, columns


_PEOPLE: Document = {'rows.client': {'$ne': ROBOT}}


def _country(text: str) -> str:
    code = text if text in (UNKNOWN, OTHER) else text.upper()
    if code not in countries() and code not in (UNKNOWN, OTHER):
        raise ValueError(f'"{shortened(text)}" is not the code of a country. Give one of ISO 3166 such as DE, '
                         f'"{UNKNOWN}", or "{OTHER}" for countries with few clients')
    return code


def _client(text: str) -> str:
    return _one_of(text, CLIENTS, 'a class of clients')


def _columns(text: str) -> list[str]:
    return [_one_of(name.strip(), BY, 'a column') for name in text.split(',')]


def _one_of(text: str, allowed: Sequence[str], what: str) -> str:
    if text not in allowed:
        raise ValueError(f'"{shortened(text)}" is not {what}. There are: {", ".join(allowed)}')
    return text


def rows(app: ApplicationFolder, user: UserDocument | None, question: Question, clients: Clients, limit: int,
         offset: int) -> Listing:
    """One page of the rows of ``app`` that match ``question``, by which they are ordered, and ``clients``.

    :param limit: number of rows, 0 for all.
    :raises Invalid: a date is not a day, there is no such country, class or column, or there are too many rows.
    :raises NotFound: no logs were loaded.
    """
    condition, columns = clients.cleaned()
    logged.days()
    hidden, _ = sealing.visible_counts(app, user)
    matching = _matching(app, user, question, condition, hidden)
    size = statistics.GRANULARITIES[question.granularity]
    group: Document = {'period': {'$substrCP': ['$day', 0, size]}, **{key: f'${key}' for key in COLUMNS[1:-1]},
                       **{key: f'$rows.{key}' for key in columns}}
    pipeline = [*matching, {'$group': {'_id': group, 'count': {'$sum': '$rows.requests'}}}]
    page: list[Document] = [{'$sort': {f'_id.{key}': 1 for key in group}}, {'$skip': offset},
                            *([{'$limit': limit}] if limit else [])]
    found = [{**row['_id'], 'count': row['count']} for row in _aggregate([*pipeline, *page])]
    if not offset and (not limit or len(found) < limit):
        return Listing(found, len(found))
    return Listing(found, next(iter(_aggregate([*pipeline, {'$count': 'total'}])), {'total': 0})['total'])


def by_country(app: ApplicationFolder, user: UserDocument | None, question: Question,
               hidden_revisions: Collection[str], version: object) -> dict[str, int]:
    """The downloads of ``app`` that match ``question`` and that ``user`` may see, without robots, by country.

    :param version: a result of :func:`logged.loaded`. This process keeps the response until there is another one.
    """
    stages = _matching(app, user, question, _PEOPLE, hidden_revisions)
    key = repr(stages)
    found = _BY_COUNTRY.get(key, version)
    if found is None:
        rows = _aggregate([*stages, {'$group': {'_id': '$rows.country', 'count': {'$sum': '$rows.requests'}}}])
        found = {row['_id']: row['count'] for row in rows}
        _BY_COUNTRY.put(key, version, found, 1, _MOST_CACHED)
    return found


def _aggregate(pipeline: list[Document]) -> list[Document]:
    try:
        return list(transactions.at_one_moment(LoggedDownload()).aggregate(
            pipeline, allowDiskUse=True, batchSize=BATCH, maxTimeMS=_SECONDS * 1000))
    except ExecutionTimeout as error:
        reason = (f'the downloads of this period cannot be added up within {_SECONDS} seconds; give a shorter one, or '
                  'the name of an extension')
        raise Invalid([('date_from', reason)]) from error


def _matching(app: ApplicationFolder, user: UserDocument | None, question: Question, condition: Document,
              hidden_revisions: Collection[str]) -> list[Document]:
    """The stages that give each row that matches, and that ``user`` may see."""
    match = {**statistics.condition(app, question, hidden_revisions), **_unsealed(app, user)}
    return [{'$match': match}, {'$unwind': '$rows'}, {'$match': condition}]


def _unsealed(app: ApplicationFolder, user: UserDocument | None) -> Document:
    """The condition that leaves out what became private after it was logged, and was deleted then."""
    revisions = LoggedDownload().collection.distinct('revision', {'app': app['_id']})
    sealed = [_sealed(seal) for seal in sealing.unreadable(app, user, revisions)]
    return {'$nor': sealed} if sealed else {}


def _sealed(seal: Document) -> Document:
    draft: Document = {} if seal['draft'] is None else {'release': '' if seal['draft'] else {'$ne': ''}}
    return {'revision': seal['revision'], 'kind': {'$in': seal['kinds']}, **draft,
            'day': {'$lte': f'{seal["_id"].generation_time:%Y-%m-%d}'}}
