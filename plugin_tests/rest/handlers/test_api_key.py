"""API keys of all accounts, which site administrators create, list and revoke."""
from datetime import datetime, timedelta

import pytest

pytestmark = pytest.mark.database

PATH = '/slicer_package_manager/key'


@pytest.fixture
def buildbot(app, make_user, grant):
    machine = make_user('buildbot')
    grant(app, machine, level=1, recurse=True)
    return machine


@pytest.fixture
def create(api, buildbot):
    def post(**values):
        return api.post(PATH, data={'login': 'buildbot', 'name': 'Nightly', **values})
    return post


def test_a_key_is_created_listed_without_its_secret_and_revoked(create, api, app, anonymous):
    answer = create(app_id=app['_id'], days=30).raise_for_status()
    assert answer.headers['Cache-Control'] == 'no-store'
    made = answer.json()
    secret = made.pop('key')
    assert (made['login'], made['name'], made['purpose'], made['app_id'], made['state'], made['used']) == (
        'buildbot', 'Nightly', 'upload', app['_id'], 'active', None)
    lasts = datetime.fromisoformat(made['expires']) - datetime.fromisoformat(made['created'])
    assert timedelta(days=29) < lasts < timedelta(days=31)
    [listed] = api.get(PATH).json()
    assert listed.keys() == made.keys()
    assert secret not in api.get(PATH).text
    assert api.get(PATH, params={'login': 'admin'}).json() == []
    anonymous.post('/api_key/token', data={'key': secret}).raise_for_status()
    assert api.get(PATH).json()[0]['used'] is not None
    revoked = api.delete(f'{PATH}/{made["_id"]}').raise_for_status().json()
    assert (revoked['_id'], revoked['login']) == (made['_id'], 'buildbot')
    assert api.get(PATH).json() == []
    assert anonymous.post('/api_key/token', data={'key': secret}).status_code == 400
    assert api.delete(f'{PATH}/{made["_id"]}').status_code == 404


@pytest.mark.parametrize(('values', 'status', 'message'), [
    ({'login': 'unknown'}, 404, 'no user with the login "unknown"'), ({'name': ' '}, 400, 'name'),
    ({'days': 0}, 400, 'days'), ({'days': 4000}, 400, 'days'), ({'purpose': 'all'}, 400, 'purpose'),
    ({'purpose': 'read', 'app_id': '{app}'}, 400, 'purpose'), ({'app_id': 'x'}, 404, 'no application'),
    ({'login': 'other', 'app_id': '{app}'}, 400, 'may not write')])
def test_what_makes_no_sense_is_refused(create, app, make_user, db, values, status, message):
    make_user('other')
    answer = create(**{name: str(value).format(app=app['_id']) for name, value in values.items()})
    assert (answer.status_code, message in answer.json()['message']) == (status, True)
    assert db.api_key.count_documents({}) == 0


def test_others_neither_see_nor_make_keys(buildbot, login, anonymous, db):
    machine = login(buildbot)
    for client, status in ((machine, 403), (anonymous, 401)):
        assert client.get(PATH).status_code == status
        assert client.post(PATH, data={'login': 'buildbot', 'name': 'x'}).status_code == status
        assert client.delete(f'{PATH}/{buildbot["_id"]}').status_code == status
    assert db.api_key.count_documents({}) == 0
