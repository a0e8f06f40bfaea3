"""Statistics from logs: rows by country and class of client, and sums for pages, of what the caller may see.

What is asked by month or year is read from the sums of months (:mod:`logged_sums`) if these have it: if the period has
all days of each of its months that were loaded. Everything else is added up from days.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from pymongo.errors import PyMongoError

from slicer_package_manager.logs.rules.vocabulary import CLASSES, OTHER, ROBOT, UNKNOWN, countries
from slicer_package_manager.registry.downloads import logged, logged_sums, sealing, statistics
from slicer_package_manager.registry.downloads.counts import ORDER
from slicer_package_manager.registry.downloads.logged import LoggedDownload
from slicer_package_manager.registry.downloads.logged_sums import LoggedSum
from slicer_package_manager.registry.downloads.statistics import COLUMNS, Question
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.pagination import BATCH, Listing
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import Input, clean_all, shortened
from slicer_package_manager.registry.server import database_outage, transactions
from slicer_package_manager.registry.server.versioned_cache import VersionedCache
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument

_Result = TypeVar('_Result')

#: What distinguishes clients, each a key of a row.
BY = ('country', 'client')
#: All values of ``client``.
CLIENTS = (*CLASSES, OTHER)
#: Logs of years are added up for these, and change once a day.
_BY_COUNTRY: VersionedCache[dict[str, int]] = VersionedCache(lifetime=math.inf)
_MOST_CACHED = 5000
#: Within this time the database adds up, so that no request keeps it busy for minutes.
_SECONDS = 20
#: More documents are not added up by package, since that would take longer.
_MOST_DOCUMENTS = 500_000
#: Not before any day.
_LATEST = '9999-12-31'


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


class _Source(NamedTuple):
    """Where the rows that match are, and that the caller may see.

    :param model: that of the documents.
    :param match: the condition for documents.
    :param rows: the stages that give each of their rows as ``rows``, after ``match``.
    :param is_by_month: whether a document has the sums of a month, in the order of the columns.
    """

    model: Any
    match: Document
    rows: list[Document]
    is_by_month: bool

    def add_up(self, stages: Sequence[Document]) -> list[Document]:
        """Return the result of an aggregation that begins with ``stages``."""
        return list(transactions.at_one_moment(self.model).aggregate(stages, allowDiskUse=True, batchSize=BATCH))


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
    match, sealed = statistics.condition(app, question, hidden), _sealed(app, user)
    return _in_time(lambda: _page(_source(match, sealed, columns, condition, may_be_sums=question.granularity != 'day'),
                                  question.granularity, columns, limit, offset))


def _page(source: _Source, granularity: str, columns: Sequence[str], limit: int, offset: int) -> Listing:
    key: Document = {'period': {'$substrCP': ['$day', 0, statistics.GRANULARITIES[granularity]]},
                     **{name: f'${name}' for name in COLUMNS[1:-1]}, **{name: f'$rows.{name}' for name in columns}}
    match: Document = {'$match': source.match}
    if source.is_by_month and granularity == 'month':
        every = [match, *source.rows]
        ordered = [match, _ordered('', ORDER), *source.rows, {'$project': {'_id': key, 'count': '$rows.requests'}}]
    else:
        _require_few(source)
        every = [match, *source.rows, {'$group': {'_id': key, 'count': {'$sum': '$rows.requests'}}}]
        ordered = [*every, _ordered('_id.', key)]
    page: list[Document] = [{'$skip': offset}, *([{'$limit': limit}] if limit else [])]
    found = [{**row['_id'], 'count': row['count']} for row in source.add_up([*ordered, *page])]
    if not offset and (not limit or len(found) < limit):
        return Listing(found, len(found))
    return Listing(found, next(iter(source.add_up([*every, {'$count': 'total'}])), {'total': 0})['total'])


def _require_few(source: _Source) -> None:
    """Check that there are not too many documents to add up, before the database works on them.

    :raises Invalid: there are.
    """
    if source.model.collection.count_documents(source.match, limit=_MOST_DOCUMENTS + 1) > _MOST_DOCUMENTS:
        raise _too_many()


def _too_many() -> Invalid:
    reason = (f'the downloads of this period cannot be added up within {_SECONDS} seconds; give the granularity '
              '"month" and whole months, a shorter period, or the name of an extension')
    return Invalid([('date_from', reason)])


def _ordered(path: str, keys: Iterable[str]) -> Document:
    return {'$sort': {f'{path}{key}': 1 for key in keys}}


def by_country(app: ApplicationFolder, user: UserDocument | None, question: Question,
               hidden_revisions: Collection[str], version: object) -> dict[str, int]:
    """The downloads of ``app`` that match ``question`` and that ``user`` may see, without robots, by country.

    :param version: a result of :func:`logged.loaded`. This process keeps the response until there is another one.
    """
    match, sealed = statistics.condition(app, question, hidden_revisions), _sealed(app, user)
    key = repr((match, sealed))
    found = _BY_COUNTRY.get(key, version)
    if found is None:
        found = _in_time(lambda: _by_country(_source(match, sealed, ('country',), _PEOPLE, may_be_sums=True)))
        _BY_COUNTRY.put(key, version, found, 1, _MOST_CACHED)
    return found


def _by_country(source: _Source) -> dict[str, int]:
    group: Document = {'_id': '$rows.country', 'count': {'$sum': '$rows.requests'}}
    return {row['_id']: row['count'] for row in source.add_up([{'$match': source.match}, *source.rows,
                                                               {'$group': group}])}


def _source(match: Document, sealed: Sequence[Document], columns: tuple[str, ...], condition: Document, *,
            may_be_sums: bool) -> _Source:
    """Choose where to read what matches: sums of months if they have it, else days.

    :param match: the condition for days.
    :param sealed: what is left out, see :func:`_sealed`.
    :param condition: the condition for rows.
    """
    visible: Document = {**match, '$nor': list(sealed)} if sealed else match
    versions = None
    if may_be_sums and not _are_in_part(match, sealed):
        versions = logged_sums.versions(match['day'].get('$gte', ''), match['day'].get('$lte', _LATEST))
    if versions is None:
        return _Source(LoggedDownload(), visible, [{'$unwind': '$rows'}, {'$match': condition}], is_by_month=False)
    days = {**match['day'], **({'$gte': f'{match["day"]["$gte"][:7]}-01'} if '$gte' in match['day'] else {})}
    rows: list[Document] = [{'$set': {'rows': f'${logged_sums.ROWS[columns]}'}}, {'$unwind': '$rows'},
                            {'$match': condition}]
    return _Source(LoggedSum(), {**visible, 'day': days, 'version': {'$in': versions}}, rows, is_by_month=True)


def _in_time(read: Callable[[], _Result]) -> _Result:
    """Return what ``read`` reads, all as of one moment.

    :raises Invalid: it takes too long.
    """
    try:
        return transactions.run(read, seconds=_SECONDS)
    except PyMongoError as error:
        if not error.timeout or not database_outage.answers():
            raise
        raise _too_many() from error


def _sealed(app: ApplicationFolder, user: UserDocument | None) -> list[Document]:
    """The conditions for what became private after it was logged, and was deleted then."""
    revisions = LoggedDownload().collection.distinct('revision', {'app': app['_id']})
    return [_of_seal(seal) for seal in sealing.unreadable(app, user, revisions)]


def _of_seal(seal: Document) -> Document:
    draft: Document = {} if seal['draft'] is None else {'release': '' if seal['draft'] else {'$ne': ''}}
    return {'revision': seal['revision'], 'kind': {'$in': seal['kinds']}, **draft,
            'day': {'$lte': f'{seal["_id"].generation_time:%Y-%m-%d}'}}


def _are_in_part(match: Document, sealed: Sequence[Document]) -> bool:
    """Whether of some month, the conditions ``sealed`` leave out a part only, which its sums cannot."""
    after = [{**one, 'day': {'$gt': one['day']['$lte'], '$lte': f'{one["day"]["$lte"][:7]}-31'}} for one in sealed]
    return bool(after) and LoggedDownload().collection.find_one({'app': match['app'], '$or': after}) is not None
