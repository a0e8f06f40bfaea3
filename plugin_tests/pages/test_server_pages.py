"""Pages as the server draws them: complete without scripts, and described to search engines. Scripts move nothing."""
import json
import re
from xml.etree import ElementTree as ET

import httpx
import pytest
from playwright.sync_api import expect

from plugin_tests import browser as browsers
from plugin_tests.pages.test_bridge import FAKE, PRESENT, card
from plugin_tests.pages.test_catalog import LARGE, SMALL, names, wait_for_list
from plugin_tests.site import SLICER

IN_SLICER = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 QtWebEngine/5.15.2 Chrome/83.0.4103.122 Safari/537.36'
#: Pages with their titles, and their canonical addresses.
PAGES = {
    '/': ('Slicer: downloads and extensions', '/'),
    '/catalog': ('Slicer extensions', '/catalog'),
    LARGE: ('Slicer extensions', '/catalog'),
    '/catalog/Segmentation/33241/linux?sort=downloads': ('Segmentation extensions for Slicer', '/catalog/Segmentation'),
    '/extension/AblationPlanner': ('AblationPlanner · Slicer extensions', '/extension/AblationPlanner'),
    f'{LARGE}?extension=AblationPlanner': ('AblationPlanner · Slicer extensions', '/extension/AblationPlanner'),
    '/download': ('Download Slicer 5.8.1', '/download'), '/statistics': ('Slicer statistics', '/statistics'),
    '/statistics?days=all&kind=extension': ('Slicer statistics', '/statistics'),
    '/status': ('Missing Slicer extensions', '/status')}
#: What moves while a page is shown, without the visitor having done anything.
MOVES = """window.moved = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value;
}).observe({ type: 'layout-shift', buffered: true });"""


def get(site, path, **headers):
    return httpx.get(site.url + path, headers={'Accept': 'text/html', **headers})


def linked(text):
    """The objects of JSON-LD in a page."""
    return [json.loads(one) for one in re.findall(r'<script type="application/ld\+json">(.*?)</script>', text)]


@pytest.fixture
def plain(open_window):
    """Open pages without scripts."""
    return lambda path: open_window(path, java_script_enabled=False)


@pytest.mark.parametrize('path', PAGES)
def test_a_page_is_described_to_search_engines(site, path):
    title, canonical = PAGES[path]
    text = get(site, path).text
    url = site.url + canonical
    for one in (f'<title>{title}</title>', f'<link rel="canonical" href="{url}">',
                f'<meta property="og:title" content="{title}">', f'<meta property="og:url" content="{url}">'):
        assert one in text, one
    assert 20 < len(re.search(r'<meta name="description" content="([^"]+)">', text)[1]) <= 301
    assert text.count('<h1') == 1 or 'id="list" hidden' in text


def test_an_extension_and_the_application_are_software_with_a_version(site):
    extension, = linked(get(site, '/extension/AblationPlanner?revision=33241&os=linux&arch=amd64').text)
    assert (extension['@type'], extension['name']) == ('SoftwareApplication', 'AblationPlanner')
    assert extension['operatingSystem'] == 'Linux'
    assert httpx.head(extension['downloadUrl']).status_code in (302, 303)
    application, = linked(get(site, '/download').text)
    assert (application['@type'], application['softwareVersion']) == ('SoftwareApplication', '5.8.1')
    catalog, = linked(get(site, LARGE).text)
    assert catalog['mainEntity']['numberOfItems'] == 255


