"""Imports from MIDAS: what readers, old addresses and the doctor find afterwards."""
import hashlib
from datetime import timedelta, timezone

import httpx
import pytest
from bson.objectid import ObjectId
from girder.models import getDbConnection

from plugin_tests.conftest import upload
from plugin_tests.migration import kills
from plugin_tests.migration.midas import older_midas
from plugin_tests.migration.midas.older_midas import DAY, SHIFT, archive
from slicer_package_manager.doctor.checks import run as check
from slicer_package_manager.doctor.findings import Options as DoctorOptions
from slicer_package_manager.migration import girder_database
from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.journal import Journal
from slicer_package_manager.migration.midas import ids, run
from slicer_package_manager.migration.midas.run import MidasOptions
from slicer_package_manager.migration.notes import Outcome
from slicer_package_manager.migration.options import Options
from slicer_package_manager.progress import silent
from slicer_package_manager.registry.catalog.applications import SLICER
from slicer_package_manager.registry.midas import aliases
from slicer_package_manager.registry.midas.numbers import Kind

pytestmark = [pytest.mark.database, pytest.mark.usefixtures('admin')]


def here():
    return girder_database.opened(getDbConnection().get_database())


def migrate(midas, *, stores=(1, 2, 3), app=None, keep_old=True, admins=False, redirects=(), **options):
    roots = {str(number): midas.root / str(number) for number in stores}
    moved = {'/dead/remote': midas.root / '3'}
    return run.migrate(midas, here(), MidasOptions(Options(roots=roots, **options), app, moved, keep_old, admins,
                                                   redirects), silent)


def listed(client, kind='extension', app=SLICER, **params):
    answer = client.get(f'/app/{app}/{kind}', params={'limit': 0, **params})
    return {item['meta']['baseName'] if kind == 'extension' else item['meta']['revision']: item
            for item in answer.raise_for_status().json()}


def item_of(kind, value):
    found = aliases.find(Kind(kind), str(value))
    return found and [here()['item'].find_one({'_id': one}) for one in found.targets]


def snapshot():
    names = sorted({*here().list_collection_names()} - {'slicer_package_change'})
    return {name: list(here()[name].find(sort=[('_id', 1)])) for name in names}


def findings():
    return [finding.what for _, finding in check(DoctorOptions(sample=None)) if 'administrator' not in finding.what]


def reasons(report, *outcomes):
    return [(note.kind, note.id, note.reason) for note in report.notes if note.outcome in outcomes]


@pytest.fixture
def midas(tmp_path):
    return older_midas.simple(tmp_path / 'midas')


@pytest.fixture
def whole(tmp_path):
    return older_midas.whole(tmp_path / 'midas')


def test_packages_and_extensions_are_listed_with_their_files_and_dates(midas, anonymous):
    report = migrate(midas)
    assert report.conclusion() == 'Ready to switch.'
    packages, extensions = listed(anonymous, 'package'), listed(anonymous)
    assert (packages.keys(), extensions.keys()) == ({'21513'}, {'Ext'})
    assert packages['21513']['meta']['release'] == '4.2.0'
    assert len(anonymous.get(f'/app/{SLICER}/extension', params={'limit': 0}).json()) == 2
    item = here()['item'].find_one({'meta.app_revision': '21513'})
    assert item['created'] == midas.tables['item'][1]['date_creation'].replace(tzinfo=timezone.utc) + SHIFT
    assert item['meta']['dependency'] == 'Other'
    assert anonymous.get(f'/item/{item["_id"]}/download').content == archive('Other NA')
    file = here()['file'].find_one({'itemId': item['_id']})
    assert file['name'] == '21513-linux-amd64-Ext-svn.tar.gz'
    assert item['spm']['midas'] == {'md5': midas.tables['bitstream'][1]['checksum'], 'sha512': file['sha512'],
                                    'codebase': 'Slicer4', 'submissiontype': 'nightly', 'packagetype': 'archive'}
    assert [one['name'] for one in anonymous.get(f'/app/{SLICER}/draft').json()] == ['30000']
    assert findings() == []


