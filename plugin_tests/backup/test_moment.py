"""A backup has the database as of one moment, whatever changes while it is made."""
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pymongo
import pytest

from plugin_tests.backup.test_create import saved, stored_in, verify_backup
from plugin_tests.conftest import FORMS, Client, upload
from plugin_tests.faults.database import Database
from plugin_tests.ports import free_ports
from plugin_tests.waiting import PATIENCE, poll

pytestmark = pytest.mark.database

FILES, COPIED = 'Reading the list of files', 'Copying files'


def after(**steps):
    """Steps of a backup, and what happens at the first end of some of them."""
    @contextmanager
    def step(title, _total, _in_bytes):
        yield lambda _done: None
        steps.pop(title, lambda: None)()
    return step


@pytest.fixture
def back_up(db, place):
    """A maker of backups; ``meanwhile`` has what happens at the end of a step, by its title."""
    from slicer_package_manager.backup import create

    def maker(database=db, **meanwhile):
        with place.writing():
            return create.create_backup(database, place, after(**meanwhile))
    return maker


def require_consistent(result, place):
    """The backup is whole, and its documents violate no invariant; return the names of its packages."""
    from slicer_package_manager.registry.schema import invariants
    assert result.left_out == []
    verify_backup(place, result.backup)
    found = {name: saved(result, name) for name in ('file', 'item', 'folder', 'collection', 'user')}
    for child, key, parent, condition, optional in invariants.REFERENCES:
        children = [one for one in found[child].values() if condition is None or one[condition[0]] == condition[1]]
        assert [one for one in children if not (optional and one[key] is None) and str(one[key]) not in found[parent]
                ] == []
    packages = [one for one in found['item'].values() if 'spm' in one]
    for package in packages:
        files = sorted((one for one in found['file'].values() if one['itemId'] == package['_id']),
                       key=lambda one: (one['created'], one['_id']))
        facts = invariants.files_of_package(
            invariants.FileFacts(one['name'], one['sha512'], one['size']) for one in files)
        # A file that replaces another comes about a moment before that is detached.
        assert invariants.package_violations(invariants.stated_by(package), facts
                                             ) <= {invariants.Violation.SEVERAL_FILES}
        folder = found['folder'][str(package['folderId'])]['spm']
        assert all(package['spm'][key] == folder[key] for key in ('app', 'channel', 'draft', 'release'))
    assert [one for one, number in Counter(
        (one['spm']['channel'], one['spm']['identity']) for one in packages).items() if number > 1] == []
    return Counter(one['meta']['baseName'] for one in packages if one['spm']['ready'])


class Load:
    """Uploads, replacements, deletions and promotions that do not end until :meth:`stop`."""

    def __init__(self, wsgi_app, admin, app):
        self.path = f'/app/{app["_id"]}'
        self.stopped, self.rounds = threading.Event(), Counter()
        self.pool = ThreadPoolExecutor(2)
        self.workers = [self.pool.submit(self.repeat, Client(wsgi_app, admin), work)
                        for work in (self.replace, self.promote)]

    def repeat(self, client, work):
        with client:
            while not self.stopped.is_set():
                work(client, self.rounds[work.__name__])
                self.rounds[work.__name__] += 1

    def post(self, client, package_type, number, **values):
        item = client.post(f'{self.path}/{package_type}', params={**FORMS[package_type], **values}
                           ).raise_for_status().json()
        upload(client, item['_id'], f'{values} {number}'.encode())
        return item

    def replace(self, client, number):
        """Replace the file of a package, and create and delete another."""
        self.post(client, 'extension', number, baseName='Replaced')
        deleted = self.post(client, 'extension', number, baseName='Deleted')
        client.delete(f'{self.path}/extension/{deleted["_id"]}').raise_for_status()

    def promote(self, client, number):
        """Create a draft, promote it into a release, and delete that."""
        revision = f'4{number:04d}'
        self.post(client, 'package', number, baseName='Promoted', revision=revision)
        self.post(client, 'extension', number, baseName='PromotedToo', app_revision=revision)
        client.post(f'{self.path}/release', params={'name': revision, 'app_revision': revision}).raise_for_status()
        client.post(f'{self.path}/release/{revision}/promote', params={'revision': revision}).raise_for_status()
        client.delete(f'{self.path}/release/{revision}').raise_for_status()

    def stop(self):
        self.stopped.set()
        for worker in self.workers:
            worker.result(PATIENCE)
        self.pool.shutdown()


@pytest.fixture
def load(wsgi_app, admin, app):
    started = Load(wsgi_app, admin, app)
    yield started
    started.stop()


def test_backups_during_uploads_replacements_deletions_and_promotions(back_up, ready, load, place):
    ready()
    poll(lambda: len(load.rounds) == 2, 'all of the load is on')
    for _ in range(3):
        names = require_consistent(back_up(), place)
        assert names['Slicer'] == names['Replaced'] == 1
    before = load.rounds.copy()
    poll(lambda: all(load.rounds[name] > number for name, number in before.items()), 'the load is still on')


def test_bytes_that_are_removed_before_they_were_copied_are_those_of_no_package(
        back_up, ready, api, app, db, place, tmp_path):
    stays, deleted = ready(), ready('extension', b'other')
    old = [tmp_path / 'assetstore' / file['path'] for file in db['file'].find()]

    def change():
        upload(api, stays['_id'], b'newer content')
        api.delete(f'/app/{app["_id"]}/extension/{deleted["_id"]}').raise_for_status()
        for path in old:  # as the server does at once, or after some minutes
            path.unlink(missing_ok=True)
    result = back_up(**{FILES: change})
    assert require_consistent(result, place) == {'Slicer': 1}
    assert saved(result, 'item')[stays['_id']]['size'] == len(b'newer content')
    assert (result.files, result.copied) == (1, [1, len(b'newer content')])


