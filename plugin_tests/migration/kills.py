"""Migrations that are killed, and what they leave behind."""
from contextlib import contextmanager

from pymongo.errors import PyMongoError

from plugin_tests import commands
from plugin_tests.waiting import PATIENCE, poll
from slicer_package_manager.registry.server import transactions


def kill(args, found, items):
    """Run the command ``args``, and kill it as soon as it has written so many ``items`` more to the database ``found``.

    Then time passes: its lease ends, and MongoDB aborts the transaction that it has left open.
    """
    enough = found['item'].count_documents({}) + items
    process = commands.started(*args)
    poll(lambda: process.poll() is not None or found['item'].count_documents({}) >= enough, 'some items are written')
    process.kill()
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode in (-9, 0), errors
    found.client.admin.command('killAllSessions', [])
    found['slicer_package_migration'].delete_many({'_id': 'lease'})


@contextmanager
def left_open(monkeypatch, database, write, conflicts=3):
    """A transaction of a killed process, which has called ``write``; MongoDB aborts it after so many ``conflicts``.

    In the list that is yielded is an entry for each of them.
    """
    attempt, seen = transactions._attempt, []

    def counted(work, session):
        try:
            return attempt(work, session)
        except PyMongoError as error:
            seen.append(error)
            if len(seen) == conflicts:
                left.abort_transaction()
            raise
    monkeypatch.setattr(transactions, '_attempt', counted)
    # One that serves users would have given up before.
    monkeypatch.setattr(transactions, 'SECONDS', 0.001)
    with database.client.start_session() as left:
        left.start_transaction()
        write(left)
        yield seen
