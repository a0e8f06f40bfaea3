"""The first page of the server, and Girder's web client, which was there before."""
import re

import httpx
import pytest
from playwright.sync_api import expect

from plugin_tests import browser as browsers
from plugin_tests.pages.test_catalog import pictures, wait_for_list
from plugin_tests.site import SLICER

#: Pages of all kinds, with the status of each.
PAGES = {'/': 200, '/catalog': 200, '/download': 200, '/nothing/like/this': 404, '/catalog?app=0': 404,
         '/download?app=000000000000000000000000': 404}


def test_the_first_page_leads_everywhere_and_has_the_numbers(open_window, album):
    window = open_window('/')
    page = window.page
    assert page.title() == 'Slicer: downloads and extensions'
    expect(page.locator('h1')).to_have_text('Slicer')
    expect(page.get_by_role('link', name='Download Slicer')).to_contain_text('5.8.1')
    expect(page.get_by_role('link', name='Browse extensions')).to_contain_text('255 extensions for 5.8.1')
    numbers = dict(zip(page.locator('.numbers dt').all_inner_texts(), page.locator('.numbers dd').all_inner_texts(),
                       strict=True))
    assert (numbers['extensions'], numbers['releases']) == ('255', '2')
    rows = page.locator('tbody tr').all_inner_texts()
    assert any(re.match(r'Slicer 5\.8\.1\s+macOS \(Apple silicon\)\s+2026-\d\d-\d\d\s+20', row) for row in rows), rows
    assert window.accessibility() == {}
    pictures(window, album, 'home', full_page=True)
    page.set_viewport_size({'width': 1280, 'height': 800})
    page.get_by_role('link', name='20 extensions for Slicer 5.8.1 on macOS (Apple silicon)').click()
    wait_for_list(page, 20)


def test_the_search_of_the_first_page_finds_extensions(open_window):
    page = open_window('/').page
    page.keyboard.press('/')
    page.keyboard.type('adaptivebrush')
    page.keyboard.press('Enter')
    expect(page.locator('#count')).to_contain_text('for “adaptivebrush”')
    expect(page.locator('.card h2').first).to_have_text('AdaptiveBrush')
    expect(page.locator('#search')).to_have_value('adaptivebrush')


@pytest.mark.parametrize('path', PAGES)
def test_every_page_has_the_same_header_and_leads_to_the_others(open_window, path):
    window = open_window(path, java_script_enabled=False)
    page = window.page
    window.problems.clear()  # the browser reports the status
    named = [page.get_by_role('link', name=name, exact=True).first.get_attribute('href')
             for name in ('Extensions', 'Download', 'Administration', 'Statistics')]
    for href in [page.locator('.brand').get_attribute('href'), *named]:
        assert httpx.get(httpx.URL(window.url + path).join(href)).status_code == 200, href
    expect(page.locator('#search')).to_be_visible()


@pytest.mark.parametrize('path', PAGES)
@pytest.mark.parametrize('width', browsers.WIDTHS)
def test_every_page_is_for_everyone(open_window, path, width):
    window = open_window(path, width=width)
    window.problems.clear()  # the browser reports the status
    assert window.accessibility() == {}
    assert window.sideways() <= 0


@pytest.mark.parametrize(('path', 'status'), PAGES.items())
def test_the_status_says_whether_there_is_a_page(site, path, status):
    assert httpx.get(site.url + path).status_code == status


@pytest.mark.parametrize('path', PAGES)
def test_search_is_the_first_stop_after_the_link_to_the_content(open_window, path):
    window = open_window(path)
    window.problems.clear()  # the browser reports the status
    window.page.keyboard.press('Tab')
    expect(window.page.locator('.skip')).to_be_focused()
    window.page.keyboard.press('Tab')
    expect(window.page.locator('#search')).to_be_focused()


