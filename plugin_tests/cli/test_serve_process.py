"""The command ``serve`` as its user sees it: with real processes."""
import contextlib
import os
import pty
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pymongo
import pytest

from plugin_tests import commands
from plugin_tests.servers import alive, descendants, poll, starter
from plugin_tests.waiting import PATIENCE
from slicer_package_manager.cli.database import socket_uri

pytestmark = pytest.mark.process

UNFINISHED = b'POST /api/v1/collection HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nname='
#: Of another class than the version: one address may have a part of a class only.
LINGERING = b'GET /api/v1/app HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
ONE = ('--workers', '1')
PASSWORD = 'correct-horse'


def make_user(client, login):
    return client.post('/user', params={'login': login, 'password': 'secret-enough', 'firstName': 'A',
                                        'lastName': 'B', 'email': f'{login}@example.org'})


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    """A new server that no test changes, with an account of another name than usual, and logs of all it does."""
    folder = tmp_path_factory.mktemp('serve')
    with starter(folder) as start:
        yield start(*ONE, '--log-level', 'debug', '--access-log', str(folder / 'access.log'), env={
            'SLICER_PACKAGE_MANAGER_ADMIN_LOGIN': 'boss', 'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD': PASSWORD}).ready()


def ends_cleanly(server, number):
    """End it with the signal ``number``: all its processes end, and it has no errors."""
    started = descendants(server.pid)
    assert server.stop(number) == 0
    assert not any(map(alive, started))
    assert server.mongods() == []
    assert server.errors == ''
    assert not (server.data_dir / 'run').exists()


def test_later_starts_keep_the_account_and_the_settings_and_signals_end_all_processes(serve, tmp_path):
    data_dir = tmp_path / 'mes données 日本'
    first = serve(data_dir=data_dir).ready()
    with first.client('admin', first.password) as client:
        assert client.get('/user/me').json()['admin'] is True
        assert [store['root'] for store in client.get('/assetstore').json()] == [str(data_dir / 'assetstore')]
        make_user(client, 'member').raise_for_status()
        client.put('/system/setting', params={'key': 'core.cors.allow_origin', 'value': ''}).raise_for_status()
        client.put('/system/setting', params={'key': 'core.registration_policy', 'value': 'approve'}).raise_for_status()
    ends_cleanly(first, signal.SIGTERM)

    second = serve(data_dir=data_dir).ready()
    assert 'password' not in second.output.lower()
    with second.client('admin', first.password) as client:
        assert {user['login'] for user in client.get('/user').json()} == {'admin', 'member'}
        assert len(client.get('/assetstore').json()) == 1
        values = client.get('/system/setting', params={
            'list': '["core.cors.allow_origin", "core.registration_policy"]'}).json()
    assert values == {'core.cors.allow_origin': '', 'core.registration_policy': 'approve'}
    ends_cleanly(second, signal.SIGINT)


def test_a_new_database_is_open_to_reading_sites_and_closed_to_registration(server):
    with server.client() as client:
        answer = client.get('/system/version', headers={'Origin': 'https://example.org'})
        assert answer.headers['access-control-allow-origin'] == '*'
        assert 'ETag' in answer.headers['access-control-expose-headers']
        assert make_user(client, 'stranger').status_code == 400


def test_the_password_of_the_variable_is_used_and_never_shown(server):
    with server.client('boss', PASSWORD) as client:
        assert client.get('/user/me').json()['login'] == 'boss'
    commands = ' '.join(descendants(server.pid).values())
    written = [server.output, server.errors, commands, (server.data_dir / 'log' / 'mongod.log').read_text()]
    assert not any(PASSWORD in text for text in written)


def test_the_web_server_does_not_inherit_the_password(server):
    processes = server.web_processes()
    assert processes
    for pid in processes:
        assert PASSWORD.encode() not in Path(f'/proc/{pid}/environ').read_bytes()


def test_ipv6_addresses_are_in_brackets_and_long_paths_work_although_socket_files_have_short_ones(serve, tmp_path):
    server = serve('--host', '::1', *ONE, data_dir=tmp_path / ('long' * 25)).ready()
    assert server.url.startswith('http://[::1]:')
    assert server.answers()
    beside = commands.run('account', 'list', '--data-dir', server.data_dir)
    assert (beside.returncode, 'admin' in beside.stdout) == (0, True), beside.stderr
    assert server.stop() == 0
    assert not (server.data_dir / 'run').is_symlink()


def test_the_database_listens_on_no_port(server):
    pid, = server.mongods()
    listening = subprocess.run(['ss', '-ltnpH'], capture_output=True, text=True, check=True).stdout
    assert f'pid={pid},' not in listening
    assert (server.data_dir / 'run').stat().st_mode & 0o077 == 0
    with pymongo.MongoClient(socket_uri(str(server.data_dir / 'run' / 'mongodb-27017.sock'))) as client:
        assert client.admin.command('getCmdLineOpts')['parsed']['net']['compression']['compressors'] == 'disabled'


