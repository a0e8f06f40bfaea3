import csv
import io

import pytest

from plugin_tests.roundtrips import counting
from slicer_package_manager.registry.downloads import statistics
from slicer_package_manager.registry.downloads.counts import ORDER, Download
from slicer_package_manager.registry.downloads.statistics import Question
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.pagination import Listing

pytestmark = pytest.mark.database

APP = {'_id': 'app'}
DAYS = ['2025-12-31', '2026-01-01', '2026-01-31', '2026-02-01']


@pytest.fixture
def counted(db):
    """One download of each package on each of four days."""
    packages = [
        {'kind': 'package', 'revision': '33000', 'baseName': 'Slicer', 'os': 'linux', 'arch': 'amd64',
         'release': '5.8'},
        {'kind': 'extension', 'revision': '33000', 'baseName': 'A', 'os': 'linux', 'arch': 'amd64', 'release': '5.8'},
        {'kind': 'extension', 'revision': '33111', 'baseName': 'A', 'os': 'win', 'arch': 'amd64', 'release': ''}]
    Download().collection.insert_many(
        [{'app': 'app', **package, 'day': day, 'count': 1} for package in packages for day in DAYS]
        + [{'app': 'other', **packages[0], 'day': DAYS[0], 'count': 100}])


def ask(limit=0, offset=0, hidden=(), sealed=(), **question):
    return statistics.rows(APP, Question(**question), limit, offset, hidden, sealed)


@pytest.mark.usefixtures('counted')
@pytest.mark.parametrize(('question', 'total'), [
    ({}, 12), ({'kind': 'package'}, 4), ({'name': 'A'}, 8), ({'os': 'win'}, 4), ({'arch': 'amd64'}, 12),
    ({'arch': 'arm64'}, 0), ({'revision': '33000'}, 8), ({'release': '5.8'}, 8), ({'release': 'draft'}, 4),
    ({'release': 'none'}, 0), ({'date_from': '2026-01-01'}, 9), ({'date_to': '2026-01-01'}, 6),
    ({'date_from': '2026-01-01', 'date_to': '2026-01-31'}, 6), ({'date_from': '2026-01-01T23:00:00Z'}, 9),
    ({'date_from': '2027-01-01'}, 0)])
def test_filters_and_days_that_are_included(question, total):
    assert sum(row['count'] for row in ask(**question).documents) == total


@pytest.mark.usefixtures('counted')
@pytest.mark.parametrize(('granularity', 'periods'), [
    ('day', DAYS), ('month', ['2025-12', '2026-01', '2026-02']), ('year', ['2025', '2026'])])
def test_periods(granularity, periods):
    found = ask(granularity=granularity, kind='package').documents
    assert [row['period'] for row in found] == periods
    assert sum(row['count'] for row in found) == 4


@pytest.mark.usefixtures('counted')
def test_rows_have_all_columns_in_a_stable_order_and_pages_neither_repeat_nor_skip():
    everything = ask().documents
    assert all(set(row) == set(statistics.COLUMNS) for row in everything)
    assert everything == sorted(everything, key=lambda row: [row[column] for column in statistics.COLUMNS])
    paged = [row for offset in range(0, 12, 5) for row in ask(limit=5, offset=offset).documents]
    assert paged == everything
    assert {ask(limit=5, offset=offset).total for offset in (0, 5, 10)} == {12}


@pytest.mark.usefixtures('counted')
@pytest.mark.parametrize(('granularity', 'number'), [('month', 9), ('year', 6)])
def test_pages_of_periods_neither_repeat_nor_skip(granularity, number):
    everything = ask(granularity=granularity).documents
    assert everything == sorted(everything, key=lambda row: [row[column] for column in statistics.COLUMNS])
    pages = [ask(limit=4, offset=offset, granularity=granularity) for offset in range(0, number, 4)]
    assert [row for page in pages for row in page.documents] == everything
    assert {page.total for page in pages} == {number}
    assert ask(limit=4, offset=4, granularity=granularity, name='none') == Listing([], 0)


@pytest.mark.usefixtures('counted')
@pytest.mark.parametrize(('page', 'commands'), [
    ({}, 1), ({'limit': 13}, 1), ({'limit': 12}, 2), ({'limit': 11}, 2), ({'offset': 1}, 2)])
def test_rows_are_counted_only_if_there_may_be_more_than_the_page_has(page, commands):
    with counting() as sent:
        assert ask(**page).total == 12
    assert len(sent) == commands
    assert sent[0].startswith('find')