def test_files_go_to_the_bucket_that_is_the_current_assetstore(midas, s3, anonymous):
    assert migrate(midas, dry_run=True).undecided == []
    assert s3.objects() == {}
    assert migrate(midas, verify=True).conclusion() == 'Ready to switch.'
    assert archive('Other NA') in s3.objects().values()
    item = here()['item'].find_one({'meta.app_revision': '21513'})
    assert item['meta']['dependency'] == 'Other'
    location = anonymous.get(f'/item/{item["_id"]}/download').headers['Location']
    assert httpx.get(location).content == archive('Other NA')
    s3.requests.clear()
    assert [name for name in migrate(midas).totals if 'new or changed' in name] == ['aliases, new or changed']
    assert {one.method for one in s3.requests} <= {'HEAD'}
    assert findings() == []


def test_a_second_run_writes_nothing_and_reads_no_bytes(whole, monkeypatch):
    first = migrate(whole)
    before = snapshot()
    for name in 'file_copies.pour', 'migration.midas.archives.dependencies':
        monkeypatch.setattr(f'slicer_package_manager.{name}', None)
    for one in whole.tables['bitstream']:  # those that are lost are looked for again
        if one['checksum'] == '0' * 32:
            one['sizebytes'] += 1
    report = migrate(whole)
    assert snapshot() == before
    assert not [name for name, number in report.totals.items() if 'new or changed' in name and number]
    assert len(report.undecided) == len(first.undecided)


def test_archives_of_extensions_only_are_searched_for_dependencies(whole, monkeypatch):
    searched = []
    monkeypatch.setattr('slicer_package_manager.migration.midas.archives.dependencies', searched.append)
    migrate(whole)
    listed_ = here()['item'].count_documents({'spm.kind': 'extension'})
    assert len(searched) == listed_ + 1  # with the twin


def test_the_archive_decides_on_dependencies_and_the_table_if_it_has_no_description(midas):
    midas.item(79, files=[('Plain.tar.gz', b'plain')])
    midas.extension(14, 79, 'Plain')
    midas.extension(15, 78, 'Ext', slicer_revision='40000')
    for name in ('Ext', 'Plain'):
        midas.add('slicerpackages_extensiondependency', slicerpackages_extension_name=name,
                  slicerpackages_extension_dependency='Plain' if name == 'Ext' else 'Ext')
    for _ in range(2):
        migrate(midas)
        found = [item_of('extension', number)[0]['meta'].get('dependency') for number in (12, 13, 14, 15)]
        assert found == ['Other', None, 'Ext', None]


def test_values_are_cut_if_they_were_stored_with_the_greatest_length(midas):
    midas.tables['bitstream'][0].update(mimetype='x' * 30)
    midas.tables['bitstream'][1].update(name=older_midas.through_latin1('ü' * 127) + 'x', mimetype='x' * 29)
    found = {note.name: note.reason for note in migrate(midas).notes if note.kind == 'column'}
    first, second = (one['bitstream_id'] for one in midas.tables['bitstream'][:2])
    assert found['bitstream.mimetype'].endswith(f': {first}')
    assert 'bitstream.name' in found
    assert any(f': {second}' in note.reason for note in migrate(midas).notes if note.name == 'bitstream.name')


def test_a_file_without_a_valid_checksum_is_taken(midas):
    midas.tables['bitstream'][0]['checksum'] = 'none'
    assert migrate(midas).conclusion() == 'Ready to switch.'
    assert 'md5' not in item_of('package', 7)[0]['spm']['midas']


def test_a_dry_run_writes_nothing_and_reports_the_same(whole):
    whole.tables['bitstream'][:] = [one for one in whole.tables['bitstream'] if one['checksum'] != '0' * 32]
    before = snapshot()
    dry = migrate(whole, dry_run=True)
    assert snapshot() == before
    real = migrate(whole)
    real.totals.pop('aliases, new or changed')
    assert (dry.totals, len(dry.notes)) == (real.totals, len(real.notes))


