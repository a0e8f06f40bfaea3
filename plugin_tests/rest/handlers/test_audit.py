"""The audit log: who changed what, for administrators, and for as long as the operator wants."""
from datetime import timedelta

import pytest

from plugin_tests.conftest import EXTENSION_FORM, upload

pytestmark = pytest.mark.database

PATH = '/slicer_package_manager/audit'
HANDLER = 'slicer_package_manager.audit'


@pytest.fixture
def audited(db):
    """The audit log, switched on for one test."""
    from girder import auditLogger, events

    from slicer_package_manager.registry.server.environment import Operation
    from slicer_package_manager.rest.middleware import audit_recorder
    before = list(auditLogger.handlers)
    audit_recorder.start(Operation(audit_days=30))
    yield db['slicer_package_audit']
    for handler in set(auditLogger.handlers) - set(before):
        auditLogger.removeHandler(handler)
    for call in audit_recorder._READ_BEFORE:
        events.unbind(f'rest.{call}.before', HANDLER)
    events.unbind('model.file.finalizeUpload.after', HANDLER)


@pytest.fixture
def changes(audited, api):
    def get(**filters):
        return api.get(PATH, params=filters).raise_for_status().json()
    return get


def test_a_change_has_user_time_document_and_address(changes, api, app, admin, audited):
    audited.delete_many({})
    answer = api.post(f'/app/{app["_id"]}/extension', params=EXTENSION_FORM).raise_for_status()
    one, = changes()
    assert (one['login'], one['user'], one['kind'], one['name']) == (
        'admin', str(admin['_id']), 'extension', 'SlicerIGT')
    assert (one['method'], one['path']) == ('POST', f'/app/{app["_id"]}/extension')
    assert (one['app'], one['given']) == (app['_id'], EXTENSION_FORM)
    assert (one['address'], one['request_id']) == ('127.0.0.1', answer.headers['X-Request-ID'])
    assert one['when'] >= answer.json()['created']


def test_an_upload_is_one_change_when_it_is_complete(changes, api, make, audited):
    item = make('package')
    audited.delete_many({})
    begun = api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'x.zip', 'size': 3}).json()
    assert changes() == []
    api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, content=b'abc', headers={
        'Content-Type': 'application/octet-stream'}).raise_for_status()
    one, = changes()
    assert (one['kind'], one['name'], one['app']) == ('file', 'x.zip', item['meta']['app_id'])
    upload(api, item['_id'], b'more')
    assert len(changes()) == 2


def test_changes_by_girders_own_calls_tell_the_application(changes, api, app, make, audited):
    item = make('package', content=b'x')
    (file,) = api.get(f'/item/{item["_id"]}/files').json()
    audited.delete_many({})
    api.put(f'/item/{item["_id"]}/metadata', json={'version': '5.9'}).raise_for_status()
    api.delete(f'/file/{file["_id"]}').raise_for_status()
    api.post(f'/item/{item["_id"]}', headers={'X-HTTP-Method-Override': 'delete'}).raise_for_status()
    api.delete(f'/app/{app["_id"]}').raise_for_status()
    assert [(one['method'], one['kind'], one.get('app')) for one in changes()] == [
        ('DELETE', 'application', app['_id']), ('DELETE', 'item', app['_id']), ('DELETE', 'file', app['_id']),
        ('PUT', 'item', app['_id'])]
    assert changes(kind='item')[0]['name'] == item['name']


def test_reading_failing_and_logging_in_are_no_changes(changes, api, anonymous, app, audited):
    audited.delete_many({})
    api.get(f'/app/{app["_id"]}/package')
    assert api.post(f'/app/{app["_id"]}/package').status_code == 400
    assert anonymous.delete(f'/app/{app["_id"]}').status_code == 401
    assert anonymous.post('/api_key/token', params={'key': 'x'}).status_code == 400
    assert changes() == []


def test_no_secrets_are_recorded(api, audited):
    api.post('/user', params={'login': 'member', 'password': 'very-secret', 'firstName': 'A', 'lastName': 'B',
                              'email': 'a@example.org'}).raise_for_status()
    api.put('/system/setting', params={'key': 'core.smtp.password', 'value': 'very-secret'}).raise_for_status()
    kept = list(audited.find())
    assert [one['name'] for one in kept] == ['member', 'core.smtp.password']
    assert 'very-secret' not in str(kept)


def test_no_parameter_hides_a_change(changes, api, app, audited):
    audited.delete_many({})
    path = f'/app/{app["_id"]}/release'
    api.post(f'{path}?name=1&app_revision=1&a=%00').raise_for_status()
    api.delete(f'{path}/1?a=%00').raise_for_status()
    assert [(one['method'], one['app']) for one in changes()] == [('DELETE', app['_id']), ('POST', app['_id'])]


