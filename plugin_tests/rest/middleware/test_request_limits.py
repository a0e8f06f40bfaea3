"""Requests to Girder's own calls that are too large, or that Girder would fail on."""
import json

import pytest

pytestmark = pytest.mark.database

JSON = {'Content-Type': 'application/json'}
UNUSABLE = {
    'deep': b'{"a":' + b'[' * 100_000 + b']' * 100_000 + b'}',
    'too deep to keep': b'{"a":' + b'[' * 300 + b']' * 300 + b'}',
    'no UTF-8': b'{"a":"\xff"}', 'a key with NUL': rb'{"a\u0000b":1}', 'half a character': rb'{"a":"\ud800"}',
    'a huge number': b'{"a":%d}' % 10**30}


@pytest.fixture
def folder(api):
    mine = api.post('/collection', params={'name': 'Mine'}).json()
    return api.post('/folder', params={'parentType': 'collection', 'parentId': mine['_id'], 'name': 'x'}).json()


@pytest.fixture
def paths(api, folder, make_release, make):
    """Metadata of what is registered, and of what is not."""
    item = api.post('/item', params={'folderId': folder['_id'], 'name': 'x'}).json()
    return [f'/folder/{folder["_id"]}/metadata', f'/item/{item["_id"]}/metadata',
            f'/folder/{make_release()["_id"]}/metadata', f'/item/{make("package")["_id"]}/metadata']


@pytest.mark.parametrize('body', UNUSABLE.values(), ids=UNUSABLE)
def test_metadata_that_cannot_be_stored_is_refused(api, paths, stored, body):
    before = stored()
    answers = [api.put(path, content=body, headers=JSON) for path in paths]
    assert [answer.status_code for answer in answers] == [400] * 4, [answer.text for answer in answers]
    assert stored() == before


def test_lists_show_no_release_with_huge_metadata(api, make_release, folder):
    large = json.dumps({'x': 'y' * 300_000})
    answer = api.put(f'/folder/{make_release()["_id"]}/metadata', content=large, headers=JSON)
    assert answer.status_code == 400
    assert 'meta: must not take more than 262144 bytes' in answer.json()['message']
    api.put(f'/folder/{folder["_id"]}/metadata', content=large, headers=JSON).raise_for_status()


def test_only_files_may_be_large(api, anonymous, folder):
    large = b'{"a":"' + b'x' * 1024 * 1024 + b'"}'
    for client in (api, anonymous):
        for method in ('PUT', 'DELETE'):
            answer = client.request(method, f'/folder/{folder["_id"]}/metadata', content=large, headers=JSON)
            assert answer.status_code == 413
            assert 'Only uploads of files may be larger' in answer.json()['message']
    assert anonymous.post('/user', data={'login': 'x' * 2_000_000}).status_code == 413


@pytest.mark.parametrize('form', ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=b'])
@pytest.mark.parametrize('path', ['/file', '/file/chunk'])
def test_a_form_is_no_file(anonymous, path, form):
    """Anybody could fill the memory of the server with one, even without an account."""
    answer = anonymous.post(path, content=b'x' * 2_000_000, headers={'Content-Type': form})
    assert answer.status_code == 413
    assert anonymous.post(path, content=iter([b'a=1']), headers={'Content-Type': form}).status_code == 411


def test_a_body_must_state_its_size(api, folder):
    answer = api.put(f'/folder/{folder["_id"]}/metadata', content=iter([b'{"a":1}']), headers=JSON)
    assert answer.status_code == 411
    assert 'Content-Length' in answer.json()['message']


@pytest.mark.parametrize('value', ['[' * 50_000, '{"users":[{"id":{"$oid":"x"}}]}'])
def test_json_in_a_parameter_that_makes_no_sense_is_refused(api, folder, value):
    assert api.put(f'/folder/{folder["_id"]}/access', data={'access': value}).status_code == 400


@pytest.mark.parametrize('size', [2**63, 10**30])
def test_a_size_beyond_all_numbers_is_refused(api, make, db, size):
    """Where it is known how much room there is, with 507 before."""
    from girder.exceptions import ValidationException
    from girder.models.upload import Upload
    item = make('package')
    params = {'parentType': 'item', 'parentId': item['_id'], 'name': 'x.zip', 'size': size}
    assert api.post('/file', params=params).status_code in {400, 507}
    with pytest.raises(ValidationException, match='size: must not be more than'):
        Upload().save({'name': 'x.zip', 'size': size, 'received': 0})
    assert db['upload'].count_documents({}) == 0
