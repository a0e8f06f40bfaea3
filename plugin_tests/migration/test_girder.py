"""Migrations from the database of an older server: what readers, administrators and the doctor find afterwards."""
import contextlib
import errno
import hashlib
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pymongo
import pytest
from bson.objectid import ObjectId
from girder.models import getDbConnection

from plugin_tests import buckets
from plugin_tests.conftest import EXTENSION_FORM, upload
from plugin_tests.migration import kills
from plugin_tests.migration.older_server import APP, OlderServer
from slicer_package_manager.doctor.checks import run as check
from slicer_package_manager.doctor.findings import Options as DoctorOptions
from slicer_package_manager.migration import changes, girder_database, run, target_store, trees, verify, writer
from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.journal import COLLECTION, Journal
from slicer_package_manager.migration.notes import Outcome
from slicer_package_manager.migration.options import Options
from slicer_package_manager.migration.references import References
from slicer_package_manager.migration.rules.items import Choices
from slicer_package_manager.progress import silent

pytestmark = pytest.mark.database

def here():
    return girder_database.opened(getDbConnection().get_database())

def migrate(older, **options):
    return run.migrate(girder_database.opened(older.db), here(), Options(**options), {}, silent)

def listed(client, kind='extension', **params):
    answer = client.get(f'/app/{APP}/{kind}', params={'limit': 0, **params})
    return {item['_id']: item for item in answer.raise_for_status().json()}

def snapshot(database):
    """All documents of ``database``, by collection."""
    return {name: list(database[name].find(sort=[('_id', 1)])) for name in sorted(database.list_collection_names())}

def findings():
    return [finding.what for _, finding in check(DoctorOptions(sample=None))
            if 'administrator' not in finding.what]

def notes(report, *outcomes):
    return {(note.kind, note.id) for note in report.notes if note.outcome in outcomes}

@pytest.fixture
def filled(older):
    """An older server with a draft and a release, in both of which are packages and extensions."""
    older.in_draft, older.draft_extensions = older.draft('29738')
    older.in_release, older.release_extensions = older.release('4.11', '29402')
    older.one = older.extension(older.draft_extensions, b'one')
    older.two = older.extension(older.release_extensions, b'two', app_revision='29402', baseName='Two.Dots')
    older.slicer = older.package(older.in_draft, b'slicer')
    return older

@pytest.fixture
def as_admin(filled, login):
    """A client of the administrator of the older server, after the migration."""
    return lambda: login(here()['user'].find_one({'_id': filled.admin['_id']}))

def test_what_was_there_is_there_with_its_ids_dates_access_and_bytes(filled, anonymous):
    report = migrate(filled)
    assert notes(report, *Outcome) == set()
    assert report.conclusion() == 'Ready to switch.'
    assert listed(anonymous).keys() == {str(filled.one['_id']), str(filled.two['_id'])}
    assert listed(anonymous, 'package').keys() == {str(filled.slicer['_id'])}
    for item, content in (filled.one, b'one'), (filled.two, b'two'), (filled.slicer, b'slicer'):
        assert anonymous.get(f'/item/{item["_id"]}/download').content == content
        stored = here()['item'].find_one({'_id': item['_id']})
        assert {key: stored[key] for key in ('name', 'created', 'updated', 'creatorId', 'folderId')} == {
            key: item[key] for key in ('name', 'created', 'updated', 'creatorId', 'folderId')}
    for kind in ('folder', 'collection', 'user', 'group'):
        for one in filled.db[kind].find():
            stored = here()[kind].find_one({'_id': one['_id']})
            assert {key: stored.get(key) for key in ('name', 'login', 'salt', 'access', 'public', 'created')} == {
                key: one.get(key) for key in ('name', 'login', 'salt', 'access', 'public', 'created')}
    assert findings() == []

def test_a_second_run_writes_nothing_and_reads_no_bytes(filled, monkeypatch):
    migrate(filled)
    before = snapshot(here())
    monkeypatch.setattr('slicer_package_manager.file_copies.pour', None)
    report = migrate(filled)
    after = snapshot(here())
    for database in before, after:
        database.pop('slicer_package_change')
    assert after == before
    assert [name for name in report.totals if 'new or changed' in name] == []

def test_a_dry_run_writes_nothing_and_reports_the_same(filled):
    before = snapshot(here())
    dry = migrate(filled, dry_run=True)
    assert snapshot(here()) == before
    assert dry.as_json()['totals'] == migrate(filled).as_json()['totals']

def test_the_source_is_only_read(filled):
    before, files = snapshot(filled.db), sorted(filled.root.rglob('*'))
    migrate(filled)
    assert snapshot(filled.db) == before
    assert sorted(filled.root.rglob('*')) == files

def test_accounts_keys_and_sessions_go_on_working(filled, login, anonymous):
    user = filled.user('builder')
    filled.insert('api_key', userId=user['_id'], key='k' * 40, name='nightly', scope=['core.data.write'], active=True,
                  tokenDuration=None, lastUse=None, access=filled.access(user))
    filled.db['token'].insert_one({'_id': 't' * 64, 'userId': user['_id'], 'scope': ['core.user_auth'],
                                   'created': filled.moment(), 'expires': filled.moment() + timedelta(days=36500),
                                   'access': filled.access(user)})
    migrate(filled)
    assert anonymous.post('/api_key/token', params={'key': 'k' * 40}).status_code == 200
    assert anonymous.get('/user/me', headers={'Girder-Token': 't' * 64}).json()['login'] == 'builder'
    assert anonymous.get('/user/authentication', auth=('builder', 'password')).status_code == 200

def test_private_releases_stay_private_and_are_named(filled, anonymous, as_admin):
    release, extensions = filled.release('Secret', '30000', public=False)
    item = filled.extension(extensions, b'secret', app_revision='30000')
    report = migrate(filled)
    assert str(item['_id']) not in listed(anonymous)
    assert str(item['_id']) in listed(as_admin())
    assert notes(report, Outcome.NOW_HIDDEN) == {('folder', str(release['_id'])), ('folder', str(extensions['_id']))}

def test_files_of_every_store_come_along(filled, anonymous, tmp_path):
    grid = filled.extension(filled.draft_extensions, baseName='Grid')
    filled.in_grid(grid, b'several chunks of bytes')
    elsewhere = tmp_path / 'imported.tar.gz'
    elsewhere.write_bytes(b'imported')
    imported = filled.extension(filled.draft_extensions, baseName='Imported')
    filled.file(imported, b'imported', assetstoreId=filled.store['_id'], path=str(elsewhere), imported=True)
    link = filled.extension(filled.draft_extensions, baseName='Link')
    filled.link(link, 'https://github.com/a/b/c.tar.gz', 'ab' * 64)
    report = migrate(filled)
    assert report.undecided == []
    assert anonymous.get(f'/item/{grid["_id"]}/download').content == b'several chunks of bytes'
    assert anonymous.get(f'/item/{imported["_id"]}/download').content == b'imported'
    assert anonymous.get(f'/item/{link["_id"]}/download').headers['Location'] == 'https://github.com/a/b/c.tar.gz'
    assert listed(anonymous)[str(link['_id'])]['meta']['sha512'] == 'ab' * 64
    stores = {one['_id'] for one in here()['assetstore'].find()}
    assert {file['assetstoreId'] for file in here()['file'].find({'linkUrl': None})} <= stores
    assert findings() == []

