"""The rollup of download counts: their sums over past days, stored in the database beside the counts.

The counts are the truth: one document for each package, release and day, see :mod:`counts`. An application with years
of them has hundreds of thousands, which take seconds to add up. So the same collection has, for each application:

- one document of the kind ``rollup``. Its sums cover the days before ``until``. The days before ``fence`` are closed:
  changes of their counts are announced. ``stale`` lists the revisions that were announced, ``announced`` is the time of
  the last announcement by the clock of the database, and each announcement increments ``version``.
- documents of the kind ``sums`` for each revision of the application. ``counts`` is the JSON text of the sums of all
  days before ``day``, ``version`` that of the rollup when they were made. One is current; a newer one may be prepared.

How counts and sums stay equal:

1. A process counts a download by one command with two statements, see :func:`counts.record`. The first one is an
   announcement if the day is closed, which is rare. The second one increments the count.
2. Code that changes other counts, such as :mod:`sealing`, calls :func:`counts.announce` before and after the
   change.
3. A thread in each server process calls :func:`keep_up`. When a day is over, this moves ``fence`` behind it.
4. :data:`QUIET` after that, and after the last announcement, no write is left that began before the fence was moved.
   One process claims the work and adds up all counts of each revision that is stale or has counts since ``until``.
5. It stores the results as new ``sums``. It moves ``until`` to ``fence`` and empties ``stale``, unless ``version`` has
   changed since step 4.
6. A reader, see :mod:`totals`, reads the rollup, the counts since ``until``, and the sums, by one command and in this
   order. For stale revisions it adds up the counts.

A process may be killed after any step: the next process repeats the step. No step relies on the clock of a server. An
application without a rollup is like one whose rollup ends before its first count.
"""
from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pymongo
from bson.objectid import ObjectId
from girder.models.folder import Folder
from pymongo.errors import DuplicateKeyError

from slicer_package_manager.registry.downloads import sums
from slicer_package_manager.registry.downloads.counts import COUNTS, ROLLUP, SUMS, Download
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import background, environment
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.registration import APPLICATION

#: Longer than any single write to the database takes.
QUIET = timedelta(seconds=3 * environment.DATABASE_SECONDS)
#: Seconds between two calls of :func:`keep_up` in a process, and seconds that one may take.
_PAUSE, _LONGEST = 90, 3600


def start_updates() -> None:
    """Keep the rollups of all applications up to date in the background, as long as this process lives."""
    background.repeat(_keep_current, _PAUSE, 'download-rollup',
                      'The sums of download counts are not up to date. The server tries again later.')


def _keep_current() -> None:
    for app in Folder().find({keys.ROLE: APPLICATION}, fields=['_id']):
        with pymongo.timeout(_LONGEST):
            keep_up(app['_id'])


def keep_up(app_id: ObjectId, quiet: timedelta = QUIET) -> bool:
    """Take the next step that the rollup of an application needs, if any.

    :param quiet: how long ago the last announcement must be before counts are added up.
    :returns: whether this process took a step.
    """
    now = _time_of_database()
    closed = f'{now - timedelta(days=1):%Y-%m-%d}'
    state = Download().collection.find_one({'app': app_id, 'kind': ROLLUP})
    if state is None:
        return _begin(app_id, closed, now)
    if state['fence'] < closed:
        return _update(state, {'$set': {'fence': closed}, '$inc': {'version': 1}, '$currentDate': {'announced': True}})
    is_complete = state['until'] == state['fence'] and not state['stale']
    if is_complete or now - state['announced'] < quiet or not _update(state, {'$set': {'announced': now}}):
        return False
    return _add_up(state)


def _time_of_database() -> datetime:
    collection = Download().collection
    found: datetime = collection.database.command('hello', codec_options=collection.codec_options)['localTime']
    return found


