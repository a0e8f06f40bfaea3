"""Addresses of the catalogs before this one, which people have linked, lead to the right page."""
import httpx
import pytest
from playwright.sync_api import expect

from plugin_tests.pages.test_catalog import wait_for_list
from plugin_tests.site import SLICER

#: Address, and where it leads; `None` where it is right already.
CATALOGS = {
    '/catalog': None, '/catalog/': None, '/catalog/All/33241/linux': None,
    '/catalog/All/33241/linux?arch=amd64&q=x': None,
    '/catalog/Segmentation/33241/win': None, '/catalog/IO%252FImport/33241/win': None, '/catalog/All': None,
    '/catalog/All/33241/beos': None, '//catalog/All/33241/linux': None,
    '/catalog/All/33241/macosx/amd64': '/catalog/All/33241/macosx?arch=amd64',
    '/catalog/All/33241/macosx/AMD64/': '/catalog/All/33241/macosx?arch=amd64',
    '/catalog/Segmentation/33241/mac/arm64?q=a+b%26': '/catalog/Segmentation/33241/macosx?q=a+b%26&arch=arm64',
    '/catalog/All/33241/linux/amd64?arch=arm64': '/catalog/All/33241/linux?arch=amd64',
    '/catalog/all/33241/linux': '/catalog/All/33241/linux', '/catalog/ALL/33241/linux': '/catalog/All/33241/linux',
    '/catalog/all': '/catalog/All', '/catalog/all?app=x': '/catalog/All?app=x',
    '/catalog/All/33241/windows': '/catalog/All/33241/win', '/catalog/All/33241/Windows': '/catalog/All/33241/win',
    '/catalog/All/33241/mac': '/catalog/All/33241/macosx', '/catalog/All/33241/macOS': '/catalog/All/33241/macosx',
    '/catalog/all/33241/windows/amd64': '/catalog/All/33241/win?arch=amd64',
    '/catalog/IO%2FImport/33241/linux': '/catalog/IO%252FImport/33241/linux',
    '/catalog/IO%2FImport/33241/linux/amd64': '/catalog/IO%252FImport/33241/linux?arch=amd64',
    '/catalog/%C3%96l%20%3F%23/33241/linux/amd64': '/catalog/%C3%96l%20%3F%23/33241/linux?arch=amd64',
}
VIEWS = {
    '/view/SlicerIGT/33241/linux': '/extension/SlicerIGT?revision=33241&os=linux',
    '/view/SlicerIGT/33241/linux/': '/extension/SlicerIGT?revision=33241&os=linux',
    '/view/SlicerIGT/33241/macosx/arm64': '/extension/SlicerIGT?revision=33241&os=macosx&arch=arm64',
    '/view/SlicerIGT/33241/mac/amd64': '/extension/SlicerIGT?revision=33241&os=macosx&arch=amd64',
    '/view/SlicerIGT/33241/windows?app=x': '/extension/SlicerIGT?app=x&revision=33241&os=win',
    '/view/%C3%84%20%26%2B/33241/win': '/extension/%C3%84%20%26%2B?revision=33241&os=win',
    '/view/a%25/33241/win': '/extension?name=a%25&revision=33241&os=win',
    '/view/SlicerIGT': '/extension/SlicerIGT',
    '/view/SlicerIGT/33241': '/extension/SlicerIGT?revision=33241',
    '/view': '/catalog',
    '/catalog?revision=33241&system=win+amd64&q=a': '/catalog/All/33241/win?q=a&arch=amd64',
    '/catalog?category=Segmentation&q=a': '/catalog/Segmentation?q=a',
    '/midas3/slicerappstore': '/catalog',
    '/midas3/slicerappstore?layout=layout&os=linux&arch=amd64&revision=33241': '/catalog/All/33241/linux?arch=amd64',
    '/midas3/slicerappstore?layout=empty&os=linux&arch=amd64&revision=33241': None,
    '/midas3/slicerappstore/?os=win&revision=33241&category=Segmentation': '/catalog/Segmentation/33241/win',
    '/midas3/slicerappstore/extension/view?baseName=SlicerIGT&revision=33241&os=macosx&arch=amd64':
        '/extension/SlicerIGT?revision=33241&os=macosx&arch=amd64',
}


def target(site, path):
    """Where a browser is sent that asks for ``path``; ``None`` if it gets a page, perhaps on what does not exist."""
    answer = httpx.get(site.url + path)
    if answer.status_code == 200 or '<h1' in answer.text:
        return None
    assert answer.status_code == 302
    assert 'http' not in answer.headers['Location']  # right behind each proxy
    found = str(httpx.URL(site.url + path).join(answer.headers['Location'])).removeprefix(site.url)
    assert target(site, found.replace('app=x', f'app={SLICER}')) is None
    return found


@pytest.mark.parametrize('path', [*CATALOGS, *VIEWS])
def test_an_address_leads_to_the_one_of_today(site, path):
    assert target(site, path) == {**CATALOGS, **VIEWS}[path]


@pytest.mark.parametrize('path', [
    '/catalog/a/b/c/d', '/catalog/All/33241/linux/x86', '/catalog/All/33241/beos/amd64', '/catalog/a/b/33241/beos',
    '/view/SlicerIGT/33241/linux/x86', '/view/SlicerIGT/33241/linux/amd64/x'])
def test_what_is_no_address_of_a_catalog_is_404(site, path):
    answer = httpx.get(site.url + path)
    assert (answer.status_code, 'CATEGORY/REVISION/SYSTEM' in answer.text) == (404, True)


@pytest.mark.parametrize('path', ['/catalog/%0d%0aX-Bad:1/33241/windows', '/view/%0d%0aX-Bad:1/1/win',
                                  '/view/x/1/win?q=%0d%0aX-Bad:1', '/midas3/slicerappstore?revision=%0d%0aX-Bad:1'])
def test_nothing_gets_into_the_headers(site, path):
    assert 'X-Bad' not in httpx.get(site.url + path).headers


def test_old_addresses_of_a_list_and_of_an_extension_show_them(open_window):
    page = open_window('/catalog/all/33241/mac/amd64?q=adaptive').page
    wait_for_list(page, 1)
    expect(page.locator('#build')).to_have_text('5.8.1 (r33241) · macOS (Intel)')
    page.goto('/view/AblationPlanner/33241/mac/amd64')
    expect(page.locator('h1:visible')).to_have_text('AblationPlanner')
    expect(page.locator('.title')).to_contain_text('5.8.1 (r33241), macOS (Intel)')
    page.goto('/view/AblationPlanner')
    expect(page.locator('h1:visible')).to_have_text('AblationPlanner')
