"""The catalog of Slicer 4 in a browser: without scripts, and with the Slicer of either engine around it."""
import pytest
from playwright.sync_api import expect

STORE = '/midas3/slicerappstore?layout=empty&os=macosx&arch=amd64&revision=33241'
#: What Slicer 4 puts into the window. In QtWebKit its methods return answers, in QtWebEngine they call a function.
FAKE = """
window.calls = [];
window.answered = (value, answer) => %s;
window.extensions_manager_model = {
  isExtensionInstalled: (name, answer) => answered(name === 'AdaptiveBrush' || name === 'AirwaySegmentation', answer),
  isExtensionScheduledForUninstall: (name, answer) => answered(name === 'AirwaySegmentation', answer),
  downloadAndInstallExtension: (id) => { calls.push(['install', id]); },
  scheduleExtensionForUninstall: (name) => { calls.push(['uninstall', name]); },
  cancelExtensionScheduledForUninstall: (name) => { calls.push(['cancel', name]); },
};
"""
ENGINES = {'QtWebKit': 'value', 'QtWebEngine': 'void setTimeout(() => answer(value), 5)'}


def button(page, name):
    return page.locator(f'a.install[data-name="{name}"]')


@pytest.fixture(params=ENGINES)
def slicer(request, open_window):
    page = open_window().page
    page.add_init_script(FAKE % ENGINES[request.param])
    page.goto(STORE)
    return page


def test_without_scripts_the_page_is_read_searched_and_used(open_window, album):
    window = open_window(STORE, java_script_enabled=False)
    page = window.page
    assert page.locator('li.extension').count() == 15
    album.keep(window, 'midas-store')
    page.get_by_label('Search').fill('adaptive')
    page.get_by_role('button', name='Show').click()
    expect(page.locator('li.extension h2')).to_have_text(['AdaptiveBrush'])
    page.get_by_role('link', name='AdaptiveBrush').click()
    expect(page.locator('h1')).to_have_text('AdaptiveBrush')
    assert '/midas3/download?items=' in button(page, 'AdaptiveBrush').get_attribute('href')
    page.get_by_role('link', name='All extensions').click()
    expect(page.locator('li.extension')).to_have_count(15)


@pytest.mark.parametrize('path', [STORE, '/midas3/slicerappstore?layout=empty&revision=1'])
def test_everyone_can_use_the_page(open_window, path):
    window = open_window(path, width='narrow')
    assert window.accessibility() == {}
    assert window.sideways() <= 0


def test_the_buttons_do_what_slicer_knows_of_each_extension(slicer):
    for name, text in (('AdaptiveBrush', 'Uninstall'), ('AirwaySegmentation', 'Keep installed'),
                       ('AblationPlanner', 'Install')):
        expect(button(slicer, name)).to_have_text(text)
        button(slicer, name).click()
    identifier = button(slicer, 'AblationPlanner').get_attribute('data-id')
    assert slicer.evaluate('calls') == [['uninstall', 'AdaptiveBrush'], ['cancel', 'AirwaySegmentation'],
                                        ['install', identifier]]
    assert slicer.url.endswith(STORE)


def test_slicer_says_what_has_changed(slicer):
    expect(button(slicer, 'AdaptiveBrush')).to_have_text('Uninstall')
    for state, text in (('ScheduledForUninstall', 'Keep installed'), ('Install', 'Install'),
                        ('Installed', 'Uninstall')):
        slicer.evaluate(f'midas.slicerappstore.setExtensionButtonState("AdaptiveBrush", "{state}")')
        expect(button(slicer, 'AdaptiveBrush')).to_have_text(text)
    slicer.evaluate('midas.createNotice("Slicer is busy", 100000, "warning")')
    expect(slicer.locator('.notice.warning')).to_have_text('Slicer is busy')


def test_slicer_searches(slicer):
    shown = slicer.locator('li.extension:visible h2')
    slicer.evaluate('midas.slicerappstore.search = "ADAPTIVE"; midas.slicerappstore.applyFilter()')
    expect(shown).to_have_text(['AdaptiveBrush'])
    slicer.evaluate('midas.slicerappstore.search = ""; midas.slicerappstore.applyFilter()')
    expect(shown).to_have_count(15)
    slicer.evaluate('midas.slicerappstore.search("ablation")')
    expect(shown).to_have_text(['AblationPlanner'])
    # What the server has left out is requested again.
    slicer.goto(f'{STORE}&search=ablation')
    slicer.evaluate('midas.slicerappstore.search = "adaptive"; midas.slicerappstore.applyFilter()')
    expect(shown).to_have_text(['AdaptiveBrush'])
