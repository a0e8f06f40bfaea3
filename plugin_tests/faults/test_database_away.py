"""The database is away, slow, or silent, at the start of the server and while it serves."""
import hashlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from plugin_tests.conftest import EXTENSION_FORM, upload
from plugin_tests.faults.database import Database
from plugin_tests.faults.wire import Wire
from plugin_tests.ports import free_ports
from plugin_tests.servers import alive, poll, starter

pytestmark = [pytest.mark.database, pytest.mark.process]

PASSWORD = 'a-password-for-tests'
#: How long the server waits for its database; by default it is longer.
PATIENCE = 3
LONGEST = 120
CONTENT = hashlib.sha512(b'an extension').digest() * 20_000
HALF = len(CONTENT) // 2
BINARY = {'Content-Type': 'application/octet-stream'}
HEALTH = '/slicer_package_manager/health'


class Site:
    """A server, its database, the wire between them, and an extension with a file."""

    def __init__(self, folder, start):
        (folder / 'db').mkdir()
        (port,) = free_ports(1)
        self.database = Database(folder / 'db', port)
        self.database.start()
        self.wire = Wire(port)
        # A direct connection, since the replica set knows its member by another address than that of the wire.
        bounds = f'directConnection=true&timeoutMS={PATIENCE * 1000}&serverSelectionTimeoutMS={PATIENCE * 1000}'
        self.uri = f'mongodb://127.0.0.1:{self.wire.port}/girder?{bounds}'
        self.start = lambda: start('--no-embedded', '--database', self.uri, '--workers', '1',
                                   env={'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD': PASSWORD})
        self.server = self.start().ready()
        self.anonymous = self.server.client()
        self.admin = self.server.client('admin', PASSWORD)
        self.admin.put('/system/setting', params={'key': 'core.upload_minimum_chunk_size', 'value': 0})
        self.app = self.admin.post('/app', params={'name': 'Slicer'}).raise_for_status().json()['_id']
        self.path = f'/app/{self.app}/extension'
        self.item = self.make('Whole')
        upload(self.admin, self.item, CONTENT)

    def make(self, name):
        """A new extension without a file."""
        return self.admin.post(self.path, params={**EXTENSION_FORM, 'baseName': name}).raise_for_status().json()['_id']

    def counted(self):
        """How many downloads of the first extension are counted."""
        found = self.anonymous.get(f'/app/{self.app}/downloadstats').raise_for_status().json()
        return found.get('33000', {}).get('extensions', {}).get('Whole', {}).get('linux', {}).get('amd64', 0)

    def is_back(self):
        """Whether the server serves again."""
        try:
            return self.anonymous.get(HEALTH).status_code == 200
        except httpx.TransportError:
            return False

    def is_well(self):
        """Wait until it is, and see that everything works."""
        poll(self.is_back, 'the server serves again')
        assert self.item in [one['_id'] for one in self.anonymous.get(self.path).json()]
        assert self.anonymous.get(f'/item/{self.item}/download').content == CONTENT

    def end(self):
        """End the database and the connections."""
        for client in (self.anonymous, self.admin):
            client.close()
        self.wire.end()
        self.database.kill()


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp('site')
    with starter(folder) as start:
        site = Site(folder, start)
        yield site
    site.end()


@pytest.fixture(params=['dead', 'silent'])
def outage(site, request):
    """The database away; gives a function that brings it back."""
    def back():
        if request.param == 'dead':
            site.database.start()
        site.wire.mend()

    def begin():
        if request.param == 'dead':
            site.database.kill()
            for _ in range(2):  # the first one notices, and after the second no request waits
                refused(site.admin.post('/app', params={'name': 'Slicer'}))
        else:
            site.wire.cut()
        return back
    yield begin
    if site.database.process.poll() is not None:
        site.database.start()
    site.wire.mend()
    poll(site.is_back, 'the server serves again')


def refused(answer):
    assert (answer.status_code, 'unreachable' in answer.text) == (503, True), answer.text
    assert int(answer.headers['Retry-After']) > 0
    assert answer.elapsed.total_seconds() < LONGEST