@pytest.mark.parametrize('old', [False, True], ids=['3.4', '3.2.8'])
def test_all_that_is_unusual(tmp_path, old, anonymous):
    whole = older_midas.whole(tmp_path / 'midas', old=old)
    report = migrate(whole, verify=True)
    assert [one for one in findings() if 'has had no file' not in one] == []
    extensions, packages = listed(anonymous), listed(anonymous, 'package')
    assert extensions.keys() == {'Ext', 'Other', 'Twin', 'Public', 'Alone', 'Example', 'Four'}
    assert packages.keys() == {'21513', '21514', '21600', '21601', '21602', '21700', 'a1b2c3d', '22908', '22909',
                               '22910'}
    releases = anonymous.get(f'/app/{SLICER}/release').json()
    assert {one['name'] for one in releases} == {'4.2.0', '4.2.0-1'}
    ext, other, twin = (extensions[one]['meta'] for one in ('Ext', 'Other', 'Twin'))
    assert ext['description'] == 'Café <b>bold</b>  2 &lt; 3 next'
    assert (ext['contributors'], ext['homepage'], ext['category']) == ('A. B. (C)', 'https://www.slicer.org/x', 'A.B;C')
    assert (ext['dependency'], twin['dependency']) == ('Other', 'Other')
    assert {'icon_url', 'development_status'} & other.keys() == set()
    assert other.get('enabled') is (None if old else False)
    assert extensions['Four']['meta']['description'] == 'four bytes 😀'
    assert extensions['Example']['meta']['description'] == 'sound Ä'
    assert extensions['Example']['name'] == '日本 and ä'
    assert (packages['21601']['meta']['os'], packages['22910']['meta']['arch']) == ('macosx', 'amd64')
    assert packages['a1b2c3d']['meta']['baseName'] == 'Slicer'
    lost = {note.name for note in report.notes if note.outcome is Outcome.LOST}
    assert lost == {'Slicer-906.tar.gz', 'Slicer-907.tar.gz'}
    assert [(note.kind, note.name) for note in report.undecided if note.outcome is not Outcome.LOST] == [
        ('link', 'download.slicer.org')]


def test_the_report_names_what_has_no_place_here(whole):
    place = whole.root / '2' / 'ab' / 'cd'
    place.mkdir(parents=True)
    (place / 'abcd').write_bytes(b'left')
    report = migrate(whole)
    found = {(note.kind, note.name): note.reason for note in report.notes}
    assert found['table', 'ratings_item'] == '1 ratings'
    assert found['assetstore', str(whole.root / '2')] == '1 files in it belong to no row'
    assert found['table', 'packages_package'] == '1 packages of the module "packages"'
    assert found['table', 'bitstream'] == '1 rows refer to nothing: 8001'
    assert found['table', 'slicerpackages_package'] == '1 rows refer to nothing: 16'
    assert found['column', 'slicerpackages_extension.description'].startswith('2 texts')
    assert found['column', 'slicerpackages_extension.repository_url'].endswith(': 13')
    assert found['item', ''] == '1 items are neither packages nor extensions: 950'
    assert found['dates', 'dates'].startswith('they are corrected by +5 hours')
    assert found['dates', 'item.date_creation'].endswith(': 85')
    assert 'the dependency on "Missing" is left out' in found['dependency', 'Twin']
    assert 'cannot be installed' in found['package', 'item 911']
    assert not any('@' in note.reason or '@' in note.name for note in report.notes)


# Old addresses


