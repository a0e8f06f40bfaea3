"""Requests to GitHub: limits, refusals, and where the token goes."""
import time

import pytest

from plugin_tests.logs.fake_github import FakeGitHub
from plugin_tests.logs.publication.conftest import lines
from slicer_package_manager.logs.errors import LaterError, LogsError
from slicer_package_manager.logs.github.api import Access, GitHub, RefusedError, _uploads_of
from slicer_package_manager.retries import BusyError

SECONDARY = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.'
FINE = {'X-Accepted-GitHub-Permissions': 'contents=write'}


@pytest.mark.parametrize(('status', 'message', 'headers', 'pause'), [
    (403, 'API rate limit exceeded', {'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': '+100'}, 100),
    (429, 'API rate limit exceeded', {'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': '+100'}, 100),
    (403, SECONDARY, {'Retry-After': '7'}, 7), (429, SECONDARY, {'Retry-After': '7'}, 7),
    (403, SECONDARY, {'X-RateLimit-Remaining': '4000'}, 60), (429, 'Too many', {'Retry-After': '100000'}, 3700),
    (502, 'Server Error', {}, 2), (503, 'Busy', {'Retry-After': '9'}, 9), (408, 'Slow', {}, 2)])
def test_limits_are_obeyed(github, api, pauses, status, message, headers, pause):
    reset = headers.get('X-RateLimit-Reset')
    headers = {**headers, **({'X-RateLimit-Reset': str(int(time.time()) + int(reset))} if reset else {})}
    github.fail('GET', '$', status, message, headers=headers)
    notices = []
    assert api(notice=notices.append).get('')['private'] is True
    assert len(pauses) == len(notices) == 1
    assert pause - 5 <= pauses[0] <= pause
    assert f'status {status}' in notices[0]


def test_pauses_grow_until_the_attempts_are_used_up(github, api, pauses):
    github.fail('GET', '$', 502, times=9)
    with pytest.raises(LaterError, match='status 502'):
        api().get('')
    assert pauses == [2, 4, 8, 16, 32]


def test_many_writes_are_one_per_second(github, api, pauses):
    github.add_commit({'a': b''})
    there = api()
    for number in range(33):
        there.send('POST', '/git/blobs', json={'content': '', 'encoding': 'base64'})
        assert len(pauses) <= max(0, number - 29)
    assert len(pauses) == 3
    assert all(0 < pause <= 1 for pause in pauses)


@pytest.mark.parametrize(('status', 'message', 'headers', 'wanted'), [
    (401, 'Bad credentials', {}, 'The token is wrong, expired or revoked'),
    (403, 'Resource not accessible by personal access token', FINE,
     r'lacks a permission: this request requires "contents=write".*"Contents: Read and write"'),
    (403, 'Must have admin rights', {'X-OAuth-Scopes': 'gist, read:org', 'X-Accepted-OAuth-Scopes': 'repo'},
     'The classic token has the scopes "gist, read:org", but requires "repo"'),
    (404, 'Not Found', {'X-OAuth-Scopes': ''}, 'the token does not reach it. The classic token has the scopes ""'),
    (404, 'Not Found', {}, 'There is no such repository, or the token does not reach it.*"Contents: Read and write"'),
    (403, 'Resource protected by organization SAML enforcement', {'X-GitHub-SSO': 'required; url=x'},
     'single sign-on'),
    (403, 'Repository was archived so is read-only.', {'X-OAuth-Scopes': 'repo'}, 'archived so is read-only'),
    (451, 'Repository access blocked', {}, 'status 451: Repository access blocked')])
def test_a_refusal_says_which_permission_the_token_requires(github, api, pauses, status, message, headers, wanted):
    github.fail('POST', 'blobs', status, message, headers=headers)
    with pytest.raises(RefusedError, match=wanted) as refused:
        api().send('POST', '/git/blobs', json={})
    assert github.token not in str(refused.value)
    assert pauses == []