@pytest.mark.parametrize('fragment', ['#collections', '#?dialog=login', '#item/5f4474d0e1d8c75dfc705482', '#packages'])
def test_links_into_girders_client_at_the_root_still_lead_there(open_window, fragment):
    page = open_window().page
    page.goto(f'/{fragment}', wait_until='commit')
    page.wait_for_url(f'**/admin{fragment}', wait_until='commit')


@pytest.mark.parametrize('fragment', ['', '#main', '#numbers', '#builds'])
def test_links_within_the_first_page_stay_there(open_window, fragment):
    page = open_window(f'/{fragment}').page
    expect(page.locator('h1')).to_have_text('Slicer')
    assert page.url.endswith(f'/{fragment}')


def test_the_client_of_girder_has_the_name_and_the_icon_of_this_product(site):
    page = httpx.get(f'{site.url}/admin')
    assert '<title>Slicer Package Manager</title>' in page.text
    assert 'data-notifications="none"' in page.text
    icon = re.search(r'<link rel="icon" href="([^"]+)"', page.text)[1]
    assert httpx.get(httpx.URL(page.url).join(icon)).headers['Content-Type'] == 'image/svg+xml'
    for one in re.findall(r'(?:src|href)="(\./assets/[^"]+)"', page.text):
        assert httpx.get(httpx.URL(page.url).join(one)).status_code == 200
    assert httpx.get(f'{site.url}/api/v1/system/public_settings').json()['core.brand_name'] == 'Slicer Package Manager'
    for path in ('/admin/', '/index.html', '/admin/x'):
        answer = httpx.get(site.url + path)
        assert (answer.status_code, str(answer.url.join(answer.headers['Location']))) == (302, f'{site.url}/admin')


def test_the_client_opens_the_socket_of_notifications_where_there_is_one():
    from slicer_package_manager.pages import girder_client
    assert b'data-notifications' not in girder_client.page(has_notifications=True)


def test_the_icon_is_where_programs_look_for_it(site):
    answer = httpx.get(f'{site.url}/favicon.ico')
    assert (answer.status_code, answer.headers['Content-Type']) == (200, 'image/x-icon')
    assert answer.content.startswith(b'\0\0\1\0')


def test_what_is_private_is_not_counted_on_the_first_page(site):
    app = site.application('Secretive')
    site.post(f'/app/{app}/release', name='Hidden 1.0', app_revision='100', public='false')
    site.package(app, revision='100')
    page = httpx.get(f'{site.url}/?app={app}').raise_for_status().text
    assert 'Hidden' not in page
    assert 'Nothing has been published yet' in page
    assert httpx.get(f'{site.url}/?app={site.application("Secret", public="false")}').status_code == 403


def test_an_application_without_packages_says_what_to_do_next(site, open_window, album):
    window = open_window(f'/?app={site.application("Fresh <b>")}')
    expect(window.page.locator('h2').first).to_have_text('Nothing has been published yet')
    assert window.accessibility() == {}
    album.keep(window, 'home-empty')


def test_the_page_follows_each_change(site):
    app = site.application('Growing')
    assert 'Browse extensions' not in httpx.get(f'{site.url}/?app={app}').text
    site.post(f'/app/{app}/release', name='7.0', app_revision='700')
    site.extension(app, app_revision='700')
    answer = httpx.get(f'{site.url}/?app={app}')
    assert '1 extension for 7.0' in answer.text
    again = httpx.get(f'{site.url}/?app={app}', headers={'If-None-Match': answer.headers['ETag']})
    assert (again.status_code, again.content) == (304, b'')


def test_a_page_about_an_application_that_is_not_the_default_one_stays_with_it(site, open_window):
    app = site.application('Another')
    page = open_window(f'/?app={app}').page
    page.locator('.top nav a').first.click()
    page.wait_for_url(f'**/catalog?app={app}')
    page.locator('.brand').click()
    page.wait_for_url(f'**/?app={app}')
    assert SLICER not in page.content()
