"""The environment of WSGI for a request of ASGI (PEP 3333)."""
import asyncio
from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from slicer_package_manager.front.connection import Disconnected
from slicer_package_manager.front.exchange import Exchange, encoded, environ_of
from slicer_package_manager.registry.downloads import counter


def scope(*headers, **values):
    return {'type': 'http', 'method': 'GET', 'raw_path': b'/a', 'query_string': b'', 'http_version': '1.1',
            'client': ('192.0.2.1', 4711), 'server': ('192.0.2.2', 8080), 'headers': list(headers),
            'state': {'connection': SimpleNamespace(hold=bool, release=bool)}, **values}


def header(*headers):
    return {name: value for name, value in environ_of(scope(*headers)).items() if name.startswith(('HTTP_', 'CONTENT'))}


@pytest.mark.parametrize(('raw', 'path'), [
    (b'/api/v1/app', '/api/v1/app'),
    (b'/a%20b', '/a b'),
    (b'/%C3%A9', '/\xc3\xa9'),
    (b'/a%2Fb', '/a/b'),
    (b'/%', '/%'),
    (b'/a+b', '/a+b'),
    (b'/%FF', '/\xff'),
    (b'//double', '//double'),
])
def test_the_path_is_decoded_once_into_bytes_as_latin_1(raw, path):
    environ = environ_of(scope(raw_path=raw))
    assert (environ['PATH_INFO'], environ['SCRIPT_NAME']) == (path, '')
    assert environ['RAW_URI'] == raw.decode()


def test_the_query_stays_as_it_is():
    environ = environ_of(scope(query_string=b'a=%20&b=+&%zz'))
    assert environ['QUERY_STRING'] == 'a=%20&b=+&%zz'
    assert environ['RAW_URI'] == '/a?a=%20&b=+&%zz'


def test_the_addresses_and_the_protocol_are_those_of_the_connection():
    environ = environ_of(scope(http_version='1.0'))
    assert {name: environ[name] for name in ('REMOTE_ADDR', 'REMOTE_PORT', 'SERVER_NAME', 'SERVER_PORT',
                                             'SERVER_PROTOCOL', 'REQUEST_METHOD')} == {
        'REMOTE_ADDR': '192.0.2.1', 'REMOTE_PORT': '4711', 'SERVER_NAME': '192.0.2.2', 'SERVER_PORT': '8080',
        'SERVER_PROTOCOL': 'HTTP/1.0', 'REQUEST_METHOD': 'GET'}


def test_a_socket_file_has_no_addresses():
    environ = environ_of(scope(client=None, server=None))
    assert (environ['REMOTE_ADDR'], environ['SERVER_NAME'], environ['SERVER_PORT']) == ('', '', '0')


def test_headers_have_names_of_wsgi_and_values_as_latin_1():
    assert header((b'x-request-id', b'1'), (b'content-type', b'text/plain'), (b'content-length', b'5'),
                  (b'girder-token', b'abc'), (b'user-agent', b'caf\xe9')) == {
        'HTTP_X_REQUEST_ID': '1', 'CONTENT_TYPE': 'text/plain', 'CONTENT_LENGTH': '5', 'HTTP_GIRDER_TOKEN': 'abc',
        'HTTP_USER_AGENT': 'caf\xe9'}


@pytest.mark.parametrize('name', [b'x_request_id', b'girder_token', b'x-forwarded_for', b'_'])
def test_a_header_with_an_underscore_is_left_out(name):
    assert header((name, b'forged'), (b'x-request-id', b'1')) == {'HTTP_X_REQUEST_ID': '1'}


def test_headers_that_occur_twice_are_joined():
    assert header((b'accept', b'a'), (b'cookie', b'a=1'), (b'accept', b'b'), (b'cookie', b'b=2')) == {
        'HTTP_ACCEPT': 'a,b', 'HTTP_COOKIE': 'a=1;b=2'}


@pytest.mark.parametrize(('address', 'scheme'), [
    ('127.0.0.1', 'https'), ('::1', 'https'), ('', 'https'), ('192.0.2.1', 'http'), ('2001:db8::1', 'http')])
def test_a_proxy_on_this_machine_states_that_the_client_uses_https(address, scheme):
    forwarded = scope((b'x-forwarded-proto', b'https'), client=(address, 1))
    assert environ_of(forwarded)['wsgi.url_scheme'] == scheme
    assert environ_of(scope(client=(address, 1)))['wsgi.url_scheme'] == 'http'


def exchange(*messages, sent=None):
    waiting = list(messages)

    async def receive():
        return waiting.pop(0)

    async def send(message):
        sent.append(message)
    return Exchange(scope(), receive, send)


def test_a_response_is_sent_as_messages_and_its_size_is_known():
    async def scenario():
        sent = []
        one = exchange(sent=sent)
        assert (one.status, one.sent, one.content_range) == (0, 0, '')
        await one.begin(206, encoded([('ETag', '"é"'), ('Content-Range', 'bytes 0-4/9')]))
        assert one.content_range == 'bytes 0-4/9'
        await one.send(b'abc', more=True)
        await one.send(b'de')
        return one.status, one.sent, sent
    assert asyncio.run(scenario()) == (206, 5, [
        {'type': 'http.response.start', 'status': 206, 'headers': [
            (b'ETag', b'"\xe9"'), (b'Content-Range', b'bytes 0-4/9')]},
        {'type': 'http.response.body', 'body': b'abc', 'more_body': True},
        {'type': 'http.response.body', 'body': b'de', 'more_body': False}])


@pytest.mark.parametrize('seconds', [60, 0.01])
def test_a_request_waits_for_the_count_of_the_download_before_but_not_for_long(monkeypatch, seconds):
    monkeypatch.setattr(counter, 'LONGEST_WAIT', seconds)

    async def scenario():
        one = exchange()
        one.connection = SimpleNamespace(counted=None)
        await one.counted()
        one.connection.counted = count = Future()
        if seconds > 1:
            asyncio.get_running_loop().call_soon(count.set_result, None)
        await one.counted()
        assert count.done() == (seconds > 1)
    asyncio.run(scenario())


def test_a_client_that_leaves_ends_the_reading():
    async def scenario():
        one = exchange({'type': 'http.request', 'body': b'abc', 'more_body': True}, {'type': 'http.request'},
                       {'type': 'http.disconnect'})
        assert await one.read() == (b'abc', True)
        assert await one.read() == (b'', False)
        with pytest.raises(Disconnected):
            await one.read()
    asyncio.run(scenario())
