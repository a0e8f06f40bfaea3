import pytest

from slicer_package_manager.logs.rules import scales


@pytest.mark.parametrize(('days', 'step'), [
    (1, 'day'), (14, 'day'), (15, 'week'), (182, 'week'), (183, 'month'), (1096, 'month'), (1097, 'year')])
def test_a_period_has_a_few_dozen_steps(days, step):
    assert scales.step(days) == step


@pytest.mark.parametrize(('largest', 'classes'), [
    (1, [(1, 9)]), (9, [(1, 9)]), (10, [(1, 9), (10, 99)]),
    (99_999, [(1, 9), (10, 99), (100, 999), (1000, 9999), (10_000, 99_999)]),
    (1_000_000, [(1, 999), (1000, 9999), (10_000, 99_999), (100_000, 999_999), (1_000_000, 9_999_999)])])
def test_classes_begin_with_powers_of_ten_and_cover_all_numbers(largest, classes):
    assert scales.classes(largest) == classes
