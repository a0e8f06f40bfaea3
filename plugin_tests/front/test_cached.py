"""Responses from the cache, before Girder."""
import asyncio
import gzip
from types import SimpleNamespace

import pytest

from slicer_package_manager.front import cached
from slicer_package_manager.front.exchange import Exchange
from slicer_package_manager.front.pace import PaceLimits
from slicer_package_manager.front.versions import Outage
from slicer_package_manager.registry.server.versioned_cache import VersionedCache
from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware import prepared_lists, tracing
from slicer_package_manager.rest.middleware.response_cache import LiveResponse

LIST = b'[' + b'1,' * 1000 + b'1]'
PATH, QUERY = b'/api/v1/app/1/extension', b'limit=0'


class Versions:
    """The version that the database has."""

    def __init__(self, version=1):
        self.version, self.reads = version, 0

    async def read(self, what):
        return what()

    make = read

    async def guard(self, work):
        return await work

    async def current(self):
        self.reads += 1
        if isinstance(self.version, Exception):
            raise self.version
        return self.version


@pytest.fixture
def cache(monkeypatch):
    store = VersionedCache()
    store.put(('/v1/app/1/extension', 'limit=0'), 1, JsonResponse(LIST, 7, 'public, no-cache'), 1, 100)
    monkeypatch.setattr(cached, 'CACHE', store)
    return store


def ask(versions=None, **request):
    """The messages of the response, none if Girder has to respond."""
    sent = []

    async def send(message):
        sent.append(message)
    responses = cached.CachedResponses(versions or Versions(), PaceLimits(1, 60))
    is_cached = asyncio.run(responses.answer(Exchange(scope_of(**request), None, send)))
    assert is_cached == bool(sent)
    return sent


def scope_of(method='GET', path=PATH, query=QUERY, **headers):
    return {'method': method, 'path': path.decode(), 'raw_path': path, 'query_string': query, 'http_version': '1.1',
            'client': ('127.0.0.1', 1), 'server': ('127.0.0.1', 80),
            'state': {'connection': SimpleNamespace(counted=None, hold=bool, release=bool)},
            'headers': [(name.replace('_', '-').encode(), value.encode()) for name, value in headers.items()]}


def headers_of(sent):
    return {name.decode().lower(): value.decode() for name, value in sent[0]['headers']}


def test_a_cached_response_has_its_headers(cache):
    head, body = sent = ask()
    assert (head['status'], body['body'], body['more_body']) == (200, LIST, False)
    found = headers_of(sent)
    assert found['content-length'] == str(len(LIST))
    assert found['girder-total-count'] == '7'
    assert found['content-security-policy'] == 'sandbox'
    assert len(found['x-request-id']) == 32


def test_each_response_has_an_id_of_its_own(cache):
    assert headers_of(ask())['x-request-id'] != headers_of(ask())['x-request-id']


def test_a_client_that_accepts_gzip_gets_it_and_others_do_not(cache):
    compressed = ask(accept_encoding='gzip')
    assert headers_of(compressed)['content-encoding'] == 'gzip'
    assert len(compressed[1]['body']) == int(headers_of(compressed)['content-length']) < len(LIST)
    assert 'content-encoding' not in headers_of(ask())
    assert ask(accept_encoding='gzip')[1]['body'] == compressed[1]['body']


def test_many_different_headers_take_no_more_memory(cache):
    for number in range(100):
        assert ask(accept_encoding=f'gzip;q=0.{number:03}')[0]['status'] == 200
    (response, *_), = cache._values.values()
    assert len(response.represented) == cached._REPRESENTATIONS


@pytest.mark.parametrize('headers', [{}, {'accept_encoding': 'gzip'}])
def test_a_client_that_has_it_gets_304(cache, headers):
    tag = headers_of(ask(**headers))['etag']
    head, body = sent = ask(if_none_match=tag, **headers)
    assert (head['status'], body['body']) == (304, b'')
    assert 'content-length' not in headers_of(sent)
    assert ask(if_none_match='"another"', **headers)[0]['status'] == 200


@pytest.mark.parametrize('request_', [
    {'method': 'HEAD'}, {'method': 'POST'}, {'path': b'/api/v1/app/2/extension'}, {'path': b'/v1/app/1/extension'},
    {'query': b''}, {'query': b'limit=00'}, {'girder_token': 'x'}, {'authorization': 'x'},
    {'cookie': 'girderToken=x'}, {'origin': 'https://example.org'}])
def test_all_other_requests_go_to_girder(cache, request_):
    versions = Versions()
    assert ask(versions, **request_) == []
    assert versions.reads == 0


def test_an_outdated_response_is_not_sent(cache):
    assert ask(Versions(2)) == []


def test_without_a_database_it_is_unknown_whether_a_response_is_current(cache):
    with pytest.raises(Outage):
        ask(Versions(Outage()))


