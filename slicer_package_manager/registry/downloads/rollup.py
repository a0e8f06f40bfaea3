"""The rollup of download counts: their sums over past days, stored in the database beside the counts.

The counts are the truth: one document for each package, release and day, see :mod:`counts`. An application with years
of them has hundreds of thousands, which take seconds to add up. So the same collection has one document of the kind
:data:`counts.SUMS` for each application and revision. Its ``counts`` is the JSON text of their sums.

``summed`` of a count is how much of it the sums contain; without the field, that is nothing. ``settled`` is set if that
is all of it. So at any moment the sums and the remainders of the counts that are not settled add up to all counts:

1. Each increment unsets ``settled``, in the same command.
2. A thread in each server process adds the remainders of past days to the sums, and settles these counts, in one
   transaction (:func:`settle`). If one of them is incremented meanwhile, the transaction begins again. It does the
   same with counts of recent days that were not incremented for a while (:class:`Quiet`).
3. Each of these transactions gives the days of the counts new versions: ``days`` of the sums has them. As long as a day
   of a revision has the same version, ``summed`` of its counts is the same, see :mod:`by_day`.
4. Code that moves counts to another application or seal subtracts them first (:func:`take_out`), in the transaction in
   which it moves them.
5. A reader (:class:`Totals`) reads sums and remainders by one command, as of one moment. It adds to what it knows only
   what differs.

Seals are like applications here, see :mod:`sealing`.
"""
from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any

import bson
import orjson
from bson.objectid import ObjectId

from slicer_package_manager.registry.downloads import sums
from slicer_package_manager.registry.downloads.counts import COUNTS, SUMS, UNDATED, UNSETTLED, Download
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions

#: How many counts one transaction changes. Each is in six indexes.
COUNTS_AT_ONCE = 2000
#: Of how many revisions a :class:`Totals` has the sums as objects: most downloads are of few revisions.
_MOST_DECODED = 8
#: How much of a count the sums contain.
SUMMED: Document = {'$ifNull': ['$summed', 0]}
#: Counts whose flag is wrong.
_WRONGLY_SETTLED: Document = {'settled': True, 'kind': COUNTS, '$expr': {'$ne': ['$summed', '$count']}}


def recent() -> str:
    """The first day whose counts may still change often: yesterday, since clocks may differ."""
    return f'{clock.now() - timedelta(days=1):%Y-%m-%d}'


def keep_up() -> None:
    """Add the counts of past days to the sums of all applications and seals."""
    for app_id in Download().collection.distinct('app'):
        while _has_unsettled(app_id):
            settle(app_id)


class Quiet:
    """Adds counts of recent days to the sums, too, if they were not incremented since the call before.

    A transaction that settles a count which is incremented often would conflict with each increment.
    """

    def __init__(self) -> None:
        self._seen: set[tuple[ObjectId, int]] = set()

    def settle(self) -> None:
        """Add those that are as the call before has found them, or earlier."""
        seen = set()
        for app_id in Download().collection.distinct('app'):
            found = {(one['_id'], one['count'])
                     for one in Download().collection.find({'app': app_id, **UNSETTLED}, {'count': 1})}
            quiet = list(found & self._seen)
            for start in range(0, len(quiet), COUNTS_AT_ONCE):
                _settle_if_same(app_id, dict(quiet[start:start + COUNTS_AT_ONCE]))
            seen |= found
        self._seen = seen


@transactions.atomic
def _settle_if_same(app_id: ObjectId, numbers: Mapping[ObjectId, int]) -> None:
    """Settle the counts with these ids that still have these numbers."""
    found = Download().collection.find({'_id': {'$in': list(numbers)}, 'app': app_id, **UNSETTLED})
    _settle(app_id, [one for one in found if one['count'] == numbers[one['_id']]])


def _has_unsettled(app_id: ObjectId) -> bool:
    return Download().collection.find_one(_past(app_id), {'_id': 1}) is not None


def _past(app_id: ObjectId) -> Document:
    return {'app': app_id, **UNSETTLED, 'day': {'$lt': recent()}}


@transactions.atomic
def settle(app_id: ObjectId) -> None:
    """Add some of the counts of past days to the sums of their revisions."""
    _settle(app_id, list(Download().collection.find(_past(app_id), sort=[('revision', 1)], limit=COUNTS_AT_ONCE)),
            {'$unset': 'turns'})


def _settle(app_id: ObjectId, found: list[Document], *more: Document) -> None:
    found.sort(key=_revision)
    for revision, of_revision in groupby(found, key=_revision):
        _add(app_id, revision, ((one, one['count'] - one.get('summed', 0)) for one in of_revision))
    Download().collection.update_many({'_id': {'$in': [one['_id'] for one in found]}},
                                      [{'$set': {'summed': '$count', 'settled': True}}, *more])


def _revision(count: Document) -> str:
    return str(count['revision'])


def take_out(app_id: ObjectId, revision: str, found: Iterable[Document]) -> Document:
    """Subtract the counts ``found``, all of ``revision``, from its sums; return the update that marks them so."""
    summed = [(one, -one['summed']) for one in found if 'summed' in one]
    if summed:
        _add(app_id, revision, summed)
    return {'$unset': {'summed': '', 'settled': ''}}


@transactions.atomic
def remove(key: Mapping[str, Any]) -> None:
    """Remove the count with this key, a result of :func:`counts.key_of`, also from the sums."""
    found = Download().collection.find_one(dict(key))
    if found:
        take_out(found['app'], found['revision'], [found])
        Download().collection.delete_one({'_id': found['_id']})


