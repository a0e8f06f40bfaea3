"""Limits of a class of work: who runs, who waits, and who is refused."""
import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager.front.admission import Limits, Refused, WorkClass

HOUR = 3600


class Visitor:
    """A request from ``address``; it runs until :meth:`finish`."""

    def __init__(self, work, address='a', log=None):
        self.running = False
        self._end = asyncio.Event()
        self._log = [] if log is None else log
        self.task = asyncio.create_task(self._visit(work, address))

    async def _visit(self, work, address):
        async with work.admitted(address):
            self._log.append(self)
            self.running = True
            try:
                await self._end.wait()
            finally:
                self.running = False

    def finish(self):
        self._end.set()

    @property
    def refused(self):
        return self.task.done() and not self.task.cancelled() and isinstance(self.task.exception(), Refused)

    @property
    def waits(self):
        return not self.running and not self.task.done()


async def settle():
    """Let all tasks run until they wait."""
    for _ in range(5):
        await asyncio.sleep(0)


async def arrive(work, *addresses, log=None):
    visitors = []
    for address in addresses:
        visitors.append(Visitor(work, address, log))
        await settle()
    return visitors


async def leave(visitors):
    for one in visitors:
        one.finish()
    await asyncio.gather(*(one.task for one in visitors), return_exceptions=True)


def test_room_is_where_a_request_would_run_or_wait():
    async def scenario():
        work = WorkClass(Limits(1, 2, HOUR))
        visitors = []
        for address in 'abc':
            for _ in range(2):
                work.require_room(address)  # takes no place
            visitors += await arrive(work, address)
        for address in 'ad':
            with pytest.raises(Refused):
                work.require_room(address)
        assert (work.running, work.waiting, work.refused) == (1, 2, 2)
        await leave(visitors)
        work.require_room('d')
    asyncio.run(scenario())


def test_as_many_run_as_the_limit_says_then_some_wait_and_the_rest_is_refused():
    async def scenario():
        work = WorkClass(Limits(2, 3, HOUR))
        visitors = await arrive(work, *'abcdefg')
        assert [one.running for one in visitors] == [True] * 2 + [False] * 5
        assert [one.waits for one in visitors] == [False] * 2 + [True] * 3 + [False] * 2
        assert [one.refused for one in visitors] == [False] * 5 + [True] * 2
        assert (work.running, work.waiting, work.refused) == (2, 3, 2)
        await leave(visitors)
        assert (work.running, work.waiting) == (0, 0)
    asyncio.run(scenario())


def test_who_has_waited_longest_is_next():
    async def scenario():
        work, order = WorkClass(Limits(1, 5, HOUR)), []
        visitors = await arrive(work, *'abcdef', log=order)
        for one in visitors:
            assert order[-1] is one
            one.finish()
            await settle()
        assert order == visitors
    asyncio.run(scenario())


def test_one_who_arrives_does_not_pass_those_who_wait():
    async def scenario():
        work = WorkClass(Limits(1, 5, HOUR))
        first, waiting = await arrive(work, *'ab')
        first.finish()
        (late,) = [Visitor(work, 'c')]  # before the one that waits had a chance to run
        await settle()
        assert waiting.running
        assert late.waits
        await leave([waiting, late])
    asyncio.run(scenario())


def test_one_who_has_waited_too_long_is_refused_and_leaves_no_gap():
    async def scenario():
        work = WorkClass(Limits(1, 5, 0.01))
        running, waiting = await arrive(work, *'ab')
        with pytest.raises(Refused):
            await waiting.task
        assert (work.running, work.waiting, work.refused) == (1, 0, 1)
        await leave([running])
        (last,) = await arrive(work, 'c')
        assert last.running
        await leave([last])
    asyncio.run(scenario())


def test_one_address_gets_three_quarters_of_a_class():
    async def scenario():
        work = WorkClass(Limits(4, 4, HOUR))
        greedy = await arrive(work, *['a'] * 8)
        assert [one.refused for one in greedy] == [False] * 6 + [True] * 2
        assert [one.running for one in greedy] == [True] * 3 + [False] * 5
        others = await arrive(work, *'bc')
        assert [one.running for one in others] == [True, False]
        assert others[1].waits
        greedy[0].finish()
        await settle()
        (again,) = await arrive(work, 'a')
        assert not again.refused
        await leave([*greedy, *others, again])
    asyncio.run(scenario())