def test_all_is_refused_in_time_while_it_is_away_and_goes_on_when_it_is_back(site, outage):
    item = site.make(f'Half{time.monotonic_ns()}')
    begun = site.admin.post('/file', params={'parentType': 'item', 'parentId': item, 'name': 'half.zip',
                                             'size': len(CONTENT)}).raise_for_status().json()['_id']
    first = {'uploadId': begun, 'offset': 0}
    site.admin.post('/file/chunk', params=first, content=CONTENT[:HALF], headers=BINARY).raise_for_status()
    site.anonymous.get(site.path).raise_for_status()

    back = outage()
    rest = {'params': {'uploadId': begun, 'offset': HALF}, 'content': CONTENT[HALF:], 'headers': BINARY}
    requests = [('GET', site.path, {}), ('GET', f'/app/{site.app}/package', {}), ('GET', '/find', {}),
                ('GET', f'/item/{site.item}/download', {}), ('GET', '/system/version', {'headers': {'Origin': 'https://a.b'}}),
                ('POST', site.path, {'params': EXTENSION_FORM}), ('POST', '/file/chunk', rest),
                ('GET', '/file/offset', {'params': {'uploadId': begun}})]
    with ThreadPoolExecutor(len(requests)) as pool:
        for answer in pool.map(lambda one: site.admin.request(one[0], one[1], **one[2]), requests):
            if answer.request.url.path != '/api/v1/find':
                refused(answer)
    health = site.anonymous.get(HEALTH)
    assert (health.status_code, health.json()['extra']['database']) == (503, 'does not answer')
    assert site.anonymous.get(HEALTH, params={'probe': 'live'}).status_code == 200
    back()

    site.is_well()
    offset = site.admin.get('/file/offset', params={'uploadId': begun})
    assert offset.json() == {'offset': HALF}
    site.admin.post('/file/chunk', **rest).raise_for_status()
    assert site.anonymous.get(f'/item/{item}/download').content == CONTENT


def test_a_download_that_ends_while_it_is_away_is_counted_when_it_is_back(site, outage):
    large = CONTENT * 20  # more than what the sockets between server and client hold
    item = site.make(f'Large{time.monotonic_ns()}')
    site.admin.post('/file', params={'parentType': 'item', 'parentId': item, 'name': 'a.zip', 'size': len(large)},
                    content=large, headers=BINARY).raise_for_status()
    before = total(site)
    with site.anonymous.stream('GET', f'/item/{item}/download') as answer:
        pieces = answer.iter_bytes(65536)
        received = [next(pieces)]
        back = outage()
        received.extend(pieces)
    assert b''.join(received) == large
    back()
    poll(lambda: site.is_back() and total(site) > before, 'the download is counted')
    assert total(site) == before + 1


def total(site):
    rows = site.anonymous.get(f'/app/{site.app}/downloadstats', params={'limit': 0}).raise_for_status().json()
    return sum(row['count'] for row in rows)


def test_a_slow_database_makes_the_server_slow_and_no_more(site):
    site.wire.delay = 0.5
    try:
        answers = [site.anonymous.get(path) for path in (HEALTH, site.path, f'/item/{site.item}/download')]
    finally:
        site.wire.mend()
    assert [answer.status_code for answer in answers] == [200] * 3
    assert max(answer.elapsed.total_seconds() for answer in answers) < LONGEST
    site.is_well()


def test_a_worker_that_is_started_while_it_is_away_serves_as_soon_as_it_is_back(site, outage):
    back, logged = outage(), len(site.server.errors)
    (worker,) = site.server.web_processes()[1:]
    os.kill(worker, signal.SIGKILL)
    poll(lambda: 'A worker waits for the database' in site.server.errors[logged:], 'another one is started')
    assert not alive(worker)
    back()
    site.is_well()


def test_a_start_ends_with_the_reason_when_it_is_silent(site):
    site.wire.cut()
    try:
        other = site.start()
        assert other.ended() == 1
    finally:
        site.wire.mend()
    assert f'No MongoDB answers at 127.0.0.1:{site.wire.port}' in other.errors
    site.is_well()
