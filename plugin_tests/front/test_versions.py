"""The data version, and what the front knows of a database that does not answer."""
import asyncio
import threading
from types import SimpleNamespace

import pytest
from pymongo.errors import NetworkTimeout, NotPrimaryError, ServerSelectionTimeoutError

from plugin_tests.waiting import PATIENCE
from slicer_package_manager.front import versions
from slicer_package_manager.front.versions import Outage, Versions


class Database:
    """A database whose version is the number of ``reads``, unless it is away; ``third`` is set at the third one.

    ``pauses`` is how many reads more take too long. The clock goes on by ``seconds`` with each read.
    """

    is_away, reads, pauses, seconds = False, 0, 0, 0

    def __init__(self):
        self.third = threading.Event()
        self.clock = SimpleNamespace(now=1000.0)

    def version(self):
        self.reads += 1
        self.clock.now += self.seconds
        if self.reads == 3:
            self.third.set()
        if self.is_away:
            raise ServerSelectionTimeoutError
        if self.pauses:
            self.pauses -= 1
            raise NetworkTimeout
        return self.reads


@pytest.fixture
def database(monkeypatch):
    database = Database()
    monkeypatch.setattr(versions, 'time', SimpleNamespace(monotonic=lambda: database.clock.now))
    monkeypatch.setattr(versions.data_version, 'version', database.version)
    monkeypatch.setattr(versions.database_outage, 'lost', lambda: False)
    return database


@pytest.fixture
def limits(monkeypatch):
    """The time limits of all reads."""
    found, within = [], versions._within
    monkeypatch.setattr(versions, '_within', lambda seconds, read: (found.append(seconds), within(seconds, read))[1])
    return found


def run(work):
    return asyncio.run(work(Versions()))


def test_a_database_that_has_answered_lately_is_not_asked_again(database, monkeypatch):
    async def work(shared):
        await shared.require()
        await shared.require()
        assert database.reads == 1
        monkeypatch.setattr(versions, '_RECENT', -1)
        await shared.require()
    monkeypatch.setattr(versions, '_RECENT', 1000)
    run(work)
    assert database.reads == 2


def test_a_database_that_did_not_answer_is_asked_until_it_does(database, monkeypatch):
    monkeypatch.setattr(versions, '_RECENT', 1000)

    async def work(shared):
        database.is_away = True
        for ask in (shared.current, shared.require, shared.require):
            with pytest.raises(Outage):
                await ask()
        database.is_away = False
        for _ in range(3):
            await shared.require()
    run(work)
    assert database.reads == 3 * 2 + 1


def test_where_reads_are_slow_an_outage_is_one_after_a_longer_time(database, limits):
    async def work(shared):
        for database.seconds in (0.01, 0.5, 0.01, 100, 0.01):
            await shared.current()
        database.is_away, database.seconds = True, 5
        with pytest.raises(Outage):
            await shared.current()
        database.clock.now += 61
        database.is_away = False
        await shared.current()
    run(work)
    assert limits == pytest.approx([1.4, 1.4, 2, 2, 4, 4, 0.3, 1.4])


def test_a_pause_of_the_machine_is_no_outage(database, caplog):
    async def work(shared):
        database.pauses = 1
        assert await shared.current() == 2
        database.pauses = 2
        with pytest.raises(Outage):
            await shared.current()
    run(work)
    assert database.reads == 4
    assert len(caplog.records) == 1


def test_a_database_that_refuses_is_not_asked_again(database, monkeypatch):
    def refuse():
        database.reads += 1
        raise NotPrimaryError

    async def work(shared):
        monkeypatch.setattr(versions.data_version, 'version', refuse)
        with pytest.raises(Outage):
            await shared.current()
    run(work)
    assert database.reads == 1


async def endless():
    """Work that waits for the database."""
    await asyncio.Event().wait()


def test_work_has_its_result_however_long_it_takes_while_the_database_answers(database, monkeypatch):
    monkeypatch.setattr(versions, '_UNSUSPICIOUS', 0)

    async def work(shared):
        assert await shared.guard(asyncio.to_thread(database.third.wait, PATIENCE))
    run(work)


def test_work_ends_when_the_database_does_not_answer(database, monkeypatch):
    monkeypatch.setattr(versions, '_UNSUSPICIOUS', 0)
    seen = []

    async def work(shared):
        async def slow():
            try:
                await endless()
            finally:
                seen.append('ended')
        database.is_away = True
        with pytest.raises(Outage):
            await shared.guard(slow())
        await asyncio.sleep(0)
        assert seen == ['ended']
    run(work)


def test_the_error_of_work_is_raised_and_quick_work_reads_nothing(database):
    async def work(shared):
        async def fail():
            raise LookupError('gone')
        with pytest.raises(LookupError, match='gone'):
            await shared.guard(fail())
    run(work)
    assert database.reads == 0


def test_one_who_leaves_ends_the_work(database):
    async def work(shared):
        task = asyncio.create_task(endless())
        waiting = asyncio.create_task(shared.guard(asyncio.wait_for(task, None)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(asyncio.CancelledError):
            await task
    run(work)


def test_the_log_names_each_outage_once(database, caplog):
    async def work(shared):
        for _ in range(2):
            database.is_away = False
            await shared.current()
            database.is_away = True
            for _ in range(3):
                with pytest.raises(Outage):
                    await shared.current()
    run(work)
    assert [record.levelname for record in caplog.records] == ['WARNING'] * 2