def test_metrics_and_logs_see_the_request(cache, monkeypatch):
    seen = []
    monkeypatch.setattr(tracing, 'FRONT_OBSERVERS', [seen.append])
    ask()
    (request,) = seen
    assert (request.route, request.status, request.size) == ('/app/:app_id/extension', 200, len(LIST))
    assert request.environ['PATH_INFO'] == PATH.decode()


class Body:
    """The body of a live response, and how often it was read."""

    def __init__(self):
        self.value, self.reads = LIST, 0

    def __call__(self):
        self.reads += 1
        return self.value


@pytest.fixture
def body(cache):
    found = Body()
    cache.put(('/v1/app/1/downloadstats', ''), 1, LiveResponse(found, 'public, no-cache'), 1, 100)
    return found


LIVE = {'path': b'/api/v1/app/1/downloadstats', 'query': b''}


def test_a_live_response_is_read_for_each_request(body):
    assert ask(**LIVE)[1]['body'] == LIST
    body.value = b'{}'
    assert ask(**LIVE)[1]['body'] == b'{}'
    assert body.reads == 2


def test_a_client_that_has_a_live_response_gets_304_until_it_changes(body):
    tag = headers_of(ask(**LIVE))['etag']
    assert ask(**LIVE, if_none_match=tag)[0]['status'] == 304
    body.value = b'{}'
    assert ask(**LIVE, if_none_match=tag)[0]['status'] == 200


def test_a_live_response_is_compressed_once(body, cache):
    first = ask(**LIVE, accept_encoding='gzip')[1]['body']
    assert ask(**LIVE, accept_encoding='gzip')[1]['body'] is first


def test_an_outdated_live_response_is_left_to_girder(body):
    assert ask(Versions(2), **LIVE) == []
    assert body.reads == 0


class Prepared:
    """A prepared list whose body is the number of ``reads``; a search has its words besides."""

    def __init__(self, can_search=True):
        self.can_search, self.reads, self.error = can_search, 0, None

    def response(self, words='', _version=None):
        self.reads += 1
        if self.error:
            raise self.error
        return JsonResponse(b'%d %b' % (self.reads, words.encode()) + b' ' * 2000, 7, 'public, no-cache')


@pytest.fixture
def prepared(monkeypatch):
    found = Prepared()
    lists = VersionedCache()
    lists.put(('/v1/app/1/extension', 'limit=0'), prepared_lists.ANY_VERSION, found, 1, 10)
    monkeypatch.setattr(prepared_lists, 'PREPARED', lists)
    return found


def make(*requests, versions=None):
    """What is made for ``requests`` that arrive at the same time."""
    async def work():
        responses = cached.CachedResponses(versions or Versions(), PaceLimits(1, 60))
        ways = [responses.prepared(Exchange(scope_of(**one), None, None)) for one in requests]
        made = iter(await asyncio.gather(*(way() for way in ways if way)))
        return [next(made) if way else None for way in ways]
    return asyncio.run(work())


def body_of(made):
    return made[2].decode().strip()


def test_a_prepared_list_is_made_anew(prepared):
    plain, compressed = make({}, {'accept_encoding': 'gzip'})
    assert body_of(plain) == '1'
    assert gzip.decompress(compressed[2]).strip() == b'2'
    assert dict(compressed[1])[b'Content-Encoding'] == b'gzip'


def test_a_client_that_has_the_list_gets_304(prepared):
    tag = JsonResponse(b'1 ' + b' ' * 2000, 7, '').tag
    assert make({'if_none_match': f'"{tag}"'})[0][0] == 304


def test_a_search_has_its_words(prepared):
    found = make({'query': b'limit=0&q=a'}, {'query': b'q=b&limit=0'}, {'query': b'limit=0&q=a'})
    assert sorted(body_of(one).split()[1] for one in found) == ['a', 'a', 'b']
    assert prepared.reads == 3


def test_what_is_not_prepared_is_left_to_girder(prepared):
    others = [{'query': b'limit=1'}, {'query': b'limit=0&q=a&q=b'}, {'cookie': 'a=b'}, {'method': 'HEAD'}]
    assert make(*others) == [None] * 4
    prepared.can_search = False
    assert make({'query': b'limit=0&q=a'}) == [None]
    assert prepared.reads == 0


@pytest.mark.parametrize('query', [QUERY, QUERY + b'&q=a'])
def test_errors_are_left_to_girder(prepared, query):
    prepared.error = LookupError('gone')
    assert make({'query': query}, {'query': query}) == [None, None]


@pytest.mark.parametrize('query', [QUERY, QUERY + b'&q=a'])
def test_an_outage_is_none_of_the_request(prepared, query):
    prepared.error = Outage()
    with pytest.raises(Outage):
        make({'query': query})
