"""Responses while the database is unreachable."""
import httpx
import pytest
from pymongo.errors import AutoReconnect, OperationFailure

from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.server import data_version, database_outage

pytestmark = pytest.mark.database


@pytest.fixture
def away(monkeypatch):
    """Make a function of a module or a class fail, as when the database is unreachable."""
    def fail(where, name, error=None):
        def failing(*_, **__):
            raise error or AutoReconnect('secret-host:27017: connection closed')
        monkeypatch.setattr(where, name, failing)
    return fail


@pytest.fixture
def lost(monkeypatch, db):
    monkeypatch.setattr(database_outage, 'lost', lambda: True)


def refused(answer):
    assert answer.status_code == 503
    assert answer.headers['Retry-After'] == '5'
    assert 'secret-host' not in answer.text
    return answer


def require_unavailable(answer):
    assert refused(answer).headers['Content-Type'] == 'application/json'
    assert 'unreachable' in answer.json()['message']
    assert 'try it again' in answer.json()['message']


def test_a_call_of_the_registry_is_refused_for_now(api, app, away):
    away(applications, 'find')
    require_unavailable(api.get('/app', params={'text': 'x'}))


def test_a_call_of_girder_is_refused_for_now(api, app, away):
    from girder.models.folder import Folder
    away(Folder(), 'load')
    require_unavailable(api.get(f'/folder/{app["_id"]}'))


def test_what_fails_before_a_handler_is_refused_for_now(anonymous, db, away):
    from girder.models.setting import Setting
    away(Setting, 'get')
    require_unavailable(anonymous.get('/system/version', headers={'Origin': 'https://example.org'}))


def test_a_change_that_could_not_be_announced_is_to_be_sent_again(api, app, away, monkeypatch):
    class Away:
        update_one = None
    away(Away, 'update_one')
    monkeypatch.setattr(data_version.Change(), 'collection', Away)
    require_unavailable(api.post(f'/app/{app["_id"]}/release', params={'name': '5.8', 'app_revision': '33000'}))


def test_a_mistake_of_the_server_stays_one(api, app, away):
    away(applications, 'find', OperationFailure('unknown operator', 2))
    assert api.get('/app', params={'text': 'x'}).status_code == 500


@pytest.mark.parametrize('path', ['/app', '/item/5f4474d0e1d8c75dfc705482/download', '/folder', '/system/version'])
def test_no_request_waits_for_a_database_that_is_down(anonymous, lost, away, path):
    from girder.models.folder import Folder
    away(Folder, 'find')
    require_unavailable(anonymous.get(path))


def test_what_writes_does_not_wait_either(anonymous, lost):
    require_unavailable(anonymous.post('/app', params={'name': 'Slicer'}))


@pytest.mark.parametrize('place', ['/find', '/findall', '/bitstream/5f4474d0e1d8c75dfc705482'])
def test_calls_beside_the_api_do_not_wait_either(wsgi_app, lost, place):
    with httpx.Client(transport=httpx.WSGITransport(wsgi_app), base_url='http://testserver') as client:
        refused(client.get(place))


def test_a_page_says_it_as_a_page(wsgi_app, lost):
    with httpx.Client(transport=httpx.WSGITransport(wsgi_app), base_url='http://testserver') as client:
        page = refused(client.get('/download'))
    assert page.headers['Content-Type'].startswith('text/html')
    assert 'unreachable' in page.text


def test_the_health_call_reports_details(anonymous, lost):
    assert anonymous.get('/slicer_package_manager/health', params={'probe': 'live'}).status_code == 200


def test_cached_lists_are_not_sent_while_the_database_is_down(anonymous, app, monkeypatch):
    path = f'/app/{app["_id"]}/extension'
    for _ in range(2):
        assert anonymous.get(path).status_code == 200
    monkeypatch.setattr(database_outage, 'lost', lambda: True)
    require_unavailable(anonymous.get(path))