def test_the_catalog_is_complete_without_scripts(plain):
    page = plain(LARGE).page
    assert len(names(page)) == 255
    expect(page.locator('#build')).to_have_text('5.8.1 (r33241) · Linux')
    page.locator('#search').fill('brush ADAPT')
    page.locator('#find button').click()
    expect(page.locator('#count')).to_have_text('1 extension for “brush ADAPT”')
    assert names(page) == ['AdaptiveBrush']
    assert '/catalog/All/33241/linux?' in page.url
    page.locator('#search').fill('')
    page.locator('#sort').select_option('downloads')
    page.get_by_role('button', name='Apply').click()
    expect(page.locator('#count')).to_have_text('255 extensions')
    assert names(page)[0] != 'AAL3BrainLabeling'
    page.locator('#categories a[data-name="Segmentation"]').click()
    page.wait_for_url(re.compile(r'/catalog/Segmentation/33241/linux\?sort=downloads'))
    page.locator('#system').select_option('macosx arm64')
    page.get_by_role('button', name='Show').click()
    expect(page.locator('#build')).to_have_text('5.8.1 (r33241) · macOS (Apple silicon)')
    assert page.locator('.card .action a').first.get_attribute('href').endswith('/download')


def test_the_page_of_an_extension_is_complete_without_scripts(plain, album):
    window = plain(f'{LARGE}?q=ablationplanner')
    page = window.page
    page.locator('.card h2 a').first.click()
    expect(page.locator('h1:visible')).to_have_text('AblationPlanner')
    expect(page.locator('.gallery img')).to_have_count(3)
    expect(page.locator('dl.facts')).to_contain_text('Nathaniel Rex')
    expect(page.locator('table.builds tbody tr')).to_have_count(3)
    page.locator('.months summary').click()
    assert page.locator('.months tbody tr').count() == 12
    album.keep(window, 'extension-without-scripts', full_page=True)
    page.locator('.back a').click()
    expect(page.locator('#count')).to_have_text('1 extension for “ablationplanner”')
    expect(page.locator('#search')).to_have_value('ablationplanner')
    assert names(page) == ['AblationPlanner']


def test_the_build_is_that_of_the_visitor_unless_the_address_names_one(site):
    mac = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.0 Safari/605.1.15'
    preview = '5.9.0 preview, Nov 1, 2026 (r33400), Linux'
    for path, place in {'/extension/AblationPlanner': '5.8.1 (r33241), macOS (Intel)',
                        '/extension/AblationPlanner?os=linux&revision=33400': preview,
                        '/catalog': '5.8.1 (r33241) · macOS (Intel)',
                        '/catalog/All/33241/win': '5.8.1 (r33241) · Windows'}.items():
        assert place in get(site, path, **{'User-Agent': mac}).text, path


@pytest.mark.parametrize(('path', 'part'), [
    ('/extension/Ablationplaner', 'AblationPlanner'), ('/extension/brush', 'AdaptiveBrush'),
    ('/extension/x%2Fy', 'Look at all extensions'), ('/extension', 'Look at all extensions'),
    ('/extension/AblationPlanner?os=win&revision=1', 'Not available for'),
    ('/catalog/Nothing%20of%20that%20sort/33241/linux', 'There is no category'),
    ('/catalog/All/99999/linux', 'There are no extensions for revision 99999.'),
    ('/catalog/All/33241/beos', '5.8.1 (r33241) has no extensions for beos')])
def test_what_does_not_exist_is_404_with_suggestions(site, open_window, path, part):
    answer = get(site, path)
    assert (answer.status_code, part in answer.text) == (404, True)
    window = open_window(path)
    window.page.wait_for_load_state('networkidle')
    window.problems.clear()  # the browser reports the status
    assert window.accessibility() == {}


def test_slicer_gets_no_error_status_for_a_build_without_extensions(site):
    """Qt reports a page with one as a failure, and Slicer shows another message in its place."""
    for path in ('/catalog/All/99999/linux', '/extension/AblationPlanner?os=win&revision=1'):
        assert get(site, path, **{'User-Agent': IN_SLICER}).status_code == 200


@pytest.mark.parametrize('width', browsers.WIDTHS)
@pytest.mark.parametrize('path', [*PAGES, '/catalog/All/99999/linux', '/nothing'])
def test_nothing_moves_while_a_page_is_shown(open_window, path, width):
    window = open_window(width=width)
    window.page.add_init_script(MOVES)
    window.page.goto(path)
    window.page.wait_for_load_state('networkidle')
    window.problems[:] = [one for one in window.problems if 'status of 404' not in one]
    assert window.page.evaluate('window.moved') < 0.05


