"""How the server is used, for site administrators."""
from datetime import datetime, timedelta, timezone

import pytest

from plugin_tests import loopback

pytestmark = pytest.mark.database


@pytest.fixture
def usage(api):
    return lambda: api.get('/slicer_package_manager/usage').raise_for_status().json()


def test_an_application_has_its_size_and_quota(usage, make, app, api):
    make('package', content=b'x' * 5)
    make('extension', content=b'x' * 7)
    api.post('/app', params={'name': 'Other'}).raise_for_status()
    assert [(one['name'], one['bytes'], one['quota']) for one in usage()['applications']] == [
        ('Slicer', 12, None), ('Other', 0, None)]
    api.put('/system/setting', params={'key': 'slicer_package_manager.upload_quotas',
                                       'value': f'{{"{app["_id"]}": 100, "default": 7}}'}).raise_for_status()
    assert [one['quota'] for one in usage()['applications']] == [100, 7]


def test_files_that_belong_to_no_package_count_as_they_do_for_quotas(usage, make, app, api):
    from girder.models.folder import Folder

    from plugin_tests.conftest import upload
    from slicer_package_manager.registry.storage import quotas
    make('package', content=b'x' * 5)
    for folder in (app['_id'], str(next(iter(Folder().find({'spm.role': 'draft'})))['_id'])):
        note = api.post('/item', params={'folderId': folder, 'name': 'notes'}).raise_for_status().json()
        upload(api, note['_id'], b'y' * 3)
    [found] = usage()['applications']
    assert found['bytes'] == 5 + 2 * 3 == quotas.used(Folder().findOne({'name': 'Slicer'})['_id'])


def test_uploads_are_counted_by_account(usage, make, make_user, login, grant, app, db):
    machine = make_user('machine')
    grant(app, machine, level=1, recurse=True)
    for name in 'A', 'B':
        make('extension', baseName=name, content=b'xyz', client=login(machine))
    make('extension', baseName='C', content=b'x')
    assert [(one['login'], one['files'], one['bytes']) for one in usage()['uploads']] == [
        ('machine', 2, 6), ('admin', 1, 1)]
    db.user.delete_one({'_id': machine['_id']})
    assert usage()['uploads'][0]['login'] == ''
    db.file.update_many({}, {'$set': {'created': datetime.now(timezone.utc) - timedelta(days=91)}})
    assert usage()['uploads'] == []


def test_uploads_that_broke_off_are_listed(usage, make, api, db):
    item = make('extension')
    api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'a.zip', 'size': 9}
             ).raise_for_status()
    assert usage()['unfinished'] == []
    db.upload.update_many({}, {'$set': {'updated': datetime.now(timezone.utc) - timedelta(hours=2)}})
    [found] = usage()['unfinished']
    assert {key: found[key] for key in ('name', 'login', 'size', 'received')} == {
        'name': 'a.zip', 'login': 'admin', 'size': 9, 'received': 0}


def test_links_that_the_last_check_found_broken_are_listed_until_they_work(usage, make, allow, httpserver):
    from slicer_package_manager.registry.links import checker
    allow(loopback.origin(httpserver))
    status = [404]

    def respond(_request):
        from werkzeug import Response
        return Response(status=status[0])
    httpserver.expect_request('/a.zip').respond_with_handler(respond)
    item = make('extension', url=httpserver.url_for('/a.zip'))

    def check():
        return [one.state for one in checker.check(checker.linked_files(), checker.Options(pause=0))]
    assert (usage()['broken_links'], check()) == ([], ['broken'])
    [found] = usage()['broken_links']
    assert {key: found[key] for key in ('item', 'name', 'url', 'state', 'reason')} == {
        'item': item['_id'], 'name': item['name'], 'url': httpserver.url_for('/a.zip'), 'state': 'broken',
        'reason': 'status 404'}
    status[0] = 200
    assert (check(), usage()['broken_links']) == (['ok'], [])
