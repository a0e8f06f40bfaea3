"""The commands ``publisher``, run as an administrator runs them."""
import json

import pytest

from plugin_tests import commands
from plugin_tests.issuer import REPOSITORY, REPOSITORY_ID

pytestmark = [pytest.mark.database, pytest.mark.process]

REQUIRED = ('--repository', REPOSITORY, '--repository-id', REPOSITORY_ID, '--workflow', 'package.yml',
            '--login', 'admin')


@pytest.fixture
def publisher(mongo_uri, db):
    return lambda *args: commands.run('publisher', *args, '--database', mongo_uri)


def test_a_publisher_is_added_listed_and_removed(publisher, app, api):
    made = publisher('add', 'Slicer', *REQUIRED, '--branch', 'main', '--extension', 'SlicerIGT', '--extension', 'Other',
                     '--packages')
    assert made.returncode == 0, made.stderr
    identifier = made.stdout.strip()
    assert 'package.yml of SlicerIGT/SlicerIGT may upload now' in made.stderr
    one, = api.get(f'/app/{app["_id"]}/publisher').json()
    assert (one['_id'], one['extensions'], one['packages'], one['created_by']) == (
        identifier, ['SlicerIGT', 'Other'], True, '')
    assert one['issuer'] == 'https://token.actions.githubusercontent.com'
    assert json.loads(commands.printed(publisher('list', app['_id'], '--json'))) == [one]
    listed = publisher('list').stdout
    for shown in (identifier, app['_id'], REPOSITORY, 'package.yml', 'main', 'SlicerIGT, Other, (packages)', 'admin'):
        assert shown in listed
    gone = publisher('remove', identifier)
    assert gone.returncode == 0
    assert gone.stdout == f'The workflow package.yml of {REPOSITORY} is no publisher any more.\n'
    assert json.loads(commands.printed(publisher('list', '--json'))) == []


@pytest.mark.parametrize(('args', 'message'), [
    (('add', 'Unknown', *REQUIRED, '--branch', 'main', '--extension', 'x'), 'There is no application "Unknown"'),
    (('add', 'Slicer', *REQUIRED, '--extension', 'x'), 'branch: or environment is required'),
    (('add', 'Slicer', *REQUIRED, '--branch', 'main'), 'extensions: must name at least one'),
    (('add', 'Slicer', *REQUIRED, '--branch', 'main', '--issuer', 'https://x.org'),
     'slicer_package_manager.oidc_issuers'),
    (('remove', 'nonsense'), 'There is no publisher with the id "nonsense"')])
def test_a_refused_command_has_exit_status_1_and_the_reason(publisher, app, db, args, message):
    done = publisher(*args)
    assert (done.returncode, done.stdout) == (1, '')
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
    assert db['slicer_package_publisher'].count_documents({}) == 0