@pytest.mark.parametrize('path', ['/catalog', LARGE, f'{LARGE}?q=brush', '/extension/AblationPlanner'])
def test_scripts_request_nothing_that_the_page_has(open_window, path):
    window = open_window()
    asked = []
    window.page.on('request', lambda request: asked.append(request.url))
    window.page.goto(path)
    window.page.wait_for_load_state('networkidle')
    assert [one for one in asked if '/extension?' in one or '/downloadstats' in one] == []
    # The list is the server's, and works: a search requests what it finds, once.
    if 'extension/' not in path:
        for text in ('ablationplanner', '', 'ablationplanner'):
            window.page.locator('#search').fill(text)
            wait_for_list(window.page, 1 if text else 255)
        asked = [one for one in asked if '/extension?' in one]
        assert len(asked) == 1
        assert 'sort=relevance' in asked[0]


def test_pages_rank_what_a_search_finds_and_mark_its_words(open_window, plain):
    for query, first in {'rt': 'SlicerRT', 'elastix': 'SlicerElastix', 'totalsegmentater': 'TotalSegmentator'}.items():
        page = plain(f'{LARGE}?q={query}').page
        assert names(page)[0] == first
        assert page.locator('#sort').input_value() == 'relevance'
    page = open_window(LARGE).page
    wait_for_list(page, 255)
    page.locator('#search').type('volume rendering')
    expect(page.locator('#count')).to_contain_text('for “volume rendering”')
    ranked = names(page)
    assert names(plain(f'{LARGE}?q=volume+rendering').page) == ranked
    assert 'sort' not in page.url
    assert {one.lower() for one in page.locator('.card mark').all_inner_texts()} == {'volume', 'rendering'}
    page.locator('#sort').select_option('name')
    page.wait_for_url(re.compile('sort=name'))
    assert names(page) == sorted(ranked, key=str.lower)
    page.locator('#search').fill('')
    wait_for_list(page, 255)
    assert page.locator('.card mark').count() == 0


def test_pages_suggest_what_a_search_has_probably_meant(open_window, plain):
    window = plain(f'{LARGE}?q=total+segmentater&tier=3')
    window.page.get_by_text('Did you mean').get_by_role('link', name='TotalSegmentator').click()
    assert names(window.page)[0] == 'TotalSegmentator'
    assert 'tier=3' in window.page.url
    assert window.page.get_by_text('Did you mean').count() == 0
    window = open_window(LARGE)
    page = window.page
    wait_for_list(page, 255)
    page.locator('#search').type('bone recontruction planer')
    link = page.locator('#suggestion').get_by_role('link', name='BoneReconstructionPlanner')
    link.wait_for()
    assert window.accessibility() == {}
    link.click()
    expect(page.locator('#suggestion')).to_be_empty()
    assert names(page)[0] == 'BoneReconstructionPlanner'
    expect(page.locator('#search')).to_have_value('BoneReconstructionPlanner')
    page.locator('#search').fill('jupiter')
    expect(page.locator('#suggestion')).to_have_text('Did you mean jupyter?')
    page.locator('#search').fill('')
    expect(page.locator('#suggestion')).to_be_empty()


@pytest.mark.parametrize(('width', 'dark'), [('wide', True), ('narrow', False)])
def test_a_readme_fits_into_the_page(open_window, site, album, width, dark):
    app = site.application(f'README {width}')
    item = site.extension(app, baseName='Described')['_id']
    text = (f'# Described\n\n[{"long" * 60}](a.md)\n\n| a | b |\n| - | - |\n| {"word " * 60} | {"x" * 90} |\n\n'
            f'```\n{"code " * 60}\n```\n\n### Below\n\n- one\n- two\n')
    site.client.put(f'/app/{app}/extension/{item}/readme', content=text,
                    headers={'Content-Type': 'text/markdown'}).raise_for_status()
    window = open_window(f'/extension/Described?app={app}', width=width, dark=dark)
    window.page.get_by_role('heading', name='README').wait_for()
    assert window.page.get_by_role('link', name='longlong').get_attribute('href') == (
        'https://github.com/SlicerIGT/SlicerIGT/blob/ab12cd3/a.md')
    assert window.page.evaluate('document.documentElement.scrollWidth <= innerWidth')
    assert window.page.locator('.readme').evaluate(
        'one => one.getBoundingClientRect().right <= one.parentElement.getBoundingClientRect().right')
    assert window.accessibility() == {}
    album.keep(window, f'readme-{width}')


