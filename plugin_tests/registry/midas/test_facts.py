"""What MIDAS stated about a package stays with its item, is in no response, and describes its own file only."""
import pytest
from bson.objectid import ObjectId

from plugin_tests.conftest import upload
from plugin_tests.midas.conftest import record_facts
from slicer_package_manager.registry.midas import facts

pytestmark = pytest.mark.database

ROOT = 'http://testserver'
KNOWN = {'md5': '0cc175b9c0f1b6a831c399e269772661', 'checkoutdate': '2012-11-01 00:10:11', 'codebase': 'Slicer4',
         'submissiontype': 'nightly', 'packagetype': 'installer'}


@pytest.fixture
def imported(make, db):
    """A package that came from MIDAS."""
    item = make('package', content=b'a')
    file = db['file'].find_one({'itemId': ObjectId(item['_id'])})
    record_facts(db, item, {**KNOWN, 'sha512': file['sha512']})
    return item


def kept(db, item):
    return db['item'].find_one({'_id': ObjectId(item['_id'])})['spm'].get('midas', {})


def test_find_has_the_facts_as_the_former_site_had(imported, anonymous):
    record = anonymous.get(f'{ROOT}/find', params={'os': 'linux', 'stability': 'any'}).json()
    assert {key: record[key] for key in ('md5', 'codebase', 'package', 'checkout_date', 'checkout_date_ymd')} == {
        'md5': KNOWN['md5'], 'codebase': 'Slicer4', 'package': 'installer', 'checkout_date': '2012-11-01 00:10:11',
        'checkout_date_ymd': '2012-11-01'}


def test_no_other_response_has_them(imported, api, anonymous, app):
    for path in (f'/item/{imported["_id"]}', f'/app/{app["_id"]}/package', f'/item/{imported["_id"]}/files'):
        for client in (api, anonymous):
            assert KNOWN['md5'] not in client.get(path).raise_for_status().text


def test_they_stay_when_the_package_is_changed_moved_or_promoted(imported, api, app, make, db):
    api.put(f'/item/{imported["_id"]}', params={'description': 'changed'}).raise_for_status()
    make('package', version='5.8.1')
    api.post(f'/app/{app["_id"]}/release', params={'name': '5.8', 'app_revision': '33000'}).raise_for_status()
    api.post(f'/app/{app["_id"]}/release/5.8/promote', params={'revision': '33000'}).raise_for_status()
    api.put(f'/app/{app["_id"]}/release/5.8/ready', params={'ready': 'true'}).raise_for_status()
    assert kept(db, imported).items() >= KNOWN.items()


def test_a_copy_has_none(imported, api, db):
    copy = api.post(f'/item/{imported["_id"]}/copy', params={'folderId': api.post('/folder', params={
        'parentId': imported['folderId'], 'name': 'other'}).json()['_id']}).raise_for_status().json()
    assert 'spm' not in db['item'].find_one({'_id': ObjectId(copy['_id'])})


def test_the_checksum_is_that_of_the_imported_file_only(imported, api, db):
    upload(api, imported['_id'], b'another')
    item = db['item'].find_one({'_id': ObjectId(imported['_id'])})
    now = facts.of(item, db['file'].find_one({'itemId': item['_id']}))
    assert 'md5' not in now
    assert now['codebase'] == 'Slicer4'


def test_the_doctor_takes_them_for_right(imported):
    from slicer_package_manager.doctor.checks import CHECKS
    from slicer_package_manager.doctor.findings import Options
    assert [finding.what for check in CHECKS if check.name in ('registrations', 'documents', 'files')
            for finding in check.findings(Options())] == []
