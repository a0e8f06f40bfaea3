"""Logins with the ID token of a CI service, against fakes of the server and of GitHub Actions."""
import pytest
from fakes import FakeActions
from test_commands import EXTENSION

from slicer_package_manager_client import oidc
from slicer_package_manager_client.client import SlicerPackageClient
from slicer_package_manager_client.errors import NetworkProblem, NotFound, Refused

EXCHANGE = 'oidc/token'


@pytest.fixture
def actions(httpserver, girder):
    return FakeActions(httpserver, girder)


@pytest.fixture
def job(actions, monkeypatch):
    """The environment of a job of GitHub Actions that may request ID tokens."""
    for name, value in actions.variables.items():
        monkeypatch.setenv(name, value)
    return actions


@pytest.fixture
def upload(invoke, girder, make_file):
    """The command for an upload, without credentials."""
    def run(*args, **kwargs):
        return invoke('--api-url', girder.url, '--retry-pause', 0, *args, 'extension', 'upload', 'Slicer', make_file(),
                      *EXTENSION, **kwargs)
    return run


@pytest.fixture
def anonymous(girder, retries):
    return SlicerPackageClient(apiUrl=girder.url, retries=retries)


def tokens_sent(girder, method='POST', path='/app/'):
    return {request.headers.get('Girder-Token') for request in girder.asked(method, path)}


def test_an_upload_on_github_actions_needs_no_stored_secret(upload, girder, job):
    done = upload()
    assert done.exit_code == 0, done.stderr
    request, = job.asked('GET')
    assert dict(request.args) == {'api-version': '2.0', 'audience': girder.url.removesuffix('/api/v1')}
    exchange, = girder.asked('POST', EXCHANGE)
    assert exchange.form.to_dict() == {'id_token': job.given[0], 'app': 'Slicer'}
    assert not exchange.args
    assert tokens_sent(girder) == {girder.token}


def test_nothing_secret_is_printed(upload, girder, job):
    done = upload('--verbose')
    for secret in (job.secret, *job.given, girder.token):
        assert secret not in done.output + done.stderr
    girder.fail('POST', EXCHANGE, 403, body=f'{{"message": "not accepted: secret.id.token1 by {job.secret[:5]}"}}')
    refused = upload('--verbose')
    assert refused.exit_code == Refused.exit_code
    assert 'Trusted publishing was refused: not accepted: *** by' in refused.stderr


def test_gitlab_ci_gives_the_token_in_a_variable(upload, girder, actions):
    girder.id_tokens.append('secret.gitlab.token')
    done = upload(env={oidc.ID_TOKEN: 'secret.gitlab.token'})
    assert done.exit_code == 0, done.stderr
    assert actions.requests == []
    assert girder.id_tokens == []


@pytest.mark.parametrize('env', [{'GIRDER_API_KEY': 'secretkey0123456789'},
                                 {'SLICER_PACKAGE_MANAGER_TRUSTED_PUBLISHING': 'never'}])
def test_other_credentials_and_never_take_precedence(upload, girder, job, env):
    assert upload(env=env).exit_code == 0
    assert job.requests == []


def test_always_takes_precedence_over_other_credentials(upload, girder, job):
    assert upload('--api-key', girder.key, '--trusted-publishing', 'always').exit_code == 0
    assert len(job.given) == 1
    assert girder.asked('POST', 'api_key/token') == []


def test_only_uploads_log_in_by_themselves(invoke, girder, job):
    listing = ('extension', 'list', 'Slicer')
    assert invoke('--api-url', girder.url, *listing).exit_code == 0
    assert job.requests == []
    assert invoke('--api-url', girder.url, '--trusted-publishing', 'always', *listing).exit_code == 0
    assert len(job.given) == 1


def test_without_an_id_token_always_is_refused_with_what_to_do(upload, girder):
    done = upload('--trusted-publishing', 'always')
    assert done.exit_code == Refused.exit_code
    assert 'id-token: write' in done.stderr
    assert oidc.ID_TOKEN in done.stderr
    assert girder.requests == []


@pytest.mark.parametrize('service', ['GITHUB_ACTIONS', 'GITLAB_CI'])
def test_a_job_without_an_id_token_is_refused_with_what_to_do(upload, girder, service):
    girder.fail('GET', '/app', 401, body='{"message": "You must be logged in."}')
    done = upload(env={service: 'true'})
    assert done.exit_code == Refused.exit_code
    assert 'id-token: write' in done.stderr
    assert oidc.ID_TOKEN in done.stderr