def test_all_modules_are_requested_at_once(open_window, site):
    text = get(site, LARGE).text
    preloaded = set(re.findall(r'<link rel="modulepreload" href="[^"]*?/([a-z]+(?:/[a-z]+)?\.js)"[^>]*>', text))
    window = open_window()
    asked = set()
    window.page.on('request', lambda request: asked.add(request.url))
    window.page.goto(LARGE)
    wait_for_list(window.page, 255)
    loaded = {re.search(r'/slicer_package_manager/\w+/(.*\.js)$', one)[1] for one in asked if one.endswith('.js')}
    assert loaded - preloaded == {'keys.js', 'catalog/main.js'}


def test_the_servers_list_is_in_the_order_of_the_scripts(open_window):
    window = open_window(LARGE, java_script_enabled=False)
    drawn = names(window.page)
    page = open_window(f'{LARGE}?sort=downloads').page
    wait_for_list(page, 255)
    page.locator('#sort').select_option('name')
    expect(page.locator('.card h2').first).to_have_text(drawn[0])
    assert names(page) == drawn


def test_slicers_buttons_are_on_the_cards_that_the_server_has_drawn(open_window):
    page = open_window(user_agent=IN_SLICER).page
    page.add_init_script(FAKE % (['AdaptiveBrush'], []) + PRESENT)
    page.goto(SMALL)
    expect(card(page, 'AdaptiveBrush').locator('button')).to_have_text('Uninstall')
    page.goto('/extension/AdaptiveBrush?revision=33400&os=linux&arch=amd64')
    expect(page.locator('.title .action button')).to_have_text('Uninstall')
    assert page.locator('table.builds a').count() == 0
    page.evaluate("app.search('ablation')")
    wait_for_list(page, 1)


def test_a_page_is_cached_until_the_data_changes(site):
    app = site.application('Cached pages')
    site.post(f'/app/{app}/release', name='1.0', app_revision='100')
    site.extension(app, app_revision='100')
    path = f'/catalog/All/100/linux?app={app}'
    first = get(site, path)
    again = get(site, path, **{'If-None-Match': first.headers['ETag']})
    assert (again.status_code, again.content) == (304, b'')
    site.extension(app, app_revision='100', baseName='Another')
    assert 'Another' in get(site, path, **{'If-None-Match': first.headers['ETag']}).text


def test_what_is_private_is_on_no_page(site):
    app = site.application('Half private')
    for name, revision, public in (('1.0', '100', 'true'), ('Secret', '200', 'false')):
        site.post(f'/app/{app}/release', name=name, app_revision=revision, public=public)
        site.extension(app, app_revision=revision, baseName=f'For{revision}', description=f'About {revision}')
        site.extension(app, app_revision=revision, baseName='Both')
    for path in ('/', '/catalog', '/catalog/All/200/linux', '/extension/For200', '/extension/Both', '/download',
                 '/extension/Both?revision=200', '/catalog/All/100/linux'):
        text = site.client.get(f'{site.url}{path}{"&" if "?" in path else "?"}app={app}').text
        text = text.replace('“For200”', '').replace('value="200"', '').replace('revision 200', '')
        assert 'Secret' not in text, path
        assert 'About 200' not in text, path
        assert '>For200<' not in text, path
    assert get(site, f'/extension/For200?app={app}').status_code == 404


