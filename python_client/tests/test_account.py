"""Who is logged in, and what is wrong on the way to the server."""
import json
import ssl
from datetime import datetime, timedelta, timezone

import pytest
import trustme
from fakes import FakeGirder
from pytest_httpserver import HTTPServer

from slicer_package_manager_client import diagnosis, identity

NOW = datetime.now(timezone.utc)


@pytest.fixture
def key(girder):
    def expires(days):
        girder.about_key = {'_id': 'k' * 24, 'name': 'nightly', 'login': 'buildbot',
                            'expires': days if days is None else (NOW + timedelta(days=days)).isoformat()}

    return expires


def checks(done):
    return {one['check']: (one['result'], one['detail']) for one in json.loads(done.stdout)['checks']}


def test_prints_user_key_scopes_and_expiry(run, girder, key):
    key(100)
    lines = dict(line.split(': ', 1) for line in run('whoami').stdout.splitlines())
    assert lines == {'server': girder.url, 'user': 'buildbot', 'key': f'nightly ({"k" * 24})',
                     'expires': f'{NOW + timedelta(days=100):%Y-%m-%d %H:%M} UTC', 'scopes': 'core.user_auth',
                     'credentials': '--api-key'}


def test_a_server_that_states_no_key_is_enough(run, girder):
    document = json.loads(run('whoami', '--json').stdout)
    assert (document['user'], document['key']) == ('builder', None)


def test_without_a_login_it_fails(invoke, girder):
    done = invoke('--api-url', girder.url, 'whoami')
    assert (done.exit_code, done.stdout) == (4, '')
    assert 'not logged in' in done.stderr


@pytest.mark.parametrize(('how', 'allowed'), [('level', True), ('editable', True), ('upload', True), ('', False),
                                              ('refused', False)])
def test_the_permission_to_upload_is_asked_for(how, allowed, run, girder):
    app = girder.apps[0]
    if how == 'level':
        app['_accessLevel'] = 1
    elif how == 'editable':
        girder.editable_apps = [{'_id': app['_id']}]
    elif how in {'upload', 'refused'}:
        girder.scopes = ['slicer_package_manager.upload']
    if how == 'refused':
        girder.fail('GET', f'/app/{app["_id"]}$', 403)
    done = run('whoami', 'Slicer')
    assert done.exit_code == (0 if allowed else 4)
    assert f'uploads to Slicer: {"allowed" if allowed else "not allowed"}' in done.stdout.splitlines()


@pytest.mark.parametrize(('days', 'said'), [
    (0.5, 'expires today'), (5.5, 'expires in 5 days'), (13.9, 'in 13 days'), (14.5, None), (None, None)])
def test_an_upload_warns_before_the_key_expires(days, said, run, key, make_file):
    key(days)
    done = run('extension', 'upload', 'Slicer', make_file(), '--name', 'Foo', '--app_revision', '1')
    warnings = [line for line in done.stderr.splitlines() if line.startswith('Warning')]
    assert done.exit_code == 0
    assert len(warnings) == (said is not None)
    assert not said or said in warnings[0]
    assert 'Warning' not in run('extension', 'list', 'Slicer').stderr


def test_an_upload_of_many_files_warns_once(run, key, make_archive):
    key(1.5)
    paths = [make_archive(f'33000-linux-amd64-Ext{number}-git1.tar.gz') for number in range(3)]
    assert run('extension', 'upload', 'Slicer', *paths).stderr.count('expires in 1 days') == 1


def test_a_time_without_a_zone_is_utc():
    assert identity.expiry({'expires': '2026-11-30T12:00:00'}) == datetime(2026, 11, 30, 12, tzinfo=timezone.utc)


def test_the_doctor_finds_nothing(run, girder, key):
    key(100)
    girder.apps[0]['_accessLevel'] = 2
    done = run('doctor', 'Slicer', '--json')
    assert done.exit_code == 0
    found = checks(done)
    assert {check: result for check, (result, _detail) in found.items()} == dict.fromkeys(
        ('address', 'proxy', 'server', 'clock', 'credentials', 'login', 'application', 'journal'), 'ok')
    assert 'version 1.0.0' in found['server'][1]
    assert '127.0.0.1' in found['address'][1]
    assert run('doctor').stdout.splitlines()[0].split() == ['CHECK', 'RESULT', 'DETAIL']


