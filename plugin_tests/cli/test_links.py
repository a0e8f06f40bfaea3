"""The commands ``links``, run as an administrator runs them."""
import json
import subprocess
import sys

import pytest

from plugin_tests import commands, loopback
from plugin_tests.servers import Server
from plugin_tests.waiting import PATIENCE

pytestmark = [pytest.mark.database, pytest.mark.process]


@pytest.fixture
def check(mongo_uri, db):
    def run(*args, database=mongo_uri):
        return run_check('--database', database, '--pause', '0', '--retries', '0', *args)
    return run


def run_check(*args):
    return commands.run('links', 'check', *args)


@pytest.fixture
def linked(httpserver, allow, make):
    """Two packages that link to the test's own server, where one file is missing."""
    allow(loopback.origin(httpserver))
    httpserver.expect_request('/good.zip').respond_with_data('12345')
    httpserver.expect_request('/gone.zip').respond_with_data(status=404)
    make('package', url=httpserver.url_for('/good.zip'), size=5)
    return lambda: make('extension', url=httpserver.url_for('/gone.zip'))


def test_links_without_a_problem_have_exit_status_0(check, linked):
    done = check('Slicer')
    assert (done.returncode, done.stdout) == (0, '1 links checked, 0 of them need attention.\n')
    assert done.stderr == ''


def test_a_broken_link_is_reported_with_exit_status_1(check, linked):
    linked()
    done = check()
    assert done.returncode == 1
    assert '33000_SlicerIGT_linux_amd64_ab12cd3' in done.stdout
    assert 'broken' in done.stdout
    assert 'status 404' in done.stdout
    assert '2 links checked, 1 of them need attention.' in done.stdout
    assert '\x1b' not in done.stdout


def test_json_has_every_link(check, linked):
    linked()
    found = json.loads(commands.printed(check('--json'), 1))
    assert sorted(one['state'] for one in found) == ['broken', 'ok']


def test_an_unknown_application_and_an_unreachable_database_are_reported(check, app):
    done = check('Other')
    assert (done.returncode, done.stdout) == (1, '')
    assert 'There is no application "Other"' in done.stderr
    done = check(database='mongodb://127.0.0.1:9/girder?serverSelectionTimeoutMS=500')
    assert done.returncode == 1
    assert '127.0.0.1:9 does not answer' in done.stderr


def test_a_data_directory_without_a_server_is_reported(tmp_path):
    done = subprocess.run([sys.executable, '-m', 'slicer_package_manager.cli', 'links', 'check', '--data-dir',
                           str(tmp_path)], capture_output=True, text=True, timeout=PATIENCE, check=False,
                          env={'PATH': '/usr/bin'})
    assert done.returncode == 1
    assert 'There is no server in the data directory' in done.stderr


def test_the_database_of_a_data_directory_is_checked_while_its_server_runs_and_after(tmp_path):
    server = Server(tmp_path, env={'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD': 'a-password-for-tests'})
    try:
        with server.ready().client('admin', 'a-password-for-tests') as admin:
            admin.post('/app', params={'name': 'Slicer'}).raise_for_status()
        while_running = run_check('Slicer', '--data-dir', str(tmp_path))
        server.stop()
        after = run_check('Slicer', '--data-dir', str(tmp_path))
    finally:
        server.end()
    for done in (while_running, after):
        assert (done.returncode, done.stdout) == (0, '0 links checked, 0 of them need attention.\n'), done.stderr
