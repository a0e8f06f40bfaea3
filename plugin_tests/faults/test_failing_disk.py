"""What the disk does to uploads in the middle of them."""
import errno
import hashlib
import os
from pathlib import Path

import pytest

from plugin_tests.conftest import upload

pytestmark = pytest.mark.database

BINARY = {'Content-Type': 'application/octet-stream'}
CONTENT = bytes(range(256)) * 40_000
CHUNK = 6_000_000  # Girder takes no smaller ones but the last


@pytest.fixture
def begin(api, db, make):
    """Begin an upload of ``CONTENT`` to a new package, and have its first bytes arrive."""
    def begin(received=0):
        item = make('package')
        begun = api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'f.zip',
                                          'size': len(CONTENT)}).raise_for_status().json()
        if received:
            send(api, begun['_id'], 0, received).raise_for_status()
        return db.upload.find_one({'name': 'f.zip'})
    return begin


def send(api, upload_id, start, stop=None):
    return api.post('/file/chunk', params={'uploadId': str(upload_id), 'offset': start}, content=CONTENT[start:stop],
                    headers=BINARY)


def offset(api, upload_id):
    return api.get('/file/offset', params={'uploadId': str(upload_id)})


def is_full(answer):
    message = answer.json()['message']
    return answer.status_code == 507 and '"f.zip"' in message and 'make room' in message


def is_whole(api, anonymous, app, item_id):
    """Whether the package is listed, has its whole file, and its checksum."""
    (item,) = anonymous.get(f'/app/{app["_id"]}/package').json()
    return ((item['_id'], item['meta']['sha512']) == (str(item_id), hashlib.sha512(CONTENT).hexdigest())
            and api.get(f'/item/{item_id}/download').content == CONTENT)


@pytest.fixture
def no_room(monkeypatch):
    monkeypatch.setenv('GIRDER_FILESYSTEMASSETSTORE_RESERVED_MBYTES', str(10**12))


def test_an_upload_that_does_not_fit_is_refused_before_it_begins(make, api, app, anonymous, db, tmp_path, no_room):
    item = make('package')
    answer = api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'f.zip', 'size': 10})
    assert is_full(answer)
    assert db.upload.count_documents({}) == 0
    assert list((tmp_path / 'assetstore').rglob('*')) == [tmp_path / 'assetstore' / 'temp']
    assert anonymous.get(f'/app/{app["_id"]}/package').json() == []


def test_what_is_larger_than_the_disk_is_refused_before_it_begins(make, api):
    item = make('package')
    assert is_full(api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'f.zip',
                                             'size': 10**15}))


def test_the_first_piece_that_finds_no_room_ends_the_upload_and_leaves_nothing(begin, api, db):
    begun = begin()
    Path(begun['tempFile']).unlink()
    Path(begun['tempFile']).symlink_to('/dev/full')
    assert is_full(send(api, begun['_id'], 0, CHUNK))
    assert not Path(begun['tempFile']).is_symlink()
    assert db.upload.count_documents({}) == 0


def test_a_later_piece_that_finds_no_room_can_be_sent_again(begin, api, anonymous, app, monkeypatch):
    from slicer_package_manager.registry.storage import filesystem_uploads
    begun = begin(CHUNK)
    write = filesystem_uploads._write_all

    def full(part, piece):
        write(part, piece[:1000])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(filesystem_uploads, '_write_all', full)
    assert is_full(send(api, begun['_id'], CHUNK))
    monkeypatch.setattr(filesystem_uploads, '_write_all', write)
    assert anonymous.get(f'/app/{app["_id"]}/package').json() == []
    assert offset(api, begun['_id']).json() == {'offset': CHUNK}
    send(api, begun['_id'], CHUNK).raise_for_status()
    assert is_whole(api, anonymous, app, begun['parentId'])


@pytest.mark.parametrize('number', [errno.EIO, errno.EROFS, errno.ESTALE])
def test_other_failures_of_the_disk_are_503_and_logged(begin, api, monkeypatch, caplog, number):
    from slicer_package_manager.registry.storage import filesystem_uploads
    begun = begin(CHUNK)

    def broken(*_args):
        raise OSError(number, os.strerror(number))
    monkeypatch.setattr(filesystem_uploads, '_write_all', broken)
    answer = send(api, begun['_id'], CHUNK)
    assert (answer.status_code, 'not stored' in answer.json()['message']) == (503, True)
    assert os.strerror(number) in caplog.text
    assert os.strerror(number) not in answer.text


