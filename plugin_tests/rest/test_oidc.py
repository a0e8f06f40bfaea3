"""The exchange of ID tokens: which runs are accepted, and each token once."""
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from plugin_tests import issuer as issuers
from plugin_tests.conftest import Client
from plugin_tests.issuer import AUDIENCE, REPOSITORY

pytestmark = pytest.mark.database

#: More than the clocks may differ.
FAR = 3600


@pytest.mark.parametrize('key_id', ['rs', 'ec'])
def test_a_token_of_a_registered_run_becomes_a_token_of_15_minutes_that_only_uploads(register, exchange, issuer, tokens,
                                                                                     buildbot, key_id):
    register().raise_for_status()
    answer = exchange(issuer.token(key_id=key_id))
    assert answer.status_code == 200, answer.text
    given = answer.json()['authToken']
    assert given['scope'] == ['slicer_package_manager.upload']
    assert answer.headers['Cache-Control'] == 'no-store'
    left = datetime.fromisoformat(given['expires']) - datetime.now(timezone.utc)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    one, = tokens()
    assert (one['_id'], one['userId']) == (given['token'], buildbot['_id'])


def test_the_id_token_must_not_be_in_the_url(register, anonymous, issuer, tokens):
    register().raise_for_status()
    answer = anonymous.post('/slicer_package_manager/oidc/token', params={'id_token': issuer.token()})
    assert answer.status_code == 400
    assert 'in the body' in answer.json()['message']
    assert tokens() == []


def test_it_works_where_reading_requires_a_login(register, exchange, issuer, api):
    register().raise_for_status()
    api.put('/system/setting', params={'key': 'core.disable_anonymous_access', 'value': 'true'}).raise_for_status()
    assert exchange(issuer.token()).status_code == 200


# Replays

def test_a_token_is_accepted_once(register, exchange, issuer):
    register().raise_for_status()
    claims = issuer.claims()
    token = issuer.token(claims)
    answers = [exchange(token) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 403, 403]
    assert 'was used already' in answers[1].json()['message']
    assert exchange(issuer.token(claims, key_id='ec')).status_code == 403


def test_of_50_replays_at_the_same_time_one_is_accepted(register, wsgi_app, issuer, tokens):
    register().raise_for_status()
    token = issuer.token()

    def post(_number):
        with Client(wsgi_app) as client:
            return client.post('/slicer_package_manager/oidc/token', data={'id_token': token}).status_code
    with ThreadPoolExecutor(50) as pool:
        assert sorted(pool.map(post, range(50))) == [200, *[403] * 49]
    assert len(tokens()) == 1
    assert len(issuer.requests) == 2, 'the keys are fetched once for all threads'


def test_the_database_removes_the_record_of_a_token_after_it_has_expired(register, exchange, issuer, db):
    register().raise_for_status()
    claims = issuer.claims()
    exchange(issuer.token(claims)).raise_for_status()
    one, = db['slicer_package_id_token'].find()
    assert one['expires'].replace(tzinfo=timezone.utc).timestamp() > claims['exp'] + 600
    index = db['slicer_package_id_token'].index_information()['spm_id_token_expires']
    assert index['expireAfterSeconds'] == 0
    assert claims['jti'] not in str(one)


def test_a_refused_token_is_not_used_up(register, exchange, issuer):
    token = issuer.token()
    assert exchange(token).status_code == 403
    register().raise_for_status()
    assert exchange(token).status_code == 200


# Claims of every token

def test_another_audience_is_refused(registered, refused, issuer):
    for audience in ('https://other.example.org', AUDIENCE + '/', AUDIENCE.upper(), '', [AUDIENCE], None, 7, {},
                     [AUDIENCE, 'https://other.example.org']):
        assert refused(issuer.token(issuer.claims(aud=audience))), audience
    message = refused(issuer.token(issuer.claims(aud='https://x.example.org')))
    assert f'Request it for {AUDIENCE}, ' in message
    assert '--oidc-audience' in message


def test_without_an_address_of_the_server_no_token_is_accepted(registered, refused, issuer, api):
    api.delete('/system/setting', params={'key': 'core.server_root'}).raise_for_status()
    assert 'core.server_root' in refused(issuer.token(issuer.claims(aud='http://testserver')))


