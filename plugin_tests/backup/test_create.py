"""What a backup promises, whatever happens while it is made or to what it wrote."""
import hashlib
import itertools
import json
import os
import shutil
from datetime import datetime, timedelta, timezone

import pytest
from bson.objectid import ObjectId

from plugin_tests.attested import BUNDLE, attestation
from plugin_tests.conftest import upload

pytestmark = pytest.mark.database


@pytest.fixture
def make_backup(db, place):
    """A maker of backups; ``meanwhile`` has what happens after a collection was read."""
    from slicer_package_manager.backup import create, live_database
    from slicer_package_manager.progress import silent

    def maker(meanwhile=None, **options):
        happens = dict(meanwhile or {})
        whole = live_database.documents

        def documents(collection, session):
            yield from whole(collection, session)
            happens.pop(collection.name, lambda: None)()
        with pytest.MonkeyPatch.context() as patch, place.writing():
            patch.setattr(live_database, 'documents', documents)
            result = create.create_backup(db, place, silent, **options)
        assert not happens
        verify_backup(place, result.backup)
        return result
    return maker


def verify_backup(place, backup):
    from slicer_package_manager.backup import verify
    from slicer_package_manager.progress import silent
    return verify.verify_backup(place, backup, silent)


def problems(place, backup):
    from slicer_package_manager.backup.errors import DamagedError
    with pytest.raises(DamagedError) as refusal:
        verify_backup(place, backup)
    return refusal.value.problems


def saved(result, name):
    """The documents of the collection ``name`` in a backup, by ids."""
    import bson

    from slicer_package_manager.backup import dump_files
    return {str(one['_id']): bson.decode(one.raw) for one in dump_files.documents(result.backup.collection(name))}


def stored_in(db, name):
    return {str(one['_id']): one for one in db[name].find({})}


def test_all_documents_and_bytes_are_in_a_backup(make_backup, ready, db, place):
    ready()
    ready('extension', b'other')
    result = make_backup()
    names = set(db.list_collection_names()) - {'upload', 'slicer_package_manager_bootstrap'}
    assert {name: saved(result, name) for name in names} == {name: stored_in(db, name) for name in names}
    assert set(place.objects.digests()) == {hashlib.sha512(one).hexdigest() for one in (b'content', b'other')}
    assert (result.files, result.copied, result.shared, result.left_out) == (2, [2, 12], [0, 0], [])


def test_publishers_and_the_runs_of_files_are_in_a_backup(make_backup, ready, db, app):
    from slicer_package_manager.registry.accounts import publishers
    made = publishers.add(db['folder'].find_one({'_id': ObjectId(app['_id'])}), {
        'issuer': 'https://gitlab.com', 'repository': 'a/b', 'repository_id': '1', 'workflow': '.gitlab-ci.yml',
        'branch': 'main', 'extensions': '*', 'login': 'admin'})
    item = ready('extension')
    db['file'].update_one({'itemId': ObjectId(item['_id'])}, {'$set': {'spm.build': {'repository': 'a/b', 'run': '7'}}})
    result = make_backup()
    assert saved(result, 'slicer_package_publisher').keys() == {made['_id']}
    file, = saved(result, 'file').values()
    assert file['spm'] == {'build': {'repository': 'a/b', 'run': '7'}}


def test_attestations_are_in_a_backup(make_backup, ready, db, api, app):
    item = ready('extension')
    content = attestation(b'content')
    api.put(f'/app/{app["_id"]}/extension/{item["_id"]}/attestation', content=content, headers={
        'Content-Type': BUNDLE}).raise_for_status()
    one, = saved(make_backup(), 'slicer_package_attestation').values()
    assert (one['item'], one['content']) == (ObjectId(item['_id']), content)


def test_only_its_owner_can_read_a_backup(db, tmp_path, mongo_uri):
    from plugin_tests import commands
    done = commands.run('backup', tmp_path / 'new', '--database', mongo_uri)
    assert done.returncode == 0, done.stderr
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / 'new', *(tmp_path / 'new').rglob('*'))} == {0}


def test_a_second_backup_copies_only_new_files(make_backup, ready):
    ready()
    make_backup()
    ready('extension', b'other')
    again = make_backup()
    assert (again.copied, again.shared) == ([1, 5], [1, 7])


