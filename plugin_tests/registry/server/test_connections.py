"""Transactions work on a database that was starting when the connections were made."""
import pytest
from girder.models import getDbConnection
from girder.models.folder import Folder
from pymongo.errors import AutoReconnect, ConfigurationError
from pymongo.server_selectors import any_server_selector

from slicer_package_manager.registry.server import connections, database_outage, transactions

pytestmark = pytest.mark.database
UNSUPPORTED = 'Sessions are not supported by this MongoDB deployment'


def pooled():
    """The connections that no operation uses now."""
    servers = getDbConnection()._topology.select_servers(any_server_selector, 'test')
    return [connection for server in servers for connection in server.pool.conns]


@pytest.fixture
def starting(db):
    """The connections are as those that were made before the database had a primary."""
    getDbConnection().admin.command('ping')
    found = pooled()
    for connection in found:
        connection.supports_sessions = False
    assert found
    return found


def test_a_transaction_leaves_connections_without_sessions(starting):
    folder = {'parentId': None, 'parentCollection': 'collection', 'name': 'a', 'lowerName': 'a'}
    transactions.run(lambda: transactions.joined(Folder().collection).insert_one(folder))
    assert Folder().collection.count_documents({'_id': folder['_id']}) == 1
    assert not set(pooled()) & set(starting)


def test_such_a_connection_fails_by_itself(starting):
    with getDbConnection().start_session() as session, pytest.raises(ConfigurationError, match=UNSUPPORTED):
        Folder().collection.find_one({}, session=session)


def test_a_database_that_has_no_sessions_in_time_is_an_outage(db):
    def fails():
        raise ConfigurationError(UNSUPPORTED)
    with pytest.raises(AutoReconnect) as raised:
        connections.with_sessions(fails, 0)
    assert database_outage.passes(raised.value)


def test_other_errors_are_those_of_the_program():
    def fails():
        raise ConfigurationError('Unknown option')
    with pytest.raises(ConfigurationError, match='Unknown option'):
        connections.with_sessions(fails, 60)