def in_bucket(filled, storage, content, **fields):
    """An extension whose file is ``content`` in the bucket of ``storage``, which is an assetstore of the source."""
    storage.clear()
    bucket = {**buckets.address(storage), '_id': ObjectId(), 'type': 2, 'name': 'objects', 'prefix': '',
              'readOnly': False, 'inferCredentials': False, 'serverSideEncryption': False, 'current': True,
              'created': filled.moment()}
    filled.db['assetstore'].insert_one(bucket)
    storage.client.put_object(Bucket=bucket['bucket'], Key='a/b', Body=content)
    item = filled.extension(filled.draft_extensions, baseName='Bucket')
    filled.file(item, content, assetstoreId=bucket['_id'], s3Key='a/b', relpath='/b/a/b', s3Verified=True, **fields)
    return item

@pytest.mark.parametrize('keep', [False, True])
def test_files_in_object_storage_are_copied_or_stay_there(filled, object_storage, anonymous, keep):
    item = in_bucket(filled, object_storage, b'in a bucket')
    assert migrate(filled, files='keep' if keep else 'copy', verify=True).undecided == []
    answer = anonymous.get(f'/item/{item["_id"]}/download')
    assert (answer.status_code, answer.content) == ((302, b'') if keep else (200, b'in a bucket'))
    assert here()['assetstore'].count_documents({'type': 2}) == keep
    assert here()['assetstore'].find_one({'current': True})['type'] == 0

@pytest.mark.parametrize('files', ['copy', 'keep'])
def test_files_in_object_storage_are_read_again_only_if_they_have_changed(filled, object_storage, anonymous, files):
    item = in_bucket(filled, object_storage, b'in a bucket', stated=False)
    file = filled.db['file'].find_one_and_update({'itemId': item['_id']}, {'$unset': {'sha512': ''}})
    migrate(filled, files=files)
    object_storage.requests.clear()
    assert migrate(filled, files=files).undecided == []
    assert {one.method for one in object_storage.requests} <= {'HEAD'}
    object_storage.client.put_object(Bucket='packages', Key='c/d', Body=b'of one size')
    filled.db['file'].update_one({'_id': file['_id']}, {'$set': {'s3Key': 'c/d', 'created': filled.moment()}})
    assert migrate(filled, files=files).undecided == []
    assert listed(anonymous)[str(item['_id'])]['meta']['sha512'] == hashlib.sha512(b'of one size').hexdigest()


def test_files_on_one_volume_are_linked_and_both_servers_can_delete_theirs(filled):
    migrate(filled)
    path = next(filled.root.rglob(hashlib.sha512(b'one').hexdigest()))
    assert path.stat().st_nlink == 2

@pytest.mark.parametrize(('damage', 'reason'), [
    (lambda path: path.unlink(), 'its bytes are missing'), (lambda path: path.write_bytes(b'xne'), 'another SHA-512'),
    (lambda path: path.write_bytes(b'longer'), 'another size')])
def test_a_file_whose_bytes_are_lost_is_named_and_comes_later(filled, anonymous, damage, reason):
    path = next(filled.root.rglob(hashlib.sha512(b'one').hexdigest()))
    damage(path)
    report = migrate(filled)
    (note,) = report.undecided
    assert (note.outcome, reason in note.reason) == (Outcome.LOST, True)
    assert str(filled.one['_id']) not in listed(anonymous)
    assert [what for what in findings() if 'no file' not in what] == []
    path.write_bytes(b'one')
    assert migrate(filled).undecided == []
    assert listed(anonymous)[str(filled.one['_id'])]['meta']['sha512'] == hashlib.sha512(b'one').hexdigest()

def test_twins_are_readable_by_id_and_one_is_listed(filled, anonymous):
    twin = filled.extension(filled.draft_extensions, b'twin')
    migrate(filled)
    assert str(twin['_id']) in listed(anonymous)
    assert str(filled.one['_id']) not in listed(anonymous)
    assert anonymous.get(f'/item/{filled.one["_id"]}/download').content == b'one'
    assert findings() == []
    migrate(filled, choices=Choices(prefer='first'))
    assert str(filled.one['_id']) in listed(anonymous)
    assert findings() == []

def test_other_files_of_an_item_are_readable_by_id(filled, anonymous):
    other = filled.file(filled.one, b'other', stated=False)
    migrate(filled)
    assert anonymous.get(f'/item/{filled.one["_id"]}/download').content == b'one'
    assert anonymous.get(f'/file/{other["_id"]}/download').content == b'other'
    assert findings() == []

def test_links_to_other_hosts_are_named_with_the_remedy(filled, anonymous):
    link = filled.extension(filled.draft_extensions, baseName='Link')
    filled.link(link, 'https://data.example.org/c.tar.gz')
    (note,) = migrate(filled).undecided
    assert ('1 link' in note.reason, note.remedy) == (
        True, 'Run the migration again with --allow-link-hosts data.example.org.')
    assert anonymous.get(f'/item/{link["_id"]}/download').status_code == 403
    assert migrate(filled, link_hosts=('data.example.org',)).undecided == []
    assert anonymous.get(f'/item/{link["_id"]}/download').status_code == 302

def test_counts_are_the_same_and_a_second_run_doubles_nothing(filled, anonymous):
    filled.db['folder'].update_one({'_id': filled.drafts['_id']}, {'$set': {'meta.downloadStats': {
        '29738': {'applications': {'linux': {'amd64': 4}}, 'extensions': {'A': {'B': {'win': {'amd64': 6}}}}}}}})
    filled.db['folder'].update_one({'_id': filled.in_release['_id']}, {'$set': {'meta.downloadStats': {
        'extensions': {'Two': {'Dots': {'linux': {'amd64': 9}}}}}}})
    expected = {'29738': {'applications': {'linux': {'amd64': 4}}, 'extensions': {'A.B': {'win': {'amd64': 6}}}},
                '29402': {'extensions': {'Two.Dots': {'linux': {'amd64': 9}}}}}

    def stats():
        return anonymous.get(f'/app/{APP}/downloadstats').json()
    for _ in range(2):
        report = migrate(filled)
        assert report.totals['downloads of extensions'] == 15
        found = stats()
        assert {revision: {kind: of_kind for kind, of_kind in of.items() if of_kind} for revision, of in found.items()
                } == expected
    anonymous.get(f'/item/{filled.two["_id"]}/download')
    assert stats()['29402']['extensions']['Two.Dots']['linux']['amd64'] == 10
    release = anonymous.get(f'/app/{APP}/release').json()[0]
    assert release['meta'] == {'revision': '29402'}

