"""What the tests of MIDAS addresses need: an application with an extension and a package, and aliases."""
import pytest
from bson.objectid import ObjectId

from plugin_tests.rest.conftest import elsewhere, grant, make_release, ready  # noqa: F401 - fixtures
from slicer_package_manager.registry.midas import aliases
from slicer_package_manager.registry.midas.aliases import Alias
from slicer_package_manager.registry.midas.numbers import Kind

#: The server's root; the clients' URLs are relative to its API.
ROOT = 'http://testserver'
MIDAS = f'{ROOT}/midas3'


@pytest.fixture
def alias(db):
    """Record an alias; ``targets`` are documents."""
    def record(kind, value, *targets, **values):
        aliases.record([Alias(Kind(kind), value, tuple(ObjectId(one['_id']) for one in targets), **values)])
    return record


def record_facts(db, item, facts):
    """Store ``facts`` of MIDAS with a package, as an import does."""
    db['item'].update_one({'_id': ObjectId(item['_id'])}, {'$set': {'spm.midas': facts}})


@pytest.fixture
def ask(anonymous):
    """Call a method of the API of MIDAS; returns its data."""
    def call(method='midas.slicerpackages.extension.list', client=anonymous, **params):
        answer = client.get(f'{MIDAS}/api/json', params={'method': method, **params})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert (found['stat'], found['code'], found['message']) == ('ok', '0', ''), found
        return found['data']
    return call


@pytest.fixture
def fails(anonymous):
    """Call a method of the API of MIDAS; returns code and message of its failure."""
    def call(method='midas.slicerpackages.extension.list', **params):
        answer = anonymous.get(f'{MIDAS}/api/json', params={'method': method, **params})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert (found['stat'], found['data']) == ('fail', ''), found
        return found['code'], found['message']
    return call


@pytest.fixture
def counted(anonymous, app):
    """The number of counted downloads."""
    return lambda: sum(row['count'] for row in anonymous.get(
        f'/app/{app["_id"]}/downloadstats', params={'limit': 0}).json())


@pytest.fixture
def plain(api, elsewhere):  # noqa: F811 - the fixture
    """A maker of ordinary items with a file, as an import makes them of old revisions."""
    from plugin_tests.conftest import upload

    def make(name, content):
        item = api.post('/item', params={'folderId': str(elsewhere['_id']), 'name': name}).raise_for_status().json()
        upload(api, item['_id'], content, f'{name}.zip')
        return item
    return make
