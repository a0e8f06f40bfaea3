import pytest

from plugin_tests import mariadb
from plugin_tests.migration.midas import older_midas, sql


@pytest.fixture(scope='session')
def mariadb_socket():
    if mariadb.executable() is None:
        pytest.skip('mariadbd is not installed (Debian packages mariadb-server-core and mariadb-client-core)')
    with mariadb.running() as socket:
        yield socket


@pytest.fixture
def restored_midas(mariadb_socket):
    """Write the tables of a MIDAS database to MariaDB; gives its address."""
    def restore(midas, name='midas'):
        with mariadb.connected(mariadb_socket) as connection, connection.cursor() as cursor:
            for statement, rows in sql.statements(midas, name):
                cursor.executemany(statement, rows) if rows else cursor.execute(statement)
        return f'mysql://root@localhost/{name}?unix_socket={mariadb_socket}'
    return restore


@pytest.fixture
def target(target):
    """A new database with an administrator and an assetstore: its address, and itself."""
    target[1]['user'].insert_one({'login': 'admin', 'email': 'admin@example.org', 'admin': True,
                                  'created': older_midas.DAY})
    return target