def test_others_folders_and_items_come_along_unless_they_are_left_out(filled, anonymous):
    notes_folder = filled.folder('notes', filled.collection, parent_type='collection')
    note = filled.item(notes_folder, {'x': 1}, name='note')
    filled.file(note, b'text', 'note.txt')
    migrate(filled, packages_only=True)
    assert here()['folder'].find_one({'_id': notes_folder['_id']}) is None
    assert listed(anonymous)
    migrate(filled)
    assert anonymous.get(f'/item/{note["_id"]}/download').content == b'text'
    assert findings() == []

def test_only_the_applications_that_are_named(filled, anonymous):
    other = filled.folder('Other', filled.packages, meta={'extensionPackageNameTemplate': '{baseName}'})
    migrate(filled, apps=('Other',))
    assert [app['_id'] for app in anonymous.get('/app').json()] == [str(other['_id'])]
    migrate(filled, apps=(str(APP),))
    assert len(anonymous.get('/app').json()) == 2
    with pytest.raises(MigrationError, match='no application of these'):
        migrate(filled, apps=('None',))

def test_what_nobody_can_reach_and_what_belongs_to_other_plugins_is_left_out_and_named(filled):
    gone = ObjectId()
    folder = filled.folder('lost', {'_id': gone})
    below = filled.folder('below', folder)
    item = filled.item({**below, '_id': gone}, {'x': 1}, name='lost')
    file = filled.file({'_id': gone}, b'lost', stated=False)
    filled.insert('upload', name='half')
    filled.insert('job', title='x')
    filled.db['setting'].insert_one({'key': 'oauth.providers_enabled', 'value': []})
    report = migrate(filled, verify=True)
    named = notes(report, Outcome.LEFT_OUT)
    assert named >= {('folder', str(folder['_id'])), ('item', str(item['_id'])), ('file', str(file['_id'])),
                     ('collection', 'job'), ('setting', 'oauth.providers_enabled')}
    assert {kind for kind, _ in named} >= {'upload'}
    assert here()['folder'].count_documents({'_id': {'$in': [folder['_id'], below['_id']]}}) == 0
    assert report.undecided == []
    assert findings() == []


# Later runs

def test_a_later_run_takes_what_is_new_changed_and_replaced(filled, anonymous):
    migrate(filled)
    new = filled.extension(filled.draft_extensions, b'new', baseName='New')
    filled.db['item'].update_one({'_id': filled.one['_id']}, {'$set': {'meta.category': 'Changed'}})
    filled.db['file'].delete_one({'itemId': filled.two['_id']})
    replaced = filled.file(filled.two, b'replaced')
    migrate(filled)
    assert listed(anonymous)[str(filled.one['_id'])]['meta']['category'] == 'Changed'
    assert anonymous.get(f'/item/{new["_id"]}/download').content == b'new'
    assert anonymous.get(f'/item/{filled.two["_id"]}/download').content == b'replaced'
    assert [file['_id'] for file in here()['file'].find({'itemId': filled.two['_id']})] == [replaced['_id']]
    assert findings() == []

def test_what_was_changed_or_deleted_here_stays_so(filled, as_admin, anonymous):
    migrate(filled)
    as_admin().put(f'/item/{filled.one["_id"]}/metadata', json={'category': 'Here'}).raise_for_status()
    as_admin().delete(f'/item/{filled.two["_id"]}').raise_for_status()
    report = migrate(filled)
    assert report.undecided == []
    assert listed(anonymous)[str(filled.one['_id'])]['meta']['category'] == 'Here'
    assert str(filled.two['_id']) not in listed(anonymous)
    assert findings() == []

def test_what_was_changed_on_both_sides_stays_and_is_named(filled, as_admin, anonymous):
    migrate(filled)
    as_admin().put(f'/item/{filled.one["_id"]}/metadata', json={'category': 'Here'}).raise_for_status()
    filled.db['item'].update_one({'_id': filled.one['_id']}, {'$set': {'meta.category': 'There'}})
    report = migrate(filled)
    assert notes(report, Outcome.UNDECIDED) == {('item', str(filled.one['_id']))}
    assert listed(anonymous)[str(filled.one['_id'])]['meta']['category'] == 'Here'

def test_a_file_that_was_replaced_here_does_not_come_back(filled, as_admin, anonymous):
    migrate(filled)
    client = as_admin()
    upload(client, str(filled.one['_id']), b'here')
    here()['file'].delete_many({'spm.retired': {'$exists': True}})
    migrate(filled)
    assert anonymous.get(f'/item/{filled.one["_id"]}/download').content == b'here'
    assert here()['file'].count_documents({'itemId': filled.one['_id']}) == 1

def test_changes_of_a_listed_application_show_together(filled, anonymous, monkeypatch):
    migrate(filled)
    for number in range(5):
        filled.extension(filled.draft_extensions, b'x', baseName=f'New{number}')
    seen = []
    finish = writer.Writer.finish

    def looking(self):
        seen.append(len(listed(anonymous)))
        finish(self)
    monkeypatch.setattr(writer.Writer, 'finish', looking)
    migrate(filled)
    assert (seen, len(listed(anonymous))) == ([2], 7)

def test_more_changes_than_one_transaction_takes_are_made_folder_by_folder(filled, anonymous, monkeypatch):
    migrate(filled)
    for number in range(4):
        filled.extension(filled.draft_extensions, b'x', baseName=f'New{number}')
        filled.extension(filled.release_extensions, b'y', baseName=f'New{number}', app_revision='29402')
    monkeypatch.setattr(changes, 'AT_ONCE', 8)
    seen = []
    monkeypatch.setattr(writer.Writer, '_note', lambda *_: seen.append(
        tuple(len(listed(anonymous, app_revision=one)) for one in ('29738', '29402'))))
    migrate(filled)
    assert set(seen) in ({(1, 1), (1, 5), (5, 5)}, {(1, 1), (5, 1), (5, 5)}, {(1, 5), (5, 5)}, {(5, 1), (5, 5)})

def test_too_many_changes_to_one_folder_are_refused_before_any_is_made(filled, anonymous, monkeypatch):
    migrate(filled)
    filled.extension(filled.release_extensions, b'y', baseName='Other', app_revision='29402')
    for number in range(5):
        filled.extension(filled.draft_extensions, b'x', baseName=f'New{number}')
    monkeypatch.setattr(changes, 'AT_ONCE', 8)
    monkeypatch.setattr(changes, 'MOST_AT_ONCE', 8)
    with pytest.raises(MigrationError, match='10 changes to one release or draft'):
        migrate(filled)
    assert len(listed(anonymous)) == 2

