import contextlib
import threading

import pymongo
import pytest

from plugin_tests.roundtrips import counting_all
from plugin_tests.waiting import PATIENCE, poll
from slicer_package_manager.registry.downloads import counter, counts, rollup, sealing
from slicer_package_manager.registry.server import background

ITEM = {'_id': 'i', 'spm': {'kind': 'package', 'app': 'a', 'release': ''},
        'meta': {'revision': '1', 'baseName': 'Slicer', 'os': 'linux', 'arch': 'amd64'}}
KEY = counts.key_of(ITEM)


class Database:
    """Stand-in for the writes of counts; unavailable for the first ``failures`` of them."""

    def __init__(self, failures):
        self.failures = failures
        self.counted = []

    def record(self, key, number, turn):  # noqa: ARG002 - as of a database that answers
        if self.failures:
            self.failures -= 1
            raise pymongo.errors.ServerSelectionTimeoutError('away')
        self.counted += [key['baseName']] * number
        return True


@pytest.fixture
def queue(monkeypatch):
    monkeypatch.setattr(counter, 'FIRST_PAUSE', 0.01)
    monkeypatch.setattr(counter, 'queue', counter.Queue())
    queue = counter.queue
    yield queue
    # Its thread goes on waiting for counts, and has nothing more to do or to say.
    queue._waiting.clear()
    queue._batch.clear()
    queue._is_failing = False


@pytest.fixture
def database(queue, monkeypatch):
    def away_for(failures):
        stand_in = Database(failures)
        monkeypatch.setattr(counts, 'record', stand_in.record)
        return stand_in
    return away_for


def settle(queue):
    """Wait until all counts are stored."""
    poll(lambda: not len(queue) and not queue._storing.locked(), 'all counts are stored')


def hold(queue):
    """Keep the thread of the queue from storing; returns the event that lets it go on."""
    gate, drain = threading.Event(), queue.drain

    def held():
        gate.wait(PATIENCE)
        drain()
    queue.drain = held
    return gate


def messages(caplog):
    return [record.getMessage() for record in caplog.records if record.name == counter.logger.name]


def test_a_count_is_stored_before_the_download_ends(database):
    there = database(0)
    counter.wait(counter.count(ITEM))
    assert there.counted == ['Slicer']


def test_a_database_that_is_away_gets_the_counts_when_it_is_back(database, queue, caplog):
    there = database(3)
    counter.count(ITEM)
    poll(lambda: len(messages(caplog)) == 4, 'the thread has said that all is stored')
    assert there.counted == ['Slicer']
    assert messages(caplog) == ['The database did not accept download counts. The server tries again.'] * 3 + [
        'All downloads are counted that could not be counted at once.']


def test_no_download_waits_for_a_database_that_accepts_no_counts(database, queue, monkeypatch, caplog):
    monkeypatch.setattr(counter, 'FIRST_PAUSE', PATIENCE)
    database(100)
    counter.count(ITEM)
    poll(lambda: messages(caplog), 'the database has refused a count')
    assert counter.count(ITEM).done()
    assert len(queue) == 2


def test_a_download_waits_no_longer_than_the_command_that_failed(database, queue, caplog):
    database(1)
    gate = hold(queue)
    waits = [counter.count(ITEM) for _ in range(3)]
    assert not waits[0].done()
    gate.set()
    counter.wait(waits[0])
    assert all(one.done() for one in waits)
    settle(queue)
    poll(lambda: len(messages(caplog)) == 2, 'the thread has reported that all is stored')


def test_counts_that_are_stored_together_share_what_is_waited_for(database, queue):
    there = database(0)
    gate = hold(queue)
    first, second = counter.count(ITEM), counter.count(ITEM)
    assert first is second
    assert not first.done()
    gate.set()
    counter.wait(first)
    assert there.counted == ['Slicer'] * 2
    assert counter.count(ITEM) is not first


def test_a_download_does_not_wait_for_long(monkeypatch):
    monkeypatch.setattr(counter, 'LONGEST_WAIT', 0.01)
    counter.wait(counter.Future())


