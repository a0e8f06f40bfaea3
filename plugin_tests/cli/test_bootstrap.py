"""What a server creates in a new database: all of it or nothing, and once."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from plugin_tests.conftest import empty_database
from plugin_tests.waiting import PATIENCE

pytestmark = pytest.mark.database

CREATED = {'assetstore': 1, 'user': 1, 'setting': 4, 'folder': 2}


@pytest.fixture
def prepare(db, tmp_path):
    """The preparation of the database, which is empty."""
    from slicer_package_manager.cli import bootstrap
    empty_database()
    plan = bootstrap.Plan(str(tmp_path / 'new'), 'admin', 'a-password-for-tests', embedded=False, patience=PATIENCE)
    return lambda: bootstrap.prepare(plan)


def created(db):
    return {name: db[name].count_documents({}) for name in CREATED}


def test_servers_that_start_at_the_same_time_create_everything_once(prepare, db):
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: prepare(), range(4))) == [False, False, False, True]
    assert created(db) == CREATED
    assert prepare() is False


@pytest.mark.parametrize('last', ['assetstore', 'user', 'folder'])
def test_a_server_that_is_killed_before_the_end_has_created_nothing(prepare, db, monkeypatch, last):
    from girder.models.assetstore import Assetstore
    from girder.models.folder import Folder
    from girder.models.user import User

    def killed(*_args, **_kwargs):
        raise SystemExit
    write = {'assetstore': (Assetstore, 'save'), 'user': (User, 'save'), 'folder': (Folder, 'createFolder')}[last]
    with monkeypatch.context() as patch:
        patch.setattr(*write, killed)
        with pytest.raises(SystemExit):
            prepare()
    assert created(db) == dict.fromkeys(CREATED, 0)
    assert prepare() is True
    assert created(db) == CREATED