def test_addresses_take_turns_however_many_requests_of_one_wait():
    async def scenario():
        work, order = WorkClass(Limits(1, 20, HOUR)), []
        greedy = await arrive(work, *['a'] * 10, log=order)
        others = await arrive(work, *'bbc', log=order)
        names = {id(one): name for name, group in (('a', greedy), ('o', others)) for one in group}
        for number in range(6):
            order[number].finish()
            await settle()
        assert [names[id(one)] for one in order] == [*'aaooao', 'a']
        await leave([*greedy, *others])
    asyncio.run(scenario())


def test_one_whose_address_runs_its_share_lets_others_pass():
    async def scenario():
        work = WorkClass(Limits(4, 8, HOUR))
        greedy = await arrive(work, *'aaaaa')
        other, late = await arrive(work, *'bc')
        assert (greedy[3].waits, other.running, late.waits) == (True, True, True)
        other.finish()
        await settle()
        assert late.running
        assert greedy[3].waits
        greedy[0].finish()
        await settle()
        assert greedy[3].running
        await leave([*greedy, late])
        assert (work.running, work.waiting) == (0, 0)
    asyncio.run(scenario())


def test_the_smallest_class_serves_one_of_an_address():
    async def scenario():
        work = WorkClass(Limits(1, 0, HOUR))
        one, other = await arrive(work, *'aa')
        assert one.running
        assert other.refused
        await leave([one])
    asyncio.run(scenario())


def test_a_request_that_fails_gives_its_place_back():
    async def scenario():
        work = WorkClass(Limits(1, 1, HOUR))
        with pytest.raises(ValueError, match='broken'):
            async with work.admitted('a'):
                raise ValueError('broken')
        assert work.running == 0
    asyncio.run(scenario())


@pytest.mark.parametrize('late', [False, True])
def test_one_who_is_cancelled_while_it_waits_loses_no_place(late):
    async def scenario():
        work = WorkClass(Limits(1, 5, HOUR))
        running, cancelled, last = await arrive(work, *'abc')
        if late:  # its turn has come, and it does not know yet
            running.finish()
            await asyncio.sleep(0)
            assert work.waiting == 1
        cancelled.task.cancel()
        running.finish()
        with suppress(asyncio.CancelledError):
            cancelled.finish()
            await cancelled.task
        await settle()
        assert last.running
        assert (work.running, work.waiting) == (1, 0)
        await leave([last])
        assert work.running == 0
    asyncio.run(scenario())


def test_a_cancellation_that_comes_with_the_turn_is_not_lost():
    async def scenario():
        work = WorkClass(Limits(1, 1, HOUR))
        first, second = await arrive(work, 'a', 'b')
        first.finish()
        for _ in range(5):  # just until the second has its turn
            if work.waiting:
                await asyncio.sleep(0)
        second.task.cancel()
        await settle()
        assert second.task.cancelled()
        assert (work.running, second.running) == (0, False)
    asyncio.run(scenario())


STEPS = st.lists(st.tuples(st.sampled_from(['arrive', 'finish', 'cancel', 'turn']), st.integers(0, 30)), max_size=80)


@given(running=st.integers(1, 4), waiting=st.integers(0, 4), steps=STEPS)
def test_limits_hold_and_no_place_is_lost_whatever_happens(running, waiting, steps):
    async def scenario():
        work, visitors, arrivals, order = WorkClass(Limits(running, waiting, HOUR)), [], [], []
        for step, number in steps:
            if step == 'arrive':
                visitors.append(Visitor(work, 'abc'[number % 3], order))
                arrivals.append(number)
            elif step == 'turn':
                await asyncio.sleep(0)
            elif visitors:
                one = visitors[number % len(visitors)]
                one.finish() if step == 'finish' else one.task.cancel()
            assert sum(one.running for one in visitors) <= work.running <= running
            assert work.waiting <= waiting
        await settle()
        assert sum(one.running for one in visitors) == work.running
        assert sum(one.waits for one in visitors) == work.waiting
        for address in 'abc':
            theirs = [one for number, one in enumerate(visitors) if 'abc'[arrivals[number] % 3] == address]
            now = sum(one.running for one in theirs)
            assert now <= max(1, running * 3 // 4)
            assert work.running == running or now == max(1, running * 3 // 4) or not any(
                one.waits for one in theirs), 'a place is free, and one waits that may have it'
            started = [number for number, one in enumerate(theirs) if one in order]
            waiting_since = [number for number, one in enumerate(theirs) if one.waits]
            assert max(started, default=-1) < min(waiting_since, default=len(theirs)), 'first come, first served'
        await leave(visitors)
        fresh = await arrive(work, *[str(number) for number in range(running)])
        assert all(one.running for one in fresh)
        await leave(fresh)
    asyncio.run(scenario())