def test_each_number_of_midas_leads_to_its_item(whole):
    migrate(whole)
    (ext,) = item_of('extension', 12)
    assert ext['meta']['baseName'] == 'Ext'
    assert item_of('item', 77) == item_of('item', '77,3') == [ext]
    assert [one['meta']['revision'] for one in item_of('package', 77)] == ['21700']
    assert [one['meta']['revision'] for one in item_of('item', 900)] == ['21513']
    for number, name in ((1, 'Ext-1.tar.gz'), (2, 'Ext-2.tar.gz')):
        (old,) = item_of('item', f'77,{number}')
        assert (old['name'], old['meta'], 'spm' in old) == (name, {}, False)
    by_name = {one['name']: one for one in whole.tables['bitstream']}
    assert item_of('bitstream', by_name['Ext-3.tar.gz']['bitstream_id']) == [ext]
    assert [one['name'] for one in item_of('bitstream', by_name['more.txt']['bitstream_id'])] == ['more.txt']
    md5 = hashlib.md5(b'first', usedforsecurity=False).hexdigest()
    assert {one['name'] for one in item_of('md5', md5)} == {'Ext-1.tar.gz', 'item 80'}
    for kind, value in (('item', 950), ('package', 16), ('bitstream', 8001), ('folder', 9)):
        assert aliases.find(Kind(kind), str(value)).is_gone
    assert aliases.find(Kind.ITEM, '4711') is None


def test_old_addresses_deliver_the_files(whole, login):
    migrate(whole)
    client = login()
    client.base_url = 'http://testserver'
    for path, content in (('download?items=77', archive('Other')), ('download?items=77,1', b'first'),
                          ('download?items=81', b'81'), ('download?items=82', b'82'), ('download?items=911', b'911')):
        assert client.get(f'/midas3/{path}').content == content
    assert client.get('/midas3/download?items=950').status_code == 410
    assert client.get('/midas3/download?items=83').status_code == 404  # it is private
    answer = client.get('/midas3/api/json', params={
        'method': 'midas.slicerpackages.extension.list', 'extension_id': '12'}).json()
    assert [one['productname'] for one in answer['data']] == ['Ext']


NEW = 'https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/'


