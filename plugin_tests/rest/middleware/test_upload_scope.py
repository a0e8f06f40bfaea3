"""What a stolen key of a build machine can do, and that it is enough for the machine."""
from datetime import datetime, timedelta, timezone

import httpx
import pytest
from bson.objectid import ObjectId

from plugin_tests.conftest import EXTENSION_FORM, FORMS, upload

pytestmark = pytest.mark.database

PACKAGE_TYPES = pytest.mark.parametrize('package_type', ['package', 'extension'])


@pytest.fixture
def builder(admin, make_user):  # the first user of a database becomes an administrator
    return make_user('buildbot')


@pytest.fixture
def key(builder):
    from slicer_package_manager.registry.accounts import api_keys
    return api_keys.create('buildbot', 'nightly', 'upload', 30)


@pytest.fixture
def token_of(anonymous):
    def get(secret, **params):
        return anonymous.post('/api_key/token', data={'key': secret, **params})
    return get


@pytest.fixture
def machine(wsgi_app, key, token_of):
    """A client with nothing but the key, like a build machine or who stole it."""
    token = token_of(key['key']).raise_for_status().json()['authToken']['token']
    with httpx.Client(transport=httpx.WSGITransport(wsgi_app), base_url='http://testserver/api/v1',
                      headers={'Girder-Token': token}) as client:
        yield client


@pytest.fixture
def private(app, builder, grant):
    """The application, private, with WRITE for the build machine's user."""
    grant(app, builder, level=1, recurse=True)
    return app


def replace_as_client_011(client, item, content):
    """What the published client does with an item that has a file."""
    old, = client.get(f'/item/{item["_id"]}/files').raise_for_status().json()
    new = upload(client, item['_id'], content, name='new_file')
    client.delete(f'/file/{old["_id"]}').raise_for_status()
    client.put(f'/file/{new["_id"]}', params={'name': 'file.tar.gz'}).raise_for_status()


def test_a_login_states_which_key_it_was_and_when_it_expires(key, token_of):
    from slicer_package_manager.registry.accounts import api_keys
    answer = token_of(key['key']).raise_for_status().json()
    assert {name: answer['apiKey'][name] for name in ('_id', 'name', 'login')} == {
        '_id': str(key['_id']), 'name': 'nightly', 'login': 'buildbot'}
    left = datetime.fromisoformat(answer['apiKey']['expires']) - datetime.now(timezone.utc)
    assert timedelta(days=29) < left < timedelta(days=30)
    assert set(answer['apiKey']) == {'_id', 'name', 'login', 'expires'}
    lasting = api_keys.create('buildbot', 'lasting', 'upload', None)
    assert token_of(lasting['key']).json()['apiKey']['expires'] is None


@PACKAGE_TYPES
def test_it_is_enough_to_upload_to_a_private_application_and_to_replace(machine, private, files_of, package_type):
    assert [app['name'] for app in machine.get('/app', params={'name': 'Slicer'}).json()] == ['Slicer']
    path = f'/app/{private["_id"]}'
    assert machine.get(f'{path}/release', params={'release_id_or_name': 'draft'}).json()['name'] == 'draft'
    item = machine.post(f'{path}/{package_type}', params=FORMS[package_type]).raise_for_status().json()
    upload(machine, item['_id'], b'first')
    assert [one['_id'] for one in machine.get(f'{path}/{package_type}').json()] == [item['_id']]
    replace_as_client_011(machine, item, b'second')
    (file,) = machine.get(f'/item/{item["_id"]}/files').json()
    begun = machine.put(f'/file/{file["_id"]}/contents', params={'size': 5}).raise_for_status().json()
    assert machine.get('/file/offset', params={'uploadId': begun['_id']}).json() == {'offset': 0}
    machine.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, content=b'third', headers={
        'Content-Type': 'application/octet-stream'}).raise_for_status()
    assert [one['size'] for one in files_of(item)] == [5]
    begun = machine.put(f'/file/{file["_id"]}/contents', params={'size': 5}).json()
    machine.delete(f'/file/upload/{begun["_id"]}').raise_for_status()


