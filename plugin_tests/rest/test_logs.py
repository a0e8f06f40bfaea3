"""Log entries of failing requests: the reason, and no credentials of the sender."""
import logging

import pytest
from girder.api.rest import Resource

from slicer_package_manager.pages import catalog
from slicer_package_manager.rest.middleware import tracing

pytestmark = pytest.mark.database

SECRET = 'very-secret-9'
HEADERS = {'Authorization': f'Basic {SECRET}', 'Girder-Token': SECRET, 'Cookie': f'girderToken={SECRET}',
           'X-Api-Key': SECRET, 'Referer': f'https://a.example.org/?token={SECRET}'}


def written(caplog):
    """What the server has logged; the client of the tests logs too, and the driver what ``serve`` does not log."""
    formatter = logging.Formatter()
    return '\n'.join(formatter.format(one) for one in caplog.records if not one.name.startswith(('http', 'pymongo')))


def fail(*_, **__):
    raise RuntimeError('the reason')


@pytest.mark.parametrize('path', ['/system/version', '/app', 'http://testserver/find', 'http://testserver/catalog'])
def test_a_failure_is_logged_without_headers_and_queries(anonymous, monkeypatch, caplog, path):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(Resource, 'handleRoute', fail)
    monkeypatch.setattr(catalog, 'application', fail)
    answer = anonymous.get(path, params={'token': SECRET}, headers=HEADERS)
    assert answer.status_code == 500
    assert 'the reason' in written(caplog)
    assert SECRET not in written(caplog) + answer.text


def test_so_is_a_failure_before_the_handler(anonymous, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr('slicer_package_manager.rest.middleware.routing.remember', fail)
    assert anonymous.get('/app', params={'token': SECRET}, headers=HEADERS).status_code == 500
    assert 'the reason' in written(caplog)
    assert SECRET not in written(caplog)


@pytest.mark.parametrize('path', [
    '/app;token={}', '/app%3Ftoken={}', '/app%26tok%65n={}/x', '/app/%3Bkey={}'])
def test_the_line_of_json_about_a_request_has_no_credentials(anonymous, monkeypatch, caplog, path):
    caplog.set_level(logging.INFO)
    seen = []
    monkeypatch.setattr(tracing.logger, 'info', lambda *_, extra: seen.append(extra['path']))
    tracing._log_line({'REQUEST_METHOD': 'GET', 'PATH_INFO': path.format(SECRET)}, 404, 'other', 0.1, 'id')
    assert '***' in seen[0]
    assert SECRET not in seen[0]
    anonymous.get(path.format(SECRET))
    assert SECRET not in written(caplog)
