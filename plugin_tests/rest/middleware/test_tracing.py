"""Request ids, and that what is switched off is not there."""
import re

import httpx
import pytest

pytestmark = pytest.mark.database


def test_an_answer_and_the_failure_in_it_have_the_same_new_id(anonymous):
    answer = anonymous.get('/app/nonsense', headers={'X-Request-ID': 'mine'})
    assert re.fullmatch('[0-9a-f]{32}', answer.headers['X-Request-ID'])
    assert answer.json()['request_id'] == answer.headers['X-Request-ID']
    assert int(answer.headers['Content-Length']) == len(answer.content)


def test_a_failure_before_a_handler_is_reached_has_the_id_too(api):
    answer = api.post('/app', content=b'x' * (2 << 20), headers={'Content-Type': 'application/x-www-form-urlencoded'})
    assert answer.status_code == 413
    assert answer.json()['request_id'] == answer.headers['X-Request-ID']


def test_a_success_is_as_it_was(anonymous, app):
    assert 'request_id' not in anonymous.get(f'/app/{app["_id"]}').json()


def test_metrics_are_off_unless_switched_on(wsgi_app, db):
    with httpx.Client(transport=httpx.WSGITransport(wsgi_app), base_url='http://testserver') as client:
        assert client.get('/metrics').status_code == 404


def test_liveness_needs_no_database(anonymous, monkeypatch):
    from slicer_package_manager.registry import health

    def broken(*_):
        raise AssertionError('the database was asked')
    monkeypatch.setattr(health.database_outage, 'answers', broken)
    assert anonymous.get('/slicer_package_manager/health', params={'probe': 'live'}).json().keys() == {'version'}
    assert anonymous.get('/slicer_package_manager/health', params={'probe': 'x'}).status_code == 400
