import hashlib

import pytest
from werkzeug import Response

from plugin_tests import loopback
from plugin_tests.conftest import upload
from slicer_package_manager.registry.links import fetch
from slicer_package_manager.registry.server import settings

pytestmark = pytest.mark.database

URL = 'https://github.com/O/R/releases/download/T/Slicer-5.8.1.tar.gz'
SHA512 = hashlib.sha512(b'the file').hexdigest()
LINK = {'url': URL, 'size': 8, 'sha512': SHA512}
QT5 = {'User-Agent': 'Mozilla/5.0'}


@pytest.fixture(params=['package', 'extension'])
def package_type(request):
    return request.param


@pytest.fixture
def link(package_type, make):
    """A URL-only package or extension."""
    return make(package_type, **LINK)


@pytest.fixture
def count(anonymous, app):
    return lambda: sum(row['count'] for row in anonymous.get(
        f'/app/{app["_id"]}/downloadstats', params={'limit': 0}).json())


@pytest.fixture
def setting(api):
    """Set a setting as an administrator does."""
    def put(key, value):
        return api.put('/system/setting', params={'key': key, 'value': value})
    return put


def files_of(client, item):
    return client.get(f'/item/{item["_id"]}/files').json()


def test_one_call_makes_an_item_with_a_link_file(anonymous, app, link, package_type):
    assert (link['size'], link['meta']['sha512']) == (8, SHA512)
    (file,) = files_of(anonymous, link)
    assert (file['name'], file['linkUrl'], file['size'], file['sha512']) == ('Slicer-5.8.1.tar.gz', URL, 8, SHA512)
    (listed,) = anonymous.get(f'/app/{app["_id"]}/{package_type}').json()
    assert (listed['_id'], listed['size'], listed['meta']['sha512']) == (link['_id'], 8, SHA512)


def test_the_name_of_the_file_is_the_last_part_of_the_path_unless_given(anonymous, make, package_type):
    item = make(package_type, url='https://github.com/a/b/My%20File%C3%BC.zip?x=1')
    assert files_of(anonymous, item)[0]['name'] == 'My Fileü.zip'
    make(package_type, url='https://github.com/a/b/My%20File%C3%BC.zip?x=1', file_name='other.zip')
    assert [file['name'] for file in files_of(anonymous, item)] == ['other.zip']


def test_the_same_call_again_changes_nothing(anonymous, make, package_type, link):
    before = files_of(anonymous, link)
    again = make(package_type, **LINK)
    assert (again, files_of(anonymous, link)) == (link, before)


def test_another_url_replaces_the_link(anonymous, make, package_type, link):
    other = make(package_type, url=URL.replace('5.8.1', '5.8.2'), size=100)
    assert (other['_id'], other['size'], other['meta']['sha512']) == (link['_id'], 100, '')
    (file,) = files_of(anonymous, link)
    assert (file['linkUrl'], file['size']) == (URL.replace('5.8.1', '5.8.2'), 100)


def test_a_real_file_replaces_the_link_and_a_link_the_real_file(api, anonymous, make, package_type, link):
    upload(api, link['_id'], b'real')
    (file,) = files_of(anonymous, link)
    assert 'linkUrl' not in file
    assert anonymous.get(f'/item/{link["_id"]}').json()['size'] == 4
    make(package_type, **LINK)
    (file,) = files_of(anonymous, link)
    assert file['linkUrl'] == URL
    assert anonymous.get(f'/item/{link["_id"]}').json()['size'] == 8
    assert anonymous.get(f'/item/{link["_id"]}').json()['meta']['sha512'] == SHA512


@pytest.mark.parametrize('facts', [{'url': URL}, LINK], ids=['unknown size', 'known size'])
def test_new_content_for_the_link_file_replaces_the_link(api, anonymous, make, package_type, facts):
    item = make(package_type, **facts)
    (file,) = files_of(anonymous, item)
    started = api.put(f'/file/{file["_id"]}/contents', params={'size': 4}).raise_for_status().json()
    api.post('/file/chunk', params={'uploadId': started['_id'], 'offset': 0}, content=b'real').raise_for_status()
    (found,) = files_of(anonymous, item)
    assert (found['name'], found['size'], 'linkUrl' in found) == (file['name'], 4, False)
    assert anonymous.get(f'/item/{item["_id"]}/download').content == b'real'
    now = api.get(f'/item/{item["_id"]}').json()
    assert (now['size'], now['meta']['sha512']) == (4, hashlib.sha512(b'real').hexdigest())


