import re
import time
from types import SimpleNamespace

import pytest
from bson.objectid import ObjectId
from werkzeug import Response

from slicer_package_manager.registry.links import checker
from slicer_package_manager.registry.links.checker import Options

FILE = {'_id': 'f', 'size': 5}
ITEM = {'_id': 'i', 'name': 'Slicer_linux_amd64_33000'}


@pytest.fixture
def ask(httpserver):
    """The finding about one link to the test's own server."""
    def start(path='/a.zip', **values):
        options = Options(attempts=values.pop('attempts', 3), pause=0, github_api=httpserver.url_for('/api'))
        file = {**FILE, 'linkUrl': values.pop('url', httpserver.url_for(path)), **values}
        (finding,) = checker.check([(ITEM, file)], options)
        return finding
    return start


def test_a_link_that_is_there_is_ok(httpserver, ask):
    httpserver.expect_request('/a.zip', method='HEAD').respond_with_data('12345')
    assert ask().as_dict() == {'item': 'i', 'name': ITEM['name'], 'url': httpserver.url_for('/a.zip'), 'state': 'ok',
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


def pause_after(headers):
    with pytest.raises(checker._BusyError) as busy:
        checker._final(checker.httpx.Response(429, headers=headers))
    return busy.value.pause


def test_the_pause_that_a_server_asks_for_is_obeyed():
    assert pause_after({'Retry-After': '7'}) == 7
    reset = str(int(time.time()) + 60)
    assert 50 < pause_after({'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': reset}) <= 60


@pytest.mark.database
class TestAssets:
    """Assets of GitHub releases, whose checksum is compared with the one seen before."""

    URL = 'https://github.com/O/R/releases/download/v%201/a.zip'

    @pytest.fixture
    def stored(self, db, httpserver, monkeypatch):
        """A link file in the database, the asset of which is on the test's own server."""
        pattern = checker._ASSET.pattern.replace(r'https://github\.com', 'http://[^/]+')
        monkeypatch.setattr(checker, '_ASSET', re.compile(pattern))
        url = httpserver.url_for('/O/R/releases/download/v1/a.zip')
        httpserver.expect_request('/O/R/releases/download/v1/a.zip').respond_with_data('12345')
        db.file.insert_one({'_id': 'f', 'linkUrl': url, 'size': 5})
        return lambda: db.file.find_one({'_id': 'f'})

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

    def test_the_address_of_an_asset_is_taken_apart(self):
        assert checker._ASSET.fullmatch(self.URL).groups() == ('O', 'R', 'v%201', 'a.zip')


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
    (None, 1, 3), (None, 2, 6), (None, 3, 12), (None, 20, 900), (checker._BusyError('busy'), 2, 6),
    (checker._BusyError('busy', 7), 3, 7), (checker._BusyError('busy', 0), 3, 0),
    (checker._BusyError('busy', 10**6), 1, 900)])
def test_pauses_grow_unless_the_server_asks_for_one(error, attempt, pause):
    outcome = error and SimpleNamespace(exception=lambda: error)
    state = SimpleNamespace(outcome=outcome, attempt_number=attempt)
    assert checker._Checker(None, Options(pause=3))._pause(state) == pause


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
