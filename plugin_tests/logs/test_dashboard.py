"""The file for the community's dashboard has the form that it reads."""
import json

import pytest

from plugin_tests.logs.conftest import EXTENSION, ITEM, OTHER_FILE, fact, line
from slicer_package_manager.logs.countries import Countries

ROBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'


@pytest.fixture
def shown(directory, monkeypatch):
    """What is in the file after a day with these lines; addresses in 198.51.100.0/24 are in Germany."""
    monkeypatch.setattr(Countries, 'are_known', True)
    monkeypatch.setattr(Countries, 'of', lambda _, address: 'DE' if address.startswith('198.51.100.') else 'unknown')

    def read(*lines):
        directory.ingest(directory.log(*lines))
        return json.loads((directory.path / 'published' / 'dashboard.json').read_text())
    return read


def test_there_is_a_row_for_each_client(shown):
    found = shown(line(), line(), line(address='198.51.100.8'), line(address='198.51.100.9', agent='curl/8.5.0'))
    germany = found['location'].index('51.000000,9.000000')
    assert found['access'] == [[ITEM, '2026-11-01T00:00', 'DE', germany]] * 3
    assert found['bitstream'] == {ITEM: {'os': 'linux', 'arch': 'amd64', 'bits': 64, 'version': '5.8.1', 'stable': 1,
                                         'checkout': '2026-10-31T04:00:00.000000+00:00'}}
    assert found['countryCode']['DE'] == ['Germany', 'Western Europe', 'Europe']
    assert found['_formatVersion'] == '1.0'
    assert found.keys() == {'access', 'bitstream', 'location', 'countryCode', '_formatVersion'}


def test_rows_are_in_the_order_of_days(shown):
    found = shown(*(line(time=f'{day}:10:00:01 +0000') for day in ('01/Nov/2026', '30/Sep/2026', '02/Nov/2026',
                                                                   '31/Oct/2026')))
    assert [one[1][:10] for one in found['access']] == ['2026-09-30', '2026-10-31', '2026-11-01', '2026-11-02']


def test_robots_extensions_and_unknown_countries_are_left_out(shown):
    found = shown(line(agent=ROBOT), line(address='203.0.113.1'), line(f'/api/v1/file/{OTHER_FILE}/download'),
                  line(size=10))
    assert (found['access'], found['bitstream']) == ([], {})


@pytest.mark.parametrize(('values', 'expected'), [
    ({'version': '5.9.0-2026-11-01', 'release': ''}, ('5.9.0', 0)), ({'version': '5.8.1.2'}, ('5.8.1', 1)),
    ({'version': None, 'release': None}, ('', 0))])
def test_a_version_has_three_parts_and_a_release_is_stable(directory, shown, values, expected):
    directory.use(fact(**values), EXTENSION)
    one = shown(line())['bitstream'][ITEM]
    assert (one['version'], one['stable']) == expected


def test_the_date_falls_back_to_that_of_the_upload(directory, shown):
    directory.use(fact(build_date=None, arch='i386'), EXTENSION)
    one = shown(line())['bitstream'][ITEM]
    assert (one['checkout'], one['bits']) == ('2026-10-31T05:00:00.000000+00:00', 32)
