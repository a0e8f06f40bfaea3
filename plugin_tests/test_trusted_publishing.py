"""The guide "Publish from GitHub Actions without a secret", followed with a server, the client and an issuer."""
import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from plugin_tests import commands, servers
from plugin_tests import issuer as issuers
from plugin_tests.waiting import PATIENCE

pytestmark = [pytest.mark.database, pytest.mark.process]

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / 'docs' / 'how-to' / 'publish-without-a-secret.md').read_text(encoding='utf-8')
SECRET = 'secret-of-the-job'
BUILD = 'build/33000-linux-amd64-SlicerIGT-gitab12cd3.tar.gz'


@pytest.fixture
def issuer():
    with issuers.server() as (server, authority):
        found = issuers.Issuer(server, {'rs': issuers.rs256()})
        found.authority = authority
        yield found


@pytest.fixture
def server(tmp_path, issuer):
    issuer.authority.cert_pem.write_to_path(str(tmp_path / 'authority.pem'))
    with servers.starter(tmp_path) as start:
        yield start('--access-log', str(tmp_path / 'access.log'), env={
            'SSL_CERT_FILE': str(tmp_path / 'authority.pem')}).ready()


@pytest.fixture
def actions(httpserver, issuer):
    """The endpoint of GitHub Actions for ID tokens; gives those that it has given."""
    given = []

    def give(request):
        assert request.headers['Authorization'] == f'Bearer {SECRET}'
        given.append(issuer.token(issuer.claims(
            aud=request.args['audience'], ref='refs/heads/master', event_name='push')))
        return issuers.Response(f'{{"value": "{given[-1]}"}}', content_type='application/json')
    httpserver.expect_request('/actions').respond_with_handler(give)
    return given


@pytest.fixture
def job(tmp_path, server, httpserver, actions):
    """Run the step "Upload" of the workflow in the guide, as a job of the matrix does; with other ``variables``."""
    place = tmp_path / 'job'
    (place / 'build').mkdir(parents=True)
    (place / 'x.s4ext').write_text('category IGT\n', encoding='utf-8')
    (place / 'build' / 'SlicerIGT.s4ext').write_text('category IGT\n', encoding='utf-8')
    with tarfile.open(place / BUILD, 'w:gz') as archive:
        archive.add(place / 'x.s4ext', 'SlicerIGT/x.s4ext')
    script = re.search(r'- name: Upload\n +run: \|\n(.*?)```', GUIDE, re.DOTALL)[1]
    for expression, value in (('${{ matrix.os }}', 'linux'), ('${{ matrix.arch }}', 'amd64')):
        script = script.replace(expression, value)
    script = script.replace('slicer_package_manager_client', f'"{sys.executable}" -m slicer_package_manager_client')

    def run(**variables):
        environment = {
            'PATH': os.environ['PATH'], 'HOME': str(place), 'PYTHONPATH': str(ROOT / 'python_client'),
            'APP_REVISION': '33000', 'GITHUB_REPOSITORY': issuers.REPOSITORY, 'GITHUB_SERVER_URL': 'https://github.com',
            'GITHUB_SHA': issuers.COMMIT, 'SLICER_PACKAGE_MANAGER_API_URL': f'{server.url}/api/v1',
            'ACTIONS_ID_TOKEN_REQUEST_URL': httpserver.url_for('/actions?api-version=2.0'),
            'ACTIONS_ID_TOKEN_REQUEST_TOKEN': SECRET, **variables}
        return subprocess.run(['bash', '-e', '-c', script], cwd=place, env=environment, capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
    return run


def register(server, issuer):
    """Run the command of the guide, for the issuer and the account of this test."""
    command = re.search(r'^slicer-package-manager publisher add (.*?)\n```', GUIDE, re.DOTALL | re.MULTILINE)[1]
    args = command.replace('\\\n', ' ').replace('buildbot', 'admin').split()
    return commands.run('publisher', 'add', *args, '--issuer', issuer.url, '--data-dir', server.data_dir)


def test_the_guide(server, issuer, actions, job, tmp_path):
    with server.client('admin', server.password) as admin:
        app = admin.post('/app', params={'name': 'Slicer'}).raise_for_status().json()
        settings = {'core.server_root': server.url, 'slicer_package_manager.oidc_issuers': {issuer.url: 'github'}}
        for key, value in settings.items():
            admin.put('/system/setting', params={'key': key, 'value': json.dumps(value)}).raise_for_status()

        refused = job()
        assert refused.returncode == 4
        assert f'No publisher is registered for the repository "{issuers.REPOSITORY}"' in refused.stderr

        made = register(server, issuer)
        assert made.returncode == 0, made.stderr
        done = job()
        assert done.returncode == 0, done.stderr
        item, = admin.get(f'/app/{app["_id"]}/extension').json()
        assert (item['meta']['baseName'], item['meta']['category']) == ('SlicerIGT', 'IGT')
        build = admin.get(f'/app/{app["_id"]}/extension/{item["_id"]}/provenance').json()['build']
        assert (build['repository'], build['commit'], build['run']) == (issuers.REPOSITORY, issuers.COMMIT, '42')

        assert commands.run('publisher', 'remove', made.stdout.strip(), '--data-dir', server.data_dir).returncode == 0
        assert job().returncode == 4
        logged = server.output + server.errors + (tmp_path / 'access.log').read_text(encoding='utf-8')
        printed = ''.join(run.stdout + run.stderr for run in (refused, done))
        assert 'oidc/token' in logged
        for secret in (SECRET, *actions):
            assert secret not in logged + printed
