"""Abandoned uploads."""
import hashlib
import os
from datetime import timedelta
from pathlib import Path

import pytest

from plugin_tests.conftest import upload

pytestmark = pytest.mark.database

CHUNK = bytes(6_000_000)  # Girder takes no smaller ones but the last
OLD = timedelta(days=8)
BINARY = {'Content-Type': 'application/octet-stream'}


@pytest.fixture
def begin(api, db):
    """Begin an upload, by default to an item of no user, and send one chunk of it."""
    def begin(parent_id, parent_type='item', size=10_000_000):
        begun = api.post('/file', params={'parentType': parent_type, 'parentId': parent_id, 'name': 'half.zip',
                                          'size': size}).raise_for_status().json()
        api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, content=CHUNK[:size],
                 headers=BINARY).raise_for_status()
        return db.upload.find_one({'name': 'half.zip', 'size': size})
    return begin


@pytest.fixture
def grow_old(db):
    """Make an upload older than the limit for abandoned ones."""
    def age(one, by=OLD, bytes_by=None):
        db.upload.update_one({'_id': one['_id']}, {'$set': {'updated': one['updated'] - by}})
        before = Path(one['tempFile']).stat().st_mtime - (by if bytes_by is None else bytes_by).total_seconds()
        os.utime(one['tempFile'], (before, before))
    return age


@pytest.fixture
def cancel(db):
    from slicer_package_manager.registry.storage import uploads
    return uploads.cancel_abandoned


def test_an_upload_without_progress_for_days_is_canceled_with_its_bytes(begin, grow_old, cancel, make, api, db):
    one = begin(make('package')['_id'])
    grow_old(one)
    assert cancel() == 1
    assert db.upload.count_documents({}) == 0
    assert not Path(one['tempFile']).exists()
    assert api.get('/file/offset', params={'uploadId': str(one['_id'])}).status_code == 400


@pytest.mark.parametrize(('by', 'bytes_by'), [
    pytest.param(timedelta(days=6), timedelta(days=6), id='not long enough'),
    pytest.param(OLD, timedelta(hours=1), id='a piece of it is arriving')])
def test_an_upload_that_continues_stays(begin, grow_old, cancel, make, db, by, bytes_by):
    one = begin(make('package')['_id'])
    grow_old(one, by, bytes_by)
    assert cancel() == 0
    assert Path(one['tempFile']).stat().st_size == len(CHUNK)
    assert db.upload.count_documents({}) == 1


def test_the_setting_is_the_number_of_days_and_zero_keeps_all(begin, grow_old, cancel, make, api):
    grow_old(begin(make('package')['_id']), timedelta(days=2))
    for days, canceled in ((0, 0), (3, 0), (1, 1)):
        api.put('/system/setting', params={'key': 'slicer_package_manager.upload_max_age',
                                           'value': days}).raise_for_status()
        assert cancel() == canceled


def test_uploads_to_other_places_are_left_alone_as_long_as_these_are_there(begin, grow_old, cancel, api, admin, db):
    place = api.post('/folder', params={'parentType': 'user', 'parentId': str(admin['_id']),
                                        'name': 'elsewhere'}).raise_for_status().json()['_id']
    item = api.post('/item', params={'folderId': place, 'name': 'other'}).raise_for_status().json()['_id']
    for one in (begin(item), begin(place, 'folder', 9_000_000)):
        grow_old(one)
    assert cancel() == 0
    db.item.delete_one({'name': 'other'})
    assert cancel() == 1
    db.folder.delete_many({})
    assert cancel() == 1


def test_one_of_two_servers_cancels_an_upload(begin, grow_old, cancel, make, monkeypatch):
    from slicer_package_manager.registry.storage import uploads
    grow_old(begin(make('package')['_id']))
    asked = []

    def meanwhile(upload):
        asked.append(upload)
        if len(asked) == 1:
            assert cancel() == 1  # the other server
        return False
    monkeypatch.setattr(uploads, '_belongs_to_others', meanwhile)
    assert cancel() == 0
    assert len(asked) == 2


def test_an_upload_that_continues_during_the_check_stays(begin, grow_old, cancel, make, api, db, monkeypatch):
    from slicer_package_manager.registry.storage import uploads
    one = begin(make('package')['_id'])
    grow_old(one)

    def meanwhile(old, _limit):
        api.post('/file/chunk', params={'uploadId': str(old['_id']), 'offset': len(CHUNK)},
                 content=bytes(10_000_000 - len(CHUNK)), headers=BINARY).raise_for_status()
        return False
    monkeypatch.setattr(uploads, '_is_written', meanwhile)
    assert cancel() == 0
    assert api.get(f'/item/{one["parentId"]}/download').content == bytes(10_000_000)


def placed(root, digest):
    return Path(root, digest[:2], digest[2:4], digest)


@pytest.mark.parametrize('wanted', [False, True])
def test_bytes_that_never_became_a_file_are_removed_unless_another_file_has_them(begin, grow_old, cancel, make, api,
                                                                                 tmp_path, db, wanted):
    content = b'the whole file'
    if wanted:
        upload(api, make('package')['_id'], content)
    one = begin(make('extension')['_id'])
    digest = hashlib.sha512(content).hexdigest()
    path = placed(tmp_path / 'assetstore', digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    db.upload.update_one({'_id': one['_id']}, {'$set': {'sha512': digest}})  # as a server that was killed leaves it
    grow_old(one)
    assert cancel() == 1
    assert path.exists() == wanted


def test_temporary_files_without_an_upload_are_removed(cancel, tmp_path, db):
    folder = tmp_path / 'assetstore' / 'temp'
    folder.mkdir(exist_ok=True)
    (folder / 'old').write_bytes(b'x')
    (folder / 'new').write_bytes(b'x')
    before = (folder / 'old').stat().st_mtime - OLD.total_seconds()
    os.utime(folder / 'old', (before, before))
    cancel()
    assert [path.name for path in folder.iterdir()] == ['new']
