"""Downloads by month, system and country on the page of an extension."""
import re

import pytest
from playwright.sync_api import expect

from plugin_tests.browser import WIDTHS

COUNTRIES = {'DE': 60, 'US': 30, 'unknown': 8, 'other': 2}


@pytest.fixture
def app(site):
    found = site.application('With logs')
    for system in (('linux', 'amd64'), ('win', 'amd64'), ('macosx', 'arm64')):
        site.extension(found, baseName='Extension', os=system[0], arch=system[1])
        site.count(found, 'Extension', {'2026-09-01': 3, '2026-10-01': 5}, system=system)
    site.count(found, 'Extension', {'2026-11-01': 16}, system=('win', 'amd64'))
    yield found
    site.forget_logs()
    site.client.delete('/system/setting', params={'key': 'slicer_package_manager.countries_notice'})
    site.client.delete(f'/app/{found}').raise_for_status()


def rows(page, caption):
    """The rows of a table with shares: name, number and percent."""
    table = page.locator('table.shares', has=page.locator('caption', has_text=caption))
    return [[cell.strip().replace('\xa0', ' ') for cell in row.locator('th, td').all_text_contents()][:3]
            for row in table.locator('tbody tr').all()]


SYSTEMS = [['Windows', '24', '60.0 %'], ['Linux', '8', '20.0 %'], ['macOS (Apple silicon)', '8', '20.0 %']]


@pytest.mark.parametrize('script', [True, False])
def test_tables_have_the_downloads_by_month_system_and_country(open_window, site, app, script):
    site.log(app, 'Extension', COUNTRIES)
    site.client.put('/system/setting', params={
        'key': 'slicer_package_manager.countries_notice', 'value': '"By <b>DB-IP</b>"'}).raise_for_status()
    site.log(app, 'Other', {'FR': 1000})
    page = open_window(f'/extension/Extension?app={app}', java_script_enabled=script).page
    systems = rows(page, 'By system')
    assert sorted(systems) == sorted(SYSTEMS)
    assert systems[0] == SYSTEMS[0]
    assert rows(page, 'By country') == [['Germany', '60', '60.0 %'], ['United States', '30', '30.0 %'],
                                        ['Unknown', '8', '8.0 %'], ['Other', '2', '2.0 %']]
    expect(page.locator('.parts')).to_contain_text('2026-10-01 to 2026-10-01')
    expect(page.locator('.parts')).to_contain_text('By <b>DB-IP</b>')
    expect(page.locator('#total')).to_have_text('40 downloads from Sep 2026 to Nov 2026')
    expect(page.locator('.plot rect')).to_have_count(3)
    page.locator('.months summary').click()
    assert page.locator('.months tbody tr').all_inner_texts() == ['Nov 2026\t16', 'Oct 2026\t15', 'Sep 2026\t9']


def test_without_logs_there_are_no_countries(open_window, app):
    page = open_window(f'/extension/Extension?app={app}').page
    assert len(rows(page, 'By system')) == 3
    expect(page.locator('table.shares')).to_have_count(1)
    expect(page.locator('.parts')).not_to_contain_text('logs')


def test_the_tables_are_for_everyone_on_any_window(open_window, site, app, album):
    site.log(app, 'Extension', {**COUNTRIES, 'BA': 1, 'GB': 25})
    window = open_window(f'/extension/Extension?app={app}')
    page = window.page
    expect(page.locator('.plot svg')).to_be_visible()
    for width, pixels in WIDTHS.items():
        page.set_viewport_size({'width': pixels, 'height': 800})
        for scheme in ('light', 'dark'):
            page.emulate_media(color_scheme=scheme)
            expect(page.locator('html')).to_have_attribute('data-theme', scheme)
            assert window.accessibility() == {}
            album.keep(window, f'extension-statistics-{width}-{scheme}', full_page=True)
        assert window.sideways() <= 0
    bars = page.locator('table.shares .length rect').all()
    assert len({re.sub(r'\..*', '', bar.get_attribute('width')) for bar in bars}) > 2
    assert all(bar.evaluate('bar => getComputedStyle(bar).fill') != 'rgb(0, 0, 0)' for bar in bars)
