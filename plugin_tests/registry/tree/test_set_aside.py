"""What a migration leaves out of the registry stays where it is, and can be read by its id."""
import pytest
from bson.objectid import ObjectId
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.downloads import counts, statistics
from slicer_package_manager.registry.tree import registration

pytestmark = pytest.mark.database


def set_aside(model, identifier, reason='a twin'):
    model().collection.update_one({'_id': ObjectId(identifier)}, {
        '$set': {registration.ORIGIN: {'set_aside': reason}}, '$unset': {'spm': ''}})


@pytest.fixture
def twin(make):
    """An extension with a file, and an item set aside that has the same identity."""
    listed = make('extension', content=b'listed')
    other = make('extension', content=b'other', os='win')
    set_aside(Item, other['_id'])
    Item().collection.update_one({'_id': ObjectId(other['_id'])}, {'$set': {'meta.os': 'linux'}})
    return listed, other


def listed(api, app):
    return [one['_id'] for one in api.get(f'/app/{app["_id"]}/extension', params={'limit': 0}).json()]


def test_an_item_set_aside_is_not_listed_and_can_be_read(api, app, twin):
    one, other = twin
    assert listed(api, app) == [one['_id']]
    assert api.get(f'/item/{other["_id"]}/download').content == b'other'
    assert registration.ORIGIN not in api.get(f'/item/{other["_id"]}').json()


def test_it_stays_aside_when_it_or_its_folder_is_saved(api, app, twin):
    one, other = twin
    assert api.put(f'/item/{other["_id"]}', params={'description': 'edited'}).status_code == 200
    draft = Folder().findOne({'spm.role': 'revision'})
    promoted = api.put(f'/folder/{draft["_id"]}', params={'description': 'edited'})
    assert promoted.status_code == 200
    assert listed(api, app) == [one['_id']]


def test_it_is_listed_with_its_file_as_soon_as_it_can_be(api, app, twin):
    one, other = twin
    assert api.delete(f'/item/{one["_id"]}').status_code == 200
    assert api.put(f'/item/{other["_id"]}', params={'description': 'edited'}).status_code == 200
    assert listed(api, app) == [other['_id']]
    assert api.get(f'/item/{other["_id"]}/download').content == b'other'


def test_a_folder_set_aside_is_an_ordinary_one(api, app, make):
    make('extension', content=b'x')
    drafts = Folder().findOne({'spm.role': 'draft'})
    folder = {'_id': ObjectId(), 'name': '33000', 'parentCollection': 'folder', 'parentId': drafts['_id'], 'meta': {},
              registration.ORIGIN: {'set_aside': 'a twin'}}
    assert registration.of_folder(folder, drafts) is None


def test_files_beside_that_of_an_item_can_be_read_and_are_deleted_with_it(api, make):
    item = make('extension', content=b'current')
    file = File().findOne({'itemId': ObjectId(item['_id'])})
    beside = {**file, '_id': ObjectId(), 'itemId': None, 'attachedToType': 'item', 'attachedToId': file['itemId'],
              'spm': {'beside': True}}
    File().collection.insert_one(beside)
    assert api.get(f'/file/{beside["_id"]}/download').content == b'current'
    assert api.get(f'/item/{item["_id"]}/download').content == b'current'
    assert api.delete(f'/item/{item["_id"]}').status_code == 200
    assert File().findOne({'_id': beside['_id']}) is None


def test_counts_without_a_day_are_in_totals_only_and_are_only_raised(api, app, make):
    item = make('extension', content=b'x')
    found = Item().findOne({'_id': ObjectId(item['_id'])})
    api.get(f'/item/{item["_id"]}/download')
    key = {**counts.key_of(found), 'day': counts.UNDATED}
    for number, total in ((40, 41), (30, 41), (41, 42)):
        counts.raise_to([(key, number)])
        stats = api.get(f'/app/{app["_id"]}/downloadstats').json()
        assert stats['33000']['extensions']['SlicerIGT']['linux']['amd64'] == total
    items = api.get(f'/app/{app["_id"]}/extension', params={'with_downloads': True})
    assert [one['downloads'] for one in items.json()] == [42]
    for granularity in statistics.GRANULARITIES:
        rows = api.get(f'/app/{app["_id"]}/downloadstats', params={'granularity': granularity, 'date_to': '2999-01-01'})
        assert [row['count'] for row in rows.json()] == [1]


@pytest.mark.usefixtures('make')
@pytest.mark.parametrize('query', [
    {'$or': [{'itemId': {'$in': [ObjectId()]}}, {'spm.beside': True, 'attachedToId': {'$in': [ObjectId()]}}]},
    {'attachedToId': ObjectId(), 'name': 'new_file', 'spm.waited': True}], ids=['beside', 'replaced'])
def test_files_that_are_attached_to_an_item_are_found_by_an_index(query):
    plan = File().collection.find(query).explain()['queryPlanner']['winningPlan']
    assert 'COLLSCAN' not in str(plan)
