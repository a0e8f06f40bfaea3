"""Databases without transactions are refused by whatever uses one."""
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pymongo
import pytest

from plugin_tests import commands, mongodb, servers
from slicer_package_manager.registry import usable
from slicer_package_manager.registry.schema.errors import UnusableDatabaseError
from slicer_package_manager.registry.server import replica_set

RESTART, INITIATE = 'mongod --replSet slicer-packages', "mongosh --eval 'rs.initiate()'"


class Answering:
    """A client of a MongoDB that answers with ``state``."""

    def __init__(self, **state):
        self.client = SimpleNamespace(admin=SimpleNamespace(command=lambda name: {'hello': state}[name]))


@pytest.mark.parametrize('state', [{'setName': 'rs0'}, {'msg': 'isdbgrid'}], ids=['member', 'router'])
def test_transactions_are_there(state):
    replica_set.require(Answering(isWritablePrimary=True, **state))


@pytest.mark.parametrize('state', [{}, {'isreplicaset': True, 'msg': 'other'}], ids=['standalone', 'not initiated'])
def test_the_message_has_the_two_commands(state):
    with pytest.raises(UnusableDatabaseError) as caught:
        replica_set.require(Answering(isWritablePrimary=True, **state))
    assert RESTART in str(caught.value)
    assert INITIATE in str(caught.value)


@pytest.fixture(scope='module')
def standalone():
    with mongodb.standalone() as uri:
        yield uri


def names(uri):
    with pymongo.MongoClient(uri) as client:
        return client.get_database().list_collection_names()


@pytest.mark.process
def test_a_real_standalone_is_refused(standalone):
    with pymongo.MongoClient(standalone) as client, pytest.raises(
            UnusableDatabaseError, match='not a replica set'):
        usable.require(client.get_database())


@pytest.mark.process
def test_serve_refuses_it_and_writes_nothing(standalone, tmp_path):
    with servers.starter(tmp_path) as start:
        server = start('--database', standalone)
        assert server.ended() == 1
        errors = server.errors
    for part in (RESTART, INITIATE):
        assert part in errors
    assert 'Traceback' not in errors
    assert names(standalone) == []


@pytest.mark.process
def test_commands_refuse_it(standalone):
    ended = commands.run('account', 'list', '--database', standalone)
    assert ended.returncode == 1
    assert RESTART in ended.stderr
    assert 'Traceback' not in ended.stderr


@pytest.fixture
def not_initiated():
    """The URI of a MongoDB between the two commands."""
    with mongodb.standalone(*mongodb.SET) as uri:
        yield f'{uri}?serverSelectionTimeoutMS=2000'


@pytest.mark.process
def test_one_that_is_not_initiated_is_refused_with_the_missing_command(not_initiated, tmp_path):
    with servers.starter(tmp_path) as start:
        server = start('--database', not_initiated)
        assert server.ended() == 1
        errors = server.errors
    ended = commands.run('account', 'list', '--database', not_initiated)
    assert ended.returncode == 1
    for shown in (errors, ended.stderr):
        assert f'was not initiated: once run `{INITIATE}`' in shown
        assert RESTART not in shown
        assert 'Traceback' not in shown


@pytest.mark.process
def test_commands_report_a_wrong_password_as_such(standalone):
    ended = commands.run('account', 'list', '--database', standalone.replace('://', '://admin:wrong@'))
    assert ended.returncode == 1
    assert 'cannot be used: Authentication failed' in ended.stderr
    assert 'Traceback' not in ended.stderr


@pytest.mark.process
def test_girder_refuses_it(standalone, tmp_path):
    ended = subprocess.run(
        [Path(sys.executable).with_name('girder'), 'serve', '--mode', 'production', '--port', '0',
         '--database', standalone],
        env={**os.environ, 'GIRDER_MONGO_URI': standalone}, cwd=tmp_path, capture_output=True, text=True, timeout=300,
        check=False)
    assert ended.returncode != 0
    assert RESTART in ended.stderr
    assert 'Traceback' not in ended.stderr
