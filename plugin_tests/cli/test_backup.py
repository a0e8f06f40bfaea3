"""The commands ``backup`` and ``restore``, run as an administrator runs them."""
import hashlib
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pymongo
import pytest
from click.testing import CliRunner

from plugin_tests import commands
from plugin_tests.conftest import FORMS, upload
from plugin_tests.processes import web_server
from plugin_tests.servers import Server, poll
from plugin_tests.waiting import PATIENCE
from slicer_package_manager.cli import main
from slicer_package_manager.registry.server import restoration

pytestmark = [pytest.mark.database, pytest.mark.process]

LEFT_OUT = {'upload', 'slicer_package_manager_bootstrap'}


@pytest.fixture
def backups(tmp_path):
    return tmp_path / 'backups'


@pytest.fixture
def command(mongo_uri, backups):
    """Run a command ``backup`` on the database of the tests."""
    def run(*args):
        if args[0] in ('list', 'verify', 'prune'):  # these need no database, and no process of their own
            done = CliRunner().invoke(main, ['backup', *map(str, args)])
            return subprocess.CompletedProcess(args, done.exit_code, done.stdout, done.stderr)
        return commands.run('backup', *args, '--database', mongo_uri)
    return run


def restore(backups, restored, *args):
    uri, data_dir = restored
    return commands.run('restore', backups, '--database', uri, '--data-dir', data_dir, *args)


