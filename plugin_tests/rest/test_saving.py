"""What Girder's calls save keeps what other requests have changed since they loaded it, and stays in a folder."""
import json

import pytest
from bson.objectid import ObjectId
from girder.models.collection import Collection
from girder.models.folder import Folder
from girder.models.item import Item

from plugin_tests.conftest import FORMS, upload
from plugin_tests.rest.test_promotion import aside

pytestmark = pytest.mark.database


@pytest.fixture
def overtaken(monkeypatch):
    """Have ``change`` done by another request after the next document of ``model`` was loaded."""
    def begin(model, change, method='load'):
        unpatched, todo = getattr(model, method), [change]

        def late(*args, **kwargs):
            found = unpatched(*args, **kwargs)
            if todo:
                aside(todo.pop())
            return found
        monkeypatch.setattr(model, method, late)
        return todo
    return begin


@pytest.fixture
def package(request, make):
    """The type of a package, and the package with a file and a license, if it can have one."""
    more = {'license': 'BSD'} if request.param == 'extension' else {}
    return request.param, make(request.param, content=b'x', **more)


PACKAGE = pytest.mark.parametrize('package', ['package', 'extension'], indirect=True)
URL = 'https://github.com/o/r'


@pytest.mark.parametrize(('method', 'path', 'given', 'key', 'value'), [
    ('put', '/metadata', {'json': {'repository_url': URL}}, 'repository_url', URL),
    ('put', '/metadata', {'json': {'repository_url': URL, 'license': None}}, 'license', None),
    ('delete', '/metadata', {'json': ['license']}, 'license', None),
    ('put', '', {'params': {'metadata': json.dumps({'repository_url': URL})}}, 'repository_url', URL),
    ('put', '', {'params': {'name': 'Renamed'}}, 'name', 'Renamed'),
])
@PACKAGE
def test_an_update_that_comes_before_a_save_is_kept(overtaken, api, app, package, item_of, method, path, given, key,
                                                     value):
    kind, item = package
    content = b'as large as this'
    updated = {'repository_type': 'svn', 'description': 'New', **({'category': 'New'} if kind == 'extension' else {})}

    def post():
        api.post(f'/app/{app["_id"]}/{kind}', params={**FORMS[kind], **updated}).raise_for_status()
        upload(api, item['_id'], content)
    pending = overtaken(Item(), post)
    api.request(method, f'/item/{item["_id"]}{path}', **given).raise_for_status()
    now = item_of(item)
    assert (pending, now['size']) == ([], len(content))
    assert {one: now['meta'].get(one, now.get(one)) for one in updated} == updated
    assert now['meta'].get(key, now.get(key)) == value


@PACKAGE
def test_a_new_description_keeps_a_new_name(overtaken, api, package, item_of):
    kind, item = package
    given = {'description': 'New'} if kind == 'package' else {'metadata': '{"description": "New"}'}
    overtaken(Item(), lambda: api.put(f'/item/{item["_id"]}', params={'name': 'Renamed'}).raise_for_status())
    answer = api.put(f'/item/{item["_id"]}', params=given).raise_for_status().json()
    assert (answer['name'], answer['description']) == ('Renamed', 'New')
    assert item_of(item) == {**answer, 'updated': item_of(item)['updated']}


def test_a_package_that_is_saved_and_moved_by_one_call_keeps_both(overtaken, api, make, make_release, item_of):
    item, release = make('package'), make_release('5.9', '34000')
    overtaken(Item(), lambda: api.put(f'/item/{item["_id"]}/metadata', json={'version': '9'}).raise_for_status())
    api.put(f'/item/{item["_id"]}', params={'description': 'New', 'folderId': release['_id'],
                                            'metadata': json.dumps({'repository_url': URL})}).raise_for_status()
    now = item_of(item)
    assert (now['description'], now['folderId']) == ('New', release['_id'])
    assert {key: now['meta'].get(key) for key in ('version', 'repository_url', 'release')} == {
        'version': '9', 'repository_url': URL, 'release': '5.9'}


