"""Other web servers, with which existing installations run the plugin: they state what they cannot do."""
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from plugin_tests.conftest import EXTENSION_FORM, upload
from plugin_tests.ports import free_ports
from plugin_tests.waiting import PATIENCE, poll

pytestmark = [pytest.mark.database, pytest.mark.process]

PROGRAMS = {
    'gunicorn': ['gunicorn', 'girder.wsgi:app', '--worker-class', 'gthread', '--threads', '4', '--bind',
                 '127.0.0.1:{port}', '--no-control-socket', '--limit-request-line', '0'],
    'girder serve': ['girder', 'serve', '--port', '{port}'],
}
LIMITS = {'gunicorn': 'Slow clients can occupy all threads of gunicorn',
          'girder serve': 'Aborted downloads are counted as complete'}


class Running:
    """A server: the URL of its API, and the file of what it prints."""

    def __init__(self, url, log):
        self.url, self.log = url, log


@contextlib.contextmanager
def running(program, mongo_uri, folder):
    (port,) = free_ports(1)
    name, *args = (part.format(port=port) for part in PROGRAMS[program])
    log = folder / 'log'
    with log.open('w') as output:
        process = subprocess.Popen(
            [Path(sys.executable).with_name(name), *args], stdout=output, stderr=output, start_new_session=True,
            env={**os.environ, 'GIRDER_MONGO_URI': mongo_uri, 'GIRDER_SERVER_MODE': 'production',
                 'LOGLEVEL': 'WARNING'})

    def answers():
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f'http://127.0.0.1:{port}/api/v1/system/version').is_success
    try:
        poll(answers, 'the server answers')
        yield Running(f'http://127.0.0.1:{port}/api/v1', log)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


@pytest.mark.parametrize('program', PROGRAMS)
def test_another_server_works_and_states_what_it_cannot_do(program, app, api, mongo_uri, tmp_path):
    with running(program, mongo_uri, tmp_path) as server, httpx.Client(
            base_url=server.url, headers=api.headers) as client:
        path = f'/app/{app["_id"]}/extension'
        # Percent-encoded, it is six times as long.
        item = client.post(path, params={**EXTENSION_FORM, 'description': 'é' * 8_000}).raise_for_status().json()
        upload(client, item['_id'], b'x' * 100_000)
        for _ in range(2):  # the second one is cached
            (listed,) = httpx.get(server.url + path).raise_for_status().json()
            assert listed['_id'] == item['_id']
        assert httpx.get(f'{server.url}/item/{item["_id"]}/download').content == b'x' * 100_000
        assert httpx.get(f'{server.url}/slicer_package_manager/health').is_success
        poll(lambda: 'linux' in httpx.get(f'{server.url}/app/{app["_id"]}/downloadstats').text, 'it is counted')
        assert LIMITS[program] in server.log.read_text()
