"""Reads that many requests share: never an older value than by a read of one's own."""
import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager.front.coalesced import Coalesced


class Source:
    """A value that others change. A read takes it at a moment between its begin and its end."""

    def __init__(self, *, before=1, after=1):
        self.value = self.reads = self.running = 0
        self.failures = []
        self._before, self._after = before, after

    async def read(self):
        self.reads += 1
        assert not self.running, 'one read is under way at any time'
        self.running += 1
        try:
            await turns(self._before)
            value = self.value
            await turns(self._after)
            if self.failures:
                raise self.failures.pop()
            return value
        finally:
            self.running -= 1


async def turns(number):
    """Let other tasks run ``number`` times."""
    for _ in range(number):
        await asyncio.sleep(0)


def test_one_request_reads_once():
    async def scenario():
        source = Source()
        assert await Coalesced(source.read).get() == 0
        assert source.reads == 1
    asyncio.run(scenario())


def test_requests_that_arrive_together_share_one_read():
    async def scenario():
        source = Source()
        shared = Coalesced(source.read)
        assert await asyncio.gather(*(shared.get() for _ in range(50))) == [0] * 50
        assert source.reads == 1
    asyncio.run(scenario())


@pytest.mark.parametrize(('is_lasting', 'reads'), [(True, 1), (False, 2)])
def test_a_lasting_failure_is_one_of_those_too_that_have_arrived_meanwhile(is_lasting, reads):
    async def scenario():
        source = Source(before=0, after=5)
        source.failures = [OSError('away')]
        shared = Coalesced(source.read, lambda _: is_lasting)
        first = asyncio.create_task(shared.get())
        await turns(3)
        later = [asyncio.create_task(shared.get()) for _ in range(20)]
        with pytest.raises(OSError, match='away'):
            await first
        found = await asyncio.gather(*later, return_exceptions=True)
        assert {type(one) for one in found} == ({OSError} if reads == 1 else {int})
        assert source.reads == reads
        assert await shared.get() == 0
    asyncio.run(scenario())


def test_requests_that_arrive_during_a_read_share_the_next_one():
    async def scenario():
        source = Source(before=0, after=5)
        shared = Coalesced(source.read)
        first = asyncio.create_task(shared.get())
        await turns(3)
        source.value = 1  # the read under way has taken the old one
        later = [asyncio.create_task(shared.get()) for _ in range(20)]
        assert await first == 0
        assert await asyncio.gather(*later) == [1] * 20
        assert source.reads == 2
    asyncio.run(scenario())


def test_a_request_after_an_idle_time_reads_again():
    async def scenario():
        source = Source()
        shared = Coalesced(source.read)
        await shared.get()
        await turns(10)
        source.value = 1
        assert await shared.get() == 1
        assert source.reads == 2
    asyncio.run(scenario())


@given(before=st.integers(0, 4), after=st.integers(0, 4),
       steps=st.lists(st.sampled_from(['ask', 'change', 'wait', 'cancel', 'fail']), max_size=60))
def test_no_value_is_older_than_the_request_and_every_request_ends(before, after, steps):
    async def scenario():
        source = Source(before=before, after=after)
        shared = Coalesced(source.read)
        asked = []

        async def ask():
            oldest = source.value
            with suppress(ConnectionError):
                assert await shared.get() >= oldest

        def change():
            source.value += 1
        actions = {
            'ask': lambda: asked.append(asyncio.create_task(ask())), 'change': change,
            'cancel': lambda: [one.cancel() for one in asked[len(asked) // 2:][:1]],
            'fail': lambda: source.failures.append(ConnectionError())}
        for step in steps:
            actions.get(step, int)()
            if step != 'ask':
                await asyncio.sleep(0)
        for result in await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 60):
            assert result is None or isinstance(result, asyncio.CancelledError)
        assert source.reads <= len(asked)
        source.failures.clear()
        assert await shared.get() == source.value
    asyncio.run(scenario())


def test_a_read_that_fails_fails_for_all_who_wait_for_it_and_for_nobody_else():
    async def scenario():
        source = Source(after=3)
        source.failures.append(ConnectionError('away'))
        shared = Coalesced(source.read)
        failing = [asyncio.create_task(shared.get()) for _ in range(3)]
        await turns(2)
        later = asyncio.create_task(shared.get())
        for one in failing:
            with pytest.raises(ConnectionError, match='away'):
                await one
        assert await later == 0
        assert await shared.get() == 0
    asyncio.run(scenario())


def test_one_who_gives_up_leaves_the_read_to_the_others():
    async def scenario():
        source = Source(after=5)
        shared = Coalesced(source.read)
        impatient, patient = (asyncio.create_task(shared.get()) for _ in range(2))
        await turns(2)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        assert await patient == 0
        assert source.reads == 1
    asyncio.run(scenario())


def test_a_failure_that_nobody_waits_for_is_no_error():
    problems = []

    async def scenario():
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: problems.append(context))
        source = Source(after=5)
        source.failures.append(ConnectionError())
        shared = Coalesced(source.read)
        only = asyncio.create_task(shared.get())
        await turns(2)
        only.cancel()
        await asyncio.gather(only, return_exceptions=True)
        await turns(10)
        assert source.running == 0
        assert await shared.get() == 0
    asyncio.run(scenario())
    assert problems == []
