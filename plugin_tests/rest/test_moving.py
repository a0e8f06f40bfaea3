"""What is renamed, moved or registered is so with all that is below it, whatever happens at the same time."""
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from girder.exceptions import ValidationException
from girder.models.folder import Folder
from girder.models.item import Item

from plugin_tests.rest.test_promotion import aside, killed_at_each_write
from plugin_tests.waiting import PATIENCE
from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import consistency, documents

pytestmark = pytest.mark.database


@pytest.fixture
def load(app, db):
    """Load a folder of the application by its name."""
    return lambda name: Folder().findOne({'name': name})


@pytest.fixture
def release(make, make_release, load, db):
    """A release with two packages and an extension, one of which has a file."""
    make_release('5.8', '33000')
    make('package', content=b'x' * 7)
    make('package', os='win')
    make('extension')
    return load('5.8')


@pytest.fixture
def registered(db):
    """What is registered: ``(role or kind, release, draft, release in the metadata)`` of each document."""
    def found():
        documents = [*db['folder'].find({'spm.channel': {'$exists': True}}),
                     *db['item'].find({'spm': {'$exists': True}})]
        return sorted((one['spm'].get('role') or one['spm']['kind'], one['spm']['release'], one['spm']['draft'],
                       one['meta'].get('release')) for one in documents)
    return found


def of(release, draft=False):
    """What is registered of the release of the fixture."""
    return sorted([('revision' if draft else 'release', release, draft, None), ('extensions', release, draft, None),
                   ('extension', release, draft, None), *[('package', release, draft, release or None)] * 2])


@pytest.fixture
def changes(app, release, load, elsewhere):
    """Changes of the release, each with what is registered afterwards."""
    def rename():
        folder = load('5.8')
        if folder:
            Folder().updateFolder({**folder, 'name': '5.9'})

    def move(name, target):
        return lambda: Folder().move(load(name), target(), 'folder')
    return {
        'rename': (rename, of('5.9')),
        'to the drafts': (move('5.8', lambda: load('draft')), of('', draft=True)),
        'elsewhere': (move('5.8', lambda: elsewhere), []),
        'the application elsewhere': (move('Slicer', lambda: elsewhere), [])}


@pytest.mark.parametrize('what', ['rename', 'to the drafts', 'elsewhere', 'the application elsewhere'])
def test_whatever_write_a_change_is_killed_at_all_of_it_has_changed_or_nothing(changes, registered, what):
    change, after = changes[what]
    before = registered()
    assert before == of('5.8')
    killed_at_each_write(change, lambda: registered() in (before, after))
    assert registered() == after


def test_all_that_comes_back_is_registered_at_once(changes, registered, elsewhere, load, app):
    changes['elsewhere'][0]()
    killed_at_each_write(lambda: Folder().move(load('5.8'), load('Slicer'), 'folder'),
                         lambda: registered() in ([], of('5.8')), at_least=6)
    assert registered() == of('5.8')


def test_readers_see_all_of_a_change_or_nothing(changes, registered, monkeypatch):
    register_items, seen = consistency.register_items, []

    def registering(folder):
        register_items(folder)
        seen.append(aside(registered))
    monkeypatch.setattr(consistency, 'register_items', registering)
    changes['rename'][0]()
    assert seen == [of('5.8')] * 2


def test_a_change_that_is_refused_below_changes_nothing(changes, registered, db, load, stored):
    changes['elsewhere'][0]()
    db['item'].update_one({'meta.os': 'win'}, {'$set': {'meta.os': 'beos'}})
    before = stored()
    with pytest.raises(Invalid):
        Folder().move(load('5.8'), load('Slicer'), 'folder')
    db['item'].update_one({'meta.os': 'beos'}, {'$set': {'meta.os': 'linux'}})
    with pytest.raises(Conflict):
        Folder().move(load('5.8'), load('Slicer'), 'folder')
    db['item'].update_one({'_id': {'$in': [one['_id'] for one in before['item'] if one['meta'].get('os') == 'beos']}},
                          {'$set': {'meta.os': 'beos'}})
    assert stored() == before
    assert registered() == []


@pytest.mark.parametrize('many', ['items', 'folders'])
@pytest.mark.parametrize('what', ['rename', 'to the drafts', 'elsewhere', 'the application elsewhere'])
def test_a_change_of_more_than_a_transaction_takes_is_refused_and_changes_nothing(changes, stored, monkeypatch, what,
                                                                                 many):
    monkeypatch.setattr(*{'items': (documents, 'MOST_ITEMS', 2), 'folders': (transactions, 'DOCUMENTS', 1)}[many])
    before = stored()
    with pytest.raises(Invalid, match='one after the other'):
        changes[what][0]()
    assert stored() == before


def test_as_much_as_a_transaction_takes_comes_back_too(changes, registered, load, stored, monkeypatch):
    changes['elsewhere'][0]()
    monkeypatch.setattr(documents, 'MOST_ITEMS', 2)
    before = stored()
    with pytest.raises(Invalid, match='one after the other'):
        Folder().move(load('5.8'), load('Slicer'), 'folder')
    assert stored() == before
    monkeypatch.setattr(documents, 'MOST_ITEMS', 3)
    Folder().move(load('5.8'), load('Slicer'), 'folder')
    assert registered() == of('5.8')