def test_a_new_release_of_a_listed_application_shows_when_all_of_it_is_here(filled, anonymous, monkeypatch):
    migrate(filled)
    release, extensions = filled.release('5.0', '30822')
    new = filled.extension(extensions, b'new', app_revision='30822')
    filled.package(release, b'app', revision='30822')
    monkeypatch.setattr('slicer_package_manager.migration.trees.Trees.show', lambda *_: None)
    migrate(filled)
    assert here()['item'].find_one({'_id': new['_id']})
    assert (len(listed(anonymous)), len(listed(anonymous, 'package'))) == (2, 1)
    assert [one['name'] for one in anonymous.get(f'/app/{APP}/release').json()] == ['4.11']
    monkeypatch.undo()
    migrate(filled)
    assert (len(listed(anonymous)), len(listed(anonymous, 'package'))) == (3, 2)
    assert here()['folder'].find_one({'_id': release['_id']})['access'] == release['access']
    again = migrate(filled)
    assert (again.totals['items, new or changed'], again.totals['folders, new or changed']) == (0, 0)

def test_a_package_that_was_uploaded_here_stays_listed_beside_one_of_the_source(filled, as_admin, anonymous):
    migrate(filled)
    client = as_admin()
    form = {'os': 'linux', 'arch': 'amd64', 'baseName': 'Same', 'repository_type': 'git', 'repository_url': '',
            'revision': 'x', 'app_revision': '29738', 'description': ''}
    mine = client.post(f'/app/{APP}/extension', params=form).raise_for_status().json()
    upload(client, mine['_id'], b'mine')
    other = filled.extension(filled.draft_extensions, b'other', baseName='Same')
    report = migrate(filled)
    assert notes(report, Outcome.NOT_LISTED) == {('item', str(other['_id']))}
    assert listed(anonymous).keys() == {str(filled.one['_id']), str(filled.two['_id']), mine['_id']}
    assert anonymous.get(f'/item/{other["_id"]}/download').content == b'other'

def test_an_application_shows_when_all_of_it_is_here(filled, anonymous, monkeypatch):
    monkeypatch.setattr('slicer_package_manager.migration.trees.Trees.show', lambda *_: None)
    migrate(filled)
    assert anonymous.get(f'/app/{APP}/extension').status_code == 400 or anonymous.get(
        f'/app/{APP}/extension').status_code == 404
    assert anonymous.get('/app').json() == []
    monkeypatch.undo()
    migrate(filled)
    assert len(listed(anonymous)) == 2

def test_what_was_deleted_at_the_source_is_deleted_here_if_that_is_wanted(filled, as_admin, anonymous):
    with pytest.raises(MigrationError, match='No migration into this database has ended'):
        migrate(filled, since_last=True)
    migrate(filled)
    for item in filled.two, filled.slicer:
        filled.db['item'].delete_one({'_id': item['_id']})
        filled.db['file'].delete_many({'itemId': item['_id']})
    filled.db['folder'].delete_many({'_id': {'$in': [filled.in_release['_id'], filled.release_extensions['_id']]}})
    as_admin().put(f'/item/{filled.slicer["_id"]}/metadata', json={'version': '5'}).raise_for_status()
    gone = {('item', str(filled.two['_id'])), ('folder', str(filled.in_release['_id'])),
            ('folder', str(filled.release_extensions['_id']))}
    for options in {}, {'delete': True, 'dry_run': True}:
        report = migrate(filled, since_last=True, **options)
        assert notes(report, Outcome.LEFT_OUT) == gone
        assert str(filled.two['_id']) in listed(anonymous)
    report = migrate(filled, since_last=True, delete=True)
    assert notes(report, Outcome.DELETED) >= {('item', str(filled.two['_id'])),
                                              ('folder', str(filled.in_release['_id']))}
    assert notes(report, Outcome.UNDECIDED) == {('item', str(filled.slicer['_id']))}
    assert listed(anonymous).keys() == {str(filled.one['_id'])}
    assert anonymous.get(f'/app/{APP}/release').json() == []
    assert findings() == []


def test_a_full_disk_ends_the_migration_and_the_next_run_continues(filled, anonymous, monkeypatch):
    filled.in_grid(filled.extension(filled.draft_extensions, baseName='Grid'), b'copied, not linked')
    root = Path(here()['assetstore'].find_one()['root'])

    def full(_):
        raise OSError(errno.ENOSPC, 'No space left on device')
    monkeypatch.setattr(target_store.os, 'fsync', full)
    with pytest.raises(MigrationError, match=f'^{root} cannot be written to: No space left on device. .* to continue'):
        migrate(filled)
    monkeypatch.undo()
    assert anonymous.get(f'/app/{APP}/extension').status_code == 404
    assert list((root / 'temp').iterdir()) == []
    assert migrate(filled, verify=True).undecided == []
    assert len(listed(anonymous)) == 3


def test_what_a_killed_run_left_of_a_file_is_removed(filled):
    unfinished = Path(here()['assetstore'].find_one()['root'], 'temp')
    migrate(filled)
    for name in 'migration-abc', 'of-an-upload':
        (unfinished / name).write_bytes(b'half')
    migrate(filled, dry_run=True)
    assert {path.name for path in unfinished.iterdir()} == {'migration-abc', 'of-an-upload'}
    migrate(filled)
    assert {path.name for path in unfinished.iterdir()} == {'of-an-upload'}


def test_the_verification_follows_the_deletions(filled, monkeypatch):
    migrate(filled)
    filled.db['item'].delete_one({'_id': filled.one['_id']})
    seen = []
    monkeypatch.setattr(verify, 'differences', lambda _, database, *__: (
        seen.extend(database['item'].distinct('_id')) or ()))
    migrate(filled, since_last=True, delete=True, verify=True)
    assert filled.two['_id'] in seen
    assert filled.one['_id'] not in seen


# What is here already

def test_accounts_with_the_same_login_are_refused_or_the_same_person(filled, anonymous, make_user):
    mine = make_user('admin', admin=True)
    with pytest.raises(MigrationError, match=r'"admin" .*--same-users'):
        migrate(filled)
    assert here()['folder'].count_documents({}) == 0
    migrate(filled, same_users=True)
    assert here()['user'].count_documents({}) == 1
    item = here()['item'].find_one({'_id': filled.one['_id']})
    assert item['creatorId'] == mine['_id']
    assert here()['folder'].find_one({'_id': APP})['access']['users'][0]['id'] == mine['_id']
    assert len(listed(anonymous)) == 2

