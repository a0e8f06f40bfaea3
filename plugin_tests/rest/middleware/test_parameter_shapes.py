"""Parameters of Girder's own calls that it would fail on: 400, and nothing is stored."""
import pytest

pytestmark = pytest.mark.database

LISTS = ['/group', '/user', '/collection', '/assetstore', '/api_key', '/system/uploads',
         '/folder?parentType=folder&parentId={app}', '/item?folderId={app}', '/item/{item}/files']


@pytest.fixture
def item(make):
    return make('package', content=b'x')['_id']


@pytest.mark.parametrize('url', LISTS)
@pytest.mark.parametrize('params', [
    {'sort': ''}, {'sort': '.'}, {'sort': '..'}, {'sort': 'a.'}, {'sort': '$x'}, {'sort': 'a.$x'}, {'sort': 'a\0'},
    {'limit': '9' * 23}, {'limit': '-1'}, {'limit': '-9223372036854775809'}, {'offset': '-1'}, {'offset': '9' * 23},
    {'offset': str(2**63)}], ids=str)
def test_pages_that_are_none(api, app, item, url, params):
    url = url.format(app=app['_id'], item=item)
    answer = api.get(url + ('&' if '?' in url else '?') + '&'.join(f'{k}={v}' for k, v in params.items()).replace(
        '\0', '%00').replace('$', '%24'))
    assert answer.status_code == 400
    assert next(iter(params)) in answer.json()['message']


@pytest.mark.parametrize('params', [
    {'uploadId': 'a.b'}, {'userId': 'x'}, {'parentId': 'null'}, {'assetstoreId': 'true'}, {'minimumAge': '9' * 23},
    {'minimumAge': 'inf'}, {'minimumAge': 'nan'}], ids=str)
def test_unfinished_uploads_of_an_unknown_user(api, params):
    assert api.get('/system/uploads', params=params).status_code == 400


@pytest.mark.parametrize('resources', [
    '{"folder": null}', '{"folder": [1]}', '{"folder": "x"}', '[]', '[1]', '"x"', 'null', '{"folder": [[]]}', '{', ''])
def test_resources_that_are_none(api, app, resources):
    params = {'resources': resources, 'parentType': 'folder', 'parentId': app['_id']}
    for method, url in (('GET', '/resource/download'), ('POST', '/resource/download'), ('POST', '/resource/copy'),
                        ('PUT', '/resource/move'), ('DELETE', '/resource')):
        assert api.request(method, url, params=params).status_code == 400, (method, url)


@pytest.mark.parametrize('path', ['user', '/user', '/user/', 'collection', '//collection//', '', '/', 'x', '\0',
                                  '/item/x'])
def test_paths_to_no_resource(anonymous, path):
    assert anonymous.get('/resource/lookup', params={'path': path}).status_code == 400


@pytest.mark.parametrize('types', ['[1]', '[{"x": 1}]', '{}', '"item"', '1', '[null]', '[[]]'])
def test_searches_for_no_kind(anonymous, types):
    assert anonymous.get('/resource/search', params={'q': 'x', 'types': types}).status_code == 400


@pytest.mark.parametrize('params', [
    {'tokenDuration': 'inf'}, {'tokenDuration': 'nan'}, {'tokenDuration': '-1'}, {'tokenDuration': '1e300'},
    {'tokenDuration': '*'}, {'scope': '[1]'}, {'scope': '[[]]'}, {'scope': '[null]'}, {'scope': '"x"'}], ids=str)
def test_keys_that_spoil_the_list_of_keys(api, params):
    name = {'name': 'spoiled'}
    assert api.post('/api_key', params={**name, **params}).status_code == 400
    key = api.post('/api_key', params=name).raise_for_status().json()['_id']
    assert api.put(f'/api_key/{key}', params=params).status_code == 400
    assert [one['tokenDuration'] for one in api.get('/api_key').raise_for_status().json()] == [None]


def test_a_copy_that_cannot_be_registered_leaves_nothing(api, app, make_release):
    release = make_release('5.8', '33000')
    before = api.get('/folder', params={'parentType': 'folder', 'parentId': app['_id']}).json()
    api.post(f'/folder/{release["_id"]}/copy')  # Girder does it later, and says nothing of failures
    assert api.get('/folder', params={'parentType': 'folder', 'parentId': app['_id']}).json() == before


def test_answers_about_uploads_tell_no_paths(api, make):
    file = api.get(f'/item/{make("package", content=b"x")["_id"]}/files').json()[0]['_id']
    sha512 = '0' * 128
    item = make('extension')['_id']
    begun = api.post('/file', params={'parentType': 'item', 'parentId': item, 'name': 'a.zip', 'size': 6 * 2**20,
                                      'sha512': sha512}).raise_for_status()
    chunk = api.post('/file/chunk', params={'uploadId': begun.json()['_id'], 'offset': 0}, content=b'x' * 5 * 2**20,
                     headers={'Content-Type': 'application/octet-stream'}).raise_for_status()
    replaced = api.put(f'/file/{file}/contents', params={'size': 5, 'sha512': sha512}).raise_for_status()
    for answer in (begun, chunk, replaced, api.get('/system/uploads').raise_for_status()):
        for hidden in ('tempFile', 'announced', 'sha512state', 'assetstore/'):
            assert hidden not in answer.text
    assert chunk.json()['received'] == 5 * 2**20


@pytest.mark.parametrize('listed', [
    '[1]', '[{}]', '[null]', '[{"key": "core.brand_name"}]', '[{"value": 1}]', '{}', '[['])
def test_settings_that_are_none(api, listed):
    assert api.put('/system/setting', params={'list': listed}).status_code == 400