def test_it_gets_the_same_errors_as_other_tokens_for_outdated_uploads(machine, private, make, api, files_of):
    item = make('extension', content=b'first')
    (first,) = files_of(item)
    begun = machine.put(f'/file/{first["_id"]}/contents', params={'size': 5}).raise_for_status().json()
    second = upload(machine, item['_id'], b'second', name='second.zip')
    late = {'params': {'uploadId': begun['_id'], 'offset': 0}, 'content': b'third',
            'headers': {'Content-Type': 'application/octet-stream'}}
    assert machine.post('/file/chunk', **late).status_code == 409
    assert machine.post('/file/chunk', **late).status_code == 404
    assert machine.put(f'/file/{first["_id"]}/contents', params={'size': 5}).status_code == 409
    assert machine.delete(f'/file/{first["_id"]}').status_code == 200
    api.delete(f'/file/{second["_id"]}').raise_for_status()
    for call in (machine.put(f'/file/{second["_id"]}/contents', params={'size': 5}),
                 machine.put(f'/file/{second["_id"]}', params={'name': 'x.zip'}),
                 machine.delete(f'/file/{second["_id"]}')):
        assert call.status_code == 404
    api.delete(f'/item/{item["_id"]}').raise_for_status()
    assert machine.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'x.zip',
                                         'size': 5}).status_code == 404


def test_a_chunk_that_comes_again_is_409_for_it_too(machine, private, make):
    item = make('extension')
    begun = machine.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'x.zip',
                                          'size': 5}).raise_for_status().json()
    chunk = {'params': {'uploadId': begun['_id'], 'offset': 0}, 'content': b'first',
             'headers': {'Content-Type': 'application/octet-stream'}}
    assert [machine.post('/file/chunk', **chunk).status_code for _ in range(2)] == [200, 409]


def test_it_is_enough_where_reading_requires_a_login(machine, private, anonymous, api, files_of):
    setting = {'key': 'core.disable_anonymous_access', 'value': 'true'}
    api.put('/system/setting', params=setting).raise_for_status()
    item = machine.post(f'/app/{private["_id"]}/extension', params=FORMS['extension']).raise_for_status().json()
    upload(machine, item['_id'], b'first')
    assert [one['size'] for one in files_of(item)] == [5]
    assert anonymous.get('/app').status_code == 401


def test_an_expired_one_reads_nothing_where_reading_requires_a_login(machine, app, api, db):
    path, setting = f'/app/{app["_id"]}/extension', {'key': 'core.disable_anonymous_access', 'value': 'true'}
    api.put('/system/setting', params=setting).raise_for_status()
    past = datetime(2020, 1, 1, tzinfo=timezone.utc)
    db['token'].update_many({'scope': 'slicer_package_manager.upload'}, {'$set': {'expires': past}})
    assert machine.get(path).status_code == 401
    assert api.get(path).status_code == 200


def test_what_others_have_uploaded_elsewhere_stays_closed_to_it(machine, private, api):
    item = api.post('/item', params={'folderId': private['_id'], 'name': 'notes'}).json()
    file = upload(api, item['_id'], b'x')
    assert machine.put(f'/file/{file["_id"]}', params={'name': 'y'}).status_code == 401
    assert machine.put(f'/file/{file["_id"]}/contents', params={'size': 1}).status_code == 401
    assert machine.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'x',
                                         'size': 5}).status_code == 401
    begun = api.put(f'/file/{file["_id"]}/contents', params={'size': 1}).json()
    assert machine.delete(f'/file/upload/{begun["_id"]}').status_code == 401