def _begin(app_id: ObjectId, closed: str, now: datetime) -> bool:
    """Begin a rollup if there are counts of days before ``closed``."""
    collection = Download().collection
    if not collection.find_one({'app': app_id, 'kind': COUNTS, 'day': {'$lt': closed}}, {'_id': 1}):
        return False
    collection.delete_many({'app': app_id, 'kind': SUMS})
    try:
        collection.insert_one({'app': app_id, 'kind': ROLLUP, 'until': '', 'fence': closed, 'stale': [],
                               'announced': now, 'version': int(now.timestamp() * 1000)})  # higher than any before
    except DuplicateKeyError:  # another process was faster
        return False
    return True


def _update(state: Document, change: Document) -> bool:
    """Change the rollup unless it is no longer as in ``state``."""
    unchanged = {key: state[key] for key in ('_id', 'version', 'announced')}
    return bool(Download().collection.update_one(unchanged, change).matched_count)


def _add_up(state: Document) -> bool:
    collection = Download().collection
    of_app = {'app': state['app'], 'kind': COUNTS}
    _remove_superseded(state)
    since = {**of_app, 'day': {'$gte': state['until'], '$lt': state['fence']}}
    for revision in {*collection.distinct('revision', since), *state['stale']}:
        _store(state, revision, _text({**of_app, 'revision': revision, 'day': {'$lt': state['fence']}}))
    return bool(collection.update_one({'_id': state['_id'], 'version': state['version']}, {
        '$set': {'until': state['fence'], 'stale': []}, '$inc': {'version': 1}}).matched_count)


def _remove_superseded(state: Document) -> None:
    """Remove the sums of earlier days, where newer ones are in use."""
    current = {'app': state['app'], 'kind': SUMS, 'day': state['until']}
    revisions = Download().collection.distinct('revision', current)
    Download().collection.delete_many({**current, 'revision': {'$in': revisions}, 'day': {'$lt': state['until']}})


def _text(match: Document) -> str:
    """The JSON text of the sums of the counts that ``match`` selects, all of one revision."""
    return sums.as_json(next(iter(sums.of(match).values()), {})).decode()


def _store(state: Document, revision: str, text: str) -> None:
    """Store sums of the days before the fence, unless a process has stored some that are as new."""
    try:
        Download().collection.update_one(
            {'app': state['app'], 'kind': SUMS, 'revision': revision, 'day': state['fence'],
             'version': {'$lt': state['version']}},
            {'$set': {'version': state['version'], 'counts': text}}, upsert=True)
    except DuplicateKeyError:  # of the unique index, since the version does not match
        return


def current(until: str, documents: list[Document]) -> dict[str, str]:
    """Of ``documents`` of the kind ``sums``, the newest before ``until``: JSON texts by revision.

    A revision that has later ones only, which another process has just stored, is missing.
    """
    return {one['revision']: one['counts'] for one in sorted(documents, key=lambda one: str(one['day']))
            if one['day'] <= until}


def wrong(app_id: ObjectId) -> list[str]:
    """The revisions whose sums are not those of their counts; none if these were changed during the check."""
    collection = Download().collection
    state: Any = collection.find_one({'app': app_id, 'kind': ROLLUP})
    if state is None:
        return []
    texts = current(state['until'], list(collection.find({'app': app_id, 'kind': SUMS})))
    match: Document = {'app': app_id, 'kind': COUNTS, 'day': {'$lt': state['until']}}
    counted = {revision: sums.as_json(found).decode() for revision, found in sums.of(match).items()}
    found = [revision for revision in sorted({*texts, *counted} - {*state['stale']})
             if texts.get(revision, '{}') != counted.get(revision, '{}')]
    return found if _is_as(state) else []


def _is_as(state: Document) -> bool:
    return Download().collection.find_one({'_id': state['_id'], 'version': state['version']}, {'_id': 1}) is not None


def discard(database: Any) -> None:
    """Remove all rollups from ``database``, one of pymongo that no server uses. Servers make new ones."""
    database[Download().name].delete_many({'kind': {'$in': [ROLLUP, SUMS]}})