def test_a_refused_exchange_adds_nothing_to_the_advice_of_the_server(upload, girder, job):
    girder.fail('POST', EXCHANGE, 403, body='{"message": "Its branch is \\"x\\". Start it from the branch main."}')
    assert upload().stderr.endswith(f'Start it from the branch main. (server {girder.url}/)\n')


def test_the_audience_can_be_given(upload, job):
    upload('--oidc-audience', 'https://packages.example.org/girder')
    request, = job.asked('GET')
    assert request.args['audience'] == 'https://packages.example.org/girder'


@pytest.mark.parametrize('in_parallel', [False, True])
def test_a_refused_publisher_is_not_advised_to_use_another_key(girder, job, anonymous, in_parallel):
    oidc.log_in(anonymous)
    other = SlicerPackageClient(apiUrl=girder.url)
    other.share_login(anonymous)
    client = other if in_parallel else anonymous
    girder.fail('GET', '/app', 403, body='{"message": "Write access denied."}', times=2)
    with pytest.raises(Refused) as refused, client.explained():
        client.get('app')
    assert refused.value.advice == ('Ask an administrator to register what this workflow may upload, and with which '
                                    'account.')
    client.authenticate(apiKey='secretkey0123456789')
    with pytest.raises(Refused, match='key of another account'), client.explained():
        client.get('app')


@pytest.mark.parametrize(('api_url', 'audience'), [
    ('https://example.org/api/v1', 'https://example.org'), ('https://example.org/api/v1/', 'https://example.org'),
    ('https://example.org/girder/api/v1', 'https://example.org/girder'),
    ('https://example.org:8080/other', 'https://example.org:8080/other')])
def test_the_audience_is_the_address_of_the_server(api_url, audience):
    assert oidc.audience_of(api_url) == audience


def test_an_expired_token_is_replaced_during_an_upload(upload, girder, job):
    girder.fail('POST', 'file$', 401)
    done = upload()
    assert done.exit_code == 0, done.stderr
    assert len(job.given) == 2
    assert len(girder.asked('POST', EXCHANGE)) == 2


def test_an_id_token_of_gitlab_cannot_replace_an_expired_token(upload, girder):
    girder.id_tokens.append('secret.gitlab.token')
    girder.fail('POST', 'file$', 401)
    done = upload(env={oidc.ID_TOKEN: 'secret.gitlab.token'})
    assert done.exit_code == Refused.exit_code
    assert 'was used already' in done.stderr


def test_a_busy_endpoint_of_the_ci_service_is_asked_again(anonymous, girder, job, pauses):
    job.fail('GET', 'token', 503, times=2)
    oidc.log_in(anonymous)
    assert (len(job.requests), len(pauses)) == (3, 2)
    exchange, = girder.asked('POST', EXCHANGE)
    assert exchange.form.to_dict() == {'id_token': job.given[0]}


@pytest.mark.parametrize(('status', 'headers', 'body', 'kind'), [
    (401, {}, '{"message": "no"}', Refused), (302, {'Location': 'http://127.0.0.1:9/'}, '', Refused),
    (200, {}, 'no JSON', NetworkProblem), (200, {}, '{"value": 7}', NetworkProblem), (200, {}, '[]', NetworkProblem)])
def test_what_is_no_id_token_is_reported_and_no_redirect_is_followed(anonymous, girder, job, status, headers, body,
                                                                     kind):
    job.fail('GET', 'token', status, headers=headers, body=body)
    with pytest.raises(kind) as failure, anonymous.explained():
        oidc.log_in(anonymous)
    assert 'http://localhost:' in str(failure.value)
    assert job.secret not in str(failure.value)
    assert girder.requests == []
    assert len(job.requests) == 1


def test_a_refused_exchange_is_not_repeated(anonymous, girder, job):
    girder.fail('POST', EXCHANGE, 403, times=9)
    with pytest.raises(Refused), anonymous.explained():
        oidc.log_in(anonymous)
    assert len(girder.asked('POST', EXCHANGE)) == 1


def test_an_older_server_is_named_as_the_reason(anonymous, girder, job):
    girder.fail('POST', EXCHANGE, 400, body='{"message": "No matching route for \\"POST oidc/token\\""}')
    with pytest.raises(NotFound, match='no trusted publishing'):
        oidc.log_in(anonymous)