@PACKAGE_TYPES
def test_it_cannot_delete(machine, private, make, api, package_type):
    item = make(package_type, content=b'x')
    (file,) = api.get(f'/item/{item["_id"]}/files').json()
    calls = [f'/app/{private["_id"]}/{package_type}/{item["_id"]}', f'/item/{item["_id"]}', f'/file/{file["_id"]}',
             f'/folder/{item["folderId"]}', f'/app/{private["_id"]}/release/draft', f'/app/{private["_id"]}']
    assert {machine.delete(call).status_code for call in calls} == {401, 403}
    overridden = machine.post(f'/item/{item["_id"]}', headers={'X-HTTP-Method-Override': 'DELETE'})
    assert overridden.status_code == 401
    assert api.get(f'/item/{item["_id"]}/files').json()[0]['_id'] == file['_id']


def test_it_cannot_read_what_is_private(machine, private, make, api):
    item = make('package', content=b'secret')
    (file,) = api.get(f'/item/{item["_id"]}/files').json()
    calls = [f'/file/{file["_id"]}/download', f'/item/{item["_id"]}/download', f'/file/{file["_id"]}',
             f'/file/hashsum/sha512/{file["sha512"]}/download', f'/folder/{item["folderId"]}', '/user/me',
             '/api_key', f'/app/{private["_id"]}/downloadstats', f'/folder/{item["folderId"]}/download']
    for call in calls:
        answer = machine.get(call)
        assert answer.status_code >= 400 or answer.json() is None, call
        assert b'secret' not in answer.content


def test_what_its_user_may_only_read_is_not_shown(machine, app, builder, grant, make):
    item = make('package', content=b'x')
    grant(app, builder, level=0, recurse=True)
    answer = machine.get(f'/app/{app["_id"]}/package')
    assert answer.status_code == 403
    assert 'This API key is only for uploads' in answer.json()['message']
    assert machine.get(f'/item/{item["_id"]}').status_code == 401


def test_what_is_public_can_be_read_as_by_anyone(machine, app, make):
    item = make('package', content=b'x')
    assert machine.get(f'/item/{item["_id"]}/download').content == b'x'
    assert len(machine.get(f'/app/{app["_id"]}/package').json()) == 1


def test_it_cannot_write_elsewhere(machine, private, builder, api, login):
    owner = login(builder)
    folder = owner.post('/folder', params={
        'parentType': 'user', 'parentId': str(builder['_id']), 'name': 'Mine'}).raise_for_status().json()
    item = owner.post('/item', params={'folderId': folder['_id'], 'name': 'mine'}).json()
    stored = upload(owner, item['_id'], b'mine')
    calls = [('POST', '/file', {'parentType': 'item', 'parentId': item['_id'], 'name': 'x', 'size': 1}),
             ('POST', '/file', {'parentType': 'folder', 'parentId': folder['_id'], 'name': 'x', 'size': 1}),
             ('POST', '/folder', {'parentId': folder['_id'], 'name': 'x'}),
             ('POST', '/item', {'folderId': folder['_id'], 'name': 'x'}),
             ('PUT', f'/item/{item["_id"]}/metadata', {}), ('PUT', f'/file/{stored["_id"]}', {'name': 'x'}),
             ('PUT', f'/file/{stored["_id"]}/contents', {'size': 1}), ('POST', '/api_key', {'name': 'more'}),
             ('POST', f'/app/{private["_id"]}/release', {'name': '1', 'app_revision': '1'}),
             ('POST', '/app', {'name': 'x'})]
    for method, call, params in calls:
        assert machine.request(method, call, params=params).status_code in {401, 403}, call


def test_an_application_that_its_user_may_not_write_to_takes_nothing(machine, app):
    assert machine.post(f'/app/{app["_id"]}/extension', params=EXTENSION_FORM).status_code == 403


def test_an_expired_key_gives_no_token_and_says_so(key, token_of, db):
    from slicer_package_manager.registry.server import clock
    db['api_key'].update_one({}, {'$set': {'expires': clock.now() - timedelta(seconds=1)}})
    answer = token_of(key['key'])
    assert answer.status_code == 403
    assert 'The API key "nightly" expired on' in answer.json()['message']
    assert db['token'].count_documents({'apiKeyId': key['_id']}) == 0


