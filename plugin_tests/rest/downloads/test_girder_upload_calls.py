"""Uploads that a crash of the server interrupted."""
import hashlib
from pathlib import Path

import pytest

pytestmark = pytest.mark.database

CONTENT = bytes(range(256)) * 40_000
CHUNK = 6_000_000  # Girder takes no smaller ones but the last


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


def test_an_upload_that_is_not_complete_is_not_listed(anonymous, app, begun):
    assert anonymous.get(f'/app/{app["_id"]}/package').json() == []
    assert anonymous.get(f'/item/{begun["parentId"]}/download').status_code == 404


@pytest.mark.parametrize('upload_id', ['x', '0' * 24, ''])
def test_an_unknown_upload_is_400(api, upload_id):
    assert api.get('/file/offset', params={'uploadId': upload_id}).status_code == 400
