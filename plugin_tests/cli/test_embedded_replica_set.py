"""The embedded database is a replica set of one member, whatever its data directory was before."""
import contextlib
import subprocess

import pymongo
import pytest

from plugin_tests import mongodb
from plugin_tests.ports import free_ports
from plugin_tests.waiting import PATIENCE
from slicer_package_manager.cli import connection, database, replica_set
from slicer_package_manager.cli.data_dir import DataDir

pytestmark = pytest.mark.process

MEMBER = ('--replSet', database.REPLICA_SET)


@contextlib.contextmanager
def mongod_by_hand(data, *args, end=subprocess.Popen.terminate):
    """A mongod with ``args`` on the database of a server that does not run, and a client of it."""
    data.create(data.database, data.log.parent)
    port, = free_ports(1)
    process = subprocess.Popen([
        mongodb.executable(), '--dbpath', str(data.database), '--bind_ip', '127.0.0.1', '--port', str(port),
        '--nounixsocket', '--logpath', str(data.log), *args], stdout=subprocess.DEVNULL)
    try:
        mongodb.wait(port, process, data.log)
        with pymongo.MongoClient('127.0.0.1', port, directConnection=True) as client:
            yield client
    finally:
        end(process)
        process.wait(PATIENCE)


@pytest.fixture
def data(tmp_path):
    """The data directory of an earlier version: its database is a standalone."""
    found = DataDir(tmp_path / 'data')
    with mongod_by_hand(found) as client:
        client.girder.user.insert_one({'login': 'admin'})
        assert 'setName' not in client.admin.command('hello')
    return found


def assert_member(data):
    """The commands find a replica set with the data, and can use transactions."""
    with connection._own(data) as uri, pymongo.MongoClient(uri) as client:
        state = client.admin.command('hello')
        assert (state['setName'], state['isWritablePrimary']) == (database.REPLICA_SET, True)
        with client.start_session() as session, session.start_transaction():
            client.girder.user.update_one({'login': 'admin'}, {'$inc': {'starts': 1}}, session=session)
        return client.girder.user.find_one({'login': 'admin'})['starts']


def test_a_standalone_is_converted_and_keeps_its_data(data):
    assert [assert_member(data), assert_member(data)] == [1, 2]


def test_a_new_database_is_a_replica_set_whose_snapshots_last_long_enough_for_a_backup(tmp_path):
    window = 'minSnapshotHistoryWindowInSeconds'
    with connection._own(DataDir(tmp_path / 'new')) as uri, pymongo.MongoClient(uri) as client:
        assert client.admin.command('hello')['setName'] == database.REPLICA_SET
        assert client.admin.command({'getParameter': 1, window: 1})[window] >= 3600


def test_a_conversion_that_was_interrupted_before_the_set_was_initiated_is_finished(data):
    with mongod_by_hand(data, *MEMBER, end=subprocess.Popen.kill) as client:
        assert not client.admin.command('hello')['isWritablePrimary']
    assert assert_member(data) == 1


def test_a_conversion_that_was_interrupted_right_after_is_finished(data):
    with mongod_by_hand(data, *MEMBER, end=subprocess.Popen.kill) as client:
        replica_set.ensure(client, f'127.0.0.1:{client.address[1]}')
    assert assert_member(data) == 1


def test_a_data_directory_that_was_moved_is_used(data):
    assert assert_member(data) == 1
    moved = data.path.with_name('moved')
    data.path.rename(moved)
    assert assert_member(DataDir(moved)) == 2


def test_the_way_back_to_a_standalone(data):
    """As an earlier version starts it; ``docs/how-to/upgrade.md`` says so."""
    assert assert_member(data) == 1
    with mongod_by_hand(data) as client:
        client.girder.user.update_one({'login': 'admin'}, {'$inc': {'starts': 1}})
    assert assert_member(data) == 3


def test_the_journal_is_small(data):
    assert_member(data)
    assert sum(file.stat().st_size for file in (data.database / 'journal').iterdir()) < 25e6
