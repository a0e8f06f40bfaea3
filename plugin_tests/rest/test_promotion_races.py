"""Promotions against posts, replacements, renames, moves and deletions, by several server processes at the same time.

At every look each package is there exactly once, and says what its place says. At the end, all that was answered with
success has happened.
"""
import json
import threading

import pytest
from bson.objectid import ObjectId

from plugin_tests.conftest import FORMS, upload
from plugin_tests.rest.test_races import BYTES, Racers

pytestmark = [pytest.mark.database, pytest.mark.process]

KEPT = ('Kept', 'Replaced', 'Moved')


@pytest.fixture
def racers(two_servers, api):
    racers = Racers(two_servers, api.headers)
    yield racers
    racers.close()


@pytest.fixture
def begin(make, api):
    """Make a draft of a new revision; gives the ids of what is in it, and its own."""
    def call(revision):
        found = {name: make('package', baseName=name, revision=revision) for name in (*KEPT, 'Deleted')}
        found['file'] = upload(api, found['Replaced']['_id'], b'old')
        found['Extension'] = make('extension', app_revision=revision)
        return {**{name: one['_id'] for name, one in found.items()}, 'draft': found['Moved']['folderId']}
    return call


def promote(path, revision, name):
    """Make the release ``name``, and promote the draft to it."""
    def call(client):
        client.post(f'{path}/release', data={'name': name, 'app_revision': revision})  # unless it is there
        return client.post(f'{path}/release/{name}/promote', params={'revision': revision})
    return call


def rename(folder, name):
    def call(client):
        answer = client.put(f'/folder/{folder}', params={'name': name})
        assert answer.status_code in (200, 400, 404), answer.text  # it may be promoted
    return call


def move(item, folder):
    params = {'resources': json.dumps({'item': [item]}), 'parentType': 'folder', 'parentId': folder}

    def call(client):
        answer = client.put('/resource/move', params=params)
        assert answer.status_code == 200, answer.text
    return call


def post(path, revision):
    form = {**FORMS['package'], 'revision': revision, 'baseName': 'New'}
    return lambda client: client.post(f'{path}/package', data=form).raise_for_status()


def delete(path):
    return lambda client: client.delete(path).raise_for_status()


def replace(file):
    def call(client):
        begun = client.put(f'/file/{file}/contents', params={'size': 3}).raise_for_status().json()
        return client.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, content=b'new', headers=BYTES)
    return call


def check_registrations(db):
    """What each item and folder says follows from where it is, and nothing is twice or nowhere."""
    folders = {one['_id']: one for one in db['folder'].find()}
    seen = set()
    for item in db['item'].find():
        folder, spm = folders[item['folderId']], item['spm']
        assert {key: spm[key] for key in ('app', 'channel', 'draft', 'release')} == {
            key: folder['spm'][key] for key in ('app', 'channel', 'draft', 'release')}, item['name']
        assert item['meta'].get('release', '') == (spm['release'] if spm['kind'] == 'package' else '')
        seen.add((spm['channel'], spm['kind'], spm['identity']))
    assert len(seen) == db['item'].count_documents({})
    assert all(one['parentCollection'] != 'folder' or one['parentId'] in folders for one in folders.values())
    assert set(db['file'].distinct('itemId', {'itemId': {'$ne': None}})) <= set(db['item'].distinct('_id'))


def looking(path, wanted, ended):
    """Look at the list until ``ended``; each of ``wanted`` has to be in it once, in its place."""
    def call(client):
        looks, last = 0, False
        while not last:
            last, looks = ended.is_set(), looks + 1
            found = client.get(path, params={'limit': 0}).raise_for_status().json()
            ids = [one['_id'] for one in found]
            assert len(set(ids)) == len(ids)
            assert wanted <= set(ids)
            names = {one['folderId']: {other['meta'].get('release') for other in found
                                       if other['folderId'] == one['folderId']} for one in found}
            assert all(len(some) == 1 for some in names.values()), names
        return looks
    return call


class Counted:
    """Calls of which the last one that ends sets ``ended``."""

    def __init__(self, calls):
        self.calls, self.ended = [self._counted(one) for one in calls], threading.Event()
        self._left, self._lock = len(calls), threading.Lock()

    def _counted(self, call):
        def counted(client):
            try:
                return call(client)
            finally:
                with self._lock:
                    self._left -= 1
                    if not self._left:
                        self.ended.set()
        return counted


def test_a_promotion_loses_nothing_and_doubles_nothing(racers, begin, make, make_release, api, app, db, pytestconfig):
    path, other = f'/app/{app["_id"]}', make('package', baseName='Other', revision='1000')['folderId']
    for number in range(pytestconfig.getoption('--race-rounds')):
        revision, name = f'{number}', f'5.{number}'
        items = begin(revision)
        # The release is there before in every second round. Otherwise, what is posted may go to the draft.
        release = make_release(f'{name}-rc', revision)['_id'] if number % 2 else None
        counted = Counted([
            promote(path, revision, release or name), post(path, revision), replace(items['file']),
            rename(release or items['draft'], name if release else 'renamed'), move(items['Moved'], other),
            delete(f'/item/{items["Deleted"]}')])
        wanted = {items[one] for one in KEPT}
        promoted, posted, *_ = racers.run([*counted.calls, looking(f'{path}/package', wanted, counted.ended)])
        assert promoted.status_code == 200, promoted.text
        check_registrations(db)
        there = {str(one['_id']): one for one in db['item'].find({'$or': [
            {'meta.revision': revision}, {'meta.app_revision': revision}]})}
        assert there.keys() == wanted | {posted.json()['_id'], items['Extension']}
        assert str(there.pop(items['Moved'])['folderId']) == other
        assert {one['spm']['release'] for one in there.values()} == {name}
        assert db['folder'].count_documents({'spm.draft': True, 'spm.revision': revision}) == 0
        assert api.get(f'/item/{items["Replaced"]}/download').content == b'new'
        api.delete(f'{path}/release/{name}').raise_for_status()
        assert db['item'].count_documents({'_id': {'$in': [ObjectId(one) for one in there]}}) == 0
