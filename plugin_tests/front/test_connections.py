"""HTTP as clients speak it, also badly: over real connections, to an application without a database."""
import json
from contextlib import suppress

import pytest

from plugin_tests.waiting import poll
from slicer_package_manager.front import connection, pace

#: Requests that are answered with 400 and the end of the connection.
MALFORMED = {
    'nonsense': b'nonsense\r\n\r\n',
    'no target': b'GET\r\n\r\n',
    'of a version that is none': b'GET / HTTP/9\r\nHost: x\r\n\r\n',
    'an unknown method with a control character': b'G\x7fT / HTTP/1.1\r\nHost: x\r\n\r\n',
    'a header without a colon': b'GET / HTTP/1.1\r\nHost: x\r\nAuthorization very-secret\r\n\r\n',
    'a space before a colon': b'GET / HTTP/1.1\r\nHost: x\r\nCookie : token=very-secret\r\n\r\n',
    'a header that is folded': b'GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n  : c\r\n\r\n',
    'a NUL in a header': b'GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n',
    'a control character in a target': b'GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n',
    'other than ASCII in a path': b'GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n',
    'two lengths': b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    'a length that is no number': b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\na',
    'a negative length': b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\na',
    'a length and chunks':
        b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
    'an unknown transfer encoding': b'POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n',
    'a chunk without a size':
        b'POST /api/v1/file?token=x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\na\r\n',
    'HTTP/2 with prior knowledge': b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'TLS': bytes.fromhex('16030100a5010000a10303'),
    'a body and the offer of another protocol':
        b'POST /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc',
    'no host': b'GET /echo HTTP/1.1\r\n\r\n',
    'two hosts': b'GET /echo HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n',
    'two hosts in HTTP/1.0': b'GET /echo HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n',
    'the method CONNECT': b'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n',
}


def echoed(response):
    assert response.status == 200
    return json.loads(response.content)


def test_a_connection_serves_several_requests(front):
    caller = front.call()
    for number in range(3):
        assert echoed(caller.get(f'/echo?{number}').answer())['QUERY_STRING'] == str(number)


def test_pipelined_requests_are_answered_in_their_order(front):
    caller = front.call()
    caller.send(b''.join(f'GET /echo?{number} HTTP/1.1\r\nHost: x\r\n\r\n'.encode() for number in range(20)))
    assert [echoed(caller.answer())['QUERY_STRING'] for _ in range(20)] == [str(number) for number in range(20)]


def test_pipelined_requests_may_have_bodies(front):
    caller = front.call()
    caller.send(b''.join(b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab%d' % number
                         for number in range(10)))
    assert [echoed(caller.answer())['body'] for _ in range(10)] == [f'ab{number}' for number in range(10)]


def test_a_request_may_come_byte_by_byte(front):
    caller = front.call()
    for byte in b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc':
        caller.send(bytes([byte]))
    assert echoed(caller.answer())['body'] == 'abc'


def test_http_1_0_closes_the_connection_after_the_response(front):
    caller = front.call().send(b'GET /echo HTTP/1.0\r\n\r\n')
    response = caller.answer()
    assert echoed(response)['SERVER_PROTOCOL'] == 'HTTP/1.0'
    assert response.headers['Connection'] == 'close'
    assert caller.rest() == b''


def test_a_client_of_http_1_0_gets_no_chunks(front):
    response = front.call().send(b'GET /endless HTTP/1.0\r\n\r\n').answer()
    assert response.headers['Transfer-Encoding'] is None
    assert response.content == front.toy.PART * 10


def test_a_response_of_unknown_size_comes_in_chunks(front):
    caller = front.call()
    response = caller.get('/endless').answer()
    assert response.headers['Transfer-Encoding'] == 'chunked'
    assert response.content == front.toy.PART * 10
    echoed(caller.get('/echo').answer())


def test_connection_close_is_respected(front):
    caller = front.call().get('/echo', 'Connection: close')
    echoed(caller.answer())
    assert caller.rest() == b''


