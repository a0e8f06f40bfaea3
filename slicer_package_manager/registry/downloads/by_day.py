"""Downloads of extensions by day and name: read again only for the days that have changed.

To add up the counts of a year takes seconds in an archive of 150,000 extensions. Nearly all of them are of past days,
and do not change any more.

1. :mod:`rollup` gives each day of a revision a new version when it changes ``summed`` of one of its counts.
2. What was read at the version that a day has in the snapshot of the transaction is what its counts have there. One
   query reads all other days.
3. To these sums, one query adds what the counts have more, of those that are not settled.
"""
from __future__ import annotations

import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from bson.objectid import ObjectId

from slicer_package_manager.registry.downloads.counts import SUMS, UNSETTLED, Download
from slicer_package_manager.registry.downloads.rollup import SUMMED
from slicer_package_manager.registry.schema.fields import EXTENSION
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions

#: A revision of an application or a seal, see :mod:`sealing`.
_Place: TypeAlias = tuple[ObjectId, str]
#: Numbers by the name of the extension.
Numbers: TypeAlias = Mapping[str, int]


class _Known(NamedTuple):
    """What was read of a revision.

    :param since: the first day that was read.
    :param versions: of its days; those before :mod:`rollup` had versions have none.
    """

    since: str
    versions: Mapping[str, ObjectId]
    days: Mapping[str, Numbers]


_KNOWN: dict[_Place, _Known] = {}
#: How many numbers are kept in a process.
_MOST = 2_000_000
#: Of how many revisions one query reads days.
_AT_ONCE = 50
_reading = threading.Lock()


@transactions.atomic
def read(owners: Sequence[ObjectId], hidden_revisions: Collection[str], since: str) -> dict[str, Numbers]:
    """The downloads of extensions on each day from ``since`` on, by the name of the extension.

    Costs at most three queries, and one more for each 50 revisions of which nothing is known.

    :param owners: the application and seals.
    :param hidden_revisions: those that are left out.
    """
    visible = {'app': {'$in': list(owners)}, 'revision': {'$nin': list(hidden_revisions)}}
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    with _reading:
        for numbers_of in _summed(_versions(visible), since):
            for day, numbers in numbers_of.items():
                found[day].update(numbers)
    match = {**visible, **UNSETTLED, 'kind': EXTENSION.label, 'day': {'$gte': since}}
    for _, day, names in _grouped(match, {'$subtract': ['$count', SUMMED]}):
        for name, number in names:
            found[day][name] += number
    return dict(found)


def _versions(visible: Document) -> dict[_Place, Mapping[str, ObjectId]]:
    return {(one['app'], one['revision']): one.get('days', {}) for one in Download().collection.find(
        {**visible, 'kind': SUMS}, {'app': 1, 'revision': 1, 'days': 1}, batch_size=BATCH)}


def _summed(places: Mapping[_Place, Mapping[str, ObjectId]], since: str) -> Sequence[Mapping[str, Numbers]]:
    """The sums of the counts of ``places`` by day, from ``since`` on."""
    conditions = []
    for place, versions in places.items():
        kept, days = _kept(place, versions, since)
        if days is not None:
            conditions.append((place, kept, {'app': place[0], 'revision': place[1], 'day': days}))
    # What was read stays known if a later query fails.
    for start in range(0, len(conditions), _AT_ONCE):
        some = conditions[start:start + _AT_ONCE]
        read = _read_days([condition for _, _, condition in some])
        for place, kept, _ in some:
            _KNOWN[place] = kept._replace(days={**kept.days, **read.get(place, {})})
    found = [{day: numbers for day, numbers in _KNOWN[place].days.items() if day >= since} for place in places]
    if sum(len(numbers) for one in _KNOWN.values() for numbers in one.days.values()) > _MOST:
        _KNOWN.clear()
    return found


def _kept(place: _Place, versions: Mapping[str, ObjectId], since: str) -> tuple[_Known, Document | None]:
    """What is known of a place in the current snapshot, and the condition for the days that are to be read, if any."""
    known = _KNOWN.get(place)
    if known is None or known.since > since:
        return _Known(since, versions, {}), {'$gte': since}
    changed = {day for day in known.versions.keys() | versions
               if day >= since and known.versions.get(day) != versions.get(day)}
    kept = {day: numbers for day, numbers in known.days.items() if day >= since and day not in changed}
    return _Known(since, versions, kept), {'$in': sorted(changed)} if changed else None


def _read_days(conditions: list[Document]) -> Mapping[_Place, Mapping[str, Numbers]]:
    found: defaultdict[_Place, dict[str, Numbers]] = defaultdict(dict)
    for place, day, names in _grouped({'kind': EXTENSION.label, '$or': conditions}, SUMMED):
        numbers: Counter[str] = Counter()
        for name, number in names:
            numbers[sys.intern(name)] += number
        found[place][sys.intern(day)] = dict(numbers)
    return found


def _grouped(match: Document, number: Any) -> Iterator[tuple[_Place, str, list[tuple[str, int]]]]:
    """Yield a revision, a day, and names with a number of each count."""
    for row in Download().collection.aggregate([
            {'$match': match}, {'$group': {'_id': {key: f'${key}' for key in ('app', 'revision', 'day')},
                                           'names': {'$push': '$baseName'}, 'numbers': {'$push': number}}}],
            allowDiskUse=True, batchSize=BATCH):
        key = row['_id']
        yield (key['app'], key['revision']), key['day'], list(zip(row['names'], row['numbers'], strict=True))