@pytest.fixture
def changes(api, grant, make_user):
    """Changes of a folder by Girder's calls, each with what the folder has afterwards."""
    def all_of(folder):
        path, user = f'/folder/{folder["_id"]}', make_user('reader')
        return {
            'metadata': (lambda: api.put(f'{path}/metadata', json={'a': 1}), lambda one: one['meta'].get('a') == 1),
            'no metadata': (lambda: api.request('delete', f'{path}/metadata', json=['old']),
                            lambda one: 'old' not in one['meta']),
            'name': (lambda: api.put(path, params={'name': '5.8.1'}), lambda one: one['spm']['release'] == '5.8.1'),
            'description': (lambda: api.put(path, params={'description': 'b'}), lambda one: one['description'] == 'b'),
            'access': (lambda: grant(folder, user, public=True),
                       lambda one: [entry['id'] for entry in one['access']['users']] == [user['_id']]),
            'size': (lambda: Folder().increment({'_id': ObjectId(folder['_id'])}, 'size', 5),
                     lambda one: one['size'] == 5),
        }
    return all_of


@pytest.mark.parametrize('first', ['metadata', 'no metadata', 'name', 'description', 'access', 'size'])
@pytest.mark.parametrize('second', ['metadata', 'no metadata', 'name', 'description', 'access'])
def test_of_two_changes_of_a_release_none_is_lost(overtaken, changes, make_release, api, db, first, second):
    if first == second:
        return
    release = make_release('5.8', '33000')
    api.put(f'/folder/{release["_id"]}/metadata', json={'old': 1}).raise_for_status()
    both = changes(release)
    pending = overtaken(Folder(), both[first][0])
    both[second][0]()
    assert pending == []
    now = db['folder'].find_one({'_id': ObjectId(release['_id'])})
    assert [both[name][1](now) for name in (first, second)] == [True, True]


def test_access_of_many_folders_keeps_what_changes_meanwhile(overtaken, app, make_release, api, db, grant, make_user):
    release = make_release('5.8', '33000')
    pending = overtaken(Folder(), lambda: api.put(f'/folder/{release["_id"]}', params={'name': '5.8.1'}),
                        'setPublic')  # of the application: its releases are listed, and saved one after the other
    user = make_user('reader')
    grant(app, user, recurse=True)
    assert pending == []
    now = db['folder'].find_one({'_id': ObjectId(release['_id'])})
    assert (now['name'], now['spm']['release'], now['public']) == ('5.8.1', '5.8.1', False)
    assert [entry['id'] for entry in now['access']['users']] == [user['_id']]


def test_a_collection_keeps_its_size_when_it_is_renamed(overtaken, make, api, db):
    item = make('package')
    collection = db['collection'].find_one({'spm': {'$exists': True}})['_id']
    overtaken(Collection(), lambda: upload(api, item['_id'], b'content'))
    api.put(f'/collection/{collection}', params={'description': 'New'}).raise_for_status()
    now = db['collection'].find_one({'_id': collection})
    assert (now['description'], now['size']) == ('New', len(b'content'))


@pytest.mark.parametrize('place', ['release', 'draft'])
@pytest.mark.parametrize('kind', ['item', 'folder', 'file'])
def test_what_is_made_in_a_folder_that_is_deleted_meanwhile_is_refused(overtaken, api, make, make_release, stored,
                                                                       kind, place):
    folder = {'_id': make('package')['folderId']} if place == 'draft' else make_release('5.8', '33000')
    ways = {'item': ('/item', {'folderId': folder['_id'], 'name': 'Notes'}),
            'folder': ('/folder', {'parentId': folder['_id'], 'name': 'Notes'}),
            'file': ('/file', {'parentType': 'folder', 'parentId': folder['_id'], 'name': 'a.txt', 'size': 3})}
    path, params = ways[kind]
    pending = overtaken(Folder(), lambda: api.delete(f'/folder/{folder["_id"]}').raise_for_status())
    answer = api.post(path, params=params, content=b'abc', headers={'Content-Type': 'application/octet-stream'})
    assert (answer.status_code, pending) == (404, []), answer.text
    assert 'was deleted' in answer.json()['message']
    after = stored()
    assert after['item'] == after['file'] == []
    assert {one['parentId'] for one in after['folder'] if one['parentCollection'] == 'folder'} <= {
        one['_id'] for one in after['folder']}


def test_an_item_that_is_no_package_does_not_come_back_when_it_is_saved_after_its_deletion(overtaken, api, make_release,
                                                                                           stored):
    release = make_release('5.8', '33000')
    item = api.post('/item', params={'folderId': release['_id'], 'name': 'Notes'}).raise_for_status().json()
    overtaken(Item(), lambda: api.delete(f'/folder/{release["_id"]}').raise_for_status())
    assert api.put(f'/item/{item["_id"]}', params={'name': 'Other'}).status_code == 404
    assert stored()['item'] == []
