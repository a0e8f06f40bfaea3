"""Headers, bodies and parameters that cannot be parsed: never a failure of the server, on no kind of route."""
import time
from io import BytesIO

import pytest
from cherrypy.lib import httputil
from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager.rest.http import headers as http_headers
from slicer_package_manager.rest.http.headers import accepts_gzip

#: One or two of each kind of route.
ROUTES = [
    'GET /', 'GET /index.html', 'GET /nonsense', 'GET /catalog', 'GET /download',
    'GET /download?os=linux&stability=any',
    'GET /find?os=linux&stability=any', 'GET /findall', 'GET /bitstream/{item}', 'GET /slicer_package_manager/a/b',
    'GET /api', 'GET /api/v1', 'GET /api/v1/describe', 'GET /api/v1/nonsense', 'GET /api/v1/app',
    'GET /api/v1/app/{app}/extension', 'GET /api/v1/app/{app}/downloadstats',
    'GET /api/v1/slicer_package_manager/health',
    'GET /api/v1/system/version', 'GET /api/v1/user/authentication', 'GET /api/v1/item/{item}/download',
    'GET /api/v1/item/{item}/files', 'GET /api/v1/folder/{app}/download', 'POST /api/v1/folder',
    'PUT /api/v1/item/{item}', 'DELETE /api/v1/item/{app}', 'OPTIONS /api/v1/app', 'POST /api/v1/app', 'POST /catalog']
HEADERS = {
    'Accept-Encoding': ['gzip;q=abc', ';q=', 'gzip;q=1e999', 'gzip;q=nan', ',,,;', ',' * 8000, '"' * 8000],
    'Accept': ['text/html;q=abc', 'text/html;q=', '*/*;q=nan', ',' * 8000],
    'Range': ['bytes=a-b', 'bytes=--5', 'bytes', 'bytes=', 'bytes=-0', 'bytes=5-3', 'bytes=0-0,5-', 'items=0-1',
              'bytes=99999999999999999999-', 'bytes=1-2-3', 'bytes=+1-2', 'bytes= 1 - 2', 'bytes=\xb2-', '=', '=0-1',
              'bytes=0-' + '9' * 5000],
    'If-Range': ['"', 'x', 'Wed'], 'If-None-Match': ['"', 'W/', '*,', '"' * 8000], 'If-Match': ['"'],
    'If-Modified-Since': ['x', 'Wed, 99 Foo', 'Thu, 01 Jan 1970 00:00:00 GMT;'], 'If-Unmodified-Since': ['x'],
    'Cookie': ['a', 'a=b; =;', 'girderToken', '\x01=1', 'a:b=c', '[]=x', '$Version=1', 'girderToken="\\999"', '\xff'],
    'Authorization': ['Basic', 'Basic x', 'Basic gIA=', 'Basic ////', 'Bearer', '\xff', ''],
    'Girder-Token': ['', '$ne', 'x' * 5000, '\xff', '=?x?q?y?=', 'a =?utf-8?q?b?= c', '=?utf-8?b?/w==?='],
    'Host': ['', '[', '[::1', ']', 'a:b:c', '\xff', 'a b', 'http://x', 'a@b', 'a/b', '[x]', 'x:99999999'],
    'X-Forwarded-Host': ['[', '"><x', '[::1, x'], 'X-Forwarded-Proto': ['x', '', 'a b'],
    'X-Forwarded-For': ['x', ',', '\xff'],
    'X-Forwarded-Port': ['x'], 'Forwarded': ['x'], 'Expect': ['x'], 'Accept-Language': ['x;q=a', '=?x?q?y?='],
    'Origin': ['null', '[', '\xff', '*'], 'Content-Encoding': ['gzip', 'x'], 'Referer': ['[', '\xff'],
    'Transfer-Encoding': ['gzip', 'x'], 'Content-Length': ['x', '-1', '9' * 30, '\xb2'], 'User-Agent': ['', '\xff'],
    'X-Request-ID': ['\t', 'x' * 500], 'TE': ['x;q=a'], 'X-Anything': ['=?hex?q?00?=', '=?']}
CONTENT_TYPES = [
    'multipart/form-data', 'multipart/form-data; boundary=', 'multipart/form-data; boundary=x', 'multipart/mixed',
    'multipart/mixed; boundary=x', 'multipart/form-data; boundary="x', 'multipart/x; boundary=' + 'x' * 300,
    'multipart/',
    'application/x-www-form-urlencoded; charset=nonsense', 'application/x-www-form-urlencoded; charset=hex',
    'application/x-www-form-urlencoded; charset=utf-16', 'multipart/form-data; boundary=x; charset=nonsense',
    'application/json; charset=nonsense', 'x', '', ';', '/', 'text/plain; charset=\x01']
