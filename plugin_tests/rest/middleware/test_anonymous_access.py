"""Girder's setting ``core.disable_anonymous_access`` requires a login for all reading."""
import httpx
import pytest

from plugin_tests import roundtrips

pytestmark = pytest.mark.database

KEY = 'core.disable_anonymous_access'
VARIABLE = 'GIRDER_SETTING_CORE_DISABLE_ANONYMOUS_ACCESS'


def change(client, closed, **kwargs):
    return client.put('/system/setting', params={'key': KEY, 'value': str(closed).lower()}, **kwargs)


@pytest.fixture
def documents(api, app, make):
    """Documents to read: values for the names in :data:`READS`."""
    package, extension = make('package', content=b'package'), make('extension', content=b'extension')
    (file,) = api.get(f'/item/{extension["_id"]}/files').json()
    folder = api.get(f'/item/{extension["_id"]}').json()['folderId']
    return {'app': app['_id'], 'package': package['_id'], 'item': extension['_id'], 'file': file['_id'],
            'sha512': file['sha512'], 'folder': folder, 'collection': app['baseParentId'],
            'user': api.get('/user/me').json()['_id']}


API_READS = [
    '/app', '/app?app_id={app}', '/app/{app}', '/app/{app}/release', '/app/{app}/draft', '/app/{app}/package',
    '/app/{app}/extension', '/app/{app}/extension?q=guided', '/app/{app}/extension?with_downloads=true',
    '/app/{app}/summary', '/app/{app}/downloadstats', '/app/{app}/downloadstats?format=csv',
    '/app/{app}/package/find?os=linux&stability=any', '/app/{app}/package/findall',
    '/app/{app}/package/download?os=linux&stability=any',
    '/item/{item}', '/item/{item}/files', '/item/{item}/download', '/item/{item}/download/x', '/item?folderId={folder}',
    '/file/{file}', '/file/{file}/download', '/file/{file}/download/x', '/file/hashsum/sha512/{sha512}/download',
    '/file/hashsum/sha512/{sha512}', '/folder/{folder}', '/folder/{folder}/download', '/folder/{folder}/details',
    '/folder?parentType=folder&parentId={folder}', '/collection', '/collection/{collection}',
    '/collection/{collection}/download', '/resource/search?q=x&types=["item"]', '/resource/lookup?path=/collection/x',
    '/resource/download?resources={{"item":["{item}"]}}', '/group', '/user', '/user/{user}',
    '/slicer_package_manager/editable',
]
BESIDE = [
    '/find?os=linux&stability=any', '/findall', '/bitstream/{package}', '/download', '/download?os=linux&stability=any',
    '/catalog/All/33000/linux', '/catalog/All/33000/linux?app={app}',
]
READS = [*(f'/api/v1{path}' for path in API_READS), *BESIDE]
OPEN = ['/api/v1/slicer_package_manager/health', '/api/v1/slicer_package_manager/health?probe=live',
        '/api/v1/system/version', '/api/v1/system/public_settings', '/api/v1/user/me', '/api/v1/token/current',
        '/admin']


def statuses(client, paths, documents, **kwargs):
    root = client.base_url.copy_with(raw_path=b'/')
    return {path: client.get(str(root).rstrip('/') + path.format(**documents), **kwargs).status_code for path in paths}


def test_all_reading_is_refused_and_allowed_again_immediately(api, anonymous, documents):
    before = statuses(anonymous, READS, documents)
    change(api, True).raise_for_status()
    assert set(statuses(anonymous, READS, documents).values()) == {401}
    change(api, False).raise_for_status()
    assert statuses(anonymous, READS, documents) == before
    assert sum(status < 400 for status in before.values()) > len(READS) * 3 // 4


def test_browsers_get_a_page_with_the_reason(api, anonymous, documents):
    change(api, True).raise_for_status()
    html = {'Accept': 'text/html'}
    assert set(statuses(anonymous, BESIDE, documents, headers=html).values()) == {401}
    answer = anonymous.get('http://testserver/catalog/All/33000/linux', headers=html)
    assert KEY in answer.text


def test_the_refusal_states_the_reason(api, anonymous, documents):
    change(api, True).raise_for_status()
    answer = anonymous.get(f'/app/{documents["app"]}/extension')
    assert KEY in answer.json()['message']
    assert 'log in' in answer.json()['message']


@pytest.mark.parametrize('method', ['HEAD', 'POST'])
def test_other_methods_that_read_are_refused_too(api, anonymous, documents, method):
    change(api, True).raise_for_status()
    path = '/resource/download' if method == 'POST' else f'/item/{documents["item"]}/download'
    resources = {'resources': f'{{"item": ["{documents["item"]}"]}}'}
    assert anonymous.request(method, path, params=resources if method == 'POST' else {}).status_code == 401


@pytest.mark.parametrize('headers', [{'Girder-Token': 'x'}, {'If-None-Match': '*'}, {'Origin': 'https://example.org'},
                                     {'Range': 'bytes=0-1'}, {'Cookie': 'girderToken=x'}])
def test_no_header_bypasses_the_setting(api, anonymous, documents, headers):
    before = statuses(anonymous, READS, documents)
    assert 200 in before.values()
    change(api, True).raise_for_status()
    assert set(statuses(anonymous, READS, documents, headers=headers).values()) == {401}


