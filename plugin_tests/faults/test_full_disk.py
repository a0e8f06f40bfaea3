"""A real disk, and a small one, gets full while a client uploads."""
import contextlib
import hashlib
import io
import subprocess
from pathlib import Path

import girder_client
import pytest

from plugin_tests.conftest import EXTENSION_FORM, upload
from plugin_tests.servers import Server, poll

pytestmark = [pytest.mark.database, pytest.mark.process]

MB = 1_000_000
DISK = 40 * MB
CONTENT = bytes(range(256)) * 46_875  # 12 MB
PIECE = 6 * MB
PASSWORD = 'a-password-for-tests'
BINARY = {'Content-Type': 'application/octet-stream'}
#: Runs a command where a small disk is mounted that no other process sees; root need not ask for a namespace of users.
WITH_DISK = ('unshare', '--map-root-user', '--mount', 'sh', '-c',
             f'mkdir -p "$0" && mount -t tmpfs -o size={DISK} none "$0" && exec "$@"')


@pytest.fixture(scope='module')
def disk(tmp_path_factory):
    folder = tmp_path_factory.mktemp('small')
    tried = subprocess.run([*WITH_DISK, str(folder / 'tried'), 'true'], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f'this system mounts no disk for us: {tried.stderr.strip()}')
    return folder


@pytest.fixture(scope='module')
def server(mongo_uri, disk):
    place = disk / 'data' / 'assetstore'
    running = Server(disk / 'data', '--no-embedded', '--database', mongo_uri.rpartition('/')[0] + '/full_disk',
                     '--workers', '1', within=(*WITH_DISK, str(place)), env={
                         'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD': PASSWORD,
                         'GIRDER_FILESYSTEMASSETSTORE_RESERVED_MBYTES': '0.001'})
    yield running.ready()
    running.end()


class Small:
    """The disk as the server sees it."""

    def __init__(self, server, disk):
        self.place = Path(f'/proc/{server.pid}/root{disk}/data/assetstore')
        self._filler = self.place / 'filler'

    def fill(self):
        with self._filler.open('wb', buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(65536))

    def make_room(self):
        self._filler.unlink(missing_ok=True)

    def parts(self):
        """The sizes of what has arrived of uploads, and holds place."""
        return [path.stat().st_size for path in (self.place / 'temp').iterdir()]


@pytest.fixture
def small(server, disk):
    small = Small(server, disk)
    yield small
    small.make_room()


@pytest.fixture(scope='module')
def admin(server):
    with server.client('admin', PASSWORD) as client:
        yield client


@pytest.fixture(scope='module')
def app(admin):
    return admin.post('/app', params={'name': 'Slicer'}).raise_for_status().json()['_id']


@pytest.fixture
def make(admin, app):
    return lambda name: admin.post(f'/app/{app}/extension', params={
        **EXTENSION_FORM, 'baseName': name}).raise_for_status().json()['_id']


def is_full(answer, name):
    message = answer.json()['message']
    return answer.status_code == 507 and f'"{name}"' in message and 'make room' in message


def listed(client, app):
    return {one['meta']['baseName']: one['meta']['sha512'] for one in client.get(f'/app/{app}/extension').json()}


def test_an_upload_goes_on_when_there_is_room_again_and_all_else_goes_on_meanwhile(server, small, admin, app, make):
    with server.client() as anonymous:
        other, item = make('Other'), make('Half')
        upload(admin, other, b'other')
        begun = admin.post('/file', params={'parentType': 'item', 'parentId': item, 'name': 'half.zip',
                                            'size': len(CONTENT)}).raise_for_status().json()['_id']
        admin.post('/file/chunk', params={'uploadId': begun, 'offset': 0}, content=CONTENT[:PIECE],
                   headers=BINARY).raise_for_status()

        def rest():
            yield CONTENT[PIECE:PIECE + 3 * MB]
            small.fill()
            yield CONTENT[PIECE + 3 * MB:]
        answer = admin.post('/file/chunk', params={'uploadId': begun, 'offset': PIECE}, content=rest(),
                            headers={**BINARY, 'Content-Length': str(len(CONTENT) - PIECE)})
        assert is_full(answer, 'half.zip')

        assert listed(anonymous, app) == {'Other': hashlib.sha512(b'other').hexdigest()}
        assert anonymous.get(f'/item/{other}/download').content == b'other'
        poll(lambda: anonymous.get(f'/app/{app}/downloadstats').json()['33000']['extensions'] == {
            'Other': {'linux': {'amd64': 1}}}, 'the download is counted')
        answer = admin.post('/file', params={'parentType': 'item', 'parentId': other, 'name': 'b.zip', 'size': MB})
        assert is_full(answer, 'b.zip')

        small.make_room()
        assert admin.get('/file/offset', params={'uploadId': begun}).json() == {'offset': PIECE}
        admin.post('/file/chunk', params={'uploadId': begun, 'offset': PIECE}, content=CONTENT[PIECE:],
                   headers=BINARY).raise_for_status()
        assert listed(anonymous, app)['Half'] == hashlib.sha512(CONTENT).hexdigest()
        assert anonymous.get(f'/item/{item}/download').content == CONTENT
        assert small.parts() == []
        admin.delete(f'/app/{app}/extension/{item}').raise_for_status()


def test_a_client_that_sends_all_at_once_gets_the_reason_and_its_bytes_are_gone(server, small, admin, app, make):
    client = girder_client.GirderClient(apiUrl=f'{server.url}/api/v1')
    client.authenticate('admin', PASSWORD)
    item = make('AtOnce')
    small.fill()
    with pytest.raises(girder_client.HttpError) as refused:
        client.uploadFile(item, io.BytesIO(CONTENT), 'once.zip', len(CONTENT))
    assert (refused.value.status, 'make room' in refused.value.responseText) == (507, True)
    small.make_room()
    assert small.parts() == []
    client.uploadFile(item, io.BytesIO(CONTENT), 'once.zip', len(CONTENT))
    assert admin.get(f'/item/{item}/download').content == CONTENT


def test_a_disk_that_gets_full_under_the_only_request_is_freed_of_it(server, small, admin, app, make):
    item = make('OneRequest')

    def body():
        yield CONTENT[:3 * MB]
        small.fill()
        yield CONTENT[3 * MB:]
    answer = admin.post('/file', params={'parentType': 'item', 'parentId': item, 'name': 'one.zip',
                                         'size': len(CONTENT)}, content=body(),
                        headers={**BINARY, 'Content-Length': str(len(CONTENT))})
    assert is_full(answer, 'one.zip')
    assert small.parts() == []
    with server.client() as anonymous:
        assert 'OneRequest' not in listed(anonymous, app)
    assert not admin.get(f'/item/{item}/files').json()  # on the connection that was refused in the middle
