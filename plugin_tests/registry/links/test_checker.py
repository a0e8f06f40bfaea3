import re
import time
from types import SimpleNamespace

import pytest
import tenacity
from bson.objectid import ObjectId
from werkzeug import Response

from slicer_package_manager import retries
from slicer_package_manager.registry.links import checker
from slicer_package_manager.registry.links.checker import Options

FILE = {'_id': 'f', 'size': 5}
ITEM = {'_id': 'i', 'name': 'Slicer_linux_amd64_33000'}


@pytest.fixture
def ask(httpserver):
    """The finding about one link to the test's own server."""
    def start(path='/a.zip', **values):
        options = Options(attempts=values.pop('attempts', 3), pause=values.pop('pause', 0),
                          github_api=httpserver.url_for('/api'))
        file = {**FILE, 'linkUrl': values.pop('url', httpserver.url_for(path)), **values}
        (finding,) = checker.check([(ITEM, file)], options)
        return finding
    return start


def test_a_link_that_is_there_is_ok(httpserver, ask):
    httpserver.expect_request('/a.zip', method='HEAD').respond_with_data('12345')
    assert ask()._asdict() == {'item': 'i', 'name': ITEM['name'], 'url': httpserver.url_for('/a.zip'), 'state': 'ok',
                               'reason': ''}


@pytest.mark.parametrize('status', [401, 403, 404, 410])
def test_a_link_that_is_refused_or_gone_is_broken(httpserver, ask, status):
    httpserver.expect_request('/a.zip').respond_with_data(status=status)
    finding = ask()
    assert (finding.state, finding.reason) == ('broken', f'status {status}')
    assert len(httpserver.log) == 1


def test_a_file_of_another_size_is_changed(httpserver, ask):
    httpserver.expect_request('/a.zip').respond_with_data('123456')
    finding = ask()
    assert (finding.state, finding.reason) == ('changed', '6 bytes instead of 5')


def test_redirects_are_followed(httpserver, ask):
    httpserver.expect_request('/a.zip').respond_with_response(Response(status=302, headers={'Location': '/b.zip'}))
    httpserver.expect_request('/b.zip').respond_with_data('12345')
    assert ask().state == 'ok'


@pytest.mark.parametrize('status', [408, 429, 500, 502, 503])
def test_a_busy_server_is_asked_again(httpserver, ask, status):
    busy = Response(status=status, headers={'Retry-After': '0'})
    httpserver.expect_ordered_request('/a.zip').respond_with_response(busy)
    httpserver.expect_ordered_request('/a.zip').respond_with_data('12345')
    assert ask().state == 'ok'


def test_a_server_that_stays_busy_is_unreachable(httpserver, ask):
    httpserver.expect_request('/a.zip').respond_with_data(status=503)
    finding = ask(attempts=2)
    assert (finding.state, finding.reason, len(httpserver.log)) == ('unreachable', 'status 503', 2)


def test_a_server_that_is_away_is_unreachable(ask):
    assert ask(url='http://127.0.0.1:9/a.zip', attempts=2).state == 'unreachable'


def test_an_error_without_a_text_is_named_by_its_type(ask, monkeypatch):
    def fail(*_, **__):
        raise checker.httpx.ReadTimeout('')
    monkeypatch.setattr(checker.httpx.Client, 'request', fail)
    finding = ask()
    assert (finding.state, finding.reason) == ('unreachable', 'ReadTimeout')


@pytest.mark.parametrize(('size', 'state'), [(None, 'ok'), (5, 'ok'), (0, 'changed')])
def test_a_size_is_compared_if_it_is_known(httpserver, ask, size, state):
    httpserver.expect_request('/a.zip').respond_with_data('12345')
    assert ask(size=size).state == state


def test_a_response_without_a_size_is_not_compared(ask, monkeypatch):
    monkeypatch.setattr(checker.httpx.Client, 'request', lambda *_, **__: checker.httpx.Response(200))
    assert ask().state == 'ok'