def test_probes_and_logins_still_work(api, anonymous, documents):
    change(api, True).raise_for_status()
    assert set(statuses(anonymous, OPEN, documents).values()) == {200}
    assert anonymous.get('/user/authentication', auth=('unknown', 'wrong')).status_code == 401
    assert 'setting' not in anonymous.get('/user/authentication', auth=('unknown', 'wrong')).text
    key = api.post('/api_key', params={'name': 'build machine'}).json()['key']
    token = anonymous.post('/api_key/token', params={'key': key}).raise_for_status().json()['authToken']['token']
    assert anonymous.get(f'/app/{documents["app"]}/extension', headers={'Girder-Token': token}).status_code == 200


def test_users_still_read_with_tokens_and_cookies(api, login, make_user, documents):
    change(api, True).raise_for_status()
    user = login(make_user('someone'))
    assert user.get(f'/app/{documents["app"]}/extension').json() != []
    assert user.get(f'/item/{documents["item"]}/download').content == b'extension'
    cookie = {'Cookie': f'girderToken={user.headers.pop("Girder-Token")}'}
    assert user.get(f'/item/{documents["item"]}/download', headers=cookie).content == b'extension'
    assert user.get(f'/app/{documents["app"]}/extension', headers=cookie).status_code == 401


def test_the_setting_and_its_default_can_be_read(api, anonymous, documents):
    change(api, True).raise_for_status()
    assert api.get('/system/setting', params={'key': KEY}).json() is True
    api.delete('/system/setting', params={'key': KEY}).raise_for_status()
    assert api.get('/system/setting', params={'key': KEY}).json() is False
    assert anonymous.get(f'/app/{documents["app"]}').status_code == 200


def test_girders_cache_of_settings_is_not_used(api, anonymous, documents, monkeypatch):
    from girder.models.setting import Setting
    assert anonymous.get(f'/item/{documents["item"]}').status_code == 200
    monkeypatch.setattr(Setting, '_get', lambda *_: {'value': False})  # what this process once read
    Setting().collection.insert_one({'key': KEY, 'value': True})  # as by another process
    assert anonymous.get(f'/item/{documents["item"]}').status_code == 401


def test_a_response_made_during_the_change_is_not_cached(api, anonymous, documents, monkeypatch):
    from girder.models.setting import Setting

    from slicer_package_manager.registry.catalog import applications
    from slicer_package_manager.registry.server import data_version
    load, path = applications.load, f'/app/{documents["app"]}/release'

    def slow(*args, **kwargs):
        monkeypatch.setattr(applications, 'load', load)
        Setting().set(KEY, True)  # as another process does
        data_version.announce()
        return load(*args, **kwargs)
    data_version.announce()  # nothing is kept
    monkeypatch.setattr(applications, 'load', slow)
    assert anonymous.get(path).status_code == 200  # it was asked for before
    assert anonymous.get(path).status_code == 401


def test_many_checks_of_access_read_the_setting_once(api, anonymous, documents):
    with roundtrips.counting() as found:
        anonymous.get(f'/folder/{documents["folder"]}/download').raise_for_status()
    assert sum('setting' in str(command) for command in found) <= 1


@pytest.mark.parametrize('given', ['true', 'false'])
@pytest.mark.parametrize('way', ['key', 'list', 'delete', 'null'])
def test_a_value_from_the_environment_cannot_be_changed_by_a_call(api, anonymous, documents, monkeypatch, given, way):
    monkeypatch.setenv(VARIABLE, given)
    status = 401 if given == 'true' else 200
    assert anonymous.get(f'/app/{documents["app"]}/extension').status_code == status
    other = 'false' if given == 'true' else 'true'
    same_as_default = given == 'false' and way in ('delete', 'null')
    answer = {
        'key': lambda: change(api, other == 'true'),
        'list': lambda: api.put('/system/setting', params={'list': f'[{{"key": "{KEY}", "value": {other}}}]'}),
        'delete': lambda: api.delete('/system/setting', params={'key': KEY}),
        'null': lambda: api.put('/system/setting', params={'key': KEY, 'value': 'null'}),
    }[way]()
    assert answer.status_code == (200 if same_as_default else 400)
    assert same_as_default or VARIABLE in answer.json()['message']
    change(api, given == 'true').raise_for_status()  # as it is already
    assert anonymous.get(f'/app/{documents["app"]}/extension').status_code == status


def test_any_setting_of_the_environment_is_refused_before_others_are_stored(api, monkeypatch):
    monkeypatch.setenv('GIRDER_SETTING_CORE_BRAND_NAME', 'Given')
    answer = api.put('/system/setting', params={
        'list': '[{"key": "core.contact_email_address", "value": "a@example.org"},'
                ' {"key": "core.brand_name", "value": "Other"}]'})
    assert answer.status_code == 400
    assert 'GIRDER_SETTING_CORE_BRAND_NAME' in answer.json()['message']
    assert api.get('/system/setting', params={'key': 'core.contact_email_address'}).json() != 'a@example.org'


def test_serve_gives_no_setting_that_could_then_not_be_changed():
    from slicer_package_manager.cli import web
    assert [name for name in web.DEFAULTS if name.startswith('GIRDER_SETTING_')] == []


@pytest.mark.process
def test_the_setting_applies_in_all_processes_immediately(two_servers, api, documents):
    here, there = two_servers
    token = {'headers': {'Girder-Token': api.headers['Girder-Token']}}
    with httpx.Client(base_url=here) as one, httpx.Client(base_url=there) as other:
        before = [statuses(client, READS, documents) for client in (one, other)]
        for _ in range(3):
            change(one, True, **token).raise_for_status()
            assert [set(statuses(client, READS, documents).values()) for client in (other, one)] == [{401}, {401}]
            change(other, False, **token).raise_for_status()
            assert [statuses(client, READS, documents) for client in (one, other)] == before