def test_a_collection_with_the_same_name_is_the_same(filled, api, app, anonymous):
    here()['user'].update_one({}, {'$set': {'login': 'other', 'email': 'other@example.org'}})
    with pytest.raises(MigrationError, match=f'"Slicer" is here already .{app["_id"]}.'):
        migrate(filled)
    api.put(f'/folder/{app["_id"]}', params={'name': 'Mine'}).raise_for_status()
    migrate(filled)
    assert here()['collection'].count_documents({}) == 1
    assert {one['name'] for one in anonymous.get('/app').json()} == {'Mine', 'Slicer'}
    assert findings() == []

def test_an_id_that_is_taken_by_another_document_is_named(filled):
    here()['item'].insert_one({'_id': filled.one['_id'], 'name': 'mine', 'folderId': ObjectId(), 'meta': {}})
    report = migrate(filled)
    assert notes(report, Outcome.UNDECIDED) == {('item', str(filled.one['_id']))}
    assert here()['item'].find_one({'_id': filled.one['_id']})['name'] == 'mine'

def test_two_migrations_do_not_run_at_once(filled):
    with Journal(here(), 'any').lease(), pytest.raises(MigrationError, match='is running'):
        migrate(filled)
    here()[COLLECTION].insert_one({'_id': 'lease', 'until': filled.moment(), 'process': 'killed'})
    assert migrate(filled).undecided == []
    assert here()[COLLECTION].find_one({'_id': 'lease'}) is None

@pytest.mark.parametrize('damage', [
    lambda older: older.db['assetstore'].update_one({}, {'$set': {'root': '/no/such/directory'}}),
    lambda older: older.db['assetstore'].update_one({}, {'$set': {'type': 7}}),
    lambda older: older.db['folder'].delete_many({})], ids=['no directory', 'unknown type', 'no application'])
def test_what_cannot_be_migrated_is_refused_before_anything_is_written(filled, damage):
    damage(filled)
    before = snapshot(here())
    with pytest.raises(MigrationError):
        migrate(filled)
    after = snapshot(here())
    for ours in ('slicer_package_change', COLLECTION):
        before.pop(ours, None), after.pop(ours, None)
    assert after == before

def test_a_directory_that_is_mounted_elsewhere(filled, anonymous, tmp_path):
    filled.root.rename(tmp_path / 'mounted')
    migrate(filled, roots={str(filled.store['_id']): tmp_path / 'mounted'})
    assert len(listed(anonymous)) == 2

def test_what_was_deleted_here_is_named_and_can_be_taken_again(filled, as_admin, anonymous):
    migrate(filled)
    as_admin().delete(f'/folder/{APP}').raise_for_status()
    report = migrate(filled)
    assert ('folder', str(APP)) in notes(report, Outcome.LEFT_OUT)
    assert anonymous.get('/app').json() == []
    migrate(filled, take_deleted=True)
    assert len(listed(anonymous)) == 2
    assert findings() == []


def test_new_items_of_a_draft_that_was_deleted_here_stay_away(filled, as_admin, anonymous):
    migrate(filled)
    as_admin().delete(f'/folder/{filled.in_draft["_id"]}').raise_for_status()
    filled.extension(filled.draft_extensions, b'new', baseName='New')
    migrate(filled)
    assert listed(anonymous).keys() == {str(filled.two['_id'])}
    assert findings() == []


def test_a_release_that_was_renamed_here_keeps_its_name_for_new_items(filled, as_admin):
    migrate(filled)
    as_admin().put(f'/folder/{filled.in_release["_id"]}', params={'name': 'Mine'}).raise_for_status()
    new = filled.extension(filled.release_extensions, b'new', app_revision='29402', baseName='New')
    migrate(filled)
    for item in new, filled.two:
        assert here()['item'].find_one({'_id': item['_id']})['spm']['release'] == 'Mine'
    assert findings() == []


def test_what_this_server_adds_to_documents_stays(filled):
    migrate(filled)
    here()['user'].update_one({'_id': filled.admin['_id']}, {'$set': {'otp': {'enabled': True}, 'firstName': 'Here'}})
    here()['file'].update_one({'itemId': filled.one['_id']}, {'$set': {'spm': {'digest': 'x'}}})
    here()['setting'].update_one({'key': 'core.brand_name'}, {'$set': {'value': 'Mine'}}, upsert=True)
    filled.db['setting'].insert_one({'key': 'core.brand_name', 'value': 'Theirs'})
    migrate(filled)
    user = here()['user'].find_one({'_id': filled.admin['_id']})
    assert (user['otp'], user['firstName']) == ({'enabled': True}, 'Here')
    assert here()['file'].find_one({'itemId': filled.one['_id']})['spm'] == {'digest': 'x'}
    assert here()['setting'].find_one({'key': 'core.brand_name'})['value'] == 'Mine'


def test_a_change_here_during_the_run_stays(filled, as_admin, anonymous, monkeypatch):
    migrate(filled)
    filled.db['item'].update_one({'_id': filled.one['_id']}, {'$set': {'meta.category': 'There'}})
    finish = writer.Writer.finish

    def late(self):
        as_admin().put(f'/item/{filled.one["_id"]}/metadata', json={'category': 'Here'}).raise_for_status()
        finish(self)
    monkeypatch.setattr(writer.Writer, 'finish', late)
    report = migrate(filled)
    assert notes(report, Outcome.UNDECIDED) == {('item', str(filled.one['_id']))}
    assert listed(anonymous)[str(filled.one['_id'])]['meta']['category'] == 'Here'


@pytest.mark.parametrize('place', range(14))
def test_a_run_that_ends_at_a_write_is_continued(filled, anonymous, monkeypatch, place):
    written = iter(range(1000))
    bulk_write = pymongo.collection.Collection.bulk_write

    def failing(self, *args, **kwargs):
        done = bulk_write(self, *args, **kwargs)
        if next(written) == place:
            raise KeyboardInterrupt
        return done
    monkeypatch.setattr(pymongo.collection.Collection, 'bulk_write', failing)
    with contextlib.suppress(KeyboardInterrupt):
        migrate(filled)
    monkeypatch.undo()
    here()[COLLECTION].delete_many({'_id': 'lease'})
    assert migrate(filled).undecided == []
    filled.db['item'].update_one({'_id': filled.one['_id']}, {'$set': {'meta.category': 'New'}})
    assert migrate(filled, verify=True).undecided == []
    assert listed(anonymous)[str(filled.one['_id'])]['meta']['category'] == 'New'
    assert findings() == []


def test_a_run_outlasts_the_transaction_that_a_killed_one_has_left_open(filled, db, monkeypatch):
    def insert(session):
        db['item'].insert_one({'_id': filled.one['_id']}, session=session)
    with kills.left_open(monkeypatch, db, insert) as conflicts:
        assert migrate(filled, verify=True).undecided == []
    assert len(conflicts) == 3