def test_pauses_are_made_between_attempts_and_after_lost_connections(ask, monkeypatch):
    pauses, outcomes = [], [checker.httpx.ConnectError('lost'), checker.httpx.Response(503, headers={
        'Retry-After': '7'}), checker.httpx.Response(200)]

    def request(*_, **__):
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
    monkeypatch.setattr(checker.httpx.Client, 'request', request)
    # Not the module itself: other threads sleep too.
    monkeypatch.setattr(tenacity.nap, 'time', SimpleNamespace(sleep=pauses.append))
    assert ask(pause=3).state == 'ok'
    assert pauses == [3, 7]


@pytest.mark.parametrize('error', [checker.httpx.InvalidURL('no'), checker.httpx.TooManyRedirects('no')])
def test_a_link_that_cannot_work_is_tried_once(ask, monkeypatch, error):
    tried = []

    def fail(*_, **__):
        tried.append(1)
        raise error
    monkeypatch.setattr(checker.httpx.Client, 'request', fail)
    assert (ask().state, len(tried)) == ('unreachable', 1)


def pause_after(headers, status=429):
    with pytest.raises(retries.BusyError) as busy:
        retries.final(checker.httpx.Response(status, headers=headers))
    return busy.value.pause


@pytest.mark.parametrize('status', [403, 429])
@pytest.mark.parametrize('headers', [{'Retry-After': '7'}, {'X-RateLimit-Remaining': '0'}])
def test_a_refusal_is_a_limit_if_its_headers_say_so(status, headers):
    assert pause_after(headers, status) == (7 if 'Retry-After' in headers else None)
    refused = checker.httpx.Response(status, headers={'X-RateLimit-Remaining': '1', 'X-RateLimit-Reset': '1'})
    assert retries.final(refused) is refused


@pytest.mark.parametrize('status', [200, 404])
def test_the_last_response_before_a_limit_is_final(status):
    last = checker.httpx.Response(status, headers={'X-RateLimit-Remaining': '0'})
    assert retries.final(last) is last


def test_of_a_limit_only_its_end_in_the_future_is_waited_for():
    assert pause_after({'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': '1'}) == 0
    assert pause_after({'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': 'soon'}) is None
    assert pause_after({'Retry-After': 'Fri, 31 Dec 1999 23:59:59 GMT'}) is None
    assert pause_after({'X-RateLimit-Remaining': '1', 'X-RateLimit-Reset': '1'}, 503) is None
    assert pause_after({'Retry-After': '0'}) == 0


def test_the_first_attempt_is_followed_by_as_many_as_the_options_allow(httpserver, ask):
    httpserver.expect_request('/a.zip').respond_with_data(status=503)
    assert ask(attempts=1).state == 'unreachable'
    assert len(httpserver.log) == 1


def test_the_pause_that_a_server_asks_for_is_obeyed():
    assert pause_after({'Retry-After': '7'}) == 7
    reset = str(int(time.time()) + 60)
    assert 50 < pause_after({'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': reset}) <= 60


