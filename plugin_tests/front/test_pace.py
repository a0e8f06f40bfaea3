"""How slow a client may be: the times are given, so that no test waits."""
import asyncio

import pytest

from slicer_package_manager.front import pace
from slicer_package_manager.front.pace import Pace, PaceLimits, TooSlow

RATE, TOTAL = 1000, 3600
WINDOW = pace.WINDOW


@pytest.fixture
def transfer():
    """A transfer that begins at 0 s."""
    return Pace(PaceLimits(RATE, TOTAL), 0)


def test_a_transfer_has_a_whole_window_for_its_first_bytes(transfer):
    assert transfer.seconds_left(0) == WINDOW
    assert transfer.seconds_left(WINDOW - 1) == 1


def test_a_transfer_of_nothing_is_too_slow_after_a_window(transfer):
    assert transfer.seconds_left(WINDOW) <= 0


def test_a_transfer_at_the_rate_gets_another_window(transfer):
    transfer.move(int(RATE * WINDOW))
    assert transfer.seconds_left(WINDOW) == WINDOW


def test_a_transfer_just_below_the_rate_is_too_slow(transfer):
    transfer.move(int(RATE * WINDOW) - 1)
    assert transfer.seconds_left(WINDOW) <= 0


def test_bytes_of_an_earlier_window_do_not_count_for_a_later_one(transfer):
    transfer.move(int(RATE * WINDOW) * 100)
    assert transfer.seconds_left(WINDOW) == WINDOW
    assert transfer.seconds_left(2 * WINDOW) <= 0


def test_the_whole_transfer_has_an_end_however_fast_it_is(transfer):
    for window in range(1, int(TOTAL / WINDOW)):
        transfer.move(int(RATE * WINDOW))
        assert transfer.seconds_left(window * WINDOW) == WINDOW
    transfer.move(int(RATE * WINDOW))
    assert transfer.seconds_left(TOTAL) <= 0


def test_less_than_a_window_may_be_left_of_the_whole_time(transfer):
    transfer.move(int(RATE * TOTAL))
    assert transfer.seconds_left(TOTAL - 5) == 5


@pytest.mark.parametrize('limits', [PaceLimits(RATE, 0.05), PaceLimits(10**9, 3600)])
def test_a_client_that_does_nothing_is_given_up(monkeypatch, limits):
    monkeypatch.setattr(pace, 'WINDOW', 0.05)
    with pytest.raises(TooSlow):
        asyncio.run(Pace(limits).wait(asyncio.Event().wait))


def test_a_client_that_is_fast_enough_is_waited_for_over_several_windows(monkeypatch):
    monkeypatch.setattr(pace, 'WINDOW', 0.02)

    async def scenario():
        transfer, waits = Pace(PaceLimits(1, 3600)), []

        async def step():
            waits.append(None)
            transfer.move(1000)  # moves on in every window, although this step does not end in one
            if len(waits) < 3:
                await asyncio.Event().wait()
            return 'here'
        return await transfer.wait(step), len(waits)
    assert asyncio.run(scenario()) == ('here', 3)


def test_a_failure_of_the_client_is_passed_on(transfer):
    async def broken():
        raise ConnectionResetError
    with pytest.raises(ConnectionResetError):
        asyncio.run(Pace(PaceLimits(RATE, TOTAL)).wait(broken))
