"""Uploads to an application that requires the client's check: refused before anything is visible."""
import pytest

from plugin_tests.conftest import upload
from plugin_tests.test_inspector import ELF, NAME, TOP, tarred

pytestmark = [pytest.mark.database, pytest.mark.process]

KEY = 'slicer_package_manager.checked_applications'
GOOD = tarred({f'{TOP}/lib/a.so': ELF})
FOR_ANOTHER = tarred({'Other/lib/a.so': ELF.replace(b'\x3e', b'\xb7')})


@pytest.fixture
def check(api):
    """Have the server check the uploads to applications."""
    def set_setting(*apps):
        import json
        return api.put('/system/setting', params={'key': KEY, 'value': json.dumps(apps)})
    return set_setting


@pytest.fixture
def checked(app, check):
    check(app['_id']).raise_for_status()


@pytest.fixture
def foo(make):
    return make('extension', baseName='Foo')


def refused(answer, *reasons):
    assert answer.status_code == 400, answer.text
    for reason in reasons:
        assert reason in answer.json()['message']


def send(client, item, content, name=NAME, **values):
    return client.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': name,
                                        'size': len(content), **values}, content=content,
                       headers={'Content-Type': 'application/octet-stream'})


def test_a_good_archive_is_accepted(checked, api, foo, files_of):
    send(api, foo, GOOD).raise_for_status()
    assert [one['name'] for one in files_of(foo)] == [NAME]


def test_nothing_stays_of_a_refused_upload_and_each_error_is_named(checked, api, foo, stored, tmp_path, bytes_of_store):
    before, there = stored(), bytes_of_store()
    refused(send(api, foo, FOR_ANOTHER), 'top folder is "Other"', 'none is for linux amd64', NAME)
    assert (stored(), bytes_of_store()) == (before, there)


@pytest.fixture
def bytes_of_store(db):
    """The files in the assetstore."""
    from pathlib import Path
    root = Path(db['assetstore'].find_one({'current': True})['root'])
    return lambda: sorted(str(path) for path in root.rglob('*') if path.is_file() and path.suffix != '.deleteLock')


def test_a_file_stays_when_its_replacement_is_refused(checked, api, foo, files_of, anonymous, stored):
    send(api, foo, GOOD).raise_for_status()
    (file,) = files_of(foo)
    before = stored()
    begun = api.put(f'/file/{file["_id"]}/contents', params={'size': len(FOR_ANOTHER)}).raise_for_status().json()
    refused(api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, content=FOR_ANOTHER, headers={
        'Content-Type': 'application/octet-stream'}), 'top folder')
    refused(send(api, foo, FOR_ANOTHER), 'top folder')
    assert stored() == before
    assert anonymous.get(f'/item/{foo["_id"]}/download').content == GOOD


def test_published_clients_replace_a_file_by_one_without_its_name(checked, api, foo, files_of):
    send(api, foo, GOOD).raise_for_status()
    refused(send(api, foo, FOR_ANOTHER, 'new_file'), 'does not have the name "Foo"')
    send(api, foo, tarred({f'{TOP}/a': b'new'}), 'new_file').raise_for_status()


def test_incomplete_metadata_are_an_error(checked, make, api):
    item = make('package', baseName='Slicer', version='')
    refused(send(api, item, b'MZ' + bytes(100), 'Slicer.exe'), 'Not given, or empty: version')
    whole = make('package', baseName='Other')
    send(api, whole, b'MZ' + bytes(100), 'Slicer.exe').raise_for_status()


def test_other_applications_are_not_checked(checked, app, check, api, make, foo):
    check('a' * 24).raise_for_status()
    send(api, foo, b'any bytes').raise_for_status()
    check('*').raise_for_status()
    refused(send(api, foo, b'other bytes'), 'is no archive')


def test_by_default_nothing_is_checked(api, foo):
    send(api, foo, b'any bytes').raise_for_status()


@pytest.mark.parametrize('value', [['x'], 'a' * 24, {'a': 1}, [7], ['**']])
def test_the_setting_is_validated(api, value):
    import json
    assert api.put('/system/setting', params={'key': KEY, 'value': json.dumps(value)}).status_code == 400


def test_a_check_that_fails_can_be_repeated(checked, api, foo, monkeypatch, stored):
    from slicer_package_manager import inspector
    begun = send(api, foo, b'', size=len(GOOD)).raise_for_status().json()
    chunk = {'params': {'uploadId': begun['_id'], 'offset': 0}, 'content': GOOD, 'headers': {
        'Content-Type': 'application/octet-stream'}}
    monkeypatch.setattr(inspector, 'PROGRAM', 'slicer_package_manager.nothing')
    answer = api.post('/file/chunk', **chunk)
    assert (answer.status_code, 'Retry-After' in answer.headers) == (503, True), answer.text
    monkeypatch.undo()
    api.post('/file/completion', params={'uploadId': begun['_id']}).raise_for_status()


def test_files_in_object_storage_are_checked(s3, checked, api, foo, stored):
    before = stored()
    refused(send(api, foo, FOR_ANOTHER), 'top folder')
    assert (s3.objects(), s3.unfinished(), stored()) == ({}, [], before)
    send(api, foo, GOOD).raise_for_status()


def test_the_rules_for_metadata_are_those_of_the_client():
    from slicer_package_manager_client import fields as of_client

    from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
    from slicer_package_manager.registry.storage import upload_checks
    for package_type in of_client.PACKAGE_TYPES:
        required = {one.key for one in package_type.fields if one.required}
        assert set(upload_checks.required(PACKAGE_TYPES[package_type.label])) == required


def test_an_upload_of_an_ordinary_file_is_not_checked(checked, api, elsewhere, admin):
    from girder.models.item import Item
    item = Item().createItem('note', admin, elsewhere)
    assert upload(api, item['_id'], b'text')['size'] == 4
