"""Metrics, logs and request ids as an operator meets them: of a server with two processes."""
import json
import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from plugin_tests.conftest import PACKAGE_FORM, upload
from plugin_tests.servers import poll, starter

pytestmark = pytest.mark.process

PASSWORD = 'a-password-for-tests'
#: What log statistics read, as they read it.
COMBINED = re.compile(r'(?P<ip>\S+) \S+ \S+ \[(?P<time>\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] '
                      r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/\d\.\d" (?P<status>\d{3}) (?P<size>\d+|-) '
                      r'"(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)"')
PROXY = {'X-Forwarded-For': '203.0.113.9', 'X-Request-ID': 'from-the-proxy'}


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp('watched')
    with starter(folder) as serve:
        yield serve('--workers', '2', '--log-level', 'info', '--access-log', str(folder / 'access.log'), env={
            'SLICER_PACKAGE_MANAGER_METRICS': '127.0.0.1', 'SLICER_PACKAGE_MANAGER_LOG_FORMAT': 'json',
            'SLICER_PACKAGE_MANAGER_TRUSTED_PROXIES': '127.0.0.1',
            'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD': PASSWORD}).ready()


def scrape(server):
    return httpx.get(f'{server.url}/metrics').raise_for_status().text


def value(text, name, **labels):
    """The value of a metric; 0 where it is not there yet."""
    for line in text.splitlines():
        found = re.fullmatch(rf'{name}(?:\{{(.*)\}})? (\S+)', line)
        if found and dict(re.findall(r'(\w+)="([^"]*)"', found[1] or '')) == labels:
            return float(found[2])
    return 0


def logged(server):
    return [json.loads(line) for line in server.errors.splitlines()]


@pytest.fixture(scope='module')
def ready(server):
    """The id of a package with a file."""
    with server.client('admin', PASSWORD) as admin:
        app = admin.post('/app', params={'name': 'Slicer'}).raise_for_status().json()
        item = admin.post(f'/app/{app["_id"]}/package', params=PACKAGE_FORM).raise_for_status().json()
        upload(admin, item['_id'], b'0123456789' * 20_000)
    return item['_id']


def test_the_counts_of_all_processes_add_up(server, ready):
    route = {'method': 'GET', 'route': '/item/:id/download'}
    before = scrape(server)

    def download(_):
        # A connection of its own, so that both processes get some.
        return httpx.get(f'{server.url}/api/v1/item/{ready}/download').raise_for_status()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(download, range(40)))
    assert {len(answer.content) for answer in answers} == {200_000}

    def grown(name, **labels):
        return value(scrape(server), name, **labels) - value(before, name, **labels)
    poll(lambda: grown('spm_http_requests_total', **route, status='200') == 40, 'all are counted')
    assert grown('spm_downloads_total', kind='package') == 40
    assert grown('spm_http_sent_bytes_total', route=route['route']) == 40 * 200_000
    assert grown('spm_http_request_seconds_count', **route) == 40
    assert len(server.web_processes()) == 3


def test_metrics_have_uploads_and_the_state_of_the_server(server, ready):
    text = scrape(server)
    assert value(text, 'spm_uploads_total') == 1
    assert value(text, 'spm_uploaded_bytes_total') == 200_000
    assert value(text, 'spm_database_up') == value(text, 'spm_assetstore_up') == 1
    assert value(text, 'spm_download_counts_waiting') == 0
    assert 'spm_build_info{version=' in text


def test_requests_for_unknown_paths_add_no_labels(server):
    for path in ('/api/v1/app/nonsense/package', '/api/v1/no/such/path', '/nonsense', '/api/v1/nonsense/x'):
        httpx.get(f'{server.url}{path}')
    for method in ('BREW', 'PROPFIND'):  # the first is none of HTTP, and is refused as malformed
        httpx.request(method, f'{server.url}/api/v1/app')
    text = poll(lambda: (text := scrape(server)) and 'method="other"' in text and text, 'the last is counted')
    assert 'nonsense' not in text
    assert 'BREW' not in text
    assert 'PROPFIND' not in text
    assert value(text, 'spm_http_requests_total', method='GET', route='/app/:app_id/package', status='404') == 1