@pytest.mark.parametrize('asked', [{}, {'duration': 900}, {'duration': 0}, {'duration': 'inf'}])
def test_no_token_outlives_its_key(key, token_of, db, asked):
    from slicer_package_manager.registry.server import clock
    end = clock.now() + timedelta(hours=1)
    db['api_key'].update_one({}, {'$set': {'expires': end}})
    token_of(key['key'], **asked).raise_for_status()
    token = db['token'].find_one({'apiKeyId': key['_id']})
    assert token['expires'] <= end.replace(tzinfo=None) + timedelta(seconds=1)
    assert {token_of(key['key'], duration=wrong).status_code for wrong in ('long', 'nan')} == {400}


def test_a_token_of_a_key_lasts_a_day_at_most(key, token_of, db):
    token_of(key['key']).raise_for_status()
    token = db['token'].find_one({'apiKeyId': key['_id']})
    assert token['expires'] - token['created'] <= timedelta(days=1)


def test_a_revoked_key_ends_its_sessions(key, machine, private):
    from slicer_package_manager.registry.accounts import api_keys
    api_keys.revoke(str(key['_id']))
    assert machine.get(f'/app/{private["_id"]}').status_code == 401


def test_the_scope_can_be_chosen_in_girder(api, builder):
    scopes = [scope['id'] for scope in api.get('/token/scopes').json()['custom']]
    assert scopes.count('slicer_package_manager.upload') == 1


def test_the_links_in_girders_mails_work(anonymous, builder, db):
    """They carry a token that Girder loads with its user, unlike that of a request."""
    from girder.models.token import Token
    token = Token().createToken(builder, days=1, scope='core.email_verification')
    db['user'].update_one({'_id': builder['_id']}, {'$set': {'emailVerified': False}})
    path = f'/user/{builder["_id"]}/verification'
    assert anonymous.put(path, params={'token': 'x'}).status_code in {400, 401, 403}
    anonymous.put(path, params={'token': token['_id']}).raise_for_status()
    assert db['user'].find_one({'_id': builder['_id']})['emailVerified']


@pytest.fixture
def limited(wsgi_app, builder, app, grant, token_of):
    """A client with a key that is only for the application; its user may also write to another one."""
    from slicer_package_manager.registry.accounts import api_keys
    grant(app, builder, level=1, recurse=True)
    made = api_keys.create('buildbot', 'only Slicer', 'upload', 30, {**app, '_id': ObjectId(app['_id'])})
    token = token_of(made['key']).raise_for_status().json()['authToken']['token']
    with httpx.Client(transport=httpx.WSGITransport(wsgi_app), base_url='http://testserver/api/v1',
                      headers={'Girder-Token': token}) as client:
        yield client


@PACKAGE_TYPES
def test_a_key_of_one_application_uploads_there_and_nowhere_else(
        limited, app, api, builder, grant, db, package_type):
    other = api.post('/app', params={'name': 'Other'}).raise_for_status().json()
    grant(other, builder, level=1, recurse=True)
    item = limited.post(f'/app/{app["_id"]}/{package_type}', params=FORMS[package_type]).raise_for_status().json()
    upload(limited, item['_id'], b'first')
    refused = limited.post(f'/app/{other["_id"]}/{package_type}', params=FORMS[package_type])
    assert refused.status_code == 403
    assert 'The API key may not upload' in refused.json()['message']
    assert 'create another key' in refused.json()['message']
    there = api.post(f'/app/{other["_id"]}/{package_type}', params=FORMS[package_type]).raise_for_status().json()
    begun = limited.post('/file', params={'parentType': 'item', 'parentId': there['_id'], 'name': 'x', 'size': 3})
    assert (begun.status_code, db.upload.count_documents({})) == (401, 0)
    db.api_key.delete_many({})
    assert limited.get(f'/app/{app["_id"]}').status_code == 403
