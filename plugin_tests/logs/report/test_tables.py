"""The numbers of a report, which the queries in the documentation compute too."""
import csv
import io
import re
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from plugin_tests.logs.report.conftest import Files, extension, package
from slicer_package_manager.logs.report import movement, tables

PAGE = Path(__file__).parents[3] / 'docs' / 'reference' / 'statistics-files.md'


def found(files, table, *period):
    with files.opened(*period) as opened:
        return table(opened).rows


def test_days_have_robots_and_incomplete_responses_apart(files):
    files.write('2026-11-01', package(3), extension('A', 2), extension('A', 7, client='robot', incomplete=1),
                package(0, item='b', incomplete=4))
    files.write('2026-11-02')
    assert found(files, tables.by_day) == [(date(2026, 11, 1), 3, 2, 5, 7, 5), (date(2026, 11, 2), 0, 0, 0, 0, 0)]


def test_versions_are_those_of_packages_without_what_follows_their_numbers(files):
    files.write('2026-11-01', package(3), package(4, version='5.9.0-2026-10-31', release='', pre_release=True),
                package(2, version='5.9.0-2026-11-01', release='', pre_release=None), extension('A', 9),
                package(1, version='5.9.0', release='5.9.0', pre_release=True), package(1, version=None),
                package(3, app='Custom'), package(50, client='robot'))
    assert found(files, tables.by_version) == [
        ('5.9.0', 'Slicer', 0, 7, 7), ('5.8.1', 'Custom', 3, 0, 3), ('5.8.1', 'Slicer', 3, 0, 3),
        ('unknown', 'Slicer', 1, 0, 1)]


def test_systems_architectures_countries_and_clients(files):
    files.write('2026-11-01', package(3), package(4, os='win', arch='arm64', country='unknown'),
                extension('A', 2, os='win', country='other'), package(9, client='robot', os='beos', country='FR'))
    assert found(files, tables.by_system) == [('win', 4, 2, 6), ('linux', 3, 0, 3)]
    assert found(files, tables.by_architecture) == [('amd64', 3, 2, 5), ('arm64', 4, 0, 4)]
    assert found(files, tables.by_country) == [
        ('unknown', 'Unknown', 4, 0, 4), ('DE', 'Germany', 3, 0, 3),
        ('other', 'Other (rare combinations)', 0, 2, 2)]
    assert found(files, tables.by_client) == [('robot', 9, 0, 9), ('browser', 7, 0, 7), ('slicer', 0, 2, 2)]


def test_a_release_has_a_name_and_is_no_pre_release(files):
    files.write('2026-11-01', package(1), package(2, release=''), package(4, pre_release=True), extension('A', 8),
                extension('A', 16, release='5.8.1'))
    assert found(files, tables.releases_and_previews) == [(date(2026, 11, 1), 17, 14, 1, 6, 16, 8)]


def test_what_is_new_was_not_downloaded_on_an_earlier_day_not_even_before_the_period(files):
    files.write('2026-10-31', package(1), package(1, item='robots', client='robot'), package(0, item='left'))
    files.write('2026-11-01', package(2), package(4, item='robots'), package(8, item='left'))
    files.write('2026-11-02', package(1, item='later'), package(16, item='left'))
    assert found(files, tables.new_and_returning, '2026-11-01', '2026-11-01') == [(date(2026, 11, 1), 12, 2, 2, 1)]
    assert found(files, tables.new_and_returning)[2] == (date(2026, 11, 2), 1, 16, 1, 1)


def test_ranks_of_the_top_extensions_move(files):
    files.write('2026-10-31', extension('C', 7))
    files.write('2026-11-01', extension('A', 5), extension('B', 3), extension('B', 9, client='robot'))
    files.write('2026-11-02', extension('A', 1), extension('B', 4), extension('C', 2), package(9))
    with files.opened('2026-11-01') as opened:
        table = movement.top_extensions(opened)
    assert list(table.columns)[-2:] == movement.steps(table) == ['2026-11-01', '2026-11-02']
    assert table.rows == [('B', 'Slicer', 1, 7, None, None, 2, 1), ('A', 'Slicer', 2, 6, None, None, 1, 3),
                          ('C', 'Slicer', 3, 2, 7, 1, None, 2)]


def test_equal_extensions_are_ranked_by_name_and_only_the_first_ones_are_listed(files):
    files.write('2026-11-01', *(extension(name, 2) for name in 'ONMLKJIHGFEDCBA'), extension('Z', 1))
    assert [(name, rank) for name, _, rank, *_ in found(files, movement.top_extensions)] == [
        (name, number + 1) for number, name in enumerate('ABCDEFGHIJ')]


