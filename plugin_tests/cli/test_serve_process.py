"""The command ``serve`` as its user sees it: with real processes."""
import os
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pymongo
import pytest

from plugin_tests.servers import alive, descendants, poll

pytestmark = pytest.mark.process

UNFINISHED = b'POST /api/v1/collection HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nname='
LINGERING = b'GET /api/v1/system/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
ONE = ('--workers', '1')


def mongods(server):
    """The processes that use the database of ``server``."""
    return [pid for pid, command in descendants(1).items() if f'--dbpath {server.data_dir}/db' in command]


def answers(server, timeout=10):
    return httpx.get(f'{server.url}/api/v1/system/version', timeout=timeout).status_code == 200


def address(server):
    host, port = server.url.removeprefix('http://').split(':')
    return host, int(port)


def make_user(client, login):
    return client.post('/user', params={'login': login, 'password': 'secret-enough', 'firstName': 'A',
                                        'lastName': 'B', 'email': f'{login}@example.org'})


def test_the_first_start_creates_an_account_that_works_and_later_ones_keep_it(serve):
    first = serve(*ONE).ready()
    with first.client('admin', first.password) as client:
        assert client.get('/user/me').json()['admin'] is True
        assert [store['root'] for store in client.get('/assetstore').json()] == [str(first.data_dir / 'assetstore')]
        make_user(client, 'somebody').raise_for_status()
    assert first.stop() == 0

    second = serve(*ONE).ready()
    assert 'password' not in second.output.lower()
    with second.client('admin', first.password) as client:
        assert {user['login'] for user in client.get('/user').json()} == {'admin', 'somebody'}
        assert len(client.get('/assetstore').json()) == 1


def test_a_new_database_is_open_to_reading_sites_and_closed_to_registration(serve):
    server = serve(*ONE).ready()
    with server.client() as client:
        answer = client.get('/system/version', headers={'Origin': 'https://example.org'})
        assert answer.headers['access-control-allow-origin'] == '*'
        assert 'ETag' in answer.headers['access-control-expose-headers']
        assert make_user(client, 'stranger').status_code == 400


def test_the_choice_of_an_admin_survives_a_restart(serve):
    server = serve(*ONE).ready()
    with server.client('admin', server.password) as client:
        client.put('/system/setting', params={'key': 'core.cors.allow_origin', 'value': ''}).raise_for_status()
        client.put('/system/setting', params={'key': 'core.registration_policy', 'value': 'approve'}).raise_for_status()
    password, _ = server.password, server.stop()
    again = serve(*ONE).ready()
    with again.client('admin', password) as client:
        values = client.get('/system/setting', params={
            'list': '["core.cors.allow_origin", "core.registration_policy"]'}).json()
    assert values == {'core.cors.allow_origin': '', 'core.registration_policy': 'approve'}


def test_the_password_of_the_variable_is_used_and_never_shown(serve):
    env = {'SLICER_PACKAGE_MANAGER_ADMIN_LOGIN': 'boss', 'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD': 'correct-horse'}
    server = serve('--log-level', 'debug', *ONE, env=env).ready()
    with server.client('boss', 'correct-horse') as client:
        assert client.get('/user/me').json()['login'] == 'boss'
    commands = ' '.join(descendants(server.pid).values())
    told = [server.output, server.errors, commands, (server.data_dir / 'log' / 'mongod.log').read_text()]
    assert not any('correct-horse' in text for text in told)


def test_the_web_server_does_not_inherit_the_password(serve):
    server = serve(*ONE, env={'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD': 'correct-horse'}).ready()
    gunicorns = [pid for pid, command in descendants(server.pid).items() if 'gunicorn' in command]
    assert gunicorns
    for pid in gunicorns:
        assert b'correct-horse' not in Path(f'/proc/{pid}/environ').read_bytes()


def test_paths_with_spaces_and_other_alphabets_work(serve, tmp_path):
    server = serve(*ONE, data_dir=tmp_path / 'mes données 日本').ready()
    assert answers(server)
    assert server.stop() == 0
    assert not (server.data_dir / 'run').exists()


