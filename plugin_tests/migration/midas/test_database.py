"""Reading of a MIDAS database from a real MariaDB."""
import pytest

from plugin_tests.migration.midas import older_midas
from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.midas import database, tables

pytestmark = pytest.mark.process


@pytest.mark.parametrize('old', [False, True], ids=['3.4', '3.2.8'])
def test_rows_are_read_as_they_were_written(restored_midas, tmp_path, old):
    midas = older_midas.whole(tmp_path, old=old)
    with database.connected(restored_midas(midas)) as found:
        for table in tables.COLUMNS:
            assert found.columns(table) >= midas.columns(table)
            assert list(found.rows(table)) == list(midas.rows(table)), table
        for table in tables.LEFT_OUT:
            assert found.count(table) == midas.count(table)
        assert found.count('no_such_table') == 0


def test_nothing_can_be_written(restored_midas, tmp_path):
    import pymysql
    with database.connected(restored_midas(older_midas.simple(tmp_path))) as found, pytest.raises(
            pymysql.Error, match='READ ONLY'):
        found._all('delete from item')


@pytest.mark.parametrize(('change', 'message'), [
    (('mysql://root@', 'mysql://nobody:secret@'), 'Access denied'), (('/midas?', '/nothing?'), 'Unknown database')])
def test_what_cannot_be_read(restored_midas, tmp_path, change, message):
    address = restored_midas(older_midas.simple(tmp_path)).replace(*change)
    with pytest.raises(MigrationError, match=message) as failed, database.connected(address):
        pass
    assert 'secret' not in str(failed.value)
