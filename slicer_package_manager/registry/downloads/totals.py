"""All download counts of an application in one answer: added up once in a process, and then kept up with."""
from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from bson.timestamp import Timestamp

from slicer_package_manager.registry.downloads.model import PAST, Download, first_open_day
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE_TYPES
from slicer_package_manager.registry.schema.pagination import BATCH

_THING = ('kind', 'revision', 'baseName', 'os', 'arch')
#: Applications whose counts are kept in memory; a server has a handful.
_MOST = 64
#: How long after the moment that it carries a write may come to be seen, in seconds.
_OVERLAP = 10


class _Totals:
    """The counts of one application, as far as this process has seen them.

    Days before ``until`` are over: they are added up and change only together with ``late``, what the application's
    document of the kind ``past`` tells. Of the counts of later days each is known by itself, so that a newer number
    can take its place. ``seen`` is the moment of the latest change, by the database's clock, and ``seen_at`` when this
    process saw it, by its own.
    """

    def __init__(self, app_id, until):
        self.until = until
        self.seen, self.seen_at = Timestamp(0, 0), time.monotonic()
        self.late = 0
        self._known: dict[Any, tuple[str, int]] = {}
        self._counts: dict[str, dict] = {}
        self._texts: dict[str, bytes] = {}
        self._load(app_id)

    def _load(self, app_id):
        collection = Download().collection
        latest = collection.find_one({'app': app_id, 'changed': {'$exists': True}}, sort=[('changed', -1)])
        self.seen = latest['changed'] if latest else self.seen
        late = collection.find_one({'app': app_id, 'kind': PAST})
        self.late = late['count'] if late else 0
        for row in collection.aggregate([
                {'$match': {'app': app_id, 'day': {'$lt': self.until}}},
                {'$group': {'_id': {key: f'${key}' for key in _THING}, 'count': {'$sum': '$count'}}},
        ], allowDiskUse=True, batchSize=BATCH):
            self._add(row['_id'], row['count'])
        self.take(collection.find({'app': app_id, 'day': {'$gte': self.until}}).batch_size(BATCH), self.until)

    def changes(self, app_id):
        """The counts that have changed since those that were taken over, and some that were taken over already."""
        since = self.seen
        if time.monotonic() - self.seen_at < _OVERLAP:  # earlier writes may come to be seen yet
            since = Timestamp(max(since.time - _OVERLAP, 0), 0)
        return list(Download().collection.find({'app': app_id, 'changed': {'$gte': since}}).batch_size(BATCH))

    def take(self, counts, until) -> bool:
        """Take over ``counts`` as they are now; the days before ``until`` are over by now.

        :returns: ``False`` if days that were over have changed, so that all must be added up again.
        """
        for count in counts:
            if count['kind'] == PAST:
                if count['count'] != self.late:
                    return False
            elif count['day'] >= self.until:
                # Who has read earlier may come later: counts only grow.
                more = count['count'] - self._known.get(count['_id'], ('', 0))[1]
                if more > 0:
                    self._known[count['_id']] = count['day'], count['count']
                    self._add(count, more)
            if count.get('changed', self.seen) > self.seen:
                self.seen, self.seen_at = count['changed'], time.monotonic()
        if until > self.until:
            # All of them were seen, and nobody counts for these days any more without telling.
            self._known = {one: (day, number) for one, (day, number) in self._known.items() if day >= until}
            self.until = until
        return True

    def _add(self, thing, number):
        _add_to(self._counts, thing, number)
        self._texts.pop(thing['revision'], None)

    def as_json(self, hidden) -> bytes:
        """All but ``hidden`` revisions; the same counts make the same text."""
        for revision in self._counts.keys() - self._texts.keys():
            found = {revision: self._counts[revision]}
            self._texts[revision] = orjson.dumps(found, option=orjson.OPT_SORT_KEYS)[1:-1]
        return b'{' + b','.join(self._texts[revision] for revision in sorted(self._texts)
                                if revision not in hidden) + b'}'


_kept: dict[Any, _Totals] = {}
#: For what is kept in this process; nobody waits for the database in it, except for what all wait for.
_lock = threading.Lock()


def as_json(app, hidden_revisions: Iterable[str] = (), sealed: Sequence[Any] = ()) -> bytes:
    """All counts of ``app`` but those of ``hidden_revisions``.

    One query for what has changed lately; the first time in a process, all counts are added up. One more where there
    is something in ``sealed``, seals whose counts are shown too, see :mod:`sealing`.

    :returns: ``{revision: {'applications': {os: {arch: n}}, 'extensions': {baseName: {os: {arch: n}}}}}`` as JSON.
    """
    counts = _without(app, set(hidden_revisions))
    return _with_sealed(counts, sealed) if sealed else counts


def _without(app, hidden):
    until = first_open_day()
    kept = _kept.get(app['_id'])
    lately = kept.changes(app['_id']) if kept else []
    with _lock:
        kept = _kept.get(app['_id'])
        # A clock that was set back opens days again that were added up.
        if kept is None or until < kept.until or not kept.take(lately, until):
            kept = _Totals(app['_id'], until)
            if len(_kept) >= _MOST:
                _kept.clear()
            _kept[app['_id']] = kept
        return kept.as_json(hidden)


def _with_sealed(counts, sealed):
    found = orjson.loads(counts)
    for row in Download().collection.aggregate([
            {'$match': {'app': {'$in': list(sealed)}}},
            {'$group': {'_id': {key: f'${key}' for key in _THING}, 'count': {'$sum': '$count'}}},
    ], allowDiskUse=True, batchSize=BATCH):
        _add_to(found, row['_id'], row['count'])
    return orjson.dumps(found, option=orjson.OPT_SORT_KEYS)


def _add_to(counts, thing, number):
    *path, arch = _path(thing)
    for key in path:
        counts = counts.setdefault(key, {})
    counts[arch] = counts.get(arch, 0) + number


def _path(thing):
    package_type = PACKAGE_TYPES[thing['kind']]
    names = (thing['baseName'],) if package_type is EXTENSION else ()
    return (thing['revision'], package_type.plural, *names, thing['os'], thing['arch'])
