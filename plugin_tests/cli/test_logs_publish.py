"""The command ``logs publish``, run as a timer runs it."""
import gzip
import json

import pytest
from pytest_httpserver import HTTPServer

from plugin_tests import commands
from plugin_tests.logs.conftest import Directory
from plugin_tests.logs.fake_github import FakeGitHub
from plugin_tests.logs.publication.conftest import lines

pytestmark = pytest.mark.process
ASSETS = ['2026-11-01-default.log.gz', '2026-11-02-default.log.gz', 'dashboard.json']


@pytest.fixture(scope='module')
def statistics(tmp_path_factory):
    """Statistics of two days, with raw logs."""
    logs = Directory(tmp_path_factory.mktemp('statistics'))
    log = logs.log(*lines(), *lines('02/Nov/2026'))
    done = commands.run('logs', 'ingest', log, '--facts', logs.facts, '--statistics-dir', logs.path,
                        '--raw-logs', 'pseudonyms')
    assert done.returncode == 0, done.stderr
    return logs


@pytest.fixture
def github():
    with HTTPServer('127.0.0.1', threaded=True) as api, HTTPServer('127.0.0.1', threaded=True) as uploads:
        yield FakeGitHub(api, uploads)


@pytest.fixture
def token(tmp_path, github):
    path = tmp_path / 'token'
    path.write_text(f'{github.token}\n')
    return path


def arguments(statistics, github, *more):
    return ('logs', 'publish', '--repository', github.repo, '--statistics-dir', statistics.path,
            '--api-url', github.url, '--uploads-url', github.uploads, '--pause', 0, *more)


def test_statistics_are_published_once(statistics, github, token):
    done = commands.run(*arguments(statistics, github, '--token-file', token, '--json'))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert sorted(result['assets']) == github.names() == ASSETS
    assert len(result['files']) == 6
    assert '2026-11-02' in github.files()['report.html'].decode()
    assert 'Sending' in done.stderr
    assert github.token not in done.stdout + done.stderr
    again = commands.run(*arguments(statistics, github), GITHUB_TOKEN=github.token)
    assert (again.returncode, again.stdout) == (0, 'All is published.\n')


def test_a_dry_run_reports_what_it_would_do(statistics, github, token):
    done = commands.run(*arguments(statistics, github, '--token-file', token, '--dry-run'))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('Would be committed: 6 files, 2026/11/01.csv.gz to report.html\n'
                                  'Would be sent as assets of releases: 3 files')
    assert {one.method for one in github.requests} == {'GET'}


@pytest.mark.parametrize('held', [('POST', 'blobs'), ('POST', 'git/commits'), ('PATCH', 'refs'), ('POST', 'releases$'),
                                  ('POST', 'assets')])
def test_a_publication_that_is_killed_is_completed_by_the_next_one(statistics, github, token, held):
    github.hold = held
    process = commands.started(*arguments(statistics, github, '--token-file', token))
    try:
        assert github.held.wait(commands.PATIENCE)
    finally:
        process.kill()
        process.communicate()
        github.released.set()
    done = commands.run(*arguments(statistics, github, '--token-file', token))
    assert done.returncode == 0, done.stderr
    assert github.names() == ASSETS
    published = {name: content for name, content in statistics.published().items() if name != 'dashboard.json'}
    assert published.items() <= github.files().items()
    assert len(gzip.decompress(github.asset(ASSETS[0])).splitlines()) == 6
    again = commands.run(*arguments(statistics, github, '--token-file', token))
    assert commands.printed(again) == 'All is published.\n'


def test_what_is_wrong_is_on_standard_error(statistics, github, token, tmp_path):
    github.visibility = 'public'
    done = commands.run(*arguments(statistics, github, '--token-file', token))
    assert (done.returncode, done.stdout) == (1, '')
    assert 'owner/statistics is public' in done.stderr
    done = commands.run(*arguments(statistics, github))
    assert done.returncode == 1
    assert 'There is no token of GitHub in GITHUB_TOKEN' in done.stderr
    done = commands.run(*arguments(statistics, github, '--token-file', token, '--statistics-dir', tmp_path / 'none'))
    assert done.returncode == 1
    assert 'There are no statistics in' in done.stderr
    assert not (tmp_path / 'none').exists()
    done = commands.run(*arguments(statistics, github, '--token-file', token, '--raw', '--no-raw-logs'))
    assert done.returncode == 2


def test_github_that_is_busy_has_an_exit_code_of_its_own(statistics, github, token):
    github.fail('GET', '$', 503, times=99)
    done = commands.run(*arguments(statistics, github, '--token-file', token, '--retries', 1))
    assert done.returncode == 3
    assert 'Run the command again later' in done.stderr
    assert 'Traceback' not in done.stderr
