"""What only real server processes can show about files in object storage."""
import hashlib
import io
import socket
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from urllib.parse import urlsplit

import girder_client
import httpx
import pytest

from plugin_tests.servers import poll

pytestmark = [pytest.mark.database, pytest.mark.process]

MIB = 1 << 20
CONTENT = bytes(range(251)) * 50_000  # 12 MiB
CHUNK = 8 * MIB  # that of our client


@pytest.fixture(autouse=True)
def _storage(s3):
    """All files here go to object storage."""


@pytest.fixture
def servers(two_servers):
    return list(two_servers)


@pytest.fixture
def token(api):
    return {'Girder-Token': api.headers['Girder-Token']}


@pytest.fixture
def begun(api, make):
    return api.post('/file', params={'parentType': 'item', 'parentId': make('package')['_id'], 'name': 'f.zip',
                                     'size': len(CONTENT)}).raise_for_status().json()


def send(server, begun, token, offset):
    return httpx.post(f'{server}/file/chunk', params={'uploadId': begun['_id'], 'offset': offset},
                      headers={**token, 'Content-Type': 'application/octet-stream'},
                      content=CONTENT[offset:offset + CHUNK])


def require_whole(servers, item_id, s3):
    """Both send everyone to the whole file, and hand it out to a Slicer with Qt 5."""
    for server, agent in zip((*servers, servers[0]), ('curl', 'curl', 'Mozilla/5.0'), strict=True):
        (file,) = httpx.get(f'{server}/item/{item_id}/files').raise_for_status().json()
        assert file['sha512'] == hashlib.sha512(CONTENT).hexdigest()
        found = httpx.get(f'{server}/file/{file["_id"]}/download', headers={'User-Agent': agent},
                          follow_redirects=True).raise_for_status()
        assert found.content == CONTENT
        assert bool(found.history) == (agent == 'curl')
        assert found.headers['Content-Disposition'] == 'attachment; filename="f.zip"'
    assert list(s3.objects().values()) == [CONTENT]
    assert s3.unfinished() == []


def test_chunks_that_reach_different_processes_make_one_file(servers, token, begun, s3, anonymous, app):
    for offset, server in zip(range(0, len(CONTENT), CHUNK), cycle(servers), strict=False):
        send(server, begun, token, offset).raise_for_status()
    require_whole(servers, begun['parentId'], s3)
    stats = anonymous.get(f'/app/{app["_id"]}/downloadstats').json()
    assert stats['33000']['applications'] == {'linux': {'amd64': 3}}


def test_a_chunk_that_reaches_both_processes_at_once_counts_once(servers, token, begun, s3):
    for offset in range(0, len(CONTENT), CHUNK):
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda server, at=offset: send(server, begun, token, at), servers))
        assert any(one.is_success for one in answers), [one.text for one in answers]
    require_whole(servers, begun['parentId'], s3)


def test_a_connection_that_is_lost_in_a_chunk_costs_the_chunk_only(servers, token, begun, s3):
    send(servers[0], begun, token, 0).raise_for_status()
    place = urlsplit(servers[0])
    with socket.create_connection((place.hostname, place.port)) as lost:
        lost.sendall(f'POST {place.path}/file/chunk?uploadId={begun["_id"]}&offset={CHUNK} HTTP/1.1\r\nHost: x\r\n'
                     f'Girder-Token: {token["Girder-Token"]}\r\nContent-Type: application/octet-stream\r\n'
                     f'Content-Length: {CHUNK}\r\n\r\n'.encode() + CONTENT[CHUNK:CHUNK + 3 * MIB])
    offset = httpx.get(f'{servers[1]}/file/offset', params={'uploadId': begun['_id']}, headers=token).json()['offset']
    assert offset == CHUNK
    for start in range(offset, len(CONTENT), CHUNK):
        send(servers[1], begun, token, start).raise_for_status()
    require_whole(servers, begun['parentId'], s3)


def test_girder_client_uploads_replaces_and_downloads(servers, api, make, s3, tmp_path):
    client = girder_client.GirderClient(apiUrl=servers[0])
    client.setToken(api.headers['Girder-Token'])
    client.MAX_CHUNK_SIZE = 9 * MIB
    item = make('package')
    for content in (CONTENT[:6 * MIB], CONTENT):
        client.uploadFile(item['_id'], io.BytesIO(content), 'f.zip', len(content))
    client.downloadItem(item['_id'], str(tmp_path), 'there')
    (path,) = (one for one in tmp_path.rglob('*') if one.is_file())
    assert path.read_bytes() == CONTENT
    from slicer_package_manager.registry.storage import file_removal
    file_removal.sweep(file_removal.GRACE * 0)
    poll(lambda: len(s3.objects()) == 1, 'the replaced object is gone')
    require_whole(servers, item['_id'], s3)