@pytest.mark.parametrize('read', ['file', 'item', 'folder', 'collection'])
def test_a_file_that_is_replaced_during_the_backup(make_backup, ready, api, read):
    item = ready()
    result = make_backup({read: lambda: upload(api, item['_id'], b'newer content')})
    files = [one for one in saved(result, 'file').values() if str(one['itemId']) == item['_id']]
    meta = saved(result, 'item')[item['_id']]['meta']
    assert [one['sha512'] for one in files] == [meta['sha512']]
    assert meta['sha512'] in {hashlib.sha512(one).hexdigest() for one in (b'content', b'newer content')}


def test_a_package_that_is_created_during_the_backup_is_absent(make_backup, ready):
    result = make_backup({'file': ready})
    assert saved(result, 'item') == saved(result, 'file') == {}
    assert result.files == 0


@pytest.mark.parametrize('read', ['file', 'item', 'folder', 'user'])
def test_a_package_that_is_deleted_during_the_backup_is_complete(make_backup, ready, api, app, read):
    item = ready()
    result = make_backup({read: lambda: api.delete(f'/app/{app["_id"]}/package/{item["_id"]}').raise_for_status()})
    assert len(saved(result, 'item')) == len(saved(result, 'file')) == result.files == 1
    assert result.left_out == []


@pytest.mark.parametrize('read', ['item', 'folder', 'user'])
def test_a_release_that_is_renamed_during_the_backup(make_backup, ready, api, app, read):
    api.post(f'/app/{app["_id"]}/release', params={'name': '5.8', 'app_revision': '33000'}).raise_for_status()
    item = ready()
    rename = {'name': '5.9'}
    result = make_backup({read: lambda: api.put(f'/folder/{item["folderId"]}', params=rename).raise_for_status()})
    name = saved(result, 'folder')[item['folderId']]['name']
    package = saved(result, 'item')[item['_id']]
    assert name == package['spm']['release'] == package['meta']['release']


@pytest.fixture
def promotion(ready, api, app):
    """The promotion of a draft with a package and an extension, to be called."""
    ready()
    ready('extension', b'other')
    path = f'/app/{app["_id"]}/release'
    api.post(path, params={'name': '5.8', 'app_revision': '33000'}).raise_for_status()
    return lambda: api.post(f'{path}/5.8/promote', params={'revision': '33000'}).raise_for_status()


def require_promoted_as_a_whole(result, app):
    """Each package has its folder in the backup, and the registration of this folder."""
    folders, items = saved(result, 'folder'), saved(result, 'item').values()
    assert len(items) == len(saved(result, 'file')) == 2
    for item in items:
        place = folders[str(item['folderId'])]['spm']
        assert item['spm']['channel'] == place['channel']
        assert item['spm']['release'] == place['release']
    assert len({str(item['spm']['channel']) for item in items}) == 1


@pytest.mark.parametrize('read', ['file', 'item', 'folder', 'user'])
def test_a_draft_that_is_promoted_during_the_backup(make_backup, promotion, app, read):
    require_promoted_as_a_whole(make_backup({read: promotion}), app)


def test_a_backup_between_any_two_writes_of_a_promotion(make_backup, promotion, app):
    from plugin_tests.rest.test_promotion import aside, at_each_write
    moments = itertools.count()

    def hook():
        if next(moments) % 2 == 0:  # the moment after a write is that before the next one
            require_promoted_as_a_whole(aside(make_backup), app)
    with at_each_write(hook):
        promotion()
    assert next(moments) > 10


def test_a_folder_that_is_deleted_during_the_backup_is_there_with_its_packages(make_backup, ready, api, app):
    item = ready()
    result = make_backup({'item': lambda: api.delete(f'/app/{app["_id"]}/release/33000').raise_for_status()})
    assert saved(result, 'item').keys() == {item['_id']}
    assert item['folderId'] in saved(result, 'folder')


def test_an_incomplete_upload_is_not_in_a_backup(make_backup, make, api):
    item = make('package')
    half = {'parentType': 'item', 'parentId': item['_id'], 'name': 'a', 'size': 10}
    api.post('/file', params=half).raise_for_status()
    result = make_backup()
    assert not result.backup.collection('upload').exists()


def test_a_package_that_contradicts_its_file_is_corrected_in_the_backup(make_backup, ready, db):
    item = ready()
    db['item'].update_one({'name': item['name']}, {'$set': {'size': 14, 'spm.ready': False, 'meta.sha512': 'f' * 128}})
    stored = saved(make_backup(), 'item')[item['_id']]
    assert (stored['size'], stored['spm']['ready']) == (7, True)
    assert stored['meta']['sha512'] == hashlib.sha512(b'content').hexdigest()