def test_a_cached_list_is_measured_like_any_other(server, ready):
    with server.client() as client:
        app = client.get('/app').json()[0]
        path = f'/app/{app["_id"]}/package'
        route = {'method': 'GET', 'route': '/app/:app_id/package', 'status': '200'}
        before = value(scrape(server), 'spm_http_requests_total', **route)
        ids = [client.get(path).headers['X-Request-ID'] for _ in range(20)]
    poll(lambda: value(scrape(server), 'spm_http_requests_total', **route) == before + 20, 'all are counted')
    lines = poll(lambda: (found := [one for one in logged(server) if one.get('request_id') in ids]) and len(
        found) == 20 and found, 'all are logged')
    assert {(one['path'], one['route'], one['status'], one['address']) for one in lines} == {
        (f'/api/v1{path}', route['route'], 200, '127.0.0.1')}


def test_metrics_are_only_for_allowed_addresses(server):
    answer = httpx.get(f'{server.url}/metrics', headers=PROXY)
    assert answer.status_code == 403
    assert 'spm_' not in answer.text


@pytest.mark.parametrize('path', ['/api/v1/system/version', '/api/v1/app/nonsense', '/nonsense'])
def test_every_response_has_its_own_request_id(server, path):
    ids = {httpx.get(f'{server.url}{path}').headers['X-Request-ID'] for _ in range(3)}
    assert len(ids) == 3


def test_a_trusted_proxy_chooses_the_request_id(server):
    answer = httpx.get(f'{server.url}/api/v1/app/nonsense', headers=PROXY)
    assert answer.headers['X-Request-ID'] == answer.json()['request_id'] == PROXY['X-Request-ID']
    unusable = httpx.get(f'{server.url}/api/v1/system/version', headers={'X-Request-ID': 'a b'})
    assert unusable.headers['X-Request-ID'] != 'a b'


def test_requests_are_logged_as_json_with_their_id_and_without_queries(server):
    answer = httpx.get(f'{server.url}/api/v1/app/nonsense/package', params={'token': 'very-secret'}, headers={
        'X-Forwarded-For': '203.0.113.9'})
    wanted = answer.headers['X-Request-ID']
    line = poll(lambda: next((one for one in logged(server) if one.get('request_id') == wanted
                              and one['logger'] == 'slicer_package_manager.requests'), None), 'it is logged')
    assert (line['method'], line['status'], line['route']) == ('GET', 404, '/app/:app_id/package')
    assert (line['path'], line['address'], line['level']) == ('/api/v1/app/nonsense/package', '203.0.113.9', 'INFO')
    assert line['seconds'] > 0
    assert line['time']
    assert 'very-secret' not in server.errors


def test_programs_for_log_statistics_can_read_the_access_log(server, tmp_path_factory):
    agent = 'Mozilla/5.0 (X11; "quoted" Linux x86_64)'
    httpx.get(f'{server.url}/bitstream/64b000000000000000000001', headers={
        'X-Forwarded-For': '198.51.100.1, 203.0.113.9', 'User-Agent': agent})
    log = server.data_dir.parent / 'access.log'
    line = poll(lambda: next((one for one in log.read_text().splitlines() if '/bitstream/' in one), None),
                'the request is logged')
    found = COMBINED.fullmatch(line)
    assert found, line
    assert (found['ip'], found['method'], found['status']) == ('203.0.113.9', 'GET', '404')
    assert found['path'] == '/bitstream/64b000000000000000000001'
    assert found['agent'].replace('\\x22', '"').replace('\\"', '"') == agent


def test_an_access_log_that_was_renamed_is_begun_anew_by_all_processes(server):
    log = server.data_dir.parent / 'access.log'
    log.rename(log.with_name('access.log.1'))

    def ask(number):
        # A connection of its own, so that both processes get some.
        return httpx.get(f'{server.url}/api/v1/system/version?after={number}').raise_for_status()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(40)))
    poll(lambda: log.exists() and len(re.findall(r'version\?after=\d+ ', log.read_text())) == 40, 'all are logged')
    assert 'after=' not in log.with_name('access.log.1').read_text()


def test_an_invalid_variable_is_reported_before_anything_is_created(serve, tmp_path):
    server = serve(env={'SLICER_PACKAGE_MANAGER_METRICS': 'everyone'})
    assert server.ended() == 1
    assert 'SLICER_PACKAGE_MANAGER_METRICS is unusable: "everyone" is neither' in server.errors
    assert not (tmp_path / 'data').exists()