def test_a_count_that_cannot_be_made_fails_no_download(database, caplog):
    database(0)
    assert counter.count({'_id': 'broken'}).done()
    assert 'was not counted' in caplog.text


def test_the_end_of_the_process_says_what_is_lost(database, queue, caplog):
    database(100)
    gate = hold(queue)
    counter.count(ITEM)
    del queue.drain
    counter._last_attempt()
    assert '1 downloads were not counted' in caplog.text
    gate.set()


def test_the_end_of_the_process_stores_what_waits_in_its_order(database, queue):
    there = database(0)
    gate = hold(queue)
    for name in 'AB':
        queue.put({**KEY, 'baseName': name}, is_public=False)
    del queue.drain
    counter._last_attempt()
    assert there.counted == ['A', 'B']
    gate.set()


def test_metrics_see_each_download_and_how_many_counts_wait(database, queue, monkeypatch):
    kinds, numbers = [], []
    monkeypatch.setattr(counter, 'COUNTED', [kinds.append])
    monkeypatch.setattr(counter, 'WAITING', [numbers.append])
    database(0)
    gate = hold(queue)
    counter.count(ITEM)
    counter.count(ITEM)
    gate.set()
    settle(queue)
    assert (kinds, numbers) == (['package'] * 2, [1, 2, 0])


def test_pauses_between_attempts_double_up_to_the_longest(database, queue, monkeypatch):
    class EndError(Exception):
        pass

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 7:
            raise EndError
    monkeypatch.setattr(counter, 'FIRST_PAUSE', 1)
    monkeypatch.setattr(counter, '_sleep', sleep)
    monkeypatch.setattr(threading.Thread, 'start', lambda _: None)
    database(7)
    pauses = []
    counter.count(ITEM)
    with pytest.raises(EndError):
        queue._work()
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_one_thread_stores_all_counts_and_holds_up_no_end_of_the_process(database, queue):
    there = database(0)
    counter.wait(counter.count(ITEM))
    first = queue._thread
    counter.wait(counter.count(ITEM))
    assert queue._thread is first
    assert first.daemon
    assert there.counted == ['Slicer'] * 2


def test_each_command_is_limited_in_time(database, monkeypatch):
    limits = []
    monkeypatch.setattr(pymongo, 'timeout', lambda seconds: contextlib.nullcontext(limits.append(seconds)))
    database(0)
    counter.wait(counter.count(ITEM))
    assert set(limits) == {counter.PATIENCE}


@pytest.mark.database
def test_the_first_count_of_a_day_is_inserted_for_its_owner(db, monkeypatch):
    monkeypatch.setattr(sealing, 'owner', lambda key: f'owner of {key["app"]}')
    for _ in range(2):
        counter.wait(counter.count(ITEM))
    (found,) = counts.Download().collection.find()
    assert (found['app'], found['count']) == ('owner of a', 2)


@pytest.mark.database
def test_a_count_that_cannot_be_inserted_waits(db, queue, monkeypatch):
    failures = [pymongo.errors.AutoReconnect(), pymongo.errors.AutoReconnect()]

    def owner(key):
        if failures:
            raise failures.pop()
        return key['app']
    monkeypatch.setattr(sealing, 'owner', owner)
    counter.count(ITEM)
    settle(queue)
    assert [one['count'] for one in counts.Download().collection.find()] == [1]


@pytest.mark.database
def test_counts_of_public_packages_that_wait_together_are_stored_by_one_command(db, queue):
    with counting_all() as commands:
        gate = hold(queue)
        for day in ('2026-01-01', '2026-01-02', '2026-01-01'):
            queue.put({**KEY, 'day': day}, is_public=True)
        gate.set()
        settle(queue)
    assert [command for command in commands if 'slicer_package_download' in command] == [
        'update slicer_package_download']
    assert {one['day']: one['count'] for one in counts.Download().collection.find()} == {
        '2026-01-01': 2, '2026-01-02': 1}


