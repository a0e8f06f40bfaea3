"""nginx as ``deploy/nginx`` has it, in front of two real servers on one database and one data directory."""
import contextlib
import hashlib
import http.client
import json
import os
import re
import shlex
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from plugin_tests.conftest import EXTENSION_FORM, PACKAGE_FORM
from plugin_tests.deploy import proxy
from plugin_tests.deploy.conftest import BYTES
from plugin_tests.faults.wire import Wire
from plugin_tests.servers import poll
from plugin_tests.waiting import PATIENCE

pytestmark = [pytest.mark.process, pytest.mark.database,
              pytest.mark.skipif(proxy.program() is None, reason='nginx is not installed')]

MIB = 1024 * 1024
CHUNK = 64 * MIB
SIZE = 300 * MIB


def test_a_large_upload_crosses_between_the_servers_and_comes_back_whole_and_in_parts(
        site, servers, admin, anonymous, app, extension):
    block = os.urandom(MIB)
    item = extension('Large')
    upload = admin.post('/api/v1/file', params={
        'parentType': 'item', 'parentId': item['_id'], 'name': 'Large.tar.gz', 'size': SIZE}).raise_for_status().json()
    for offset in range(0, SIZE, CHUNK):
        length = min(CHUNK, SIZE - offset)
        # A connection of its own for each chunk, as of an uploader that was away for a while.
        with site.client(**admin.headers) as client:
            file = client.post('/api/v1/file/chunk', params={'uploadId': upload['_id'], 'offset': offset},
                               content=block * (length // MIB), headers=BYTES).raise_for_status().json()
    # A request is logged after its answer was sent.
    poll(lambda: all('POST /api/v1/file/chunk' in server.log.read_text() for server in servers), 'both got a chunk')

    digest, expected = hashlib.sha512(), hashlib.sha512(block * (SIZE // MIB)).hexdigest()
    with anonymous.stream('GET', f'/api/v1/item/{item["_id"]}/download') as answer:
        assert (answer.status_code, answer.headers['Content-Length']) == (200, str(SIZE))
        for piece in answer.iter_raw():
            digest.update(piece)
    assert digest.hexdigest() == expected
    assert answer.headers['ETag'] == f'"{expected}"'

    url = f'/api/v1/file/{file["_id"]}/download'
    part = anonymous.get(url, headers={'Range': f'bytes={SIZE - 5}-', 'If-Range': answer.headers['ETag']})
    assert (part.status_code, part.content) == (206, block[-5:])
    assert part.headers['Content-Range'] == f'bytes {SIZE - 5}-{SIZE - 1}/{SIZE}'
    assert anonymous.get(url, headers={'Range': f'bytes={SIZE}-'}).status_code == 416
    assert anonymous.get(url, headers={'If-None-Match': answer.headers['ETag']}).status_code == 304
    assert not [path for name in ('body', 'proxy') for path in (site.folder / name).rglob('*') if path.is_file()]


def test_a_change_is_listed_at_once_although_lists_are_cached(anonymous, admin, app, extension):
    item = extension('Listed', b'content')
    url = f'{app}/extension?baseName=Listed'
    for turn in range(10):
        admin.put(f'/api/v1/item/{item["_id"]}/metadata', json={'keywords': f'turn {turn}'}).raise_for_status()
        fresh = anonymous.get(url)
        assert fresh.json()[0]['meta']['keywords'] == f'turn {turn}'
        for _ in range(2):
            again = anonymous.get(url)
            assert again.headers['X-Cache-Status'] == 'REVALIDATED'
            assert again.content == fresh.content
        known = anonymous.get(url, headers={'If-None-Match': fresh.headers['ETag']})
        assert (known.status_code, known.content) == (304, b'')
    assert fresh.headers['Cache-Control'] == 'public, no-cache'
    assert 'X-Accel-Expires' not in fresh.headers


def test_a_cached_list_is_not_requested_again_from_the_server(servers, anonymous, app, extension):
    extension('Kept', b'content')
    url = f'{app}/extension?baseName=Kept&limit=17'
    assert [anonymous.get(url).status_code for _ in range(3)] == [200] * 3

    def statuses():
        lines = '\n'.join(server.log.read_text() for server in servers)
        return sorted(re.findall(r'limit=17 HTTP/1.1" (\d+)', lines))
    poll(lambda: len(statuses()) == 3, 'all requests are logged')
    assert statuses() == ['200', '304', '304']


@pytest.mark.parametrize('path', ['', '/release', '/draft', '/package', '/extension'])
def test_both_servers_give_a_list_the_same_tag(servers, token, app, extension, path):
    extension('Tagged')
    url = (app if path else '/api/v1/app').removeprefix('/api/v1') + path
    for headers in ({}, {'Girder-Token': token}):
        tags = set()
        for server in servers:
            with server.client() as client:
                tags.add(client.get(url, headers=headers).raise_for_status().headers['ETag'])
        assert len(tags) == 1


def test_nginx_caches_only_public_responses(servers, admin, token, app, extension):
    extension('Told')
    item = admin.post(f'{app}/package', params=PACKAGE_FORM).raise_for_status().json()
    admin.post('/api/v1/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'a.zip', 'size': 1},
               content=b'a', headers=BYTES).raise_for_status()
    path = app.removeprefix('/api/v1')
    wanted = {f'{path}/extension': '@1', f'{path}/package/find?os=linux&stability=any': None,
              '/slicer_package_manager/health': None}
    with servers[0].client() as client:
        for url, kept in wanted.items():
            assert client.get(url).raise_for_status().headers.get('X-Accel-Expires') == kept
        assert 'X-Accel-Expires' not in client.get(f'{path}/extension', headers={'Girder-Token': token}).headers


def test_private_responses_are_not_cached_for_others(admin, anonymous):
    admin.post('/api/v1/app', params={'name': 'Secret', 'public': 'false'}).raise_for_status()
    names = {one['name'] for one in admin.get('/api/v1/app').json()}
    assert 'Secret' in names
    for _ in range(2):
        answer = admin.get('/api/v1/app')
        assert 'X-Cache-Status' not in answer.headers
        assert admin.get('/api/v1/app', headers={'If-None-Match': answer.headers['ETag']}).status_code == 304
        assert 'Secret' not in {one['name'] for one in anonymous.get('/api/v1/app').json()}
        by_parameter = anonymous.get('/api/v1/app', params={'token': admin.headers['Girder-Token']})
        assert 'Secret' in {one['name'] for one in by_parameter.json()}


def test_a_setting_of_one_server_applies_to_the_other_and_to_nginx(servers, token, anonymous, app, extension):
    extension('Aged', b'content')
    for server, seconds in zip(servers, ('3600', '0'), strict=True):
        with server.client() as client:
            client.put('/system/setting', headers={'Girder-Token': token}, params={
                'key': 'slicer_package_manager.list_max_age', 'value': seconds}).raise_for_status()
        wanted = 'public, max-age=3600' if seconds != '0' else 'public, no-cache'
        answers = [anonymous.get(f'{app}/extension?baseName=Aged&offset=0&limit=1{seconds}') for _ in range(4)]
        assert {answer.headers['Cache-Control'] for answer in answers} == {wanted}
        kept = 'HIT' if seconds != '0' else 'REVALIDATED'
        assert [answer.headers['X-Cache-Status'] for answer in answers] == ['MISS', kept, kept, kept]


def test_counts_are_exact_without_transfers_that_end_early(site, admin, anonymous, app, extension):
    content = os.urandom(MIB) * proxy.beyond_buffers()
    large, small = extension('Counted', content), extension('Small', b'small')

    def download(number):
        with site.client() as client:
            for turn in range(10):
                item = large if (number + turn) % 10 == 0 else small
                client.get(f'/api/v1/item/{item["_id"]}/download').raise_for_status()

    site.leave_early(f'/api/v1/item/{large["_id"]}/download', 'early')
    poll(lambda: '"early"' in site.log, 'nginx has seen that the client is gone')
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(download, range(8)))
    wanted = {'Counted': 8, 'Small': 72}
    poll(lambda: counted(anonymous, app, wanted) == wanted, 'all downloads are counted')


def counted(client, app, names):
    stats = client.get(f'{app}/downloadstats').json()['33000']['extensions']
    return {name: stats.get(name, {}).get('linux', {}).get('amd64', 0) for name in names}


def test_redirects_pass(anonymous, extension):
    item = extension('Linked', url='https://github.com/a/b/c.zip')
    answer = anonymous.get(f'/api/v1/item/{item["_id"]}/download')
    assert (answer.status_code, answer.headers['Location']) == (302, 'https://github.com/a/b/c.zip')


def test_without_tls_pages_are_moved_and_the_api_is_a_failure(site):
    plain = f'http://localhost:{site.plain_port}'
    assert httpx.get(f'{plain}/api/v1/app').status_code == 403
    assert httpx.get(f'{plain}//api/v1/app').status_code == 403
    answer = httpx.get(f'{plain}/catalog/All/33000/linux?q=a')
    assert (answer.status_code, answer.headers['Location']) == (301, 'https://localhost/catalog/All/33000/linux?q=a')


def test_slicer_4_is_answered_without_tls_and_nobody_is_logged_in(site, token, extension):
    item = extension('OfSlicer4', b'content')
    plain = f'http://localhost:{site.plain_port}'
    for midas in ('/midas3', '//midas3'):
        listed = httpx.get(f'{plain}{midas}/api/json', headers={'Girder-Token': token}, params={
            'method': 'midas.slicerpackages.extension.list', 'productname': 'OfSlicer4'})
        assert [one['item_id'] for one in listed.json()['data']] == [item['_id']]
        file = httpx.get(f'{plain}{midas}/download?items={item["_id"]}')
        assert (file.status_code, file.content) == (200, b'content')
    page = httpx.get(f'{plain}/midas3/slicerappstore?layout=empty')
    script = re.search('script src="../(.*?)"', page.text)[1]
    assert 'slicerappstore' in httpx.get(f'{plain}/{script}').text
    assert httpx.get(f'{plain}/midas3/community/1').status_code == 410
    assert httpx.get(f'{plain}/midas3x').status_code == 301


def test_two_slashes_are_one(site, anonymous, app):
    assert anonymous.get(f'{site.url}/{app}/extension').json() == anonymous.get(f'{app}/extension').json()


def test_the_longest_description_passes_in_the_query(site, token, app):
    description = '\u00e4' * (32 * 1024)
    query = urlencode({**EXTENSION_FORM, 'baseName': 'Described', 'description': description})
    status, body = raw(site, 'POST', f'{app}/extension?{query}', {'Girder-Token': token, 'Content-Length': '0'})
    assert status == 200
    assert json.loads(body)['meta']['description'] == description


def test_a_longer_request_line_is_a_failure(site):
    # Hardly longer than allowed: nginx answers once its buffer is full, and closes while more is being sent.
    assert raw(site, 'GET', '/api/v1/app?name=' + 'x' * 512 * 1024)[0] == 414


def raw(site, method, target, headers=None):
    """The status and the body that answer a request whose target may be longer than httpx has it."""
    connection = http.client.HTTPSConnection('localhost', site.port, timeout=PATIENCE, context=site.tls)
    with contextlib.closing(connection) as to:
        to.request(method, target, headers=headers or {})
        answer = to.getresponse()
        return answer.status, answer.read()


def test_forwarding_headers_of_clients_are_overwritten(servers, site):
    forged = {'X-Forwarded-For': '192.0.2.7', 'X-Forwarded-Host': 'evil.example.org', 'X-Real-IP': '192.0.2.7',
              'Forwarded': 'for=192.0.2.7', 'X-Request-ID': 'forged-by-the-client', 'User-Agent': 'forger'}
    with site.client(**forged) as client:
        for path in ('/api/v1/system/version', '/find?os=linux', '/catalog', '/api/v1/app'):
            answer = client.get(path)
            assert 'evil.example.org' not in answer.text + str(answer.headers)
            assert answer.headers['X-Request-ID'] != 'forged-by-the-client'

    def log():
        return ''.join(server.log.read_text() for server in servers)
    poll(lambda: len(re.findall('GET /api/v1/.* "forger"', log())) == 2, 'the requests are logged')
    assert '192.0.2.7' not in log()


@pytest.mark.parametrize(('method', 'path', 'options', 'status'), [
    pytest.param('POST', '/api/v1/app', {'content': b'x' * 3 * MIB}, 413, id='form too large'),
    pytest.param('GET', '/api/v1/app/5f4474d0e1d8c75dfc705482/extension', {}, 404, id='of the server'),
])
def test_failures_are_failures(anonymous, method, path, options, status):
    assert anonymous.request(method, path, **options).status_code == status


def test_uploads_that_are_refused_are_failures_and_do_no_harm_to_others(site, anonymous):
    for _ in range(6):
        # 401, or 502 or a closed connection where the server has hung up before all was sent.
        try:
            answer = anonymous.post('/api/v1/file/chunk?uploadId=5f4474d0e1d8c75dfc705482&offset=0',
                                    content=b'x' * 8 * MIB, headers=BYTES)
            assert answer.status_code in (401, 502)
        except httpx.TransportError:
            pass
        assert httpx.get(f'{site.url}/api/v1/app', verify=site.tls).status_code == 200


def test_other_host_names_get_no_response(site):
    assert httpx.get(f'{site.url}/api/v1/app', verify=site.tls, headers={'Host': 'evil.example.org'}).status_code == 421


def test_tokens_are_not_logged(site, admin, anonymous):
    anonymous.get('/api/v1/user/me', params={'token': admin.headers['Girder-Token']}).raise_for_status()
    poll(lambda: 'GET /api/v1/user/me HTTP/1.1' in site.log, 'the request is logged')
    assert admin.headers['Girder-Token'] not in site.log


@pytest.mark.parametrize('written', [';token=', '%3Ftoken=', '%3Btoken=', '/x&token='])
def test_parameters_after_a_path_are_not_logged(site, anonymous, written):
    path = f'/api/v1/app/{written.encode().hex()}'
    anonymous.get(f'{path}{written}SECRET', headers={'User-Agent': 'x token=SECRET'})
    poll(lambda: path in site.log, 'the request is logged')
    assert 'SECRET' not in site.log
    assert '"hidden"' in site.log


def test_no_request_fails_while_one_server_is_away(servers, tmp_path):
    gone = 'http://127.0.0.1:1'
    with proxy.Proxy(tmp_path, [gone, servers[0].url]).running() as half, half.client() as client:
        assert [client.get('/api/v1/app').status_code for _ in range(6)] == [200] * 6


@pytest.mark.parametrize('outage', ['cut', 'end'])
def test_lists_are_served_while_no_server_responds(servers, token, tmp_path, app, extension, outage):
    extension('Survivor', b'content')
    wire = Wire(servers[0].address[1])
    url = f'{app}/extension?baseName=Survivor'
    with proxy.Proxy(tmp_path, [f'http://127.0.0.1:{wire.port}']).running() as site, site.client() as client:
        before = client.get(url).raise_for_status()
        getattr(wire, outage)()
        stale = client.get(url)
        assert (stale.status_code, stale.headers['X-Cache-Status']) == (200, 'STALE')
        assert stale.content == before.content
        if outage == 'end':
            # What was never requested is not cached, and what users get is not cached at all.
            assert client.get(f'{url}&limit=3').status_code == 502
            assert client.get(url, headers={'Girder-Token': token}).status_code == 502
            remove_old_lists(tmp_path / 'cache', aged=False)
            assert client.get(url).headers['X-Cache-Status'] == 'STALE'
            remove_old_lists(tmp_path / 'cache', aged=True)
            assert client.get(url).status_code == 502
        wire.mend()
        assert outage == 'end' or client.get(url).headers['X-Cache-Status'] == 'REVALIDATED'


class _Lists(BaseHTTPRequestHandler):
    """A server with one list, which it sends when all clients have asked for it."""

    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        known = self.headers['If-None-Match']
        self.server.known.append(known)
        assert known or self.server.go.wait(PATIENCE)
        self.send_response(304 if known else 200)
        for name, value in {'ETag': '"1"', 'X-Accel-Expires': '@1', 'Content-Length': '0' if known else '2'}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b'' if known else b'[]')

    def log_message(self, *_):
        pass


def test_a_list_that_is_not_cached_is_requested_once_for_all_clients(tmp_path):
    with ThreadingHTTPServer(('127.0.0.1', 0), _Lists) as server, ThreadPoolExecutor(9) as pool:
        server.known, server.go = [], threading.Event()
        pool.submit(server.serve_forever)
        site = proxy.Proxy(tmp_path, [f'http://127.0.0.1:{server.server_port}'])
        text = (tmp_path / 'site.conf').read_text()
        # Otherwise nginx waits for 5 seconds only, which a busy machine may need.
        (tmp_path / 'site.conf').write_text(text.replace(
            'proxy_cache_lock on;', f'proxy_cache_lock on; proxy_cache_lock_timeout {PATIENCE}s;'))
        with site.running(), contextlib.ExitStack() as stack:
            clients = [begin(site, stack, 'GET /api/v1/app HTTP/1.1\nHost: localhost\n\n') for _ in range(8)]
            poll(lambda: server.known, 'the server has a request')
            server.go.set()
            assert {one.recv(12) for one in clients} == {b'HTTP/1.1 200'}
        server.shutdown()
    assert server.known[0] is None
    assert set(server.known[1:]) <= {'"1"'}


def remove_old_lists(cache, *, aged):
    """Run the command of the documentation on what nginx has in ``cache``; ``aged`` is as after two hours."""
    page = (Path(__file__).parents[2] / 'docs' / 'how-to' / 'deploy-on-debian.md').read_text()
    command = re.search(r'find (\S+) .* -delete', page)
    for file in cache.rglob('*'):
        if aged:
            os.utime(file, (time.time() - 7200,) * 2)
    subprocess.run(shlex.split(command[0].replace(command[1], str(cache))), check=True)


def test_a_list_that_has_become_private_is_not_served_from_the_cache(admin, anonymous):
    app = admin.post('/api/v1/app', params={'name': 'Withdrawn'}).raise_for_status().json()['_id']
    url = f'/api/v1/app/{app}/extension'
    assert [anonymous.get(url).status_code for _ in range(2)] == [200, 200]
    admin.put(f'/api/v1/folder/{app}/access', params={'access': '{}', 'public': 'false', 'recurse': 'true'}
              ).raise_for_status()
    assert anonymous.get(url).status_code in (401, 403, 404)
    assert admin.delete(f'/api/v1/app/{app}').is_success
    assert anonymous.get(url).status_code == 404


@pytest.fixture
def silent(tmp_path, request):
    """A server without responses, and nginx in front of it, for clients that state their address by X-Real-IP.

    A parameter is the number of requests that one address may have.
    """
    with socket.create_server(('127.0.0.1', 0), backlog=400) as server:
        server.settimeout(PATIENCE)
        site = proxy.Proxy(tmp_path, [f'http://127.0.0.1:{server.getsockname()[1]}'])
        text = (tmp_path / 'site.conf').read_text()
        if hasattr(request, 'param'):
            text = re.sub(r'(limit_conn slicer_packages_address) \d+', rf'\1 {request.param}', text)
        (tmp_path / 'site.conf').write_text(f'{text}set_real_ip_from 127.0.0.1;\nreal_ip_header X-Real-IP;\n')
        with site.running(), contextlib.ExitStack() as stack:
            yield site, server, stack


def begin(site, stack, request):
    """Begin a request that is never complete, or never answered."""
    plain = stack.enter_context(socket.create_connection(('127.0.0.1', site.port), timeout=PATIENCE))
    connection = stack.enter_context(site.tls.wrap_socket(plain, server_hostname='localhost'))
    connection.sendall(request.replace('\n', '\r\n').encode())
    return connection


def first_line(server, stack):
    """Of the next request that nginx sends to ``server``."""
    return stack.enter_context(server.accept()[0]).makefile('rb').readline().decode().strip()


def test_slow_forms_do_not_reach_the_server(silent):
    site, server, stack = silent
    form = 'POST /api/v1/{} HTTP/1.1\nHost: localhost\nContent-Length: 1000\n\nname='
    for path in ('app', 'item', 'app/5f4474d0e1d8c75dfc705482/package'):
        begin(site, stack, form.format(path))
    begin(site, stack, 'GET /api/v1/app HTTP/1.1\nHost: localhost\n\n')
    assert first_line(server, stack) == 'GET /api/v1/app HTTP/1.1'
    begin(site, stack, form.format('file/chunk'))
    assert first_line(server, stack) == 'POST /api/v1/file/chunk HTTP/1.1'


ASK = 'GET /api/v1/system/version HTTP/1.1\nHost: localhost\nX-Real-IP: {}\n\n'


def test_all_computers_of_a_hospital_are_served_at_the_same_moment(silent):
    site, server, stack = silent
    for _ in range(300):
        begin(site, stack, ASK.format('192.0.2.1'))
        assert first_line(server, stack).startswith('GET')


@pytest.mark.parametrize('silent', [8], indirect=True)
def test_one_subscriber_of_ipv6_has_as_many_requests_as_one_address(silent):
    site, server, stack = silent
    for number in range(8):
        begin(site, stack, ASK.format(f'2001:db8::{number:x}:1'))
        first_line(server, stack)
    assert begin(site, stack, ASK.format('2001:db8::ffff:1')).recv(12) == b'HTTP/1.1 429'
    begin(site, stack, ASK.format('2001:db8::1:0:0:0:1'))
    assert first_line(server, stack).startswith('GET')


@pytest.mark.parametrize('header', ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'])
def test_headers_do_not_override_the_method(anonymous, admin, app, extension, header):
    extension('Overridden', b'content')
    url = f'{app}/extension?baseName=Overridden'
    assert anonymous.post(url, data={'q': 'zzz'}, headers={header: 'GET'}).status_code == 401
    assert admin.post(url, data={'q': 'zzz'}, headers={header: 'GET'}).status_code == 400
    assert [len(anonymous.get(url).json()) for _ in range(3)] == [1] * 3
    # It does not get as far as the server.
    answer = admin.post('/api/v1/system/setting', headers={header: 'PUT'})
    assert 'No matching route for "POST' in answer.json()['message']