@pytest.fixture(scope='module')
def documented(tmp_path_factory):
    """Files of the period that the documentation names, and of days around it; what a report has of it as CSV."""
    files = Files(tmp_path_factory.mktemp('documented'))
    for number in range(50):
        day = date(2026, 10, 20) + timedelta(days=number)
        rows = [package(1 + number % 7, item='stable', incomplete=number % 2),
                package(2, item=f'preview {number // 3}', version=f'5.9.0-{day}', release='', pre_release=True,
                        os='win', country='JP'),
                package(3, client='robot', country='other'), package(1, version=None, arch='arm64', app='Custom')]
        rows += [extension(f'E{one}', 1 + number * one % 11, country='US' if one % 2 else 'unknown',
                           item=f'E{one} {number // 5}', release='5.8.1' if one % 3 else '') for one in range(12)]
        if number != 25:
            files.write(f'{day}', *rows)
    files.report('2026-11-01', '2026-11-30')
    return files


def blocks():
    """The queries of the documentation, each with the names before it."""
    text = PAGE.read_text(encoding='utf-8').partition('## Recompute a report')[2]
    return re.findall(r'(?:^|\n\n)([^`\n](?:(?!```).)*?|`(?:(?!```).)*?)\n\n```sql\n(.*?)```', text, re.DOTALL)


def query_of(name):
    (found,) = [query for words, query in blocks() if words.startswith(name)]
    return found


def answered(files, monkeypatch, *queries):
    monkeypatch.chdir(files.path)
    with duckdb.connect(':memory:') as database:
        for query in queries:
            answer = database.execute(query)
        return [[str(value) if value is not None else '' for value in row] for row in answer.fetchall()]


def in_csv(files, name):
    return list(csv.reader(io.StringIO((files.output / f'{name}.csv').read_text(encoding='utf-8'))))[1:]


def test_each_documented_query_has_at_most_ten_lines():
    assert len(blocks()) == 9
    assert [query for _, query in blocks() if len(query.splitlines()) > 10] == []


@pytest.mark.parametrize('name', ['by-day', 'by-version', 'by-system', 'releases-and-previews', 'new-and-returning'])
def test_the_documented_query_computes_the_table(documented, monkeypatch, name):
    rows = in_csv(documented, name)
    assert len(rows) > 1
    assert answered(documented, monkeypatch, query_of('These queries'), query_of(f'`{name}`')) == rows


@pytest.mark.parametrize(('name', 'column'), [
    ('by-architecture', 'arch'), ('by-country', 'country'), ('by-client', 'client')])
def test_the_query_by_system_computes_other_tables_too(documented, monkeypatch, name, column):
    query = re.sub(r'\bos\b', column, query_of('`by-system`'))
    if column == 'client':
        query = query.replace('FROM downloads', 'FROM everything')
    rows = [[row[0], *row[-3:]] for row in in_csv(documented, name)]
    assert len(rows) > 1
    assert answered(documented, monkeypatch, query_of('These queries'), query) == rows


def test_the_documented_queries_compute_the_top_extensions(documented, monkeypatch):
    view, query = query_of('These queries'), query_of('`top-extensions`')
    rows = in_csv(documented, 'top-extensions')
    assert answered(documented, monkeypatch, view, query) == [row[:4] for row in rows]
    before = view.replace('2026-11-01', '2026-10-02').replace('2026-11-30', '2026-10-31')
    ranked = answered(documented, monkeypatch, before, query.replace('LIMIT 10', ''))
    assert {(name, app): [number, rank] for name, app, rank, number in ranked}.items() >= {
        (row[0], row[1]): row[4:6] for row in rows}.items()
    steps = {}
    for _, name, app, rank in answered(documented, monkeypatch, view, query_of('The ranks in each step')):
        steps.setdefault((name, app), []).append(rank)
    assert [steps[row[0], row[1]] for row in rows] == [row[6:] for row in rows]
    assert len(rows[0]) == 6 + 6  # weeks


def test_the_documented_query_computes_the_numbers_at_the_top(documented, monkeypatch):
    with documented.opened('2026-11-01', '2026-11-30') as opened:
        totals = tables.summary(opened)
    (row,) = answered(documented, monkeypatch, query_of('These queries'), query_of('The numbers at the top'))
    assert row == [str(number) for number in totals.values()]
    assert totals['Robots (not included)'] == 3 * 29
