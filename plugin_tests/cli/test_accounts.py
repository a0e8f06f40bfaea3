"""The commands ``account``, run as an administrator runs them."""
import json

import pytest

from plugin_tests import commands

pytestmark = [pytest.mark.database, pytest.mark.process]


def logged_in(client, login, password):
    return client.get('/user/authentication', auth=(login, password)).status_code == 200


def test_a_stolen_account_is_recovered(mongo_uri, admin, make_user, login, anonymous):
    from girder.models.user import User
    User().setPassword(admin, 'of-the-thief')
    User().initializeOtp(admin)
    admin['otp']['enabled'] = True
    User().save(admin)
    session, other = login(admin), login(make_user('member'))
    secret = session.post('/api_key', params={'name': 'of the thief'}).raise_for_status().json()['key']
    kept = other.post('/api_key', params={'name': 'another'}).raise_for_status().json()['key']

    done = commands.run('account', 'reset', 'admin', '--database', mongo_uri)
    assert done.returncode == 0, done.stderr
    assert '1 API keys are deleted' in done.stderr
    password = done.stdout.strip()
    assert password not in done.stderr

    assert session.get('/token/current').json() is None
    assert anonymous.post('/api_key/token', params={'key': secret}).status_code == 400
    assert not logged_in(anonymous, 'admin', 'of-the-thief')
    assert logged_in(anonymous, 'admin', password)
    assert other.get('/token/current').json() is not None
    assert anonymous.post('/api_key/token', params={'key': kept}).status_code == 200


def test_accounts_are_listed_with_their_rights(mongo_uri, admin, make_user, login):
    login(make_user('buildbot')).post('/api_key', params={'name': 'Nightly'}).raise_for_status()
    rows = json.loads(commands.printed(commands.run('account', 'list', '--json', '--database', mongo_uri)))
    assert [(row['login'], row['administrator'], row['keys']) for row in rows] == [
        ('admin', 'yes', 0), ('buildbot', 'no', 1)]
    assert 'buildbot' in commands.run('account', 'list', '--database', mongo_uri).stdout


def test_an_account_that_does_not_exist_is_reported(mongo_uri, admin):
    done = commands.run('account', 'reset', 'unknown', '--database', mongo_uri)
    assert (done.returncode, done.stdout) == (1, '')
    assert 'There is no user with the login "unknown"' in done.stderr
