"""A cached list is never older than the last complete write, by whatever route."""
import threading
from types import SimpleNamespace

import pytest
from pymongo.errors import AutoReconnect

from plugin_tests.conftest import upload
from plugin_tests.servers import poll
from slicer_package_manager.registry.server import data_version

pytestmark = pytest.mark.database


@pytest.fixture
def item(make):
    return make('extension', content=b'x')


@pytest.fixture
def path(app):
    return f'/app/{app["_id"]}/extension'


def _models():
    from girder.models.folder import Folder
    from girder.models.item import Item
    return Item(), Folder()


def _set_description(item):
    _models()[0].update({'name': item['name']}, {'$set': {'description': 'new'}}, multi=False)


def _increment(item):
    _models()[0].increment({'name': item['name']}, 'size', 7)


def _by_the_collection(item):
    _models()[0].collection.update_many({'name': item['name']}, {'$set': {'description': 'new'}})


def _hide():
    folder = _models()[1].findOne({'spm.role': 'revision'})
    _models()[1].setPublic(folder, public=False, save=True)


def _remove_with_query(item):
    _models()[0].removeWithQuery({'name': item['name']})


#: Each makes a change, given a client of the administrator as ``api``, the application and the item.
ROUTES = {
    'our upsert': lambda at: at.api.post(f'/app/{at.app["_id"]}/extension', data={
        **{key: at.item['meta'][key] for key in ('os', 'arch', 'baseName', 'app_revision')}, 'keywords': 'new'}),
    'our deletion': lambda at: at.api.delete(f'/app/{at.app["_id"]}/extension/{at.item["_id"]}'),
    "Girder's rename": lambda at: at.api.put(f'/item/{at.item["_id"]}', params={'name': 'new'}),
    "Girder's metadata": lambda at: at.api.put(f'/item/{at.item["_id"]}/metadata', json={'keywords': 'new'}),
    "Girder's deletion": lambda at: at.api.delete(f'/item/{at.item["_id"]}'),
    'an upload': lambda at: upload(at.api, at.item['_id'], b'other content'),
    'deletion of the file': lambda at: [
        at.api.delete(f'/file/{file["_id"]}') for file in at.api.get(f'/item/{at.item["_id"]}/files').json()],
    'deletion of the draft': lambda at: at.api.delete(f'/app/{at.app["_id"]}/release/33000'),
    'access': lambda at: at.api.put(f'/folder/{at.item["folderId"]}/access', params={
        'access': '{}', 'public': 'false'}),
    'an update by the model': lambda at: _set_description(at.item),
    'an increment by the model': lambda at: _increment(at.item),
    'a removal by query': lambda at: _remove_with_query(at.item),
    'a plugin that uses the collection': lambda at: _by_the_collection(at.item),
    'a folder above': lambda _: _hide(),
}


@pytest.mark.parametrize('route', ROUTES)
def test_a_change_by_any_route_is_listed_at_once(anonymous, api, app, item, path, route):
    before = anonymous.get(path)
    assert anonymous.get(path).json() == before.json() != []
    ROUTES[route](SimpleNamespace(api=api, app=app, item=item))
    after = anonymous.get(path, headers={'If-None-Match': before.headers['ETag']})
    assert after.status_code == 200
    assert after.json() != before.json()


def test_cached_answers_need_no_query_of_items(anonymous, item, path, db):
    before = anonymous.get(path).json()
    db['item'].update_many({}, {'$set': {'description': 'behind the back of the server'}})
    assert anonymous.get(path).json() == before


def test_a_question_is_not_answered_with_the_answer_to_another(anonymous, make, path):
    make('extension', baseName='A', os='linux', content=b'x')
    make('extension', baseName='B', os='win', content=b'x')
    for _ in range(2):
        assert [one['meta']['baseName'] for one in anonymous.get(path, params={'os': 'linux'}).json()] == ['A']
        assert [one['meta']['baseName'] for one in anonymous.get(path, params={'os': 'win'}).json()] == ['B']
        assert len(anonymous.get(path).json()) == 2
        assert len(anonymous.get(path, params={'limit': 1}).json()) == 1


def test_a_list_cached_for_all_has_nothing_private(anonymous, api, make, path):
    make('extension', baseName='Waiting')
    assert anonymous.get(path).json() == anonymous.get(path).json() == []
    assert len(api.get(path).json()) == 1
    assert anonymous.get(path).json() == []


def test_a_private_application_is_hidden_as_soon_as_it_is_private(anonymous, api, app, item, path):
    assert anonymous.get(path).status_code == 200
    api.put(f'/folder/{app["_id"]}/access', params={'access': '{}', 'public': 'false'}).raise_for_status()
    assert anonymous.get(path).status_code == 401


def test_failures_are_not_cached(anonymous, api, app, item, path):
    api.put(f'/folder/{app["_id"]}/access', params={'access': '{}', 'public': 'false'}).raise_for_status()
    assert anonymous.get(path).status_code == 401
    api.put(f'/folder/{app["_id"]}/access', params={'access': '{}', 'public': 'true'}).raise_for_status()
    assert anonymous.get(path).status_code == 200


