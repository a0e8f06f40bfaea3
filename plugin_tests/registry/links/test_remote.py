"""Fetching from another server, which a transport in this process stands in for."""
import hashlib

import httpx
import pytest

from slicer_package_manager.registry.links import fetch, policy
from slicer_package_manager.registry.links.policy import Target
from slicer_package_manager.registry.schema.errors import BadGateway
from slicer_package_manager.registry.server import settings

URL = 'https://other.org/a/file.zip'
CONTENT = b'the file'
SHA512 = hashlib.sha512(CONTENT).hexdigest()


class Anywhere:
    """A policy that allows each URL but those on ``forbidden.org``."""

    def problem(self, url, hosts):
        assert hosts == ['stream hosts']
        return 'is forbidden' if 'forbidden' in url or not httpx.URL(url).host else None

    def target(self, url):
        return Target(url, {'Host': 'named'}, None)


class Body(httpx.SyncByteStream):
    def __init__(self, chunks):
        self.chunks = chunks
        self.closed = False

    def __iter__(self):
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    def close(self):
        self.closed = True


class Other:
    """The other server: responds with what it is given, in this order."""

    def __init__(self):
        self.requests, self.responses, self.bodies = [], [], []

    def responds(self, status=200, chunks=(CONTENT,), **headers):
        self.bodies.append(Body(chunks))
        self.responses.append(httpx.Response(
            status, headers={name.replace('_', '-'): value for name, value in headers.items()},
            stream=self.bodies[-1]))

    def __call__(self, request):
        self.requests.append(request)
        if not self.responses:
            raise httpx.ConnectError('refused')
        return self.responses.pop(0)


@pytest.fixture
def other(monkeypatch):
    stand_in = Other()
    client = httpx.Client(transport=httpx.MockTransport(stand_in))
    monkeypatch.setattr(fetch, '_client', lambda: client)
    monkeypatch.setattr(policy, 'current', Anywhere)
    monkeypatch.setattr(settings, 'get', {settings.STREAM_HOSTS: ['stream hosts']}.__getitem__)
    return stand_in


def test_a_file_is_requested_whole_under_the_name_that_the_policy_gives(other):
    other.responds(content_length='8')
    remote = fetch.fetch(URL)
    assert (remote.size, remote.start, remote.partial) == (8, 0, False)
    (request,) = other.requests
    assert (request.method, str(request.url), request.headers['Host']) == ('GET', URL, 'named')
    assert 'Range' not in request.headers
    assert not other.bodies[0].closed


@pytest.mark.parametrize('unit', ['bytes', 'Bytes'])
def test_of_a_part_the_last_byte_is_named_and_the_response_states_where_it_begins(other, unit):
    other.responds(206, [b'e f'], content_range=f'{unit} 2-4/8', content_length='3')
    remote = fetch.fetch(URL, (2, 5))
    assert other.requests[0].headers['Range'] == 'bytes=2-4'
    assert (remote.size, remote.start, remote.partial) == (3, 2, True)


def test_a_server_that_ignores_the_part_sends_the_file_from_its_beginning(other):
    other.responds(content_range='bytes 2-4/8')
    remote = fetch.fetch(URL, (2, 5))
    assert (remote.size, remote.start, remote.partial) == (None, 0, False)


@pytest.mark.parametrize('status', [301, 302, 303, 307, 308])
def test_redirects_are_followed_and_their_responses_closed(other, status):
    other.responds(status, location='../b?c=d')
    other.responds()
    fetch.fetch(URL, (2, 5))
    assert [str(request.url) for request in other.requests] == [URL, 'https://other.org/b?c=d']
    assert other.requests[1].headers['Range'] == 'bytes=2-4'
    assert [body.closed for body in other.bodies] == [True, False]


@pytest.mark.parametrize(('redirects', 'succeeds'), [(5, True), (6, False)])
def test_at_most_five_redirects_are_followed(other, redirects, succeeds):
    for _ in range(redirects):
        other.responds(302, location=URL)
    other.responds()
    if succeeds:
        assert fetch.fetch(URL).start == 0
    else:
        with pytest.raises(BadGateway, match=r'other\.org redirects more than 5 times'):
            fetch.fetch(URL)
        assert len(other.requests) == 6


@pytest.mark.parametrize('location', ['https://forbidden.org/', '//forbidden.org'])
def test_a_redirect_to_a_url_that_is_not_allowed_is_not_followed(other, location):
    other.responds(302, location=location)
    with pytest.raises(BadGateway, match=r'from forbidden\.org: the URL is forbidden; .*stream_hosts'):
        fetch.fetch(URL)
    assert len(other.requests) == 1


def test_a_redirect_without_an_address_leads_nowhere(other):
    for _ in range(6):
        other.responds(302)
    with pytest.raises(BadGateway, match='redirects more than 5 times'):
        fetch.fetch(URL)