def test_search_engines_learn_of_all_pages(site):
    robots = get(site, '/robots.txt').text
    assert f'Sitemap: {site.url}/sitemap.xml' in robots
    assert 'Disallow: /admin' in robots
    urls = [one.text for one in ET.fromstring(get(site, '/sitemap.xml').content).iter() if one.tag.endswith('loc')]
    assert {f'{site.url}/', f'{site.url}/catalog', f'{site.url}/download', f'{site.url}/catalog/Segmentation',
            f'{site.url}/extension/AblationPlanner'} <= set(urls)
    assert len([one for one in urls if '/extension/' in one]) == 255
    for one in urls[::40]:
        assert httpx.get(one).status_code == 200, one


def test_categories_without_hits_disappear_while_searching(open_window):
    page = open_window(LARGE).page
    wait_for_list(page, 255)
    every = page.locator('#categories li').count()
    page.locator('#search').type('ablationplanner')
    wait_for_list(page, 1)
    assert page.locator('#categories .number').all_inner_texts() == ['1', '1']
    page.locator('#search').fill('')
    wait_for_list(page, 255)
    assert page.locator('#categories li').count() == every


def test_search_and_focus_survive_the_way_to_an_extension_and_back(open_window):
    page = open_window(LARGE).page
    page.keyboard.press('/')
    page.keyboard.type('segmentation')
    expect(page.locator('#count')).to_contain_text('for “segmentation”')
    link = page.locator('.card h2 a').nth(2)
    name = link.inner_text()
    link.press('Enter')
    expect(page.locator('h1:visible')).to_be_focused()
    expect(page.locator('#search')).to_have_value('segmentation')
    for way in (page.go_back, lambda: page.locator('.back a').press('Enter')):
        way()
        expect(page.locator('#search')).to_have_value('segmentation')
        back = page.locator(f'.card a[data-name="{name}"]')
        expect(back).to_be_focused()
        back.press('Enter')
        expect(page.locator('h1:visible')).to_have_text(name)


def test_a_category_keeps_the_focus(open_window):
    page = open_window(LARGE).page
    wait_for_list(page, 255)
    found = page.locator('#categories a[data-name="Segmentation"]')
    found.press('Enter')
    expect(found).to_have_attribute('aria-current', 'page')
    expect(found).to_be_focused()


@pytest.mark.parametrize(('reply', 'cause'), [
    ({'status': 200, 'content_type': 'text/html', 'body': '<h1>Welcome</h1>'}, 'A login page of your network'),
    ({'status': 302, 'headers': {'Location': 'http://portal.example/'}}, 'A login page of your network'),
    ({'status': 511, 'body': '<h1>Log in</h1>'}, 'Your network requires a login'),
    ({'status': 502, 'body': '<h1>Bad gateway</h1>'}, 'A proxy in front of the server')])
def test_what_answers_in_place_of_the_server_is_named(open_window, reply, cause):
    window = open_window(SMALL)
    page = window.page
    wait_for_list(page, 10)
    expect(page.locator('#revision option')).to_have_count(3)
    page.route('**/api/v1/app/*/extension?**', lambda route: route.fulfill(**reply))
    page.locator('#revision').select_option('33241')
    expect(page.locator('#problem')).to_contain_text(cause)
    window.problems.clear()  # the browser reports the status
    page.route('**/extension/**', lambda route: route.fulfill(**reply))
    page.goto(SMALL)
    page.locator('.card h2 a').first.click()
    expect(page.locator('#problem')).to_contain_text(cause)
    window.problems.clear()


def test_the_names_of_systems_are_the_same_in_the_scripts(site, open_window):
    page = open_window('/catalog/All/33241/macosx?arch=arm64').page
    wait_for_list(page, 20)
    drawn = open_window('/catalog/All/33241/macosx?arch=arm64', java_script_enabled=False).page
    for part in ('#build', '#count', '#categories a', '#system option'):
        shown, expected = (sorted(one.locator(part).all_text_contents()) for one in (page, drawn))
        assert shown == expected, part
    assert SLICER in page.content()
