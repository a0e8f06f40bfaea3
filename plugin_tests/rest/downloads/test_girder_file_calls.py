"""Girder's own calls for files, where packages and extensions promise more."""
import hashlib
import io
import json
import zipfile
from datetime import timedelta

import pytest
from bson.objectid import ObjectId

from plugin_tests.conftest import upload
from slicer_package_manager.registry.storage import file_removal

pytestmark = pytest.mark.database

PACKAGE_TYPES = pytest.mark.parametrize('package_type', ['package', 'extension'])


def sha512(content):
    return hashlib.sha512(content).hexdigest()


@pytest.fixture
def replace(api):
    """Replace the content of a file, in place or, with Girder's form, by a chunked upload."""
    def replacer(file, content):
        started = api.put(f'/file/{file["_id"]}/contents', params={'size': len(content)}).raise_for_status().json()
        if not content:
            return started
        return api.post('/file/chunk', params={'uploadId': started['_id'], 'offset': 0},
                        content=content).raise_for_status().json()
    return replacer


@pytest.fixture
def content(anonymous):
    def download(item, client=anonymous):
        return client.get(f'/item/{item["_id"]}/download').raise_for_status().content
    return download


@PACKAGE_TYPES
def test_a_new_item_has_no_checksum(make, package_type):
    item = make(package_type)
    assert (item['meta']['sha512'], item['size']) == ('', 0)


@PACKAGE_TYPES
def test_the_checksum_is_that_of_the_file(api, make, item_of, package_type):
    item = make(package_type)
    upload(api, item['_id'], b'abc')
    assert item_of(item)['meta']['sha512'] == sha512(b'abc')
    assert item_of(item)['size'] == 3


@PACKAGE_TYPES
def test_an_upload_in_chunks_is_one_file(api, make, item_of, content, found, package_type):
    item = make(package_type)
    api.put('/system/setting', params={'key': 'core.upload_minimum_chunk_size', 'value': 0}).raise_for_status()
    started = api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'x', 'size': 6}).json()
    for offset, part in ((0, b'abc'), (3, b'def')):
        assert found(package_type) == []
        api.post('/file/chunk', params={'uploadId': started['_id'], 'offset': offset}, content=part).raise_for_status()
    assert item_of(item)['meta']['sha512'] == sha512(b'abcdef')
    assert content(item) == b'abcdef'


@PACKAGE_TYPES
def test_an_empty_file_is_a_file(api, make, item_of, content, found, package_type):
    item = make(package_type)
    api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'x', 'size': 0}).raise_for_status()
    assert item_of(item)['meta']['sha512'] == sha512(b'')
    assert (content(item), len(found(package_type))) == (b'', 1)


@PACKAGE_TYPES
def test_a_second_upload_replaces_the_first(api, make, item_of, files_of, content, anonymous, package_type):
    item = make(package_type, content=b'old')
    upload(api, item['_id'], b'newer', name='other.tar.gz')
    for client in (api, anonymous):
        assert [one['name'] for one in files_of(item, client)] == ['other.tar.gz']
    assert item_of(item)['meta']['sha512'] == sha512(b'newer')
    assert item_of(item)['size'] == 5
    assert content(item) == b'newer'


def test_a_third_upload_replaces_the_second(api, make, files_of, item_of):
    item = make('package')
    for part in (b'1', b'22', b'333'):
        upload(api, item['_id'], part)
    assert [one['size'] for one in files_of(item)] == [3]
    assert item_of(item)['size'] == 3


def test_an_unfinished_second_upload_changes_nothing(api, make, files_of, item_of, content):
    item = make('package', content=b'old')
    before = item_of(item)
    api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'x', 'size': 6}).raise_for_status()
    assert item_of(item) == before
    assert (len(files_of(item)), content(item)) == (1, b'old')


def test_sizes_of_folders_stay_right_when_a_file_is_replaced(api, make, db):
    item = make('package', content=b'old')
    upload(api, item['_id'], b'newer')
    assert {one['size'] for one in db['folder'].find({'name': '33000'})} == {5}
    api.delete(f'/item/{item["_id"]}').raise_for_status()
    assert {one['size'] for one in db['folder'].find()} == {0}


@pytest.fixture
def replaced_as_clients_do(api, anonymous, make, files_of, item_of, content):
    """Replace a file as the published client does and collect what readers see after each step."""
    def replacer(package_type):
        item = make(package_type, content=b'old')
        seen = []

        def look():
            seen.append([(one['size'], len(anonymous.get(f'/file/{one["_id"]}/download').content))
                         for one in files_of(item, anonymous)])
        old, = files_of(item)
        new = upload(api, item['_id'], b'newer', name='new_file')
        look()
        checksum_in_between = item_of(item)['meta']['sha512']
        writers = len(files_of(item))
        api.delete(f'/file/{old["_id"]}').raise_for_status()
        look()
        api.put(f'/file/{new["_id"]}', params={'name': 'file.tar.gz'}).raise_for_status()
        look()
        return item, seen, checksum_in_between, writers
    return replacer