def test_a_url_without_a_host_is_refused_in_words(other):
    with pytest.raises(BadGateway, match='fetched from the server: the URL is forbidden'):
        fetch.fetch('file:///etc/passwd')


@pytest.mark.parametrize(('status', 'headers'), [
    (404, {}), (204, {}), (304, {'location': URL}), (207, {'content_range': 'bytes 2-4/8'}),
    (200, {'content_encoding': 'gzip'}), (206, {}), (206, {'content_range': 'items 2-4/8'}),
    (206, {'content_range': 'bytes */8'}), (206, {'content_range': '2-4/8'})])
def test_a_response_that_is_not_the_file_is_refused_and_closed(other, status, headers):
    other.responds(status, **headers)
    with pytest.raises(BadGateway, match=rf'other\.org answers with status {status}, not with the file'):
        fetch.fetch(URL)
    assert other.bodies[0].closed


@pytest.mark.parametrize('error', [httpx.ReadTimeout('slow'), httpx.InvalidURL('no'), ConnectionError('away')])
def test_a_server_that_does_not_answer_is_named(other, monkeypatch, error):
    def fail(_):
        raise error
    monkeypatch.setattr(fetch, '_client', lambda: httpx.Client(transport=httpx.MockTransport(fail)))
    with pytest.raises(BadGateway, match=rf'other\.org does not answer: {type(error).__name__}\.'):
        fetch.fetch(URL)


@pytest.mark.parametrize(('size', 'start', 'good'), [
    (8, 2, True), (None, 2, True), (7, 2, False), (8, 0, False), (None, 0, False)])
@pytest.mark.parametrize('known', [True, False], ids=['of known length', 'of unknown length'])
def test_a_body_is_compared_with_what_was_registered_as_far_as_it_is_known(other, known, size, start, good):
    other.responds(206, content_range='bytes 2-9/10', **({'content_length': '8'} if known else {}))
    remote = fetch.fetch(URL, (2, 10))
    if good or (start == 2 and not known):
        remote.require(size, start)
    else:
        with pytest.raises(BadGateway, match=rf'other\.org offers (8|None) bytes from 2 on, where {size} from {start}'):
            remote.require(size, start)


def chunks(other, *sent, size=8, sha512=SHA512):
    """The chunks of the verified response."""
    other.responds(chunks=sent)
    return fetch.verified(fetch.fetch(URL), size, sha512)


@pytest.mark.parametrize('facts', [{}, {'size': None}, {'sha512': None}, {'size': None, 'sha512': None}])
def test_bytes_that_are_as_registered_arrive_whole(other, facts):
    assert b''.join(chunks(other, b'the ', b'file', **facts)) == CONTENT
    assert other.bodies[0].closed


def test_an_empty_file_has_no_chunks(other):
    assert list(chunks(other, size=0, sha512=None)) == []


@pytest.mark.parametrize(('sent', 'facts'), [
    ([b'the ', b'fil'], {'sha512': None}), ([b'the ', b'file', b'!'], {'sha512': None}), ([b'the ', b'filE'], {}),
    ([b'the ', b'filE'], {'size': None}), ([], {}), ([b'the ', b'file', b'!'], {})])
def test_of_other_bytes_the_last_chunk_does_not_arrive(other, monkeypatch, sent, facts):
    monkeypatch.setattr(fetch, 'CHUNK', 4)
    received = []
    with pytest.raises(BadGateway, match=r'other\.org sends something else than was registered'):
        received.extend(chunks(other, *sent, **facts))
    assert b''.join(received) != CONTENT
    assert other.bodies[0].closed


def test_no_more_is_read_of_a_body_that_is_too_long(other, monkeypatch):
    monkeypatch.setattr(fetch, 'CHUNK', 4)
    with pytest.raises(BadGateway, match='sends something else'):
        list(chunks(other, b'the ', b'file', b'!!!!', AssertionError('read on'), sha512=None))


def test_a_connection_that_breaks_off_is_reported(other, monkeypatch):
    monkeypatch.setattr(fetch, 'CHUNK', 4)
    with pytest.raises(BadGateway, match=r'other\.org broke off: ReadError\.'):
        list(chunks(other, b'the ', httpx.ReadError('gone')))
    assert other.bodies[0].closed


def test_the_connection_is_closed_when_the_client_leaves(other, monkeypatch):
    monkeypatch.setattr(fetch, 'CHUNK', 4)
    reading = chunks(other, b'the ', b'file')
    assert next(reading) == b'the '
    reading.close()
    assert other.bodies[0].closed


def test_the_client_follows_no_redirect_by_itself_and_asks_for_the_bytes_as_they_are():
    client = fetch._client()
    assert client is fetch._client()
    assert (client.follow_redirects, client.headers['Accept-Encoding']) == (False, 'identity')
    assert (client.timeout.connect, client.timeout.read) == (fetch.CONNECT_SECONDS, fetch.STALL_SECONDS)
