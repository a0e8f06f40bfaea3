"""The server, and its database, are killed at random moments while clients write and read."""
import contextlib
import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from plugin_tests.faults.database import Database
from plugin_tests.faults.load import Reader, Round, Writer
from plugin_tests.ports import free_ports
from plugin_tests.servers import Server, alive, poll
from plugin_tests.waiting import PATIENCE

pytestmark = [pytest.mark.database, pytest.mark.process]

PASSWORD = 'a-password-for-tests'
WORKER, TREE, POWER = 'the worker', 'all processes of the server', 'the server and the database'
KILLS = [WORKER] * 15 + [TREE] * 2 + [POWER] * 3
WRITERS, READERS = 3, 2


class Site:
    """A server on a database of its own, both on ports that stay the same."""

    def __init__(self, folder):
        (folder / 'db').mkdir()
        port, self.port = free_ports(2)
        self.database = Database(folder / 'db', port)
        self.url = f'http://127.0.0.1:{self.port}/api/v1'
        self._folder = folder
        self._server = None

    def start(self):
        """Start what does not run."""
        if not self.database.process or self.database.process.poll() is not None:
            self.database.start()
        if not self._server or self._server.exit_code is not None:
            self._end_server()
            self._server = Server(self._folder / 'data', '--no-embedded', '--database', self.database.uri, '--workers',
                                  '1', '--port', str(self.port),
                                  env={'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD': PASSWORD})
            self._server.ready()

    def kill(self, what):
        """``kill -9`` of ``what``; all of it has ended when this returns."""
        if what == WORKER:
            worker = self._worker()
            os.kill(worker, signal.SIGKILL)
            poll(lambda: not alive(worker), 'the worker has ended')
            return
        if what == POWER:
            self.database.kill()
        self._server.kill_all()

    def _worker(self):
        """The process that serves: the one that the first process of the web server has started."""
        (worker,) = poll(lambda: self._server.web_processes()[1:], 'a worker runs')
        return worker

    def _end_server(self):
        if self._server:
            self._server.end()

    def end(self):
        """End all processes."""
        self._end_server()
        self.database.kill()


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    with contextlib.ExitStack() as stack:
        stack.callback(site.end)
        site.start()
        yield site


@pytest.fixture
def token(site):
    """That of the administrator, who lets files come in small pieces."""
    answer = httpx.get(f'{site.url}/user/authentication', auth=('admin', PASSWORD)).raise_for_status()
    token = answer.json()['authToken']['token']
    httpx.put(f'{site.url}/system/setting', params={'key': 'core.upload_minimum_chunk_size', 'value': 1},
              headers={'Girder-Token': token}).raise_for_status()
    return token


def test_after_each_of_20_kills_what_is_listed_is_whole_and_what_was_answered_is_there(site, token):
    seed = random.SystemRandom().randrange(10**6)
    rng = random.Random(seed)
    print(f'The seed of the moments is {seed}.')  # noqa: T201 - shown when it fails
    app = httpx.post(f'{site.url}/app', params={'name': 'Slicer'}, headers={
        'Girder-Token': token}).raise_for_status().json()['_id']
    writers = [Writer(site.url, token, app, number, random.Random(rng.random())) for number in range(WRITERS)]
    readers = [Reader(site.url, app) for _ in range(READERS)]
    kills = rng.sample(KILLS, len(KILLS))
    with ThreadPoolExecutor(WRITERS + READERS) as pool:
        for what in kills:
            round_ = Round(rng.randint(5, 60), downloads=3 * READERS + 1)
            working = [pool.submit(client.work, round_) for client in (*writers, *readers)]
            assert round_.due.wait(PATIENCE)
            site.kill(what)
            round_.over.set()
            for one in working:
                one.result(PATIENCE)
            site.start()
            expected = {name: may for writer in writers for name, may in writer.expected.items()}
            readers[0].check(Round(0), expected)
            print(f'{what}: all is well')  # noqa: T201
    counted = total(httpx.get(f'{site.url}/app/{app}/downloadstats').json())
    complete, begun = (sum(getattr(reader, which) for reader in readers) for which in ('complete', 'begun'))
    # Counts are written after the last byte was sent: of each client, the last one before a kill may be lost.
    assert complete - len(kills) * READERS <= counted <= begun
    assert complete > 3 * len(kills) * READERS


def total(stats):
    return sum(total(one) for one in stats.values()) if isinstance(stats, dict) else stats
