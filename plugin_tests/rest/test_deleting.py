"""What is deleted goes whole, whatever happens at the same time."""
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import httpx
import pytest
from bson import ObjectId
from girder import events
from girder.models.folder import Folder
from girder.models.item import Item
from girder.utility.progress import noProgress

from plugin_tests.conftest import FORMS
from plugin_tests.rest.test_promotion import aside, killed_at_each_write
from plugin_tests.waiting import PATIENCE
from slicer_package_manager.registry.catalog import releases, removal, retention
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.storage import file_removal

pytestmark = pytest.mark.database

WRITERS = 8


@pytest.fixture
def draft(make, found, api):
    """The draft of revision 33000: two packages, an extension and a note with files, and a folder with a note."""
    for values in ({}, {'os': 'macosx', 'arch': 'arm64'}):
        make('package', content=b'package', **values)
    make('extension', content=b'extension')
    (folder,) = found('draft')
    notes = api.post('/folder', params={'parentId': folder['_id'], 'name': 'notes'}).raise_for_status().json()
    for place in (folder, notes):
        api.post('/item', params={'folderId': place['_id'], 'name': 'note'}).raise_for_status()
    return Folder().load(folder['_id'], force=True)


@pytest.fixture
def remains(db):
    """What is still there of the application, in numbers; detached files are not."""
    def count():
        assert db['item'].count_documents({'folderId': {'$nin': db['folder'].distinct('_id')}}) == 0
        assert db['file'].count_documents({'itemId': {'$nin': [*db['item'].distinct('_id'), None]}}) == 0
        return (db['folder'].count_documents({'spm.role': {'$in': ['release', 'revision', 'extensions']}}),
                db['item'].count_documents({}), db['file'].count_documents({'itemId': {'$ne': None}}))
    return count


@pytest.fixture
def swept(db, tmp_path):
    """What is left of files after the next sweep."""
    def left():
        file_removal.sweep(timedelta(0))
        return db['file'].count_documents({}), list(tmp_path.rglob('?' * 128))
    return left


WHOLE, NOTHING = (2, 5, 3), (0, 0, 0)


@pytest.fixture
def ways(app, admin, draft):
    """The ways to delete the draft with all that is in it."""
    folder = Folder().load(app['_id'], force=True)

    def call():
        with suppress(NotFound):  # the killed one has deleted it
            releases.delete(folder, '33000', admin, noProgress)
    return {
        'release call': call,
        'pruning': lambda: retention.delete([draft], noProgress),
        'folder': lambda: Folder().remove(draft),
        'application': lambda: removal.remove_folder(folder, noProgress)}


@pytest.mark.parametrize('way', ['release call', 'pruning', 'folder', 'application'])
def test_whatever_write_the_process_is_killed_at_all_of_it_is_there_or_nothing(ways, stored, remains, swept, way):
    before = stored()
    killed_at_each_write(ways[way], lambda: stored() == before or remains() == NOTHING, at_least=4)
    assert remains() == NOTHING
    assert swept() == (0, [])


def test_a_package_goes_with_its_file_or_stays(draft, db, stored, remains, swept):
    item = Item().findOne({'meta.os': 'macosx'})
    before = stored()
    killed_at_each_write(lambda: removal.remove_item(item), lambda: stored() == before or remains() == (2, 4, 2))
    assert remains() == (2, 4, 2)
    file_removal.sweep(timedelta(0))
    assert db['file'].count_documents({}) == 2


def test_readers_see_all_of_it_or_nothing(draft, ways, remains, monkeypatch):
    seen, cancel = [], removal.cancel_uploads

    def look(*args):
        seen.append(aside(remains))
        cancel(*args)
    monkeypatch.setattr(removal, 'cancel_uploads', look)
    ways['folder']()
    assert seen == [WHOLE] * 2
    assert remains() == NOTHING


def test_of_more_than_one_transaction_takes_each_package_goes_whole(ways, remains, swept, monkeypatch):
    monkeypatch.setattr(transactions, 'DOCUMENTS', 2)
    seen = []
    killed_at_each_write(ways['folder'], lambda: seen.append(remains()) or True)
    assert {items for _, items, _ in seen} <= {5, 3, 1, 0}
    assert (remains(), swept()) == (NOTHING, (0, []))


def test_what_is_in_a_folder_can_go_without_it(draft, remains, swept, db):
    Folder().clean(draft)
    assert (remains(), swept()) == ((1, 0, 0), (0, []))
    assert db['folder'].find_one({'_id': draft['_id']})['size'] == 0


@pytest.mark.parametrize('way', ['folder', 'application', 'release call'])
def test_of_many_files_some_are_erased_at_once_and_nobody_reads_the_others(ways, way, api, anonymous, db, remains,
                                                                            swept, monkeypatch):
    monkeypatch.setattr(removal, 'ERASED', 2)
    monkeypatch.setattr(transactions, 'DOCUMENTS', 3)
    ways[way]()
    assert remains() == NOTHING
    (left,) = db['file'].find()
    for client in (anonymous, api):
        for path in (f'/file/{left["_id"]}', f'/file/{left["_id"]}/download', f'/item/{left["attachedToId"]}/download',
                     f'/file/hashsum/sha512/{left["sha512"]}/download'):
            assert client.get(path).status_code in (400, 404), path
    assert swept() == (0, [])


