"""Inside of Slicer the page is about the build that Slicer states: each id it hands over is in Slicer's own list."""
import json
import re

import pytest
from playwright.sync_api import expect

from plugin_tests.pages.test_bridge import card
from plugin_tests.pages.test_catalog import wait_for_list
from plugin_tests.site import SLICER

MAC = {'slicerRevision': '33241', 'slicerOs': 'macosx', 'slicerArch': 'amd64'}
#: Numbers of extensions of the builds of the site.
AMD64, ARM64, LINUX, WINDOWS = 15, 20, 255, 20
AGENT = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 QtWebEngine/5.15.2 Chrome/83.0.4103.122'
APPLE_SILICON = """Object.defineProperty(navigator, 'userAgentData', { value: {
  platform: 'macOS', mobile: false, getHighEntropyValues: async () => ({ architecture: 'arm', bitness: '64' }) } });"""
# As an object of QWebChannel: methods answer later, properties come from a cache that Slicer's side fills.
CHANNEL = """
window.calls = [];
window.cache = %s;
window.slicer = {
  isExtensionInstalled: (name, answer) => setTimeout(() => answer(false), 5),
  isExtensionScheduledForUninstall: (name, answer) => setTimeout(() => answer(false), 5),
  downloadAndInstallExtension: (id) => calls.push(id),
};
for (const name of ['slicerRevision', 'slicerOs', 'slicerArch']) {
  Object.defineProperty(window.slicer, name, { enumerable: true, configurable: true, get: () => window.cache[name] });
}
window.arrive = () => { window.extensions_manager_model = window.slicer; };
%s
"""
NOW, LATE, NEVER = 'arrive();', 'setTimeout(arrive, 2000);', ''


@pytest.fixture
def slicer(open_window):
    """A maker of pages at ``path`` in a Slicer with ``properties`` on a Mac with Apple silicon."""
    def make(path, properties, arrival=NOW):
        page = open_window(user_agent=AGENT).page
        page.add_init_script(APPLE_SILICON + CHANNEL % (json.dumps(properties), arrival))
        page.goto(path)
        return page
    return make


@pytest.fixture
def ids(site):
    """Slicer's own list: ids by names."""
    def of(revision, os, arch):
        found = site.client.get(f'/app/{SLICER}/extension', params={
            'app_revision': revision, 'os': os, 'arch': arch, 'limit': 0}).raise_for_status().json()
        return {one['meta']['baseName']: one['_id'] for one in found}
    return of


def installed(page, count):
    """The ids that all buttons together hand over."""
    wait_for_list(page, count)
    expect(page.locator('.card button')).to_have_count(count)
    page.evaluate("calls.length = 0; document.querySelectorAll('.card button').forEach((one) => one.click())")
    return sorted(page.evaluate('calls'))


@pytest.mark.parametrize(('path', 'arrival'), [
    ('/catalog/All/33241/macosx', NOW), ('/catalog/All/33241/macosx?arch=arm64', NOW), ('/catalog', NOW),
    ('/catalog/All/99999/win?arch=i386', NOW), ('/catalog/All/33241/macosx', LATE), ('/catalog', LATE),
    ('/catalog/All/32448/linux', LATE), ('/catalog/All/99999/win?arch=i386', LATE)])
def test_slicers_own_build_wins_over_the_address_and_the_browser(slicer, ids, path, arrival):
    page = slicer(path, MAC, arrival)
    expect(page.locator('#top')).to_be_hidden()
    assert installed(page, AMD64) == sorted(ids('33241', 'macosx', 'amd64').values())
    expect(page.locator('#build')).to_have_text(re.compile(r'^(5\.8\.1 \(r33241\)|Revision 33241) · macOS \(Intel\)$'))


def test_a_list_that_is_shown_already_is_replaced(slicer, ids):
    page = slicer('/catalog/All/33241/macosx', MAC, NEVER)
    wait_for_list(page, ARM64)
    page.evaluate('arrive()')
    # At once, not only when the other list is there: a button of the first would be refused.
    at_once = page.evaluate("[...document.querySelectorAll('.card h2')].map((one) => one.id.split('-')[1])")
    assert set(at_once) <= set(ids('33241', 'macosx', 'amd64').values())
    assert installed(page, AMD64) == sorted(ids('33241', 'macosx', 'amd64').values())


