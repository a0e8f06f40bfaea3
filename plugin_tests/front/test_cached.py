"""Responses from the cache, before Girder."""
import asyncio

import pytest

from slicer_package_manager.front import cached
from slicer_package_manager.front.exchange import Exchange
from slicer_package_manager.front.versions import Outage
from slicer_package_manager.registry.server.versioned_cache import VersionedCache
from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware import tracing

LIST = b'[' + b'1,' * 1000 + b'1]'
PATH, QUERY = b'/api/v1/app/1/extension', b'limit=0'


class Versions:
    """The version that the database has."""

    def __init__(self, version=1):
        self.version, self.reads = version, 0

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


def ask(versions=None, method='GET', path=PATH, query=QUERY, **headers):
    """The messages of the response, none if Girder has to respond."""
    sent = []

    async def send(message):
        sent.append(message)
    scope = {'method': method, 'path': path.decode(), 'raw_path': path, 'query_string': query, 'http_version': '1.1',
             'client': ('127.0.0.1', 1), 'server': ('127.0.0.1', 80), 'state': {'connection': None},
             'headers': [(name.replace('_', '-').encode(), value.encode()) for name, value in headers.items()]}
    is_cached = asyncio.run(cached.CachedResponses(versions or Versions()).answer(Exchange(scope, None, send)))
    assert is_cached == bool(sent)
    return sent


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
    (response, _), = cache._values.values()
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