def test_a_replaced_file_whose_bytes_are_gone_is_left_out_without_a_word(back_up, ready, api, db, place, tmp_path):
    item = ready()
    upload(api, item['_id'], b'newer content')
    (replaced,) = db['file'].find({'spm.retired': {'$exists': True}})
    (tmp_path / 'assetstore' / replaced['path']).unlink()
    result = back_up()
    require_consistent(result, place)
    assert len(saved(result, 'file')) == 1


def test_files_that_are_removed_each_time_end_the_backup(back_up, ready, db, place, tmp_path, monkeypatch):
    from slicer_package_manager.backup import live_database
    from slicer_package_manager.backup.errors import BackupError
    from slicer_package_manager.backup.file_index import FileIndex
    ready()
    whole = FileIndex.add
    numbers = iter(range(100))
    monkeypatch.setattr(FileIndex, 'add', lambda self, file: whole(self, {
        **file, 'path': f'gone/{next(numbers)}', 'sha512': None}))
    with pytest.raises(BackupError, match=r'begun 10 times.* such as "file\.tar\.gz", were deleted or replaced'):
        back_up()
    assert next(numbers) == live_database.ATTEMPTS
    assert place.backups() == []


@contextmanager
def short_memory(client):
    """Have MongoDB keep the state of a moment for one second; yields how to wait until a moment has passed."""
    window = {'setParameter': 1, 'minSnapshotHistoryWindowInSeconds': 1}
    before = client.admin.command(window)['was']
    scratch = client['scratch']['scratch']
    scratch.insert_one({})

    def forget():
        def is_forgotten():
            scratch.insert_one({})  # the time of the database passes only with writes
            try:
                scratch.find_one({}, session=session)
            except pymongo.errors.OperationFailure as error:
                return error.code == 239
        with client.start_session(snapshot=True) as session:
            poll(is_forgotten, 'the moment has passed')
    try:
        yield forget
    finally:
        client.admin.command({**window, 'minSnapshotHistoryWindowInSeconds': before})
        client.drop_database('scratch')


def test_when_copying_takes_longer_than_mongodb_remembers_all_is_of_a_later_moment(back_up, ready, db, place):
    ready()
    with short_memory(db.client) as forget:
        def change():
            ready('extension', b'other')
            forget()
        result = back_up(**{COPIED: change})
    assert require_consistent(result, place) == {'Slicer': 1, 'SlicerIGT': 1}
    assert saved(result, 'item') == stored_in(db, 'item')
    assert (result.files, result.copied, result.shared) == (2, [2, 12], [0, 0])


def test_a_database_that_never_remembers_long_enough_ends_the_backup_with_the_setting(back_up, ready, place,
                                                                                      monkeypatch):
    from slicer_package_manager.backup import live_database
    from slicer_package_manager.backup.errors import BackupError
    ready()
    times = []

    def documents(collection, session):
        times.append(collection.name)
        raise pymongo.errors.OperationFailure('Read timestamp is too old', 239)
    monkeypatch.setattr(live_database, 'documents', documents)
    with pytest.raises(BackupError, match='minSnapshotHistoryWindowInSeconds: 3600'):
        back_up()
    assert times == times[:1] * live_database.ATTEMPTS
    assert place.backups() == []


@pytest.fixture
def mortal(tmp_path):
    """A database with some documents that can be killed and started again, and a client of it."""
    folder = tmp_path / 'mortal'
    folder.mkdir()
    database = Database(folder, *free_ports(1))
    database.start()
    options = 'replicaSet=tests&serverSelectionTimeoutMS=5000&w=1&journal=true'
    with pymongo.MongoClient(f'{database.uri}?{options}') as client:
        for name in ('item', 'folder', 'user'):
            client.get_database()[name].insert_many([{'number': number} for number in range(500)])
        yield database, client.get_database()
    database.kill()


def test_a_backup_goes_on_after_the_database_was_killed_and_started_again(back_up, mortal, place):
    database, connected = mortal

    def restart():
        database.kill()
        database.start()
    result = back_up(connected, **{FILES: restart})
    verify_backup(place, result.backup)
    assert {name: saved(result, name) for name in ('item', 'folder', 'user')} == {
        name: stored_in(connected, name) for name in ('item', 'folder', 'user')}
    assert json.loads((result.backup.path / 'manifest.json').read_text())['consistency'] == 'read as of one moment'


def test_a_database_that_was_killed_ends_the_backup_and_the_next_one_is_whole(back_up, mortal, place):
    database, connected = mortal
    with pytest.raises(pymongo.errors.PyMongoError):
        back_up(connected, **{FILES: database.kill})
    assert place.backups() == []
    database.start()
    with suppress(pymongo.errors.AutoReconnect):
        connected.command('ping')
    verify_backup(place, back_up(connected).backup)


def test_all_collections_are_read_as_of_one_moment(back_up, db, make_user):
    make_user('alice')
    result = back_up(**{COPIED: lambda: db['user'].delete_many({})})
    assert db['user'].count_documents({}) == 0
    assert len(saved(result, 'user')) == 1