def ok(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def everything(uri):
    """All documents by collection, without the directories of assetstores, which differ."""
    with pymongo.MongoClient(uri) as client:
        database = client.get_database()
        found = {name: sorted(database[name].find({}), key=lambda one: str(one['_id']))
                 for name in database.list_collection_names() if name not in LEFT_OUT}
    for store in found['assetstore']:
        del store['root']
    return {name: documents for name, documents in found.items() if documents}


def bytes_below(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in Path(root).rglob('*')
            if path.is_file() and len(path.name) == 128}


class Load:
    """Build machines and visitors that change data all the time, until :meth:`stop`."""

    def __init__(self, url, token, app_id):
        self.url, self.token, self.app_id = url, token, app_id
        self.stopped, self.rounds, self.failures = threading.Event(), [0, 0, 0, 0], []
        self.pool = ThreadPoolExecutor(len(self.rounds))
        self.running = [self.pool.submit(self.work, number) for number in range(len(self.rounds))]

    def work(self, number):
        with httpx.Client(base_url=self.url, headers={'Girder-Token': self.token}) as client:
            while not self.stopped.is_set():
                self.round(client, number, self.rounds[number])
                self.rounds[number] += 1

    def round(self, client, number, count):
        kind = ('package', 'extension')[number % 2]
        revision = f'{number}000{count % 7}'  # of this one alone, since drafts are deleted too
        form = {**FORMS[kind], 'baseName': f'Load{number}', 'revision': revision, 'app_revision': revision}
        if kind == 'package':
            del form['app_revision']
        item = client.post(f'/app/{self.app_id}/{kind}', params=form).raise_for_status().json()
        upload(client, item['_id'], f'{number} {count} '.encode() * 5000)
        client.get(f'/item/{item["_id"]}/download').raise_for_status()
        if count % 5 == 4:
            client.delete(f'/app/{self.app_id}/{kind}/{item["_id"]}').raise_for_status()
        if number == 0 and count % 9 == 8:
            client.delete(f'/app/{self.app_id}/release/{revision}')

    def stop(self):
        self.stopped.set()
        for worker in self.running:
            worker.result(PATIENCE)
        self.pool.shutdown()
        return sum(self.rounds)


@pytest.fixture
def load(mongo_uri, api, app, make):
    """Start the load on a server of its own."""
    started = []
    with web_server(mongo_uri) as url:
        def start():
            started.append(Load(url, api.headers['Girder-Token'], app['_id']))
            poll(lambda: min(started[-1].rounds) > 5, 'the load is on')
            return started[-1]
        yield start
        for one in started:
            one.stopped.set()
            one.stop()


def require_promises(url, app_id):
    """A visitor gets the complete file of each listed package; return their number."""
    with httpx.Client(base_url=url) as visitor:
        packages = [one for kind in FORMS for one in visitor.get(
            f'/app/{app_id}/{kind}', params={'limit': 0}).raise_for_status().json()]
        for package in packages:
            (file,) = visitor.get(f'/item/{package["_id"]}/files').raise_for_status().json()
            content = visitor.get(f'/file/{file["_id"]}/download').raise_for_status().content
            assert hashlib.sha512(content).hexdigest() == package['meta']['sha512']
            assert len(content) == file['size'] == package['size']
    return len(packages)


def test_the_drill(command, load, db, mongo_uri, app, backups, restored, tmp_path):
    # A backup while data changes.
    busy = load()
    before = sum(busy.rounds)
    ok(command(backups))
    during = sum(busy.rounds) - before
    ok(command('verify', backups))
    assert busy.stop() > before
    assert during > 0  # how many depends on the machine

    # It is restored completely.
    ok(restore(backups, restored))
    with web_server(restored[0]) as url:
        assert require_promises(url, app['_id']) > 0
    shutil.rmtree(restored[1])

    # A second backup of the final state, which shares most files. The server adds up the last counts meanwhile.
    outputs = []

    def nothing_changes():
        state = everything(mongo_uri)
        outputs.append(ok(command(backups)))
        return everything(mongo_uri) == state
    poll(nothing_changes, 'the server has added up the counts')
    expected, files = everything(mongo_uri), bytes_below(tmp_path / 'assetstore')
    assert ' 0 were there' not in outputs[-1]
    for name in db.list_collection_names():  # and not drop(): other tests need the indexes
        db[name].delete_many({})
    shutil.rmtree(tmp_path / 'assetstore')
    ok(restore(backups, restored, '--replace'))
    assert everything(restored[0]) == expected
    there = bytes_below(restored[1] / 'assetstore')
    assert {path: there[path] for path in there} == {path: files[path] for path in there}
    assert {file['path'] for file in expected['file']} == there.keys()
    assert sum(one.get('count', 0) for one in expected['slicer_package_download']) >= before  # sums have none


def test_a_server_with_an_embedded_database_moves_to_another_directory(tmp_path, backups):
    environment = {'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD': 'a-password-for-tests'}
    old = Server(tmp_path / 'old', '--workers', '1', env=environment)
    try:
        with old.ready().client('admin', 'a-password-for-tests') as admin:
            app = admin.post('/app', params={'name': 'Slicer'}).raise_for_status().json()
            item = admin.post(f'/app/{app["_id"]}/package', params=FORMS['package']).raise_for_status().json()
            upload(admin, item['_id'], b'content')
        ok(commands.run('backup', backups, '--data-dir', tmp_path / 'old'))
        refused = commands.run('restore', backups, '--data-dir', tmp_path / 'old')
        assert refused.returncode == 1
        assert f'in use by process {old.pid}' in refused.stderr
    finally:
        old.end()
    shutil.rmtree(tmp_path / 'old')
    assert '1 files.' in ok(commands.run('restore', backups, '--data-dir', tmp_path / 'new'))
    new = Server(tmp_path / 'new', '--workers', '1')
    try:
        with new.ready().client('admin', 'a-password-for-tests') as admin:
            assert admin.get(f'/item/{item["_id"]}/download').content == b'content'
            assert admin.get('/slicer_package_manager/health').json()['assetstore'] == 'ok'
    finally:
        new.end()


def test_the_output_of_the_commands(command, mongo_uri, make, api, backups, restored, tmp_path):
    upload(api, make('package')['_id'], b'content')
    assert ', 1 files. 1 files were copied (7 bytes), 0 were there (0 bytes).' in ok(command(backups))
    assert 'Removed 20' in ok(command('--keep', '1', backups))
    (name, rest) = ok(command('list', backups)).strip().split('  ')
    assert rest.endswith(' documents, 1 files')
    assert ok(command('verify', backups, '--at', name[:10])) == f'{name}: whole\n'
    assert ok(command('prune', backups, '--keep-daily', '3')) == ''
    assert command('prune', backups).returncode == 2
    assert 'no backup "1999"' in command('verify', backups, '--at', '1999').stderr

    (damaged,) = (path for path in backups.rglob('*') if len(path.name) == 128)
    damaged.write_bytes(b'CONTENT')
    found = command('verify', backups)
    assert (found.returncode, found.stdout) == (1, '')
    assert f'{damaged}: its bytes have changed' in found.stderr
    refused = restore(backups, restored)
    assert refused.returncode == 1
    assert f'{damaged}: its bytes have changed' in refused.stderr
    damaged.unlink()
    ok(command(backups))
    assert 'Restored ' in ok(restore(backups, restored))
    again = restore(backups, restored)
    assert again.returncode == 1
    assert '"restored" is not empty' in again.stderr
    with pymongo.MongoClient(restored[0]) as client:
        restoration.begin(client.get_database())  # as a restoration that was killed
    half = commands.run('backup', backups, '--database', restored[0])
    assert half.returncode == 1
    assert 'its restoration was killed' in half.stderr
    ok(restore(backups, restored, '--replace'))
    ok(commands.run('backup', backups, '--database', restored[0]))


def test_lost_bytes_are_exit_status_3_and_keep_older_backups(command, make, api, db, backups):
    upload(api, make('package')['_id'], b'content')
    ok(command(backups))
    db['file'].update_one({}, {'$set': {'size': 8}})
    done = command('--keep', '1', backups)
    assert done.returncode == 3
    assert 'Not in the backup: "file.tar.gz"' in done.stderr
    assert len(ok(command('list', backups)).splitlines()) == 2


def test_a_directory_without_a_backup_is_reported(command, tmp_path):
    assert 'There is no directory' in command('verify', tmp_path / 'none').stderr
    assert 'There is no complete backup' in command('verify', tmp_path).stderr
    assert commands.run('backup', tmp_path, '--data-dir', tmp_path).returncode == 1
