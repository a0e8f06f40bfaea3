"""The commands ``webhook``, run as an administrator runs them."""
import json

import pytest

from plugin_tests import commands

pytestmark = [pytest.mark.database, pytest.mark.process]


@pytest.fixture
def run(mongo_uri, db):
    return lambda *args: commands.run('webhook', *map(str, args), '--database', mongo_uri)


def test_a_webhook_is_added_listed_tested_and_removed(run, app, api, db):
    from girder.models.folder import Folder

    from slicer_package_manager.registry.expected import store
    store.replace(Folder().load(app['_id'], force=True), 'main', [
        {'name': 'A', 'category': '', 'tier': 1, 'repository_url': 'https://example.org/a'}])
    url = 'https://hooks.invalid/x'
    refused = run('add', 'A', url)
    assert (refused.returncode, refused.stdout) == (1, '')
    assert 'slicer_package_manager.webhook_hosts' in refused.stderr
    api.put('/system/setting', params={
        'key': 'slicer_package_manager.webhook_hosts', 'value': '["hooks.invalid"]'}).raise_for_status()
    secret = commands.printed(run('add', 'A', url)).strip()
    [listed] = json.loads(commands.printed(run('list', '--json')))
    assert (listed['extension'], listed['url'], listed['waiting']) == ('A', url, 0)
    assert db.slicer_package_webhook.find_one()['secret'] == secret
    assert secret not in run('list').stdout
    assert listed['id'] in run('list', 'Slicer').stdout
    tested = run('ping', listed['id'])
    assert (tested.returncode, 'cannot be resolved' in tested.stderr) == (1, True)
    assert run('remove', listed['id']).returncode == 0
    gone = run('remove', listed['id'])
    assert (gone.returncode, listed['id'] in gone.stderr) == (1, True)
    assert json.loads(commands.printed(run('list', '--json'))) == []