def test_the_sizes_of_folder_and_collection_follow_the_link(api, make, package_type, link, app):
    make(package_type, url=URL + 'x', size=1000)
    folder = api.get(f'/folder/{link["folderId"]}').json()
    assert folder['size'] == 1000
    assert api.get(f'/collection/{app["baseParentId"]}').json()['size'] == 1000
    upload(api, link['_id'], b'real')
    assert api.get(f'/collection/{app["baseParentId"]}').json()['size'] == 4


@pytest.mark.parametrize(('values', 'field'), [
    pytest.param({'url': 'http://github.com/a'}, 'url', id='not https'),
    pytest.param({'url': 'https://example.org/a'}, 'url', id='host not allowed'),
    pytest.param({'url': 'https://github.com.evil.org/a'}, 'url', id='host below another'),
    pytest.param({'url': 'https://evilgithub.com/a'}, 'url', id='host that ends alike'),
    pytest.param({'url': 'https://user@github.com/a'}, 'url', id='user'),
    pytest.param({'url': 'https://github.com:pw@evil.org/a'}, 'url', id='password'),
    pytest.param({'url': 'https://github.com@evil.org/a'}, 'url', id='host as user'),
    pytest.param({'url': 'https://github.com\\@evil.org/a'}, 'url', id='backslash'),
    pytest.param({'url': 'https://github.com/a#b'}, 'url', id='fragment'),
    pytest.param({'url': 'https://github.com/a#'}, 'url', id='empty fragment'),
    pytest.param({'url': 'https://github.com/a\r\nSet-Cookie: x=1'}, 'url', id='line break'),
    pytest.param({'url': 'https://github.com/ü'}, 'url', id='not ASCII'),
    pytest.param({'url': 'https://github.com/a b'}, 'url', id='space'),
    pytest.param({'url': 'https://github.com:8443/a'}, 'url', id='port'),
    pytest.param({'url': 'https://github.com:x/a'}, 'url', id='no port'),
    pytest.param({'url': 'https://[::1/a'}, 'url', id='no address'),
    pytest.param({'url': 'https:///a'}, 'url', id='no host'),
    pytest.param({'url': 'javascript:alert(1)'}, 'url', id='script'),
    pytest.param({'url': 'https://github.com/' + 'a' * 5000}, 'url', id='too long'),
    pytest.param({'url': 'https://github.com/a/'}, 'file_name', id='no name in the path'),
    pytest.param({**LINK, 'file_name': 'a/b'}, 'file_name', id='name with a slash'),
    pytest.param({**LINK, 'file_name': '..'}, 'file_name', id='name of a folder'),
    pytest.param({**LINK, 'size': '-1'}, 'size', id='negative size'),
    pytest.param({**LINK, 'size': '1e3'}, 'size', id='size in other notation'),
    pytest.param({**LINK, 'size': '9' * 30}, 'size', id='huge size'),
    pytest.param({**LINK, 'sha512': 'abc'}, 'sha512', id='no checksum'),
    pytest.param({'size': '5'}, 'size', id='size without a url'),
    pytest.param({'file_name': 'x'}, 'file_name', id='name without a url'),
])
def test_an_unusable_link_is_refused_and_leaves_nothing(api, app, db, package_type, values, field):
    from plugin_tests.conftest import FORMS
    response = api.post(f'/app/{app["_id"]}/{package_type}', params={**FORMS[package_type], **values})
    assert response.status_code == 400
    assert f'{field}: ' in response.json()['message']
    assert (db.item.count_documents({}), db.file.count_documents({})) == (0, 0)


def test_a_host_that_is_not_allowed_is_named_with_the_setting(api, app, make):
    from plugin_tests.conftest import PACKAGE_FORM
    message = api.post(f'/app/{app["_id"]}/package', params={**PACKAGE_FORM, 'url': 'https://example.org/a'}).json()
    assert 'example.org' in message['message']
    assert 'slicer_package_manager.link_hosts' in message['message']


