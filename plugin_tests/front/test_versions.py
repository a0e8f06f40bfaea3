"""The data version, and what the front knows of a database that does not answer."""
import asyncio
from types import SimpleNamespace

import pytest
from pymongo.errors import ServerSelectionTimeoutError

from slicer_package_manager.front import versions
from slicer_package_manager.front.versions import Outage, Versions


class Database:
    """A database whose version is the number of ``reads``, unless it is away. Each read takes ``seconds``."""

    is_away, reads, seconds = False, 0, 0

    def version(self):
        self.reads += 1
        self.clock.now += self.seconds
        if self.is_away:
            raise ServerSelectionTimeoutError
        return self.reads


@pytest.fixture
def database(monkeypatch):
    database = Database()
    database.clock = SimpleNamespace(now=1000.0)
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
    assert database.reads == 4


def test_where_reads_are_slow_an_outage_is_one_after_a_longer_time(database, limits):
    async def work(shared):
        for database.seconds in (0.01, 0.2, 0.01, 100, 0.01):
            await shared.current()
        database.is_away, database.seconds = True, 5
        for _ in range(2):
            with pytest.raises(Outage):
                await shared.current()
        database.clock.now += 61
        database.is_away = False
        await shared.current()
    run(work)
    assert limits == pytest.approx([1.5, 1.5, 2, 2, 5, 5, 5, 1.5])


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
