"""No request is taken for one that reads unless it is one: what is cached is asked for by its address alone."""
import pytest

from slicer_package_manager.rest.middleware.response_cache import CACHE
from slicer_package_manager.rest.middleware.routing import OVERRIDES

pytestmark = pytest.mark.database

EVERY_HEADER = pytest.mark.parametrize('header', [*OVERRIDES, OVERRIDES[0].lower()])
#: Each call whose response is cached, with a form that would change the response.
CACHED = {
    '/app': {'name': 'zzz'},
    '/app/{app}/release': {'release_id_or_name': 'zzz'}, '/app/{app}/draft': {'revision': 'zzz'},
    '/app/{app}/package': {'baseName': 'zzz'}, '/app/{app}/extension': {'q': 'zzz'},
    '/app/{app}/extension?limit=0': {'q': 'zzz'}, '/app/{app}/package/find?os=linux&stability=any': {'arch': 'arm64'},
    '/app/{app}/package/findall?stability=any': {'arch': 'arm64'}}
#: Calls at the root of the server, and pages.
BESIDE = ['/find?os=linux&stability=any', '/findall', '/bitstream/5f4474d0e1d8c75dfc705482', '/download?os=linux',
          '/catalog', '/download', '/', '/index.html', '/api', '/api/v1', '/api/v1/describe',
          '/slicer_package_manager/x/y']


@pytest.fixture
def filled(make, make_release):
    make_release('5.8', '34000')
    for kind in ('package', 'extension'):
        make(kind, content=b'x')


def overridden(client, url, header, method='GET', **form):
    return client.post(url, data=form, headers={header: method})


@EVERY_HEADER
@pytest.mark.parametrize('path', CACHED)
def test_a_post_that_says_it_is_a_get_changes_no_answer_for_others(anonymous, api, app, filled, path, header):
    url = path.format(app=app['_id'])
    for client in (anonymous, api):
        CACHE.clear()
        assert overridden(client, url, header, **CACHED[path]).status_code == 400
        poisoned = anonymous.get(url).raise_for_status()
        CACHE.clear()
        assert anonymous.get(url).content == poisoned.content


@EVERY_HEADER
@pytest.mark.parametrize('method', ['GET', 'get', 'Get', 'HEAD', ' GET', 'OPTIONS', 'POST', 'x', '', 'GET, PUT'])
@pytest.mark.parametrize('path', ['/item', '/system/version', '/app', '/user/me', '/slicer_package_manager/health'])
def test_no_call_takes_a_post_for_a_request_that_reads(api, path, header, method):
    answer = overridden(api, path, header, method)
    assert answer.status_code == 400
    assert header.lower() in answer.json()['message'].lower()


@EVERY_HEADER
@pytest.mark.parametrize('path', BESIDE)
def test_nothing_beside_the_api_does(anonymous, app, filled, path, header):
    for method in ('GET', 'HEAD', 'x'):
        answer = overridden(anonymous, f'http://testserver{path}', header, method, os='linux')
        assert answer.status_code == 400, (method, answer.text)
    before = anonymous.get(f'http://testserver{path}')
    assert anonymous.get(f'http://testserver{path}', headers={header: 'PUT'}).status_code == before.status_code


@pytest.mark.parametrize('methods', [('PUT', 'GET', 'PUT'), ('GET', 'PUT', 'DELETE'), ('DELETE', 'PUT', 'GET')])
def test_of_several_headers_each_is_looked_at(api, methods):
    answer = api.post('/item', headers=dict(zip(OVERRIDES, methods, strict=True)))
    assert answer.status_code == 400
    assert 'X-HTTP-Method-Override' in answer.json()['message']


@EVERY_HEADER
@pytest.mark.parametrize('method', ['GET', 'PUT', 'DELETE', 'POST'])
def test_only_a_post_can_be_overridden(anonymous, app, filled, header, method):
    url = f'/app/{app["_id"]}/extension'
    whole = anonymous.get(url)
    assert anonymous.get(url, headers={header: method}).content == whole.content
    assert anonymous.put(url, data={'q': 'zzz'}, headers={header: method}).status_code == 400
    assert anonymous.get(url).content == whole.content


@pytest.mark.parametrize(('kind', 'body'), [
    ('application/x-www-form-urlencoded', b'q=zzz'), ('application/json', b'{"q": "zzz"}'),
    ('multipart/form-data; boundary=x',
     b'--x\r\nContent-Disposition: form-data; name="q"\r\n\r\nzzz\r\n--x--\r\n')])
def test_a_get_is_known_by_its_address_whatever_its_body_says(anonymous, app, filled, kind, body):
    url = f'/app/{app["_id"]}/extension'
    for _ in range(2):
        assert len(anonymous.request('GET', url, content=body, headers={'Content-Type': kind}).json()) == 1
        assert len(anonymous.get(url).json()) == 1


@pytest.mark.parametrize('query', [
    'q=zzz&q=zzz', 'q=zzz&q=', 'q=igt;q=zzz', 'q=zzz;q=igt', 'q[]=zzz', 'q%00=zzz', '_method=GET'])
def test_no_query_is_taken_for_another(anonymous, app, filled, query):
    url = f'/app/{app["_id"]}/extension'
    assert len({anonymous.get(f'{url}?{query}').status_code for _ in range(2)}) == 1
    assert [len(anonymous.get(f'{url}?q={word}').json()) for word in ('zzz', 'igt', '')] == [0, 1, 1]


@pytest.mark.parametrize('name', ['token', 'tok%65n'])
def test_what_is_asked_for_with_a_token_is_not_cached_for_anybody(anonymous, api, filled, app, name):
    for token in (api.headers['Girder-Token'], 'nonsense'):
        url = f'/app/{app["_id"]}/extension?{name}={token}'
        answer = anonymous.get(url)
        assert 'X-Accel-Expires' not in answer.headers
        assert answer.headers['Cache-Control'] == 'private, no-cache'
        assert not [one for one in CACHE._values if token in str(one)]


def test_only_requests_that_read_fill_the_cache(filled, app, anonymous, monkeypatch):
    # Also if something else should ever lead a POST to a list.
    url = f'/app/{app["_id"]}/extension'
    anonymous.get(url)
    put = []
    monkeypatch.setattr(CACHE, 'put', lambda *one: put.append(one))
    CACHE.clear()
    monkeypatch.setattr('slicer_package_manager.rest.middleware.request_limits._OVERRIDABLE', {'GET'})
    assert overridden(anonymous, url, OVERRIDES[0], q='zzz').json() == []
    assert put == []
    assert len(anonymous.get(url).json()) == len(put) == 1
