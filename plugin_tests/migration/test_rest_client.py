from itertools import count

import httpx
import pytest
from pytest_httpserver import HTTPServer

from plugin_tests.waiting import PATIENCE, poll
from slicer_package_manager.migration import rest_client
from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.pace import Pace
from slicer_package_manager.migration.rest_client import RestClient


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(rest_client, '_PAUSES', (0, 0))


def test_a_busy_server_is_asked_again(httpserver: HTTPServer):
    httpserver.expect_ordered_request('/api/v1/app').respond_with_data('', 503)
    httpserver.expect_ordered_request('/api/v1/app', query_string='limit=0').respond_with_json([1])
    assert RestClient(httpserver.url_for('/api/v1')).get('app', limit=0) == [1]


@pytest.mark.parametrize(('answer', 'message'), [
    ({'response_data': 'no such item', 'status': 404}, 'answers 404: no such item'),
    ({'response_data': '{"message": "Access denied."}', 'status': 403}, 'answers 403: Access denied.'),
    ({'response_data': '', 'status': 503}, 'answers 503')])
def test_an_error_is_named(httpserver: HTTPServer, answer, message):
    httpserver.expect_request('/api/v1/none').respond_with_data(**answer)
    with pytest.raises(MigrationError, match=message):
        RestClient(httpserver.url_for('/api/v1/')).get('none')


def test_the_token_of_an_api_key_is_sent(httpserver: HTTPServer):
    httpserver.expect_request('/api_key/token', method='POST', query_string='key=k').respond_with_json(
        {'authToken': {'token': 't'}})
    httpserver.expect_request('/user/me', headers={'Girder-Token': 't'}).respond_with_json({'admin': True})
    httpserver.expect_request('/user', headers={'Girder-Token': 't'}).respond_with_json([])
    assert RestClient(httpserver.url_for('/'), 'k').get('user') == []
    httpserver.clear()
    httpserver.expect_request('/api_key/token').respond_with_json({'message': 'Invalid API key.'}, 400)
    with pytest.raises(MigrationError, match='refuses the API key: Invalid API key') as error:
        RestClient(httpserver.url_for('/'), 'secret')
    assert 'secret' not in str(error.value)


@pytest.mark.parametrize(('scope', 'user'), [
    (['core.data.read'], {'admin': True}), (['core.user_auth'], {'admin': False}), (['core.user_auth'], None)])
def test_a_key_that_cannot_read_everything_is_refused(httpserver: HTTPServer, scope, user):
    httpserver.expect_request('/api_key/token').respond_with_json({'authToken': {'token': 't', 'scope': scope}})
    httpserver.expect_request('/user/me').respond_with_json(user)
    with pytest.raises(MigrationError, match='is not one of an administrator with all scopes'):
        RestClient(httpserver.url_for('/'), 'k')


def test_a_server_that_is_away(monkeypatch):
    monkeypatch.setattr(httpx.Client, 'get', lambda *_, **__: (_ for _ in ()).throw(httpx.ConnectError('refused')))
    with pytest.raises(MigrationError, match='does not answer: refused'):
        RestClient('http://127.0.0.1:9/api/v1').get('app')


@pytest.mark.parametrize(('pauses', 'slow', 'status'), [((3600,), 7200, 503), ((), 0, 200)], ids=['busy', 'slow'])
def test_an_interruption_ends_the_pauses(httpserver: HTTPServer, monkeypatch, pauses, slow, status):
    monkeypatch.setattr(rest_client, '_PAUSES', pauses)
    monkeypatch.setattr(rest_client, '_SLOW', slow)
    httpserver.expect_request('/app').respond_with_data('[]', status)
    pace = Pace(None, count(step=3600).__next__)
    client = RestClient(httpserver.url_for('/'), pace=pace)

    def run():
        with pace.workers(1) as workers:
            started.append(workers.submit(client.get, 'app'))
            poll(lambda: httpserver.log, 'the server has answered')
            raise KeyboardInterrupt
    started: list = []
    with pytest.raises(KeyboardInterrupt):
        run()
    with pytest.raises(MigrationError, match='was interrupted'):
        started[0].result(PATIENCE)
    assert len(httpserver.log) == 1


@pytest.mark.parametrize('broken', [0, 1])
def test_a_download_is_repeated_while_the_server_is_busy_or_closes_the_connection(
        httpserver: HTTPServer, monkeypatch, broken):
    httpserver.expect_ordered_request('/file/1/download').respond_with_data('busy', 503)
    httpserver.expect_ordered_request('/file/1/download').respond_with_data(b'bytes')
    send, failures = httpx.Client.send, [httpx.RemoteProtocolError('Server disconnected')] * broken

    def failing(*args, **options):
        if failures:
            raise failures.pop()
        return send(*args, **options)
    monkeypatch.setattr(httpx.Client, 'send', failing)
    monkeypatch.setattr(rest_client, '_PAUSES', (0,) * (1 + broken))
    with RestClient(httpserver.url_for('/')).download('file/1/download') as pieces:
        assert b''.join(pieces) == b'bytes'


def test_a_download_from_a_server_that_stays_busy_is_no_lost_file(httpserver: HTTPServer):
    httpserver.expect_request('/file/1/download').respond_with_data('', 503)
    with (pytest.raises(MigrationError, match='file/1/download answers 503'),
          RestClient(httpserver.url_for('/')).download('file/1/download')):
        pass
