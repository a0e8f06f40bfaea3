"""The daily files of a period."""
from datetime import date

import pytest

from plugin_tests.logs.report.conftest import package
from slicer_package_manager.logs import place
from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.report.daily_files import Span


def test_a_period_has_its_days_and_one_of_the_same_length_before_it():
    span = Span(date(2026, 11, 1), date(2026, 11, 3))
    assert (span.length, span.days[0], span.days[-1]) == (3, span.first, span.last)
    assert span.before == Span(date(2026, 10, 29), date(2026, 10, 31))


def test_by_default_the_period_is_from_the_first_to_the_last_day(files):
    files.write('2026-11-01')
    files.write('2026-11-04')
    (files.published / '2026' / '11' / 'xy.parquet').write_text('no day')
    with files.opened() as opened:
        assert opened.period == Span(date(2026, 11, 1), date(2026, 11, 4))
        assert opened.there(opened.period) == [date(2026, 11, 1), date(2026, 11, 4)]


@pytest.mark.parametrize(('first', 'last', 'found'), [
    (None, None, 7), ('2026-11-02', None, 6), (None, '2026-11-01', 1), ('2026-11-02', '2026-11-02', 2)])
def test_only_rows_of_the_period_are_looked_at(files, first, last, found):
    for day, number in (('2026-11-01', 1), ('2026-11-02', 2), ('2026-11-03', 4)):
        files.write(day, package(number))
    with files.opened(first, last) as opened:
        assert opened.rows('SELECT sum(requests) FROM downloads') == [(found,)]


def test_robots_are_in_everything_only(files):
    files.write('2026-11-01', package(1), package(2, client='robot'), package(0, incomplete=5))
    with files.opened() as opened:
        assert opened.rows('SELECT count(*) FROM downloads') == [(1,)]
        assert opened.rows('SELECT count(*) FROM everything') == [(3,)]


def test_a_directory_without_daily_files_is_named(files):
    with pytest.raises(LogsError, match=r'There are no daily files in .*published'), files.opened():
        pass


def test_an_empty_period_is_named_with_the_days_that_there_are(files):
    files.write('2026-11-01')
    files.write('2026-11-09')
    for first, last in (('2026-11-02', '2026-11-08'), ('2026-12-01', None), (None, '2025-12-31')):
        with pytest.raises(LogsError, match='they begin on 2026-11-01 and end on 2026-11-09'), \
                files.opened(first, last):
            pass


def test_a_damaged_file_is_named(files):
    files.write('2026-11-01')
    (files.published / '2026/11/01.parquet').write_bytes(b'PAR1 torn')
    with pytest.raises(LogsError, match=r'cannot be read: .*2026/11/01.parquet'), files.opened():
        pass


def test_names_with_quotation_marks_are_no_danger(tmp_path):
    from plugin_tests.logs.report.conftest import Files
    files = Files(tmp_path / "o'clock")
    files.write('2026-11-01', package(3))
    with files.opened() as opened:
        assert opened.rows('SELECT sum(requests) FROM downloads') == [(3,)]


def test_a_copy_of_the_published_directory_suffices(files):
    files.write('2026-11-01')
    assert place.for_reading(files.path).published == files.published
    assert place.for_reading(files.published).published == files.published