@pytest.mark.parametrize('request_bytes', [
    pytest.param(UNFINISHED, id='sending slowly'),
    pytest.param(LINGERING, id='not hanging up'),
    pytest.param(b'GET /api', id='sending half a request'),
    pytest.param(b'', id='sending no byte'),
])
def test_slow_clients_do_not_delay_others(server, request_bytes):
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(socket.create_connection(server.address)).sendall(request_bytes)
        # A server that waits for them has answered none after 65 s, or needs 2 s for each of the 40.
        assert httpx.get(f'{server.url}/api/v1/system/version', timeout=60).is_success


def test_a_data_directory_in_use_is_refused(server, serve):
    second = serve(*ONE, data_dir=server.data_dir)
    assert second.ended() == 1
    assert str(server.data_dir) in second.errors
    assert f'process {server.pid}' in second.errors
    assert server.answers()


def test_a_taken_port_is_reported_at_once(serve):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = str(taken.getsockname()[1])
        server = serve('--port', port)
        assert server.ended() == 1
    assert f'Port {port} on 127.0.0.1 is taken' in server.errors
    assert '--port' in server.errors
    assert not (server.data_dir / 'db').exists()


def test_a_database_that_cannot_start_shows_its_log(serve, tmp_path):
    (tmp_path / 'data' / 'db' / 'mongod.lock').mkdir(parents=True)
    server = serve(*ONE)
    assert server.ended() == 1
    assert 'The database (mongod) ended by itself' in server.errors
    assert 'mongod.lock' in server.errors


def test_a_database_that_does_not_answer_is_reported_without_its_password(serve):
    server = serve('--database', 'mongodb://someone:hidden-word@127.0.0.1:1/girder?serverSelectionTimeoutMS=500')
    assert server.ended() == 1
    assert 'No MongoDB answers at 127.0.0.1:1' in server.errors
    assert 'hidden-word' not in server.errors
    assert server.output == ''


def test_a_person_sees_at_once_that_it_starts(tmp_path):
    terminal, stderr = pty.openpty()
    with closing(os.fdopen(terminal, 'rb', buffering=0)) as shown:
        process = subprocess.Popen([
            sys.executable, '-m', 'slicer_package_manager.cli', 'serve', '--port', '0', '--data-dir', str(tmp_path),
            '--database', 'mongodb://127.0.0.1:1/girder?serverSelectionTimeoutMS=500'], stderr=stderr)
        os.close(stderr)
        assert b' starts. Ctrl-C stops it.' in shown.read(1000)
        process.terminate()
        process.wait(PATIENCE)


def test_two_servers_start_on_one_new_database(serve, mongo_uri, tmp_path):
    uri = mongo_uri.rpartition('/')[0] + '/two_servers'
    both = [serve('--database', uri, *ONE) for _ in range(2)]
    for server in both:
        server.ready()
    with pymongo.MongoClient(uri) as client:
        database = client.get_database()
        assert database['assetstore'].count_documents({}) == 1
        assert database['user'].count_documents({}) == 1
        assert database['slicer_package_manager_bootstrap'].count_documents({}) == 0
    password, = filter(None, [server.password for server in both])
    for server in both:
        with server.client('admin', password) as client:
            assert client.get('/user/me').json()['admin'] is True
        assert server.stop() == 0


def test_the_access_log_has_requests_without_secrets(server):
    log = server.data_dir.parent / 'access.log'
    with server.client() as client:
        client.get('/system/version', params={'token': 'very-secret'})
    poll(lambda: 'token=***' in log.read_text(), 'the request is logged')
    assert 'very-secret' not in log.read_text() + server.errors


@pytest.mark.parametrize('query', ['tok%65n={}', 'a=1;token={}', 'a=%26token={}', 'TOKEN={}', 'tok%2565n={}', 'key={}'])
def test_the_access_log_hides_secrets_however_they_are_written(server, query):
    log, mark = server.data_dir.parent / 'access.log', f'mark-{query.encode().hex()}'
    with server.client() as client:
        client.get(f'/system/version?{query.format("very-secret")}', headers={
            'Referer': f'https://other.example.org/?{query.format("very-secret")}', 'Girder-Token': 'very-secret',
            'User-Agent': f'{mark} token=very-secret', 'Cookie': 'girderToken=very-secret',
            'Authorization': 'Basic dmVyeS1zZWNyZXQ6dmVyeS1zZWNyZXQ='})
    poll(lambda: mark in log.read_text(), 'the request is logged', 60)
    assert 'very-secret' not in log.read_text() + server.errors


@pytest.mark.parametrize('request_line', [
    'GET /x?token=very-secret', 'GET /api/v1/x?token=very-secret HTTP/9', 'G\x7fT /?token=very-secret HTTP/1.1',
    'GET / HTTP/1.1\r\nHost: a\r\nAuthorization very-secret',
    'GET / HTTP/1.1\r\nHost: a\r\nCookie : token=very-secret'])
def test_an_invalid_request_is_logged_without_its_content(server, request_line):
    with socket.create_connection(server.address) as connection:
        connection.sendall(request_line.encode() + b'\r\n\r\n')
        connection.settimeout(60)
        with contextlib.suppress(OSError):
            connection.recv(1000)
    assert 'very-secret' not in (server.data_dir.parent / 'access.log').read_text() + server.errors
