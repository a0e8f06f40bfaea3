"""The headers that keep uploaded files and other sites from acting in the name of those who look at them."""
import pytest

from plugin_tests.conftest import upload
from slicer_package_manager.rest.middleware import security_headers

ROOT = 'http://testserver'
HTML = b'<script>document.title = "ran"</script>'


@pytest.fixture
def others_file(api, admin):
    """A page of HTML in the own folder of an account."""
    folder = api.post('/folder', params={'parentType': 'user', 'parentId': str(admin['_id']), 'name': 'Public',
                                         'public': True}).raise_for_status().json()
    item = api.post('/item', params={'folderId': folder['_id'], 'name': 'a'}).raise_for_status().json()
    file = upload(api, item['_id'], HTML, 'a.html')
    api.put(f'/file/{file["_id"]}', params={'mimeType': 'text/html'}).raise_for_status()
    return {'folder': folder['_id'], 'item': item['_id'], 'file': file['_id'], 'sha512': file['sha512']}


@pytest.mark.database
@pytest.mark.parametrize('query', ['', '?contentDisposition=inline', '?contentDisposition=attachment'])
@pytest.mark.parametrize('path', [
    '/file/{file}/download', '/file/{file}/download/a.html', '/item/{item}/download', '/folder/{folder}/download',
    '/file/hashsum/sha512/{sha512}/download', '/resource/download?resources={{"item":["{item}"]}}'])
def test_every_file_is_sent_into_a_sandbox(anonymous, others_file, path, query):
    url = path.format(**others_file) + (query.replace('?', '&') if '?' in path else query)
    for headers in ({}, {'Range': 'bytes=0-3'}):
        with anonymous.stream('GET', url, headers=headers) as answer:
            assert answer.status_code in {200, 206}
            assert answer.headers.get_list('Content-Security-Policy') == ['sandbox']
            assert answer.headers.get_list('X-Content-Type-Options') == ['nosniff']


@pytest.mark.database
@pytest.mark.parametrize('package_type', ['package', 'extension'])
@pytest.mark.parametrize('query', ['', '?contentDisposition=inline', '?offset=1'])
def test_so_is_every_file_of_a_package(anonymous, make, package_type, query):
    item = make(package_type, content=HTML)
    answer = anonymous.get(f'/item/{item["_id"]}/download{query}')
    assert answer.headers.get_list('Content-Security-Policy') == ['sandbox']
    assert answer.headers.get_list('X-Content-Type-Options') == ['nosniff']


@pytest.mark.database
@pytest.mark.parametrize('path', ['/', '/index.html', '/nonsense', '/api/v1', '/catalog', '/download', '/metrics'])
def test_no_other_site_shows_a_page_in_a_frame(anonymous, app, path):
    answer = anonymous.get(ROOT + path)
    assert "frame-ancestors 'self'" in answer.headers['Content-Security-Policy']
    assert 'sandbox' not in answer.headers['Content-Security-Policy']
    assert answer.headers['X-Frame-Options'] == 'SAMEORIGIN'
    assert answer.headers['X-Content-Type-Options'] == 'nosniff'


@pytest.mark.database
def test_answers_from_the_cache_and_failures_have_the_headers_too(anonymous, make, app):
    make('extension')
    for path in (*[f'/app/{app["_id"]}/extension'] * 3, '/app/x', '/nonsense', '/user/me'):
        for prefix in ('/api/v1', '//api/v1'):
            answer = anonymous.get(f'{ROOT}{prefix}{path}')
            assert answer.headers.get_list('Content-Security-Policy') == ['sandbox'], path
            assert answer.headers.get_list('X-Content-Type-Options') == ['nosniff'], path


@pytest.mark.database
def test_the_cookie_of_a_login_is_for_this_site(api, anonymous):
    api.post('/user', params={'login': 'someone', 'password': 'of-someone', 'firstName': 'A', 'lastName': 'B',
                              'email': 'a@example.org'}).raise_for_status()
    answer = anonymous.get('/user/authentication', auth=('someone', 'of-someone')).raise_for_status()
    assert answer.headers['Set-Cookie'].startswith('girderToken=')
    assert answer.headers['Set-Cookie'].endswith('; SameSite=Lax')
    for gone in (anonymous.delete('/user/authentication'), ):
        assert all('SameSite=Lax' in one for one in gone.headers.get_list('Set-Cookie'))


def test_headers_that_are_there_stay():
    given = [('content-security-policy', 'x'), ('Set-Cookie', 'a=b; samesite=strict'), ('set-cookie', 'c=d')]
    assert security_headers.protected(given, 'sandbox')[:3] == [*given[:2], ('set-cookie', 'c=d; SameSite=Lax')]
    assert 'Content-Security-Policy' not in dict(security_headers.protected(given, 'sandbox'))


@pytest.mark.parametrize(('mounted', 'path', 'policy'), [
    ('/api', '/v1/file/x/download', 'sandbox'), ('//api', '/v1/x', 'sandbox'), ('/girder/api', '/v1/x', 'sandbox'),
    ('/api', '/v1', "frame-ancestors 'self'"), ('', '/', "frame-ancestors 'self'"),
    ('/catalog', '', "frame-ancestors 'self'"), ('', '/api/v1/x', "frame-ancestors 'self'")])
def test_the_api_is_a_sandbox_and_pages_are_not(mounted, path, policy):
    assert security_headers.policy_of(mounted, path) == policy