def test_the_page_of_an_extension_is_replaced_too(slicer, ids):
    page = slicer('/catalog/All/33241/macosx?extension=AblationPlanner', MAC, NEVER)
    expect(page.locator('.title .action a')).to_be_visible()
    page.evaluate('arrive()')
    assert page.evaluate("document.querySelectorAll('#detail .action').length") == 0
    page.locator('.title .action button').click()
    assert page.evaluate('calls') == [ids('33241', 'macosx', 'amd64')['AblationPlanner']]


def test_a_list_that_is_right_already_is_not_asked_for_again(slicer):
    page = slicer('/catalog/All/33241/macosx', {**MAC, 'slicerArch': 'arm64'}, NEVER)
    wait_for_list(page, ARM64)
    asked = []
    page.on('request', lambda request: '/extension?' in request.url and asked.append(request.url))
    page.evaluate('arrive()')
    expect(card(page, 'AdaptiveBrush').locator('button')).to_have_text('Install')
    assert asked == []


@pytest.mark.parametrize(('properties', 'count'), [
    pytest.param({**MAC, 'slicerRevision': 33241}, AMD64, id='number'),
    pytest.param({**MAC, 'slicerArch': ' amd64 '}, AMD64, id='spaces'),
    pytest.param({**MAC, 'slicerRevision': None, 'slicerOs': None}, AMD64, id='architecture only'),
    pytest.param({**MAC, 'slicerArch': None}, ARM64, id='null'),
    pytest.param({**MAC, 'slicerArch': ''}, ARM64, id='empty'),
    pytest.param({**MAC, 'slicerArch': ['amd64']}, ARM64, id='list'),
    pytest.param({**MAC, 'slicerArch': {}, 'slicerOs': True}, ARM64, id='objects'),
    pytest.param({}, ARM64, id='absent')])
def test_what_slicer_does_not_state_comes_from_address_and_browser(slicer, properties, count):
    page = slicer('/catalog/All/33241/macosx', properties)
    wait_for_list(page, count)
    expect(page.locator('.card button')).to_have_count(count)


@pytest.mark.parametrize('arch', ['amd64', 'AMD64'])
def test_the_architecture_of_the_address_holds_where_slicer_states_none(slicer, arch):
    page = slicer(f'/catalog/All/33241/macosx?arch={arch}', {})
    wait_for_list(page, AMD64)


def test_properties_may_change_and_come_after_the_object(slicer, ids):
    page = slicer('/catalog/All/33241/macosx', {})
    wait_for_list(page, ARM64)
    page.evaluate("Object.assign(cache, { slicerArch: 'amd64' })")
    assert installed(page, AMD64) == sorted(ids('33241', 'macosx', 'amd64').values())
    page.evaluate("Object.assign(cache, { slicerOs: 'linux', slicerRevision: 33400 })")
    assert installed(page, 10) == sorted(ids('33400', 'linux', 'amd64').values())


def test_the_object_may_be_defined_as_a_property_or_replaced(slicer):
    page = slicer('/catalog/All/33241/macosx', MAC, NEVER)
    wait_for_list(page, ARM64)
    page.evaluate("Object.defineProperty(window, 'extensions_manager_model', { value: slicer, configurable: true })")
    wait_for_list(page, AMD64)


def test_plain_properties_will_do(slicer):
    page = slicer('/catalog/All/33241/macosx', {}, NEVER)
    page.evaluate("window.extensions_manager_model = { ...slicer, slicerArch: 'amd64' }")
    wait_for_list(page, AMD64)


MODELS = {
    'without questions': "{ ...MAC, downloadAndInstallExtension: (id) => calls.push(id) }",
    'whose questions fail': """{ ...MAC, downloadAndInstallExtension: (id) => calls.push(id),
        isExtensionInstalled() { throw new Error('x'); },
        isExtensionScheduledForUninstall() { throw new Error('x'); } }""",
    'that never answers': """{ ...MAC, downloadAndInstallExtension: (id) => calls.push(id),
        isExtensionInstalled() {}, isExtensionScheduledForUninstall() {} }""",
    'frozen': "Object.freeze({ ...slicer, ...MAC })",
    'with a property that fails': "{ ...slicer, ...MAC, get availableUpdateExtensions() { throw new Error('x'); } }",
}


