"""The rollup of download counts: their sums over past days, stored in the database beside the counts.

The counts are the truth: one document for each package, release and day, see :mod:`counts`. An application with years
of them has hundreds of thousands, which take seconds to add up. So the same collection has one document of the kind
:data:`counts.SUMS` for each application and revision. Its ``counts`` is the JSON text of their sums.

``summed`` of a count is how much of it the sums contain; without the field, that is nothing. ``settled`` is set if that
is all of it. So at any moment the sums and the remainders of the counts that are not settled add up to all counts:

1. Each increment unsets ``settled``, in the same command.
2. A thread in each server process adds the remainders of past days to the sums, and settles these counts, in one
   transaction (:func:`settle`). If one of them is incremented meanwhile, the transaction begins again.
3. Code that moves counts to another application or seal subtracts them first (:func:`take_out`), in the transaction in
   which it moves them.
4. A reader (:func:`as_json`) reads sums and remainders by one command, as of one moment.

Seals are like applications here, see :mod:`sealing`.
"""
from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

import orjson
from bson.objectid import ObjectId

from slicer_package_manager.registry.downloads import sums
from slicer_package_manager.registry.downloads.counts import COUNTS, SUMS, UNSETTLED, Download
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions

#: How many counts one transaction changes. Each is in six indexes.
COUNTS_AT_ONCE = 2000
_SUMMED: Document = {'$ifNull': ['$summed', 0]}
_REMAINDER: Document = {'$subtract': ['$count', _SUMMED]}
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


def _has_unsettled(app_id: ObjectId) -> bool:
    return Download().collection.find_one(_past(app_id), {'_id': 1}) is not None


def _past(app_id: ObjectId) -> Document:
    return {'app': app_id, **UNSETTLED, 'day': {'$lt': recent()}}


@transactions.atomic
def settle(app_id: ObjectId) -> None:
    """Add some of the counts of past days to the sums of their revisions."""
    collection = Download().collection
    found = list(collection.find(_past(app_id), sort=[('revision', 1)], limit=COUNTS_AT_ONCE))
    for revision, of_revision in groupby(found, key=lambda one: str(one['revision'])):
        _add(app_id, revision, ((one, one['count'] - one.get('summed', 0)) for one in of_revision))
    collection.update_many({'_id': {'$in': [one['_id'] for one in found]}},
                           [{'$set': {'summed': '$count', 'settled': True}}])


def take_out(app_id: ObjectId, revision: str, found: Iterable[Document]) -> Document:
    """Subtract the counts ``found``, all of ``revision``, from its sums; return the update that marks them so."""
    summed = [(one, -one['summed']) for one in found if 'summed' in one]
    if summed:
        _add(app_id, revision, summed)
    return {'$unset': {'summed': '', 'settled': ''}}


def _add(app_id: ObjectId, revision: str, found: Iterable[tuple[Mapping[str, Any], int]]) -> None:
    stored = Download().collection.find_one({'app': app_id, 'kind': SUMS, 'revision': revision})
    changed = orjson.loads(stored['counts']) if stored else {}
    for package, number in found:
        sums.add(changed, package, number)
    _store(app_id, revision, changed)


def _store(app_id: ObjectId, revision: str, changed: sums.Sums) -> None:
    Download().collection.update_one(
        {'app': app_id, 'kind': SUMS, 'revision': revision},
        {'$set': {'counts': sums.as_json(sums.without_zeros(changed)).decode(), 'settled': True}}, upsert=True)


def as_json(app: Mapping[str, Any], hidden_revisions: Collection[str] = (), sealed: Sequence[ObjectId] = ()) -> bytes:
    """All counts of ``app`` but those of ``hidden_revisions``, by one command to the database.

    :param sealed: seals whose counts are included, see :mod:`sealing`.
    :returns: ``{revision: sums}`` as JSON, see :mod:`sums`. Equal counts have equal texts.
    """
    parts, remainders = sums.read({'app': {'$in': [app['_id'], *sealed]}}, UNSETTLED, _REMAINDER)
    for revision, found in remainders.items():
        sums.merge(found, orjson.loads(parts.get(revision, b'{}')))
        parts[revision] = sums.as_json(found)
    return sums.joined((revision, text) for revision, text in parts.items() if revision not in hidden_revisions)


def wrong(app_id: ObjectId) -> list[str]:
    """The revisions whose sums are not those of their counts."""
    stored, counted = sums.read({'app': app_id}, {'summed': {'$exists': True}}, _SUMMED)
    found = {revision: sums.as_json(one) for revision, one in counted.items()}
    differing = {revision for revision in {*stored, *found}
                 if stored.get(revision, b'{}') != found.get(revision, b'{}')}
    return sorted({*differing, *Download().collection.distinct('revision', {'app': app_id, **_WRONGLY_SETTLED})})


@transactions.atomic
def repair(app_id: ObjectId, revision: str) -> None:
    """Compute the sums of ``revision`` anew."""
    of_revision = {'app': app_id, 'revision': revision}
    Download().collection.update_many({**of_revision, **_WRONGLY_SETTLED}, {'$unset': {'settled': ''}})
    _, counted = sums.read(of_revision, {'summed': {'$exists': True}}, _SUMMED)
    _store(app_id, revision, counted.get(revision, {}))
