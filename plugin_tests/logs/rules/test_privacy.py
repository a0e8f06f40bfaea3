"""What is published of clients."""
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager.logs.rules.privacy import Combination, published

DE, LI, US = (Combination(country, 'browser', 'linux') for country in ('DE', 'LI', 'US'))
LI_WIN = Combination('LI', 'browser', 'win')


def test_what_many_share_is_published():
    assert published({DE: 5, US: 7}, 5) == {DE: DE, US: US}


def test_a_rare_country_is_not_named():
    other = Combination('other', 'browser', 'linux')
    assert published({DE: 5, LI: 2, US: 3}, 5) == {DE: DE, LI: other, US: other}


def test_a_rare_system_and_class_are_not_named_either():
    tool = Combination('FR', 'command line', 'linux')
    assert published({DE: 5, LI: 2, LI_WIN: 3}, 5) == {
        DE: DE, LI: Combination('other', 'browser', 'other'), LI_WIN: Combination('other', 'browser', 'other')}
    assert published({DE: 5, LI: 1, tool: 1}, 5) == {
        DE: DE, LI: Combination('other', 'other', 'other'), tool: Combination('other', 'other', 'other')}


def test_robots_stay_apart():
    robot = Combination('LI', 'robot', 'unknown')
    assert published({robot: 1}, 5) == {robot: Combination('other', 'robot', 'other')}


@given(st.dictionaries(st.builds(Combination, st.sampled_from(['DE', 'LI', 'unknown']),
                                 st.sampled_from(['browser', 'slicer', 'robot']), st.sampled_from(['win', 'linux'])),
                       st.integers(0, 9)), st.integers(1, 8))
def test_no_published_combination_is_rare(clients, threshold):
    shown = published(clients, threshold)
    assert shown.keys() == clients.keys()
    shared = Counter()
    for one, number in clients.items():
        shared[shown[one]] += number
    rare = {one for one, number in shared.items() if number < threshold}
    assert rare <= {Combination('other', 'other', 'other'), Combination('other', 'robot', 'other')}
