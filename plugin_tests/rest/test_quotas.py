"""An application holds no more bytes than it may."""
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from plugin_tests.conftest import upload

pytestmark = pytest.mark.database

SETTING = 'slicer_package_manager.upload_quotas'


@pytest.fixture
def allow(db, app):
    from girder.models.setting import Setting

    def set_limit(limit, key=app['_id']):
        Setting().set(SETTING, {key: limit})
    return set_limit


@pytest.fixture
def begin(api):
    def start(item, size, client=api):
        return client.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'x.zip',
                                            'size': size})
    return start


def send(client, begun, content):
    return client.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, content=content,
                       headers={'Content-Type': 'application/octet-stream'})


def test_what_does_not_fit_is_refused_before_it_is_sent(api, app, make, allow, begin, db, tmp_path):
    make('package', content=b'x' * 60)
    item = make('extension')
    allow(100)
    answer = begin(item, 41)
    assert answer.status_code == 413
    message = answer.json()['message']
    assert '"Slicer" may have 100 bytes and have 60' in message
    assert 'ask a site administrator to raise the setting slicer_package_manager.upload_quotas' in message
    assert db['upload'].count_documents({}) == 0
    assert list((tmp_path / 'assetstore' / 'temp').iterdir()) == []
    upload(api, item['_id'], b'y' * 40)


@pytest.mark.parametrize('key', ['default', None])
def test_the_limit_of_the_application_goes_before_that_of_all_others(api, app, make, begin, db, key):
    from girder.models.setting import Setting
    Setting().set(SETTING, {'default': 10, **({} if key else {app['_id']: 1000})})
    assert begin(make('package'), 11).status_code == (413 if key else 200)


def test_uploads_under_way_hold_their_place(api, make, allow, begin, db):
    allow(100)
    first = begin(make('package'), 60).raise_for_status().json()
    other = make('extension')
    assert begin(other, 60).status_code == 413
    api.delete(f'/file/upload/{first["_id"]}').raise_for_status()
    begin(other, 60).raise_for_status()


def test_one_that_was_given_up_long_ago_holds_no_place(make, allow, begin, db):
    from slicer_package_manager.registry.server import clock
    from slicer_package_manager.registry.storage import quotas
    allow(100)
    begin(make('package'), 60).raise_for_status()
    db['upload'].update_many({}, {'$set': {'updated': clock.now() - quotas.PATIENCE - timedelta(minutes=1)}})
    begin(make('extension'), 60).raise_for_status()


def test_attempts_to_fill_one_item_count_once(make, allow, begin):
    allow(100)
    item = make('package')
    for _ in range(3):
        begin(item, 60).raise_for_status()


def test_a_replacement_needs_only_what_it_adds(api, make, allow, begin, files_of):
    item = make('package', content=b'x' * 90)
    allow(100)
    upload(api, item['_id'], b'y' * 95)
    (file,) = files_of(item)
    assert api.put(f'/file/{file["_id"]}/contents', params={'size': 101}).status_code == 413
    begun = api.put(f'/file/{file["_id"]}/contents', params={'size': 100}).raise_for_status().json()
    send(api, begun, b'z' * 100).raise_for_status()
    allow(10)
    upload(api, item['_id'], b'smaller')


def test_replacements_that_wait_do_not_pile_up(api, make, allow, files_of):
    """One that waits for its uploader to delete the older file is replaced itself by the next one."""
    item = make('package', content=b'x' * 50)
    allow(100)
    for content in (b'1', b'2', b'3'):
        newest = upload(api, item['_id'], content * 50, name='new_file')
        assert [one['_id'] for one in files_of(item)][1:] == [newest['_id']]
    from bson.objectid import ObjectId

    from slicer_package_manager.registry.storage import quotas
    assert quotas.used(ObjectId(item['meta']['app_id'])) == 100
    old = files_of(item)[0]
    api.delete(f'/file/{old["_id"]}').raise_for_status()
    assert [one['_id'] for one in files_of(item)] == [newest['_id']]


def test_a_limit_that_was_lowered_meanwhile_holds_at_the_end(api, make, allow, begin, db, files_of):
    item = make('package')
    allow(100)
    begun = begin(item, 60).json()
    allow(50)
    assert send(api, begun, b'x' * 60).status_code == 413
    assert db['upload'].count_documents({}) == 0
    assert files_of(item) == []


def test_uploads_at_the_same_time_never_exceed_it(wsgi_app, admin, login, make, allow, begin):
    items = [make('package', baseName=f'P{number}') for number in range(8)]
    clients = [login(admin) for _ in items]
    allow(100)

    def fill(pair):
        begun = begin(pair[0], 40, pair[1])
        return begun.is_success and send(pair[1], begun.json(), b'x' * 40).is_success
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(fill, zip(items, clients, strict=True)))
    from bson.objectid import ObjectId

    from slicer_package_manager.registry.storage import quotas
    assert quotas.used(ObjectId(items[0]['meta']['app_id'])) == 40 * sum(done) <= 100


def test_files_of_others_are_not_limited(api, app, allow):
    allow(0, 'default')
    mine = api.post('/collection', params={'name': 'Mine'}).json()
    folder = api.post('/folder', params={'parentType': 'collection', 'parentId': mine['_id'], 'name': 'x'}).json()
    item = api.post('/item', params={'folderId': folder['_id'], 'name': 'x'}).json()
    upload(api, item['_id'], b'x')


@pytest.mark.parametrize('value', ['[]', '5', '{"Slicer": 5}', '{"default": -1}', '{"default": true}',
                                   '{"default": "5 GB"}'])
def test_quotas_that_make_no_sense_are_refused(api, value):
    answer = api.put('/system/setting', params={'key': SETTING, 'value': value})
    assert answer.status_code == 400


def test_half_uploads_to_other_places_cost_nothing(api, app, make, allow, begin, db):
    from plugin_tests.roundtrips import counting
    allow(1000)
    other = api.post('/app', params={'name': 'Other'}).raise_for_status().json()
    elsewhere, item = make('package', app_id=other['_id']), make('extension')

    def trips():
        with counting() as commands:
            begin(item, 10).raise_for_status()
        return len(commands)
    before = trips()
    for _ in range(20):
        begin(elsewhere, 10).raise_for_status()
    api.put('/system/setting', params={'key': SETTING, 'value': '{}'})
    allow(1000)
    assert trips() <= before
    for _ in range(20):
        begin(item, 10).raise_for_status()
    assert trips() <= before


def test_what_is_begun_for_one_item_counts_once_and_for_others_together(make, allow, begin, db):
    allow(100)
    item, other = make('package'), make('extension')
    for size in (60, 70, 50):
        assert begin(item, size).status_code == 200
    assert begin(other, 31).status_code == 413
    assert begin(other, 30).status_code == 200
