"""The page of statistics for everyone, and its tables."""
import csv
import io
import re
from datetime import datetime, timedelta, timezone

import pytest
from bson.objectid import ObjectId

from plugin_tests.browser import WIDTHS

#: Downloads by name, system, release and days before today.
COUNTS = [('package', 'Slicer', 'linux', '5.8.1', 0, 5), ('package', 'Slicer', 'win', '5.8.1', 29, 7),
          ('package', 'Slicer', 'win', '', 30, 11), ('package', 'Slicer', 'win', '', 89, 13),
          ('package', 'Slicer', 'win', '5.6.2', 400, 17), ('extension', 'SlicerIGT', 'linux', '', 1, 40),
          ('extension', 'SlicerIGT', 'linux', '', 40, 2), ('extension', '=Other', 'linux', '', 2, 3),
          ('extension', '=Other', 'linux', '', 45, 8), ('extension', 'Deleted', 'linux', '', 2, 900)]


def day(before):
    return f'{datetime.now(timezone.utc) - timedelta(days=before):%Y-%m-%d}'


@pytest.fixture
def counted(db, app, make):
    make('package', revision='1')
    for name in ('SlicerIGT', '=Other'):
        make('extension', baseName=name, app_revision='1', content=b'x')
    db.slicer_package_download.insert_many([
        {'app': ObjectId(app['_id']), 'kind': kind, 'baseName': name, 'os': os, 'arch': 'amd64', 'revision': '1',
         'release': release, 'day': day(before), 'count': count} for kind, name, os, release, before, count in COUNTS])


@pytest.fixture
def get(anonymous, counted):
    def send(path='', status=200):
        answer = anonymous.get(f'http://testserver/statistics{path}')
        assert answer.status_code == status, answer.text
        return answer
    return send


def table(answer):
    assert answer.headers['Content-Type'] == 'text/csv;charset=utf-8'
    assert answer.headers['Content-Disposition'].startswith('attachment; filename="')
    return list(csv.reader(io.StringIO(answer.text)))


@pytest.mark.database
@pytest.mark.parametrize(('days', 'total', 'by'), [
    ('30', 12, 'day'), ('90', 36, 'day'), ('365', 36, 'day'), ('all', 53, 'month'), ('nonsense', 36, 'day')])
def test_the_chart_has_the_downloads_of_the_period(get, days, total, by):
    text = get(f'?days={days}').text
    assert f'{total} downloads from' in text
    assert f'Downloads of Slicer by {by}' in text
    bars = re.findall(r'<title>(.*?): ([0-9]+)</title></rect>', text)
    assert sum(int(count) for _, count in bars) == total
    assert text.count('<tr><th scope="row">') > (300 if days == '365' else 10)


@pytest.mark.database
def test_tables_have_releases_systems_and_extensions(get):
    assert table(get('/releases.csv')) == [['release', 'count'], ['', '24'], ['5.8.1', '12']]
    assert table(get('/systems.csv?days=30')) == [
        ['os', 'arch', 'count'], ['win', 'amd64', '7'], ['linux', 'amd64', '5']]
    assert table(get('/days.csv?days=30&kind=extension')) == [['day', 'count'], [day(2), '903'], [day(1), '40']]
    columns, *rows = table(get('/extensions.csv'))
    assert columns[:4] == ['baseName', 'last_30_days', 'previous_30_days', 'last_90_days']
    assert [row[:4] for row in rows] == [['SlicerIGT', '40', '2', '42'], ["'=Other", '3', '8', '11']]
    assert table(get('/countries.csv')) == [['country', 'count']]
    assert '/statistics/days.csv' in get('/unknown.csv', 404).text


@pytest.mark.database
def test_popular_and_trending_extensions_lead_to_their_pages(get):
    text = get().text
    parts = text.split('id="popular"')[1].split('id="trending"')
    top, trending = (re.findall(r'<th scope="row"><a href="(.*?)"', part) for part in parts)
    assert top == ['./extension/SlicerIGT', './extension/%3DOther']
    assert trending == ['./extension/SlicerIGT']


@pytest.mark.database
@pytest.mark.parametrize(('sort', 'names'), [
    ('name', ['=Other', 'SlicerIGT']), ('popular', ['SlicerIGT', '=Other']), ('trending', ['SlicerIGT', '=Other']),
    ('new', ['=Other', 'SlicerIGT']), ('changed', ['SlicerIGT', '=Other'])])
def test_the_catalog_has_the_orders_of_the_statistics(anonymous, counted, app, db, sort, names):
    db.slicer_package_event.insert_many([
        {'app': ObjectId(app['_id']), 'baseName': name, 'revision': 'ab12cd3', 'kind': kind,
         'since': datetime(2026, 11, number, tzinfo=timezone.utc)}
        for name, kind, number in (('=Other', 'new', 9), ('SlicerIGT', 'changed', 12))])
    text = anonymous.get(f'http://testserver/catalog/All/1/linux?sort={sort}').raise_for_status().text
    assert re.findall('<h2 id="extension-[^"]*"><a [^>]*data-name="([^"]*)"', text) == names
    assert f'<option value="{sort}" selected>' in text


@pytest.mark.database
def test_counts_of_what_is_private_are_in_no_number(get, db):
    db.folder.update_many({'spm.role': 'draft'}, {'$set': {'public': False}})
    text = get('?days=all').text
    assert 'There are no downloads in this period.' in text
    assert 'SlicerIGT' not in text


@pytest.mark.database
def test_without_downloads_the_page_says_so(anonymous, app):
    text = anonymous.get('http://testserver/statistics').raise_for_status().text
    assert 'There are no downloads in this period.' in text
    assert 'No extension was downloaded in the last 30 days.' in text
    assert '<svg' not in text


@pytest.mark.parametrize('width', WIDTHS)
@pytest.mark.parametrize('dark', [False, True], ids=['light', 'dark'])
def test_the_page_is_good_to_look_at_and_for_everyone(open_window, site, album, width, dark):
    app = site.application('Numbers')
    site.extension(app, baseName='An extension with a long name')
    for name, kind in (('Slicer', 'package'), ('An extension with a long name', 'extension')):
        site.count(app, name, {day(before): 1000 + before for before in range(60)}, kind=kind, release='5.8.1')
    site.log(app, 'Slicer', {'DE': 60, 'GB': 30, 'other': 4}, kind='package', day=day(3))
    try:
        window = open_window(f'/statistics?app={app}', width=width, dark=dark, java_script_enabled=True)
        assert window.accessibility() == {}
        assert window.sideways() <= 0
        album.keep(window, f'statistics-{width}-{"dark" if dark else "light"}', full_page=True)
        window.page.get_by_text('As a table').click()
        assert window.page.locator('table.ranks').first.locator('tbody tr').count() == 90
        assert window.accessibility() == {}
        window.page.get_by_role('link', name='Extensions', exact=True).nth(1).click()
        window.page.wait_for_url(re.compile('kind=extension'))
        assert window.page.get_by_role('heading', name='Downloads of extensions by day').count() == 1
    finally:
        site.forget_logs()
        site.client.delete(f'/app/{app}').raise_for_status()
