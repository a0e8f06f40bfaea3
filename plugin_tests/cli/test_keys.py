"""The commands ``key``, run as an administrator runs them."""
import json

import pytest

from plugin_tests import commands

pytestmark = [pytest.mark.database, pytest.mark.process]


@pytest.fixture
def key(mongo_uri, db):
    """Run a command with what its arguments say, and nothing from the environment of the tests."""
    return lambda *args: commands.run('key', *args, '--database', mongo_uri)


def test_a_key_is_created_listed_without_its_secret_and_revoked(key, admin, make_user, anonymous):
    make_user('buildbot')
    made = key('create', 'buildbot', '--name', 'Nightly', '--days', '30')
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    assert len(secret) == 40
    assert 'not shown again' in made.stderr
    assert secret not in made.stderr
    answer = anonymous.post('/api_key/token', data={'key': secret}).raise_for_status().json()
    assert answer['authToken']['scope'] == ['slicer_package_manager.upload']

    one, = json.loads(commands.printed(key('list', 'buildbot', '--json')))
    assert (one['login'], one['name'], one['scope'], one['state']) == ('buildbot', 'Nightly', 'upload', 'active')
    assert one['created'] < one['expires']
    listed = key('list')
    assert one['id'] in listed.stdout
    assert 'Nightly' in listed.stdout
    assert secret not in listed.stdout

    gone = key('revoke', one['id'])
    assert (gone.returncode, gone.stdout) == (0, f'Key {one["id"]} ("Nightly") is revoked.\n')
    assert anonymous.post('/api_key/token', data={'key': secret}).status_code == 400


def test_a_key_of_one_application(key, admin, app, make_user):
    make_user('buildbot')
    more = '--name', 'Nightly', '--application', 'Slicer'
    refused = key('create', 'buildbot', *more)
    assert (refused.returncode, 'may not write to any folder of "Slicer"' in refused.stderr) == (1, True)
    assert key('create', admin['login'], *more).returncode == 0
    one, = json.loads(commands.printed(key('list', '--json')))
    assert (one['scope'], one['application']) == ('upload', app['_id'])


@pytest.mark.parametrize(('args', 'message'), [
    (('create', 'unknown', '--name', 'x'), 'There is no user with the login "unknown"'),
    (('create', 'admin', '--name', ' '), 'name: must not be empty'),
    (('revoke', '5f4474d0e1d8c75dfc705482'), 'There is no API key with the id'),
    (('revoke', 'nonsense'), 'There is no API key with the id "nonsense"')])
def test_a_refused_command_has_exit_status_1_and_the_reason(key, admin, db, args, message):
    done = key(*args)
    assert (done.returncode, done.stdout) == (1, '')
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
    assert db['api_key'].count_documents({}) == 0