def test_a_folder_with_packages_becomes_a_release_with_all_of_them(release, registered, load, api):
    folder = load('5.8')
    Folder().collection.update_one({'_id': folder['_id']}, {'$unset': {'spm': '', 'meta.revision': ''}})
    Item().collection.update_many({}, {'$unset': {'spm': ''}})
    Folder().collection.update_one({'parentId': folder['_id']}, {'$unset': {'spm': ''}})
    assert registered() == []
    killed_at_each_write(lambda: Folder().setMetadata(load('5.8'), {'revision': '33000'}),
                         lambda: registered() in ([], of('5.8')), at_least=6)
    assert registered() == of('5.8')


def test_an_item_is_moved_whole(release, load, db, make_release):
    make_release('6.0', '34000')
    item = Item().findOne({'meta.os': 'win'})

    def places():
        now = db['item'].find_one({'_id': item['_id']})
        return now['folderId'], now['spm']['release'], now['meta']['release']
    ends = [(load(name)['_id'], name, name) for name in ('5.8', '6.0')]
    killed_at_each_write(lambda: Item().move(Item().findOne({'_id': item['_id']}), load('6.0')),
                         lambda: places() in ends)
    assert places() == ends[1]


def test_who_saves_a_package_that_was_moved_meanwhile_does_not_move_it_back(release, load, make_release, registered):
    make_release('6.0', '34000')
    read = Item().findOne({'meta.os': 'win'})
    Item().move(Item().findOne({'_id': read['_id']}), load('6.0'))
    saved = Item().setMetadata(read, {'repository_type': 'svn'})
    now = Item().findOne({'_id': read['_id']})
    assert now['folderId'] == saved['folderId'] == load('6.0')['_id']
    assert (now['meta']['release'], now['meta']['repository_type']) == ('6.0', 'svn')


def test_a_package_stays_where_its_name_is_not_taken(release, load, make_release, db, stored):
    make_release('6.0', '34000')
    item = Item().findOne({'meta.os': 'win'})
    other = Item().findOne({'meta.os': 'linux', 'spm.kind': 'package'})
    Item().move(other, load('6.0'))
    db['item'].update_one({'_id': other['_id']}, {'$set': {'name': item['name']}})
    before = stored()
    with pytest.raises(ValidationException):
        Item().move(item, load('6.0'))
    assert stored() == before


def test_sizes_follow_a_move(release, load, db, elsewhere, make_release):
    make_release('6.0', '34000')
    collections = [one['_id'] for one in db['collection'].find(sort=[('_id', 1)])]

    def sizes():
        return [db['folder'].find_one({'name': name})['size'] for name in ('5.8', '6.0')], [
            db['collection'].find_one({'_id': one})['size'] for one in collections]
    assert sizes() == ([7, 0], [7, 0])
    Item().move(Item().findOne({'meta.os': 'linux', 'spm.kind': 'package'}), load('6.0'))
    assert sizes() == ([0, 7], [7, 0])
    Folder().move(load('6.0'), elsewhere, 'folder')
    assert sizes() == ([0, 7], [0, 7])
    assert db['item'].find_one({'meta.os': 'linux', 'spm.kind': {'$exists': False}})['baseParentId'] == collections[1]


def test_what_was_deleted_does_not_come_back_with_who_saves_or_moves_it(release, load, elsewhere, stored, app):
    item = Item().findOne({'meta.os': 'win'})
    Folder().remove(load('5.8'))
    before = stored()
    for change in (lambda: Folder().updateFolder({**release, 'name': '5.9'}),
                   lambda: Folder().move(dict(release), elsewhere, 'folder'),
                   lambda: Item().move(dict(item), elsewhere)):
        with pytest.raises(NotFound):
            change()
        assert stored() == before


def test_a_move_into_a_folder_that_was_deleted_is_refused(release, load, make_release, stored):
    make_release('6.0', '34000')
    target = load('6.0')
    Folder().remove(load('6.0'))
    before = stored()
    with pytest.raises(NotFound):
        Item().move(Item().findOne({'meta.os': 'win'}), target)
    with pytest.raises(NotFound):
        Folder().move(load('5.8'), target, 'folder')
    assert stored() == before


def test_two_folders_that_are_moved_into_each_other_make_no_circle(release, load, make_release, monkeypatch, api):
    make_release('6.0', '34000')
    check_folder, started = consistency.check_folder, []

    def move(name, target):
        return api.put('/resource/move', params={
            'resources': json.dumps({'folder': [str(load(name)['_id'])]}), 'parentType': 'folder',
            'parentId': str(load(target)['_id'])}).status_code

    def checking(folder):
        if not started:
            started.append(pool.submit(move, '6.0', '5.8'))
        return check_folder(folder)
    monkeypatch.setattr(consistency, 'check_folder', checking)
    with ThreadPoolExecutor(1) as pool:
        assert move('5.8', '6.0') == 200
        assert started[0].result(PATIENCE) == 400
    assert load('5.8')['parentId'] == load('6.0')['_id']
    assert load('6.0')['parentId'] == load('Slicer')['_id']