def test_a_long_path_works_although_socket_files_have_short_ones(serve, tmp_path):
    server = serve(*ONE, data_dir=tmp_path / ('long' * 25)).ready()
    assert answers(server)


def test_the_database_listens_on_no_port(serve):
    server = serve(*ONE).ready()
    pid, = mongods(server)
    listening = subprocess.run(['ss', '-ltnpH'], capture_output=True, text=True, check=True).stdout
    assert f'pid={pid},' not in listening
    assert (server.data_dir / 'run').stat().st_mode & 0o077 == 0


def test_ipv6_addresses_are_in_brackets(serve):
    server = serve('--host', '::1', *ONE).ready()
    assert server.url.startswith('http://[::1]:')
    assert answers(server)


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_processes_cleanly(serve, number):
    server = serve().ready()
    started = descendants(server.pid)
    assert server.stop(number) == 0
    assert not any(map(alive, started))
    assert mongods(server) == []
    assert server.errors == ''


def test_a_signal_during_the_start_ends_it(serve):
    server = serve(*ONE)
    poll(lambda: mongods(server), 'mongod is started')
    assert server.stop() == 0
    assert mongods(server) == []


def test_running_requests_finish_before_the_end(serve):
    server = serve(*ONE, '--log-level', 'info').ready()
    with server.client('admin', server.password) as client, ThreadPoolExecutor() as pool:
        sending = threading.Event()

        def body():
            yield b'name=slow'
            sending.set()
            poll(lambda: stopping(server), 'the server begins to stop')
            yield b'ly'
        answer = pool.submit(client.post, '/collection', content=body(),
                             headers={'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': '11'})
        assert sending.wait(10)
        assert server.stop() == 0
        assert answer.result().json()['name'] == 'slowly'


def stopping(server):
    return 'Handling signal: term' in server.errors


def test_idle_connections_do_not_delay_the_end(serve):
    server = serve(*ONE).ready()
    with socket.create_connection(address(server)):
        deferred = time.monotonic() + 6  # gunicorn lays an idle connection aside after 5 s
        poll(lambda: time.monotonic() > deferred, 'the connection is idle')
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 15


def test_a_second_signal_does_not_wait_for_running_requests(serve):
    server = serve(*ONE, '--log-level', 'info').ready()
    with socket.create_connection(address(server)) as client:
        client.sendall(UNFINISHED)
        assert answers(server)
        server.process.send_signal(signal.SIGINT)
        poll(lambda: stopping(server), 'the server begins to stop')
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(12) == 0


@pytest.mark.parametrize('request_bytes', [
    pytest.param(UNFINISHED, id='sending slowly'),
    pytest.param(LINGERING, id='not hanging up'),
    pytest.param(b'GET /api', id='sending half a request'),
    pytest.param(b'', id='sending nothing'),
])
def test_slow_clients_do_not_hold_up_others(serve, request_bytes):
    server = serve(*ONE).ready()
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(socket.create_connection(address(server))).sendall(request_bytes)
        assert answers(server, timeout=2)


def test_a_data_directory_in_use_is_refused(serve):
    owner = serve(*ONE).ready()
    second = serve(*ONE)
    assert second.process.wait(20) == 1
    assert str(owner.data_dir) in second.errors
    assert f'process {owner.pid}' in second.errors
    assert answers(owner)


def test_a_taken_port_is_told_at_once(serve):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = str(taken.getsockname()[1])
        server = serve('--port', port)
        assert server.process.wait(20) == 1
    assert f'Port {port} on 127.0.0.1 is taken' in server.errors
    assert '--port' in server.errors
    assert not (server.data_dir / 'db').exists()


def test_killing_the_command_ends_the_rest_and_loses_nothing(serve):
    server = serve().ready()
    with server.client('admin', server.password) as client:
        make_user(client, 'lastminute').raise_for_status()
    left = server.kill()
    poll(lambda: not any(map(alive, left)), 'mongod and gunicorn have ended', 20)
    again = serve('--port', server.url.rpartition(':')[2]).ready()
    with again.client('lastminute', 'secret-enough') as client:
        assert client.get('/user/me').json()['login'] == 'lastminute'


