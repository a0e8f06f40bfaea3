"""All download counts of an application in one answer: the past is added up once, the present each time."""
from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from slicer_package_manager.registry.downloads import PAST, Download, first_open_day
from slicer_package_manager.registry.kinds import EXTENSION, KINDS
from slicer_package_manager.registry.listing import BATCH

_THING = ('kind', 'revision', 'baseName', 'os', 'arch')
#: Applications whose past is kept in memory; a server has a handful.
_MOST = 64


class _Past(NamedTuple):
    """Counts of the days before ``until``, by revision: in the shape of the answer, and as the JSON text of that.

    ``changes`` is what the application's document of the kind ``past`` told when they were read.
    """

    until: str
    changes: int
    counts: dict[str, dict]
    texts: dict[str, bytes]


_kept: dict[Any, _Past] = {}
#: Only to spare this process from adding up the same twice at a time.
_adding_up = threading.Lock()


def as_json(app, hidden_revisions: Iterable[str] = ()) -> bytes:
    """All counts of ``app`` but those of ``hidden_revisions``.

    One query for the days that are not over yet; the first time in a process, and once a day, another one.

    :returns: ``{revision: {'applications': {os: {arch: n}}, 'extensions': {baseName: {os: {arch: n}}}}}`` as JSON.
    """
    until = first_open_day()
    present, changes = _counted(app, {'$gte': until})
    past = _past(app, until, changes)
    texts = {**past.texts, **_texts(_with(past.counts, present))}
    hidden = set(hidden_revisions)
    # The database gives them in any order; the same counts shall make the same answer.
    return b'{' + b','.join(text for revision, text in sorted(texts.items()) if revision not in hidden) + b'}'


def _counted(app, days):
    """The counts of ``days``, a condition, as rows of one thing each; and how often the past has changed."""
    rows = list(Download().collection.aggregate([
        {'$match': {'app': app['_id'], 'day': days}},
        {'$group': {'_id': {key: f'${key}' for key in _THING}, 'count': {'$sum': '$count'}}},
    ], allowDiskUse=True, batchSize=BATCH))
    changes = sum(row['count'] for row in rows if row['_id']['kind'] == PAST)
    return [row for row in rows if row['_id']['kind'] != PAST], changes


def _past(app, until, changes) -> _Past:
    past = _kept.get(app['_id'])
    if past and (past.until, past.changes) == (until, changes):
        return past
    with _adding_up:
        past = _kept.get(app['_id'])
        if past is None or past.changes != changes or past.until > until:
            past = _Past('', changes, {}, {})
        if past.until < until:
            rows, _ = _counted(app, {'$gte': past.until, '$lt': until})
            newer = _with(past.counts, rows)
            past = _Past(until, changes, {**past.counts, **newer}, {**past.texts, **_texts(newer)})
        if len(_kept) >= _MOST:
            _kept.clear()
        _kept[app['_id']] = past
    return past


def _with(counts, rows) -> dict[str, dict]:
    """The revisions that ``rows`` are about, with their counts added to what ``counts`` has of them.

    ``counts`` stays as it is; of what is below it only what changes is copied.
    """
    found: dict[str, dict] = {}
    copied = set()
    for row in rows:
        *path, arch = _path(row['_id'])
        place, known = found, counts
        way: tuple = ()
        for key in path:
            way, known = (*way, key), known.get(key, {})
            if way not in copied:
                copied.add(way)
                place[key] = dict(known)
            place = place[key]
        place[arch] = place.get(arch, 0) + row['count']
    return found


def _path(thing):
    kind = KINDS[thing['kind']]
    names = (thing['baseName'],) if kind is EXTENSION else ()
    return (thing['revision'], kind.plural, *names, thing['os'], thing['arch'])


def _texts(counts) -> dict[str, bytes]:
    return {revision: orjson.dumps({revision: found}, option=orjson.OPT_SORT_KEYS)[1:-1]
            for revision, found in counts.items()}