def test_a_token_of_another_time_is_refused(registered, refused, issuer):
    now = int(time.time())
    for name, value, reason in (
            ('exp', now - FAR, 'has expired'), ('exp', now - 31, 'has expired'), ('exp', now + 32 * 86400, '31 days'),
            ('exp', 1e300, ''), ('nbf', now + FAR, 'is not valid yet'), ('iat', now + FAR, 'is not valid yet'),
            ('exp', str(now + 300), 'wrong type'), ('iat', str(now), 'wrong type'), ('exp', 'soon', 'wrong type'),
            ('nbf', [], 'wrong type'), ('exp', float('inf'), ''), ('exp', float('nan'), ''),
            ('iat', True, 'wrong type'), ('iat', -1e300, ''), ('jti', 7, 'wrong type'),
            ('jti', '', 'an empty one')):
        assert reason in refused(issuer.token(issuer.claims(**{name: value})), malformed=True), (name, value)


def test_clocks_may_differ_a_little(register, exchange, issuer):
    register().raise_for_status()
    now = int(time.time())
    assert exchange(issuer.token(issuer.claims(exp=now - 5))).status_code == 200
    assert exchange(issuer.token(issuer.claims(nbf=now + 15, iat=now + 15))).status_code == 200


def test_a_missing_claim_is_refused(registered, refused, issuer):
    for name in ('exp', 'nbf', 'iat', 'jti', 'aud', 'repository', 'repository_id', 'workflow_ref', 'ref', 'sha',
                 'event_name', 'run_id', 'run_number'):
        claims = issuer.claims()
        del claims[name]
        assert refused(issuer.token(claims)), name


def test_a_claim_that_is_no_text_is_refused(registered, refused, issuer):
    for value in (58719283, ['58719283'], {'$ne': ''}, True, 'x' * 2000, '58719283\n', '', '\ud800'):
        assert 'claim "repository_id"' in refused(issuer.token(issuer.claims(repository_id=value))), value
    assert 'claim "environment"' in refused(issuer.token(issuer.claims(environment=7)))


# Claims of the run

RUNS = [
    ({'repository': 'evil/fork', 'repository_id': '1'}, 'No publisher is registered for the repository "evil/fork"'),
    ({'repository_id': '666'}, 'its repository id is "666", not "58719283"'),
    ({'repository': 'SlicerIGT/Renamed'}, 'its repository is "SlicerIGT/Renamed"'),
    ({'repository': REPOSITORY.lower()}, 'its repository is'),
    ({'workflow_ref': f'{REPOSITORY}/.github/workflows/other.yml@refs/heads/main'}, 'its workflow is "other.yml"'),
    ({'workflow_ref': 'evil/fork/.github/workflows/package.yml@refs/heads/main'}, 'is not below'),
    ({'workflow_ref': f'{REPOSITORY}/.github/workflows/package.yml@refs/heads/other'}, 'is not below'),
    ({'workflow_ref': 'package.yml'}, 'is not below'),
    ({'workflow_ref': f'{REPOSITORY}/.github/workflows/@refs/heads/main'}, 'is not below'),
    ({'workflow_ref': f'{REPOSITORY}/.github/workflows/PACKAGE.yml@refs/heads/main'}, 'its workflow is'),
    ({'ref': 'refs/heads/other'}, 'its branch is "other", not "main"'),
    ({'ref': 'refs/heads/main2'}, 'its branch is'), ({'ref': 'refs/tags/main'}, 'its branch is none, not "main"'),
    ({'ref': 'refs/pull/7/merge', 'event_name': 'pull_request'}, 'started by "pull_request"'),
    ({'ref': 'refs/pull/7/merge'}, 'started by "push"'),
    ({'event_name': 'pull_request_target'}, 'started by "pull_request_target"'),
    ({'ref': 'main'}, 'started by')]


def test_another_run_is_refused_with_the_reason(registered, refused, issuer):
    for values, reason in RUNS:
        message = refused(issuer.token(issuer.claims(**values)))
        assert reason in message, values
        assert 'is not below' in message or 'an administrator' in message.lower(), message


def test_an_environment_is_compared_too(register, exchange, issuer):
    register(branch='', environment='release').raise_for_status()
    for values in ({}, {'environment': 'Release'}, {'environment': 'other'}, {'environment': ''}):
        answer = exchange(issuer.token(issuer.claims(**values)))
        assert answer.status_code == 403
        assert 'its environment is' in answer.json()['message']
    pull = {'environment': 'release', 'ref': 'refs/pull/7/merge', 'event_name': 'pull_request'}
    assert exchange(issuer.token(issuer.claims(**pull))).status_code == 403
    for ref in ('refs/heads/any', 'refs/tags/v1.0'):
        assert exchange(issuer.token(issuer.claims(environment='release', ref=ref))).status_code == 200