def test_a_deletion_outlasts_the_transaction_that_a_killed_process_has_left_open(filled, db, monkeypatch):
    migrate(filled)
    filled.db['item'].delete_one({'_id': filled.one['_id']})

    def change(session):
        db['item'].update_one({'_id': filled.one['_id']}, {'$set': {'meta.x': 'y'}}, session=session)
    with kills.left_open(monkeypatch, db, change) as conflicts:
        report = migrate(filled, since_last=True, delete=True)
    assert notes(report, Outcome.DELETED) == {('item', str(filled.one['_id']))}
    assert (len(conflicts), db['item'].find_one({'_id': filled.one['_id']})) == (3, None)


def test_two_applications_in_one_folder(filled, anonymous):
    other = filled.folder('Other', filled.packages, meta={'extensionPackageNameTemplate': '{baseName}'})
    migrate(filled)
    assert {app['_id'] for app in anonymous.get('/app').json()} == {str(APP), str(other['_id'])}


def test_another_source_changes_nothing_of_the_first(filled, mongo_uri, anonymous, tmp_path):
    with pymongo.MongoClient(mongo_uri, tz_aware=True) as client:
        client.drop_database('older2')
        second = OlderServer(client['older2'], tmp_path / 'older2')
        second.db['user'].update_one({}, {'$set': {'login': 'second', 'email': 'second@example.org'}})
        second.db['collection'].update_one({}, {'$set': {'name': 'Others'}})
        second.db['folder'].update_one({'_id': APP}, {'$set': {'_id': APP}})
        second.db['folder'].delete_one({'_id': APP})
        app = second.folder('Second', second.packages, meta={'extensionPackageNameTemplate': '{baseName}'})
        migrate(filled)
        migrate(second)
        report = migrate(second, since_last=True, delete=True)
        assert notes(report, Outcome.DELETED) == set()
        assert len(listed(anonymous)) == 2
        assert here()['folder'].find_one({'_id': app['_id']})['spm']['role'] == 'application'


@pytest.mark.parametrize('kind', ['user', 'group', 'collection', 'folder'])
def test_an_id_that_something_else_has_here_ends_the_migration_before_it_begins(filled, kind):
    if kind == 'group':
        filled.insert('group', name='Builders', lowerName='builders', public=True, access=filled.access())
    one = filled.db[kind].find_one({'name': '4.11'} if kind == 'folder' else {})
    mine = {**one, 'created': one['created'] - timedelta(days=1), 'name': 'Mine', 'login': 'mine', 'email': 'm@b.org'}
    here()[kind].insert_one(mine)
    before = snapshot(here())
    with pytest.raises(MigrationError, match=f'has the id of another {kind} here, "Mine"'):
        migrate(filled)
    after = snapshot(here())
    assert {name for name in after if after[name] != before.get(name, [])} <= {COLLECTION}


def test_an_application_that_was_created_here_by_its_id_is_the_same(filled, api, anonymous):
    api.post('/app', params={'name': 'Slicer', 'app_id': str(APP)}).raise_for_status()
    report = migrate(filled, same_users=True)
    # The new one has a folder of drafts of its own.
    assert ('folder', str(filled.drafts['_id'])) in notes(report, Outcome.UNDECIDED)
    assert listed(anonymous).keys() == {str(filled.two['_id'])}


def test_another_way_to_the_same_server_goes_on_with_its_documents(filled, anonymous):
    """Its journal is that of another source: over REST first, for example."""
    migrate(filled)
    here()[COLLECTION].delete_many({})
    filled.db['folder'].update_one({'_id': filled.in_release['_id']}, {'$set': {'description': 'changed'}})
    assert notes(migrate(filled), Outcome.UNDECIDED) == {('folder', str(filled.in_release['_id']))}
    assert len(listed(anonymous)) == 2


def test_items_beside_applications_come_along(filled, anonymous):
    item = filled.item(filled.packages, {'a': 'b'}, name='beside')
    file = filled.file(item, b'beside')
    report = migrate(filled, verify=True)
    assert report.undecided == []
    assert anonymous.get(f'/file/{file["_id"]}/download').content == b'beside'
    assert here()['item'].find_one({'_id': item['_id']})['folderId'] == filled.packages['_id']
    before = snapshot(here())
    migrate(filled)
    assert snapshot(here())['item'] == before['item']


def test_items_beside_applications_go_to_the_folder_that_is_here(filled, app, anonymous):
    """This server has the collection and the folder already, with other ids."""
    item = filled.item(filled.packages, {}, name='beside')
    file = filled.file(item, b'beside')
    here()['folder'].update_one({'_id': ObjectId(app['_id'])}, {'$set': {'name': 'Mine', 'lowerName': 'mine'}})
    report = migrate(filled, same_users=True, verify=True)
    assert report.undecided == []
    assert anonymous.get(f'/file/{file["_id"]}/download').content == b'beside'
    assert str(here()['item'].find_one({'_id': item['_id']})['folderId']) == app['parentId']


def test_downloads_of_items_in_no_release_or_draft_are_named(filled):
    below = filled.folder('more', filled.release_extensions)
    for folder in below, filled.app:
        filled.db['folder'].update_one({'_id': folder['_id']}, {'$set': {
            'meta.downloadStats': {'extensions': {'A': {'win': {'amd64': 3}, 'linux': {'amd64': 1}}}}}})
    report = migrate(filled, verify=True)
    assert report.undecided == []
    assert {(note.id, note.reason) for note in report.notes if note.kind == 'downloads'} == {
        (str(folder['_id']), '4 downloads of items in no release or draft are in no total here')
        for folder in (below, filled.app)}
    assert report.totals['downloads of extensions'] == 0


def test_too_many_deletions_are_not_done(filled, anonymous):
    for number in range(30):
        filled.extension(filled.draft_extensions, b'x', baseName=f'E{number}')
    migrate(filled)
    filled.db['item'].delete_many({})
    report = migrate(filled, since_last=True, delete=True)
    assert ('item', 'item') in notes(report, Outcome.UNDECIDED)
    assert len(listed(anonymous)) == 32


def test_the_source_is_asked_once_what_it_has_deleted(filled, anonymous, monkeypatch):
    migrate(filled)
    filled.db['item'].delete_one({'_id': filled.one['_id']})
    filled.db['file'].delete_many({'itemId': filled.one['_id']})
    asked, ids = [], Journal.ids
    monkeypatch.setattr(Journal, 'ids', lambda journal, kind: asked.append(kind) or ids(journal, kind))
    migrate(filled, since_last=True, delete=True)
    assert len(asked) == len(set(asked))
    assert {'item', 'folder', 'user'} <= set(asked)
    assert str(filled.one['_id']) not in listed(anonymous)


