"""Webhooks over REST: authors manage their own, administrators of the application all."""
import pytest
from bson.objectid import ObjectId
from werkzeug import Response

from plugin_tests import loopback

pytestmark = pytest.mark.database

PATH = '/app/{}/webhook'


@pytest.fixture
def url(app, httpserver, allow):
    """The address of a service that accepts deliveries, of an extension A that is expected."""
    from slicer_package_manager.registry.expected import store
    store.replace({'_id': ObjectId(app['_id'])}, 'main', [
        {'name': 'A', 'category': '', 'tier': 1, 'repository_url': ''}])
    allow(loopback.origin(httpserver))
    httpserver.expect_request('/hook', method='POST').respond_with_handler(
        lambda request: Response(status=204 if request.headers['X-Hub-Signature-256'] else 400))
    return httpserver.url_for('/hook')


@pytest.fixture
def author(app, admin, make_user, grant, login):
    """A user who may write to the application."""
    user = make_user('author')
    grant(app, user, level=1, recurse=True, public=True)
    return login(user)


@pytest.fixture
def path(app):
    return PATH.format(app['_id'])


def test_a_webhook_is_added_listed_tested_and_removed(api, path, url, httpserver, db):
    answer = api.post(path, data={'name': 'A', 'url': url}).raise_for_status()
    assert answer.headers['Cache-Control'] == 'no-store'
    made = answer.json()
    secret = made.pop('secret')
    assert db.slicer_package_webhook.find_one()['secret'] == secret
    assert (made['name'], made['url'], made['waiting'], made['last']) == ('A', url, 0, None)
    listed = api.get(path)
    assert (listed.json(), secret in listed.text) == ([made], False)
    assert api.post(f'{path}/{made["_id"]}/ping').json() == {'problem': ''}
    assert len(httpserver.log) == 1
    assert api.delete(f'{path}/{made["_id"]}').json() == made
    assert api.get(path).json() == []
    assert api.post(f'{path}/{made["_id"]}/ping').status_code == 404


@pytest.mark.parametrize(('values', 'status', 'message'), [
    ({'url': 'https://127.0.0.1/x'}, 400, 'webhook_hosts'), ({'url': 'file:///etc/passwd'}, 400, 'https://'),
    ({'name': 'Other'}, 404, '"Other"'), ({}, 409, 'already')])
def test_what_makes_no_sense_is_refused(api, path, url, values, status, message):
    api.post(path, data={'name': 'A', 'url': url}).raise_for_status()
    answer = api.post(path, data={'name': 'A', 'url': url, **values})
    assert (answer.status_code, message in answer.json()['message']) == (status, True)
    assert len(api.get(path).json()) == 1


def test_authors_manage_their_own_and_see_no_others(api, author, path, url):
    """Addresses of others may have a secret."""
    others = api.post(path, data={'name': 'A', 'url': f'{url}?token=secret'}).raise_for_status().json()
    own = author.post(path, data={'name': 'A', 'url': url}).raise_for_status().json()
    assert [one['_id'] for one in author.get(path).json()] == [own['_id']]
    assert {one['_id'] for one in api.get(path).json()} == {own['_id'], others['_id']}
    for method, more in (('DELETE', ''), ('POST', '/ping')):
        answer = author.request(method, f'{path}/{others["_id"]}{more}')
        assert (answer.status_code, 'secret' in answer.text) == (404, False)
    assert author.post(f'{path}/{own["_id"]}/ping').json() == {'problem': ''}
    api.delete(f'{path}/{own["_id"]}').raise_for_status()
    assert author.get(path).json() == []


def test_a_webhook_of_another_application_is_not_found(api, path, url):
    made = api.post(path, data={'name': 'A', 'url': url}).raise_for_status().json()
    other = api.post('/app', params={'name': 'Other'}).raise_for_status().json()
    assert api.delete(f'{PATH.format(other["_id"])}/{made["_id"]}').status_code == 404
    assert len(api.get(path).json()) == 1


def test_readers_and_the_anonymous_are_refused(path, url, make_user, login, anonymous):
    reader = login(make_user('reader'))
    for client, status in ((reader, 403), (anonymous, 401)):
        assert client.get(path).status_code == status
        assert client.post(path, data={'name': 'A', 'url': url}).status_code == status
