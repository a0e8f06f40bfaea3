"""Several worker processes of one ``serve`` are as correct as one."""
import contextlib
import hashlib
import json
import os
import signal
from pathlib import Path

import pymongo
import pytest

from plugin_tests.conftest import EXTENSION_FORM
from plugin_tests.servers import poll, starter

pytestmark = pytest.mark.process

CHUNK = 5 * 1024 * 1024  # Girder takes no smaller one, but for the last


def workers(server):
    """The processes that serve: those that the first process of the web server started."""
    return sorted(server.web_processes()[1:])


@contextlib.contextmanager
def only(server, pid):
    """Let the worker ``pid`` alone take connections; gives a client of it, of the administrator."""
    others = [other for other in workers(server) if other != pid]
    for other in others:
        os.kill(other, signal.SIGSTOP)
        poll(lambda other=other: Path(f'/proc/{other}/stat').read_text().rpartition(')')[2].split()[0] == 'T',
             'the worker stands still')
    try:
        # A connection of its own: one that is kept stays with its worker.
        with server.client('admin', server.password) as client:
            yield client
    finally:
        for other in others:
            os.kill(other, signal.SIGCONT)


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    with starter(tmp_path_factory.mktemp('workers')) as start:
        yield start('--workers', '2').ready()


@pytest.fixture(scope='module')
def both(server):
    poll(lambda: len(workers(server)) == 2, 'both workers run')
    return workers(server)


@pytest.fixture(scope='module')
def app(server, both):
    with only(server, both[0]) as client:
        return client.post('/app', params={'name': 'Slicer'}).raise_for_status().json()['_id']


def post(client, app, **values):
    return client.post(f'/app/{app}/extension', params={**EXTENSION_FORM, **values})


def test_a_setting_applies_to_all_workers_at_once(server, both, app):
    for turn in range(2):
        writer, reader = both[turn % 2], both[1 - turn % 2]
        host = f'files{turn}.example.org'
        with only(server, writer) as client:
            client.put('/system/setting', params={
                'key': 'slicer_package_manager.link_hosts', 'value': json.dumps([host])}).raise_for_status()
        with only(server, reader) as client:
            assert post(client, app, baseName=f'Linked{turn}', url=f'https://{host}/a.zip').status_code == 200
            assert post(client, app, baseName='Refused', url='https://github.com/a/b/c.zip').status_code == 400


def test_the_chunks_of_an_upload_may_come_to_different_workers(server, both, app):
    content = os.urandom(CHUNK) * 2 + b'the rest'
    with only(server, both[0]) as client:
        item = post(client, app).raise_for_status().json()['_id']
        begun = client.post('/file', params={'parentType': 'item', 'parentId': item, 'name': 'a.zip',
                                             'size': len(content)}).raise_for_status().json()['_id']
    for turn, offset in enumerate(range(0, len(content), CHUNK)):
        with only(server, both[1 - turn % 2]) as client:
            assert client.get('/file/offset', params={'uploadId': begun}).json() == {'offset': offset}
            client.post('/file/chunk', params={'uploadId': begun, 'offset': offset},
                        content=content[offset:offset + CHUNK],
                        headers={'Content-Type': 'application/octet-stream'}).raise_for_status()
    for pid in both:
        with only(server, pid) as client:
            assert client.get(f'/item/{item}').json()['meta']['sha512'] == hashlib.sha512(content).hexdigest()
            assert client.get(f'/item/{item}/download').content == content


def test_each_worker_reports_the_counts_of_all(server, both, app):
    with only(server, both[0]) as client:
        item = post(client, app, baseName='Counted', app_revision='40000').raise_for_status().json()['_id']
        client.post('/file', params={'parentType': 'item', 'parentId': item, 'name': 'a.zip', 'size': 1}, content=b'x',
                    headers={'Content-Type': 'application/octet-stream'}).raise_for_status()
    for turn in range(4):
        with only(server, both[turn % 2]) as client:
            client.get(f'/item/{item}/download').raise_for_status()
            # The count is written after the last byte was sent.
            poll(lambda client=client, turn=turn: counted(client, app) == turn + 1, 'the download is counted')


def counted(client, app):
    answer = client.get(f'/app/{app}/downloadstats').raise_for_status().json()
    return answer.get('40000', {}).get('extensions', {}).get('Counted', {}).get('linux', {}).get('amd64', 0)


def test_data_that_breaks_uniqueness_ends_the_start_with_its_names(serve, mongo_uri):
    uri = mongo_uri.rpartition('/')[0] + '/broken'
    with pymongo.MongoClient(uri) as client:
        client.get_database()['collection'].insert_many([
            {'name': 'Applications', 'spm': {'role': 'collection'}} for _ in range(2)])
    server = serve('--database', uri, '--workers', '1')
    assert server.ended() == 1
    assert 'must be unique' in server.errors
    assert server.errors.count('"Applications" (') >= 2


@pytest.mark.parametrize('place', ['/elsewhere', '/api', '/api/v1/app', '//x'])
def test_clients_do_not_choose_the_path_of_the_application(server, place):
    with server.client() as client:
        assert client.get('/app', headers={'SCRIPT_NAME': place}).is_success
