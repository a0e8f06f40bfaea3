import pymongo
import pytest
from bson.objectid import ObjectId

from plugin_tests.migration.older_server import OlderServer
from slicer_package_manager.cli import database


@pytest.fixture
def older(mongo_uri, db, tmp_path):
    """An older server, in databases of its own on the MongoDB of the tests."""
    with pymongo.MongoClient(mongo_uri, tz_aware=True) as client:
        names = [name for name in client.list_database_names() if name.startswith('older')]
        for name in names:
            client.drop_database(name)
        yield OlderServer(client['older'], tmp_path / 'older')


@pytest.fixture
def in_place(db, tmp_path):
    """An older server whose database is that of this server."""
    from girder.models import getDbConnection
    getDbConnection().drop_database('girder_grid')
    db.assetstore.delete_many({})
    older = OlderServer(db, tmp_path / 'older')
    yield older
    getDbConnection().drop_database(f'{db.name}_grid')


@pytest.fixture
def target(mongo_uri, tmp_path):
    """A new database with a filesystem assetstore: its address, and itself."""
    address = mongo_uri.rpartition('/')[0] + '/migrated'
    with pymongo.MongoClient(address, tz_aware=True) as client:
        client.drop_database('migrated')
        found = client['migrated']
        found['assetstore'].insert_one({'type': 0, 'name': 'files', 'root': str(tmp_path / 'new'), 'perms': 0o600,
                                        'created': ObjectId().generation_time, 'current': True})
        yield database.completed(address), found
        client.drop_database('migrated')