def _add(app_id: ObjectId, revision: str, found: Iterable[tuple[Mapping[str, Any], int]]) -> None:
    stored = Download().collection.find_one({'app': app_id, 'kind': SUMS, 'revision': revision})
    changed = orjson.loads(stored['counts']) if stored else {}
    days = set()
    for package, number in found:
        sums.add(changed, package, number)
        days.add(package['day'])
    _store(app_id, revision, changed, days - {UNDATED})


def _store(app_id: ObjectId, revision: str, changed: sums.Sums, days: Iterable[str] = ()) -> None:
    Download().collection.update_one(
        {'app': app_id, 'kind': SUMS, 'revision': revision},
        {'$set': {'counts': sums.as_json(sums.without_zeros(changed)).decode(), 'settled': True,
                  **{f'days.{day}': ObjectId() for day in days}}}, upsert=True)


class Totals:
    """All counts of ``app`` but those of ``hidden_revisions``. Thread-safe.

    :param sealed: seals whose counts are included, see :mod:`sealing`.
    """

    def __init__(self, app: Mapping[str, Any], hidden_revisions: Collection[str] = (),
                 sealed: Sequence[ObjectId] = ()) -> None:
        self._of: Document = {'app': {'$in': [app['_id'], *sealed]}}
        self._hidden = frozenset(hidden_revisions)
        self._lock = threading.Lock()
        self._forget()

    def as_json(self) -> bytes:
        """Return ``{revision: sums}`` as JSON, see :mod:`sums`, by one command to the database.

        Equal counts have equal texts. As long as nothing was counted or settled, the same object is returned.
        """
        found = sums.read_each(self._of, UNSETTLED)
        with self._lock:
            if found != self._known:
                try:
                    self._take(found)
                except BaseException:
                    self._forget()
                    raise
            return self._text

    def _forget(self) -> None:
        """Know nothing, so that the next call adds up everything."""
        self._known: frozenset[bytes] = frozenset()
        self._texts: dict[str, bytes] = {}  # by revision
        self._text = b'{}'
        self._decoded: dict[str, sums.Sums] = {}  # of the revisions that changed last

    def _take(self, found: frozenset[bytes]) -> None:
        """Replace what is known by ``found``. Most of it is the same, so only what differs is decoded."""
        changes: defaultdict[str, sums.Sums] = defaultdict(dict)
        for sign, rows in ((-1, self._known - found), (1, found - self._known)):
            for row in map(bson.decode, rows):
                _add_row(changes[row['revision']], row, sign)
        for revision in changes.keys() - self._hidden:
            self._change(revision, changes[revision])
        self._known, self._text = found, sums.joined(self._texts.items())

    def _change(self, revision: str, more: sums.Sums) -> None:
        changed = self._decoded.pop(revision, None) or orjson.loads(self._texts.get(revision, b'{}'))
        sums.merge(changed, more)
        text = sums.as_json(changed)
        if b':0' in text:
            changed = sums.without_zeros(changed)
            text = sums.as_json(changed)
        self._texts[revision], self._decoded[revision] = text, changed
        if len(self._decoded) > _MOST_DECODED:
            del self._decoded[next(iter(self._decoded))]


def numbers(app: Mapping[str, Any], hidden_revisions: Collection[str], sealed: Sequence[ObjectId]) -> Counter[str]:
    """How often packages of each type were downloaded, by its plural; see :class:`Totals` for the parameters."""
    found: Counter[str] = Counter()
    for row in map(bson.decode, sums.read_each({'app': {'$in': [app['_id'], *sealed]}}, UNSETTLED)):
        if row['revision'] in hidden_revisions:
            continue
        if row['kind'] == SUMS:
            found.update(_numbers_of(row['counts']))
        else:
            found[PACKAGE_TYPES[row['kind']].plural] += row['count'] - row.get('summed', 0)
    return found


@lru_cache(1024)
def _numbers_of(text: str) -> dict[str, int]:
    """The numbers in the stored sums of a revision. Most of them do not change any more."""
    return {plural: sums.total(one) for plural, one in orjson.loads(text).items()}


def _add_row(found: sums.Sums, row: Document, sign: int) -> None:
    if row['kind'] == SUMS:
        sums.merge(found, orjson.loads(row['counts']), sign)
    else:
        sums.add(found, row, sign * (row['count'] - row.get('summed', 0)))


def wrong(app_id: ObjectId) -> list[str]:
    """The revisions whose sums are not those of their counts."""
    stored, counted = sums.by_revision(sums.read({'app': app_id}, {'summed': {'$exists': True}}, SUMMED))
    found = {revision: sums.as_json(one) for revision, one in counted.items()}
    differing = {revision for revision in {*stored, *found}
                 if stored.get(revision, b'{}') != found.get(revision, b'{}')}
    return sorted({*differing, *Download().collection.distinct('revision', {'app': app_id, **_WRONGLY_SETTLED})})


@transactions.atomic
def repair(app_id: ObjectId, revision: str) -> None:
    """Compute the sums of ``revision`` anew."""
    of_revision = {'app': app_id, 'revision': revision}
    Download().collection.update_many({**of_revision, **_WRONGLY_SETTLED}, {'$unset': {'settled': ''}})
    _, counted = sums.by_revision(sums.read(of_revision, {'summed': {'$exists': True}}, SUMMED))
    _store(app_id, revision, counted.get(revision, {}))
