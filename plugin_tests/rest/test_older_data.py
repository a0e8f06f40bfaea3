"""Data of the older plugin that is in the database when a server or a command starts: refused, and left as it is."""
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import bson
import pymongo
import pytest
from bson.objectid import ObjectId
from click import ClickException

from plugin_tests import commands, servers
from plugin_tests.conftest import upload
from slicer_package_manager.plugin import SlicerPackageManagerPlugin
from slicer_package_manager.registry.schema.errors import UnusableDatabaseError
from slicer_package_manager.registry.tree import older_data

pytestmark = pytest.mark.database

COMMAND = 'slicer-package-manager migrate girder --in-place'
TEMPLATES = {'applicationPackageNameTemplate': '{baseName}_{os}_{arch}_{revision}',
             'extensionPackageNameTemplate': '{app_revision}_{baseName}_{os}_{arch}_{revision}'}


def documents(database):
    """All that is in ``database``, byte for byte: documents, collections, and indexes."""
    return {name: (sorted(bson.encode(one) for one in database[name].find()), database[name].index_information())
            for name in database.list_collection_names()}


def files(directory):
    return {str(path): path.read_bytes() if path.is_file() else None for path in directory.rglob('*')}


def raw_application(database, **app):
    """An application as the older plugin stores it, with a draft, a release and a package in each."""
    def folder(name, parent, **fields):
        found = {'_id': ObjectId(), 'name': name, 'lowerName': name.lower(), 'parentId': parent, 'public': True,
                 'parentCollection': 'folder', 'baseParentType': 'collection', 'baseParentId': top,
                 'meta': {}, **fields}
        database['folder'].insert_one(found)
        return found['_id']
    top = ObjectId()
    database['collection'].insert_one({'_id': top, 'name': 'Applications', 'public': True})
    packages = folder('packages', top, parentCollection='collection')
    one = folder('Slicer', packages, **{'meta': TEMPLATES, **app})
    draft = folder('draft', one, meta={'downloadStats': {'33000': {'applications': {'linux': {'amd64': 3}}}}})
    for place, revision in ((folder('33000', draft, meta={'revision': '33000'}), '33000'),
                            (folder('5.8', one, meta={'revision': '34000'}), '34000')):
        name = f'Slicer_linux_amd64_{revision}'
        database['item'].insert_one({'_id': ObjectId(), 'name': name, 'folderId': place, 'meta': {
            'app_id': str(one), 'baseName': 'Slicer', 'os': 'linux', 'arch': 'amd64', 'revision': revision,
            'repository_type': 'git', 'repository_url': 'NA', 'version': '5.8', 'pre_release': False}})
    return one


@pytest.fixture
def elsewhere(mongo_uri, tmp_path):
    """A database of its own on the server of the tests, with its URI: without a collection, and without an index."""
    with pymongo.MongoClient(mongo_uri) as client:
        database = client.get_database(f'older_{ObjectId()}')
        yield database, mongo_uri.replace('/girder', f'/{database.name}')
        client.drop_database(database.name)


@pytest.fixture
def serve(tmp_path):
    with servers.starter(tmp_path) as start:
        yield start


def test_serve_refuses_an_older_database_and_writes_nothing(serve, elsewhere, tmp_path):
    database, uri = elsewhere
    app = raw_application(database)
    store = tmp_path / 'store'
    (store / 'ab').mkdir(parents=True)
    (store / 'ab' / 'file').write_bytes(b'bytes')
    database['assetstore'].insert_one({'name': 'files', 'type': 0, 'root': str(store), 'current': True})
    before = documents(database), files(store)
    server = serve('--database', uri, data_dir=tmp_path / 'data')
    servers.poll(lambda: server.exit_code is not None, 'the server has ended')
    assert server.exit_code == 1
    assert server.url is None
    for part in (COMMAND, '--dry-run', older_data.PAGE, '"Slicer"', str(app), 'Nothing was changed'):
        assert part in server.errors
    assert 'Traceback' not in server.errors
    assert (documents(database), files(store)) == before


@pytest.mark.parametrize('args', [
    ('account', 'list'), ('account', 'reset', 'admin'), ('doctor', '--fix'), ('links', 'check'), ('backup', 'OUT'),
    ('key', 'list'), ('key', 'create', 'admin', '--name', 'x')], ids=' '.join)
def test_commands_refuse_an_older_database_and_write_nothing(elsewhere, tmp_path, args):
    database, uri = elsewhere
    raw_application(database)
    before = documents(database)
    ended = commands.run(*(str(tmp_path / 'backups') if one == 'OUT' else one for one in args), '--database', uri)
    assert ended.returncode in (1, 2), ended.stderr
    assert COMMAND in ended.stderr
    assert 'Traceback' not in ended.stderr
    assert documents(database) == before


def test_girder_refuses_to_start_with_one_sentence(elsewhere, tmp_path):
    database, uri = elsewhere
    raw_application(database)
    before = {name: found for name, (found, _) in documents(database).items()}
    ended = subprocess.run(
        [Path(sys.executable).with_name('girder'), 'serve', '--mode', 'production', '--port', '0', '--database', uri],
        env={**os.environ, 'GIRDER_MONGO_URI': uri}, cwd=tmp_path, capture_output=True, text=True, timeout=300,
        check=False)
    assert ended.returncode != 0
    assert COMMAND in ended.stderr
    assert 'Traceback' not in ended.stderr
    after = {name: found for name, (found, _) in documents(database).items() if found}
    assert after == before
    # Girder itself creates the indexes of its models before it loads a plugin; none is ours.
    assert not [index for _, indexes in documents(database).values() for index in indexes if 'spm' in index]