@PACKAGE_TYPES
def test_readers_see_one_file_while_a_client_replaces_it(replaced_as_clients_do, files_of, item_of, content,
                                                            package_type):
    item, seen, in_between, writers = replaced_as_clients_do(package_type)
    assert seen == [[(3, 3)], [(5, 5)], [(5, 5)]]
    assert in_between == sha512(b'old')
    assert writers == 2
    assert [one['name'] for one in files_of(item)] == ['file.tar.gz']
    assert item_of(item)['meta']['sha512'] == sha512(b'newer')
    assert (item_of(item)['size'], content(item)) == (5, b'newer')


def test_a_reader_who_was_told_a_file_gets_it_after_its_replacement(api, anonymous, make, files_of):
    item = make('package', content=b'old')
    listed, = files_of(item, anonymous)
    upload(api, item['_id'], b'newer')
    assert anonymous.get(f'/file/{listed["_id"]}/download').content == b'old'


def test_a_reader_who_was_told_a_file_gets_it_after_its_uploader_deleted_it(api, anonymous, make, files_of):
    item = make('package', content=b'old')
    listed, = files_of(item, anonymous)
    upload(api, item['_id'], b'newer', name='new_file')
    api.delete(f'/file/{listed["_id"]}').raise_for_status()
    assert anonymous.get(f'/file/{listed["_id"]}/download').content == b'old'


def test_a_replaced_file_is_as_private_as_its_item(api, anonymous, make, files_of, grant):
    item = make('package', content=b'old')
    listed, = files_of(item)
    upload(api, item['_id'], b'newer')
    grant({'_id': item['folderId']})
    assert anonymous.get(f'/file/{listed["_id"]}/download').status_code == 401


def test_replaced_files_are_removed_after_a_while(api, db, make):
    item = make('package', content=b'old')
    upload(api, item['_id'], b'newer')
    assert db['file'].count_documents({}) == 2
    file_removal.sweep()
    assert db['file'].count_documents({}) == 2
    file_removal.sweep(older_than=timedelta(0))
    assert [one['size'] for one in db['file'].find()] == [5]


@PACKAGE_TYPES
def test_replacing_the_content_keeps_the_ids(make, files_of, item_of, replace, content, package_type):
    item = make(package_type, content=b'old')
    file, = files_of(item)
    replace(file, b'newer')
    assert [one['_id'] for one in files_of(item)] == [file['_id']]
    assert item_of(item)['meta']['sha512'] == sha512(b'newer')
    assert (item_of(item)['_id'], item_of(item)['size'], content(item)) == (item['_id'], 5, b'newer')


def test_the_old_content_is_removed_after_a_while(make, files_of, replace, tmp_path):
    item = make('package', content=b'old content')
    replace(*files_of(item), b'newer')
    file_removal.sweep(older_than=timedelta(0))
    assert [one.read_bytes() for one in tmp_path.rglob('?' * 128)] == [b'newer']


@PACKAGE_TYPES
def test_without_a_file_there_is_no_checksum(api, make, files_of, item_of, found, package_type):
    item = make(package_type, content=b'x')
    api.delete(f'/file/{files_of(item)[0]["_id"]}').raise_for_status()
    assert (item_of(item)['meta']['sha512'], item_of(item)['size']) == ('', 0)
    assert found(package_type) == []


def test_the_remaining_files_checksum_is_told_after_a_removal(api, make, files_of, item_of):
    item = make('package', content=b'old')
    new = upload(api, item['_id'], b'newer', name='new_file')
    api.delete(f'/file/{new["_id"]}').raise_for_status()
    assert item_of(item)['meta']['sha512'] == sha512(b'old')
    assert [one['size'] for one in files_of(item)] == [3]
    assert item_of(item)['size'] == 3


def test_renaming_a_file_changes_nothing_else(api, make, files_of, item_of, content):
    item = make('package', content=b'x')
    before = item_of(item)['meta']
    api.put(f'/file/{files_of(item)[0]["_id"]}', params={'name': 'renamed.tar.gz'}).raise_for_status()
    assert (item_of(item)['meta'], content(item)) == (before, b'x')


@PACKAGE_TYPES
def test_an_item_without_a_file_is_no_empty_archive(api, anonymous, make, package_type):
    item = make(package_type)
    for client in (api, anonymous):
        answer = client.get(f'/item/{item["_id"]}/download')
        assert answer.status_code == 404
        assert 'no file yet' in answer.json()['message']
    assert anonymous.get(f'/item/{item["_id"]}/files').json() == []