def test_a_replacement_that_waits_is_in_the_backup_beside_the_older_file(make_backup, ready, api, db):
    item = ready()
    upload(api, item['_id'], b'newer content', 'new_file')
    result = make_backup()
    assert len([one for one in saved(result, 'file').values() if one['itemId']]) == 2
    assert saved(result, 'item')[item['_id']]['size'] == len(b'content' + b'newer content')
    assert saved(result, 'item')[item['_id']]['meta']['sha512'] == hashlib.sha512(b'content').hexdigest()


def blob_of(db, tmp_path):
    file = db['file'].find_one({'size': {'$gt': 0}})
    return tmp_path / 'assetstore' / file['path']


def test_lost_bytes_are_reported_and_their_package_is_not_listed(make_backup, ready, db, tmp_path):
    item = ready()
    ready('extension', b'other')
    db['file'].update_one({'itemId': db['item'].find_one({'name': item['name']})['_id']}, {'$set': {'size': 8}})
    result = make_backup()
    assert len(result.left_out) == 1
    assert 'file.tar.gz' in result.left_out[0]
    assert saved(result, 'item')[item['_id']]['spm']['ready'] is False
    assert saved(result, 'item')[item['_id']]['meta']['sha512'] == ''
    assert len(saved(result, 'file')) == 1


def test_bytes_with_a_wrong_checksum_are_in_the_backup_and_reported(make_backup, ready, db, tmp_path):
    ready()
    blob_of(db, tmp_path).write_bytes(b'CONTENT')
    result = make_backup()
    assert result.left_out == []
    assert 'do not have the checksum' in result.notes[0]


def test_an_assetstore_that_is_not_mounted_ends_the_backup(make_backup, ready, tmp_path):
    from slicer_package_manager.backup.errors import BackupError
    ready()
    shutil.rmtree(tmp_path / 'assetstore')
    with pytest.raises(BackupError, match='has no directory'):
        make_backup()


def test_imported_files_become_ordinary_files(make_backup, ready, db, tmp_path):
    item = ready()
    outside = tmp_path / 'outside.tar.gz'
    outside.write_bytes(b'imported')
    db['file'].update_one({}, {'$set': {'path': str(outside), 'imported': True, 'size': 8},
                               '$unset': {'sha512': ''}})
    (file,) = saved(make_backup(), 'file').values()
    digest = hashlib.sha512(b'imported').hexdigest()
    assert (file['path'], file['sha512'], 'imported' in file) == (f'{digest[:2]}/{digest[2:4]}/{digest}', digest, False)
    assert str(file['itemId']) == item['_id']


def test_files_in_a_bucket_are_noted(make_backup, ready, db):
    ready()
    store = db['assetstore'].insert_one({'type': 2, 'name': 'cloud', 'bucket': 'packages'}).inserted_id
    db['file'].update_one({}, {'$set': {'assetstoreId': store}, '$unset': {'path': ''}})
    (note,) = make_backup().notes
    assert note.startswith('1 files lie in the bucket packages of "cloud"')


DAMAGES = {
    'changed object': (lambda place, _: next(objects(place)).write_bytes(b'CONTENT'), 'its bytes have changed'),
    'short object': (lambda place, _: os.truncate(next(objects(place)), 3), 'has 3 bytes instead of 7'),
    'no object': (lambda place, _: next(objects(place)).unlink(), 'is missing'),
    'changed documents': (lambda _, backup: flip(backup.collection('item')), 'item.bson.gz: its bytes have changed'),
    'no documents': (lambda _, backup: backup.collection('file').unlink(), 'file.bson.gz: is missing'),
    'changed contents': (lambda _, backup: flip(backup.contents), 'contents.gz: its bytes have changed'),
    'changed manifest': (lambda _, backup: shorten(backup.path / 'manifest.json'), 'json: its text has changed'),
    'half a manifest': (lambda _, backup: os.truncate(backup.path / 'manifest.json', 100), 'json: cannot be read'),
    'no manifest': (lambda _, backup: (backup.path / 'manifest.json').unlink(), 'manifest.json: cannot be read'),
}


def objects(place):
    return (place.objects.path(one) for one in place.objects.digests())


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def shorten(path):
    facts = json.loads(path.read_text())
    del facts['collections']['item']
    path.write_text(json.dumps(facts))