def test_girders_own_link_files_follow_the_same_rule(api, anonymous, make, package_type):
    item = make(package_type)

    def post(url):
        return api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'x', 'linkUrl': url})
    assert post('https://example.org/a').status_code == 400
    assert files_of(api, item) == []
    assert post(URL).status_code == 200
    assert anonymous.get(f'/item/{item["_id"]}/download').headers['Location'] == URL


def test_other_peoples_link_files_are_not_restricted(api, app):
    folder = api.post('/folder', params={'parentType': 'collection', 'parentId': app['baseParentId'],
                                         'name': 'other'}).json()
    response = api.post('/file', params={'parentType': 'folder', 'parentId': folder['_id'], 'name': 'x',
                                         'linkUrl': 'http://example.org/a'})
    assert response.status_code == 200
    assert api.get(f'/file/{response.json()["_id"]}/download').status_code == 303


@pytest.fixture(params=['file', 'item', 'checksum'])
def url(request, anonymous, link):
    file = files_of(anonymous, link)[0]
    return {'file': f'/file/{file["_id"]}/download', 'item': f'/item/{link["_id"]}/download',
            'checksum': f'/file/hashsum/SHA512/{SHA512.upper()}/download'}[request.param]


def test_a_redirect_is_a_302_that_is_not_cached_and_counts_one(anonymous, url, count):
    response = anonymous.get(url)
    assert (response.status_code, response.headers['Location'], response.content) == (302, URL, b'')
    assert response.headers['Cache-Control'] == 'no-store'
    assert 'ETag' not in response.headers
    assert count() == 1


def test_a_redirect_of_head_counts_nothing(anonymous, url, count):
    response = anonymous.head(url)
    assert (response.status_code, response.headers['Location'], count()) == (302, URL, 0)


@pytest.mark.parametrize(('header', 'counted'), [('bytes=0-3', 0), ('bytes=4-', 0), ('bytes=0-', 1), ('nonsense', 1)])
def test_of_redirects_the_one_for_the_beginning_of_a_whole_download_counts(anonymous, url, count, header, counted):
    assert anonymous.get(url, headers={'Range': header}).status_code == 302
    assert count() == counted


def test_a_link_that_is_no_longer_allowed_is_403_and_names_the_setting(anonymous, setting, url, count):
    assert setting(settings.LINK_HOSTS, '["example.org"]').status_code == 200
    for method in ('GET', 'HEAD'):
        assert anonymous.request(method, url).status_code == 403
    assert settings.LINK_HOSTS in anonymous.get(url).json()['message']
    assert count() == 0


def test_a_pattern_allows_hosts_below_but_not_the_host_itself(setting, make, api, app):
    from plugin_tests.conftest import PACKAGE_FORM
    setting(settings.LINK_HOSTS, '["*.example.org"]').raise_for_status()
    make('package', url='https://a.b.example.org/x.zip')
    response = api.post(f'/app/{app["_id"]}/package', params={**PACKAGE_FORM, 'url': 'https://example.org/x.zip'})
    assert response.status_code == 400


@pytest.mark.parametrize(('key', 'value'), [
    (settings.LINK_HOSTS, '"github.com"'), (settings.LINK_HOSTS, '["https://github.com"]'),
    (settings.LINK_HOSTS, '["*"]'), (settings.LINK_HOSTS, '["*.*.org"]'), (settings.LINK_HOSTS, '[1]'),
    (settings.LINK_HOSTS, '["a b"]'), (settings.LINK_DELIVERY, 'sometimes'), (settings.LINK_DELIVERY, '["auto"]'),
    (settings.STREAM_HOSTS, '{}'), (settings.STREAM_HOSTS, '["host:80"]')])
def test_an_unusable_setting_is_refused(setting, key, value):
    response = setting(key, value)
    assert response.status_code == 400
    assert key in response.json()['message']


def test_settings_have_their_defaults(db):
    assert settings.get(settings.LINK_HOSTS) == ['github.com']
    assert settings.get(settings.LINK_DELIVERY) == 'auto'
    assert settings.get(settings.STREAM_HOSTS) == [
        'github.com', 'release-assets.githubusercontent.com', 'objects.githubusercontent.com']


