"""The bodies of uploads, which are read in large steps."""
import hashlib

import pytest

from slicer_package_manager.rest.middleware.upload_bodies import STEP

pytestmark = pytest.mark.database

BINARY = {'Content-Type': 'application/octet-stream'}


def content(size):
    return bytes(number % 251 for number in range(1024)) * (size // 1024 + 1)


@pytest.mark.parametrize('size', [1, STEP // 16, STEP // 16 + 1, STEP - 1, STEP, STEP + 1, 2 * STEP + 77])
def test_every_byte_of_an_upload_arrives_whatever_its_size(api, make, size):
    item = make('package')
    parts = [content(6 * STEP)[:6 * STEP + 1], content(size)[:size]]
    begun = api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'a.bin',
                                      'size': sum(map(len, parts))}).raise_for_status().json()
    for offset, part in zip((0, len(parts[0])), parts, strict=True):
        api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': offset}, content=part,
                 headers=BINARY).raise_for_status()
    sent = b''.join(parts)
    assert api.get(f'/item/{item["_id"]}/download').content == sent
    assert api.get(f'/item/{item["_id"]}').json()['meta']['sha512'] == hashlib.sha512(sent).hexdigest()
