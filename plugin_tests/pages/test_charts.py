"""Charts, and the periods that they show."""
from datetime import date

import pytest

from slicer_package_manager.pages import charts, days


@pytest.mark.parametrize(('highest', 'scale'), [
    (0, [4, 3, 2, 1, 0]), (1, [4, 3, 2, 1, 0]), (4, [4, 3, 2, 1, 0]), (5, [8, 6, 4, 2, 0]),
    (41, [80, 60, 40, 20, 0]), (130, [160, 120, 80, 40, 0]), (999, [1200, 900, 600, 300, 0]),
    (4_000_001, [8_000_000, 6_000_000, 4_000_000, 2_000_000, 0])])
def test_the_scale_has_round_numbers_of_which_the_largest_is_just_above_all_bars(highest, scale):
    assert charts.chart([('one', highest)]).scale == scale


def test_bars_are_as_high_as_their_part_of_the_scale():
    found = charts.chart([('a', 0), ('b', 2), ('c', 4)])
    assert [bar.height for bar in found.bars] == [0, 50, 100]
    assert [(bar.x, bar.width) for bar in found.bars] == [(0.1, 0.8), (1.1, 0.8), (2.1, 0.8)]
    assert (found.total, found.lines) == (6, [0, 25, 50, 75, 100])


def test_many_bars_have_no_gaps():
    assert {bar.width for bar in charts.chart([(str(number), 1) for number in range(365)]).bars} == {1}


@pytest.mark.parametrize(('number', 'labels'), [
    (1, ['0']), (2, ['0', '1']), (5, ['0', '1', '2', '3', '4']), (90, ['0', '22', '44', '67', '89'])])
def test_labels_are_at_equal_distances(number, labels):
    assert charts.chart([(str(place), 1) for place in range(number)]).labels == labels


def test_no_day_or_month_is_left_out():
    assert list(days.between(date(2026, 2, 27), date(2026, 3, 1))) == ['2026-02-27', '2026-02-28', '2026-03-01']
    assert list(days.months('2025-11-30', '2026-02-01')) == ['2025-11', '2025-12', '2026-01', '2026-02']
    assert list(days.months('2026-02-01', '2026-02-28')) == ['2026-02']


def test_periods_are_written_for_people():
    assert [days.shown(one) for one in ('2026-11-03', '2026-11')] == ['Nov 3, 2026', 'Nov 2026']