def test_publishers_of_other_repositories_are_not_revealed(registered, refused, issuer):
    message = refused(issuer.token(issuer.claims(repository='evil/fork', repository_id='1')))
    assert 'SlicerIGT' not in message


def test_an_issuer_that_is_not_allowed_is_refused_and_never_asked(registered, refused, issuer, api):
    assert 'oidc_issuers' in refused(issuer.token(issuer.claims(iss='https://evil.example.org')))
    for other in (f'{issuer.url}/', issuer.url.upper(), 'http://localhost', '', [issuer.url]):
        assert refused(issuer.token(issuer.claims(iss=other)), malformed=True)
    api.put('/system/setting', params={
        'key': 'slicer_package_manager.oidc_issuers', 'value': '{"https://gitlab.com": "gitlab"}'}).raise_for_status()
    assert 'oidc_issuers' in refused(issuer.token())
    assert issuer.requests == []


def test_the_application_is_named_if_the_repository_publishes_to_several(register, exchange, issuer, api, app, grant,
                                                                         buildbot):
    other = api.post('/app', params={'name': 'Other'}).raise_for_status().json()
    grant(other, buildbot, level=1, public=True)
    one, two = (register(app_id=place['_id']).raise_for_status().json() for place in (app, other))
    answer = exchange(issuer.token())
    assert answer.status_code == 409
    assert one['_id'] in answer.json()['message']
    assert two['_id'] in answer.json()['message']
    for wanted in ('Other', other['_id'], 'Slicer', app['_id']):
        assert exchange(issuer.token(), app=wanted).status_code == 200
    for unknown in ('Unknown', '5f4474d0e1d8c75dfc705499'):
        assert exchange(issuer.token(), app=unknown).status_code == 403


def test_the_account_must_still_exist_and_be_allowed_to_write(register, exchange, issuer, grant, app, db):
    register().raise_for_status()
    grant(app, public=True, recurse=True)
    answer = exchange(issuer.token())
    assert answer.status_code == 403
    assert 'account of the publisher' in answer.json()['message']
    db['user'].delete_one({'login': 'buildbot'})
    assert exchange(issuer.token()).status_code == 403


def test_a_disabled_account_does_not_upload(register, exchange, issuer, db):
    register().raise_for_status()
    db['user'].update_one({'login': 'buildbot'}, {'$set': {'status': 'disabled'}})
    assert exchange(issuer.token()).status_code == 403


# GitLab

@pytest.fixture
def gitlab(issuer, api, register):
    """The issuer as a GitLab server, with a publisher."""
    api.put('/system/setting', params={'key': 'slicer_package_manager.oidc_issuers', 'value': json.dumps({
        issuer.url: 'gitlab'})}).raise_for_status()
    register(repository='group/sub/SlicerIGT', repository_id='20', workflow='.gitlab-ci.yml').raise_for_status()
    return issuer


def test_a_pipeline_of_gitlab_is_accepted(gitlab, exchange, tokens):
    assert exchange(gitlab.token(gitlab.of_gitlab())).status_code == 200
    one, = tokens()
    assert one['build'] == {
        'issuer': gitlab.url, 'repository': 'group/sub/SlicerIGT', 'commit': issuers.COMMIT, 'ref': 'refs/heads/main',
        'workflow': '.gitlab-ci.yml', 'run': '99', 'repository_url': f'{gitlab.url}/group/sub/SlicerIGT',
        'commit_url': f'{gitlab.url}/group/sub/SlicerIGT/-/commit/{issuers.COMMIT}',
        'run_url': f'{gitlab.url}/group/sub/SlicerIGT/-/pipelines/99'}


PIPELINES = [
    {'project_path': 'evil/SlicerIGT'}, {'project_id': '21'}, {'project_id': 20}, {'ref_path': 'refs/heads/other'},
    {'pipeline_source': 'merge_request_event'}, {'pipeline_source': 'external_pull_request_event'},
    {'ref_path': 'refs/merge-requests/7/head'}, {'ci_config_ref_uri': None},
    {'ci_config_ref_uri': 'gitlab.com/evil/x//.gitlab-ci.yml@refs/heads/main'}]


def test_another_pipeline_is_refused(gitlab, refused):
    for values in PIPELINES:
        assert refused(gitlab.token(gitlab.of_gitlab(**values))), values


def test_claims_of_github_are_none_of_gitlab(gitlab, refused):
    assert 'claim "project_path"' in refused(gitlab.token())
