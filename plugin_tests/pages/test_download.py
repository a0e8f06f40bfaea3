"""The page to download from, in a real browser."""
import hashlib
import json
import re
from urllib.request import urlopen

import httpx
import pytest

from plugin_tests.conftest import upload
from plugin_tests.servers import poll
from plugin_tests.site import SLICER
from slicer_package_manager.pages.offers import size

LINUX = {'platform': 'Linux x86_64'}
SHA512 = 'ab' * 64


@pytest.fixture(scope='module')
def busy(site):
    """An application with releases and previews for many systems; its id."""
    app = site.application('Busy')
    for name, revision in (('5.6.2', '32448'), ('5.8.1', '33241'), ('5.10.0', '33900')):
        site.post(f'/app/{app}/release', name=name, app_revision=revision)
    systems = [('linux', 'amd64'), ('win', 'amd64'), ('macosx', 'amd64'), ('macosx', 'arm64')]
    for number, (os, arch) in enumerate(systems):
        for version, revision, day in (('5.6.2', '32448', '2024-05-01'), ('5.8.1', '33241', '2025-03-11')):
            site.package(app, os=os, arch=arch, version=version, revision=revision, build_date=f'{day}T04:00:00Z',
                         sha512=SHA512, size=381_234_567 + number)
        site.package(app, os=os, arch=arch, version='5.9.0-2026-11-01', revision='33850', sha512=SHA512,
                     build_date='2026-11-01T04:00:00Z')
    site.package(app, os='linux', arch='arm64', version='5.9.0-2026-11-01', revision='33850')
    site.package(app, version='5.10.0', revision='33900', pre_release='true', build_date='2026-11-20T04:00:00Z')
    for name in ('One', 'Two'):
        site.extension(app, baseName=name)
    site.count(app, 'Slicer', {'2025-04-01': 1234}, kind='package', revision='33241')
    return app


@pytest.fixture
def visit(open_window, busy):
    """Open the page as a visitor whose browser has these ``hints`` in its ``navigator``."""
    def go(path=None, *, width='wide', dark=False, script=True, **hints):
        window = open_window(width=width, dark=dark, java_script_enabled=script)
        if script:
            window.context.add_init_script(
                f'for (const [key, value] of Object.entries({navigator(hints)}))'
                'Object.defineProperty(navigator, key, { get: () => value });')
        window.page.goto(path or f'/download?app={busy}')
        return window
    return go


def navigator(hints):
    """The properties of the browser's ``navigator``, as a script; without ``agent`` there are only the old ones."""
    agent = hints.pop('agent', None)
    values = [f'{key}: {value!r}' for key, value in hints.items()]
    if agent:
        architecture = ', '.join(f'{key}: {value!r}' for key, value in agent.items())
        values.append(f'userAgentData: {{ {architecture}, getHighEntropyValues: async () => ({{ {architecture} }}) }}'
                      .replace('True', 'true').replace('False', 'false'))
    else:
        values.append('userAgentData: undefined')
    return f'{{ {", ".join(values)} }}'


def offered(window):
    """The buttons for the visitor's computer, with where they lead to."""
    window.page.wait_for_selector('#yours a')
    return {re.sub(r'\s+', ' ', one.inner_text()): one.get_attribute('href')
            for one in window.page.query_selector_all('#yours a')}


def identifier(site, app, **filters):
    (item,) = site.client.get(f'/app/{app}/package', params=filters).json()
    return item['_id']


def test_each_system_has_its_newest_release_and_preview(visit):
    page = visit(platform='Win32').page
    seen = {(card.evaluate('e => e.closest(".system").dataset.os'),
             card.evaluate('e => e.closest(".architecture").dataset.arch'), card.get_attribute('data-kind')):
            card.get_attribute('data-version') for card in page.query_selector_all('.build')}
    assert seen == {
        **{(os, arch, 'Release'): '5.8.1' for os, arch in (
            ('win', 'amd64'), ('macosx', 'amd64'), ('macosx', 'arm64'), ('linux', 'amd64'))},
        **{(os, arch, 'Preview'): '5.9.0' for os, arch in (
            ('win', 'amd64'), ('macosx', 'amd64'), ('macosx', 'arm64'), ('linux', 'arm64'))},
        ('linux', 'amd64', 'Preview'): '5.10.0'}


def test_a_build_has_size_day_revision_downloads_and_checksum(visit, site, busy):
    card = visit(**LINUX).page.locator('[data-os=linux] [data-arch=amd64] [data-kind=Release]')
    text = re.sub(r'\s+', ' ', card.inner_text())
    for part in ('5.8.1', '5.8.1 (r33241)', '381 MB', '2 extensions', '1,234 downloads', '2025-03-11', SHA512):
        assert part in text
    assert card.get_by_role('link', name='Download 5.8.1 for Linux, 64-bit').get_attribute('href') == (
        f'./bitstream/{identifier(site, busy, os="linux", arch="amd64", revision="33241")}')


@pytest.mark.parametrize(('hints', 'buttons'), [
    pytest.param({'platform': 'Win32'}, ['Download 5.8.1 Windows, 64-bit'], id='Windows'),
    pytest.param(LINUX, ['Download 5.8.1 Linux, 64-bit'], id='Linux'),
    pytest.param({'platform': 'Linux aarch64'}, ['Download 5.9.0 (preview) Linux, ARM 64-bit'], id='ARM'),
    pytest.param({'platform': 'MacIntel', 'maxTouchPoints': 0},
                 ['Download 5.8.1 macOS, Apple silicon', 'Download 5.8.1 macOS, Intel'], id='a Mac'),
    pytest.param({'agent': {'platform': 'macOS', 'mobile': False, 'architecture': 'arm', 'bitness': '64'}},
                 ['Download 5.8.1 macOS, Apple silicon'], id='a Mac with hints'),
    pytest.param({'agent': {'platform': 'Windows', 'mobile': False, 'architecture': 'x86', 'bitness': '64'}},
                 ['Download 5.8.1 Windows, 64-bit'], id='Windows with hints'),
])
def test_the_visitors_system_comes_first(visit, hints, buttons):
    window = visit(**hints)
    assert list(offered(window)) == buttons
    first = window.page.locator('.system').first
    assert first.get_attribute('data-name') in buttons[0]
    assert 'your system' in first.inner_text()
    assert window.page.locator('.system .chip:visible', has_text='your system').count() == 1
    assert ('Apple silicon or Intel?' in window.page.inner_text('#yours')) == (len(buttons) > 1)


def test_visitors_with_another_processor_get_a_hint(visit):
    window = visit(agent={'platform': 'Windows', 'mobile': False, 'architecture': 'arm', 'bitness': '64'})
    assert list(offered(window)) == ['Download 5.8.1 Windows, 64-bit']
    assert 'There is no build for processors like yours.' in window.page.inner_text('#yours')


@pytest.mark.parametrize('hints', [
    {'platform': 'iPhone'}, {'platform': 'MacIntel', 'maxTouchPoints': 5}, {'platform': ''},
    {'agent': {'platform': 'Android', 'mobile': True}}, {'agent': {'platform': 'Chrome OS', 'mobile': False}}])
def test_who_can_use_none_of_them_just_sees_them_all(visit, hints):
    window = visit(**hints)
    window.page.wait_for_selector('.copy:visible')
    assert window.page.locator('#yours').is_hidden()
    assert window.page.locator('.system').count() == 3


def test_a_checksum_is_copied_by_the_keyboard(visit, site):
    window = visit(**LINUX)
    window.context.grant_permissions(['clipboard-read', 'clipboard-write'], origin=site.url)
    button = window.page.get_by_role('button', name='Copy the SHA-512 of 5.8.1 (r33241) for Linux, 64-bit')
    button.focus()
    window.page.keyboard.press('Enter')
    window.page.wait_for_function('document.getElementById("status").textContent === "Copied."')
    assert window.page.evaluate('navigator.clipboard.readText()') == SHA512


def test_without_a_clipboard_the_checksum_is_selected(visit):
    window = visit(clipboard='')
    window.page.locator('[data-os=win] .copy').first.click()
    window.page.wait_for_function('document.getElementById("status").textContent !== ""')
    assert window.page.evaluate('String(window.getSelection())') == SHA512


def test_older_releases_open_one_by_one(visit, site, busy):
    page = visit(**LINUX).page
    link = page.get_by_role('link', name='Download 5.6.2 (r32448) for macOS, Apple silicon')
    assert link.count() == 0
    page.locator('.older > summary').click()
    page.locator('.release > summary').click()
    assert link.get_attribute('href').endswith(identifier(site, busy, os='macosx', arch='arm64', revision='32448'))
    assert page.locator('.older li').count() == 4


def test_the_page_works_without_scripts(visit):
    page = visit(script=False).page
    assert page.locator('.get').count() == 9
    assert page.locator('.copy:visible').count() == 0
    page.locator('.older > summary').click()
    assert page.locator('.release > summary').is_visible()


def test_the_button_downloads_the_file_that_is_meant(site, visit):
    window = visit(**LINUX)
    window.context.route('**/bitstream/*', lambda route: route.fulfill(body='an installer', headers={
        'Content-Disposition': 'attachment; filename="Slicer.tar.gz"'}))
    with window.page.expect_download() as download:
        window.page.locator('#yours a').click()
    assert download.value.suggested_filename == 'Slicer.tar.gz'


@pytest.mark.parametrize('width', ['wide', 'narrow'])
@pytest.mark.parametrize('dark', [False, True], ids=['light', 'dark'])
def test_the_page_is_good_to_look_at_and_for_everyone(visit, album, width, dark):
    window = visit(width=width, dark=dark, platform='MacIntel', maxTouchPoints=0)
    offered(window)
    name = f'download-{width}-{"dark" if dark else "light"}'
    album.keep(window, name, full_page=True)
    window.page.locator('.older > summary').click()
    window.page.locator('.release > summary').click()
    album.keep(window, f'{name}-older', full_page=True)
    assert window.sideways() == 0
    assert window.accessibility() == {}


def test_an_application_without_packages_says_so(visit, site, album):
    empty = site.application('Empty <b>&amp;</b> new')
    window = visit(f'/download?app={empty}', **LINUX)
    assert 'There is nothing to download yet' in window.page.inner_text('main')
    assert 'No installer of Empty <b>&amp;</b> new' in window.page.inner_text('main')
    assert window.accessibility() == {}
    album.keep(window, 'download-empty')


def test_the_default_application_is_shown_and_what_is_private_is_not(site):
    page = httpx.get(f'{site.url}/download')
    assert (page.status_code, page.headers['Content-Type']) == (200, 'text/html;charset=utf-8')
    assert identifier(site, SLICER, os='macosx', arch='arm64') in page.text
    private = site.application('Hidden', public='false')
    answer = httpx.get(f'{site.url}/download?app={private}')
    assert (answer.status_code, 'Hidden' in answer.text) == (403, False)


@pytest.fixture
def installer(site):
    """A release with a real file, in the application that the root of the server is about; its content."""
    app = site.application('Scripted')
    site.post(f'/app/{app}/release', name='5.8.1', app_revision='33241')
    item = site.post(f'/app/{app}/package', os='linux', arch='amd64', baseName='Slicer', repository_type='git',
                     repository_url='', revision='33241', version='5.8.1')
    content = b'an installer ' * 100_000
    upload(site.client, item['_id'], content, 'Slicer-5.8.1-linux-amd64.tar.gz')
    setting = {'key': 'slicer_package_manager.default_app'}
    site.client.put('/system/setting', params={**setting, 'value': f'"{app}"'}).raise_for_status()
    yield app, content
    site.client.delete('/system/setting', params=setting).raise_for_status()


def test_a_script_finds_and_downloads_the_newest_release_which_counts_one(site, installer):
    app, content = installer
    with urlopen(f'{site.url}/find?os=linux&stability=release') as answer:
        record = json.load(answer)
    with urlopen(site.url + record['download_url']) as answer:
        got, headers = answer.read(), answer.headers
    assert (len(got), hashlib.sha512(got).hexdigest()) == (record['size'], record['sha512'])
    assert got == content
    assert headers['Content-Disposition'] == 'attachment; filename="Slicer-5.8.1-linux-amd64.tar.gz"'
    head = httpx.head(f'{site.url}/download?os=linux&version=5.8', follow_redirects=True)
    assert (head.status_code, head.headers['Content-Length']) == (200, str(len(content)))
    counted = {'33241': {'applications': {'linux': {'amd64': 1}}}}
    poll(lambda: site.client.get(f'/app/{app}/downloadstats').json() == counted, 'one download is counted')


def test_one_page_costs_few_queries(site, busy):
    site.database.command('profile', 2)
    httpx.get(f'{site.url}/download?app={busy}').raise_for_status()
    site.database.command('profile', 0)
    # A request that takes long asks again and again whether the database answers, by the data version.
    seen = site.database['system.profile'].count_documents({'op': {'$in': ['query', 'command']}, 'ns': {
        '$not': {'$regex': 'system.profile|slicer_package_change|cmd$'}}})
    site.database['system.profile'].drop()
    assert 0 < seen <= 16


@pytest.mark.parametrize(('accept', 'kind'), [('text/html,*/*;q=0.8', 'text/html'), ('*/*', 'application/json'),
                                             (None, 'application/json')])
def test_a_failure_is_a_page_for_people_and_json_for_programs(site, accept, kind):
    for query, status, part in (('os=beos', 400, 'is not one of linux, win, macosx'),
                                ('version=5', 400, 'os: is required'), ('os=linux&os=win', 400, 'os'),
                                ('os=linux&version=1', 404, 'There is no package of')):
        answer = httpx.get(f'{site.url}/download?{query}', headers={'Accept': accept} if accept else {})
        assert (answer.status_code, answer.headers['Content-Type'].split(';')[0]) == (status, kind)
        assert part in answer.text


def test_a_browser_is_redirected_as_all_others_are(site):
    found = httpx.get(f'{site.url}/find?os=win').json()['download_url']
    for accept in ('text/html', '*/*'):
        answer = httpx.get(f'{site.url}/download?os=win&stability=release', headers={'Accept': accept})
        assert (answer.status_code, answer.headers['Location']) == (302, found)


@pytest.mark.parametrize(('number', 'text'), [
    (0, ''), (999, '999 bytes'), (1000, '1 kB'), (999_499, '999 kB'), (999_999, '1 MB'), (381_234_567, '381 MB'),
    (1_500_000_000, '1.5 GB'), (10**15, '1000.0 TB')])
def test_sizes_are_readable(number, text):
    assert size(number) == text