BODIES = [
    b'', b'x=1', b'\xff%FF=\xff', b'self=1', b'--x\r\n\r\nabc\r\n--x--\r\n', b'--x\r\nbroken\r\n\r\nv\r\n--x--', b'--x',
    b'--x\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: text/x; charset=nonsense\r\n\r\nv\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\nv\r\n--x--\r\n',
    b'--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\nv\r\n--y--\r\n--x--\r\n',
    b'--x\r\nContent-Disposition\r\n\r\nv\r\n--x--\r\n', b'--x\r\n: a\r\n\r\nv', b'--x\r\n a\r\n\r\nv']
WITH_BODIES = [
    'POST /api/v1/user', 'PUT /api/v1/system/setting', 'POST /api/v1/folder', 'PUT /api/v1/item/{item}',
    'POST /api/v1/file', 'DELETE /api/v1/resource', 'DELETE /api/v1/item/{app}', 'POST /api/v1/file/chunk',
    'POST /catalog',
    'POST /', 'POST /find',
    'PATCH /api/v1', 'POST /api/v1/app', 'POST /api', 'POST /api/v1/resource/download', 'PUT /api/v1/describe',
    'POST /api/v1/nonsense', 'POST /api/v1/token/session', 'POST /metrics']
TRICKS = ['self=1', 'cls=1', 'params=1', 'event=1', 'args=1', 'kwargs=1', 'a.b=1', 'a%00=1', '%00=1', '$where=1',
    'x=1&x=2',
          'app=1&app=2', 's%65lf=1', 'a=1;self=1', 'self', 'self=', 'a%0A=1', '%7F=x']


@pytest.fixture
def ask(wsgi_app, app, make):
    """A maker of requests, as a server gives them to the application: whatever was sent is in there."""
    names = {'app': app['_id'], 'item': make('package', content=b'content')['_id']}

    def send(route, body=b'', **headers):
        method, url = route.format(**names).split(' ', 1)
        path, _, query = url.partition('?')
        environ = {
            'REQUEST_METHOD': method, 'SCRIPT_NAME': '', 'PATH_INFO': path, 'QUERY_STRING': query,
            'SERVER_NAME': 'testserver', 'SERVER_PORT': '80', 'SERVER_PROTOCOL': 'HTTP/1.1', 'REMOTE_ADDR': '127.0.0.1',
            'HTTP_HOST': 'testserver', 'CONTENT_LENGTH': str(len(body)), 'wsgi.input': BytesIO(body),
            'wsgi.errors': BytesIO(), 'wsgi.url_scheme': 'http', 'wsgi.version': (1, 0), 'wsgi.multithread': True,
            'wsgi.multiprocess': False, 'wsgi.run_once': False}
        names_of = {'Content-Type': 'CONTENT_TYPE', 'Content-Length': 'CONTENT_LENGTH'}
        environ.update({names_of.get(name, 'HTTP_' + name.upper().replace('-', '_')): value
                        for name, value in headers.items()})
        environ = {name: value for name, value in environ.items() if value is not None}
        heads = []
        started = time.monotonic()
        answer = wsgi_app(environ, lambda status, head, *_: heads.append((int(status[:3]), dict(head))))
        try:
            content = b''.join(answer)
        finally:
            getattr(answer, 'close', bool)()
        assert time.monotonic() - started < 60, 'it hangs'
        return *heads[-1], content
    return send


@pytest.mark.database
# CherryPy leaves a file that it does not send to the garbage collector.
@pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')
@pytest.mark.parametrize('route', ROUTES)
def test_no_header_is_a_failure_of_the_server(ask, route):
    wrong = {}
    for name, values in HEADERS.items():
        for value in values:
            status, headers, body = ask(route, **{name: value})
            is_json = name == 'Accept' or headers.get('Content-Type', '').startswith('application/json')
            if status >= 500 or (route.startswith('GET /api/v1/') and status >= 400 and body and not is_json):
                wrong[name, value[:40]] = status, body[:100]
    assert wrong == {}


@pytest.mark.database
@pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')
@pytest.mark.parametrize('route', WITH_BODIES)
def test_no_body_is_a_failure_of_the_server(ask, route):
    wrong = {}
    for kind in CONTENT_TYPES:
        for body in BODIES:
            status, _, text = ask(route, body, **{'Content-Type': kind})
            if status >= 500:
                wrong[kind, body[:40]] = status, text[:100]
    assert wrong == {}