def test_the_doctor_warns(invoke, girder, monkeypatch):
    girder.problems = {'assetstore': 'missing'}
    monkeypatch.setattr(diagnosis, '_now', lambda: NOW - timedelta(hours=1))
    done = invoke('--api-url', girder.url, 'doctor', '--json')
    found = checks(done)
    assert done.exit_code == 0
    assert {check for check, (result, _detail) in found.items() if result == 'warning'} == {'server', 'clock', 'login'}
    assert 'assetstore: missing' in found['server'][1]
    assert ' s behind that of the server' in found['clock'][1]


def test_the_doctor_names_what_fails(run, invoke, girder):
    girder.fail('GET', '/health$', 503)
    done = run('doctor', 'Slicer', '--json')
    found = checks(done)
    assert (done.exit_code, found['server'][0], found['application'][0]) == (6, 'failed', 'failed')
    assert len(girder.asked('GET', '/health$')) == 1
    done = invoke('--api-url', girder.url, '--api-key', 'wrongwrongwrong', 'doctor', '--json')
    assert (done.exit_code, checks(done)['login'][0]) == (4, 'failed')
    assert 'wrongwrongwrong' not in done.stdout


def test_the_doctor_reports_a_closed_port_and_an_unknown_name(invoke):
    done = invoke('--api-url', 'http://127.0.0.1:9/api/v1', 'doctor', '--json')
    assert (done.exit_code, checks(done)['server'][0]) == (6, 'failed')
    assert 'refused' in checks(done)['server'][1]
    done = invoke('--api-url', 'http://no-such-host.invalid/api/v1', 'doctor', '--json')
    assert (done.exit_code, checks(done)['address'][0]) == (6, 'failed')


def test_the_doctor_reports_another_server(invoke, httpserver):
    httpserver.expect_request('/api/v1/slicer_package_manager/health').respond_with_data('<html>hello</html>')
    done = invoke('--api-url', httpserver.url_for('/api/v1'), 'doctor', '--json')
    assert checks(done)['server'][0] == 'failed'


def test_the_doctor_names_the_proxy_without_its_password(run, girder, monkeypatch):
    monkeypatch.setenv('HTTP_PROXY', 'http://me:SECRET@proxy.invalid:3128')
    monkeypatch.setenv('NO_PROXY', '')
    found = checks(run('--timeout', 5, 'doctor', '--json'))
    assert found['proxy'] == ('ok', 'http://proxy.invalid:3128')
    assert 'resolved by the proxy' in found['address'][1]


@pytest.fixture
def secure():
    """A server that speaks TLS, with a certificate for two days, and the authority of the certificate."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert('localhost', not_after=datetime.now() + timedelta(days=2, hours=1)).configure_cert(context)  # noqa: DTZ005
    with HTTPServer(ssl_context=context, threaded=True) as server:
        yield FakeGirder(server), authority


def test_the_doctor_checks_the_certificate(secure, invoke, tmp_path):
    girder, authority = secure
    authority.cert_pem.write_to_path(str(tmp_path / 'ca.pem'))
    done = invoke('--api-url', girder.url, '--certificate', tmp_path / 'ca.pem', 'doctor', '--json')
    assert checks(done)['tls'] == ('warning', 'TLSv1.3, the certificate expires in 2 days')
    assert checks(done)['server'][0] == 'ok'
    done = invoke('--api-url', girder.url, 'doctor', '--json')
    assert (done.exit_code, checks(done)['tls'][0]) == (6, 'failed')
    done = invoke('--api-url', girder.url, '--no-ssl-verify', 'doctor', '--json')
    assert checks(done)['tls'][0] == 'warning'


def test_a_journal_that_cannot_be_written_is_a_warning(monkeypatch):
    monkeypatch.setattr('os.access', lambda *_args: False)
    assert diagnosis.of_machine().result == 'warning'