def test_a_client_that_sends_a_piece_again_without_asking_writes_over_what_failed(begin, api, anonymous, app):
    begun = begin(CHUNK)
    with Path(begun['tempFile']).open('ab') as part:
        part.write(b'what a server that was killed has left')
    send(api, begun['_id'], CHUNK).raise_for_status()
    assert is_whole(api, anonymous, app, begun['parentId'])


def test_an_upload_whose_bytes_are_lost_is_begun_anew(begin, api):
    begun = begin(CHUNK)
    Path(begun['tempFile']).unlink()
    for answer, status in ((offset(api, begun['_id']), 404), (send(api, begun['_id'], CHUNK), 400)):
        assert (answer.status_code, 'Begin a new upload' in answer.json()['message']) == (status, True)


def test_an_upload_whose_end_is_lost_is_not_made_a_file(begin, api, anonymous, app):
    begun = begin(CHUNK)
    os.truncate(begun['tempFile'], CHUNK - 1)
    assert send(api, begun['_id'], CHUNK).status_code == 400
    assert anonymous.get(f'/app/{app["_id"]}/package').json() == []


@pytest.mark.parametrize('point', ['before', 'after'])
def test_a_server_that_dies_before_or_after_it_makes_the_file_has_lost_nothing(
        begin, api, anonymous, app, db, point):
    from girder import events
    begun = begin(CHUNK)

    def die(_event):
        raise SystemError('killed')
    with events.bound(f'model.file.finalizeUpload.{point}', 'test', die):
        assert send(api, begun['_id'], CHUNK).status_code == 500
    if point == 'before':
        assert offset(api, begun['_id']).json() == {'offset': len(CONTENT)}
    answer = api.post('/file/completion', params={'uploadId': str(begun['_id'])})
    assert answer.status_code == (200 if point == 'before' else 409)
    assert is_whole(api, anonymous, app, begun['parentId'])
    assert db.upload.count_documents({}) == 0
    assert db.file.count_documents({'itemId': begun['parentId']}) == 1


def test_bytes_are_on_the_disk_before_the_upload_is_acknowledged(begin, api, db, monkeypatch):
    begun = begin(CHUNK)
    synced = []

    def sync(handle):
        assert db.file.count_documents({}) == 0
        synced.append((Path(f'/proc/self/fd/{handle}').resolve(), os.fstat(handle).st_size))
    monkeypatch.setattr(os, 'fsync', sync)
    send(api, begun['_id'], CHUNK).raise_for_status()
    file = db.file.find_one({})
    store = Path(begun['tempFile']).parents[1]
    assert synced[0] == (Path(begun['tempFile']), len(CONTENT))
    assert {path for path, _ in synced[1:]} == {(store / file['path']).parents[level] for level in range(3)}


def test_damaged_bytes_are_replaced_by_an_upload_of_the_right_ones(make, api, tmp_path):
    item = make('package', content=b'right')
    digest = hashlib.sha512(b'right').hexdigest()
    stored = tmp_path / 'assetstore' / digest[:2] / digest[2:4] / digest
    stored.write_bytes(b'wrong')
    upload(api, item['_id'], b'right')
    assert api.get(f'/item/{item["_id"]}/download').content == b'right'


def test_a_failure_during_a_deletion_leaves_no_package_without_its_file(make, api, anonymous, app, db, monkeypatch):
    from slicer_package_manager.registry.storage.filesystem import FilesystemStore
    item = make('package', content=b'content')
    files = []

    def fail(*_args, **_options):
        files.append(db.file.count_documents({}))
        raise OSError('broken')
    monkeypatch.setattr(FilesystemStore, '_remove_unused', fail)
    api.delete(f'/app/{app["_id"]}/package/{item["_id"]}').raise_for_status()
    monkeypatch.undo()
    assert files == [0]
    assert anonymous.get(f'/app/{app["_id"]}/package').json() == []
    item = make('package', content=b'content')
    assert anonymous.get(f'/item/{item["_id"]}/download').content == b'content'


def test_a_download_that_meets_a_deletion_is_404(make, anonymous, monkeypatch):
    from girder.models.item import Item

    from slicer_package_manager.registry.storage.filesystem import FilesystemStore
    item = make('package', content=b'content')
    monkeypatch.setattr(FilesystemStore, 'require_readable',
                        lambda _: Item().remove(Item().load(item['_id'], force=True)))
    assert anonymous.get(f'/item/{item["_id"]}/download').status_code == 404