@pytest.mark.parametrize('model', MODELS)
@pytest.mark.parametrize('fixed', [False, True])
def test_whatever_slicers_object_is_like_the_list_is_shown_and_can_be_installed(slicer, ids, model, fixed):
    page = slicer('about:blank', {}, NEVER)
    put = ("Object.defineProperty(window, 'extensions_manager_model', { value: %s })" if fixed else
           'window.extensions_manager_model = %s')
    page.add_init_script(f'const MAC = {json.dumps(MAC)}; {put % MODELS[model]}')
    page.goto('/catalog/All/33241/macosx')
    assert installed(page, AMD64) == sorted(ids('33241', 'macosx', 'amd64').values())


def test_a_property_that_cannot_be_read_states_nothing(slicer):
    page = slicer('about:blank', {}, NEVER)
    page.add_init_script("window.extensions_manager_model = { ...slicer, get slicerArch() { throw new Error('x'); } };")
    page.goto('/catalog/All/33241/macosx')
    wait_for_list(page, ARM64)
    expect(page.locator('.card button')).to_have_count(ARM64)


@pytest.mark.parametrize('value', ['5', '"slicer"', 'true', 'null', 'undefined'])
def test_what_is_no_object_is_not_slicers(slicer, value):
    page = slicer('about:blank', {}, NEVER)
    page.add_init_script(f'window.extensions_manager_model = {value};')
    page.goto('/catalog/All/33241/macosx')
    wait_for_list(page, ARM64)
    expect(page.locator('.card a.button')).to_have_count(ARM64)
    page.evaluate('arrive()')
    expect(page.locator('.card button')).to_have_count(ARM64)


def test_a_request_that_slicer_does_not_accept_is_reported(slicer):
    page = slicer('about:blank', {}, NEVER)
    page.add_init_script(f'window.extensions_manager_model = {json.dumps(MAC)};')
    page.goto('/catalog/All/33241/macosx')
    wait_for_list(page, AMD64)
    page.locator('.card button').first.click()
    expect(page.get_by_role('alert').filter(visible=True)).to_contain_text('Slicer did not accept this request.')


def test_going_through_the_catalog_does_not_lead_to_another_build(slicer, ids):
    page = slicer('/catalog/All/32448/linux', MAC, LATE)
    wait_for_list(page, AMD64)
    page.locator('#categories a').nth(1).click()
    page.go_back()
    wait_for_list(page, AMD64)
    page.evaluate("app.search('ablation')")
    assert installed(page, 1) == [ids('33241', 'macosx', 'amd64')['AblationPlanner']]


def test_a_list_that_comes_too_late_is_not_shown(slicer):
    page = slicer('about:blank', MAC, NEVER)
    held = []
    page.route('**/extension?**', lambda route: (
        route.continue_() if 'arch=' in route.request.url else held.append(route)))
    page.goto('/catalog/All/33241/macosx')
    while not held:
        page.wait_for_timeout(10)
    page.evaluate('arrive()')
    wait_for_list(page, AMD64)
    held[0].fulfill(body='no list')
    page.wait_for_timeout(200)
    wait_for_list(page, AMD64)
    expect(page.locator('#problem')).to_be_hidden()


def test_nothing_is_said_to_be_missing_while_the_list_is_on_its_way(slicer):
    page = slicer('about:blank', {**MAC, 'slicerOs': 'linux'}, NEVER)
    held = []
    page.route('**/extension?**', lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    page.goto('/catalog/All/33241/win?arch=amd64')
    wait_for_list(page, WINDOWS)
    page.evaluate("arrive(); app.search('brush')")
    while not held:
        page.wait_for_timeout(10)
    page.wait_for_timeout(300)
    expect(page.locator('#count')).to_have_text('Loading…')
    expect(page.locator('#empty')).to_be_empty()
    assert len(held) == 1
    held[0].continue_()
    page.evaluate("app.search('')")
    wait_for_list(page, LINUX)


def test_without_extensions_for_this_slicer_there_are_no_links_to_other_builds(slicer):
    page = slicer('/catalog/All/33241/linux', {**MAC, 'slicerRevision': '99999'})
    expect(page.locator('#empty')).to_contain_text('There are no extensions for revision 99999.')
    expect(page.locator('#empty')).to_contain_text('macOS (Intel) (15)')
    expect(page.locator('#empty a')).to_have_count(0)
