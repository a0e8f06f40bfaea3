"""The bodies of uploads, which are read in large steps."""
import hashlib
from datetime import timedelta

import pytest

from slicer_package_manager.registry.server import clock
from slicer_package_manager.rest.middleware.upload_bodies import STEP, has_token

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


def test_a_large_body_is_received_from_those_with_a_valid_token(admin):
    from girder.models.token import Token
    token = Token().createToken(admin)
    assert has_token({'QUERY_STRING': '', 'HTTP_GIRDER_TOKEN': token['_id']})
    assert has_token({'QUERY_STRING': f'uploadId=1&token={token["_id"]}'})
    for stranger in ({}, {'HTTP_GIRDER_TOKEN': 'abc'}, {'HTTP_AUTHORIZATION': token['_id']},
                     {'HTTP_COOKIE': f'girderToken={token["_id"]}'}):
        assert not has_token({'QUERY_STRING': '', **stranger})
    # Girder believes the query before the header.
    assert not has_token({'QUERY_STRING': 'token=abc', 'HTTP_GIRDER_TOKEN': token['_id']})
    Token().update({'_id': token['_id']}, {'$set': {'expires': clock.now() - timedelta(seconds=1)}})
    assert not has_token({'QUERY_STRING': '', 'HTTP_GIRDER_TOKEN': token['_id']})
