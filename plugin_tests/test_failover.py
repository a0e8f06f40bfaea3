"""Two servers on a replica set of three real mongods: the primary is killed while eight clients are at work."""
import hashlib
import itertools

import httpx
import pytest

from plugin_tests import replicas
from plugin_tests.build_machine import Machine
from plugin_tests.servers import poll, starter
from plugin_tests.threads import Threads

pytestmark = [pytest.mark.database, pytest.mark.process]

PASSWORD = 'a-password-for-tests'
#: How long the members wait for a primary that is silent, and the servers for a database; MongoDB's default, and ours,
#: are longer.
ELECTION_SECONDS, OPERATION_SECONDS = 2, 5
LONGEST = 120


@pytest.fixture(scope='module')
def replica_set():
    with replicas.running(ELECTION_SECONDS) as running:
        yield running


@pytest.fixture(scope='module')
def servers(replica_set, tmp_path_factory):
    """The URLs of two servers with one folder of files, as behind a proxy."""
    uri = f'{replica_set.uri}&timeoutMS={OPERATION_SECONDS * 1000}'
    options = ('--no-embedded', '--database', uri, '--workers', '1')
    with starter(tmp_path_factory.mktemp('servers')) as start:
        env = {'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD': PASSWORD}
        started = [start(*options, env=env).ready()]
        started.append(start(*options, env=env, data_dir=tmp_path_factory.mktemp('second')).ready())
        yield [server.url for server in started]


@pytest.fixture(scope='module')
def token(servers):
    answer = httpx.get(f'{servers[0]}/api/v1/user/authentication', auth=('admin', PASSWORD))
    found = answer.raise_for_status().json()['authToken']['token']
    # So that files of a few kilobytes come in pieces.
    httpx.put(f'{servers[0]}/api/v1/system/setting', headers={'Girder-Token': found}, params={
        'key': 'core.upload_minimum_chunk_size', 'value': 0}).raise_for_status()
    return found


@pytest.fixture(scope='module')
def app_id(servers, token):
    answer = httpx.post(f'{servers[0]}/api/v1/app', params={'name': 'Slicer'}, headers={'Girder-Token': token})
    return answer.raise_for_status().json()['_id']


def content_of(name):
    return hashlib.sha512(name.encode()).digest() * 3000


class Load(Threads):
    """Four machines that upload, two that list and two that download, half of them at each server."""

    def __init__(self, urls, token, app_id):
        self.app_id = app_id
        self.machines = [Machine(urls[number % 2], token if number < 4 else '') for number in range(8)]
        self.uploaded, self.listed, self.downloaded = {}, [], []
        super().__init__([self.upload] * 4 + [self.list] * 2 + [self.download] * 2)

    def __exit__(self, *_):
        super().__exit__()
        for machine in self.machines:
            machine.close()

    def _work(self, number, task):
        try:
            for turn in itertools.count():
                if self._done.is_set():
                    return
                task(self.machines[number], f'Extension{number}x{turn}')
        except Exception as error:  # noqa: BLE001 - reported by check()
            self._failures.append(f'machine {number}: {error!r}')

    def upload(self, machine, name):
        self.uploaded[machine.upload(self.app_id, name, content_of(name))] = name

    def list(self, machine, _):
        # Another query each time, so that no cache has its response.
        acknowledged = set(self.uploaded)
        entries = machine.need('GET', f'/app/{self.app_id}/extension', params={'limit': 0}).json()
        assert acknowledged <= {entry['_id'] for entry in entries}
        self.listed.append(len(entries))

    def download(self, machine, _):
        if not (known := list(self.uploaded.items())):
            self._done.wait(0.05)
            return
        item_id, name = known[len(self.downloaded) % len(known)]
        assert machine.need('GET', f'/item/{item_id}/download').content == content_of(name)
        self.downloaded.append(item_id)

    def progress(self):
        return len(self.uploaded), len(self.listed), len(self.downloaded)

    def goes_on(self, uploads, lists, downloads):
        """Wait until so many more of each were answered."""
        before = self.progress()
        poll(lambda: self._failures or all(now >= then + more for now, then, more in zip(
            self.progress(), before, (uploads, lists, downloads), strict=True)), f'the work after {before}')
        assert not self._failures

    def check(self):
        assert not self._failures
        assert [trouble for machine in self.machines for trouble in machine.troubles] == []
        answers = [answer for machine in self.machines for answer in machine.answers]
        assert {status for status, _ in answers} <= {200, 503}
        assert max(seconds for _, seconds in answers) < LONGEST


def test_a_killed_primary_costs_no_acknowledged_write_and_no_count(replica_set, servers, token, app_id):
    with Load(servers, token, app_id) as load:
        load.goes_on(8, 4, 8)
        lost = replica_set.primary()
        lost.kill()
        load.goes_on(8, 4, 8)
    load.check()
    assert replica_set.primary() is not lost
    lost.start()
    with httpx.Client(base_url=f'{servers[1]}/api/v1') as anybody:
        entries = {entry['_id']: entry for entry in anybody.get(
            f'/app/{app_id}/extension', params={'limit': 0}).raise_for_status().json()}
        assert {item_id: entry['meta']['baseName'] for item_id, entry in entries.items()} == load.uploaded
        for item_id, name in load.uploaded.items():
            (file,) = anybody.get(f'/item/{item_id}/files').raise_for_status().json()
            assert file['sha512'] == hashlib.sha512(content_of(name)).hexdigest()

        def counted():
            return sum(row['count'] for row in anybody.get(
                f'/app/{app_id}/downloadstats', params={'limit': 0}).raise_for_status().json())
        # The last counts are written after their last bytes were sent.
        poll(lambda: counted() >= len(load.downloaded), 'all downloads are counted')
        assert counted() == len(load.downloaded)


def test_without_a_majority_the_server_reports_it_in_time_and_resumes_with_one(
        replica_set, servers, token, app_id):
    one, other = [member for member in replica_set.members if member is not replica_set.primary()]
    reader, writer = Machine(servers[0]), Machine(servers[1], token)
    one.kill()
    other.kill()

    def refused(machine, method, path, **request):
        return machine.once(method, path, **request) is None
    poll(lambda: refused(reader, 'GET', f'/app/{app_id}/extension', params={'limit': 1}), 'reading is refused')
    poll(lambda: refused(writer, 'POST', f'/app/{app_id}/release', params={'name': 'a', 'app_revision': 1}),
         'writing is refused')
    for machine in (reader, writer):
        assert machine.troubles == []
        assert {status for status, _ in machine.answers} <= {200, 503}
        assert max(seconds for _, seconds in machine.answers) < LONGEST
    alive = httpx.get(f'{servers[0]}/api/v1/slicer_package_manager/health', params={'probe': 'live'})
    assert alive.status_code == 200
    one.start()
    assert writer.need('POST', f'/app/{app_id}/release', params={'name': 'b', 'app_revision': 2}).json()['name'] == 'b'
    reader.need('GET', f'/app/{app_id}/extension', params={'limit': 1})
    other.start()
    reader.close()
    writer.close()
