"""Rules for every page: safe headers, cached files, no errors."""
import base64
import hashlib
import re

import httpx
import pytest

from slicer_package_manager.pages import assets, html

STATIC = re.compile(r'(?:src|href)="([^"]*?/slicer_package_manager/[^"]+)"')


def get(site, path, **headers):
    return httpx.get(site.url + path, headers=headers)


@pytest.mark.parametrize('path', [
    '/catalog', '/catalog/', '/catalog/All/33241/linux', '//catalog/All', '/catalog/a/b/c/d'])
def test_a_page_names_its_files_by_addresses_that_work_from_there(site, path):
    answer = get(site, path)
    named = STATIC.findall(answer.text)
    assert len(named) > 1
    for one in named:
        found = httpx.get(httpx.URL(site.url + path).join(one))
        assert found.status_code == 200, one
        assert found.headers['Cache-Control'] == 'public, max-age=31536000, immutable'


def test_a_page_protects_itself(site):
    headers = get(site, '/catalog').headers
    policy = policy_of(headers)
    assert policy['default-src'] == "'none'"
    assert policy['connect-src'] == policy['frame-ancestors'] == "'self'"
    assert headers['Referrer-Policy'] == 'no-referrer'
    assert headers['X-Content-Type-Options'] == 'nosniff'
    assert headers['Cache-Control'] == 'no-cache'


@pytest.mark.parametrize('element', ['script', 'style'])
def test_a_page_runs_nothing_but_files_of_ours_and_those_that_are_part_of_it(site, element):
    answer = get(site, '/catalog')
    allowed = policy_of(answer.headers)[f'{element}-src'].split()
    parts = re.findall(f'<{element}>(.*?)</{element}>', answer.text, re.DOTALL)
    assert parts
    assert {"'self'", *map(source, parts)} <= set(allowed)
    assert set(allowed) <= {"'self'", *(source((assets.FOLDER / name).read_text('utf-8')) for name in html.INLINE)}


def policy_of(headers):
    return dict(part.split(' ', 1) for part in headers['Content-Security-Policy'].split('; '))


def source(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize('name', html.INLINE)
def test_what_is_part_of_a_page_does_not_end_its_element_and_names_no_file_beside_it(name):
    text = (assets.FOLDER / name).read_text('utf-8')
    assert '</' not in text
    assert 'url(' not in text


@pytest.mark.parametrize(('path', 'root'), [
    ('/catalog', './'), ('/catalog/', '../'), ('/catalog/All/33241/linux', '../../../')])
def test_a_page_knows_the_way_to_the_root(site, path, root):
    assert f'data-root="{root}"' in get(site, path).text


def test_files_are_compressed_and_not_sent_again(site):
    url = f'/slicer_package_manager/{assets.digest()}/base.css'
    whole = get(site, url, **{'Accept-Encoding': 'identity'})
    assert 'Content-Encoding' not in whole.headers
    small = get(site, url, **{'Accept-Encoding': 'gzip'})
    assert (small.headers['Content-Encoding'], small.text) == ('gzip', whole.text)
    again = get(site, url, **{'If-None-Match': whole.headers['ETag']})
    assert (again.status_code, again.content) == (304, b'')


def test_files_of_an_older_page_are_the_current_ones_and_not_cached(site):
    answer = get(site, '/slicer_package_manager/000000000000/base.css')
    assert (answer.status_code, answer.headers['Cache-Control']) == (200, 'no-cache')


@pytest.mark.parametrize('path', [
    '/slicer_package_manager', '/slicer_package_manager/x/no.css', '/slicer_package_manager/x/../assets.py',
    '/slicer_package_manager/x/%2e%2e/assets.py'])
def test_there_are_no_other_files(site, path):
    assert get(site, path).status_code == 404


def test_what_is_not_there_is_a_page_too(open_window, album):
    window = open_window('/catalog?app=000000000000000000000000')
    window.problems.clear()  # the browser reports the status
    assert window.page.title() == 'Not Found'
    assert 'There is no application with the id' in window.page.inner_text('main')
    assert window.accessibility() == {}
    album.keep(window, 'error')


def test_an_uploaded_page_runs_no_script(open_window, site):
    me = site.client.get('/user/me').raise_for_status().json()
    folder = site.client.post('/folder', params={'parentType': 'user', 'parentId': me['_id'], 'name': 'Uploaded',
                                                 'public': True}).raise_for_status().json()
    item = site.client.post('/item', params={'folderId': folder['_id'], 'name': 'a'}).raise_for_status().json()
    page = b'<title>Uploaded</title><p>Text</p><script>document.title = "ran"; localStorage.x = 1</script>'
    file = site.client.post('/file', params={
        'parentType': 'item', 'parentId': item['_id'], 'name': 'a.html', 'size': len(page), 'mimeType': 'text/html'},
        content=page, headers={'Content-Type': 'application/octet-stream'}).raise_for_status().json()
    url = f'/api/v1/file/{file["_id"]}/download'
    window = open_window()
    window.page.goto(f'{url}?contentDisposition=inline')
    assert window.page.inner_text('p') == 'Text'
    assert window.page.title() == 'Uploaded'
    assert len(window.problems) == 1
    assert 'Blocked script execution' in window.problems.pop()
    window.page.goto('/catalog')
    assert window.page.evaluate('localStorage.x') is None
    with window.page.expect_download() as download:
        window.page.evaluate('url => { location.href = url; }', url)
    assert download.value.suggested_filename == 'a.html'
    assert download.value.path().read_bytes() == page
