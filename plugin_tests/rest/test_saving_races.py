"""Changes of a package or its folder by Girder and by updates of the package, by several servers at the same time."""
import json

import pytest
from bson.objectid import ObjectId

from plugin_tests.conftest import FORMS, upload
from plugin_tests.rest.test_races import Racers

pytestmark = [pytest.mark.database, pytest.mark.process]


@pytest.fixture
def racers(two_servers, api):
    racers = Racers(two_servers, api.headers)
    yield racers
    racers.close()


def call(method, path, **given):
    return lambda client: client.request(method, path, **given).raise_for_status()


def test_no_change_of_a_package_is_lost(racers, make, api, app, db, pytestconfig):
    for number in range(pytestconfig.getoption('--race-rounds')):
        values = {'baseName': f'Round{number}', 'license': 'BSD'}
        item = make('extension', **values)
        path = f'/item/{item["_id"]}'
        racers.run([
            call('POST', f'/app/{app["_id"]}/extension', data={**FORMS['extension'], **values, 'category': 'New'}),
            call('POST', f'/app/{app["_id"]}/extension', data={**FORMS['extension'], **values, 'homepage': 'https://a.b'}),
            call('PUT', f'{path}/metadata', json={'contributors': 'New'}),
            call('PUT', f'{path}/metadata', json={'keywords': 'New', 'dependency': 'New'}),
            call('PUT', path, params={'metadata': json.dumps({'tier': 3})}),
            call('PUT', path, params={'name': f'Renamed{number}'} if number % 2 else {'metadata': '{"enabled": true}'}),
            lambda client, item=item: upload(client, item['_id'], b'content')])
        now = db['item'].find_one({'_id': ObjectId(item['_id'])})
        wanted = {'category': 'New', 'homepage': 'https://a.b', 'contributors': 'New', 'keywords': 'New',
                  'dependency': 'New', 'tier': 3, 'license': 'BSD'}
        assert {key: now['meta'].get(key) for key in wanted} == wanted
        assert (now['size'], now['spm']['ready'], bool(now['meta']['sha512'])) == (7, True, True)


def test_no_change_of_a_release_is_lost(racers, make_release, make_user, make, api, db, pytestconfig):
    access = json.dumps({'users': [{'id': str(make_user('reader')['_id']), 'level': 0}], 'groups': []})
    for number in range(pytestconfig.getoption('--race-rounds')):
        release = make_release(f'5.{number}', f'{number}')
        item = make('package', revision=f'{number}')
        path = f'/folder/{release["_id"]}'
        api.put(f'{path}/metadata', json={'old': 1}).raise_for_status()
        racers.run([
            call('PUT', f'{path}/metadata', json={'a': 1}), call('PUT', f'{path}/metadata', json={'b': 1}),
            call('DELETE', f'{path}/metadata', json=['old']), call('PUT', path, params={'name': f'6.{number}'}),
            call('PUT', path, params={'description': 'New'}),
            call('PUT', f'{path}/access', params={'access': access, 'public': number % 2 == 0, 'recurse': True}),
            lambda client, item=item: upload(client, item['_id'], b'content')])
        now = db['folder'].find_one({'_id': ObjectId(release['_id'])})
        assert now['meta'] == {'revision': f'{number}', 'a': 1, 'b': 1}
        assert (now['name'], now['spm']['release'], now['description']) == (f'6.{number}', f'6.{number}', 'New')
        assert (now['public'], len(now['access']['users']), now['size']) == (number % 2 == 0, 1, 7)
        assert db['item'].find_one({'_id': ObjectId(item['_id'])})['spm']['release'] == f'6.{number}'


@pytest.mark.parametrize('ends', ['promotion', 'deletion'])
def test_what_is_made_in_a_folder_that_goes_is_in_a_folder(racers, make, make_release, app, db, pytestconfig, ends):
    for number in range(pytestconfig.getoption('--race-rounds')):
        draft = make('package', revision=f'{number}')['folderId']
        make_release(f'5.{number}', f'{number}')
        goes = {'promotion': ('POST', f'/app/{app["_id"]}/release/5.{number}/promote'),
                'deletion': ('DELETE', f'/folder/{draft}')}[ends]
        went, *made = racers.run([
            lambda client, goes=goes, number=number: client.request(*goes, params={'revision': f'{number}'}),
            *[lambda client, one=one, draft=draft: client.post(
                '/item', params={'folderId': draft, 'name': f'Notes {one}'}) for one in range(3)],
            lambda client, draft=draft: client.post('/folder', params={'parentId': draft, 'name': 'More'})])
        assert went.status_code == 200 or (went.status_code, ends) == (409, 'promotion')
        assert {one.status_code for one in made} <= {200, 400, 404}, [one.text for one in made]
        folders = set(db['folder'].distinct('_id'))
        assert set(db['item'].distinct('folderId')) <= folders
        assert set(db['folder'].distinct('parentId', {'parentCollection': 'folder'})) <= folders
