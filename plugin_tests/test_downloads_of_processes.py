"""What only real server processes and sockets can show about downloads."""
import hashlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from plugin_tests import loopback
from plugin_tests.conftest import upload
from plugin_tests.processes import web_server
from plugin_tests.servers import poll
from plugin_tests.waiting import PATIENCE

pytestmark = [pytest.mark.database, pytest.mark.process]

LARGE = bytes(range(256)) * 4096 * 24  # 24 MiB: more than the socket buffers hold


@pytest.fixture(scope='module')
def access_log(tmp_path_factory):
    """The log of the requests that :func:`one_at_a_time` has finished, whether their clients stayed or left."""
    return tmp_path_factory.mktemp('log') / 'access.log'


@pytest.fixture(scope='module')
def one_at_a_time(wsgi_app, mongo_uri, make_httpserver, access_log):
    """A server with one thread, which may fetch from ``httpserver``."""
    with web_server(mongo_uri, threads=1, access_log=access_log, test_origin=loopback.origin(make_httpserver)) as url:
        yield url


@pytest.fixture
def count(anonymous, app):
    return lambda: sum(row['count'] for row in anonymous.get(
        f'/app/{app["_id"]}/downloadstats', params={'limit': 0}).json())


def start_and_leave(url, path, agent='test'):
    """Ask for ``path``, take some of the answer, and close the connection."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(f'GET {parts.path}{path} HTTP/1.1\r\nHost: x\r\nUser-Agent: {agent}\r\n\r\n'.encode())
        assert connection.recv(100).startswith(b'HTTP/1.1 200')


def test_counting_is_exact_with_16_clients_and_two_processes(two_servers, make, count):
    items = [make('package', content=b'a' * 1000), make('extension', content=b'b' * 100_000)]
    link = make('extension', baseName='Linked', url='https://github.com/a/b/c.zip')

    def download(number):
        with httpx.Client() as client:
            for turn in range(50):
                url = two_servers[(number + turn) % 2]
                response = client.get(f'{url}/item/{[*items, link][turn % 3]["_id"]}/download')
                assert response.status_code in (200, 302)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(download, range(16)))
    # The last counts are written after their last bytes were sent.
    poll(lambda: count() >= 16 * 50, 'all downloads are counted')
    assert count() == 16 * 50


@pytest.mark.parametrize('query', ['', '?limit=0'])
def test_a_client_finds_its_own_downloads_in_the_statistics(two_servers, app, make, query):
    item = make('extension', content=b'b' * 1000)
    with httpx.Client(base_url=two_servers[0]) as client:
        for number in range(1, 21):
            client.get(f'/item/{item["_id"]}/download').raise_for_status()
            stats = client.get(f'/app/{app["_id"]}/downloadstats{query}').raise_for_status().json()
            assert {number} == ({row['count'] for row in stats} if query else numbers_in(stats))


def numbers_in(sums):
    """All numbers in the nested dictionaries ``sums``."""
    return set().union(*map(numbers_in, sums.values())) if isinstance(sums, dict) else {sums}


def finished(log, item):
    """How many downloads of ``item`` have ended."""
    return log.read_text().count(f'/item/{item["_id"]}/download')


def test_an_aborted_transfer_counts_nothing(one_at_a_time, access_log, make, count):
    item = make('package', content=LARGE)
    for _ in range(3):
        start_and_leave(one_at_a_time, f'/item/{item["_id"]}/download')
    poll(lambda: finished(access_log, item) == 3, 'the server has noticed')
    assert httpx.get(f'{one_at_a_time}/system/version').status_code == 200
    assert count() == 0
    assert httpx.get(f'{one_at_a_time}/item/{item["_id"]}/download').content == LARGE
    poll(count, 'the download is counted')
    assert count() == 1


def test_a_download_ends_after_the_longest_time_that_the_environment_states(
        wsgi_app, mongo_uri, make, count, monkeypatch, tmp_path):
    monkeypatch.setenv('SLICER_PACKAGE_MANAGER_MAX_TRANSFER', '1')
    item, log = make('package', content=LARGE), tmp_path / 'access.log'
    with web_server(mongo_uri, access_log=log) as url, socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        parts = urlsplit(url)
        slow.connect((parts.hostname, parts.port))
        slow.sendall(f'GET {parts.path}/item/{item["_id"]}/download HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
        # It takes more than the slowest client has to take, and would have all of it in some minutes.
        poll(lambda: slow.recv(4096) and finished(log, item), 'the server ends the download')
    assert f' 200 {len(LARGE)} ' not in log.read_text()
    assert count() == 0


def test_an_aborted_stream_from_elsewhere_counts_nothing(one_at_a_time, access_log, httpserver, allow, make, count):
    httpserver.expect_request('/large.zip').respond_with_data(LARGE)
    allow(loopback.origin(httpserver))
    item = make('package', url=httpserver.url_for('/large.zip'), size=len(LARGE))
    start_and_leave(one_at_a_time, f'/item/{item["_id"]}/download', agent='Mozilla/5.0')
    poll(lambda: finished(access_log, item) == 1, 'the server has noticed')
    assert httpx.get(f'{one_at_a_time}/system/version').status_code == 200
    assert count() == 0


def test_other_content_than_registered_breaks_the_connection_off(one_at_a_time, httpserver, allow, make, count):
    httpserver.expect_request('/large.zip').respond_with_data(LARGE)
    allow(loopback.origin(httpserver))
    item = make('package', url=httpserver.url_for('/large.zip'), size=len(LARGE), sha512='0' * 128)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f'{one_at_a_time}/item/{item["_id"]}/download', headers={'User-Agent': 'Mozilla/5.0'})
    assert httpx.get(f'{one_at_a_time}/system/version').status_code == 200
    assert count() == 0


def contents(number):
    """The content of the file after replacement ``number``: every second one is small enough to stay in memory."""
    return f'content {number:02} '.encode() * (20_000 if number % 2 else 10)


def replace_as_the_clients_in_use(api, item, number):
    """Upload a second file named ``new_file``, delete the first, rename."""
    (old,) = api.get(f'/item/{item["_id"]}/files').json()
    new = upload(api, item['_id'], contents(number), name='new_file')
    api.delete(f'/file/{old["_id"]}').raise_for_status()
    api.put(f'/file/{new["_id"]}', params={'name': 'file.tar.gz'}).raise_for_status()


def replace_by_a_second_upload(api, item, number):
    upload(api, item['_id'], contents(number))


def replace_the_contents(api, item, number):
    (file,) = api.get(f'/item/{item["_id"]}/files').json()
    begun = api.put(f'/file/{file["_id"]}/contents', params={'size': len(contents(number))}).raise_for_status().json()
    api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, content=contents(number),
             headers={'Content-Type': 'application/octet-stream'}).raise_for_status()


@pytest.mark.parametrize('replace', [
    replace_as_the_clients_in_use, replace_by_a_second_upload, replace_the_contents])
def test_readers_always_get_one_whole_file_while_it_is_replaced(two_servers, api, make, anonymous, replace):
    item = make('package', content=contents(0))
    known = {hashlib.sha512(contents(number)).hexdigest() for number in range(51)}
    done = threading.Event()

    def read(number):
        reads = 0
        with httpx.Client(base_url=two_servers[number % 2]) as client:
            while not done.is_set() or reads == 0:
                files = client.get(f'/item/{item["_id"]}/files').raise_for_status().json()
                assert len(files) == 1
                for url in (f'/file/{files[0]["_id"]}/download', f'/item/{item["_id"]}/download'):
                    response = client.get(url).raise_for_status()
                    found = hashlib.sha512(response.content).hexdigest()
                    assert found in known
                    assert response.headers['ETag'] == f'"{found}"'
                reads += 1
        return reads

    with ThreadPoolExecutor(8) as pool, httpx.Client(
            base_url=two_servers[0], headers=api.headers) as writer:
        readers = [pool.submit(read, number) for number in range(6)]
        try:
            for number in range(1, 51):
                replace(writer, item, number)
        finally:
            done.set()
        reads = sum(reader.result(PATIENCE) for reader in readers)
    assert reads > 50
    final = anonymous.get(f'/item/{item["_id"]}/download')
    assert final.content == contents(50)
    assert anonymous.get(f'/item/{item["_id"]}').json()['meta']['sha512'] == hashlib.sha512(contents(50)).hexdigest()
    assert anonymous.get(f'/item/{item["_id"]}').json()['size'] == len(contents(50))


#: Headers of requests for a file of 100,000 bytes whose checksum is ``TAG``.
REQUESTS = [
    {}, {'Range': 'bytes=0-99'}, {'Range': 'bytes=99990-'}, {'Range': 'bytes=-10'}, {'Range': 'bytes=100000-'},
    {'Range': 'bytes=0-1,5-6'}, {'Range': 'bytes=a-b'}, {'Range': 'lines=1-2'}, {'If-None-Match': 'TAG'},
    {'If-None-Match': '"other"'}, {'If-None-Match': '*'}, {'If-Match': 'TAG'}, {'If-Match': '"other"'},
    {'If-Modified-Since': 'Fri, 01 Jan 2100 00:00:00 GMT'}, {'If-Modified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT'},
    {'If-Unmodified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT'}, {'If-Range': 'TAG', 'Range': 'bytes=10-19'},
    {'If-Range': '"other"', 'Range': 'bytes=10-19'}, {'Accept-Encoding': 'gzip'}, {'User-Agent': 'Mozilla/5.0'}]
#: Headers that differ between any two responses, and those that only Girder adds.
OWN = {'x-request-id', 'date', 'girder-request-uid', 'allow'}


def answered(method, url, headers):
    answer = httpx.request(method, url, headers=headers)
    shown = {name: value for name, value in answer.headers.items() if name not in OWN}
    own = answer.headers['X-Request-ID'].encode()
    return answer.status_code, shown, answer.content.replace(own, b'')


@pytest.mark.parametrize('method', ['GET', 'HEAD'])
def test_a_public_download_is_answered_as_by_girder(two_servers, make, method):
    content = bytes(range(250)) * 400
    item = make('package', content=content)
    link = make('extension', baseName='Linked', url='https://github.com/a/b/c.zip')
    tag = f'"{hashlib.sha512(content).hexdigest()}"'
    paths = [f'/item/{item["_id"]}/download', f'/item/{item["_id"]}/download/any-name.tar.gz',
             f'/item/{link["_id"]}/download', '/item/5f4474d0e1d8c75dfc705482/download']
    different = {}
    for path in paths:
        for headers in REQUESTS:
            sent = {name: value.replace('TAG', tag) for name, value in headers.items()}
            # With a query, also the default, the request is for Girder.
            fast, full = (answered(method, two_servers[0] + path + query, sent)
                          for query in ('', '?contentDisposition=attachment'))
            if fast != full:
                different[path, str(headers)] = fast, full
    assert different == {}


def test_a_package_that_is_not_public_any_more_is_not_delivered(two_servers, api, app, make):
    item = make('package', content=b'secret')
    url = f'{two_servers[0]}/item/{item["_id"]}/download'
    assert httpx.get(url).content == b'secret'
    api.put(f'/folder/{app["_id"]}/access', params={
        'access': '{"users": [], "groups": []}', 'public': False, 'recurse': True}).raise_for_status()
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, headers=api.headers).content == b'secret'
