import pytest

from slicer_package_manager_client.cli.progress import Lines
from slicer_package_manager_client.errors import (
    ChecksumMismatch,
    Conflict,
    InvalidRequest,
    NetworkProblem,
    NotFound,
    Refused,
)
from slicer_package_manager_client.github import GitHub
from slicer_package_manager_client.localfile import LocalFile

TAG = '33000-linux-amd64'


@pytest.fixture
def publish(github, retries, make_file):
    def run(name='a.tar.gz', seed=0, token=github.token, **more):
        with (LocalFile(make_file(name, seed=seed), ('sha512', 'sha256')) as source,
              GitHub(github.repo, token, retries=retries, timeout=10, api_url=github.url, progress=Lines,
                     **more) as there):
            return there.publish(TAG, source)

    return run


def asset(github):
    assert len(github.assets) == 1
    return next(iter(github.assets.values()))


def test_makes_the_release_and_uploads_to_the_other_origin(publish, github, make_file):
    found = publish()
    assert found.url == f'https://github.com/owner/builds/releases/download/{TAG}/a.tar.gz'
    assert asset(github)['size'] == 1000
    assert github.asked('POST', 'assets')[0].host != github.asked('POST', 'releases$')[0].host


def test_uses_a_release_that_is_there(publish, github):
    github.make_release(TAG)
    publish()
    assert github.asked('POST', 'releases$') == []


def test_another_machine_may_make_the_release_first(publish, github):
    github.make_release(TAG)
    github.fail('GET', 'tags', 404)
    publish()
    assert asset(github)['state'] == 'uploaded'


def test_the_same_asset_is_not_sent_again(publish, github):
    first = publish()
    github.requests.clear()
    assert publish() == first
    assert [one.method for one in github.requests] == ['GET', 'GET']


def test_an_asset_without_a_digest_is_compared_by_its_size(publish, github):
    github.digests = False
    assert publish().checked is False
    github.requests.clear()
    assert publish().checked is False
    assert github.asked('POST') == []


def test_another_asset_of_the_name_is_replaced(publish, github):
    publish()
    publish(seed=1)
    assert len(github.asked('DELETE')) == 1
    assert len(github.assets) == 1


def test_a_half_uploaded_asset_is_removed_first(publish, github):
    github.make_asset(github.make_release(TAG), 'a.tar.gz', b'half', state='starter')
    publish()
    assert asset(github)['state'] == 'uploaded'


def test_after_a_bad_gateway_it_looks_what_was_left(publish, github, pauses):
    release = github.make_release(TAG)
    github.fail('POST', 'assets', 502)
    original = github.answer

    def leave_a_starter(request):
        result = original(request)
        if result.status_code == 502:
            github.make_asset(release, 'a.tar.gz', b'half', state='starter')
        return result

    github.answer = leave_a_starter
    publish()
    assert asset(github)['state'] == 'uploaded'
    assert len(pauses) == 1


def test_an_upload_whose_answer_was_lost_is_found(publish, github):
    github.fail('POST', 'assets', 502, after=True)
    publish()
    assert len(github.asked('POST', 'assets')) == 1


def test_an_asset_that_appears_meanwhile_is_compared(publish, github, make_file):
    release = github.make_release(TAG)
    data = make_file('a.tar.gz').read_bytes()
    original = github.list_assets
    seen = []

    def hidden_at_first(self, request, number):
        seen.append(1)
        if len(seen) == 1:
            github.make_asset(release, 'a.tar.gz', data)
            from fakes import answer
            return answer([])
        return original(request, number)

    github.routes = tuple((method, pattern, hidden_at_first if handler.__name__ == 'list_assets' else handler)
                          for method, pattern, handler in github.routes)
    publish()
    assert len(github.assets) == 1


@pytest.mark.parametrize(('status', 'headers', 'body', 'seconds'), [
    pytest.param(403, {'Retry-After': '31'}, '{"message": "x"}', 31, id='403 with Retry-After'),
    pytest.param(429, {'Retry-After': '31'}, '{"message": "x"}', 31, id='429 with Retry-After'),
    pytest.param(429, {'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1'}, '{"message": "x"}', None,
                 id='limit that is over'),
    pytest.param(403, {}, '{"message": "You have exceeded a secondary rate limit."}', 60, id='secondary limit'),
])
def test_obeys_rate_limits(status, headers, body, seconds, publish, github, pauses):
    github.fail('POST', 'assets', status, headers=headers, body=body)
    publish()
    assert len(pauses) == 1
    assert seconds is None or pauses == [seconds]


def test_reads_back_the_name_that_github_gave(publish, github):
    found = publish('with space.tar.gz')
    assert found.name == 'with.space.tar.gz'
    github.requests.clear()
    assert publish('with space.tar.gz') == found
    assert github.asked('POST') == []


def test_finds_an_asset_on_a_later_page(publish, github):
    release = github.make_release(TAG)
    for number in range(150):
        github.make_asset(release, f'{number}.tar.gz', b'x')
    publish()
    github.requests.clear()
    publish()
    assert github.asked('POST') == []


def test_an_immutable_release_asks_for_another_tag(publish, github):
    github.immutable = True
    github.make_asset(github.make_release(TAG), 'a.tar.gz', b'other')
    with pytest.raises(Conflict, match='--github-tag'):
        publish()


def test_a_release_that_became_immutable_asks_for_another_tag(publish, github):
    github.make_asset(github.make_release(TAG), 'a.tar.gz', b'other')
    github.immutable = True
    with pytest.raises(Conflict, match='--github-tag'):
        publish()


def test_a_damaged_asset_is_removed(publish, github):
    github.damage = lambda data: data[:-1] + b'!'
    with pytest.raises(ChecksumMismatch):
        publish()
    assert github.assets == {}


@pytest.mark.parametrize(('status', 'error', 'said'), [
    (401, Refused, 'GITHUB_TOKEN'), (403, Refused, 'contents: write'), (404, NotFound, 'repository'),
    (422, Conflict, 'injected'), (500, NetworkProblem, 'later')])
def test_says_what_a_refusal_means(status, error, said, publish, github, retries):
    github.fail('POST', 'releases$', status, times=99)
    with pytest.raises(error, match=said):
        publish()


def test_a_wrong_token_is_refused_and_not_printed(publish, github):
    with pytest.raises(Refused) as raised:
        publish(token='ghp_wrong')
    assert 'ghp_wrong' not in str(raised.value)


@pytest.mark.parametrize('name', ['owner', 'owner/name/more', 'https://github.com/owner/name', 'a b/c', '../x', 'x/.'])
def test_a_repository_is_owner_and_name(name, retries):
    with pytest.raises(InvalidRequest):
        GitHub(name, 'token', retries=retries, timeout=1, progress=Lines)


def test_a_file_of_two_gibibytes_is_refused_before_anything_is_sent(publish, github, monkeypatch):
    monkeypatch.setattr('slicer_package_manager_client.github.SIZE_LIMIT', 500)
    with pytest.raises(InvalidRequest, match='2 GiB'):
        publish()
    assert github.requests == []


def test_an_unreachable_server_is_reported(make_file, retries):
    with (LocalFile(make_file(), ('sha512', 'sha256')) as source,
          GitHub('a/b', 'token', retries=retries, timeout=1, api_url='http://127.0.0.1:9', progress=Lines) as there,
          pytest.raises(NetworkProblem, match='was refused')):
        there.publish(TAG, source)