def test_an_unusable_setting_from_the_environment_is_named(anonymous, link, monkeypatch):
    monkeypatch.setenv('GIRDER_SETTING_SLICER_PACKAGE_MANAGER_LINK_HOSTS', 'https://github.com')
    response = anonymous.get(f'/item/{link["_id"]}/download')
    assert response.status_code == 400
    assert settings.LINK_HOSTS in response.json()['message']


# Streaming. The other side is a server on the loopback interface, which only tests can allow.

@pytest.fixture
def origin(httpserver, allow):
    allow(loopback.origin(httpserver))
    return httpserver


CONTENT = bytes(range(256)) * 2048
CONTENT_SHA512 = hashlib.sha512(CONTENT).hexdigest()


@pytest.fixture
def streamed(origin, make):
    """A package of which the other side has the content; the values of its link can be changed."""
    def start(**values):
        return make('package', **{'url': origin.url_for('/a/file.zip'), 'size': len(CONTENT),
                                  'sha512': CONTENT_SHA512, **values})
    return start


def stream(client, item, **headers):
    return client.get(f'/item/{item["_id"]}/download', headers={**QT5, **headers})


def test_a_slicer_that_follows_no_redirect_gets_the_bytes(anonymous, origin, streamed, count):
    origin.expect_request('/a/file.zip').respond_with_data(CONTENT)
    response = stream(anonymous, streamed())
    assert (response.status_code, response.content) == (200, CONTENT)
    assert response.headers['Content-Length'] == str(len(CONTENT))
    assert response.headers['ETag'] == f'"{CONTENT_SHA512}"'
    assert response.headers['Content-Disposition'] == 'attachment; filename="file.zip"'
    assert count() == 1


@pytest.mark.parametrize(('way', 'agent', 'status'), [
    ('redirect', 'Mozilla/5.0', 302), ('stream', 'curl/8', 200), ('auto', 'Mozilla/5.0', 200),
    ('auto', 'Mozilla/5.0 (X11; Linux x86_64)', 302), ('auto', '', 302)])
def test_the_setting_decides_on_the_way(anonymous, origin, streamed, setting, way, agent, status):
    origin.expect_request('/a/file.zip').respond_with_data(CONTENT)
    setting(settings.LINK_DELIVERY, way).raise_for_status()
    response = anonymous.get(f'/item/{streamed()["_id"]}/download', headers={'User-Agent': agent})
    assert response.status_code == status


def test_redirects_on_the_other_side_are_followed_up_to_five(anonymous, origin, streamed):
    for step in range(4):
        origin.expect_request(f'/a/{step}').respond_with_response(
            Response(status=302, headers={'Location': f'/a/{step + 1}'}))
    origin.expect_request('/a/file.zip').respond_with_response(Response(status=302, headers={'Location': '/a/0'}))
    origin.expect_request('/a/4').respond_with_data(CONTENT)
    assert stream(anonymous, streamed()).content == CONTENT


@pytest.mark.parametrize('location', [
    '/a/file.zip', 'http://169.254.169.254/latest/meta-data', 'https://127.0.0.1/x', 'https://example.org/x',
    'file:///etc/passwd', 'https://user@github.com/x', '//[', ''])
def test_a_redirect_to_elsewhere_is_502(anonymous, origin, streamed, count, location):
    origin.expect_request('/a/file.zip').respond_with_response(Response(status=302, headers={'Location': location}))
    response = stream(anonymous, streamed())
    assert response.status_code == 502
    assert response.json()['type'] == 'rest'
    assert not {'content-disposition', 'content-range', 'accept-ranges'} & set(response.headers)
    assert count() == 0


@pytest.mark.parametrize('answer', [
    pytest.param({'status': 404}, id='not found'), pytest.param({'status': 500}, id='broken'),
    pytest.param({'status': 204}, id='empty'),
    pytest.param({'response_data': CONTENT[:-1]}, id='too short'),
    pytest.param({'response_data': CONTENT + b'x'}, id='too long'),
    pytest.param({'response_data': CONTENT, 'headers': {'Content-Encoding': 'gzip'}}, id='encoded'),
])
def test_another_side_that_fails_is_502(anonymous, origin, streamed, count, answer):
    origin.expect_request('/a/file.zip').respond_with_data(**answer)
    assert stream(anonymous, streamed()).status_code == 502
    assert count() == 0


