"""Addresses of databases, and databases that do not answer."""
import builtins

import pytest

from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.midas import database


@pytest.mark.parametrize('address', [
    'mysql://root@localhost', 'mysql://root@localhost/', 'postgres://x/y', 'mysql://x/a/b', 'mysql://x:port/y', 'x'])
def test_an_address_names_a_database(address):
    with pytest.raises(MigrationError, match='must be mysql://USER@HOST:PORT/DB'), database.connected(address):
        pass


def test_a_database_that_does_not_answer():
    with pytest.raises(MigrationError, match='The database of MIDAS cannot be read'), database.connected(
            'mysql://root@127.0.0.1:9/midas'):
        pass


def test_a_missing_driver_is_named(monkeypatch):
    imported = builtins.__import__

    def without_driver(name, *args, **given):
        if name.startswith('pymysql'):
            raise ImportError(name)
        return imported(name, *args, **given)
    monkeypatch.setattr(builtins, '__import__', without_driver)
    with pytest.raises(MigrationError, match=r'pip install .*\[midas\]'), database.connected('mysql://x/y'):
        pass