def test_a_folder_that_leaves_stays_with_what_was_uploaded_to_it_meanwhile(filled, as_admin, anonymous, monkeypatch):
    migrate(filled)
    for folder in filled.in_release, filled.release_extensions:
        filled.db['folder'].delete_one({'_id': folder['_id']})
    filled.db['item'].delete_one({'_id': filled.two['_id']})
    show = trees.Trees.show

    def upload_before(self, apps):
        item = as_admin().post(f'/app/{APP}/extension', data={**EXTENSION_FORM, 'app_revision': '29402'})
        upload(as_admin(), item.raise_for_status().json()['_id'], b'new here')
        show(self, apps)
    monkeypatch.setattr(trees.Trees, 'show', upload_before)
    migrate(filled, since_last=True, delete=True)
    assert [one['meta']['baseName'] for one in listed(anonymous, app_revision='29402').values()] == [
        EXTENSION_FORM['baseName']]


def test_accounts_and_keys_that_were_deleted_at_the_source_end_here(filled, anonymous):
    user = filled.user('builder')
    filled.insert('api_key', userId=user['_id'], key='k' * 40, name='nightly', scope=None, active=True,
                  tokenDuration=None, lastUse=None, access=filled.access(user))
    migrate(filled)
    filled.db['user'].delete_one({'_id': user['_id']})
    filled.db['api_key'].delete_many({})
    report = migrate(filled, since_last=True, delete=True)
    assert ('user', str(user['_id'])) in notes(report, Outcome.DELETED)
    assert anonymous.post('/api_key/token', params={'key': 'k' * 40}).status_code == 400
    assert anonymous.get('/user/authentication', auth=('builder', 'password')).status_code in (401, 403)


def test_counts_follow_a_release_that_was_renamed(filled, anonymous):
    filled.db['folder'].update_one({'_id': filled.in_release['_id']}, {'$set': {'meta.downloadStats': {
        'extensions': {'A': {'linux': {'amd64': 9}}}, 'applications': {'win': {'amd64': 4}}}}})
    for name in '4.11', 'Stable':
        filled.db['folder'].update_one({'_id': filled.in_release['_id']},
                                       {'$set': {'name': name, 'lowerName': name.lower()}})
        migrate(filled)
        found = anonymous.get(f'/app/{APP}/downloadstats').json()['29402']
        assert found == {'applications': {'win': {'amd64': 4}}, 'extensions': {'A': {'linux': {'amd64': 9}}}}
    assert findings() == []


def test_counts_of_a_release_that_is_merged_come_along(filled, anonymous):
    filled.release('Empty', 29402.0, meta={'downloadStats': {'extensions': {'A': {'linux': {'amd64': 50}}}}})
    migrate(filled)
    assert anonymous.get(f'/app/{APP}/downloadstats').json()['29402']['extensions'] == {'A': {'linux': {'amd64': 50}}}


def test_bytes_that_were_lost_here_are_taken_again(filled, anonymous):
    migrate(filled)
    root = Path(here()['assetstore'].find_one()['root'])
    next(root.rglob(hashlib.sha512(b'one').hexdigest())).unlink()
    assert migrate(filled).undecided == []
    assert anonymous.get(f'/item/{filled.one["_id"]}/download').content == b'one'


def test_a_directory_that_both_servers_would_use_is_refused(filled):
    here()['assetstore'].update_one({}, {'$set': {'root': str(filled.root)}})
    with pytest.raises(MigrationError, match='each would remove files of the other'):
        migrate(filled)


def test_a_name_of_a_file_that_was_mended_stays_mended(filled):
    filled.db['file'].update_one({'itemId': filled.one['_id']}, {'$set': {'name': 'a/b.tgz'}})
    for _ in range(2):
        migrate(filled)
        assert here()['file'].find_one({'itemId': filled.one['_id']})['name'] == 'a_b.tgz'


# Verification


def verified(older, **options):
    return [(note.kind, note.id, note.reason) for note in migrate(older, verify=True, **options).undecided]


def test_a_migration_is_verified(filled):
    _, inside = filled.draft('29738')
    filled.extension(inside, b'in a twin', baseName='Other')
    filled.file(filled.one, b'other', stated=False)
    filled.db['folder'].update_one({'_id': filled.drafts['_id']}, {'$set': {'meta.downloadStats': {
        '29738': {'extensions': {'A': {'B': {'win': {'amd64': 6}}}}}}}})
    assert verified(filled) == []
    assert verified(filled, same_users=True) == []


def test_a_lost_file_is_reported_once(filled):
    path = next(filled.root.rglob(hashlib.sha512(b'one').hexdigest()))
    path.unlink()
    assert [(kind, reason) for kind, _, reason in verified(filled)] == [('file', 'its bytes are missing')]


@pytest.mark.parametrize(('kind', 'change', 'reason'), [
    ('user', {'admin': False}, 'admin is False here, and was True'), ('user', {'salt': 'x'}, 'salt is another one'),
    ('folder', {'access': {'users': [], 'groups': []}}, 'access is '),
    ('file', {'sha512': 'ab'}, 'sha512 is ab here'), ('api_key', {'scope': ['core.admin']}, "scope is ['core.admin']")])
def test_what_is_different_is_found(filled, kind, change, reason):
    filled.insert('api_key', userId=filled.admin['_id'], key='k' * 40, name='nightly', scope=None, active=True,
                  tokenDuration=None, lastUse=None, access=filled.access())
    migrate(filled)
    one = here()[kind].find_one({'itemId': filled.one['_id']} if kind == 'file' else {})
    here()[kind].update_one({'_id': one['_id']}, {'$set': change})
    # What was changed here stays; the verification shows it.
    found = [(of, identifier, why) for of, identifier, why in verified(filled) if of == kind]
    assert [(of, identifier) for of, identifier, _ in found][:1] == [(kind, str(one['_id']))]
    assert reason in ' '.join(why for _, _, why in found)
    assert 'k' * 40 not in str(found)


def test_bytes_and_counts_and_documents_that_are_missing_are_found(filled):
    filled.db['folder'].update_one({'_id': filled.in_release['_id']}, {'$set': {'meta.downloadStats': {
        'extensions': {'A': {'linux': {'amd64': 5}}}}}})
    migrate(filled)
    here()['slicer_package_download'].update_many({'day': ''}, {'$set': {'count': 99, 'kind': 'package'}})
    here()['item'].delete_one({'_id': filled.two['_id']})
    root = Path(here()['assetstore'].find_one()['root'])
    path = next(root.rglob(hashlib.sha512(b'one').hexdigest()))
    path.unlink()
    path.write_bytes(b'eno')
    found = verified(filled)
    assert ('item', str(filled.two['_id']), 'it is not here') in found
    assert [reason for kind, _, reason in found if kind == 'file'] == [
        f'its bytes are not those it states: {hashlib.sha512(b"eno").hexdigest()}']
    assert [note for note in verified(filled, sample=0) if note[0] == 'file'] == []