def test_the_plugin_is_not_loaded_on_an_older_database(db):
    raw_application(db)
    before = documents(db)
    with pytest.raises(ClickException, match='has not been migrated'):
        SlicerPackageManagerPlugin(SimpleNamespace(name='x', value='slicer_package_manager:x')).load({})
    assert documents(db) == before


@pytest.fixture
def filled(db, api, app, make, make_release):
    """Our own data of all sorts."""
    make_release('5.8', '34000')
    for package_type, revision in (('package', 'revision'), ('extension', 'app_revision')):
        for value in ('33000', '34000'):
            upload(api, make(package_type, **{revision: value})['_id'], b'x')
    make('extension', baseName='WithoutFile')
    return app


def is_older(db):
    before = documents(db)
    try:
        older_data.require_none(db)
    except UnusableDatabaseError:
        return True
    finally:
        assert documents(db) == before
    return False


@pytest.mark.parametrize('app', [
    pytest.param({}, id='as it is'),
    pytest.param({'meta': {'extensionPackageNameTemplate': '{baseName}'}}, id='one template'),
    pytest.param({'meta': {'applicationPackageNameTemplate': '{nonsense'}}, id='unusable template'),
    pytest.param({'public': False}, id='private')])
def test_what_the_older_plugin_stores_is_recognized(db, app):
    raw_application(db, **app)
    assert is_older(db)


def test_an_older_application_without_anything_in_it_is_recognized(db):
    raw_application(db)
    db['item'].delete_many({})
    assert is_older(db)


def test_one_older_application_among_ours_is_recognized(db, filled):
    raw_application(db)
    with pytest.raises(UnusableDatabaseError) as caught:
        older_data.require_none(db)
    assert filled['_id'] not in str(caught.value)


def test_a_database_of_ours_is_not_older(db, filled):
    assert not is_older(db)


def test_an_empty_database_is_not_older(db):
    assert not is_older(db)


def make_folder(api, parent, name, parent_type='folder', **meta):
    made = api.post('/folder', params={'parentType': parent_type, 'parentId': parent['_id'], 'name': name}).json()
    if meta:
        api.put(f'/folder/{made["_id"]}/metadata', json=meta).raise_for_status()
    return made


def test_what_administrators_make_by_hand_is_not_older(db, api, filled):
    mine = api.post('/collection', params={'name': 'Mine'}).json()
    packages = make_folder(api, mine, 'packages', 'collection')
    make_folder(api, packages, 'photos', color='red')
    make_folder(api, packages, 'draft', revision='1')
    make_folder(api, packages, 'Application', **TEMPLATES)
    other = make_folder(api, mine, 'other', 'collection')
    make_folder(api, make_folder(api, other, 'packages'), 'Slicer', **TEMPLATES)
    make_folder(api, other, 'Templates', **TEMPLATES)
    make_folder(api, {'_id': filled['_id']}, 'archive')
    assert not is_older(db)


def test_packages_that_were_put_aside_are_not_older(db, api, filled):
    """They keep their metadata where they are no packages: below the application, and elsewhere."""
    archive = make_folder(api, {'_id': filled['_id']}, 'archive')
    mine = api.post('/collection', params={'name': 'Mine'}).json()
    for place, item in zip((archive, make_folder(api, mine, 'x', 'collection')), db['item'].find(), strict=False):
        api.put(f'/item/{item["_id"]}', params={'folderId': place['_id']}).raise_for_status()
        assert 'spm' not in db['item'].find_one({'_id': item['_id']})
    assert not is_older(db)


@pytest.mark.parametrize('broken', [{'meta.os': 'beos'}, {'meta.color': 'red'}, {'meta.version': ['5.8']}])
def test_items_that_no_list_can_show_do_not_prevent_a_start(db, filled, broken):
    item = db['item'].find_one({'spm.kind': 'package'})
    db['item'].update_one({'_id': item['_id']}, {'$set': broken, '$unset': {'spm': ''}})
    assert not is_older(db)


def test_the_second_item_of_an_identity_does_not_prevent_a_start(db, filled):
    twin = {**db['item'].find_one({'spm.kind': 'package'}), '_id': ObjectId(), 'name': 'Slicer again'}
    del twin['spm']
    db['item'].insert_one(twin)
    assert not is_older(db)


def test_a_release_does_not_come_back_with_something_unusable(db, api, make, make_release):
    release = make_release('5.8', '34000')
    for name in ('A', 'B', 'C'):
        make('package', revision='34000', baseName=name)
    mine = api.post('/collection', params={'name': 'Mine'}).json()
    away = make_folder(api, mine, 'x', 'collection')
    app = db['folder'].find_one({'_id': ObjectId(release['_id'])})['parentId']
    api.put(f'/folder/{release["_id"]}', params={'parentId': away['_id'], 'parentType': 'folder'}).raise_for_status()
    db['item'].update_one({'meta.baseName': 'A'}, {'$set': {'meta.os': 'beos'}})
    answer = api.put(f'/folder/{release["_id"]}', params={'parentId': str(app), 'parentType': 'folder'})
    assert (answer.status_code, 'beos' in answer.json()['message']) == (400, True)
    assert db['item'].count_documents({'spm.kind': 'package'}) == 0
    assert db['folder'].find_one({'_id': ObjectId(release['_id'])})['parentId'] == ObjectId(away['_id'])
    assert not is_older(db)
