"""What happens between the start of the server and the first write."""
import threading

import pytest

from plugin_tests import periodic_work
from plugin_tests.conftest import EXTENSION_FORM
from plugin_tests.roundtrips import counting
from plugin_tests.servers import poll
from plugin_tests.waiting import PATIENCE
from slicer_package_manager.registry import indexes, startup
from slicer_package_manager.registry.server import write_gate

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def as_before(db):
    yield
    write_gate.allow()
    indexes.ensure()


@pytest.fixture
def slow(as_before, monkeypatch):
    """Let the creation of indexes take until the event is set; what the event's ``error`` says is raised then."""
    done = threading.Event()
    done.error = None

    def ensure():
        assert done.wait(PATIENCE)
        if done.error:
            raise done.error
    monkeypatch.setattr(indexes, 'ensure', ensure)
    monkeypatch.setattr(startup, '_WAIT', 0)
    yield done
    done.set()
    periodic_work.wait_for_preparation()


@pytest.fixture
def health(anonymous):
    return lambda: anonymous.get('/slicer_package_manager/health')


def post(client, app):
    return client.post(f'/app/{app["_id"]}/extension', params=EXTENSION_FORM)


def test_a_start_with_all_indexes_asks_once_for_each_collection(db):
    assert indexes.missing() == []
    with counting() as commands:
        indexes.ensure()
    assert sorted(commands) == sorted(f'listIndexes {name}' for name in (
        'item', 'folder', 'collection', 'file', 'upload', 'slicer_package_alias', 'slicer_package_attestation',
        'slicer_package_download', 'slicer_package_event', 'slicer_package_expected', 'slicer_package_former_file',
        'slicer_package_id_token', 'slicer_package_logged_download', 'slicer_package_logged_sum',
        'slicer_package_publisher', 'slicer_package_webhook'))


def test_what_is_missing_is_created_with_what_is_unique_first(db):
    db['item'].delete_many({})
    for name in ('spm_all', 'spm_extensions_named', indexes.ITEM_IDENTITY):
        db['item'].drop_index(name)
    assert [index.document['name'] for _, index in indexes.missing()] == [
        indexes.ITEM_IDENTITY, 'spm_all', 'spm_extensions_named']
    with counting() as commands:
        indexes.ensure()
    assert commands.count('createIndexes item') == 2
    assert indexes.missing() == []


def test_writes_are_refused_and_reads_answered_until_the_indexes_are_there(slow, api, anonymous, app, health):
    startup.begin()
    for answer in (post(api, app), api.post('/app', params={'name': 'Other'})):
        assert answer.status_code == 503
        assert int(answer.headers['Retry-After']) > 0
        assert 'indexes are being built' in answer.json()['message']
    assert anonymous.get(f'/app/{app["_id"]}/extension').json() == []
    assert (health().status_code, health().json()['indexes']) == (200, 'building indexes')
    slow.set()
    poll(lambda: health().json()['indexes'] == 'ok', 'the registry takes writes')
    assert post(api, app).status_code == 200


def test_girders_own_calls_are_refused_for_our_items_only(slow, api, make, item_in_private):
    item = make('extension')
    startup.begin()
    assert api.put(f'/item/{item["_id"]}', params={'name': 'x'}).status_code == 503
    assert api.put(f'/item/{item_in_private}', params={'name': 'x'}).status_code == 200


@pytest.fixture
def item_in_private(api):
    mine = api.post('/collection', params={'name': 'Mine'}).json()
    folder = api.post('/folder', params={'parentType': 'collection', 'parentId': mine['_id'], 'name': 'x'}).json()
    return api.post('/item', params={'folderId': folder['_id'], 'name': 'x'}).json()['_id']


def test_a_late_failure_is_reported_by_health_and_nothing_is_written(slow, api, app, health, caplog):
    startup.begin()
    slow.error = RuntimeError('These documents share their names: "a" and "b"')
    slow.set()
    answer = poll(lambda: (found := health()).status_code == 503 and found, 'the failure shows')
    assert '"a" and "b"' in answer.json()['message']
    assert post(api, app).status_code == 503
    poll(lambda: '"a" and "b"' in caplog.text, 'it is logged')


def test_a_failure_that_shows_at_once_ends_the_start(slow, monkeypatch):
    monkeypatch.setattr(startup, '_WAIT', PATIENCE)
    slow.error = RuntimeError('two of a kind')
    slow.set()
    with pytest.raises(RuntimeError, match='two of a kind'):
        startup.begin()
