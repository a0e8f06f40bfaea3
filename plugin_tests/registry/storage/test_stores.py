"""Another type of object store: one class, and one line that registers it."""
import hashlib
from datetime import timedelta

import pytest

from plugin_tests.conftest import upload

pytestmark = pytest.mark.database

CONTENT = bytes(range(256)) * 40_000


@pytest.fixture
def memory(db, monkeypatch):
    from girder.utility import assetstore_utilities

    from plugin_tests.registry.storage import memory
    yield memory.use(monkeypatch)
    assetstore_utilities.removeAssetstoreAdapter(memory.TYPE)


@pytest.fixture
def begin(api):
    def begin(item):
        return api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'f.zip',
                                         'size': len(CONTENT)}).raise_for_status().json()['_id']
    return begin


def send(api, begun, start, stop):
    return api.post('/file/chunk', params={'uploadId': begun, 'offset': start}, content=CONTENT[start:stop],
                    headers={'Content-Type': 'application/octet-stream'}).raise_for_status().json()


def content(client, item, **headers):
    return client.get(f'/item/{item["_id"]}/download', headers=headers).raise_for_status().content


def sweep():
    from slicer_package_manager.registry.storage import file_removal
    file_removal.sweep(timedelta(0))


def test_a_package_is_uploaded_in_chunks_listed_and_downloaded(api, anonymous, app, make, begin, memory):
    item = make('package')
    begun = begin(item)
    send(api, begun, 0, 6_000_000)
    assert api.get('/file/offset', params={'uploadId': begun}).json() == {'offset': 6_000_000}
    file = send(api, begun, 6_000_000, None)
    assert file['sha512'] == hashlib.sha512(CONTENT).hexdigest()
    (listed,) = anonymous.get(f'/app/{app["_id"]}/package').json()
    assert listed['meta']['sha512'] == file['sha512']
    assert content(anonymous, item) == CONTENT
    assert content(anonymous, item, Range='bytes=5-9') == CONTENT[5:10]
    assert (list(memory.objects.values()), memory.parts) == ([CONTENT], {})
    counted = anonymous.get(f'/app/{app["_id"]}/downloadstats', params={'limit': 0}).json()
    assert [row['count'] for row in counted] == [1]


def test_an_empty_file_is_one_too(anonymous, api, make, memory):
    item = make('package')
    upload(api, item['_id'], b'')
    assert content(anonymous, item) == b''


def test_new_content_and_a_deletion_leave_nothing(api, app, make, memory):
    item = make('package', content=b'old')
    upload(api, item['_id'], b'new')
    assert content(api, item) == b'new'
    sweep()
    assert list(memory.objects.values()) == [b'new']
    api.delete(f'/app/{app["_id"]}/package/{item["_id"]}').raise_for_status()
    sweep()
    assert memory.objects == {}


def test_content_that_moves_to_another_store_has_none_of_its_fields(api, make, db, memory):
    item = make('package', content=b'content')
    file, files = db.file.find_one({}), db.assetstore.find_one({'name': 'files'})
    api.put(f'/file/{file["_id"]}/move', params={'assetstoreId': str(files['_id'])}).raise_for_status()
    sweep()
    moved = db.file.find_one({'_id': file['_id']})
    assert ('memoryKey' in moved, 'path' in moved, memory.objects) == (False, True, {})
    assert content(api, item) == b'content'


def test_an_upload_that_is_cancelled_leaves_nothing(api, make, begin, memory):
    begun = begin(make('package'))
    send(api, begun, 0, 6_000_000)
    api.delete(f'/file/upload/{begun}').raise_for_status()
    assert (memory.objects, memory.parts) == ({}, {})


def test_what_is_wrong_with_it_is_in_the_health_check_and_in_answers(api, anonymous, app, make, memory, monkeypatch):
    item = make('package', content=b'content')
    monkeypatch.setattr(memory, 'failure', 'forgets everything')
    health = anonymous.get('/slicer_package_manager/health')
    assert (health.status_code, 'assetstore: forgets everything' in health.json()['message']) == (503, True)
    for answer in (api.delete(f'/app/{app["_id"]}/package/{item["_id"]}'),
                   api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'f', 'size': 1})):
        assert (answer.status_code, 'forgets everything' in answer.json()['message']) == (503, True)
    assert content(anonymous, item) == b'content'


def test_lost_content_is_reported(anonymous, make, memory):
    item = make('package', content=b'content')
    memory.objects.clear()
    answer = anonymous.get(f'/item/{item["_id"]}/download')
    assert (answer.status_code, 'is lost' in answer.json()['message']) == (500, True)


def test_its_checks_for_the_doctor(db, make, memory):
    from slicer_package_manager.registry.storage import stores
    make('package', content=b'content')
    file = db.file.find_one({})
    memory.objects['other'] = b'unused'
    store = stores.of_file(file)
    assert [type(one) for one in stores.every_store()].count(memory) == 1
    assert (store.sizes()(file), store.sha512(file), store.place(file)) == (
        7, hashlib.sha512(b'content').hexdigest(), f'memory:{file["memoryKey"]}')
    (found,) = store.unused(timedelta(0))
    found.remove()
    assert (found.place, list(memory.objects.values())) == ('memory:other', [b'content'])
