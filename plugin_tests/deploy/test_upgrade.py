"""An upgrade of two servers behind nginx, one after the other, as ``docs/how-to/upgrade.md`` has it."""
import os
import re
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from plugin_tests.conftest import EXTENSION_FORM
from plugin_tests.deploy import proxy
from plugin_tests.deploy.conftest import BYTES
from plugin_tests.servers import starter
from plugin_tests.waiting import PATIENCE

pytestmark = [pytest.mark.process, pytest.mark.database,
              pytest.mark.skipif(proxy.program() is None, reason='nginx is not installed')]

PAGE = Path(__file__).parents[2] / 'docs' / 'how-to' / 'upgrade.md'
#: The test stands in for systemd: it reads commands from standard output, and confirms each on standard input.
_SYSTEMCTL = 'systemctl() { echo "$@"; read -r; }\n'


def commands(site, ports):
    """The commands of the page, for the servers on ``ports`` behind ``site``."""
    text = PAGE.read_text(encoding='utf-8').partition('\n## Upgrade two servers behind nginx\n')[2]
    code = re.search(r'^```bash\n(.*?)^```$', text, re.MULTILINE | re.DOTALL)[1]
    for shown, real in (('/etc/nginx/slicer-packages.upstream', f'{site.folder}/upstream'),
                        ('8081 8082', ' '.join(map(str, ports)))):
        assert code.count(shown) == 1
        code = code.replace(shown, real)
    return _SYSTEMCTL + code


@pytest.fixture
def load(site, token, app, extension):
    """Clients that list, download and upload; yields a function that stops them and returns the responses."""
    item = extension('Wanted', b'content' * 10_000)
    stopped = threading.Event()

    def ask(*requests):
        statuses = []
        # No persistent connections: a reload of nginx may close one while a client sends, which would then try again.
        with site.client(**{'Girder-Token': token, 'Connection': 'close'}) as client:
            while not stopped.is_set():
                for method, path, options in requests:
                    try:
                        statuses.append((method, path, client.request(method, path, **options).status_code))
                    except httpx.HTTPError as error:
                        statuses.append((method, path, repr(error)))
        return statuses

    read = [('GET', path, {}) for path in (f'{app}/extension', f'/api/v1/item/{item["_id"]}/download')]
    write = ('POST', f'{app}/extension', {'params': {**EXTENSION_FORM, 'baseName': 'Written'}})
    stored = ('POST', '/api/v1/file', {'content': b'bytes' * 100_000, 'headers': BYTES, 'params': {
        'parentType': 'item', 'parentId': extension('Stored')['_id'], 'name': 'a.tar.gz', 'size': 500_000}})
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(ask, *requests) for requests in (read, read, [write, stored])]

        def answers():
            stopped.set()
            return [one for each in running for one in each.result(PATIENCE)]
        try:
            yield answers
        finally:
            stopped.set()


@pytest.fixture
def restart(servers, tmp_path):
    """Stop the server on a port, and start it again there."""
    with starter(tmp_path) as start:
        def again(port):
            (old,) = (server for server in servers if server.url.endswith(f':{port}'))
            old.stop()
            start('--no-embedded', '--workers', '1', '--port', str(port), data_dir=old.data_dir, env=old.env).ready()
        yield again


def test_no_request_fails_while_servers_are_restarted_one_after_the_other(servers, site, restart, load):
    ports = [int(server.url.rpartition(':')[2]) for server in servers]
    nginx = int((site.folder / 'nginx.pid').read_text())
    script = subprocess.Popen(['bash', '-eu', '-c', commands(site, ports)], text=True, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    restarted = []
    with script:
        for line in script.stdout:
            action, unit = line.split()
            if action == 'reload':
                os.kill(nginx, signal.SIGHUP)
            else:
                restarted.append(int(unit.rpartition('@')[2]))
                restart(restarted[-1])
            script.stdin.write('\n')
            script.stdin.flush()
    answers = load()
    assert (script.returncode, restarted) == (0, ports)
    assert 'down' not in (site.folder / 'upstream').read_text()
    assert [one for one in answers if one[-1] != 200] == []
    assert len({(method, path) for method, path, _ in answers}) == 4