def test_the_verification_keeps_no_documents_in_memory(filled, monkeypatch):
    """Nor does it read what it does not compare."""
    for number in range(30):
        filled.file(filled.extension(filled.draft_extensions, baseName=f'E{number}'), str(number).encode())
    migrate(filled)
    large = {'spm.large': 'x' * 1_000_000}
    here()['file'].update_many({}, {'$set': large})
    filled.db['item'].update_many({}, {'$set': {'large': 'x' * 1_000_000}})
    ids = [one['_id'] for one in here()['file'].find({}, {'_id': 1})]
    monkeypatch.setattr(girder_database.batches, '__defaults__', (10,))
    tracemalloc.start()
    with ThreadPoolExecutor(2) as workers:
        found = [*verify.bytes_of_files(here(), ids, None, silent, workers),
                 *verify.differences(filled.db, here(), References(), {filled.draft_extensions['_id']}, set())]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [note for note in found if note.kind in ('file', 'item')] == []
    assert peak < 10_000_000


# In place

@pytest.fixture
def place(in_place):
    in_place.in_draft, in_place.draft_extensions = in_place.draft('29738')
    in_place.one = in_place.extension(in_place.draft_extensions, b'one', homepage='NA')
    in_place.twin = in_place.extension(in_place.draft_extensions, b'twin')
    in_place.grid = in_place.extension(in_place.draft_extensions, baseName='Grid')
    in_place.in_grid(in_place.grid, b'in the grid')
    in_place.slicer = in_place.package(in_place.in_draft, b'slicer')
    return in_place

def test_in_place_files_stay_and_all_is_listed(place, anonymous):
    before = {path: path.read_bytes() for path in place.root.rglob('*') if path.is_file()}
    report = run.migrate(here(), here(), Options(in_place=True, verify=True), {}, silent)
    assert report.undecided == []
    assert listed(anonymous).keys() == {str(place.twin['_id']), str(place.grid['_id'])}
    assert listed(anonymous, 'package').keys() == {str(place.slicer['_id'])}
    assert {path: path.read_bytes() for path in before} == before
    for item, content in (place.one, b'one'), (place.grid, b'in the grid'), (place.slicer, b'slicer'):
        assert anonymous.get(f'/item/{item["_id"]}/download').content == content
    assert findings() == []
    assert [store['_id'] for store in here()['assetstore'].find()] == [place.store['_id']]

def test_in_place_a_file_without_a_checksum_gets_it(place, anonymous):
    file = place.db['file'].find_one({'itemId': place.twin['_id']})
    place.db['file'].update_one({'_id': file['_id']}, {'$unset': {'sha512': ''}})
    place.db['item'].update_one({'_id': place.twin['_id']}, {'$unset': {'meta.sha512': ''}})
    dry = run.migrate(here(), here(), Options(in_place=True, dry_run=True), {}, silent)
    assert dry.undecided == []
    report = run.migrate(here(), here(), Options(in_place=True, verify=True), {}, silent)
    assert report.undecided == []
    stored = here()['file'].find_one({'_id': file['_id']})
    assert (stored['sha512'], stored['path']) == (file['sha512'], file['path'])
    assert listed(anonymous)[str(place.twin['_id'])]['meta']['sha512'] == file['sha512']
    assert findings() == []

def test_in_place_a_second_run_writes_nothing(place):
    run.migrate(here(), here(), Options(in_place=True), {}, silent)
    before = snapshot(here())
    run.migrate(here(), here(), Options(in_place=True), {}, silent)
    after = snapshot(here())
    for database in before, after:
        database.pop('slicer_package_change')
    assert after == before

def test_in_place_twin_folders_stay_as_empty_ordinary_ones(place, anonymous):
    twin, inside = place.draft('29738')
    other = place.extension(inside, b'other', baseName='Other')
    run.migrate(here(), here(), Options(in_place=True), {}, silent)
    assert str(other['_id']) in listed(anonymous)
    assert 'spm' not in here()['folder'].find_one({'_id': twin['_id']})
    assert here()['item'].find_one({'_id': other['_id']})['folderId'] == place.draft_extensions['_id']
    assert findings() == []

def test_in_place_a_dry_run_writes_nothing(place):
    before = snapshot(here())
    run.migrate(here(), here(), Options(in_place=True, dry_run=True), {}, silent)
    assert snapshot(here()) == before

def test_in_place_counts_stay_in_the_metadata_and_no_list_has_them(place, anonymous):
    place.db['folder'].update_one({'_id': place.in_draft['_id']}, {'$set': {'meta.downloadStats': {'x': 1}}})
    release, _ = place.release('4.11', '29402', meta={'downloadStats': {'extensions': {'A': {'win': {'amd64': 3}}}}})
    run.migrate(here(), here(), Options(in_place=True), {}, silent)
    assert here()['folder'].find_one({'_id': release['_id']})['meta']['downloadStats']
    for path in 'release', 'draft', 'release?release_id_or_name=4.11':
        found = anonymous.get(f'/app/{APP}/{path}').json()
        assert [one['meta'].keys() for one in (found if isinstance(found, list) else [found])] == [{'revision'}]
    assert anonymous.get(f'/app/{APP}/downloadstats').json()['29402']['extensions'] == {'A': {'win': {'amd64': 3}}}


def test_in_place_a_lost_file_stays_with_its_item(place, anonymous):
    next(Path(place.root).rglob(hashlib.sha512(b'slicer').hexdigest())).unlink()
    report = run.migrate(here(), here(), Options(in_place=True), {}, silent)
    assert [note.outcome for note in report.undecided] == [Outcome.LOST]
    assert listed(anonymous, 'package') == {}
    assert here()['file'].find_one({'attachedToId': place.slicer['_id']})



def test_two_releases_of_one_revision_stay_undecided_in_place_and_are_counted_once(in_place):
    in_place.draft('29738')
    for name in '4.11', 'again':
        _, extensions = in_place.release(name, '29402', meta={'downloadStats': {
            'extensions': {'A': {'linux': {'amd64': 3}}}}})
        in_place.extension(extensions, b'x', app_revision='29402')
    reports = [run.migrate(here(), here(), Options(in_place=True), {}, silent) for _ in range(3)]
    assert len({str(report.undecided) for report in reports}) == 1
    assert len(reports[0].undecided) == 1
    found = here()['slicer_package_download'].find({'day': ''})
    assert sorted((one['release'], one['revision'], one['count']) for one in found) == [
        ('4.11', '29402', 3), ('again', '29402', 3)]
    assert [name for name in reports[1].totals if 'new or changed' in name] == []