def md5_of(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def leads(login):
    """Where a request to an old address is redirected to; its status if it is not."""
    client = login()
    client.base_url = 'http://testserver'

    def request(path):
        answer = client.get(path)
        return answer.headers.get('Location', answer.status_code)
    return request


def test_data_that_is_elsewhere_is_there_by_all_its_addresses(whole, leads):
    first, last = (one for one in whole.tables['bitstream'] if one['name'] == 'data.nrrd')
    table = ['# the new place of data', '', f'{md5_of(b"951").upper()}, {NEW}951', f'4711 {NEW}4711',
             f'{md5_of(b"elsewhere")},{NEW}elsewhere']
    assert migrate(whole, redirects=table, dry_run=True).totals['redirects'] == 3
    assert here()['slicer_package_alias'].count_documents({}) == 0
    report = migrate(whole, redirects=table, verify=True)
    assert reasons(report, Outcome.DIFFERENT) == []

    def check():
        download = f'/midas3/download?bitstream={last["bitstream_id"]}'
        assert leads(f'/bitstream/{last["bitstream_id"]}') == download
        for path in (download, '/midas3/download?items=950', '/midas3/download?items=950,2', '/midas3/item/950',
                     '/midas3/slicerdatastore/view?itemId=950',
                     f'/midas3/rest/bitstream/download?checksum={last["checksum"]}'):
            assert leads(path) == NEW + '951', path
        for path in (f'/midas3/download?bitstream={first["bitstream_id"]}', '/midas3/download?items=950,1'):
            assert leads(path) == 410, path
        assert leads('/midas3/download?items=4711') == NEW + '4711'
        assert leads(f'/midas3/rest/bitstream/download?checksum={md5_of(b"elsewhere")}') == NEW + 'elsewhere'
    check()
    before = snapshot()
    for again in (table, ()):  # the same again, and without a table
        migrate(whole, redirects=again)
        assert snapshot() == before
    check()


def test_what_is_imported_is_delivered_until_it_is_deleted(whole, leads, api):
    migrate(whole, redirects=[f'81 {NEW}81'])
    assert leads('/midas3/download?items=81') == 200
    api.delete(f'/item/{item_of("item", 81)[0]["_id"]}').raise_for_status()
    assert leads('/midas3/download?items=81') == NEW + '81'
    migrate(whole, redirects=['81'])  # without a URL
    assert leads('/midas3/download?items=81') == 410


def test_hosts_of_redirects_are_those_of_links(midas, leads):
    table = ['4711 https://data.example.org/4711']
    with pytest.raises(MigrationError, match=r'line 1: the URL .* is on the host "data\.example\.org"'):
        migrate(midas, redirects=table)
    migrate(midas, redirects=table, link_hosts=('data.example.org',))
    assert leads('/midas3/download?items=4711') == 'https://data.example.org/4711'
    here()['setting'].delete_one({'key': 'slicer_package_manager.link_hosts'})
    assert leads('/midas3/download?items=4711') == 403  # an administrator has allowed the host no longer


@pytest.mark.parametrize(('line', 'reason'), [
    ('x https://github.com/a', 'line 3: "x" is neither the number of an item nor an MD5'),
    ('77,2,https://github.com/a', 'line 3: the URL "2,https'), ('5 http://github.com/a', 'must start with https://'),
    ('5 javascript:alert(1)', 'must start with https://'), ('5 https://me:secret@github.com/a', 'must not have a user'),
    ('07 https://github.com/b', 'line 3: 7 has another URL in a line before')])
def test_a_wrong_table_stops_the_import_before_it_writes(midas, line, reason):
    before = snapshot()
    with pytest.raises(MigrationError, match='wrong lines: ' + '.*' + reason):
        migrate(midas, redirects=['7 https://github.com/a', '', line])
    assert snapshot() == before


def test_folders_lead_to_their_release_or_to_the_application(whole):
    migrate(whole)
    release = here()['folder'].find_one({'spm.role': 'release', 'name': '4.2.0'})['_id']
    found = {number: aliases.find(Kind.FOLDER, str(number)).targets for number in range(1, 11)}
    app = (ObjectId(SLICER),)
    assert found == {1: app, 2: app, 3: app, 4: (release,), 5: found[5], 6: app, 7: (release,), 8: (release,), 9: (),
                     10: app}
    assert here()['folder'].find_one({'_id': found[5][0]})['spm']['revision'] == '21601'


def test_old_revisions_can_be_dropped(whole, login):
    report = migrate(whole, keep_old=False)
    (reason,) = [reason for kind, _, reason in reasons(report, Outcome.LEFT_OUT) if kind == 'old revisions']
    assert reason.startswith('5 files with 22 bytes of older revisions')
    client = login()
    client.base_url = 'http://testserver'
    assert client.get('/midas3/download?items=77,1').status_code == 410
    assert client.get('/midas3/download?items=77').content == archive('Other')


# Who may read what


def test_private_items_are_in_a_private_folder(whole, anonymous, api):
    report = migrate(whole)
    assert ('extension', '17', 'it was private at MIDAS') in reasons(report, Outcome.NOT_LISTED)
    (item,) = item_of('extension', 17)
    folder = here()['folder'].find_one({'_id': item['folderId']})
    assert (folder['name'], folder['public']) == ('MIDAS private', False)
    assert anonymous.get(f'/item/{item["_id"]}').status_code == 401
    assert api.get(f'/item/{item["_id"]}/download').content == b'83'
    assert not any('secret' in one['name'] for one in here()['slicer_package_alias'].find())


def test_uploaders_get_accounts_without_passwords(whole, admin):
    migrate(whole)
    users = {one['login']: one for one in here()['user'].find()}
    assert users.keys() == {'admin', 'site.admin', 'jose.nunez', 'site.admin-4'}
    jose = users['jose.nunez']
    assert (jose['firstName'], jose['lastName'], jose['email']) == ('José', 'Núñez', 'jose@example.org')
    assert [one['admin'] for one in users.values() if one['login'] != 'admin'] == [False] * 3
    assert {item_of('item', number)[0]['creatorId'] for number in (901, 902)} == {jose['_id']}
    assert item_of('item', 900)[0]['creatorId'] == users['site.admin']['_id']


def test_an_account_with_the_address_of_an_uploader_is_theirs_if_the_operator_says_so(whole, make_user):
    ann = make_user('anna')
    here()['user'].update_one({'_id': ann['_id']}, {'$set': {'email': 'jose@example.org'}})
    before = snapshot()
    with pytest.raises(MigrationError, match='the user 2 and here "anna"') as refused:
        migrate(whole)
    assert '@' not in str(refused.value)
    assert snapshot() == before
    migrate(whole, same_users=True)
    assert item_of('item', 901)[0]['creatorId'] == ann['_id']


def admins():
    return {one['login'] for one in here()['user'].find({'admin': True})}


def test_administrators_of_midas_are_such_here_if_the_operator_says_so(whole):
    assert ('administrators', '', '1 accounts are not those of administrators here, as they were at MIDAS') in reasons(
        migrate(whole), Outcome.LEFT_OUT)
    assert admins() == {'admin'}
    report = migrate(whole, admins=True)
    assert admins() == {'admin', 'site.admin', 'idle.admin'}
    assert [note.name for note in report.notes if note.reason.endswith('administrator here')] == [
        'site.admin', 'idle.admin']
    assert 'administrators' not in {kind for kind, *_ in reasons(report, Outcome.LEFT_OUT)}
    before = snapshot()
    migrate(whole)  # takes no rights away
    assert snapshot() == before
    here()['user'].update_one({'login': 'site.admin'}, {'$set': {'admin': False}})
    migrate(whole, admins=True)
    assert admins() == {'admin', 'idle.admin'}  # it was changed here


def test_an_account_that_is_here_gets_no_more_rights(whole, make_user):
    ann = make_user('anna')
    here()['user'].update_one({'_id': ann['_id']}, {'$set': {'email': 'idle@example.org'}})
    with pytest.raises(MigrationError, match='the user 6 and here "anna"'):
        migrate(whole, admins=True)
    migrate(whole, admins=True, same_users=True)
    assert admins() == {'admin', 'site.admin'}


# What is here already


def test_what_is_here_with_the_same_bytes_gets_an_alias_and_stays_as_it_is(midas, make, api):
    midas.item(79, files=[('Two.tar.gz', b'two')])
    midas.extension(14, 79, 'Two', slicer_revision='30000')
    app = api.post('/app', params={'name': 'Other'}).json()['_id']
    mine, other = (make('extension', content=content, app_id=app, baseName=name, app_revision='30000')
                   for name, content in (('Ext', archive('NA', kind='zip')), ('Two', b'other')))
    stored = here()['item'].find_one({'_id': ObjectId(mine['_id'])})
    for _ in range(2):
        report = migrate(midas, app='Other', verify=True)
        assert report.totals['items here already'] == 1
        assert item_of('extension', 13) == item_of('item', 78) == [stored]
        (twin,) = item_of('extension', 14)
        assert listed(api, app=app, app_revision='30000')['Two']['_id'] == other['_id']
        assert ('item', str(twin['_id']), f'the item {other["_id"]} has the same identity and is listed') in reasons(
            report, Outcome.NOT_LISTED)
        assert reasons(report, Outcome.DIFFERENT) == []
    assert findings() == []


@pytest.fixture
def other_app(api):
    return api.post('/app', params={'name': 'Other'}).raise_for_status().json()['_id']


def test_what_is_here_in_a_draft_is_not_imported_into_the_release_that_midas_names(
        midas, make, api, other_app, monkeypatch):
    mine = make('package', content=b'slicer', app_id=other_app, baseName='Slicer', revision='21513')
    stored = here()['item'].find_one({'_id': ObjectId(mine['_id'])})
    midas.tables['slicerpackages_extension'].clear()
    midas.revision(900, 0, [('old.tar.gz', b'old')])
    assert migrate(midas, app='Other', dry_run=True).totals['folders'] == 3  # the application and the draft
    for _ in range(2):
        report = migrate(midas, app='Other', verify=True)
        assert (report.totals['items here already'], report.conclusion()) == (1, 'Ready to switch.')
        assert item_of('package', 7) == item_of('item', 900) == [stored]
        assert [one['name'] for one in item_of('item', '900,0') or item_of('md5', md5_of(b'old'))] == ['old.tar.gz']
        assert api.get(f'/app/{other_app}/release').json() == []  # not one without packages
        assert len(listed(api, 'package', app=other_app)) == 1
        monkeypatch.setattr('slicer_package_manager.file_copies.pour', None)  # no bytes are read again
    monkeypatch.undo()
    assert findings() == []
    downloads = here()['slicer_package_download'].find_one({'baseName': 'Slicer', 'kind': 'package'})
    assert (downloads['release'], downloads['count']) == ('', 30)


def test_other_bytes_in_a_draft_do_not_keep_a_build_out_of_its_release(midas, make, api, other_app):
    nightly = make('package', content=b'nightl', app_id=other_app, baseName='Slicer', revision='21513')
    migrate(midas, app='Other')
    (build,) = item_of('package', 7)
    assert (build['spm']['release'], str(build['_id']) != nightly['_id']) == ('4.2.0', True)
    assert len(api.get(f'/app/{other_app}/package', params={'revision': '21513', 'limit': 0}).json()) == 2


@pytest.mark.parametrize('release_first', [True, False])
def test_what_is_here_is_not_imported_if_its_release_is_here_too(midas, make, api, other_app, release_first):
    def release():
        api.post(f'/app/{other_app}/release', params={'name': '4.3', 'app_revision': '30000'}).raise_for_status()
    if release_first:
        release()
    mine = make('extension', content=archive('NA', kind='zip'), app_id=other_app, baseName='Ext', app_revision='30000')
    if not release_first:
        release()
    stored = here()['item'].find_one({'_id': ObjectId(mine['_id'])})
    assert stored['spm']['release'] == ('4.3' if release_first else '')
    report = migrate(midas, app='Other', verify=True)
    assert report.totals['items here already'] == 1
    assert item_of('extension', 13) == [stored]
    assert len(api.get(f'/app/{other_app}/extension', params={'app_revision': '30000', 'limit': 0}).json()) == 1


def test_a_second_run_does_not_take_what_an_import_has_made_for_what_was_here(midas):
    midas.package(8, 900)  # the same file, in no release
    migrate(midas)
    before = snapshot()
    migrate(midas)
    assert snapshot() == before
    assert item_of('package', 7) != item_of('package', 8)


def test_a_listed_application_gets_everything_at_once(midas, anonymous, monkeypatch):
    migrate(midas)
    midas.item(79, files=[('New.tar.gz', b'79')])
    midas.extension(14, 79, 'New')
    midas.item(80, files=[('Newer.tar.gz', b'80')])
    midas.extension(15, 80, 'Newer', slicer_revision='40000')
    monkeypatch.setattr('slicer_package_manager.migration.trees.Trees.show', lambda *_: None)
    migrate(midas)
    assert listed(anonymous).keys() == {'Ext'}
    monkeypatch.undo()
    migrate(midas)
    assert listed(anonymous).keys() == {'Ext', 'New', 'Newer'}
    assert item_of('extension', 14)[0]['meta']['baseName'] == 'New'


def test_a_file_that_was_replaced_here_stays(midas, api, anonymous):
    migrate(midas)
    (item,) = item_of('extension', 12)
    upload(api, str(item['_id']), b'newer')
    migrate(midas)
    assert anonymous.get(f'/item/{item["_id"]}/download').content == b'newer'


def test_a_migration_from_an_older_server_does_not_take_imported_items_for_deleted(midas):
    migrate(midas)
    assert list(Journal(here(), 'older').ids('item')) == []
    assert len(list(Journal(here(), 'midas').ids('item'))) == 3


# Downloads


def test_downloads_are_counted_by_day_where_midas_noted_it(whole):
    report = migrate(whole, verify=True)
    rows = list(here()['slicer_package_download'].find({'kind': 'extension'}))
    assert {(one['baseName'], one['day'], one['count'], one['release']) for one in rows} == {
        ('Ext', '2013-01-05', 1, '4.2.0'), ('Ext', '2013-01-06', 1, '4.2.0'), ('Ext', '', 28, '4.2.0'),
        ('Twin', '', 7, '4.2.0')}
    assert report.totals['downloads of packages'] == 30
    assert reasons(report, Outcome.DIFFERENT) == []


def test_more_dated_downloads_than_counted_ones_leave_no_rest(midas):
    midas.tables['statistics_download'] = [{'item_id': 77, 'date': DAY + timedelta(hours=one)} for one in range(9)]
    migrate(midas)
    rows = list(here()['slicer_package_download'].find({'kind': 'extension'}))
    assert [(one['day'], one['count']) for one in rows] == [('2013-01-05', 9)]


# What is refused


def test_a_store_without_a_directory_is_undecided(midas):
    report = migrate(midas, stores=())
    assert [(note.kind, note.id) for note in report.undecided if note.outcome is Outcome.UNDECIDED] == [
        ('assetstore', '1')]
    assert {note.reason for note in report.notes if note.outcome is Outcome.LOST} == {
        'no directory is given for its assetstore 1'}


@pytest.mark.parametrize(('path', 'reason'), [
    ('../2/x', 'its path has ".."'), ('/etc/passwd', 'no directory is given for its path'), ('link', 'leads out of')])
def test_no_file_outside_of_the_given_directories_is_read(midas, path, reason):
    (midas.root / '1' / 'link').symlink_to('/etc/passwd')
    midas.tables['bitstream'][0]['path'] = path
    (lost,) = [note for note in migrate(midas).notes if note.outcome is Outcome.LOST]
    assert reason in lost.reason


def test_odd_numbers_and_missing_ones_stop_no_import(midas):
    midas.revision(77, 0, [('odd.tar.gz', b'odd')])
    midas.revision(78, None, [('none.tar.gz', b'none')], identifier=9000)
    midas.add('bitstream', bitstream_id=1, itemrevision_id=None, name=None, path=None)
    midas.add('item', item_id=-5, name=None, date_creation=None, download=None)
    midas.add('slicerpackages_package', package_id=3, item_id=None)
    midas.add('item2folder', item_id=77, folder_id=4711)
    midas.folder(1, 2, 'a', 77)
    midas.folder(2, 1, 'in a circle')
    assert migrate(midas, verify=True).conclusion() == 'Ready to switch.'
    assert findings() == []


def test_databases_that_cannot_be_imported(midas, db):
    with pytest.raises(MigrationError, match='no application with the id 000'):
        migrate(midas, app='0' * 24)
    midas.tables['itemrevision'] = midas.tables['slicerpackages_extension'] = []
    midas.tables['slicerpackages_package'] = []
    with pytest.raises(MigrationError, match='no packages and no extensions'):
        migrate(midas)
    db.user.delete_many({})
    with pytest.raises(MigrationError, match='has no administrator'):
        migrate(midas)


def test_an_import_outlasts_the_transaction_that_a_killed_one_has_left_open(midas, db, monkeypatch):
    def insert(session):
        db['item'].insert_one({'_id': ids.of('extension', 12)}, session=session)
    with kills.left_open(monkeypatch, db, insert) as conflicts:
        assert migrate(midas, verify=True).undecided == []
    assert len(conflicts) == 3


def test_imports_do_not_run_at_the_same_time(midas):
    with Journal(here(), 'any').lease(), pytest.raises(MigrationError, match='is running'):
        migrate(midas)
