import shutil
from types import SimpleNamespace

import pytest

import slicer_package_manager
from slicer_package_manager.registry.server import database_outage

pytestmark = pytest.mark.database

PATH = '/slicer_package_manager/health'


@pytest.fixture
def report(anonymous, db):
    return lambda: anonymous.get(PATH)


def test_a_working_server_reports_it(report):
    answer = report()
    assert answer.status_code == 200
    assert answer.json() == {'database': 'ok', 'assetstore': 'ok', 'indexes': 'ok',
                             'version': slicer_package_manager.__version__}


def test_without_an_assetstore_it_cannot_serve(report, db):
    db['assetstore'].delete_many({})
    answer = report()
    assert answer.status_code == 503
    assert 'assetstore: there is none' in answer.json()['message']
    assert answer.json()['extra']['database'] == 'ok'


def test_without_the_assetstores_folder_it_cannot_serve(report, tmp_path):
    shutil.rmtree(tmp_path / 'assetstore')
    answer = report()
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text


def test_without_a_database_it_cannot_serve(report, monkeypatch):
    import pymongo

    def broken(_command):
        raise pymongo.errors.ServerSelectionTimeoutError('secret-host:27017')
    options = database_outage.getDbConnection().options
    monkeypatch.setattr(database_outage, 'getDbConnection',
                        lambda: SimpleNamespace(admin=SimpleNamespace(command=broken), options=options))
    answer = report()
    assert answer.status_code == 503
    assert 'database: does not answer' in answer.json()['message']
    assert 'secret-host' not in answer.text


def test_it_requires_no_login(report, db):
    db['token'].delete_many({})
    assert report().status_code == 200
