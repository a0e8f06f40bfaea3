import pytest

from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.journal import COLLECTION, Journal

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
    journal = Journal({COLLECTION: Interrupted(db[COLLECTION])}, 'x')
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
