"""Reports as they are written: the page, the tables and the plots."""
import base64
import csv
import io
import json
import re
from datetime import date
from html.parser import HTMLParser
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from plugin_tests.logs.report.conftest import Files, extension, package
from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.report.page import ranges
from slicer_package_manager.logs.report.sections import COMPARISON, DIFFERENCES, NAMES

#: Names that would do harm in HTML, in a table of a spreadsheet, in a drawing or in a path.
HOSTILE = ('<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '=HYPERLINK("http://x")', '+1', '-1',
           '@SUM(A1)', '$\\frac{1}{0}$ & $x', 'a\0b\x1b[31m\u202ec', '../../etc/passwd', "Ein 'Name' 体" + 'x' * 300)
#: What loads something, or runs.
LOADING = {'script', 'link', 'iframe', 'object', 'embed', 'base', 'form', 'audio', 'video', 'use', 'image'}
COMPARED = {
    'days': [{'day': day, 'server': 9, 'logs': 7, 'robots': 1, 'incomplete': 2, 'difference': -2,
              'reasons': ['<b>lost</b>', 'aborted']} for day in ('2026-10-31', '2026-11-01', '2026-11-02')],
    'packages': [{'day': '2026-11-01', 'kind': 'extension', 'baseName': HOSTILE[0], 'os': 'win', 'arch': 'amd64',
                  'revision': '33000', 'server': 3, 'logs': 1, 'robots': 0, 'incomplete': 0, 'difference': -2,
                  'reasons': []}]}


