"""Uploads that a crash of the server interrupted."""
import hashlib
import logging
from pathlib import Path

import pytest
from girder import events
from girder.models.folder import Folder
from girder.models.item import Item

pytestmark = pytest.mark.database

CONTENT = bytes(range(256)) * 40_000
CHUNK = 6_000_000


@pytest.fixture
def begun(api, db, make):
    """An upload of which the server has and knows one chunk."""
    item = make('package')
    upload = api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'f.zip',
                                       'size': len(CONTENT)}).raise_for_status().json()
    send(api, upload['_id'], 0, CONTENT[:CHUNK])
    return db.upload.find_one({'name': 'f.zip'})


def send(api, upload_id, offset, data):
    return api.post('/file/chunk', params={'uploadId': str(upload_id), 'offset': offset}, content=data,
                    headers={'Content-Type': 'application/octet-stream'}).raise_for_status().json()


@pytest.mark.parametrize('left', [
    pytest.param(CONTENT[:CHUNK], id='nothing was going on'),
    pytest.param(CONTENT[:CHUNK + 1_234_567], id='in the middle of a chunk'),
    pytest.param(CONTENT[:CHUNK] + bytes(7_000_000), id='the disk has forgotten what was in a chunk'),
    pytest.param(CONTENT[:CHUNK - 1_000], id='the disk lost the end')])
def test_an_upload_goes_on_where_it_got_to_for_good_and_has_the_right_checksum(api, anonymous, begun, left):
    Path(begun['tempFile']).write_bytes(left)
    offset = api.get('/file/offset', params={'uploadId': str(begun['_id'])}).raise_for_status().json()['offset']
    assert offset == min(len(left), CHUNK)
    file = send(api, begun['_id'], offset, CONTENT[offset:])
    assert file['sha512'] == hashlib.sha512(CONTENT).hexdigest()
    item = anonymous.get(f'/item/{begun["parentId"]}').json()
    assert item['meta']['sha512'] == file['sha512']
    assert anonymous.get(f'/item/{begun["parentId"]}/download').content == CONTENT


def test_chunks_may_be_small_but_not_larger_than_the_rest(api, anonymous, begun):
    for offset, size in ((CHUNK, 1), (CHUNK + 1, 100_000)):
        assert send(api, begun['_id'], offset, CONTENT[offset:offset + size])['received'] == offset + size
    offset += size
    answer = api.post('/file/chunk', params={'uploadId': str(begun['_id']), 'offset': offset},
                      content=CONTENT[offset:] + b'x', headers={'Content-Type': 'application/octet-stream'})
    assert (answer.status_code, 'too many bytes' in answer.text) == (400, True)
    assert send(api, begun['_id'], offset, CONTENT[offset:])['sha512'] == hashlib.sha512(CONTENT).hexdigest()
    assert anonymous.get(f'/item/{begun["parentId"]}/download').content == CONTENT


def test_an_upload_that_is_not_complete_is_not_listed(anonymous, app, begun):
    assert anonymous.get(f'/app/{app["_id"]}/package').json() == []
    assert anonymous.get(f'/item/{begun["parentId"]}/download').status_code == 404


@pytest.mark.parametrize('upload_id', ['x', '0' * 24, ''])
def test_an_unknown_upload_is_400(api, upload_id):
    assert api.get('/file/offset', params={'uploadId': upload_id}).status_code == 400


@pytest.mark.parametrize('size', [4, 0], ids=['at its end', 'empty'])
@pytest.mark.parametrize('deleted', ['item', 'folder'])
def test_an_upload_whose_package_is_deleted_is_404_and_no_error_in_the_log(api, make, caplog, deleted, size):
    item = Item().load(make('package')['_id'], force=True)

    def delete(_):
        if deleted == 'item':
            Item().remove(item)
        else:
            Folder().remove(Folder().load(item['folderId'], force=True))
    with events.bound('model.upload.finalize', 'test', delete):
        place = {'parentType': 'item', 'parentId': str(item['_id'])}
        answer = api.post('/file', params={**place, 'name': 'x', 'size': size},
                          content=b'x' * size, headers={'Content-Type': 'application/octet-stream'})
    assert answer.status_code == 404, answer.text
    assert 'deleted' in answer.json()['message']
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []
