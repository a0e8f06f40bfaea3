"""The catalog of extensions, as people use it in their browsers."""
import json
import re

import pytest
from bson import ObjectId
from playwright.sync_api import expect

from plugin_tests.attested import BUNDLE, attestation, sha256
from plugin_tests.browser import WIDTHS
from plugin_tests.conftest import upload

SMALL = '/catalog/All/33400/linux'
LARGE = '/catalog/All/33241/linux'


def names(page):
    # Not the "inner" texts: those of cards that the browser has not drawn yet are empty.
    return [text.strip() for text in page.locator('.card h2').all_text_contents()]


def wait_for_list(page, count):
    expect(page.locator('#count')).to_contain_text(re.compile(rf'^{count} extensions?'))


def pictures(window, album, name, *, full_page=False):
    """Keep the page as it is on computers and telephones, light and dark; none is wider than its window."""
    for width, pixels in WIDTHS.items():
        window.page.set_viewport_size({'width': pixels, 'height': 800})
        for scheme in ('light', 'dark'):
            window.page.emulate_media(color_scheme=scheme)
            expect(window.page.locator('html')).to_have_attribute('data-theme', scheme)
            album.keep(window, f'{name}-{width}-{scheme}', full_page=full_page)
        assert window.sideways() <= 0


def test_the_latest_release_is_shown_for_the_system_of_the_visitor(open_window):
    agent = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36'
    page = open_window('/catalog', user_agent=agent).page
    wait_for_list(page, 20)
    assert page.url.endswith('/catalog/All/33241/win')
    expect(page.locator('#build')).to_have_text('5.8.1 (r33241) · Windows')


def test_all_extensions_are_listed_searched_and_sorted(open_window, album):
    window = open_window(LARGE)
    page = window.page
    wait_for_list(page, 255)
    assert names(page)[:2] == ['AAL3BrainLabeling', 'AblationPlanner']
    page.locator('#sort').select_option('downloads')
    expect(page.locator('.card h2').first).not_to_have_text('AAL3BrainLabeling')
    shown = [int(re.search(r'([\d,]+) download', text)[1].replace(',', ''))
             for text in page.locator('.card .facts > :last-child').all_text_contents()]
    assert shown == sorted(shown, reverse=True)
    assert len(set(shown)) > 50
    page.locator('#sort').select_option('name')
    page.locator('#search').type('brush ADAPT')
    wait_for_list(page, 1)
    assert names(page) == ['AdaptiveBrush']
    assert 'q=brush+ADAPT' in page.url
    page.locator('#search').fill('')
    wait_for_list(page, 255)
    pictures(window, album, 'catalog')


def test_categories_are_in_the_address_and_have_numbers(open_window):
    window = open_window(LARGE + '?q=segmentation')
    page = window.page
    found = page.locator('#categories a', has_text=re.compile('^Segmentation'))
    expect(found).to_be_visible()
    number = int(found.locator('.number').inner_text())
    found.click()
    wait_for_list(page, number)
    assert '/catalog/Segmentation/33241/linux?q=segmentation' in page.url
    expect(page.locator('#categories [aria-current=page]')).to_contain_text('Segmentation')
    page.go_back()
    expect(page.locator('#categories [aria-current=page]')).to_contain_text('All')
    page.goto('/catalog/Filtering/33241/linux')
    wait_for_list(page, 6)  # with the subcategories
    page.goto('/catalog/Nothing%20of%20that%20sort/33241/linux')
    expect(page.locator('#empty')).to_contain_text('There is no category “Nothing of that sort” here.')
    window.problems.clear()  # the browser reports the status


def test_an_extension_has_a_page_with_all_that_is_known(open_window, album):
    window = open_window(LARGE + '?extension=AblationPlanner')
    page = window.page
    expect(page.locator('h1:visible')).to_have_text('AblationPlanner')
    expect(page.locator('.gallery img')).to_have_count(3)
    expect(page.locator('dl.facts')).to_contain_text('Nathaniel Rex')
    expect(page.locator('table.builds tbody tr')).to_have_count(3)
    expect(page.locator('table.builds')).to_contain_text('macOS (Apple silicon)')
    expect(page.locator('.plot rect')).to_have_count(12)
    expect(page.locator('#total')).to_have_text(re.compile(r'^\d+ downloads from Nov 2025 to Oct 2026$'))
    assert window.accessibility() == {}
    pictures(window, album, 'extension', full_page=True)
    with page.expect_request('**/api/v1/item/*/download') as download:
        page.route('**/api/v1/item/*/download', lambda route: route.fulfill(
            body='package', headers={'Content-Disposition': 'attachment; filename="x.tar.gz"'}))
        page.locator('.title .action a').click()
    assert download.value.method == 'GET'
    page.locator('dl.facts a', has_text='ModelToModelDistance').click()
    expect(page.locator('h1:visible')).to_have_text('ModelToModelDistance')


def test_the_page_of_an_extension_states_which_run_has_built_it(open_window, site):
    place = 'https://github.com/SlicerIGT/SlicerIGT'
    app = site.application('With a publisher')
    site.package(app)
    item = site.extension(app)
    site.database['file'].update_one({'itemId': ObjectId(item['_id'])}, {'$set': {'spm.build': {
        'repository': 'SlicerIGT/SlicerIGT', 'commit': 'ab12cd34ef56ab12', 'run': '42', 'repository_url': place,
        'commit_url': f'{place}/commit/ab12cd34ef56ab12', 'run_url': 'javascript:alert(1)'}}})
    window = open_window(f'/catalog/All/33241/linux?app={app}&extension=SlicerIGT')
    built = window.page.locator('dl.facts > div', has_text='Built by')
    expect(built.locator('dd')).to_have_text('SlicerIGT/SlicerIGT@ab12cd3, run 42')
    assert [link.get_attribute('href') for link in built.locator('a').all()] == [
        place, f'{place}/commit/ab12cd34ef56ab12']
    assert window.accessibility() == {}
    site.client.delete(f'/app/{app}').raise_for_status()


def test_the_page_of_an_extension_links_to_its_attestation(open_window, site):
    app = site.application('With an attestation')
    item = site.extension(app)['_id']
    upload(site.client, item, content := b'content')
    path = f'/app/{app}/extension/{item}/attestation'
    site.client.put(path, content=attestation(content), headers={'Content-Type': BUNDLE}).raise_for_status()
    window = open_window(f'/catalog/All/33241/linux?app={app}&extension=SlicerIGT')
    shown = window.page.locator('dl.facts > div', has_text='Attestation')
    expect(shown.locator('dd')).to_have_text(f'for SHA-256 {sha256(content)[:7]}, not verified by this server')
    assert shown.locator('a').get_attribute('href').endswith(f'/api/v1{path}')
    assert window.accessibility() == {}
    site.client.delete(f'/app/{app}').raise_for_status()


def test_it_works_with_a_keyboard(open_window):
    window = open_window(SMALL)
    page = window.page
    wait_for_list(page, 10)
    page.keyboard.press('/')
    expect(page.locator('#search')).to_be_focused()
    page.keyboard.type('ablation')
    wait_for_list(page, 1)
    page.keyboard.press('Shift+Tab')
    expect(page.locator('.skip')).to_be_focused()
    page.keyboard.press('Enter')
    page.locator('#tier').focus()
    page.keyboard.press('Tab')
    expect(page.locator('#sort')).to_be_focused()
    page.keyboard.press('Tab')
    expect(page.locator('.card h2 a')).to_be_focused()
    page.keyboard.press('Enter')
    expect(page.locator('h1:visible')).to_be_focused()
    page.go_back()
    wait_for_list(page, 1)


def test_a_screen_reader_can_read_the_list(open_window):
    window = open_window(SMALL)
    wait_for_list(window.page, 10)
    expect(window.page.locator('#revision option')).to_have_count(3)
    for scheme in ('light', 'dark'):
        window.page.emulate_media(color_scheme=scheme)
        assert window.accessibility() == {}
    window.page.set_viewport_size({'width': WIDTHS['narrow'], 'height': 800})
    assert window.accessibility() == {}


def test_another_build_can_be_chosen(open_window):
    page = open_window(SMALL).page
    expect(page.locator('#revision option')).to_have_count(3)
    page.locator('#revision').select_option('33241')
    wait_for_list(page, 255)
    page.locator('#system').select_option('macosx arm64')
    wait_for_list(page, 20)
    assert page.url.endswith('/catalog/All/33241/macosx?arch=arm64')
    expect(page.locator('#build')).to_have_text('5.8.1 (r33241) · macOS (Apple silicon)')


def test_without_an_architecture_one_of_them_is_shown(open_window):
    page = open_window('/catalog/All/33241/macosx').page
    wait_for_list(page, 15)


def test_an_unknown_revision_is_reported_with_those_that_exist(open_window, album):
    window = open_window('/catalog/All/99999/linux')
    page = window.page
    expect(page.locator('#empty')).to_contain_text('There are no extensions for revision 99999.')
    assert page.locator('#empty strong').all_inner_texts() == [
        '5.9.0 preview, Nov 1, 2026 (r33400)', '5.8.1 (r33241)', '5.6.2 (r32448)']
    pictures(window, album, 'unknown-revision')
    page.set_viewport_size({'width': 1280, 'height': 800})
    page.locator('#empty a', has_text='Windows (20)').click()
    wait_for_list(page, 20)
    window.problems.clear()  # the browser reports the status


def test_a_system_without_extensions_is_reported_with_those_that_have_some(open_window):
    page = open_window('/catalog/All/33400/win').page
    expect(page.locator('#empty')).to_contain_text('5.9.0 preview, Nov 1, 2026 (r33400) has no extensions for Windows.')
    expect(page.locator('#empty a')).to_have_text('Linux (10)')


def test_why_an_extension_is_missing(open_window, album):
    window = open_window('/catalog/All/33241/macosx?arch=amd64&q=qqqqqqq+zzzzzzz')
    page = window.page
    expect(page.locator('#empty')).to_contain_text('Nothing found.')
    page.locator('#search').fill('Breast')
    expect(page.locator('#empty')).to_contain_text('There are, for other revisions or systems:')
    page.locator('#empty li a').first.click()
    expect(page.locator('#detail .hint')).to_contain_text('Not available for 5.8.1 (r33241), macOS (Intel)')
    expect(page.locator('table.builds tbody tr')).to_have_count(1)
    pictures(window, album, 'missing-extension', full_page=True)
    page.set_viewport_size({'width': 1280, 'height': 800})
    page.locator('table.builds td a').first.click()
    expect(page.locator('.title .action')).to_contain_text('Download')
    page.goto('/catalog/All/33241/linux?extension=NoSuchThing')
    expect(page.locator('#detail')).to_contain_text('There is no extension “NoSuchThing”.')
    window.problems.clear()  # the browser reports the status


def test_no_extensions_at_all(site, open_window, album):
    window = open_window(f'/catalog?app={site.application("Nothing")}')
    expect(window.page.locator('#problem h1')).to_have_text('There are no extensions here yet.')
    album.keep(window, 'no-extensions')


HOSTILE = """<p>Fine <b>text</b> <a href="javascript:bad()">here</a> <a href="https://example.org/x">there</a></p>
<img src=x onerror="bad()"><script>bad()</script><svg onload="bad()"></svg><iframe srcdoc="x"></iframe>
<a href="data:text/html,x" onclick="bad()">click</a><style>*{display:none}</style>"""


@pytest.fixture
def odd(site):
    """An application with extensions that the registry would not take today."""
    app = site.application('Odd')
    made = site.extension(app, baseName='<b>"A\' & Ö/x?#%2F', category='IO/Import <i>', keywords='odd',
                          icon_url='https://example.org/missing.png', screenshots='https://example.org/missing2.png')
    site.extension(app, baseName='Plain')
    changes = {'meta.description': HOSTILE, 'meta.homepage': 'javascript:bad()',
               'meta.repository_url': 'javascript:bad()'}
    site.database['item'].update_one({'_id': ObjectId(made['_id'])}, {'$set': changes})
    site.database['item'].update_many({'meta.baseName': 'Plain', 'spm.app': ObjectId(app)},
                                      {'$set': {'meta.contributors': None}, '$unset': {'meta.description': ''}})
    return app


def test_no_script_in_the_metadata_of_an_extension_runs(open_window, odd, album):
    window = open_window()
    page = window.page
    page.add_init_script('window.bad = () => { window.wasBad = true; }')
    page.goto(f'/catalog/All/33241/linux?app={odd}')
    wait_for_list(page, 2)
    assert sorted(names(page)) == ['<b>"A\' & Ö/x?#%2F', 'Plain']
    expect(page.locator('.card').first.locator('.icon')).to_have_text('<')
    expect(page.locator('.card').first.locator('.description')).to_have_text('Fine text here there click')
    page.locator('#categories a', has_text='IO/Import <i>').click()
    wait_for_list(page, 1)
    page.reload()
    wait_for_list(page, 1)
    page.locator('.card h2 a').click()
    expect(page.locator('h1:visible')).to_have_text('<b>"A\' & Ö/x?#%2F')
    expect(page.locator('.panel.description a')).to_have_count(1)
    expect(page.locator('table.builds tbody tr')).to_have_count(1)
    page.reload()
    expect(page.locator('h1:visible')).to_have_text('<b>"A\' & Ö/x?#%2F')
    hrefs = page.eval_on_selector_all('#detail a', 'links => links.map((one) => one.protocol)')
    assert set(hrefs) <= {'http:', 'https:'}
    assert page.locator('#detail').locator('script, iframe, style, svg').count() == 0
    assert page.evaluate('window.wasBad') is None
    assert set(window.pictures) == {'https://example.org/missing.png', 'https://example.org/missing2.png'}
    album.keep(window, 'hostile')
    # The browser says what it did not run.
    window.problems = [one for one in window.problems if 'violates the following Content Security Policy' not in one]


def test_a_failure_of_the_server_is_reported_and_can_be_retried(open_window):
    window = open_window()
    page = window.page
    message = {'message': 'The database is away.', 'type': 'internal'}
    page.route('**/extension?**', lambda route: route.fulfill(status=503, body=json.dumps(message)))
    page.goto(SMALL)
    expect(page.locator('#revision option')).to_have_count(3)
    page.locator('#revision').select_option('33241')
    expect(page.locator('#problem')).to_contain_text('The database is away.')
    page.unroute('**/extension?**')
    page.locator('#problem button').click()
    wait_for_list(page, 255)
    window.problems.clear()  # the browser reports the status


def test_a_revision_that_is_not_ready_is_not_the_latest(site, open_window):
    app = site.application('Held')
    for name, revision in (('1.0', '100'), ('2.0', '200')):
        site.post(f'/app/{app}/release', name=name, app_revision=revision)
        site.extension(app, app_revision=revision)
    page = open_window(f'/catalog?app={app}').page
    wait_for_list(page, 1)
    assert f'/catalog/All/200/linux?app={app}' in page.url
    site.client.put(f'/app/{app}/release/2.0/ready', params={'ready': 'false'}).raise_for_status()
    page.goto(f'/catalog?app={app}')
    wait_for_list(page, 1)
    assert f'/catalog/All/100/linux?app={app}' in page.url


@pytest.fixture
def nights(site):
    """An application with one release and more drafts than a page of a list has."""
    app = site.application('Nights')
    site.post(f'/app/{app}/release', name='1.0', app_revision='100')
    site.extension(app, app_revision='100', os='win')
    for number in range(1000, 1060):
        site.extension(app, app_revision=str(number))
    # The latest ones have no extensions yet.
    for number in range(2000, 2055):
        site.package(app, revision=str(number))
    yield app
    site.client.delete(f'/app/{app}').raise_for_status()


def test_all_drafts_are_known_however_many_there_are(open_window, nights):
    window = open_window(f'/catalog?app={nights}', user_agent='Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0')
    page = window.page
    wait_for_list(page, 1)
    assert f'/catalog/All/1059/linux?app={nights}' in page.url
    expect(page.locator('#revision option')).to_have_count(61)
    page.locator('#revision').select_option('1000')
    wait_for_list(page, 1)
    page.goto(f'/catalog/All/1000/win?app={nights}')
    expect(page.locator('#empty')).to_contain_text('Revision 1000 has no extensions for Windows.')
    page.goto(f'/catalog/All/2054/linux?app={nights}')
    expect(page.locator('#empty')).to_contain_text('There are no extensions for revision 2054.')
    expect(page.locator('#empty strong').first).to_have_text('Revision 1059')


def test_a_search_ignores_accents_as_the_registry_does(open_window, site):
    app = site.application('Accents')
    site.extension(app, baseName='One', contributors='Ren\u00e9 Stra\u00dfe', keywords='\uc9c4\ub2e8')
    site.extension(app, baseName='Two', contributors='Rene\u0301 \u00c5str\u00f6m')
    page = open_window(f'/catalog/All/33241/linux?app={app}').page
    for text, count in {'rene': 2, 'REN\u00c9': 2, 'Rene\u0301': 2, 'astrom': 1, '\u00e5str\u00f6m': 1, 'strasse': 1,
                        '\uc9c4\ub2e8': 1}.items():
        page.locator('#search').fill(text)
        wait_for_list(page, count)
