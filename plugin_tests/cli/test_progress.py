import json

import pytest

from slicer_package_manager.cli import progress


@pytest.fixture
def clock(monkeypatch):
    """Lets time pass."""
    now = [0.0]
    monkeypatch.setattr(progress.time, 'monotonic', lambda: now[0])

    def passing(seconds):
        now[0] += seconds
    return passing


def test_lines_of_json_have_the_rate_and_the_remaining_time(clock, capsys):
    with progress.json_lines('Copying', 1000, True) as advance:
        clock(5)
        advance(100)
        clock(15)
        advance(300)
        clock(20)
        advance(600)
    first, *_, last = map(json.loads, capsys.readouterr().err.splitlines())
    assert first == {'step': 'Copying', 'done': 400, 'total': 1000, 'unit': 'bytes', 'rate': 20.0, 'remaining': 30}
    assert last == {'step': 'Copying', 'done': 1000, 'total': 1000, 'unit': 'bytes', 'rate': 25.0, 'remaining': 0}


def test_nothing_is_known_of_the_end_without_a_total_or_before_anything_is_done(clock, capsys):
    with progress.json_lines('Reading', None, False):
        clock(1)
    assert json.loads(capsys.readouterr().err) == {
        'step': 'Reading', 'done': 0, 'total': None, 'unit': 'items', 'rate': 0.0, 'remaining': None}


def test_lines_of_text(clock, capsys):
    with progress.step('Copying', 3_000_000, True) as advance:
        clock(11)
        advance(1_000_000)
    assert capsys.readouterr().err.splitlines() == ['Copying: 1.0 MB of 3.0 MB', 'Copying: 1.0 MB']
