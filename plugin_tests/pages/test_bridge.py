"""The page inside of Slicer: both sides call each other as the programs that are in use do."""

import pytest
from playwright.sync_api import expect

from plugin_tests.pages.test_catalog import SMALL, wait_for_list
from plugin_tests.servers import poll

#: What Slicer puts into the window: it answers later, and `calls` has what the page asked it to do.
FAKE = """
window.calls = [];
window.installed = new Set(%s);
window.scheduled = new Set(%s);
window.fake = {
  isExtensionInstalled: (name, answer) => setTimeout(() => answer(installed.has(name)), 5),
  isExtensionScheduledForUninstall: (name, answer) => setTimeout(() => answer(scheduled.has(name)), 5),
  downloadAndInstallExtension: (id) => calls.push(['install', id]),
  scheduleExtensionForUninstall: (name) => calls.push(['uninstall', name]),
  cancelExtensionScheduledForUninstall: (name) => calls.push(['cancel', name]),
};
window.widget = { refresh: () => calls.push(['refresh']) };
"""
#: Slicer states another build than the address, so that the page has to request the list.
OTHER = "Object.assign(fake, { slicerRevision: '33400', slicerOs: 'linux', slicerArch: 'amd64' });"
ELSEWHERE = '/catalog/All/33241/win'
PRESENT = 'window.extensions_manager_model = fake; window.extensions_install_widget = widget;'


@pytest.fixture
def slicer(open_window):
    """A maker of pages inside of Slicer."""
    def make(path=SMALL, *, installed=(), scheduled=(), present=True, more=''):
        page = open_window().page
        page.add_init_script(FAKE % (list(installed), list(scheduled)) + more + (PRESENT if present else ''))
        if path:
            page.goto(path)
            wait_for_list(page, 10)
        return page
    return make


def card(page, name):
    return page.locator('.card').filter(has=page.locator('h2', has_text=name))


def test_the_buttons_do_what_slicer_knows_of_each_extension(slicer):
    page = slicer(installed=['AdaptiveBrush', 'AblationPlanner'], scheduled=['AblationPlanner'])
    expect(card(page, 'AdaptiveBrush').locator('button')).to_have_text('Uninstall')
    expect(card(page, 'AblationPlanner').locator('button')).to_have_text('Keep installed')
    expect(card(page, 'AblationPlanner')).to_contain_text('Will be uninstalled when Slicer restarts')
    expect(card(page, 'AAL3BrainLabeling').locator('button')).to_have_text('Install')
    for name in ('AdaptiveBrush', 'AblationPlanner', 'AAL3BrainLabeling'):
        card(page, name).locator('button').click()
    identifier = card(page, 'AAL3BrainLabeling').locator('h2').get_attribute('id').removeprefix('extension-')
    assert page.evaluate('calls') == [['uninstall', 'AdaptiveBrush'], ['cancel', 'AblationPlanner'],
                                      ['install', identifier]]


def test_slicer_says_what_has_changed(slicer):
    page = slicer()
    button = card(page, 'AdaptiveBrush').locator('button')
    for state, text in (('Installed', 'Uninstall'), ('ScheduledForUninstall', 'Keep installed'),
                        ('Installed', 'Uninstall'), ('unheard of', 'Uninstall'), ('NotInstalled', 'Install')):
        page.evaluate(f"app.setExtensionButtonState('AdaptiveBrush', '{state}')")
        expect(button).to_have_text(text)
    page.evaluate("app.setExtensionButtonState('Not in the list', 'Installed')")


def test_it_works_on_the_page_of_an_extension_too(slicer):
    page = slicer(None, installed=['AdaptiveBrush'])
    page.goto(SMALL + '?extension=AdaptiveBrush')
    button = page.locator('.title .action button')
    expect(button).to_have_text('Uninstall')
    page.evaluate("app.setExtensionButtonState('AdaptiveBrush', 'ScheduledForUninstall')")
    expect(button).to_have_text('Keep installed')
    button.click()
    assert page.evaluate('calls') == [['cancel', 'AdaptiveBrush']]
    page.evaluate("app.search('ablation')")
    wait_for_list(page, 1)


def test_what_slicer_says_before_the_list_is_there_counts(slicer):
    page = slicer(None, more=OTHER)
    held = []
    page.route('**/extension?**', lambda route: held.append(route), times=1)  # noqa: PLW0108 - Playwright marks it
    page.goto(ELSEWHERE)
    poll(lambda: held or page.wait_for_timeout(10), 'the list is asked for')  # Playwright works while the page waits
    page.evaluate("app.setExtensionButtonState('AdaptiveBrush', 'Installed'); app.search('brush')")
    held[0].continue_()
    wait_for_list(page, 1)
    expect(card(page, 'AdaptiveBrush').locator('button')).to_have_text('Uninstall')


def test_slicer_may_come_late(slicer):
    page = slicer(installed=['AdaptiveBrush'], present=False)
    expect(card(page, 'AdaptiveBrush').locator('a.button')).to_have_text('Download')
    page.evaluate(PRESENT)
    expect(card(page, 'AdaptiveBrush').locator('button')).to_have_text('Uninstall')
    expect(page.locator('#top')).to_be_hidden()


def test_slicer_searches(slicer):
    page = slicer()
    page.evaluate("app.search('ablation')")
    wait_for_list(page, 1)
    expect(page.locator('#search')).to_have_value('ablation')
    page.evaluate("app.search('')")
    wait_for_list(page, 10)


def test_slicer_sets_the_theme(slicer, open_window, album):
    page = slicer()
    page.evaluate('app.$vuetify.theme.dark = true;')
    expect(page.locator('html')).to_have_attribute('data-theme', 'dark')
    assert page.evaluate('app.$vuetify.theme.dark') is True
    page.emulate_media(color_scheme='light')
    expect(page.locator('html')).to_have_attribute('data-theme', 'dark')
    page.evaluate('app.$vuetify.theme.dark = false;')
    expect(page.locator('html')).to_have_attribute('data-theme', 'light')


def test_slicer_gives_notices(slicer, album):
    page = slicer(installed=['AdaptiveBrush'])
    page.evaluate("""app.createNotice('Retrieving <b>files</b>', 60000, '');
                     app.createNotice('Be careful', 60000, 'warning');
                     app.createNotice('No disk space', 60000, 'error');
                     app.createNotice('Gone soon', 1, '');""")
    notices = page.locator('#notices .notice')
    expect(notices).to_have_count(3)
    assert [one.split('\n')[0] for one in notices.all_inner_texts()] == [
        'Retrieving <b>files</b>', 'Be careful', 'No disk space']
    expect(page.get_by_role('alert').filter(visible=True)).to_contain_text('No disk space')
    page.screenshot(path=album.folder / 'in-slicer-light.png')
    page.evaluate('app.$vuetify.theme.dark = true')
    page.screenshot(path=album.folder / 'in-slicer-dark.png')
    notices.nth(1).locator('button').click()
    expect(notices).to_have_count(2)


def test_slicer_is_asked_to_load_the_page_again_after_a_failure(slicer, open_window):
    page = slicer(None, more=OTHER)
    page.route('**/extension?**', lambda route: route.fulfill(status=200, body='no json'))
    page.goto(ELSEWHERE)
    expect(page.locator('#problem')).to_be_visible()
    page.locator('#problem button').click()
    assert page.evaluate('calls') == [['refresh']]