def test_stores_are_looked_up_for_any_number_of_packages(draft, ways, remains, s3, make, monkeypatch):
    make('extension', content=b'in object storage', os='win')
    monkeypatch.setattr(removal, '_BATCH', 1)
    looked, of_assetstore = [], removal.stores.of_assetstore
    monkeypatch.setattr(removal.stores, 'of_assetstore', lambda one: looked.append(one['name']) or of_assetstore(one))
    ways['application']()
    assert len(set(looked)) == 2
    assert remains() == NOTHING


def test_sizes_follow_a_deletion(draft, ways, db, app):
    collection = {'_id': ObjectId(app['baseParentId'])}
    assert db['collection'].find_one(collection)['size'] == 2 * len('package') + len('extension')
    removal.remove_item(Item().findOne({'meta.os': 'macosx'}))
    assert db['folder'].find_one({'_id': draft['_id']})['size'] == len('package')
    ways['folder']()
    assert db['collection'].find_one(collection)['size'] == 0


def test_other_plugins_hear_of_each_document_once_it_is_gone(ways, db):
    heard = []

    def hear(event):
        heard.append((event.name, db[event.name.split('.')[1]].find_one({'_id': event.info['_id']})))
    names = [f'model.{model}.remove' for model in ('item', 'folder', 'file')]
    for name in names:
        events.bind(name, 'test', hear)
    try:
        ways['folder']()
    finally:
        for name in names:
            events.unbind(name, 'test')
    assert [sum(one == name for one, _ in heard) for name in names] == [5, 3, 3]
    assert [left for name, left in heard if 'file' not in name] == [None] * 8


def test_the_bytes_of_uploads_to_what_is_deleted_go_too(api, draft, ways, db, tmp_path):
    for kind, parent in (('item', Item().findOne({'meta.os': 'macosx'})), ('folder', draft)):
        begun = api.post('/file', params={'parentType': kind, 'parentId': str(parent['_id']), 'name': 'a', 'size': 9})
        api.post('/file/chunk', params={'uploadId': begun.json()['_id'], 'offset': 0}, content=b'x' * 5,
                 headers={'Content-Type': 'application/octet-stream'})
    assert len(list(tmp_path.rglob('temp/*'))) == db['upload'].count_documents({}) == 2
    ways['folder']()
    assert (list(tmp_path.rglob('temp/*')), db['upload'].count_documents({})) == ([], 0)


def test_pruning_leaves_a_draft_that_has_become_a_release(api, app, draft, remains):
    Folder().move(Folder().load(draft['_id'], force=True), Folder().load(app['_id'], force=True), 'folder')
    assert retention.delete([draft], noProgress) == set()
    assert remains() == WHOLE


def test_a_promotion_that_begins_while_its_release_is_deleted_leaves_the_draft(
        draft, ways, app, api, make_release, remains, monkeypatch):
    for note in list(Item().find({'name': 'note'})):
        Item().remove(note)
    Folder().remove(Folder().findOne({'name': 'notes'}))
    make_release('5.8', '33000')
    remove, promoted = removal._remove_folders, []

    def removing(*args):
        if not promoted:
            promoted.append(pool.submit(lambda: api.post(
                f'/app/{app["_id"]}/release/5.8/promote', params={'revision': '33000'})))
        remove(*args)
    monkeypatch.setattr(removal, '_remove_folders', removing)
    with ThreadPoolExecutor(1) as pool:
        api.delete(f'/app/{app["_id"]}/release/5.8').raise_for_status()
        assert promoted[0].result(PATIENCE).status_code == 404
    assert remains() == (2, 3, 3)


@pytest.mark.process
def test_a_draft_that_is_deleted_during_posts_goes_whole(two_servers, api, app, make, db, remains, pytestconfig):
    """What is posted after the deletion is in a new draft."""
    path = f'/app/{app["_id"]}'

    def post(number, deleted):
        new = []
        with httpx.Client(base_url=two_servers[number % 2], headers=api.headers, timeout=PATIENCE) as client:
            for kind in ('package', 'extension') * 2:
                after = deleted.is_set()
                made = client.post(f'{path}/{kind}', data={**FORMS[kind], 'baseName': f'Name{number}'})
                assert made.status_code == 200, made.text
                new += [made.json()] if after else []
        return new

    for _ in range(max(pytestconfig.getoption('--race-rounds') // 4, 1)):
        make('extension', content=b'x')
        old, deleted = db['folder'].distinct('_id', {'spm.draft': True}), threading.Event()
        with ThreadPoolExecutor(WRITERS) as pool:
            posts = [pool.submit(post, number, deleted) for number in range(WRITERS)]
            api.delete(f'{path}/release/33000').raise_for_status()
            deleted.set()
            new = [item for one in posts for item in one.result(PATIENCE)]
        assert db['folder'].count_documents({'_id': {'$in': old}}) == 0
        assert {ObjectId(item['folderId']) for item in new} <= set(db['folder'].distinct('_id', {'spm.draft': True}))
        assert {ObjectId(item['_id']) for item in new} <= set(db['item'].distinct('_id'))
        if remains() != NOTHING:
            api.delete(f'{path}/release/33000').raise_for_status()
