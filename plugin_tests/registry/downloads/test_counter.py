import pymongo
import pytest

from plugin_tests.waiting import PATIENCE
from slicer_package_manager.registry.downloads import counter, model

ITEM = {'_id': 'i', 'spm': {'kind': 'package', 'app': 'a', 'release': ''},
        'meta': {'revision': '1', 'baseName': 'Slicer', 'os': 'linux', 'arch': 'amd64'}}


class Database:
    """Stand-in for the writes of counts; unavailable for the first ``failures`` of them."""

    def __init__(self, failures):
        self.failures = failures
        self.counted = []

    def record(self, key):
        if self.failures:
            self.failures -= 1
            raise pymongo.errors.ServerSelectionTimeoutError('away')
        self.counted.append(key['baseName'])


@pytest.fixture
def database(monkeypatch):
    monkeypatch.setattr(counter, 'FIRST_PAUSE', 0.01)
    monkeypatch.setattr(counter, 'backlog', counter.Backlog())

    def away_for(failures):
        stand_in = Database(failures)
        monkeypatch.setattr(model, 'record', stand_in.record)
        return stand_in
    return away_for


def test_a_count_is_stored_at_once(database):
    there = database(0)
    counter.count(ITEM)
    assert there.counted == ['Slicer']
    assert len(counter.backlog) == 0


def test_a_database_that_is_away_gets_the_counts_when_it_is_back(database):
    there = database(3)
    counter.count(ITEM)
    assert there.counted == []
    counter.backlog._thread.join(PATIENCE)
    assert there.counted == ['Slicer']
    assert len(counter.backlog) == 0


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