class TestAssets:
    """Assets of GitHub releases, whose checksum is compared with the one seen before."""

    URL = 'https://github.com/O/R/releases/download/v%201/a.zip'

    @pytest.fixture
    def stored(self, any_db, httpserver, monkeypatch):
        """A link file in the database, the asset of which is on the test's own server."""
        pattern = checker._ASSET.pattern.replace(r'https://github\.com', 'http://[^/]+')
        monkeypatch.setattr(checker, '_ASSET', re.compile(pattern))
        url = httpserver.url_for('/O/R/releases/download/v1/a.zip')
        httpserver.expect_request('/O/R/releases/download/v1/a.zip').respond_with_data('12345')
        any_db.file.insert_one({'_id': 'f', 'linkUrl': url, 'size': 5})
        return lambda: any_db.file.find_one({'_id': 'f'})

    @pytest.fixture
    def judge(self, httpserver, stored):
        def start(digest):
            release = {'assets': [{'name': 'a.zip', 'digest': digest}]}
            httpserver.expect_oneshot_request('/api/repos/O/R/releases/tags/v1').respond_with_json(release)
            (finding,) = checker.check([(ITEM, stored())], Options(pause=0, github_api=httpserver.url_for('/api')))
            return finding
        return start

    def test_the_first_checksum_is_remembered_and_another_one_is_a_change(self, judge, stored):
        assert judge('sha256:aa').state == 'ok'
        assert stored()['spm']['digest'] == 'sha256:aa'
        assert judge('sha256:aa').state == 'ok'
        finding = judge('sha256:bb')
        assert (finding.state, finding.reason) == ('changed', 'checksum sha256:bb instead of sha256:aa')

    def test_an_asset_without_a_checksum_is_judged_by_its_size(self, judge, stored):
        assert judge(None).state == 'ok'
        assert 'spm' not in stored()

    def test_the_checksum_of_a_link_that_changed_meanwhile_is_not_remembered(self, any_db, stored):
        file = stored()
        any_db.file.update_one({}, {'$set': {'linkUrl': 'https://elsewhere'}})
        judged = checker._Checker(None, Options())
        judged._digest = lambda _: 'sha256:aa'
        assert judged._judge_asset(file) == ('ok', '')
        assert 'spm' not in stored()

    def test_an_asset_that_lost_its_checksum_is_judged_by_its_size(self, any_db, judge, stored):
        any_db.file.update_one({}, {'$set': {'spm.digest': 'sha256:aa'}})
        assert judge(None).state == 'ok'
        assert stored()['spm']['digest'] == 'sha256:aa'

    @pytest.mark.usefixtures('stored')
    def test_a_release_is_asked_for_once_with_the_token(self, httpserver, monkeypatch):
        monkeypatch.setenv('GITHUB_TOKEN', 'secret')
        release = {'assets': [{'name': 'a.zip', 'digest': 'x'}, {'name': 'b c.zip', 'digest': 'y'}]}
        httpserver.expect_oneshot_request('/api/repos/O/R/releases/tags/v 1/2', headers={
            'Authorization': 'Bearer secret'}).respond_with_json(release)
        one = checker._Checker(checker.httpx.Client(), Options(pause=0, github_api=httpserver.url_for('/api')))
        place = httpserver.url_for('/O/R/releases/download/v%201%2F2')
        assert [one._digest(f'{place}/{name}') for name in ('a.zip', 'b%20c.zip?d=e', 'c.zip')] == ['x', 'y', None]
        assert [request.headers['Authorization'] for request, _ in httpserver.log] == ['Bearer secret']

    def test_without_a_token_no_authorization_is_sent_and_a_missing_release_has_no_checksums(
            self, httpserver, stored, monkeypatch):
        monkeypatch.delenv('GITHUB_TOKEN', raising=False)
        httpserver.expect_request('/api/repos/O/R/releases/tags/v1').respond_with_data('Not Found', status=404)
        one = checker._Checker(checker.httpx.Client(), Options(pause=0, github_api=httpserver.url_for('/api')))
        assert one._digest(stored()['linkUrl']) is None
        assert 'Authorization' not in httpserver.log[0][0].headers

    def test_github_is_asked_for_the_release_of_each_asset(self):
        asked = []

        def request(method, url, **_):
            asked.append((method, url))
            return checker.httpx.Response(200, json={'assets': [{'name': 'a', 'digest': str(len(asked))}]})
        one = checker._Checker(SimpleNamespace(request=request), Options())
        releases = ['O/R/v1', 'P/R/v1', 'O/S/v1', 'O/R/v%2F2']
        links = ['https://github.com/{}/{}/releases/download/{}/a'.format(*release.split('/')) for release in releases]
        assert [one._digest(link) for link in links * 2] == ['1', '2', '3', '4'] * 2
        assert asked == [('GET', 'https://api.github.com/repos/{}/{}/releases/tags/{}'.format(*release.split('/')))
                         for release in releases]

    def test_of_two_files_with_the_same_link_each_has_its_own_checksum(self, any_db, httpserver, stored):
        any_db.file.insert_one({**stored(), '_id': 'g'})
        release = {'assets': [{'name': 'a.zip', 'digest': 'sha256:aa'}]}
        httpserver.expect_request('/api/repos/O/R/releases/tags/v1').respond_with_json(release)
        options = Options(pause=0, github_api=httpserver.url_for('/api'))
        list(checker.check([(ITEM, any_db.file.find_one({'_id': 'g'}))], options))
        assert [file.get('spm') for file in any_db.file.find().sort('_id')] == [None, {'digest': 'sha256:aa'}]

    @pytest.mark.parametrize('url', ['https://github.com/O/R/releases/a.zip', 'https://example.org' + URL[18:]])
    def test_other_links_have_no_checksum(self, url):
        assert checker._Checker(None, Options())._digest(url) is None

    def test_the_address_of_an_asset_is_taken_apart(self):
        assert checker._ASSET.fullmatch(self.URL).groups() == ('O', 'R', 'v%201', 'a.zip')


