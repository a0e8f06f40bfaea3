import contextlib
import threading
from types import SimpleNamespace

import pymongo
import pytest

from plugin_tests.waiting import PATIENCE
from slicer_package_manager.registry.downloads import counter, counts, rollup, sealing
from slicer_package_manager.registry.server import background

ITEM = {'_id': 'i', 'spm': {'kind': 'package', 'app': 'a', 'release': ''},
        'meta': {'revision': '1', 'baseName': 'Slicer', 'os': 'linux', 'arch': 'amd64'}}


class Database:
    """Stand-in for the writes of counts; unavailable for the first ``failures`` of them."""

    def __init__(self, failures):
        self.failures = failures
        self.counted = []

    def record(self, key, insert=False):  # noqa: ARG002 - there is always one
        if self.failures:
            self.failures -= 1
            raise pymongo.errors.ServerSelectionTimeoutError('away')
        self.counted.append(key['baseName'])
        return True


@pytest.fixture
def database(monkeypatch):
    monkeypatch.setattr(counter, 'FIRST_PAUSE', 0.01)
    monkeypatch.setattr(counter, 'backlog', counter.Backlog())

    def away_for(failures):
        stand_in = Database(failures)
        monkeypatch.setattr(counts, 'record', stand_in.record)
        return stand_in
    return away_for


def test_a_count_is_stored_at_once(database):
    there = database(0)
    counter.count(ITEM)
    assert there.counted == ['Slicer']
    assert len(counter.backlog) == 0


def test_a_database_that_is_away_gets_the_counts_when_it_is_back(database, caplog):
    there = database(3)
    counter.count(ITEM)
    assert there.counted == []
    counter.backlog._thread.join(PATIENCE)
    assert there.counted == ['Slicer']
    assert len(counter.backlog) == 0
    assert [record.getMessage() for record in caplog.records if record.name == counter.logger.name] == [
        'The database did not accept a download count. The server tries again.',
        'All downloads are counted that could not be counted at once.']


def test_counts_that_were_put_off_are_stored_once_each(database):
    there = database(2)
    for _ in range(2):
        counter.count(ITEM)
    counter.backlog._thread.join(PATIENCE)
    assert there.counted == ['Slicer', 'Slicer']


def test_a_count_that_cannot_be_made_fails_no_download(database, caplog):
    database(0)
    counter.count({'_id': 'broken'})
    assert 'was not counted' in caplog.text


def test_the_end_of_the_process_says_what_is_lost(database, caplog):
    database(100)
    counter.backlog._waiting.append({})
    counter._last_attempt()
    assert '1 downloads were not counted' in caplog.text


def test_the_end_of_the_process_stores_what_waits(database):
    there = database(0)
    counter.backlog._waiting.extend([{'baseName': 'A'}, {'baseName': 'B'}])
    counter._last_attempt()
    assert there.counted == ['A', 'B']


class Metrics:
    def __init__(self):
        self.kinds, self.numbers = [], []
        self.counted, self.waiting = self.kinds.append, self.numbers.append


def test_metrics_see_each_download_and_how_many_counts_wait(database, monkeypatch):
    metrics = Metrics()
    monkeypatch.setattr(counter, 'OBSERVERS', [metrics])
    there = database(0)
    counter.count(ITEM)
    assert (metrics.kinds, metrics.numbers) == (['package'], [])
    monkeypatch.setattr(threading.Thread, 'start', lambda _: None)
    there.failures = 2
    counter.count(ITEM)
    counter.count(ITEM)
    counter.backlog.drain()
    assert (metrics.kinds, metrics.numbers) == (['package'] * 3, [1, 2, 1, 0])


def test_counts_wait_in_their_order_until_the_database_is_back(database):
    there = database(1)
    counter.backlog._waiting.extend([{'baseName': 'A'}, {'baseName': 'B'}])
    with pytest.raises(pymongo.errors.PyMongoError):
        counter.backlog.drain()
    assert len(counter.backlog) == 2
    counter.backlog.drain()
    assert there.counted == ['A', 'B']


def test_pauses_between_attempts_double_up_to_the_longest(database, monkeypatch):
    monkeypatch.setattr(counter, 'FIRST_PAUSE', 1)
    database(7)
    pauses = []
    counter.backlog._wake = SimpleNamespace(wait=pauses.append)
    counter.backlog._waiting.append({'baseName': 'A'})
    counter.backlog._work()
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_one_thread_at_a_time_stores_what_waits_and_holds_up_no_end_of_the_process(database):
    there = database(2)
    for _ in range(2):
        for _ in range(2):
            counter.count(ITEM)
        first = counter.backlog._thread
        assert first.daemon
        first.join(PATIENCE)
        there.failures = 2
    assert there.counted == ['Slicer'] * 4


def test_a_thread_that_runs_is_not_started_again(database, monkeypatch):
    database(100)
    monkeypatch.setattr(counter, 'FIRST_PAUSE', PATIENCE)
    counter.count(ITEM)
    first = counter.backlog._thread
    counter.count(ITEM)
    assert counter.backlog._thread is first
    counter.backlog._waiting.clear()
    counter.backlog._wake.set()
    first.join(PATIENCE)


def test_each_attempt_to_store_a_count_is_limited_in_time(database, monkeypatch):
    limits = []
    monkeypatch.setattr(pymongo, 'timeout', lambda seconds: contextlib.nullcontext(limits.append(seconds)))
    database(0)
    counter.count(ITEM)
    counter.backlog._waiting.append({'baseName': 'A'})
    counter.backlog.drain()
    assert limits == [counter.PATIENCE] * 2


@pytest.mark.database
def test_the_first_count_of_a_day_is_inserted_for_its_owner(db, monkeypatch):
    monkeypatch.setattr(sealing, 'owner', lambda key: f'owner of {key["app"]}')
    for _ in range(2):
        counter.count(ITEM)
    (found,) = counts.Download().collection.find()
    assert (found['app'], found['count']) == ('owner of a', 2)


@pytest.mark.database
def test_a_count_that_cannot_be_inserted_waits(db, monkeypatch):
    monkeypatch.setattr(counter, 'FIRST_PAUSE', 0.01)
    monkeypatch.setattr(counter, 'backlog', counter.Backlog())
    failures = [pymongo.errors.AutoReconnect(), pymongo.errors.AutoReconnect()]

    def owner(key):
        if failures:
            raise failures.pop()
        return key['app']
    monkeypatch.setattr(sealing, 'owner', owner)
    counter.count(ITEM)
    counter.backlog._thread.join(PATIENCE)
    assert [one['count'] for one in counts.Download().collection.find()] == [1]


def test_upkeep_finishes_seals_and_keeps_the_sums_current(monkeypatch):
    done = []
    monkeypatch.setattr(background, 'repeat', lambda work, *_: work())
    monkeypatch.setattr(sealing, 'finish', lambda: done.append('seals'))
    monkeypatch.setattr(rollup, 'keep_up', lambda: done.append('sums'))
    counter.start_upkeep()
    assert done == ['seals', 'sums']