class Page(HTMLParser):
    """The elements of a page, with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope='module')
def hostile(tmp_path_factory):
    """A report in which all that can be chosen by others is hostile, with a comparison."""
    files = Files(tmp_path_factory.mktemp('hostile'))
    for day in ('2026-11-01', '2026-11-03'):
        files.write(day, package(3, app=HOSTILE[0], version=HOSTILE[1], os=HOSTILE[0], arch=HOSTILE[2],
                                 country=HOSTILE[7], client=HOSTILE[3]),
                    *(extension(name, number + 1, app=HOSTILE[0]) for number, name in enumerate(HOSTILE)))
    (files.published / 'check.json').write_text(json.dumps(COMPARED))
    (files.published / 'manifest.json').write_text(json.dumps({'days': {'2026-11-03': {'final': False}}}))
    files.page = files.report(plots=True, notice='By <i>DB-IP</i>: https://db-ip.com')
    return files


@pytest.fixture(scope='module')
def page(hostile):
    return Page(hostile.page)


def test_a_report_has_all_sections_each_with_a_table_and_a_plot(hostile, page):
    written = {path.name for path in hostile.output.iterdir()}
    assert written == {'report.html', *(f'{name}.csv' for name in NAMES),
                       *(f'{name}.png' for name in NAMES if name != DIFFERENCES)}
    assert [one['id'] for one in page.of('h2')] == list(NAMES)
    assert len(page.of('caption')) == len(page.of('table')) == len(NAMES)
    assert len(page.of('picture')) == len(NAMES) - 1
    assert all(len(one['alt']) > 40 for one in page.of('img'))
    assert {one['href'] for one in page.of('a')} >= {f'#{name}' for name in NAMES}
    assert all((hostile.output / f'{name}.png').read_bytes().startswith(b'\x89PNG') for name in NAMES[:-1])


def test_the_page_loads_nothing_and_runs_nothing(page):
    assert [tag for tag, _ in page.elements if tag in LOADING] == []
    assert [name for _, attributes in page.elements for name in attributes if name.startswith('on')] == []
    sources = [value for _, attributes in page.elements for name, value in attributes.items()
               if name in ('src', 'srcset')]
    assert all(one.startswith('data:image/svg+xml,') for one in sources)
    links = [one['href'] for one in page.of('a')]
    assert {one for one in links if not one.startswith(('#', 'data:text/csv', 'data:image/png'))} == {
        'https://db-ip.com'}
    (policy,) = (one['content'] for one in page.of('meta') if 'http-equiv' in one)
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert 'url(' not in ''.join(page.texts)


def test_names_are_text(hostile, page):
    text = ''.join(page.texts)
    for name in HOSTILE[:7]:
        assert name in text
    assert 'a\ufffdb\ufffd[31m\ufffdc' in text
    assert not set('\0\x1b\u202e') & set(hostile.page)
    assert '<b>lost</b>; aborted' in text
    assert 'By <i>DB-IP</i>: ' in text


def drawings(page):
    found = [one['src'] for one in page.of('img')] + [one['srcset'] for one in page.of('source')]
    return [unquote(one.removeprefix('data:image/svg+xml,')) for one in found]


def test_drawings_are_svg_without_scripts_and_in_colors_of_both_themes(page):
    texts = set()
    for drawing in drawings(page):
        root = ET.fromstring(drawing)
        names = {one.tag.rpartition('}')[2] for one in root.iter()}
        assert not names & {'script', 'image', 'foreignObject', 'a', 'animate', 'set'}
        links = [value for one in root.iter() for name, value in one.attrib.items() if name.endswith('href')]
        assert all(one.startswith('#') for one in links)
        assert '@media (prefers-color-scheme:dark)' in drawing
        styles = ' '.join(one.get('style', '') for one in root.iter())
        assert re.findall('#[0-9a-f]{6}', styles) == []
        assert 'DejaVu' not in styles
        texts |= {one.text for one in root.iter() if one.tag.endswith('text')}
    assert {'<script>alert(1)</script>', '$\\frac{1}{0}$ & $x'} <= texts


def test_a_space_or_a_comma_would_end_an_address_in_srcset(page):
    assert not any(set(' ,\n') & set(one['srcset'].removeprefix('data:image/svg+xml,')) for one in page.of('source'))


def test_cells_are_no_formulas(hostile):
    rows = list(csv.reader(io.StringIO((hostile.output / 'top-extensions.csv').read_text())))
    names = [row[0] for row in rows[1:]]
    assert {"'=HYPERLINK(\"http://x\")", "'+1", "'-1", "'@SUM(A1)", '<script>alert(1)</script>'} <= set(names)
    for path in hostile.output.glob('*.csv'):
        for row in csv.reader(io.StringIO(path.read_text())):
            assert not any(cell.startswith(('=', '+', '@', '\t')) for cell in row)


def test_the_files_are_in_the_page_too(hostile, page):
    inside = {one['download']: base64.b64decode(one['href'].partition(';base64,')[2])
              for one in page.of('a') if 'download' in one}
    assert inside == {path.name: path.read_bytes() for path in hostile.output.iterdir() if path.suffix != '.html'}


def test_days_without_logs_and_days_that_are_not_final_are_named(page):
    text = ' '.join(''.join(page.texts).split())
    assert 'No logs were read of these days, which are left out: 2026-11-02.' in text
    assert 'Not final: the numbers of 2026-11-03 may still change.' in text


def test_the_comparison_has_the_days_of_the_period(hostile):
    rows = list(csv.reader(io.StringIO((hostile.output / f'{COMPARISON}.csv').read_text())))
    assert rows == [['day', 'server', 'logs', 'robots', 'incomplete', 'difference', 'reasons'],
                    *([day, '9', '7', '1', '2', '-2', '<b>lost</b>; aborted'] for day in ('2026-11-01', '2026-11-02'))]
    packages = (hostile.output / f'{DIFFERENCES}.csv').read_text().splitlines()
    assert packages[1] == '2026-11-01,extension,<script>alert(1)</script>,win,amd64,33000,3,1,0,0,-2,'


def test_a_report_leaves_nothing_of_an_earlier_one(files):
    files.write('2026-11-01', package(3), extension('A'))
    (files.published / 'check.json').write_text(json.dumps(COMPARED))
    files.report()
    (files.published / 'check.json').unlink()
    (files.output / 'mine.csv').write_text('')
    files.report()
    there = {path.name for path in files.output.iterdir()}
    assert not {f'{COMPARISON}.csv', f'{COMPARISON}.png', f'{DIFFERENCES}.csv'} & there
    assert 'mine.csv' in there


def test_sections_without_rows_say_so(files):
    files.write('2026-11-01', package(3, client='robot', incomplete=2))
    page = files.report()
    assert page.count('There are none in this period.') == 5  # versions, systems, architectures, countries, extensions
    assert not (files.output / 'by-country.png').exists()
    assert (files.output / 'by-country.csv').read_text() == 'country,name,packages,extensions,total\n'


def test_a_period_without_downloads_has_no_report(files):
    files.write('2026-11-01')
    with pytest.raises(LogsError, match='The daily files of 2026-11-01 to 2026-11-01 have no downloads'):
        files.report()
    assert not files.output.exists()


def test_a_comparison_may_be_given(files, tmp_path):
    files.write('2026-11-01', package(3))
    path = tmp_path / 'compared.json'
    path.write_text(json.dumps(COMPARED))
    assert f'id="{COMPARISON}"' in files.report(check=path)
    path.write_text(json.dumps({'days': COMPARED['days'][:1], 'packages': []}))
    with pytest.raises(LogsError, match='compares no day of 2026-11-01 to 2026-11-01'):
        files.report(check=path)
    for text in ('x', '[]', '{"days": []}', '{"days": [{}], "packages": []}', '{"days": [1], "packages": []}',
                 json.dumps({'days': [{**COMPARED['days'][1], 'server': 'many'}], 'packages': []})):
        path.write_text(text)
        with pytest.raises(LogsError, match='has no comparison'):
            files.report(check=path)


def test_days_are_named_as_ranges():
    days = [date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 5), date(2026, 11, 7),
            date(2026, 11, 8)]
    assert ranges(days) == '2026-10-31 to 2026-11-02, 2026-11-05, 2026-11-07 to 2026-11-08'
    assert ranges([]) == ''