@pytest.mark.database
@pytest.mark.parametrize('route', [
    'DELETE /api/v1/folder/{app}/metadata', 'DELETE /api/v1/item/{item}/metadata',
    'PUT /api/v1/item/{item}/metadata', 'POST /api/v1/app', 'POST /api/v1/folder'])
@pytest.mark.parametrize('kind', ['application/json', 'text/plain', 'application/x-www-form-urlencoded'])
def test_a_request_without_a_length_has_no_body(ask, api, route, kind):
    token = api.headers['Girder-Token']
    status, _, text = ask(route, **{'Content-Length': None, 'Content-Type': kind, 'Girder-Token': token})
    assert 400 <= status < 500, text


@pytest.mark.database
@pytest.mark.parametrize('route', [
    '/', '/catalog', '/download', '/find', '/findall', '/bitstream/x', '/slicer_package_manager/a/b', '/api/v1/app',
    '/api/v1/item',
    '/api/v1/app/{app}/extension', '/api/v1/describe', '/api/v1', '/api', '/api/v1/user/me', '/api/v1/system/version',
    '/api/v1/file/{item}/download', '/api/v1/slicer_package_manager/health'])
def test_names_of_parameters_that_are_none_are_400(ask, route):
    assert {trick: status for trick in TRICKS if (status := ask(f'GET {route}?{trick}')[0]) != 400} == {}


@pytest.mark.database
@pytest.mark.parametrize('method', ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'])
@pytest.mark.parametrize('place', [
    '/api', '/api/v1', '/api/v1/item', '/api/v1/app', '/api/v1/file', '/catalog', '/download', '/find',
    '/slicer_package_manager', '/bitstream'])
def test_no_part_of_a_path_is_taken_for_the_resource(ask, place, method):
    for trick in ('__class__', '__class__/x', '--class--/x/y', '__class__/__class__/x', '__init__/x', 'handleRoute/x'):
        status, _, _ = ask(f'{method} {place}/{trick}')
        if place == '/catalog' and 'class' not in trick:
            continue  # a category
        assert 400 <= status < 500 or (status == 200 and method == 'OPTIONS'), trick


@pytest.mark.database
@pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')
def test_files_of_the_root_are_sent_in_parts_that_make_sense(anonymous):
    whole = anonymous.get('http://testserver/Girder_Mark.png')
    size = len(whole.content)
    for asked, status, content in [
            ('bytes=0-4', 206, whole.content[:5]), ('bytes=-5', 206, whole.content[-5:]),
            ('bytes=a-b', 200, whole.content), ('bytes=--5', 200, whole.content),
            ('bytes=0-1,3-4', 200, whole.content), ('bytes=5-', 206, whole.content[5:]),
            (f'bytes=0-{size * 9}', 206, whole.content), ('bytes=3-1', 200, whole.content)]:
        answer = anonymous.get('http://testserver/Girder_Mark.png', headers={'Range': asked})
        assert (answer.status_code, answer.content) == (status, content), asked


@pytest.fixture(autouse=True, scope='module')
def lenient():
    """Parse headers as the server does, also where none is loaded."""
    http_headers.replace_parsers()


@pytest.mark.parametrize(('header', 'accepted'), [
    ('gzip', True), ('GZIP', True), ('x-gzip', True), ('deflate, gzip;q=0.5', True), ('gzip;q=0', False), ('', False),
    ('gzip;q=abc', False), ('gzip;q=-1', False), ('gzip;q=nan', False), ('identity', False), ('gzip;q=9', True),
    ('br;q=x, gzip', True)])
def test_gzip_is_sent_to_those_who_accept_it(header, accepted):
    assert accepts_gzip(header) is accepted


@given(st.text())
def test_any_header_can_be_parsed(text):
    for name in ('Accept', 'Accept-Encoding', 'Content-Type', 'TE'):
        for element in http_headers.elements(name, text):
            assert name == 'Content-Type' or 0 <= http_headers.weight(element) <= 1


@given(st.one_of(st.text(), st.from_regex(r'bytes=[-0-9, +]*', fullmatch=True)),
       st.one_of(st.none(), st.integers(0, 10**6)))
def test_any_range_is_within_the_file(header, size):
    for start, stop in http_headers.ranges(header, size) or ():
        assert 0 <= start < stop <= size


@pytest.mark.database
def test_cherrypy_and_girder_parse_so(wsgi_app):
    assert httputil.get_ranges('bytes=--5', 10) is None
    assert httputil.get_ranges('bytes=-0', 10) == []
    assert httputil.HeaderMap({'Accept': 'a;q=x, b'}).elements('Accept')[0].value == 'b'
    assert httputil.decode_TEXT_maybe('=?x?q?y?=') == '=?x?q?y?='
