"""Backups of files in object storage: with their bytes, or without."""
import hashlib
import json
from pathlib import Path

import pymongo
import pytest

from plugin_tests import commands
from plugin_tests.conftest import upload

pytestmark = pytest.mark.database

LARGE = bytes(range(256)) * 8192  # 2 MiB


@pytest.fixture
def make_backup(db, place):
    from slicer_package_manager.backup import create, verify
    from slicer_package_manager.progress import silent

    def maker(**options):
        with place.writing():
            result = create.create_backup(db, place, silent, **{'include_s3': True, **options})
        verify.verify_backup(place, result.backup, silent)
        return result
    return maker


@pytest.fixture
def filled(make, api, db, s3, app):
    """Packages in the bucket, one of them twice and one empty, and on disk."""
    from girder.models.assetstore import Assetstore
    item = make('package', content=LARGE)
    release = api.post(f'/app/{app["_id"]}/release', params={'name': '5.9', 'app_revision': '34000'}).json()
    api.post(f'/item/{item["_id"]}/copy', params={'folderId': release['_id']}).raise_for_status()
    make('extension', content=b'small')
    empty = {'parentType': 'item', 'name': 'e.zip', 'size': 0, 'parentId': make('extension', baseName='Empty')['_id']}
    api.post('/file', params=empty).raise_for_status()
    Assetstore().save({**Assetstore().findOne({'name': 'files'}), 'current': True})
    make('extension', baseName='OnDisk', content=b'small')
    return s3


def test_objects_are_copied_once_and_checked(make_backup, filled, place, make, api):
    result = make_backup()
    assert set(place.objects.digests()) == {hashlib.sha512(one).hexdigest() for one in (LARGE, b'small')}
    assert (result.left_out, result.notes) == ([], [])
    assert json.loads((result.backup.path / 'manifest.json').read_text())['format'] == 2
    upload(api, make('package', baseName='New')['_id'], b'new')
    before = len(filled.requests)
    again = make_backup()
    assert again.copied == [1, 3]
    assert filled.requests[before:] == []  # the new one is on disk, and the rest was there


def test_without_the_option_the_files_of_the_bucket_are_noted(make_backup, filled):
    (note,) = make_backup(include_s3=False).notes
    assert note.startswith('4 files lie in the bucket packages of "objects"; the backup has their documents, not their')
    assert '--include-s3' in note


def test_the_next_backup_uses_the_files_of_an_interrupted_one(make_backup, filled, place):
    from slicer_package_manager.backup.errors import BackupError
    large = next(key for key, content in filled.objects().items() if content == LARGE)
    filled.fail = lambda request: filled.refuse if request.path.endswith(large) else None
    with pytest.raises(BackupError, match='The object storage "objects" is busy'):
        make_backup()
    assert place.backups() == []
    filled.fail = lambda _: None
    assert make_backup().copied[1] == len(LARGE)


def test_a_lost_object_is_reported_and_its_package_is_not_listed(make_backup, filled, db):
    from slicer_package_manager.backup import dump_files
    large = next(key for key, content in filled.objects().items() if content == LARGE)
    filled.client.delete_object(Bucket='packages', Key=large)
    result = make_backup()
    assert len(result.left_out) == 1
    assert large in result.left_out[0]
    listed = [one['name'] for one in dump_files.documents(result.backup.collection('item')) if one['spm']['ready']]
    assert len(listed) == db['item'].count_documents({'spm.ready': True}) - 2  # it, and its copy


def test_files_of_a_bucket_are_restored_to_disk(filled, db, place, restored, mongo_uri):
    from slicer_package_manager.backup import restore
    from slicer_package_manager.progress import silent
    done = commands.run('backup', place.path, '--include-s3', '--database', mongo_uri)
    assert done.returncode == 0, done.stderr
    assert 'Note' not in done.stderr
    filled.clear()
    uri, data_dir = restored
    restore.restore_backup(place, place.find(), restore.Target(db.client['restored'], data_dir / 'assetstore'), silent)
    with pymongo.MongoClient(uri) as client:
        database = client.get_database()
        before, after = ({one['_id']: one for one in where['file'].find({})} for where in (db, database))
        stores = {one['_id']: one for one in database['assetstore'].find({})}
        assert before.keys() == after.keys()
        for identifier, file in after.items():
            content = Path(stores[file['assetstoreId']]['root'], file['path']).read_bytes()
            digest = hashlib.sha512(content).hexdigest()
            assert digest == file['sha512'] == before[identifier]['sha512']
            assert 's3Key' not in file
        assert [one for one in stores.values() if one['type'] or 'secret' in one] == []
        assert list(database['item'].find({})) == list(db['item'].find({}))


def test_files_without_bytes_in_the_backup_stay_in_the_bucket(make_backup, filled, db, place, restored):
    from slicer_package_manager.backup import restore
    from slicer_package_manager.progress import silent
    backup = make_backup(include_s3=False).backup
    target = restore.Target(db.client['restored'], restored[1] / 'assetstore')
    restore.restore_backup(place, backup, target, silent)
    for name, which in (('file', {'s3Key': {'$exists': True}}), ('assetstore', {'name': 'objects'})):
        assert list(target.database[name].find(which)) == list(db[name].find(which)) != []


def test_a_file_without_a_checksum_gets_one(make_backup, filled, db):
    from slicer_package_manager.backup import dump_files
    wanted = db['file'].find_one({'size': len(LARGE)})
    db['file'].update_many({'size': len(LARGE)}, {'$unset': {'sha512': ''}})
    db['item'].update_many({'size': len(LARGE)}, {'$set': {'meta.sha512': ''}})
    result = make_backup()
    for name, key in (('file', 'sha512'), ('item', 'meta')):
        found = [one[key] for one in dump_files.documents(result.backup.collection(name)) if one['size'] == len(LARGE)]
        assert len(found) == 2
        assert all((one if name == 'file' else one['sha512']) == wanted['sha512'] for one in found)
