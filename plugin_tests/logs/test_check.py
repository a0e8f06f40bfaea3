"""The server's own counts beside those from logs."""
import json
from datetime import date

import pytest

from plugin_tests.logs.conftest import OTHER_FILE, fact, line
from slicer_package_manager.logs import check
from slicer_package_manager.logs.check import Period
from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.place import Place
from slicer_package_manager.logs.rules.comparison import Numbers

ROBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'
SLICER = ('package', 'Slicer', 'linux', 'amd64', '33000')
ALL = Period()
IGT = ('extension', 'SlicerIGT', 'linux', 'amd64', '33000')


def counts(package=SLICER, number=1, day='2026-11-01', **values):
    return {'period': day, **dict(zip(check.PACKAGE, package, strict=True)), 'release': '', 'count': number, **values}


@pytest.fixture
def compared(directory):
    def compare(lines, *rows, period=ALL):
        directory.ingest(directory.log(*lines))
        return check.compare(Place(directory.path), rows, period)
    return compare


def test_days_and_packages_are_compared(compared):
    found = compared([line(), line(agent=ROBOT), line(size=5), line(f'/api/v1/file/{OTHER_FILE}/download')],
                     counts(number=3), counts(IGT), counts(IGT, release='5.8.1'))
    (day,) = found.days
    assert (day.day, day.package, day.numbers) == ('2026-11-01', (), Numbers(5, 3, 1, 1))
    assert [(row.package, row.numbers) for row in found.packages] == [
        (IGT, Numbers(2, 1, 0, 0)), (SLICER, Numbers(3, 2, 1, 1))]
    assert all('broken off' in ' '.join(row.reasons) for row in (day, found.packages[1]))
    assert found.total == day.numbers


def test_what_agrees_is_not_listed(compared):
    found = compared([line(), line()], counts(number=2))
    assert (found.packages, found.days[0].reasons) == ([], [])


def test_a_day_without_logs_is_named(compared):
    found = compared([line(), line(time='03/Nov/2026:10:00:00 +0000')], counts(), counts(day='2026-11-02', number=4),
                     counts(day='2026-11-03'), counts(day='2026-11-04'))
    assert [(row.day, row.numbers.difference) for row in found.days] == [
        ('2026-11-01', 0), ('2026-11-02', -4), ('2026-11-03', 0)]
    assert found.days[1].reasons == ['there are no logs of this day']


def test_a_period_may_be_chosen(compared):
    found = compared([line()], counts(day='2026-11-02'), period=Period(date(2026, 11, 2), date(2026, 11, 3)))
    assert [(row.day, row.numbers) for row in found.days] == [
        ('2026-11-02', Numbers(1)), ('2026-11-03', Numbers())]


def test_missing_hours_are_a_reason(compared):
    found = compared([line()], counts(number=2))
    assert 'in the hours 00, 01' in found.days[0].reasons[0]
    assert '10,' not in found.days[0].reasons[0]


def test_without_daily_files_nothing_is_compared(directory):
    with pytest.raises(LogsError, match='There are no daily files'):
        check.compare(Place(directory.path), [], Period())


def test_private_packages_are_not_compared(directory):
    directory.use(fact(public=False))
    directory.ingest(directory.log(line()))
    assert check.compare(Place(directory.path), [], Period()).total == Numbers()


def test_a_comparison_is_saved_beside_the_daily_files(compared, directory):
    found = compared([line()], counts(number=3), counts(day='2026-11-02'), period=Period(None, date(2026, 11, 2)))
    found.save(Place(directory.path))
    saved = json.loads(directory.published()[check.NAME])
    assert saved == found.as_json()
    assert [(one['day'], one['server'], one['difference']) for one in saved['days']] == [
        ('2026-11-01', 3, -2), ('2026-11-02', 1, -1)]
    assert saved['packages'][0]['baseName'] == 'Slicer'


def test_counts_are_read_from_the_csv_of_the_server(tmp_path):
    from slicer_package_manager.registry.downloads import statistics
    path = tmp_path / 'downloads.csv'
    path.write_text(statistics.as_csv([counts(number=12), counts(IGT)]))
    assert check.counts_in(path) == [counts(number=12), counts(IGT)]
    for text in ('a,b\n1,2\n', statistics.as_csv([counts(day='2026-11')])):
        path.write_text(text)
        with pytest.raises(LogsError, match='has no'):
            check.counts_in(path)
