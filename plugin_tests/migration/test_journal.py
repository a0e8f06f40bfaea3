import threading

import pytest

from plugin_tests.waiting import PATIENCE
from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.journal import COLLECTION, Journal
from slicer_package_manager.migration.notes import Report
from slicer_package_manager.migration.writer import Writer

pytestmark = pytest.mark.database


class Interrupted:
    """A collection in which an interruption follows the first change that the server has made."""

    def __init__(self, rows):
        self._rows = rows

    def __getattr__(self, name):
        return getattr(self._rows, name)

    def update_one(self, *args, **kwargs):
        self._rows.update_one(*args, **kwargs)
        raise KeyboardInterrupt


def test_an_interruption_while_the_lease_is_acquired_leaves_none(db):
    journal = Journal(db, 'x')
    journal._rows = Interrupted(db[COLLECTION])
    with pytest.raises(KeyboardInterrupt), journal.lease():
        pytest.fail('it goes on')
    with Journal(db, 'x').lease():
        pass


def test_who_is_refused_leaves_the_lease_of_the_other(db):
    with Journal(db, 'x').lease():
        for _ in range(2):
            with pytest.raises(MigrationError, match='is running'), Journal(db, 'y').lease():
                pytest.fail('it goes on')
    with Journal(db, 'y').lease():
        pass


def test_a_document_and_its_row_are_written_together(db, monkeypatch):
    journal = Journal(db, 'x')
    writer = Writer(db, Report(), journal)
    monkeypatch.setattr(journal, 'note', fail)
    with pytest.raises(RuntimeError, match='killed'):
        writer.store('item', [{'_id': 1, 'name': 'a'}])
    assert (db['item'].find_one({'_id': 1}), journal.written('item', [1])) == (None, {})
    monkeypatch.undo()
    writer.store('item', [{'_id': 1, 'name': 'a'}])
    assert (db['item'].find_one({'_id': 1})['name'], list(journal.written('item', [1]))) == ('a', [1])


def fail(*_args):
    raise RuntimeError('killed')


def test_what_is_written_behind_is_there_when_it_is_judged_again_and_at_the_end(db, monkeypatch):
    write, settle, awaited = Writer._write, Writer._settle, threading.Event()

    def late(self, changes):
        awaited.wait(PATIENCE)
        write(self, changes)

    def wait(self):
        if self._pending:
            awaited.set()
        settle(self)
    monkeypatch.setattr(Writer, '_write', late)
    monkeypatch.setattr(Writer, '_settle', wait)
    writer = Writer(db, Report(), Journal(db, 'x'))
    with writer.behind():
        writer.store('item', [{'_id': 1, 'name': 'a'}])
        assert db['item'].find_one({'_id': 1}) is None
        (change,), _ = writer.judge('item', [{'_id': 1, 'name': 'b'}])
        assert change.before['name'] == 'a'
        writer.store('item', [{'_id': 2, 'name': 'c'}])
    assert db['item'].find_one({'_id': 2})


def test_a_write_behind_that_fails_ends_the_migration(db, monkeypatch):
    monkeypatch.setattr(Writer, '_write', fail)
    writer = Writer(db, Report(), Journal(db, 'x'))
    with pytest.raises(RuntimeError, match='killed'), writer.behind():
        writer.store('item', [{'_id': 1, 'name': 'a'}])
