"""How the command ``serve`` ends, and how it starts again: with real processes."""
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from plugin_tests.servers import alive, descendants, poll
from plugin_tests.waiting import PATIENCE
from slicer_package_manager.cli import web

pytestmark = pytest.mark.process

UNFINISHED = b'POST /api/v1/collection HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nname='
ONE = ('--workers', '1')
#: What the server logs when its time is over, and it cancels the requests that still run.
CANCELLED = 'Cancel '


def test_a_signal_during_the_start_ends_it(serve):
    server = serve(*ONE)
    poll(server.mongods, 'mongod is started')
    assert server.stop() == 0
    assert server.mongods() == []


def test_running_requests_finish_before_the_end_and_idle_connections_do_not_delay_it(serve):
    server = serve(*ONE).ready()
    with server.client('admin', server.password) as client, ThreadPoolExecutor() as pool, \
            socket.create_connection(server.address) as idle, socket.create_connection(server.address) as kept:
        kept.sendall(b'GET /api/v1/system/version HTTP/1.1\r\nHost: x\r\n\r\n')
        assert kept.recv(1)
        sending = threading.Event()

        def body():
            yield b'name=slow'
            sending.set()
            poll(lambda: stopping(server), 'the server begins to stop')
            for one in (idle, kept):
                one.settimeout(PATIENCE)
                while one.recv(4096):  # to the end
                    pass
            yield b'ly'
        answer = pool.submit(client.post, '/collection', content=body(),
                             headers={'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': '11'})
        assert sending.wait(PATIENCE)
        assert server.stop() == 0
        assert answer.result(PATIENCE).json()['name'] == 'slowly'
    assert server.errors == ''


def stopping(server):
    """Whether clients are refused already."""
    try:
        socket.create_connection(server.address, 5).close()
    except OSError:
        return True
    return False


def test_a_second_signal_does_not_wait_for_running_requests(serve):
    server = serve(*ONE).ready()
    with socket.create_connection(server.address) as client:
        client.sendall(UNFINISHED)
        assert server.answers()
        server.process.send_signal(signal.SIGINT)
        poll(lambda: stopping(server), 'the server begins to stop')
        server.process.send_signal(signal.SIGINT)
        # Without the second one it would cancel the request after its grace, counted from the first.
        poll(lambda: not server.web_processes(), 'the web server has ended', web.STOP_GRACE - 2)
        assert server.ended() == 0
    assert CANCELLED not in server.errors


def test_no_kill_loses_data_or_prevents_the_next_start(serve):
    """Each server is killed in another way, and the next one starts on what it left."""
    server = serve().ready()
    password = server.password
    left = killed_after_a_write(server)
    poll(lambda: not any(map(alive, left)), 'mongod and the web server have ended')

    server = serve(*ONE, '--port', server.url.rpartition(':')[2]).ready()
    with server.client('lastminute', 'secret-enough') as client:
        assert client.get('/user/me').json()['login'] == 'lastminute'
    server.kill()

    server = serve(*ONE).ready()  # without waiting for the end of the killed one
    require_admin(server, password)
    server, mongod = started_beside_a_mongod(serve, server)
    require_admin(server, password)
    assert not alive(mongod)

    acknowledged = killed_during_writes(server, password)
    with serve(*ONE).ready().client('admin', password) as client:
        kept = {collection['name'] for collection in client.get('/collection', params={'limit': 0}).json()}
    assert set(acknowledged) <= kept


def require_admin(server, password):
    with server.client('admin', password) as client:
        assert client.get('/user/me').json()['login'] == 'admin'


def killed_after_a_write(server):
    """Kill the command alone, right after a write; gives the processes that it leaves."""
    with server.client('admin', server.password) as client:
        client.post('/user', params={'login': 'lastminute', 'password': 'secret-enough', 'firstName': 'A',
                                     'lastName': 'B', 'email': 'a@example.org'}).raise_for_status()
    return server.kill()


def started_beside_a_mongod(serve, server):
    """Kill ``server``, and start another one while the mongod of the first still runs; gives it, and that mongod."""
    pid = server.mongods()[0]
    os.kill(pid, signal.SIGSTOP)  # so that it cannot follow the signal of its parent's end
    server.kill()
    assert alive(pid)
    again = serve()
    os.kill(pid, signal.SIGCONT)
    return again.ready(), pid


def killed_during_writes(server, password):
    """Kill all processes at once while clients write; gives the names of what the server acknowledged."""
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
    with ThreadPoolExecutor() as pool, ExitStack() as clients:
        # All are logged in before the first writes: a login may not meet the end of the server.
        logged_in = [clients.enter_context(server.client('admin', password)) for _ in range(3)]
        writers = [pool.submit(write, client, number) for number, client in enumerate(logged_in)]
        poll(lambda: len(acknowledged) > 60, 'the server takes writes')
        server.kill_all()
        for writer in writers:
            writer.result(PATIENCE)
    return acknowledged


def ended_by(serve, victim):
    """A server that ended because the one of its processes that ``victim`` gives was killed, and all that it had."""
    server = serve(*ONE).ready()
    started = descendants(server.pid)
    os.kill(victim(server), signal.SIGKILL)
    assert server.ended() == 1
    return server, started


def test_the_death_of_the_database_ends_the_server_with_its_reason_and_does_not_wait_for_running_requests(serve):
    with ExitStack() as stack:
        def database_of(server):
            stack.enter_context(socket.create_connection(server.address)).sendall(UNFINISHED)
            assert server.answers()
            return server.mongods()[0]
        server, started = ended_by(serve, database_of)
    assert CANCELLED not in server.errors
    assert 'The database (mongod) ended by itself (signal SIGKILL)' in server.errors
    assert 'mongod.log' in server.errors
    assert not any(map(alive, started))


def test_the_death_of_the_web_server_ends_the_database(serve):
    server, started = ended_by(serve, lambda server: server.web_processes()[0])
    assert 'The web server ended by itself' in server.errors
    poll(lambda: not any(map(alive, started)), 'all processes have ended')


def test_a_worker_that_cannot_start_ends_the_start(serve, tmp_path):
    (tmp_path / 'uvicorn.py').write_text('raise ImportError("a broken installation")')
    server = serve('--workers', '2', env={'PYTHONPATH': str(tmp_path)})
    assert server.ended() == 1
    assert 'a broken installation' in server.errors
    assert server.errors.count('The web server ended by itself (exit code 1).') == 1
    assert server.errors.count('ended by itself') == 1
    assert server.mongods() == []
