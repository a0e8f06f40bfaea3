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
from plugin_tests.processes import gunicorn
from plugin_tests.servers import poll
from plugin_tests.waiting import PATIENCE

pytestmark = [pytest.mark.database, pytest.mark.process]

LARGE = bytes(range(256)) * 4096 * 24  # 24 MiB: more than the socket buffers hold


@pytest.fixture(scope='module')
def one_at_a_time(wsgi_app, mongo_uri, make_httpserver):
    """A server that begins a request only after the one before ended, and may fetch from ``httpserver``."""
    with gunicorn(mongo_uri, threads=1, test_origin=loopback.origin(make_httpserver)) as url:
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


def test_an_aborted_transfer_counts_nothing(one_at_a_time, make, count):
    item = make('package', content=LARGE)
    for _ in range(3):
        start_and_leave(one_at_a_time, f'/item/{item["_id"]}/download')
    assert httpx.get(f'{one_at_a_time}/system/version').status_code == 200
    assert count() == 0
    assert httpx.get(f'{one_at_a_time}/item/{item["_id"]}/download').content == LARGE
    poll(count, 'the download is counted')
    assert count() == 1


def test_an_aborted_stream_from_elsewhere_counts_nothing(one_at_a_time, httpserver, allow, make, count):
    httpserver.expect_request('/large.zip').respond_with_data(LARGE)
    allow(loopback.origin(httpserver))
    item = make('package', url=httpserver.url_for('/large.zip'), size=len(LARGE))
    start_and_leave(one_at_a_time, f'/item/{item["_id"]}/download', agent='Mozilla/5.0')
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
    """The content of the file after replacement ``number``."""
    return f'content {number} '.encode() * 20_000


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