@pytest.mark.usefixtures('counted')
def test_sealed_counts_are_included():
    assert sum(row['count'] for row in ask(sealed=['other']).documents) == 112
    assert {ask(sealed=['other'], limit=limit).total for limit in (1, 12, 13, 0)} == {13}


@pytest.mark.parametrize('column', ORDER[1:])
@pytest.mark.parametrize('granularity', ['day', 'month'])
def test_rows_that_differ_in_one_column_are_ordered_by_it(db, granularity, column):
    values = list('dbeac')
    Download().collection.insert_many([
        {'app': 'app', **dict.fromkeys(ORDER, 'x'), 'kind': 'package', 'day': '2026-01-01', 'count': 1, column: value}
        for value in (values if column != 'kind' else ['package', 'extension'])])
    found = [row[column] for row in ask(granularity=granularity).documents]
    assert found == (sorted(values) if column != 'kind' else ['extension', 'package'])


def test_the_downloads_of_a_period_add_up(db):
    Download().collection.insert_many([
        {'app': 'app', **dict.fromkeys(ORDER, 'x'), 'kind': 'package', 'day': day, 'count': count}
        for day, count in (('2026-01-01', 2), ('2026-01-31', 3), ('2026-02-01', 4))])
    assert [(row['period'], row['count']) for row in ask(granularity='month').documents] == [
        ('2026-01', 5), ('2026-02', 4)]


@pytest.mark.usefixtures('counted')
def test_a_package_may_have_the_name_that_stands_for_drafts():
    Download().collection.insert_one({'app': 'app', 'kind': 'extension', 'revision': '1', 'baseName': 'draft',
                                      'os': 'linux', 'arch': 'amd64', 'release': '', 'day': DAYS[0], 'count': 7})
    assert [row['count'] for row in ask(name='draft').documents] == [7]


@pytest.mark.usefixtures('counted')
def test_hidden_revisions_are_left_out():
    assert {row['revision'] for row in ask(hidden=['33000']).documents} == {'33111'}
    assert ask(hidden=['33000'], revision='33000').documents == []


@pytest.mark.parametrize('day', ['yesterday', '2026-13-01', '', '2026-02-30', '01/02/2026'])
def test_what_is_no_day_is_refused(db, day):
    with pytest.raises(Invalid, match='date_from'):
        ask(date_from=day)


QUESTIONS = pytest.mark.parametrize('question', [
    {'revision': '33000'}, {'kind': 'package'}, {'name': 'A'}, {'date_from': '2026-01-01'}, {'release': '5.8'},
    {'name': 'A', 'date_to': '2026-01-01'}, {'revision': '33000', 'name': 'A'}])


def plan_of(**command):
    return Download().collection.database.command('explain', command)


@pytest.mark.usefixtures('counted')
@QUESTIONS
def test_days_come_from_indexes_in_order(question):
    plan = plan_of(find=Download().name, filter=statistics.condition(APP, Question(**question), ()),
                   sort=dict.fromkeys(ORDER, 1), limit=50)
    plan = str(plan['queryPlanner']['winningPlan'])
    assert 'IXSCAN' in plan
    assert "'SORT'" not in plan
    assert 'COLLSCAN' not in plan


@pytest.mark.usefixtures('counted')
@QUESTIONS
@pytest.mark.parametrize('granularity', ['month', 'year'])
def test_periods_are_added_up_from_indexes(question, granularity):
    match = statistics.condition(APP, Question(**question), ())
    plan = str(plan_of(aggregate=Download().name, pipeline=statistics._grouped(match, granularity), cursor={}))
    assert 'IXSCAN' in plan
    assert 'COLLSCAN' not in plan


@pytest.mark.parametrize('formula', ['=cmd()', '+1', '-1', '@sum', '\t=1', '\r=1'])
def test_csv_has_a_header_and_runs_no_formula(formula):
    row = dict.fromkeys(statistics.COLUMNS, 'x') | {'baseName': formula, 'count': -1}
    lines = list(csv.reader(io.StringIO(statistics.as_csv([row]), newline='')))
    assert lines[0] == ['period', 'kind', 'baseName', 'os', 'arch', 'revision', 'release', 'count']
    assert lines[1] == ['x', 'x', f"'{formula}", 'x', 'x', 'x', 'x', '-1']