@pytest.mark.parametrize('path', ['/echo', '/stream/100000', '/endless', '/nothing'])
def test_a_response_to_head_has_no_body(front, path):
    caller = front.call()
    caller.send(f'HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
    assert caller.answer('HEAD').content == b''
    echoed(caller.get('/echo').answer())


def test_a_client_that_announces_its_body_is_told_to_send_it(front):
    caller = front.call().send(
        b'POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n')
    assert caller.socket.recv(1000) == b'HTTP/1.1 100 Continue\r\n\r\n'
    assert echoed(caller.send(b'abc').answer())['body'] == 'abc'


def test_a_client_that_announces_a_body_that_is_too_large_is_not_told_to_send_it(front):
    caller = front.call().send(
        b'POST /nothing HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n')
    assert caller.answer().status == 404


def test_a_body_in_chunks_arrives_as_a_whole_where_files_are_taken(front):
    caller = front.call().send(
        b'POST /echo/api/v1/file?token=x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
        b'3\r\nabc\r\n2;extension=1\r\nde\r\n0\r\nTrailer: x\r\n\r\n')
    seen = echoed(caller.answer())
    assert (seen['body'], seen['CONTENT_LENGTH']) == ('abcde', '5')
    echoed(caller.get('/echo').answer())


def test_a_client_that_sends_nothing_more_gets_its_response(front):
    caller = front.call().get('/wait')
    caller.socket.shutdown(1)
    front.toy.go.set()
    assert caller.answer().content == b'ok'
    assert caller.rest() == b''


def test_a_client_that_sends_nothing_more_gets_a_whole_download(front):
    caller = front.call().get('/stream/3000000')
    caller.socket.shutdown(1)
    assert len(caller.answer().content) == 3_000_000
    assert caller.rest() == b''


@pytest.mark.parametrize(('path', 'sent'), [
    ('/echo', b'Content-Length: 9\r\n\r\nabc'),
    ('/echo/api/v1/file?token=x', b'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')])
def test_an_upload_that_will_never_be_whole_ends_at_once(serve, monkeypatch, tmp_path, path, sent):
    monkeypatch.setattr(pace, 'WINDOW', 24 * 3600)
    front = serve(access_log=tmp_path / 'log')
    caller = front.call()
    caller.get('/nothing').answer()
    caller.send(b'POST %b HTTP/1.1\r\nHost: x\r\n%b' % (path.encode(), sent))
    caller.socket.shutdown(1)
    assert caller.rest() == b''
    poll(lambda: '" 499 ' in (tmp_path / 'log').read_text(), 'the server knows that the client has left')


def test_a_client_that_sends_nothing_more_of_a_refused_body_gets_the_reason(front):
    caller = front.call().send(b'POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nabc')
    poll(lambda: front.toy.events, 'it is handled')
    caller.socket.shutdown(1)
    front.toy.go.set()
    assert caller.answer().content == b'ok'
    assert caller.rest() == b''


def test_headers_with_underscores_are_dropped_and_others_joined(front):
    seen = echoed(front.call().get('/echo', 'Girder_Token: forged', 'X-A: 1', 'X-A: 2').answer())
    assert 'HTTP_GIRDER_TOKEN' not in seen
    assert seen['HTTP_X_A'] == '1,2'


@pytest.mark.parametrize('target', ['http://example.org/echo?a=b', '/echo?a=b', '/echo?a=b#fragment'])
def test_a_target_may_have_each_form(front, target):
    seen = echoed(front.call().get(target).answer())
    assert (seen['PATH_INFO'], seen['QUERY_STRING']) == ('/echo', 'a=b')


def test_a_description_of_64_kib_in_the_query_is_received(front):
    query = 'description=' + '%C3%A9' * 64 * 1024
    assert echoed(front.call().get(f'/echo?{query}').answer())['QUERY_STRING'] == query


@pytest.mark.parametrize('head', ['GET /echo?{} HTTP/1.1', 'GET /echo HTTP/1.1\r\nA: {}'])
def test_a_head_that_is_too_large_is_refused(front, head):
    caller = front.call()
    text = head.format('a' * connection.HEAD_BYTES) + '\r\nHost: x\r\n\r\n'
    with suppress(OSError):  # it is refused before all was sent
        caller.send(text.encode())
    assert caller.rest().startswith(b'HTTP/1.1 431 ')


def test_each_request_of_a_connection_may_have_a_large_head(front):
    caller, query = front.call(), 'a' * (connection.HEAD_BYTES * 2 // 3)
    for _ in range(3):
        assert echoed(caller.get(f'/echo?{query}').answer())['QUERY_STRING'] == query


@pytest.mark.parametrize('data', MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_request_gets_400_and_no_traceback(front, data, caplog):
    caller = front.call().send(data)
    received = caller.rest()
    assert received.startswith(b'HTTP/1.1 400 ')
    assert b'very-secret' not in received
    assert not any(record.exc_info for record in caplog.records)
    assert 'very-secret' not in caplog.text
    echoed(front.call().get('/echo').answer())


@pytest.mark.parametrize('upgrade', ['h2c', 'websocket'])
def test_a_client_that_offers_another_protocol_is_served_by_this_one(front, upgrade, caplog):
    caller = front.call()
    for _ in range(3):
        echoed(caller.get('/echo', 'Connection: Upgrade', f'Upgrade: {upgrade}').answer())
    assert not caplog.records


def test_a_failure_of_the_application_is_500_with_a_traceback(front, caplog):
    assert front.call().get('/fail').answer().status == 500
    assert any(record.exc_info for record in caplog.records)


def test_a_client_that_sends_no_request_in_time_is_closed(front, monkeypatch):
    monkeypatch.setattr(connection, 'HEAD_SECONDS', 0.1)
    assert front.call().rest() == b''
    assert front.call().send(b'GET /echo HTTP/1.1\r\nHost:').rest() == b''
    caller = front.call()
    echoed(caller.get('/echo').answer())
    assert caller.send(b'G').rest() == b''


def test_a_request_that_takes_longer_than_a_head_may_is_served(front, monkeypatch):
    monkeypatch.setattr(connection, 'HEAD_SECONDS', 0.05)
    other, caller = front.call(), front.call().get('/wait')
    assert other.rest() == b''  # the time is over
    front.toy.go.set()
    assert caller.answer().content == b'ok'
