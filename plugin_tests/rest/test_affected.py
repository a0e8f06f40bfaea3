"""Who has a file: its downloads by day, country and system, for those who administer the application."""
import hashlib

import pytest

from plugin_tests.conftest import upload
from plugin_tests.logs.loaded import DAY, load, of_item

pytestmark = pytest.mark.database

BAD = b'a bad build'
SHA512 = hashlib.sha512(BAD).hexdigest()


@pytest.fixture
def ask(api, app):
    def asked(checksum=SHA512, client=api, app_id=app['_id']):
        return client.get(f'/app/{app_id}/downloadstats/{checksum}')
    return asked


@pytest.fixture
def files(api):
    return lambda item: api.get(f'/item/{item["_id"]}/files').raise_for_status().json()


@pytest.fixture
def current(api):
    return lambda item: api.get(f'/item/{item["_id"]}').raise_for_status().json()


@pytest.fixture
def bad(make, files, current):
    """A package with rows on two days; its file."""
    item = make('package', content=BAD)
    file, = files(item)
    item = current(item)
    load(of_item(item, file, requests='3', clients='2'),
         of_item(item, file, country='FR', client='slicer', client_os='win', requests='4', clients='4'),
         of_item(item, file, client='command line', requests='1'),
         of_item(item, file, client='robot', client_os='unknown', requests='50'),
         of_item(item, file, day='2026-11-02', country='FR', client_os='win', requests='2'),
         of_item(item, file, content='0' * 16, requests='100'),
         of_item(item, {'_id': '64b0000000000000000000f9'}, requests='100'))
    return item, file


def test_downloads_by_day_country_and_system(ask, bad, app):
    item, file = bad
    found = ask().raise_for_status().json()
    assert (found['requests'], found['robots']) == (10, 50)
    assert found['days'] == [{'day': DAY, 'requests': 8, 'clients': 7},
                             {'day': '2026-11-02', 'requests': 2, 'clients': 1}]
    assert found['countries'] == [{'country': 'FR', 'name': 'France', 'requests': 6, 'clients': 5},
                                  {'country': 'DE', 'name': 'Germany', 'requests': 4, 'clients': 3}]
    assert found['systems'] == [{'client_os': 'win', 'requests': 6, 'clients': 5},
                                {'client_os': 'linux', 'requests': 4, 'clients': 3}]
    assert found['rows'] == [
        {'day': DAY, 'country': 'DE', 'client_os': 'linux', 'requests': 4, 'clients': 3},
        {'day': DAY, 'country': 'FR', 'client_os': 'win', 'requests': 4, 'clients': 4},
        {'day': '2026-11-02', 'country': 'FR', 'client_os': 'win', 'requests': 2, 'clients': 1}]
    assert found['logs'] == {'first': DAY, 'last': '2026-11-02', 'number': 2}
    (one,) = found['files']
    assert (one['file'], one['item'], one['app'], one['sha512'], one['kind'], one['baseName']) == (
        file['_id'], item['_id'], app['_id'], SHA512, 'package', 'Slicer')
    assert 'removed' not in one
    assert ask(SHA512.upper()).json() == found


@pytest.mark.parametrize('loss', ['replaced', 'content', 'item', 'release'])
def test_a_file_that_was_replaced_or_deleted_is_found(api, app, ask, bad, loss):
    item, file = bad
    if loss == 'replaced':
        upload(api, item['_id'], b'better')
    elif loss == 'content':
        begun = api.put(f'/file/{file["_id"]}/contents', params={'size': 6}).raise_for_status().json()
        api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, content=b'better',
                 headers={'Content-Type': 'application/octet-stream'}).raise_for_status()
    elif loss == 'item':
        api.delete(f'/app/{app["_id"]}/package/{item["_id"]}').raise_for_status()
    else:
        api.delete(f'/app/{app["_id"]}/release/33000').raise_for_status()
    found = ask().raise_for_status().json()
    assert found['requests'] == 10
    assert [bool(one.get('removed')) for one in found['files']] == [True]


def test_downloads_on_the_day_of_a_replacement_that_may_be_of_either_are_named(api, ask, bad, files, current):
    item, _ = bad
    upload(api, item['_id'], b'better')
    day = ask().json()['files'][0]['removed'][:10]
    new, = files(item)
    load(of_item(current(item), new, day=day, requests='6'),
         of_item(current(item), new, day=day, client='robot', requests='60'))
    found = ask().raise_for_status().json()
    assert found['replacements'] == [{'day': day, 'requests': 6}]
    better = ask(hashlib.sha512(b'better').hexdigest()).json()
    assert (better['requests'], better['replacements']) == (6, [])


def test_a_file_that_two_packages_have_is_found_in_both(ask, bad, make, files, current):
    other = make('package', content=BAD, os='win')
    file, = files(other)
    load(of_item(current(other), file, day='2026-11-03', requests='7'))
    found = ask().json()
    assert (found['requests'], len(found['files'])) == (17, 2)


def test_only_those_who_administer_the_application_may_ask(anonymous, app, ask, bad, login, make_user):
    from girder.constants import AccessType
    from girder.models.folder import Folder
    folder = Folder().load(app['_id'], force=True)
    assert ask(client=anonymous).status_code == 401
    for level, status in ((None, 403), (AccessType.READ, 403), (AccessType.WRITE, 403), (AccessType.ADMIN, 200)):
        user = make_user(f'user{status}{level}')
        if level is not None:
            Folder().setUserAccess(folder, user, level, save=True)
        assert ask(client=login(user)).status_code == status, level


def test_an_administrator_of_one_application_learns_nothing_of_another(api, ask, bad):
    other = api.post('/app', params={'name': 'Other'}).raise_for_status().json()
    answer = ask(app_id=other['_id'])
    assert answer.status_code == 404
    assert 'in "Other"' in answer.json()['message']


@pytest.mark.parametrize(('checksum', 'status', 'hint'), [
    ('x', 400, 'SHA-512'), ('0' * 127, 400, 'SHA-512'), ('g' * 128, 400, 'SHA-512'), ('0' * 64, 400, 'SHA-256'),
    ('0' * 128, 404, 'ever published'), ('0' * 32, 404, 'ever published')])
@pytest.mark.usefixtures('bad')
def test_other_checksums(ask, checksum, status, hint):
    answer = ask(checksum)
    assert answer.status_code == status
    assert hint in answer.json()['message']


def test_a_server_without_logs_says_so(ask, make):
    make('package', content=BAD)
    answer = ask()
    assert answer.status_code == 404
    assert 'logs load' in answer.json()['message']


@pytest.mark.parametrize('is_deleted', [False, True])
def test_the_md5_of_a_file_from_midas_will_do(api, app, ask, bad, db, is_deleted):
    from bson.objectid import ObjectId

    from slicer_package_manager.registry.midas import aliases
    from slicer_package_manager.registry.midas.numbers import Kind
    item, _ = bad
    md5 = hashlib.md5(BAD).hexdigest()
    identifier = ObjectId(item['_id'])
    db['item'].update_one({'_id': identifier}, {'$set': {'spm.midas': {'md5': md5, 'sha512': SHA512}}})
    aliases.record([aliases.Alias(Kind.MD5, md5, (identifier,))])
    if is_deleted:
        api.delete(f'/app/{app["_id"]}/package/{item["_id"]}').raise_for_status()
    assert ask(md5).raise_for_status().json()['requests'] == 10
