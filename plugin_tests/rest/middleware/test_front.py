"""Responses from the cache, before CherryPy begins."""
import pytest
from pymongo.errors import AutoReconnect

from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware import front
from slicer_package_manager.rest.middleware.response_cache import ResponseCache

LIST = JsonResponse(b'[]', 0, 'public, no-cache')
ENVIRON = {'REQUEST_METHOD': 'GET', 'PATH_INFO': '/v1/app/1/extension', 'QUERY_STRING': 'limit=0'}


@pytest.fixture
def cache(monkeypatch):
    store = ResponseCache()
    store.put(('/v1/app/1/extension', 'limit=0'), 1, LIST, 10_000)
    monkeypatch.setattr(front, 'CACHE', store)
    monkeypatch.setattr(front.data_version, 'version', lambda: 1)
    monkeypatch.setattr(front.database_outage, 'lost', lambda: False)
    return store


def ask(**environ):
    responses = []
    body = front.Front(lambda *_: [b'from Girder'])({**ENVIRON, **environ}, lambda *head: responses.append(head))
    return b''.join(body), *responses


def test_a_cached_response_has_its_headers(cache):
    body, (status, headers) = ask()
    assert (body, status) == (b'[]', '200 OK')
    assert dict(headers)['Content-Length'] == '2'
    assert dict(headers)['ETag'] == f'"{LIST.tag}"'


def test_a_client_that_has_it_gets_304(cache):
    body, (status, headers) = ask(HTTP_IF_NONE_MATCH=f'"{LIST.tag}"')
    assert (body, status) == (b'', '304 Not Modified')
    assert 'Content-Length' not in dict(headers)


@pytest.mark.parametrize('environ', [
    {'REQUEST_METHOD': 'HEAD'}, {'REQUEST_METHOD': 'POST'}, {'PATH_INFO': '/v1/app/2/extension'},
    {'QUERY_STRING': ''}, {'QUERY_STRING': 'limit=00'}, {'HTTP_GIRDER_TOKEN': 'x'}, {'HTTP_AUTHORIZATION': 'x'},
    {'HTTP_COOKIE': 'girderToken=x'}, {'HTTP_ORIGIN': 'https://example.org'}])
def test_all_other_requests_go_to_girder(cache, environ):
    assert ask(**environ) == (b'from Girder',)


def test_an_outdated_response_is_not_sent(cache, monkeypatch):
    monkeypatch.setattr(front.data_version, 'version', lambda: 2)
    assert ask() == (b'from Girder',)


def test_without_a_database_girder_reports_the_error(cache, monkeypatch):
    def away():
        raise AutoReconnect
    monkeypatch.setattr(front.data_version, 'version', away)
    assert ask() == (b'from Girder',)


def test_no_request_waits_for_a_database_that_is_down(cache, monkeypatch):
    monkeypatch.setattr(front.database_outage, 'lost', lambda: True)
    monkeypatch.setattr(front.data_version, 'version', pytest.fail)
    assert ask() == (b'from Girder',)
