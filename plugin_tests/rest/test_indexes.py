"""What is in the database already when the server starts and violates identities."""
import pytest
from bson.objectid import ObjectId

from plugin_tests.conftest import PACKAGE_FORM
from slicer_package_manager.registry import indexes

pytestmark = pytest.mark.database


@pytest.fixture
def without_index(db):
    """Drop indexes; they are there again afterwards."""
    def drop(collection, name):
        db[collection].drop_index(name)
    yield drop
    for name in ('item', 'folder', 'collection'):
        db[name].delete_many({})
    indexes.ensure()


def twin(db, collection, query, **changes):
    document = {**db[collection].find_one(query), '_id': ObjectId(), **changes}
    db[collection].insert_one(document)
    return document


@pytest.mark.parametrize(('collection', 'index', 'query', 'changes'), [
    pytest.param('item', indexes.ITEM_IDENTITY, {'spm.kind': 'package'}, {'name': 'Another name'}, id='package'),
    pytest.param('item', indexes.ITEM_IDENTITY, {'spm.kind': 'extension'}, {'name': 'Another name'}, id='extension'),
    pytest.param('folder', indexes.RELEASE_NAME, {'spm.role': 'release'}, {
        'name': '5.8 ', 'spm.revision': 'other'}, id='release name'),
    pytest.param('folder', indexes.CHANNEL_REVISION, {'spm.role': 'release'}, {
        'name': '5.9', 'lowerName': '5.9'}, id='revision of releases'),
    pytest.param('folder', indexes.CHANNEL_REVISION, {'spm.role': 'revision'}, {
        'name': '33001', 'lowerName': '33001'}, id='revision of drafts'),
    pytest.param('collection', indexes.COLLECTION_NAME, {'spm.role': 'collection'}, {}, id='collection')])
def test_duplicates_are_refused_at_start_by_name(db, make, make_release, without_index, collection, index, query,
                                                 changes):
    make_release('5.8', '34000')
    make('package')
    make('extension')
    # The names that Girder itself keeps apart are not what is tested here.
    for name in (index, indexes.ITEM_NAME, indexes.FOLDER_NAME):
        if name in db[collection].index_information():
            without_index(collection, name)
    original = db[collection].find_one(query)
    place = {key.removeprefix('spm.'): value for key, value in changes.items() if key.startswith('spm.')}
    changes = {key: value for key, value in changes.items() if not key.startswith('spm.')}
    second = twin(db, collection, query, **changes, spm={**original['spm'], **place})
    with pytest.raises(RuntimeError) as caught:
        indexes.ensure()
    message = str(caught.value)
    assert str(original['_id']) in message
    assert str(second['_id']) in message
    assert original['name'] in message
    assert 'must be unique' in message


def test_ensuring_again_changes_nothing(db):
    before = db['item'].index_information()
    indexes.ensure()
    assert db['item'].index_information() == before


def test_an_index_of_the_same_name_with_other_keys_is_replaced(db, without_index):
    without_index('item', indexes.ITEM_IDENTITY)
    db['item'].create_index('description', name=indexes.ITEM_IDENTITY)
    indexes.ensure()
    assert db['item'].index_information()[indexes.ITEM_IDENTITY]['unique'] is True
    assert indexes.missing() == []


def test_strangers_with_equal_names_are_no_violation(db, api):
    mine = api.post('/collection', params={'name': 'Mine'}).json()
    for collection, keys in (('item', {'folderId': ObjectId()}), ('folder', {'parentId': ObjectId(mine['_id'])})):
        db[collection].insert_many([{'name': 'same', 'meta': dict(PACKAGE_FORM), **keys} for _ in range(2)])
    indexes.ensure()
    for collection in ('item', 'folder'):
        db[collection].delete_many({'name': 'same'})