def test_another_side_that_is_away_is_502(anonymous, streamed, allow):
    allow('http://127.0.0.1:9')
    response = stream(anonymous, streamed(url='http://127.0.0.1:9/file.zip'))
    assert response.status_code == 502
    assert 'does not answer' in response.json()['message']


def test_other_content_of_the_same_size_is_not_sent_to_its_end(anonymous, origin, streamed, count):
    # The server then closes the connection, which test_aborts.py looks at; here its error text follows.
    origin.expect_request('/a/file.zip').respond_with_data(CONTENT[:-1] + b'x')
    got = stream(anonymous, streamed()).content
    assert CONTENT[:-70000].startswith(got[:-70000])
    assert not got.endswith(CONTENT[-10:-1] + b'x')
    assert count() == 0


def test_other_content_of_a_small_file_is_502(anonymous, origin, streamed, count):
    origin.expect_request('/a/file.zip').respond_with_data('xyz')
    response = stream(anonymous, streamed(size=3, sha512=hashlib.sha512(b'abc').hexdigest()))
    assert response.status_code == 502
    assert 'something else than was registered' in response.json()['message']
    assert count() == 0


def test_size_and_checksum_may_be_unknown(anonymous, origin, make, count):
    origin.expect_request('/a/file.zip').respond_with_data(CONTENT)
    item = make('package', url=origin.url_for('/a/file.zip'))
    response = stream(anonymous, item, Range='bytes=5-9')
    assert (response.status_code, response.content) == (200, CONTENT)
    assert 'ETag' not in response.headers
    assert count() == 1


def test_a_range_is_passed_on(anonymous, origin, streamed, count):
    part = Response(CONTENT[100:200], status=206, headers={'Content-Range': f'bytes 100-199/{len(CONTENT)}'})
    origin.expect_request('/a/file.zip', headers={'Range': 'bytes=100-199'}).respond_with_response(part)
    response = stream(anonymous, streamed(), Range='bytes=100-199')
    assert (response.status_code, response.content) == (206, CONTENT[100:200])
    assert response.headers['Content-Range'] == f'bytes 100-199/{len(CONTENT)}'
    assert count() == 0


def test_a_range_that_the_other_side_does_not_honour_gets_the_whole_file(anonymous, origin, streamed, count):
    origin.expect_request('/a/file.zip').respond_with_data(CONTENT)
    response = stream(anonymous, streamed(), Range='bytes=100-199')
    assert (response.status_code, response.content) == (200, CONTENT)
    assert count() == 1


def test_another_range_than_asked_for_is_502(anonymous, origin, streamed):
    part = Response(CONTENT[:100], status=206, headers={'Content-Range': f'bytes 0-99/{len(CONTENT)}'})
    origin.expect_request('/a/file.zip').respond_with_response(part)
    assert stream(anonymous, streamed(), Range='bytes=100-199').status_code == 502


def test_head_and_what_the_client_has_need_no_fetching(anonymous, origin, streamed, count):
    item = streamed()
    head = anonymous.head(f'/item/{item["_id"]}/download', headers=QT5)
    assert (head.status_code, head.headers['Content-Length']) == (200, str(len(CONTENT)))
    assert stream(anonymous, item, **{'If-None-Match': f'"{CONTENT_SHA512}"'}).status_code == 304
    assert origin.log == []
    assert count() == 0


def test_an_aborted_stream_counts_nothing_and_gives_the_connection_up(anonymous, origin, streamed, count, monkeypatch):
    closed = []
    original = fetch.Remote.close
    monkeypatch.setattr(fetch.Remote, 'close', lambda self: (closed.append(True), original(self)))
    origin.expect_request('/a/file.zip').respond_with_data(CONTENT)
    with anonymous.stream('GET', f'/item/{streamed()["_id"]}/download', headers=QT5) as response:
        next(response.iter_raw())
    assert closed
    assert count() == 0
