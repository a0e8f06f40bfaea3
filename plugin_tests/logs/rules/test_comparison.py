"""Why the server's counts and those from logs differ."""
import pytest

from slicer_package_manager.logs.rules.comparison import Circumstances, Numbers, reasons

NOTHING = Circumstances()


def test_equal_numbers_need_no_reason():
    assert reasons(Numbers(3, 3, 1, 2), Circumstances(missing=[('a', '03')], unknown=4)) == []


@pytest.mark.parametrize(('numbers', 'day', 'words'), [
    (Numbers(3, 0), Circumstances(has_logs=False), ['no logs of this day']),
    (Numbers(3, 1), NOTHING, ['another server, whose logs were not read']),
    (Numbers(3, 1, incomplete=2), NOTHING, ['2 responses were broken off']),
    (Numbers(3, 1), Circumstances(missing=[('a', '03'), ('a', '04'), ('b', '23')]),
     ['of "a" in the hours 03, 04 (UTC); of "b" in the hours 23 (UTC)']),
    (Numbers(3, 1), Circumstances(unknown=7), ['7 requests of this day are for files']),
    (Numbers(0, 3), NOTHING, ['the server has no counts of it', 'from its cache']),
    (Numbers(1, 3), NOTHING, ['from its cache']),
    (Numbers(1, 3, robots=2), NOTHING, ['from its cache', '2 downloads were by robots'])])
def test_a_difference_has_its_reasons(numbers, day, words):
    found = reasons(numbers, day)
    assert len(found) == len(words)
    for one, word in zip(found, words, strict=True):
        assert word in one


@pytest.mark.parametrize(('server', 'logs', 'agrees'), [
    (1000, 1001, True), (1001, 1000, True), (1000, 1002, False), (0, 0, True), (0, 1, False), (1, 0, False)])
def test_numbers_agree_within_the_tolerance(server, logs, agrees):
    assert Numbers(server, logs).agrees(0.001) is agrees
