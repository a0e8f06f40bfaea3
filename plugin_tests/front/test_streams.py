"""Slow and lost clients, over real connections: they hold no thread, and are noticed."""
import errno
import io
import logging
import select
import socket
import time

import pytest
from pymongo.errors import ServerSelectionTimeoutError

from plugin_tests.waiting import PATIENCE, poll
from slicer_package_manager.front import bodies, connection, pace, server, versions
from slicer_package_manager.rest.middleware import tracing

LARGE = 50_000_000  # more than the socket buffers hold


def test_a_download_ends_after_its_last_byte_was_sent(front):
    caller = front.call().get(f'/stream/{LARGE}')
    poll(lambda: caller.socket.recv(1, socket.MSG_PEEK), 'the response begins')
    assert front.toy.events == []
    assert len(caller.answer().content) == LARGE
    poll(lambda: front.toy.events == ['last byte sent', 'closed'], 'the download ends')


def test_the_head_of_a_response_does_not_wait_for_a_late_body(front):
    caller = front.call().get('/late')
    poll(lambda: b'\r\n\r\n' in caller.socket.recv(1000, socket.MSG_PEEK), 'the head arrives')
    front.toy.go.set()
    assert caller.answer().content == b'ok'


def test_a_client_that_leaves_ends_the_download_without_its_end(front):
    caller = front.call().get(f'/stream/{LARGE}')
    assert caller.socket.recv(100).startswith(b'HTTP/1.1 200')
    caller.close()
    poll(lambda: front.toy.events, 'the server notices')
    assert front.toy.events == ['closed']


def test_more_stalled_downloads_than_threads_do_not_delay_others(serve):
    front = serve(threads_=2)
    for _ in range(40):
        assert front.call().get(f'/stream/{LARGE}').socket.recv(100).startswith(b'HTTP/1.1 200')
    assert front.call().get('/echo').answer().status == 200
    assert front.toy.events == []


