"""Whatever is created, all of it is there, or nothing."""
import threading

import pytest

from plugin_tests.conftest import FORMS
from plugin_tests.rest.test_promotion import killed_at_each_write

pytestmark = pytest.mark.database

LINK = {'url': 'https://github.com/Slicer/Slicer/releases/download/v5/Slicer.tar.gz', 'size': '7', 'sha512': 'a' * 128}


@pytest.fixture
def unchanged(stored):
    before = stored()
    return lambda: stored() == before


@pytest.fixture
def upsert(app, admin):
    def call(package_type, **values):
        from slicer_package_manager.registry.catalog import applications, packages
        from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
        found = applications.by_id_or_name(app['_id'])[0]
        return packages.upsert(PACKAGE_TYPES[package_type], found, {**FORMS[package_type], **values}, admin)
    return call


@pytest.mark.parametrize('link', [{}, LINK], ids=['uploaded later', 'hosted elsewhere'])
@pytest.mark.parametrize('package_type', ['package', 'extension'])
def test_a_package_comes_with_its_folders_and_its_link(upsert, unchanged, db, package_type, link):
    item = killed_at_each_write(lambda: upsert(package_type, **link), unchanged, later=False)
    folder = db['folder'].find_one({'_id': item['folderId']})
    assert folder['spm']['revision'] == '33000'
    assert item['spm']['ready'] is bool(link)
    assert db['file'].count_documents({'itemId': item['_id']}) == bool(link)


def test_a_package_gets_its_link_with_its_new_values(upsert, db, stored):
    upsert('package')
    before = stored()
    item = killed_at_each_write(lambda: upsert('package', repository_type='svn', **LINK), lambda: stored() == before,
                                later=False)
    assert (item['meta']['repository_type'], item['spm']['ready']) == ('svn', True)


def test_an_application_comes_with_all_that_is_around_and_in_it(unchanged, db, admin):
    def create():
        from slicer_package_manager.registry.catalog import applications
        return applications.create(admin, 'Slicer', collection_name='Apps')
    app = killed_at_each_write(create, unchanged)
    assert db['folder'].find_one({'parentId': app['_id'], 'name': 'draft'})


def test_a_release_comes_alone(app, unchanged, admin, db):
    def create():
        from slicer_package_manager.registry.catalog import applications, releases
        return releases.create_release(applications.by_id_or_name(app['_id'])[0], admin, '5.8', '33000')
    release = killed_at_each_write(create, unchanged)
    assert db['folder'].find_one({'_id': release['_id']})['spm']['release'] == '5.8'


def _other_creation(upsert):
    upsert('extension', tier='5')


def _deletion_of_the_package(_):
    from girder.models.item import Item
    Item().remove(Item().findOne({'spm.kind': 'extension', 'name': {'$ne': 'Other'}}))


def _deletion_of_the_draft(_):
    from girder.models.folder import Folder
    Folder().remove(Folder().findOne({'spm.role': 'revision'}))


@pytest.mark.parametrize(('before', 'meanwhile'), [
    ([{'baseName': 'Other'}], _other_creation),
    ([{}], _deletion_of_the_package),
    ([{}], _deletion_of_the_draft),
    ([{'baseName': 'Other'}], _deletion_of_the_draft),
], ids=['same package created', 'package deleted', 'draft of the package deleted', 'draft deleted'])
def test_a_package_is_saved_although_its_place_changes_after_it_was_found(
        upsert, db, monkeypatch, before, meanwhile):
    from slicer_package_manager.registry.catalog import packages
    from slicer_package_manager.registry.server import transactions
    for values in before:
        upsert('extension', **values)
    original, changes = packages._existing, [meanwhile]

    def found_before(*args):
        found = original(*args)
        if changes:
            in_another_process(changes.pop())
        return found

    def in_another_process(change):
        monkeypatch.setattr(transactions, '_TURNS', [threading.Lock() for _ in transactions._TURNS])
        thread = threading.Thread(target=change, args=[upsert])
        thread.start()
        thread.join()
    monkeypatch.setattr(packages, '_existing', found_before)
    item = upsert('extension', tier='3')
    stored = list(db['item'].find({'spm.kind': 'extension', 'meta.baseName': item['meta']['baseName']}))
    assert [(one['_id'], one['meta']['tier']) for one in stored] == [(item['_id'], 3)]
    assert db['folder'].find_one({'_id': item['folderId']})
