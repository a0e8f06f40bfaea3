"""What is answered before CherryPy begins."""
import pytest
from pymongo.errors import AutoReconnect

from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware import front
from slicer_package_manager.rest.middleware.response_cache import ResponseCache

LIST = JsonResponse(b'[]', 0, 'public, no-cache')
ENVIRON = {'REQUEST_METHOD': 'GET', 'PATH_INFO': '/v1/app/1/extension', 'QUERY_STRING': 'limit=0'}


@pytest.fixture
def kept(monkeypatch):
    store = ResponseCache()
    store.put(('/v1/app/1/extension', 'limit=0'), 1, LIST, 10_000)
    monkeypatch.setattr(front, 'CACHE', store)
    monkeypatch.setattr(front.data_version, 'version', lambda: 1)
    monkeypatch.setattr(front.database_outage, 'lost', lambda: False)
    return store


def ask(**environ):
    told = []
    body = front.Front(lambda *_: [b'from Girder'])({**ENVIRON, **environ}, lambda *head: told.append(head))
    return b''.join(body), *told


def test_what_is_kept_is_answered_with_its_headers(kept):
    body, (status, headers) = ask()
    assert (body, status) == (b'[]', '200 OK')
    assert dict(headers)['Content-Length'] == '2'
    assert dict(headers)['ETag'] == f'"{LIST.tag}"'


def test_who_has_it_gets_304(kept):
    body, (status, headers) = ask(HTTP_IF_NONE_MATCH=f'"{LIST.tag}"')
    assert (body, status) == (b'', '304 Not Modified')
    assert 'Content-Length' not in dict(headers)


@pytest.mark.parametrize('environ', [
    {'REQUEST_METHOD': 'HEAD'}, {'REQUEST_METHOD': 'POST'}, {'PATH_INFO': '/v1/app/2/extension'},
    {'QUERY_STRING': ''}, {'QUERY_STRING': 'limit=00'}, {'HTTP_GIRDER_TOKEN': 'x'}, {'HTTP_AUTHORIZATION': 'x'},
    {'HTTP_COOKIE': 'girderToken=x'}, {'HTTP_ORIGIN': 'https://example.org'}])
def test_everything_else_goes_to_girder(kept, environ):
    assert ask(**environ) == (b'from Girder',)


def test_what_is_not_true_any_more_goes_to_girder(kept, monkeypatch):
    monkeypatch.setattr(front.data_version, 'version', lambda: 2)
    assert ask() == (b'from Girder',)


def test_without_a_database_girder_says_so(kept, monkeypatch):
    def away():
        raise AutoReconnect
    monkeypatch.setattr(front.data_version, 'version', away)
    assert ask() == (b'from Girder',)


def test_nobody_waits_for_a_database_that_is_lost(kept, monkeypatch):
    monkeypatch.setattr(front.database_outage, 'lost', lambda: True)
    monkeypatch.setattr(front.data_version, 'version', pytest.fail)
    assert ask() == (b'from Girder',)