def test_the_next_start_need_not_wait_for_the_killed_one(serve):
    server = serve(*ONE).ready()
    password, _ = server.password, server.kill()
    with serve(*ONE).ready().client('admin', password) as client:
        assert client.get('/user/me').json()['login'] == 'admin'


def test_a_mongod_left_behind_is_ended(serve):
    server = serve(*ONE).ready()
    password, pid = server.password, mongods(server)[0]
    os.kill(pid, signal.SIGSTOP)  # so that it cannot follow the signal of its parent's end
    server.kill()
    assert alive(pid)
    again = serve(*ONE)
    os.kill(pid, signal.SIGCONT)
    with again.ready().client('admin', password) as client:
        assert client.get('/user/me').json()['login'] == 'admin'
    assert not alive(pid)


def test_every_acknowledged_write_survives_the_death_of_all_processes(serve):
    server = serve().ready()
    acknowledged = []

    def write(client, number):
        for count in range(10000):
            name = f'collection {number} {count}'
            try:
                answer = client.post('/collection', params={'name': name})
            except httpx.TransportError:
                return
            if answer.is_success:
                acknowledged.append(name)
    password = server.password
    with ThreadPoolExecutor() as pool, ExitStack() as clients:
        # All are logged in before the first writes: a login may not meet the end of the server.
        logged_in = [clients.enter_context(server.client('admin', password)) for _ in range(3)]
        writers = [pool.submit(write, client, number) for number, client in enumerate(logged_in)]
        poll(lambda: len(acknowledged) > 60, 'the server takes writes')
        server.kill_all()
        for writer in writers:
            writer.result()
    with serve().ready().client('admin', password) as client:
        kept = {collection['name'] for collection in client.get('/collection', params={'limit': 0}).json()}
    assert set(acknowledged) <= kept


def test_the_death_of_the_database_ends_the_server_with_its_reason(serve):
    server = serve(*ONE).ready()
    started = descendants(server.pid)
    os.kill(mongods(server)[0], signal.SIGKILL)
    assert server.process.wait(40) == 1
    assert 'The database (mongod) ended by itself (signal SIGKILL)' in server.errors
    assert 'mongod.log' in server.errors
    assert not any(map(alive, started))


def test_the_death_of_the_web_server_ends_the_database(serve):
    server = serve(*ONE).ready()
    started = descendants(server.pid)
    master = min(pid for pid, command in started.items() if 'gunicorn' in command)
    os.kill(master, signal.SIGKILL)
    assert server.process.wait(20) == 1
    assert 'The web server (gunicorn) ended by itself' in server.errors
    poll(lambda: not any(map(alive, started)), 'all processes have ended')


def test_a_database_that_cannot_start_shows_its_log(serve, tmp_path):
    (tmp_path / 'data' / 'db' / 'mongod.lock').mkdir(parents=True)
    server = serve(*ONE)
    assert server.process.wait(60) == 1
    assert 'The database (mongod) ended by itself' in server.errors
    assert 'mongod.lock' in server.errors


def test_a_database_that_does_not_answer_is_told_without_its_password(serve):
    server = serve('--database', 'mongodb://someone:hidden-word@127.0.0.1:1/girder')
    assert server.process.wait(20) == 1
    assert 'No MongoDB answers at 127.0.0.1:1' in server.errors
    assert 'hidden-word' not in server.errors
    assert server.output == ''


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


def test_the_access_log_has_requests_without_secrets(serve, tmp_path):
    log = tmp_path / 'access.log'
    server = serve(*ONE, '--access-log', str(log)).ready()
    with server.client() as client:
        client.get('/system/version', params={'token': 'very-secret'})
    poll(lambda: 'token=***' in log.read_text(), 'the request is logged')
    assert 'very-secret' not in log.read_text() + server.errors
