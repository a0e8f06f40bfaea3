"""The choices of the simulation can be repeated anywhere, and one line of a failure says how."""
import importlib

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure

from plugin_tests.simulation import choices

ONCE = settings(max_examples=200, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


def chosen():
    """What a seed chooses."""
    numbers = []

    @seed(17)
    @ONCE
    @given(st.integers(0, 2**10))
    def choose(number):
        numbers.append(number)
    choose()
    return numbers


def test_the_numbers_in_modules_do_not_change_the_choices(tmp_path, monkeypatch):
    choices.depend_on_the_seed_only(monkeypatch)
    before = chosen()
    (tmp_path / 'module_of_numbers.py').write_text(f'NUMBERS = {list(range(130, 1000, 7))}')
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module('module_of_numbers')
    assert chosen() == before


def failing(reason):
    error = AssertionError(reason)
    error.__notes__ = ['Failing:\nstate = Simulation()\nstate.begin()\nstate.delete_item(item=3)\nstate.teardown()']
    return error


def test_a_failure_is_explained_by_one_line():
    assert choices.explained(failing('2, not 3\nassert 2 == 3'), 1000017) == (
        "Repeat by -k '0]' --simulation-seed 1000017: step 2, delete_item(item=3): AssertionError: 2, not 3")


def test_a_failure_that_hypothesis_cannot_repeat_has_its_first_reason_too():
    error = FlakyFailure('It did not fail again.', [failing('2, not 3')])
    assert choices.explained(error, 0) == (
        "Repeat by -k '0]' --simulation-seed 0: no step: FlakyFailure: It did not fail again. (1 sub-exception) / "
        'AssertionError: 2, not 3')