def test_files_beside_that_of_a_package_are_listed_by_their_checksum(anonymous, make, db):
    file = db.file.find_one({'itemId': ObjectId(make('package', content=b'abc')['_id'])})
    beside = {**file, '_id': ObjectId(), 'itemId': None, 'attachedToType': 'item', 'attachedToId': file['itemId']}
    of_nothing = {**beside, '_id': ObjectId(), 'attachedToId': ObjectId()}
    of_others = {**beside, '_id': ObjectId(), 'attachedToType': ['job', 'jobs']}
    db.file.insert_many([beside, of_nothing, of_others])
    found = anonymous.get(f'/file/hashsum/sha512/{sha512(b"abc")}').raise_for_status().json()
    assert sorted(one['_id'] for one in found) == sorted([str(file['_id']), str(beside['_id'])])
    db.folder.update_many({}, {'$set': {'public': False}})
    assert anonymous.get(f'/file/hashsum/sha512/{sha512(b"abc")}').json() == []


@PACKAGE_TYPES
def test_the_file_is_found_by_its_checksum(anonymous, make, package_type):
    make(package_type, content=b'abc')
    for name in ('sha512', 'SHA512'):
        for checksum in (sha512(b'abc'), sha512(b'abc').upper()):
            answer = anonymous.get(f'/file/hashsum/{name}/{checksum}/download')
            assert (answer.status_code, answer.content) == (200, b'abc'), (name, checksum[:4])


def test_the_download_is_named_like_the_file(api, anonymous, make):
    item = make('package')
    upload(api, item['_id'], b'abc', name='Slicer-5.8.tar.gz')
    answer = anonymous.get(f'/item/{item["_id"]}/download')
    assert 'filename="Slicer-5.8.tar.gz"' in answer.headers['Content-Disposition']
    assert answer.headers['Content-Length'] == '3'


@PACKAGE_TYPES
def test_saving_old_metadata_does_not_bring_the_old_checksum_back(api, make, item_of, package_type):
    item = make(package_type, content=b'old')
    upload(api, item['_id'], b'newer')
    api.put(f'/item/{item["_id"]}/metadata', json={'sha512': 'f' * 128}).raise_for_status()
    assert item_of(item)['meta']['sha512'] == sha512(b'newer')
    api.delete(f'/item/{item["_id"]}/metadata', params={'fields': '["sha512"]'}).raise_for_status()
    assert item_of(item)['meta']['sha512'] == sha512(b'newer')


def test_others_items_keep_all_their_files(api, anonymous, app):
    item = api.post('/item', params={'folderId': app['_id'], 'name': 'notes'}).json()
    for name in ('a', 'b', 'new_file'):
        upload(api, item['_id'], name.encode(), name=name)
    assert [one['name'] for one in anonymous.get(f'/item/{item["_id"]}/files').json()] == ['a', 'b', 'new_file']
    with zipfile.ZipFile(io.BytesIO(anonymous.get(f'/item/{item["_id"]}/download').content)) as archive:
        assert len(archive.namelist()) == 3
    assert 'sha512' not in api.get(f'/item/{item["_id"]}').json()['meta']


def test_others_empty_items_are_empty_archives_as_ever(api, anonymous, app):
    item = api.post('/item', params={'folderId': app['_id'], 'name': 'notes'}).json()
    assert anonymous.get(f'/item/{item["_id"]}/download').status_code == 200


@PACKAGE_TYPES
def test_a_private_things_files_are_private(anonymous, ready, grant, files_of, package_type):
    item = ready(package_type)
    file, = files_of(item)
    grant({'_id': item['folderId']})
    for path in (f'/item/{item["_id"]}/files', f'/item/{item["_id"]}/download', f'/file/{file["_id"]}/download'):
        assert anonymous.get(path).status_code == 401, path


@pytest.mark.parametrize('item_id', ['x', '5f4474d0e1d8c75dfc705482', '%00', 'a' * 300])
@pytest.mark.parametrize('call', ['files', 'download'])
def test_an_unknown_item_is_no_failure_of_the_server(anonymous, db, item_id, call):
    answer = anonymous.get(f'/item/{item_id}/{call}')
    assert 400 <= answer.status_code < 500
    assert 'message' in answer.json()


def test_api_keys_upload(api, login, app, item_of, make):
    scope = json.dumps(['core.data.read', 'core.data.write'])
    key = api.post('/api_key', params={'name': 'bot', 'scope': scope}).json()
    token = login().post('/api_key/token', params={'key': key['key']}).json()['authToken']['token']
    client = login()
    client.headers['Girder-Token'] = token
    item = make('package', client=client, content=b'abc')
    assert item_of(item)['meta']['sha512'] == sha512(b'abc')
