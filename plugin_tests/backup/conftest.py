"""Fixtures of the tests of backups."""
import pytest

from plugin_tests.conftest import upload


@pytest.fixture
def place(tmp_path):
    from slicer_package_manager.backup.directory import Directory
    return Directory(tmp_path / 'backups')


@pytest.fixture
def ready(make, api):
    def maker(package_type='package', content=b'content', **values):
        item = make(package_type, **values)
        upload(api, item['_id'], content)
        return item
    return maker
