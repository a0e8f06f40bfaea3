"""What networks do to requests, tried with real sockets: what is tried again, for how long, and what is reported."""
import itertools
import socket
import ssl
import threading
import time
from contextlib import contextmanager

import pytest
import trustme
from proxy import FaultyProxy

from slicer_package_manager_client import chunk_size, transfer
from slicer_package_manager_client.cli.options import Duration
from slicer_package_manager_client.client import SlicerPackageClient
from slicer_package_manager_client.errors import NetworkProblem
from slicer_package_manager_client.retry import Retries

EXTENSION = ['--os', 'linux', '--arch', 'amd64', '--name', 'Foo', '--repo_type', 'git', '--repo_url', 'https://x',
             '--revision', 'r1', '--app_revision', '33000']


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    for name in ('http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(transfer, 'CHUNK', 1000)


@pytest.fixture
def tried(monkeypatch):
    """Set as soon as an attempt has failed."""
    failed, original = threading.Event(), Retries._sleep

    def noting(self, seconds):
        failed.set()
        original(self, seconds)

    monkeypatch.setattr(Retries, '_sleep', noting)
    return failed


@pytest.fixture(scope='module')
def authority():
    return trustme.CA()


@pytest.fixture
def bundle(authority, tmp_path):
    authority.cert_pem.write_to_path(tmp_path / 'ca.pem')
    return tmp_path / 'ca.pem'


def speaking_tls(authority, name='127.0.0.1'):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def proxy(girder, authority):
    with FaultyProxy(girder.url, speaking_tls(authority)) as made:
        yield made


@pytest.fixture
def upload(invoke, girder, make_file, bundle):
    def send(url, *args, options=(), env=None):
        return invoke('--api-url', url, '--api-key', girder.key, '--retry-pause', 0.01, *options, 'extension', 'upload',
                      'Slicer', make_file(size=3500), *EXTENSION, *args,
                      env={'SSL_CERT_FILE': str(bundle), **(env or {})})

    return send


def test_an_upload_gets_on_although_every_connection_breaks_off_early(girder, proxy, upload, make_file, monkeypatch):
    monkeypatch.setattr(chunk_size, 'STEP', 100)
    proxy.fail(b'/file/chunk', 'reset', after=900, times=99)
    done = upload(proxy.url)
    assert done.exit_code == 0, done.stderr
    assert [file['data'] for file in girder.files] == [make_file(size=3500).read_bytes()]


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as one:
        return one.getsockname()[1]


@pytest.mark.parametrize('pattern', [b'api_key/token', b'GET /api/v1/app', b'offset=0', b'offset=3000'])
@pytest.mark.parametrize('action', ['reset', 'close', 'garbage'])
def test_a_tls_connection_that_breaks_is_tried_again(action, pattern, proxy, upload, girder, make_file):
    broken = proxy.fail(pattern, action, times=2)
    done = upload(proxy.url)
    assert done.exit_code == 0, done.stderr
    assert broken.happened.is_set()
    assert 'Trying again' in done.stderr
    assert [file['data'] for file in girder.files] == [make_file(size=3500).read_bytes()]


def test_a_tls_connection_that_breaks_in_the_handshake_is_tried_again(proxy, upload):
    proxy.handshakes = 3
    done = upload(proxy.url)
    assert done.exit_code == 0, done.stderr


def test_something_else_than_tls_is_lasting_only_at_the_first_contact(proxy, upload, girder):
    done = upload(girder.url.replace('http:', 'https:'))
    assert done.exit_code == 6
    assert 'Trying again' not in done.stderr
    assert 'speak https' in done.stderr


@pytest.mark.parametrize(('name', 'trusted'), [('127.0.0.1', False), ('elsewhere.example', True)])
def test_a_certificate_that_is_not_right_is_not_tried_again(name, trusted, girder, authority, upload):
    other = authority if trusted else trustme.CA()
    with FaultyProxy(girder.url, speaking_tls(other, name)) as proxy:
        done, port = upload(proxy.url), proxy.port
    assert done.exit_code == 6
    assert 'Trying again' not in done.stderr
    assert f'The certificate of 127.0.0.1:{port} is not trusted' in done.stderr


@pytest.mark.parametrize('variable', ['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'])
def test_the_environment_may_name_the_authorities(variable, invoke, proxy, bundle):
    assert invoke('--api-url', proxy.url, 'app', 'list', env={variable: str(bundle)}).exit_code == 0


@pytest.mark.parametrize(('options', 'env'), [
    (['--certificate', 'FILE'], {}), ([], {'SSL_CERT_FILE': 'FILE'}), ([], {'SSL_CERT_FILE': '/none/such.pem'})])
def test_a_file_without_certificates_is_a_usage_error(options, env, invoke, proxy, tmp_path):
    (tmp_path / 'FILE').write_text('nothing')
    path = str(tmp_path / 'FILE')
    done = invoke('--api-url', proxy.url, *(one.replace('FILE', path) for one in options), 'app', 'list',
                  env={key: value.replace('FILE', path) for key, value in env.items()})
    assert done.exit_code == 2
    assert 'No certificates can be read' in done.stderr


@contextmanager
def restarting(girder, tried):
    """Provide the port of a server, or of a proxy in front of it, that starts once an attempt has failed."""
    port, ended = free_port(), threading.Event()

    def restart():
        tried.wait(300)
        with FaultyProxy(girder.url, port=port):
            ended.wait(300)

    thread = threading.Thread(target=restart)
    thread.start()
    try:
        yield port
    finally:
        ended.set()
        thread.join()


def test_a_server_that_comes_back_in_time_is_waited_for(upload, girder, tried):
    with restarting(girder, tried) as port:
        done = upload(f'http://127.0.0.1:{port}/api/v1')
    assert done.exit_code == 0, done.stderr
    assert f'The connection to 127.0.0.1:{port} was refused. Trying again' in done.stderr


@pytest.mark.parametrize('options', [['--retry-for', '0.3'], ['--retry-for', '0'], ['--retries', '2'],
                                     ['--retries', '2', '--retry-for', '1h']])
def test_a_server_that_does_not_come_back_is_given_up(options, upload):
    began = time.monotonic()
    done = upload(f'http://127.0.0.1:{free_port()}/api/v1', options=options)
    assert done.exit_code == 6
    assert time.monotonic() - began < 300  # by default it would be 900
    assert done.stderr.splitlines()[-1].startswith('Error: The connection to 127.0.0.1:')


def test_a_forward_proxy_that_restarts_is_tried_again(upload, girder, tried):
    with restarting(girder, tried) as port:
        done = upload(girder.url.replace('127.0.0.1', 'localhost'), env={
            'http_proxy': f'http://user:proxysecret@127.0.0.1:{port}'})
    assert done.exit_code == 0, done.stderr
    assert f'The proxy http://127.0.0.1:{port} cannot be used' in done.stderr
    assert 'proxysecret' not in done.stderr


@pytest.mark.parametrize(('status', 'again'), [(407, False), (403, False), (502, True), (503, True)])
def test_what_a_forward_proxy_refuses_is_lasting(status, again, invoke, httpserver):
    with socket.create_server(('127.0.0.1', 0)) as listener:
        def serve():
            for _ in itertools.count():
                try:
                    client = listener.accept()[0]
                except OSError:
                    return
                client.recv(1000)
                client.sendall(f'HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n'.encode())
                client.close()

        threading.Thread(target=serve, daemon=True).start()
        done = invoke('--retries', 1, '--retry-pause', 0, '--api-url', 'https://server.example/api/v1', 'app', 'list',
                      env={'https_proxy': f'http://127.0.0.1:{listener.getsockname()[1]}'})
        listener.shutdown(socket.SHUT_RDWR)
    assert done.exit_code == 6
    assert f'answered status {status}' in done.stderr
    assert ('Trying again' in done.stderr) is again


def test_a_proxy_for_http_that_requires_a_login_is_named_with_what_to_do(upload, girder):
    girder.fail('POST', 'api_key/token', 407, body='')
    done = upload(girder.url)
    assert done.exit_code == 6
    assert 'The proxy requires a login (status 407).' in done.stderr
    assert 'HTTP_PROXY' in done.stderr


def test_the_reason_of_a_retry_is_that_of_the_server_if_it_is_at_another_offset(upload, girder):
    girder.fail('POST', 'file/chunk', 409, skip=1, body='{"message": "Another request is sending bytes of \\"x\\"."}')
    done = upload(girder.url)
    assert done.exit_code == 0, done.stderr
    assert 'Another request is sending bytes of "x". Trying again' in done.stderr
    assert 'cannot be reached' not in done.stderr


@pytest.mark.parametrize(('code', 'seconds'), [(socket.EAI_NONAME, 20), (socket.EAI_AGAIN, 900)])
def test_a_name_that_cannot_be_resolved_is_said(code, seconds, monkeypatch):
    def resolve(*_args, **_more):
        raise socket.gaierror(code, 'No such name')

    pauses = []
    client = SlicerPackageClient(apiUrl='http://nowhere.example/api/v1', retries=Retries(sleep=pauses.append))
    monkeypatch.setattr(socket, 'getaddrinfo', resolve)
    with pytest.raises(NetworkProblem, match=r'nowhere.example:80 cannot be resolved \(DNS: No such name\)'):
        client.listApp()
    assert sum(pauses) == pytest.approx(seconds, rel=0.1)


@pytest.mark.parametrize('status', [501, 507])
def test_what_another_attempt_does_not_change_is_not_tried_again(status, upload, girder):
    girder.fail('POST', 'chunk', status, times=99)
    done = upload(girder.url)
    assert done.exit_code == 6
    assert 'Trying again' not in done.stderr
    assert len(girder.asked('POST', 'chunk')) == 1
    assert ('no space' in done.stderr) == (status == 507)


@pytest.mark.parametrize('path', ['', '/', '/api', '/api/', '/api/v2', '/api/v1/app', '/catalog'])
@pytest.mark.parametrize('login', [[], ['--api-key', 'anykey'], ['--username', 'a', '--password', 'b']], ids=len)
@pytest.mark.parametrize('page', [
    pytest.param((404, '<h2>404 Not Found</h2>'), id='404'), pytest.param((405, '<h2>405</h2>'), id='405'),
    pytest.param((200, '<!DOCTYPE html><p>Welcome'), id='page'),
    pytest.param((400, '{"message": "No matching route for \\"POST api_key/token\\"", "type": "rest"}'), id='route')])
def test_a_wrong_url_is_no_wrong_key(path, login, page, invoke, httpserver):
    import re
    httpserver.expect_request(re.compile('.*')).respond_with_data(page[1], status=page[0])
    root = httpserver.url_for('').rstrip('/')
    done = invoke('--api-url', root + path, *login, 'app', 'list')
    assert done.exit_code == 6
    assert 'key was refused' not in done.stderr
    assert f'Try {root}/api/v1.' in done.stderr


def test_credentials_in_the_url_of_the_server_are_not_printed(invoke):
    done = invoke('--retries', 0, '--verbose', '--api-url', f'http://me:urlsecret@127.0.0.1:{free_port()}/api/v1',
                  'app', 'list')
    assert done.exit_code == 6
    assert 'urlsecret' not in done.stderr


@pytest.mark.parametrize('host', ['::1', '[::1]'])
def test_a_host_may_be_an_ipv6_address(host, invoke, girder):
    try:
        proxy = FaultyProxy(girder.url, family=socket.AF_INET6)
    except OSError:
        pytest.skip('this machine has no IPv6')
    with proxy:
        done = invoke('--host', host, '--scheme', 'http', '--port', proxy.port, 'app', 'list')
    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize(('text', 'seconds'), [('900', 900), ('0', 0), ('1.5', 1.5), ('15m', 900), ('2 h', 7200),
                                               ('30S', 30)])
def test_durations(text, seconds):
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize('text', ['', '-1', 'soon', '1d', 'nan', 'inf', '1e3'])
def test_what_is_no_duration(text, invoke):
    done = invoke('--retry-for', text or ' ', 'app', 'list')
    assert done.exit_code == 2