def test_a_token_that_may_only_read_is_refused_before_anything_is_sent(github, publish, ingest):
    ingest(*lines())
    github.permissions = {'pull': True, 'push': False}
    with pytest.raises(LogsError, match='may only read owner/statistics'):
        publish()
    github.permissions, github.archived = {'push': True}, True
    with pytest.raises(LogsError, match='archived'):
        publish()
    assert {one.method for one in github.requests} == {'GET'}


def test_a_wrong_token_is_refused(publish, ingest):
    ingest(*lines())
    with pytest.raises(RefusedError, match='wrong, expired or revoked'):
        publish({'token': 'other'})


@pytest.mark.parametrize('token', ['', 'two\nlines', 'with space', 'ü'])
def test_what_is_no_token_is_not_sent(token):
    with pytest.raises(LogsError, match='token of GitHub') as error:
        GitHub(Access('a/b', token))
    assert not token or token not in str(error.value)


@pytest.mark.parametrize('name', ['', 'a', 'a/b/c', 'a/..', 'a/b?x', 'https://github.com/a/b'])
def test_what_is_no_repository_is_refused(name):
    with pytest.raises(LogsError, match='Write it as OWNER/NAME'):
        GitHub(Access(name, 'token'))


@pytest.mark.parametrize('url', ['http://github.example.org/api/v3', 'ftp://127.0.0.1', 'api.github.com'])
def test_a_token_is_sent_over_https_only(url):
    with pytest.raises(LogsError, match='is no URL'):
        GitHub(Access('a/b', 'token', url))


@pytest.mark.parametrize(('api_url', 'uploads'), [
    ('https://api.github.com', 'https://uploads.github.com'),
    ('https://api.acme.ghe.com', 'https://uploads.acme.ghe.com'),
    ('https://github.example.org/api/v3', 'https://github.example.org')])
def test_uploads_have_the_origin_that_belongs_to_the_api(api_url, uploads):
    import httpx
    assert _uploads_of(httpx.URL(api_url)) == uploads


def test_files_are_sent_to_no_other_origin(github, publish, ingest):
    ingest(*lines())
    with pytest.raises(LogsError, match=r'which does not belong to .* allow it with --uploads-url'):
        publish({'uploads': ()})
    assert github.asked('POST', 'assets') == []
    github.origin = 'https://uploads.example.com'
    with pytest.raises(LogsError, match=r'https://uploads\.example\.com for uploads'):
        publish()


def test_uploads_go_to_the_other_origin(github, publish, ingest):
    ingest(*lines())
    publish()
    assert {one.host_url.rstrip('/') for one in github.asked('POST', 'assets')} == {github.uploads}
    assert {one.host_url.rstrip('/') for one in github.requests if 'assets' not in one.path} == {github.url}


def test_github_enterprise_has_both_at_one_origin(github, publish, ingest):
    ingest(*lines())
    github.origin = github.url
    publish({'api_url': f'{github.url}/api/v3', 'uploads': ()})
    assert github.names() == ['2026-11-01-default.log.gz', 'dashboard.json']


def test_a_repository_that_moved_is_not_followed(github, publish, ingest):
    ingest(*lines())
    github.fail('GET', 'statistics$', 301, headers={'Location': f'{github.url}/repositories/1'})
    with pytest.raises(LogsError, match='owner/statistics was renamed or moved'):
        publish()
    assert len(github.requests) == 1


def test_what_is_no_json_is_no_github(httpserver):
    httpserver.expect_request('/repos/a/b').respond_with_data('<html>Log in to the network</html>')
    there = GitHub(Access('a/b', 'token', httpserver.url_for('').rstrip('/')))
    with pytest.raises(LogsError, match='something else than JSON'):
        there.get('')
    there.close()


def test_a_server_that_is_busy_says_so(github, api):
    github.fail('GET', '$', 503)
    there = api()
    with pytest.raises(BusyError):
        there.once('GET', f'{github.url}/repos/{FakeGitHub.repo}')