@pytest.mark.parametrize('hidden', ['a%00b=1', '%24where=1', 'a.b=1'])
def test_a_parameter_that_the_log_cannot_keep_is_refused_and_changes_nothing(changes, api, app, audited, hidden):
    audited.delete_many({})
    path = f'/app/{app["_id"]}/release'
    assert api.post(f'{path}?name=1&app_revision=1&{hidden}').status_code == 400
    assert api.get(path).json() == []
    assert changes() == []


def test_filters_are_combined_and_pages_follow_each_other(changes, api, login, make_user, app, admin, audited):
    audited.delete_many({})
    other = login(make_user('other', admin=True))
    for client in (api, other, other):
        client.post('/collection', params={'name': f'{len(changes(limit=0))}'}).raise_for_status()
    other.post(f'/app/{app["_id"]}/release', params={'name': '1', 'app_revision': '1'}).raise_for_status()
    assert [one['kind'] for one in changes()] == ['release', 'collection', 'collection', 'collection']
    assert [one['name'] for one in changes(user='other', kind='collection')] == ['2', '1']
    assert len(changes(user=str(admin['_id']))) == 1
    assert [one['kind'] for one in changes(app_id=app['_id'])] == ['release']
    assert [one['name'] for one in changes(limit=2, offset=1)] == ['2', '1']
    assert api.get(PATH, params={'limit': 1}).headers['Girder-Total-Count'] == '4'


def test_days_are_included_from_first_to_last(changes, api, audited):
    audited.delete_many({})
    api.post('/collection', params={'name': 'x'}).raise_for_status()
    moment = audited.find_one()['when']
    today, tomorrow, yesterday = (f'{moment + timedelta(days=days):%Y-%m-%d}' for days in (0, 1, -1))
    assert len(changes(date_from=today, date_to=today)) == len(changes(date_from=moment.isoformat())) == 1
    assert changes(date_from=tomorrow) == changes(date_to=yesterday) == []
    assert len(changes(date_to=today.replace('-', ''))) == len(changes(date_to='9999-12-31')) == 1
    assert changes(date_from='9999-12-31') == changes(date_to='0001-01-01') == []


@pytest.mark.parametrize('filters', [
    {'app_id': 'x'}, {'date_from': 'x'}, {'date_to': '2026-99-01'}, {'limit': -1}, {'offset': 10**20}])
def test_filters_that_make_no_sense_are_refused(api, filters):
    assert api.get(PATH, params=filters).status_code == 400


def test_it_is_for_administrators(anonymous, login, admin, make_user):
    assert anonymous.get(PATH).status_code == 401
    assert login(make_user('reader')).get(PATH).status_code == 403


def test_it_is_off_unless_switched_on(api, db):
    db['slicer_package_audit'].delete_many({})
    api.post('/collection', params={'name': 'x'}).raise_for_status()
    assert api.get(PATH).json() == []


def test_the_database_forgets_after_as_many_days_as_the_last_start_says(audited):
    from slicer_package_manager.registry.accounts import audit_log
    for days in (7, 90):
        audit_log.ensure(days)
        assert audited.index_information()['spm_audit_retention']['expireAfterSeconds'] == days * 86400


def test_a_change_does_not_fail_with_the_audit_log(api, audited, monkeypatch):
    import pymongo

    from slicer_package_manager.registry.accounts import audit_log

    def broken(_self, *_args):
        raise pymongo.errors.AutoReconnect('away')
    monkeypatch.setattr(audit_log.Change().collection.__class__, 'insert_one', broken)
    audit_log.record({'method': 'POST', 'path': '/x', 'login': 'admin'})


def test_uploads_of_a_publisher_have_its_run_and_the_exchange_is_no_change(changes, machine_of, app, audited, issuer):
    machine = machine_of()
    one, *_ = changes(kind='publisher')
    assert (one['login'], one['app'], one['given']['repository']) == ('admin', app['_id'], 'SlicerIGT/SlicerIGT')
    assert [one for one in changes() if 'oidc' in one['path']] == []
    audited.delete_many({})
    item = machine.post(f'/app/{app["_id"]}/extension', params=EXTENSION_FORM).raise_for_status().json()
    upload(machine, item['_id'], b'content')
    found = changes()
    assert [one['kind'] for one in found] == ['file', 'extension']
    for one in found:
        assert one['login'] == 'buildbot'
        assert (one['build']['repository'], one['build']['run']) == ('SlicerIGT/SlicerIGT', '42')
        assert one['build']['commit'].startswith('ab12cd34')
        assert 'key' not in one