@pytest.mark.parametrize(('damage', 'message'), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_backup_is_reported_and_not_restored(make_backup, ready, place, db, tmp_path, damage, message):
    from slicer_package_manager.backup import restore
    from slicer_package_manager.backup.errors import DamagedError
    from slicer_package_manager.progress import silent
    ready()
    backup = make_backup().backup
    damage(place, backup)
    (problem,) = problems(place, backup)
    assert message in problem
    target = restore.Target(db.client['untouched'], tmp_path / 'new')
    with pytest.raises(DamagedError):
        restore.restore_backup(place, backup, target, silent)
    assert 'untouched' not in db.client.list_database_names()
    assert not target.assetstore.exists()


def test_an_interrupted_backup_is_not_listed_and_the_next_one_uses_its_files(make_backup, ready, place, db):
    from slicer_package_manager.backup import create, objects
    from slicer_package_manager.progress import silent
    ready()
    ready('extension', b'other')
    put, done = objects.Objects.put, []

    def once(self, source, advance):
        if done:
            raise KeyboardInterrupt
        done.append(source)
        return put(self, source, advance)
    with pytest.MonkeyPatch.context() as patch, place.writing():
        patch.setattr(objects.Objects, 'put', once)
        with pytest.raises(KeyboardInterrupt):
            create.create_backup(db, place, silent)
    (place.path / 'objects' / 'unfinished' / 'half').write_bytes(b'ot')
    assert place.backups() == []
    result = make_backup()
    assert (result.copied[0], result.shared[0]) == (1, 1)
    assert place.backups() == [result.backup]
    assert [path.name for path in (place.path / 'backups').iterdir()] == [result.backup.name]
    assert list((place.path / 'objects' / 'unfinished').iterdir()) == []


def test_a_recheck_replaces_damaged_objects(make_backup, ready, place):
    ready()
    old = make_backup().backup
    next(objects(place)).write_bytes(b'CONTENT')
    assert problems(place, old)
    make_backup(check=True)
    verify_backup(place, old)


def test_a_target_that_is_not_empty_is_refused(make_backup, ready, place, db, tmp_path):
    from slicer_package_manager.backup import restore
    from slicer_package_manager.backup.errors import BackupError
    from slicer_package_manager.progress import silent
    ready()
    backup = make_backup().backup
    with pytest.raises(BackupError, match=r'"girder" is not empty: it has .*item'):
        restore.restore_backup(place, backup, restore.Target(db, tmp_path / 'new'), silent)
    (tmp_path / 'new').mkdir()
    (tmp_path / 'new' / 'thesis.txt').write_text('mine')
    with pytest.raises(BackupError, match=r'thesis\.txt'):
        restore.restore_backup(place, backup, restore.Target(db.client['untouched'], tmp_path / 'new'), silent)
    assert 'untouched' not in db.client.list_database_names()


def test_the_sums_of_counts_are_restored_with_them(make_backup, ready, place, db, tmp_path):
    from slicer_package_manager.backup import restore
    from slicer_package_manager.progress import silent
    from slicer_package_manager.registry.downloads import counter, counts, rollup
    item = db.item.find_one({'_id': ObjectId(ready()['_id'])})
    counter.store({**counts.key_of(item), 'day': '2026-01-01'})
    rollup.keep_up()
    backup = make_backup().backup
    target = restore.Target(db.client['spm_restored'], tmp_path / 'new')
    try:
        restore.restore_backup(place, backup, target, silent)
        found = list(target.database.slicer_package_download.find().sort('_id'))
        assert found == list(db.slicer_package_download.find().sort('_id'))
        assert {one['kind'] for one in found} == {'package', 'total'}
    finally:
        db.client.drop_database('spm_restored')


def test_a_restoration_uses_the_files_of_an_interrupted_one(make_backup, ready, place, db, tmp_path):
    from slicer_package_manager.backup import restore
    from slicer_package_manager.progress import silent
    ready()
    expected = stored_in(db, 'item')
    backup = make_backup().backup
    target = restore.Target(db.client['spm_restored'], tmp_path / 'new')

    def interrupt(title, total, in_bytes):
        if 'documents' in title and not in_bytes:
            raise KeyboardInterrupt
        return silent(title, total, in_bytes)
    try:
        with pytest.raises(KeyboardInterrupt):
            restore.restore_backup(place, backup, target, interrupt)
        assert target.database.list_collection_names() == []
        restore.restore_backup(place, backup, target, silent)
        assert stored_in(target.database, 'item') == expected
        assert target.database['assetstore'].find_one()['root'] == str(tmp_path / 'new')
    finally:
        db.client.drop_database('spm_restored')


def test_no_server_uses_a_database_while_it_is_being_restored(make_backup, ready, place, db, tmp_path, monkeypatch):
    from slicer_package_manager.backup import restore
    from slicer_package_manager.progress import silent
    from slicer_package_manager.registry import usable
    from slicer_package_manager.registry.schema.errors import UnusableDatabaseError
    from slicer_package_manager.registry.server import restoration
    ready()
    backup = make_backup().backup
    target = restore.Target(db.client['spm_restored'], tmp_path / 'new')

    def ended(*_):
        raise SystemExit

    def killed(_collection, number):
        """Nothing is undone: the process ends here."""
        if number:
            monkeypatch.setattr(restore, '_drop_all', ended)
            ended()
    try:
        monkeypatch.setattr(restore, '_require_all', killed)  # after the first documents
        with pytest.raises(SystemExit):
            restore.restore_backup(place, backup, target, silent)
        monkeypatch.undo()
        assert set(target.database.list_collection_names()) > {restoration.COLLECTION}
        with pytest.raises(UnusableDatabaseError, match='restore` with `--replace'):
            usable.require(target.database)
        restore.restore_backup(place, backup, target, silent, replace=True)
        usable.require(target.database)
        assert stored_in(target.database, 'item') == stored_in(db, 'item')
    finally:
        db.client.drop_database('spm_restored')


def days(*numbers):
    return [datetime(2026, 11, 22, 3, tzinfo=timezone.utc) - timedelta(days=number) for number in numbers]


@pytest.mark.parametrize(('rule', 'ages', 'kept'), [
    pytest.param({'last': 2}, (0, 1, 2), (0, 1), id='newest'),
    pytest.param({'daily': 2}, (0, 0.1, 1, 1.1, 2), (0, 1), id='one a day'),
    pytest.param({'daily': 2}, (0, 5, 9), (0, 5), id='days without one do not count'),
    pytest.param({'weekly': 2}, (0, 3, 7, 8), (0, 7), id='one a week'),
    pytest.param({'monthly': 2}, (0, 20, 25, 40), (0, 25), id='one a month'),
    pytest.param({'last': 1, 'monthly': 2}, (0, 20, 25, 40), (0, 25), id='any reason is enough'),
    pytest.param({'last': 5}, (0, 1), (0, 1), id='more than there are'),
])
def test_the_backups_that_a_rule_keeps(rule, ages, kept):
    from slicer_package_manager.backup import prune
    assert prune.kept(days(*ages), prune.Rule(**rule)) == set(days(*kept))


def test_pruning_removes_old_backups_and_the_files_that_only_they_have(make_backup, ready, api, app, place):
    from slicer_package_manager.backup import prune
    gone, stays = ready(content=b'old'), ready('extension', b'other')
    make_backup()
    api.delete(f'/app/{app["_id"]}/package/{gone["_id"]}').raise_for_status()
    newest = make_backup().backup
    removed, unused = prune.prune_backups(place, prune.Rule(last=1))
    assert (len(removed), unused) == (1, 1)
    assert place.backups() == [newest]
    assert list(place.objects.digests()) == [hashlib.sha512(b'other').hexdigest()]
    verify_backup(place, newest)
    assert stays['_id'] in saved(make_backup(), 'item')


def test_the_locks_of_the_directory(place):
    from slicer_package_manager.backup.errors import BackupError
    with place.writing(), pytest.raises(BackupError, match=f'by process {os.getpid()}'):
        place.writing().__enter__()
    with place.reading(), place.reading(), pytest.raises(BackupError, match='is being read'):
        place.reading(exclusive=True).__enter__()


def test_a_backup_has_the_aliases_of_midas(make_backup):
    from slicer_package_manager.registry.midas import aliases
    from slicer_package_manager.registry.midas.aliases import Alias
    from slicer_package_manager.registry.midas.numbers import Kind
    aliases.record([Alias(Kind.ITEM, '77', name='Slicer 4.0.1', url='https://github.com/a')])
    (one,) = saved(make_backup(), 'slicer_package_alias').values()
    assert aliases.of_document(one) == aliases.find(Kind.ITEM, '77')
