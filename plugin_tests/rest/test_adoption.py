"""What is in the database already when the server starts: violations of identities, and older data."""
import logging

import pytest
from bson.objectid import ObjectId

from plugin_tests.conftest import EXTENSION_FORM, PACKAGE_FORM, upload
from slicer_package_manager.registry import adoption, indexes

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


@pytest.fixture
def older(db, api, app, make, make_release):
    """An application as a server without registrations stored it, with a package and an extension of both sorts."""
    make_release('5.8', '34000')
    for kind, revision in (('package', 'revision'), ('extension', 'app_revision')):
        for value in ('33000', '34000'):
            upload(api, make(kind, **{revision: value})['_id'], b'x')
    for name in ('item', 'folder', 'collection'):
        db[name].update_many({}, {'$unset': {'spm': ''}})
    return app


def lists(client, app):
    return {kind: sorted(one['name'] for one in client.get(f'/app/{app["_id"]}/{kind}').raise_for_status().json())
            for kind in ('release', 'draft', 'package', 'extension')}


def test_an_application_without_registrations_is_adopted(anonymous, older):
    assert anonymous.get('/app').json() == []
    assert adoption.adopt() == 1
    assert [one['_id'] for one in anonymous.get('/app').json()] == [older['_id']]
    assert lists(anonymous, older) == {
        'release': ['5.8'], 'draft': ['33000'],
        'package': ['Slicer_linux_amd64_33000', 'Slicer_linux_amd64_34000'],
        'extension': ['33000_SlicerIGT_linux_amd64_ab12cd3', '34000_SlicerIGT_linux_amd64_ab12cd3']}


def test_adopted_things_are_found_and_updated_like_new_ones(anonymous, api, older, make):
    adoption.adopt()
    for kind in ('package', 'extension'):
        before = lists(api, older)[kind]
        make(kind)
        assert lists(api, older)[kind] == before
    assert len(anonymous.get(f'/app/{older["_id"]}/extension', params={'release_id': '5.8', 'q': 'igt'}).json()) == 1


def test_adopting_again_adopts_nothing(older):
    assert adoption.adopt() == 1
    assert adoption.adopt() == 0


def test_values_of_older_things_are_brought_into_form(db, anonymous, older):
    db['item'].update_many({'meta.tier': {'$exists': False}, 'name': {'$regex': 'SlicerIGT'}}, {'$set': {
        'meta.tier': '3', 'meta.icon_url': None, 'meta.enabled': 'True', 'meta.description': 'a\nb'}})
    db['item'].update_many({'name': {'$regex': '^Slicer_'}}, {'$unset': {'meta.pre_release': ''}})
    adoption.adopt()
    for item in anonymous.get(f'/app/{older["_id"]}/extension').json():
        assert (item['meta']['tier'], item['meta']['enabled'], item['meta']['description']) == (3, True, 'a b')
        assert 'icon_url' not in item['meta']
    for item in anonymous.get(f'/app/{older["_id"]}/package').json():
        assert item['meta']['pre_release'] is False


@pytest.mark.parametrize('broken', [
    {'meta.os': 'beos'}, {'meta.color': 'red'}, {'meta.version': ['5.8']}, {'meta.repository_url': 'javascript:x'}])
def test_an_invalid_older_package_is_named_in_the_log_and_not_listed(db, anonymous, older, caplog, broken):
    item = db['item'].find_one({'name': 'Slicer_linux_amd64_33000'})
    db['item'].update_one({'_id': item['_id']}, {'$set': broken})
    with caplog.at_level(logging.ERROR, logger='slicer_package_manager'):
        assert adoption.adopt() == 1
    assert str(item['_id']) in caplog.text
    assert next(iter(broken)).removeprefix('meta.') in caplog.text
    assert lists(anonymous, older)['package'] == ['Slicer_linux_amd64_34000']
    assert db['item'].find_one({'_id': item['_id']})['name'] == item['name']


def test_older_twins_are_named_in_the_log_and_one_is_listed(db, anonymous, older, caplog):
    twin(db, 'item', {'name': 'Slicer_linux_amd64_33000'}, name='Slicer again')
    with caplog.at_level(logging.ERROR, logger='slicer_package_manager'):
        adoption.adopt()
    assert 'is not listed' in caplog.text
    assert len(lists(anonymous, older)['package']) == 2


def test_an_application_with_a_dangerous_template_is_named_and_not_listed(db, anonymous, older, caplog):
    db['folder'].update_one({'_id': ObjectId(older['_id'])},
                            {'$set': {'meta.applicationPackageNameTemplate': '{baseName.__class__}'}})
    with caplog.at_level(logging.ERROR, logger='slicer_package_manager'):
        adoption.adopt()
    assert older['_id'] in caplog.text
    assert anonymous.get('/app').json() == []


def test_folders_that_are_no_applications_are_left_alone(db, api):
    mine = api.post('/collection', params={'name': 'Mine'}).json()
    packages = api.post('/folder', params={'parentType': 'collection', 'parentId': mine['_id'],
                                           'name': 'packages'}).json()
    api.post('/folder', params={'parentId': packages['_id'], 'name': 'draft'}).raise_for_status()
    db['folder'].update_many({}, {'$unset': {'spm': ''}})
    before = list(db['folder'].find())
    assert adoption.adopt() == 0
    assert list(db['folder'].find()) == before


def test_an_item_with_unusable_metadata_elsewhere_is_left_alone(db, api, older):
    mine = api.post('/collection', params={'name': 'Mine'}).json()
    folder = api.post('/folder', params={'parentType': 'collection', 'parentId': mine['_id'], 'name': 'x'}).json()
    item = api.post('/item', params={'folderId': folder['_id'], 'name': 'x'}).json()
    db['item'].update_one({'_id': ObjectId(item['_id'])}, {'$set': {'meta': {**EXTENSION_FORM, 'os': []}}})
    before = db['item'].find_one({'_id': ObjectId(item['_id'])})
    adoption.adopt()
    assert db['item'].find_one({'_id': ObjectId(item['_id'])}) == before