def test_more_half_bodies_than_threads_do_not_delay_others(serve):
    front = serve(threads_=2)
    half = [front.call().send(b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc') for _ in range(40)]
    assert front.call().get('/echo').answer().status == 200
    for one in half:
        assert b'"body": "abcdefghi"' in one.send(b'defghi').answer().content


def test_idle_connections_and_half_heads_do_not_delay_others(serve):
    front = serve(threads_=2)
    for _ in range(40):
        front.call()
        front.call().send(b'GET /echo HTTP/1.1\r\nHo')
    assert front.call().get('/echo').answer().status == 200


def test_a_download_that_stalls_is_ended(serve, monkeypatch, caplog):
    monkeypatch.setattr(pace, 'WINDOW', 0.2)
    front = serve()
    caller = front.call().get(f'/stream/{LARGE}')
    poll(lambda: front.toy.events == ['closed'], 'the server gives it up')
    assert len(caller.rest()) < LARGE
    assert not caplog.records


def test_a_client_that_stalls_in_a_response_made_at_once_is_cut(serve, monkeypatch, caplog, tmp_path):
    monkeypatch.setattr(pace, 'WINDOW', 0.2)
    log = tmp_path / 'access.log'
    front = serve(access_log=log)
    caller = front.call().get(f'/whole/{LARGE}')
    line = poll(log.read_text, 'the server gives it up')
    assert int(line.split('HTTP/1.1" 200 ')[1].split()[0]) < LARGE
    assert len(caller.rest()) < LARGE
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture
def small_buffers(monkeypatch):
    """The system takes some KiB of what a client does not take; a network with small packets does the same."""
    monkeypatch.setattr(server, '_limit_unsent', lambda listener: listener.setsockopt(
        socket.SOL_SOCKET, socket.SO_SNDBUF, 4096))


@pytest.mark.parametrize('header', ['Connection: keep-alive', 'Connection: close'])
def test_a_client_that_never_takes_the_end_of_a_response_is_disconnected(
        small_buffers, serve, monkeypatch, header):
    monkeypatch.setattr(pace, 'WINDOW', 0.2)
    front = serve()
    front.call(buffer=4096).get('/whole/100000', header)
    state = front.server.server_state
    poll(lambda: state.total_requests and not state.connections, 'it is disconnected')


@pytest.mark.parametrize('header', ['Connection: keep-alive', 'Connection: close'])
def test_a_client_that_takes_the_end_of_a_response_late_gets_all_of_it(small_buffers, serve, header):
    front = serve()
    callers = [front.call(buffer=4096).get('/whole/100000', header) for _ in range(3)]
    poll(lambda: front.server.server_state.total_requests == 3, 'the responses were written')
    assert front.call().get('/echo').answer().status == 200
    assert [caller.answer().content for caller in callers] == [b'x' * 100_000] * 3


@pytest.mark.parametrize('size', [0, 1, 64 * 1024, 64 * 1024 + 1, 128 * 1024, 128 * 1024 + 1, LARGE])
def test_a_response_made_at_once_arrives_as_it_is(front, size):
    caller = front.call()
    for _ in range(2):
        assert caller.get(f'/whole/{size}').answer().content == b'x' * size


def test_an_upload_that_stalls_gets_408_and_the_end_of_the_connection(serve, monkeypatch):
    monkeypatch.setattr(pace, 'WINDOW', 0.2)
    caller = serve().call().send(b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc')
    response = caller.answer()
    assert response.status == 408
    assert b'too slowly' in response.content
    assert caller.rest() == b''


def test_a_client_that_pipelines_requests_and_takes_no_responses_is_disconnected(serve, monkeypatch):
    monkeypatch.setattr(pace, 'WINDOW', 0.2)
    front = serve()
    caller, requests, size = front.call(), 400, 60_000
    caller.send(f'GET /whole/{size} HTTP/1.1\r\nHost: x\r\n\r\n'.encode() * requests)
    state = front.server.server_state
    poll(lambda: state.total_requests and not state.connections, 'it is disconnected')
    assert len(caller.rest()) < requests * size


def test_a_body_for_which_the_disk_has_no_room_is_refused_with_the_reason(front, monkeypatch, caplog):
    class Full(io.BytesIO):
        def write(self, _data):
            raise OSError(errno.ENOSPC, 'No space left on device')
    monkeypatch.setattr(bodies.tempfile, 'TemporaryFile', lambda **_: Full())
    caller = front.call().send(b'POST /echo/api/v1/file?token=x HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n')
    caller.send(b'x' * 9_000_000)
    response = caller.answer()
    assert response.status == 507
    assert b'make room' in response.content
    assert 'No space left' in caplog.text
    assert caller.get('/echo').answer().status == 200


def test_a_body_that_is_too_large_is_refused_with_the_reason(front):
    caller = front.call().send(b'POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n')
    caller.send(b'x' * 9_000_000)
    assert caller.answer().status == 404


def test_a_body_is_discarded_only_up_to_the_size_of_a_chunk(front, monkeypatch):
    monkeypatch.setattr(connection, 'DISCARDED_BYTES', 3_000_000)
    caller = front.call().send(b'POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000\r\n\r\n')
    assert caller.answer().status == 404
    with pytest.raises(ConnectionError):
        caller.send(b'x' * 100_000_000)


def test_a_connection_that_serves_a_refused_body_serves_the_next_request(front):
    caller = front.call().send(b'POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n')
    caller.send(b'x' * 3_000_000)
    assert caller.answer().status == 404
    assert caller.get('/echo').answer().status == 200
    caller.get(f'/echo?{"a" * connection.HEAD_BYTES}')
    assert caller.rest().startswith(b'HTTP/1.1 431 ')


def test_a_full_class_of_work_answers_503_and_leaves_the_others_alone(serve):
    front, waiting = serve(threads_=4), {}
    while not (refused := select.select(list(waiting), [], [], 0.01)[0]):
        caller = front.call().get(f'/wait/{len(waiting)}')
        waiting[caller.socket] = caller
    response = waiting[refused[0]].answer()
    assert response.status == 503
    assert response.headers['Retry-After'] == '1'
    assert b'is valid' in response.content
    assert front.call().send(b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n').answer().status == 200
    front.toy.go.set()
    assert {one.answer().status for socket, one in waiting.items() if socket is not refused[0]} <= {200, 503}


def test_a_refused_request_is_reported_to_metrics_and_logs(serve, monkeypatch):
    seen = []
    monkeypatch.setattr(tracing, 'FRONT_OBSERVERS', [seen.append])
    monkeypatch.setattr(pace, 'WINDOW', 0.2)
    response = serve().call().send(b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc').answer()
    poll(lambda: seen, 'it is reported')
    (reported,) = seen
    assert (reported.environ['PATH_INFO'], reported.route, reported.status) == ('/echo', 'other', 408)
    assert reported.size == len(response.content)
    assert reported.request_id == response.headers['X-Request-ID']


@pytest.mark.parametrize('path', ['/wait', '/public', '/api/v1/item/0'])
def test_what_waits_for_a_database_that_stops_to_answer_gets_503(serve, monkeypatch, path):
    front = serve()
    monkeypatch.setattr(front.toy, '_api', front.toy._wait, raising=False)
    callers = [front.call().get(path)]
    poll(lambda: front.toy.events, 'it is handled')
    callers += [front.call().get(f'{path}?{number % 4}') for number in range(20)]  # more than there are threads

    def away():
        raise ServerSelectionTimeoutError
    monkeypatch.setattr(versions.data_version, 'version', away)
    for response in [one.answer() for one in callers]:
        assert (response.status, response.headers['Retry-After']) == (503, '5')
    assert len(front.toy.events) <= 4


def test_requests_for_one_public_response_take_one_place(serve):
    front = serve(threads_=4)
    callers = [front.call().get('/public') for _ in range(200)]
    poll(lambda: len(front.server.server_state.tasks) == len(callers) and front.toy.events, 'all have arrived')
    front.toy.go.set()
    responses = [one.answer() for one in callers]
    assert {(one.status, one.content) for one in responses} == {(200, b'ok')}
    made = len(front.toy.events)
    assert made <= 2  # some have arrived after the first one began
    ids = {one.headers['X-Request-ID'] for one in responses} - {None}  # the application sends none
    assert len(ids) == len(callers) - made


def test_the_server_shows_every_second_that_it_lives(serve):
    signs = []
    serve(alive=lambda: signs.append(time.monotonic()))
    poll(lambda: len(signs) > 2, 'it shows that it lives')


def test_the_access_log_has_each_request(serve, tmp_path):
    log = tmp_path / 'access.log'
    front = serve(access_log=log)
    caller = front.call()
    caller.get('/echo?token=very-secret', 'User-Agent: a "quoted" name').answer()
    size = len(caller.get('/stream/70000').answer().content)
    caller.get('/nothing').answer()
    front.call().get(f'/stream/{LARGE}').close()
    lines = poll(lambda: len(lines := log.read_text().splitlines()) == 4 and lines, 'all are logged')
    assert '"GET /echo?token=*** HTTP/1.1" 200 ' in lines[0]
    assert r'"a \"quoted\" name"' in lines[0]
    assert f'"GET /stream/70000 HTTP/1.1" 200 {size} ' in lines[1]
    assert '"GET /nothing HTTP/1.1" 404 - ' in lines[2]
    sent = int(lines[3].split('HTTP/1.1" 200 ')[1].split()[0].replace('-', '0'))
    assert sent < LARGE


def test_requests_that_do_not_finish_in_time_are_cut_when_the_server_stops(serve, monkeypatch, caplog):
    from slicer_package_manager.front import server
    monkeypatch.setattr(server, 'GRACE', 0.2)
    front = serve()
    waiting, half = front.call().get('/wait'), front.call()
    stalled = front.call().get(f'/stream/{LARGE}')
    half.send(b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc')
    poll(lambda: front.toy.events, 'the request runs')
    assert stalled.socket.recv(100)
    front.stop()
    assert waiting.rest() == half.rest() == b''
    front.toy.go.set()
    assert len(stalled.rest()) < LARGE
    assert 'last byte sent' not in front.toy.events
    (record,) = caplog.records
    assert record.getMessage().startswith('Cancel ')


def test_running_requests_finish_when_the_server_stops_and_idle_connections_end_at_once(front):
    idle, kept, caller = front.call(), front.call(), front.call()
    kept.get('/echo').answer()
    caller.get('/wait')
    poll(lambda: front.toy.events, 'the request runs')
    front.stop()
    assert idle.rest() == kept.rest() == b''
    front.toy.go.set()
    response = caller.answer()
    assert response.content == b'ok'
    assert response.headers['Connection'] == 'close'
    assert caller.rest() == b''
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(front.address, PATIENCE)
