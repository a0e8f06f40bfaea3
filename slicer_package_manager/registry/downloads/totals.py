"""All download counts of an application in one response, from its :mod:`rollup`."""
from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from bson.objectid import ObjectId

from slicer_package_manager.registry.downloads import rollup, sums
from slicer_package_manager.registry.downloads.counts import COUNTS, ROLLUP, SUMS, Download
from slicer_package_manager.registry.downloads.sums import Sums
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document


class _Read(NamedTuple):
    """What the database has on an application: the rollup, the counts since, and all documents of sums."""

    until: str
    stale: set[str]
    since: list[Document]
    sums: list[Document]


def as_json(app: Mapping[str, Any], hidden_revisions: Collection[str] = (), sealed: Sequence[ObjectId] = ()) -> bytes:
    """All counts of ``app`` but those of ``hidden_revisions``.

    One command to the database; one more if revisions are stale, and one more for ``sealed``.

    :param sealed: seals whose counts are included, see :mod:`sealing`.
    :returns: ``{revision: sums}`` as JSON, see :mod:`sums`. Equal counts have equal texts.
    """
    read = _read(app['_id'])
    texts = rollup.current(read.until, read.sums)
    stale = read.stale | ({one['revision'] for one in read.sums} - texts.keys()) if read.until else set()
    more = _since(read, stale)
    for match in _not_in_rollup(app, stale, sealed):
        for revision, found in sums.of(match).items():
            sums.merge(more.setdefault(revision, {}), found)
    parts = {revision: text.encode() for revision, text in texts.items() if revision not in stale}
    for revision, found in more.items():
        if revision in parts:
            sums.merge(found, orjson.loads(parts[revision]))
        parts[revision] = sums.as_json(found)
    return sums.joined((revision, text) for revision, text in parts.items() if revision not in hidden_revisions)


def _since(read: _Read, stale: set[str]) -> dict[str, Sums]:
    found: dict[str, Sums] = {}
    for row in read.since:
        if row['_id']['revision'] not in stale:
            sums.add(found.setdefault(row['_id']['revision'], {}), row)
    return found


def _not_in_rollup(app: Mapping[str, Any], stale: set[str], sealed: Sequence[ObjectId]) -> list[Document]:
    of_stale: Document = {'app': app['_id'], 'kind': COUNTS, 'revision': {'$in': sorted(stale)}}
    return [*([of_stale] if stale else []), *([{'app': {'$in': list(sealed)}, 'kind': COUNTS}] if sealed else [])]


def _read(app_id: ObjectId) -> _Read:
    until, stale, since, stored = '', set(), [], []
    for row in Download().collection.aggregate(_pipeline(app_id), allowDiskUse=True, batchSize=BATCH):
        if row.get('kind') == SUMS:
            stored.append(row)
            continue
        for state in row['rollup']:
            until, stale = state['until'], set(state['stale'])
        if 'since' in row:
            since.append(row['since'])
    return _Read(until, stale, since, stored)


def _pipeline(app_id: ObjectId) -> list[Document]:
    """Read the rollup first, then the counts, and the sums last, which may be newer than the rollup, but not older.

    The first document of the application, whichever it is, is what the others are joined to.
    """
    name = Download().name
    state: list[Document] = [{'$match': {'app': app_id, 'kind': ROLLUP}}, {'$project': {'until': 1, 'stale': 1}}]
    is_since = {'$expr': {'$gte': ['$day', '$$until']}}
    since: list[Document] = [{'$match': {'app': app_id, 'kind': COUNTS, **is_since}}, sums.BY_PACKAGE]
    until: Any = {'$ifNull': [{'$first': '$rollup.until'}, '']}
    return [
        {'$match': {'app': app_id}}, {'$limit': 1}, {'$project': {'_id': 1}},
        {'$lookup': {'from': name, 'pipeline': state, 'as': 'rollup'}},
        {'$lookup': {'from': name, 'let': {'until': until}, 'pipeline': since, 'as': 'since'}},
        {'$unwind': {'path': '$since', 'preserveNullAndEmptyArrays': True}},
        {'$unionWith': {'coll': name, 'pipeline': [{'$match': {'app': app_id, 'kind': SUMS}}]}}]
