"""What is copied comes whole, with files of its own, whatever happens at the same time."""
import itertools
from datetime import timedelta

import pytest
from girder.models.folder import Folder
from girder.models.item import Item

from plugin_tests.rest.test_promotion import aside, killed_at_each_write
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.storage import file_removal
from slicer_package_manager.registry.tree import consistency

pytestmark = pytest.mark.database


@pytest.fixture
def load(db):
    """Load a folder by its name."""
    return lambda name: Folder().findOne({'name': name})


@pytest.fixture
def draft(make, load):
    """A draft with two packages, of which one has a file, an extension, and a note."""
    make('package', content=b'x' * 7)
    make('package', os='win')
    make('extension')
    Item().createItem('note', {'_id': None}, load('33000'))
    return load('33000')


@pytest.fixture
def copy(draft, load, admin):
    """Copy the draft beside itself, or into another folder; each time under another name."""
    numbers = itertools.count()
    return lambda target=None: Folder().copyFolder(load('33000'), target or load('draft'), f'copy {next(numbers)}',
                                                   creator=admin)


def contents(db):
    return {name: db[name].count_documents({}) for name in ('folder', 'item', 'file')}


def test_whatever_write_a_copy_is_killed_at_all_of_it_is_there_or_nothing(draft, load, elsewhere, admin, db):
    def copy():
        return Folder().copyFolder(load('33000'), elsewhere, 'copy', creator=admin)
    before = contents(db)
    after = {'folder': before['folder'] + 2, 'item': 2 * before['item'], 'file': 2}
    made = killed_at_each_write(copy, lambda: contents(db) in (before, after), at_least=4)
    assert contents(db) == after
    items = list(db['item'].find({'folderId': made['_id']}))
    assert sorted(one['name'] for one in items) == sorted(
        one['name'] for one in db['item'].find({'folderId': draft['_id']}))
    assert not any('spm' in one for one in items)
    assert db['folder'].find_one({'_id': made['_id']})['size'] == 7
    assert db['collection'].find_one({'name': 'Mine'})['size'] == 7


def test_a_copy_into_another_application_is_registered_there(api, draft, load, admin, db):
    api.post('/app', params={'name': 'Other'}).raise_for_status()
    target = Folder().findOne({'name': 'draft', 'parentId': load('Other')['_id']})
    made = Folder().copyFolder(draft, target, creator=admin)
    spm = db['folder'].find_one({'_id': made['_id']})['spm']
    assert (spm['channel'], spm['app'], spm['revision']) == (made['_id'], load('Other')['_id'], '33000')
    for item in db['item'].find({'spm.channel': made['_id']}):
        assert (item['spm']['app'], item['meta']['app_id']) == (load('Other')['_id'], str(load('Other')['_id']))
    assert db['item'].count_documents({'spm.channel': made['_id']}) == 3
    (file,) = db['file'].find({'itemId': {'$in': db['item'].distinct('_id', {'spm.channel': made['_id']})}})
    assert api.get(f'/file/{file["_id"]}/download').content == b'x' * 7


def test_a_refused_copy_leaves_nothing(copy, stored):
    before = stored()
    with pytest.raises(Invalid):  # of the same revision
        copy()
    assert stored() == before


def test_readers_see_all_of_a_copy_or_nothing(copy, elsewhere, db, monkeypatch):
    register_items, seen, before = consistency.register_items, [], contents(db)

    def registering(folder):
        register_items(folder)
        seen.append(aside(lambda: contents(db)))
    monkeypatch.setattr(consistency, 'register_items', registering)
    copy(elsewhere)
    assert len(seen) >= 2
    assert all(one == seen[0] for one in seen)
    assert seen[0] == contents(db) | before


def test_a_copy_keeps_its_bytes_when_the_original_is_deleted(copy, elsewhere, api, draft, db):
    copy(elsewhere)
    Folder().remove(draft)
    file_removal.sweep(timedelta(0))
    (file,) = db['file'].find()
    assert api.get(f'/file/{file["_id"]}/download').content == b'x' * 7


def test_many_packages_are_copied_by_as_many_statements_as_few(copy, elsewhere, make):
    from plugin_tests.roundtrips import counting
    copy(elsewhere)
    numbers = []
    for _ in range(2):
        with counting() as found:
            copy(elsewhere)
        numbers.append(len(list(found)))
        for number in range(3):
            make('package', baseName=f'Name{number}')
    assert numbers[0] == numbers[1]


@pytest.fixture
def crossed(app, make, load):
    """Give the application drafts of which each is named like the revision of the other."""
    for revision in ('100', '200'):
        make('package', revision=revision)
    for name, revision in (('100', '300'), ('200', '100'), ('100', '200')):
        Folder().setMetadata(load(name), {'revision': revision})


def drafts_of(app, db):
    drafts = db['folder'].find({'spm.app': app['_id'], 'spm.role': 'revision'})
    return sorted((one['name'], one['lowerName'], one['spm']['revision']) for one in drafts)


def test_a_copied_application_may_have_drafts_that_are_named_like_the_revisions_of_others(crossed, load, admin, db):
    target = Folder().load(load('Slicer')['parentId'], force=True)
    made = Folder().copyFolder(load('Slicer'), target, 'Copy', creator=admin)
    assert drafts_of(made, db) == [('100', '100', '200'), ('200', '200', '100')]


def test_so_may_one_that_is_copied_from_where_it_is_no_application(crossed, load, elsewhere, admin, db):
    target = Folder().load(load('Slicer')['parentId'], force=True)
    aside = Folder().copyFolder(load('Slicer'), elsewhere, 'Aside', creator=admin)
    assert drafts_of(aside, db) == []
    made = Folder().copyFolder(Folder().load(aside['_id'], force=True), target, 'Copy', creator=admin)
    assert drafts_of(made, db) == [('100', '100', '200'), ('200', '200', '100')]


def test_a_draft_is_copied_to_an_application_that_has_its_name_as_a_revision(api, crossed, load, admin, db):
    other = api.post('/app', params={'name': 'Other'}).json()
    drafts = Folder().findOne({'parentId': Folder().load(other['_id'], force=True)['_id'], 'name': 'draft'})
    Folder().setMetadata(Folder().createFolder(drafts, 'x', creator=admin), {'revision': '100'})
    made = Folder().copyFolder(load('100'), drafts, creator=admin)
    assert (made['name'], made['spm']['revision']) == ('100', '200')