def test_each_link_file_of_a_package_is_found_once(any_db):
    packages = [{'_id': n, 'name': f'package {n}', 'spm': {'kind': 'package', 'app': 'app' if n < 4 else 'other'}}
                for n in range(5)]
    any_db.item.insert_many([*packages, {'_id': 'plain', 'name': 'no package'}])
    link = {'linkUrl': 'https://x', 'assetstoreId': None}
    any_db.file.insert_many([
        *({'_id': f'file {n}', 'itemId': n, **link} for n in range(5)),
        {'_id': 'stored', 'itemId': 0, 'assetstoreId': 'store'},
        {'_id': 'stored since', 'itemId': 0, **link, 'assetstoreId': 'store'},
        {'_id': 'detached', 'itemId': None, **link}, {'_id': 'of a folder', **link},
        {'_id': 'of no package', 'itemId': 'plain', **link},
        {'_id': 'of no item', 'itemId': 'gone', **link}, {'_id': 'empty', 'itemId': 1, 'assetstoreId': None}])

    def found(*app):
        return [(item['name'], file['_id']) for item, file in checker.linked_files(*app)]
    assert found() == [(f'package {n}', f'file {n}') for n in range(5)]
    assert found({'_id': 'other'}) == [('package 4', 'file 4')]


@pytest.mark.database
def test_linked_files_are_those_of_the_application(api, app, make):
    linked = make('package', url='https://github.com/a/b/c.zip')
    make('extension', content=b'stored')
    other = api.post('/app', params={'name': 'Other'}).json()
    make('package', app_id=other['_id'], url='https://github.com/a/b/d.zip')
    found = checker.linked_files({'_id': ObjectId(app['_id'])})
    assert [str(item['_id']) for item, _ in found] == [linked['_id']]
    assert len(list(checker.linked_files())) == 2


@pytest.mark.parametrize(('error', 'attempt', 'pause'), [
    (None, 1, 3), (None, 2, 6), (None, 3, 12), (None, 20, 900), (retries.BusyError('busy'), 2, 6),
    (retries.BusyError('busy', 7), 3, 7), (retries.BusyError('busy', 0), 3, 0),
    (retries.BusyError('busy', 10**6), 1, 900)])
def test_pauses_grow_unless_the_server_asks_for_one(error, attempt, pause):
    outcome = error and SimpleNamespace(exception=lambda: error)
    state = SimpleNamespace(outcome=outcome, attempt_number=attempt)
    assert retries.pause_before(state, 3, 900) == pause


def test_other_servers_see_who_asks_and_are_asked_by_the_options(httpserver, monkeypatch):
    given = {}

    class Client(checker.httpx.Client):
        def __init__(self, **options):
            given.update(options)
            super().__init__(**options)

    class Pool(checker.ThreadPoolExecutor):
        def __init__(self, workers):
            given['workers'] = workers
            super().__init__(workers)
    monkeypatch.setattr(checker.httpx, 'Client', Client)
    monkeypatch.setattr(checker, 'ThreadPoolExecutor', Pool)
    httpserver.expect_request('/a', headers={'User-Agent': 'slicer-package-manager links check'}).respond_with_data('x')
    file = {'_id': 1, 'linkUrl': httpserver.url_for('/a'), 'size': 1}
    (finding,) = checker.check([({'_id': 2, 'name': 'a'}, file)], Options(concurrency=3, timeout=17))
    assert (finding.state, given['timeout'], given['workers']) == ('ok', 17, 3)
