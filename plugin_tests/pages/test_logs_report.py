"""The report of ``logs report`` in a real browser."""
import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from plugin_tests import browser as browsers
from plugin_tests.logs.report.conftest import Files, extension, package
from plugin_tests.logs.report.test_create import HOSTILE

#: The background of the plots is that of their section.
SURFACES = {False: (255, 255, 255), True: (26, 32, 40)}


@pytest.fixture(scope='module')
def report(tmp_path_factory):
    """A report of some weeks, with names that would do harm."""
    files = Files(tmp_path_factory.mktemp('report'))
    places = ('US', 'CN', 'DE', 'SG', 'unknown')
    for number in range(1, 29):
        extensions = [extension(name, 1 + number * one % 17, country=places[(number + one) % 5], os='win')
                      for one, name in enumerate(('SlicerIGT', 'SlicerRT', 'MONAILabel', *HOSTILE))]
        if number != 12:
            files.write(f'2026-11-{number:02}', package(40 + number % 7, country='US'),
                        package(11, version=f'5.9.0-2026-11-{number}', release='', item=f'p{number}', os='macosx'),
                        package(2, client='robot'), *extensions)
    files.report(plots=True)
    return files.output / 'report.html'


@pytest.fixture
def open_report(chromium, report):
    windows = []

    def make(**options):
        window = browsers.Window(chromium, report.as_uri(), **options)
        windows.append(window)
        window.page.goto(report.as_uri())
        return window
    yield make
    for window in windows:
        window.close()
    assert [problem for window in windows for problem in window.problems] == []
    assert [address for window in windows for address in window.pictures] == []


def corner(window):
    """The color of the top left corner of the first plot, as the browser has painted it."""
    with Image.open(io.BytesIO(window.page.locator('picture').first.screenshot())) as picture:
        return picture.convert('RGB').getpixel((0, 0))


@pytest.mark.parametrize('width', browsers.WIDTHS)
@pytest.mark.parametrize('dark', [False, True], ids=['light', 'dark'])
def test_a_report_can_be_read(open_report, album, width, dark):
    window = open_report(width=width, dark=dark)
    album.keep(window, f'report of logs {width} {"dark" if dark else "light"}', full_page=True)
    assert window.accessibility() == {}
    assert window.sideways() == 0
    plots = window.page.locator('img')
    expect(plots).to_have_count(9)
    # Each is shown at the size that it was drawn for.
    assert plots.evaluate_all('all => all.map((one) => one.naturalWidth)') == [340 if width == 'narrow' else 1000] * 9
    assert plots.first.bounding_box()['width'] > browsers.WIDTHS[width] * 0.7
    assert corner(window) == SURFACES[dark]


def test_tables_and_files_are_reached_by_keyboard(open_report):
    window = open_report()
    page = window.page
    page.keyboard.press('Tab')
    expect(page.get_by_role('link', name='Skip to the plots')).to_be_focused()
    page.keyboard.press('Enter')
    expect(page.get_by_role('main')).to_be_focused()
    page.keyboard.press('Tab')
    table = page.get_by_role('region', name='Table: Downloads by day')
    expect(table).to_be_focused()
    page.keyboard.press('End')
    expect(table.get_by_role('row', name='2026-11-28')).to_be_in_viewport()
    page.keyboard.press('Tab')
    expect(page.get_by_role('link', name='Table as CSV: Downloads by day')).to_be_focused()
    with page.expect_download() as download:
        page.keyboard.press('Enter')
    assert download.value.suggested_filename == 'by-day.csv'
    assert download.value.path().read_bytes().startswith(b'day,packages,extensions,total,robots,incomplete\n2026-11-01')


def test_names_in_a_report_run_nothing(open_report):
    page = open_report().page
    expect(page.get_by_role('row', name=HOSTILE[0]).first).to_be_attached()
    assert page.evaluate('document.scripts.length') == 0