def after_its_answer_is_lost(monkeypatch, name):
    """Have the first call of the function of :mod:`counts` fail after it was carried out; returns the calls."""
    function, calls = getattr(counts, name), []

    def failing(*args, **kwargs):
        calls.append(args)
        result = function(*args, **kwargs)
        if len(calls) == 1:
            raise pymongo.errors.NetworkTimeout('the answer is lost')
        return result
    monkeypatch.setattr(counts, name, failing)
    return calls


@pytest.mark.database
@pytest.mark.parametrize('is_public', [True, False])
@pytest.mark.parametrize('before', [0, 1])
def test_what_is_stored_although_the_answer_was_lost_is_counted_once(db, queue, monkeypatch, is_public, before):
    monkeypatch.setattr(sealing, 'owner', lambda key: key['app'])
    for _ in range(before):
        counter.wait(counter.count(ITEM, is_public=is_public))
    gate = hold(queue)
    for _ in range(3):
        counter.count(ITEM, is_public=is_public)
    # Without a count, the one of a private package is inserted in a transaction, by a second call.
    monkeypatch.setattr(counter.transactions, 'run', lost_once(counter.transactions.run))
    calls = after_its_answer_is_lost(monkeypatch, 'record_all' if is_public else 'record')
    gate.set()
    settle(queue)
    counter.wait(counter.count(ITEM, is_public=is_public))
    assert len(calls) > 2
    assert [one['count'] for one in counts.Download().collection.find()] == [before + 3 + 1]


def lost_once(run):
    """A transaction that is committed, and fails the first time."""
    left = [pymongo.errors.NetworkTimeout('the answer is lost')]

    def failing(*args, **kwargs):
        result = run(*args, **kwargs)
        if left:
            raise left.pop()
        return result
    return failing


@pytest.mark.database
def test_two_processes_that_insert_a_count_at_once_both_count(db, monkeypatch):
    bulk_write, turns = counts.Download().collection.bulk_write, [counts.Turn('b', 1)]

    def meanwhile(*args, **kwargs):
        if turns:  # the other process inserts the count first
            counts.record_all([(KEY, 5)], turns.pop())
            raise pymongo.errors.BulkWriteError({
                'writeErrors': [{'index': 0, 'code': 11000}], 'writeConcernErrors': []})
        return bulk_write(*args, **kwargs)
    monkeypatch.setattr(counts.Download().collection, 'bulk_write', meanwhile)
    counts.record_all([(KEY, 2)], counts.Turn('a', 1))
    assert [one['count'] for one in counts.Download().collection.find()] == [7]


@pytest.mark.database
def test_a_command_that_was_refused_for_another_reason_is_repeated(db, queue, monkeypatch):
    bulk_write, failures = counts.Download().collection.bulk_write, [
        {'writeErrors': [{'index': 0, 'code': 8000}], 'writeConcernErrors': []},
        {'writeErrors': [], 'writeConcernErrors': [{'code': 64}]}]

    def failing(*args, **kwargs):
        result = bulk_write(*args, **kwargs)
        if failures:
            raise pymongo.errors.BulkWriteError(failures.pop())
        return result
    monkeypatch.setattr(counts.Download().collection, 'bulk_write', failing)
    counter.count(ITEM, is_public=True)
    settle(queue)
    assert failures == []
    assert [one['count'] for one in counts.Download().collection.find()] == [1]


def test_upkeep_finishes_seals_and_keeps_the_sums_current(monkeypatch):
    done = []
    monkeypatch.setattr(background, 'repeat', lambda work, *_: work())
    monkeypatch.setattr(sealing, 'finish', lambda: done.append('seals'))
    monkeypatch.setattr(rollup, 'keep_up', lambda: done.append('sums'))
    monkeypatch.setattr(counter._quiet, 'settle', lambda: done.append('recent sums'))
    counter.start_upkeep()
    assert done == ['seals', 'sums', 'recent sums']