def test_a_request_that_writes_much_announces_it_once(api, item, monkeypatch):
    from girder.models.item import Item

    announced = []
    monkeypatch.setattr(data_version.Change().collection.__class__, 'update_one', _spy(announced, data_version))
    api.put(f'/item/{item["_id"]}', params={'name': 'a'}).raise_for_status()
    assert len(announced) == 1
    Item().update({}, {'$set': {'x': 1}})  # outside of requests at once
    assert len(announced) == 2


def _spy(announced, changes):
    original = changes.Collection.update_one

    def update_one(self, *args, **kwargs):
        if self.name == changes.Change().name:
            announced.append(args)
        return original(self, *args, **kwargs)
    return update_one


def test_caches_may_keep_what_everybody_may_read_and_must_ask_again(anonymous, api, item, path):
    assert anonymous.get(path).headers['Cache-Control'] == 'public, no-cache'
    assert api.get(path).headers['Cache-Control'] == 'private, no-cache'
    again = anonymous.get(path, headers={'If-None-Match': anonymous.get(path).headers['ETag']})
    assert (again.status_code, again.headers['Cache-Control']) == (304, 'public, no-cache')
    assert 'Girder-Token' in again.headers['Vary']


def test_an_administrator_lets_caches_answer_for_a_while(anonymous, api, item, path):
    anonymous.get(path)
    api.put('/system/setting', params={'key': 'slicer_package_manager.list_max_age', 'value': '30'}).raise_for_status()
    assert anonymous.get(path).headers['Cache-Control'] == 'public, max-age=30'
    assert api.get(path).headers['Cache-Control'] == 'private, no-cache'


def test_answers_to_an_administrator_are_not_cached(anonymous, api, item, path, db):
    api.put('/system/setting', params={'key': 'slicer_package_manager.list_cache_mbytes', 'value': '0'})
    before = anonymous.get(path).json()
    db['item'].update_many({}, {'$set': {'description': 'behind the back of the server'}})
    assert anonymous.get(path).json() != before


@pytest.mark.parametrize('key', ['list_max_age', 'list_cache_mbytes'])
@pytest.mark.parametrize('value', ['-1', '1.5', 'true', '"many"', '[]', '100000000'])
def test_a_senseless_number_is_refused(api, key, value):
    answer = api.put('/system/setting', params={'key': f'slicer_package_manager.{key}', 'value': value})
    assert answer.status_code == 400
    assert 'whole number from 0 to' in answer.json()['message']


def test_compressed_and_plain_have_tags_of_their_own_and_either_is_known(anonymous, make, path):
    make('extension', content=b'x', description='x' * 3000)
    tags = [anonymous.get(path, headers={'Accept-Encoding': one}).headers['ETag'] for one in ('gzip', 'identity')]
    assert len(set(tags)) == 2
    for tag in tags:
        for accepted in ('gzip', 'identity'):
            answer = anonymous.get(path, headers={'If-None-Match': tag, 'Accept-Encoding': accepted})
            assert answer.status_code == 304


def test_the_files_of_an_item_are_listed_as_they_are_now(anonymous, api, item):
    path = f'/item/{item["_id"]}/files'
    (before,) = anonymous.get(path).json()
    assert anonymous.get(path).json() == [before]
    api.put(f'/file/{before["_id"]}', params={'name': 'renamed.tar.gz'}).raise_for_status()
    assert [file['name'] for file in anonymous.get(path).json()] == ['renamed.tar.gz']
    upload(api, item['_id'], b'other', 'other.tar.gz')
    assert [file['name'] for file in anonymous.get(path).json()] == ['other.tar.gz']
    api.put(f'/folder/{item["folderId"]}/access', params={'access': '{}', 'public': 'false'}).raise_for_status()
    assert anonymous.get(path).status_code == 401


@pytest.mark.parametrize('header', ['Girder-Token', 'Authorization', 'Cookie', 'Origin'])
def test_requests_with_credentials_or_from_other_pages_get_the_same_list(anonymous, item, path, header):
    plain = anonymous.get(path)
    answer = anonymous.get(path, headers={header: 'x'})
    assert answer.json() == plain.json()


def test_what_could_not_be_announced_is_announced_as_soon_as_the_database_is_back(db, monkeypatch):
    before, back, tried = data_version.version(), threading.Event(), []
    announce = data_version._write_version

    def when_it_is_back(*_):
        tried.append(threading.current_thread())
        if not back.is_set():
            raise AutoReconnect
        announce()
    monkeypatch.setattr(data_version, '_write_version', when_it_is_back)
    monkeypatch.setattr(data_version, '_PAUSE', 0.01)
    for _ in range(2):
        with pytest.raises(AutoReconnect):
            data_version.announce()
    others = poll(lambda: {one for one in tried if one is not threading.current_thread()}, 'it is tried again')
    assert len(others) == 1
    assert data_version.version() == before
    back.set()
    poll(lambda: data_version.version() != before, 'it is announced')
    assert not data_version._missed.is_set()
