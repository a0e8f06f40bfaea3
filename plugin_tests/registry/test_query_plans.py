"""The database answers every list that clients ask for from an index, in its order."""
from types import SimpleNamespace

import pytest

from plugin_tests.conftest import FORMS

pytestmark = pytest.mark.database

REVISIONS = [str(33000 + number) for number in range(4)]
NAMES = [f'Extension{number}' for number in range(60)]
SYSTEMS = [('linux', 'amd64'), ('win', 'amd64'), ('macosx', 'amd64'), ('macosx', 'arm64')]


@pytest.fixture
def archive(db, app):
    """The application, with packages and extensions of many revisions, as the registry stores them."""
    from bson.objectid import ObjectId
    from girder.models.item import Item
    from girder.models.user import User

    from slicer_package_manager.registry.catalog import applications, releases
    from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
    from slicer_package_manager.registry.tree import documents, registration
    user = User().findOne({'login': 'admin'})
    application = applications.load(app['_id'], user)
    made = []
    for revision in REVISIONS:
        for package_type in PACKAGE_TYPES.values():
            found, nearest = releases.folder_for(application, package_type, revision, user)
            folder = found or releases.make_folder(package_type, revision, nearest, user)
            for name in NAMES if package_type.label == 'extension' else ['Slicer']:
                for os, arch in SYSTEMS:
                    meta = {**FORMS[package_type.label], 'app_id': app['_id'], 'os': os, 'arch': arch, 'baseName': name,
                            package_type.app_revision: revision, 'sha512': ''}
                    item = documents.new_item(folder, str(ObjectId()), user, '', meta)
                    made.append({**item, 'spm': registration.of_item(package_type, folder, meta, has_file=True)})
    Item().collection.insert_many(made)
    return application


@pytest.fixture
def plans(archive, monkeypatch):
    """What the database did for each query of a list."""
    from girder.models.item import Item

    from slicer_package_manager.registry.catalog import package_lists
    from slicer_package_manager.registry.schema import pagination
    found = []

    def explain(model, query, page):
        # Not as a part of the transaction of the list, in which MongoDB explains nothing.
        collection = model.collection.database[model.name]
        explanation = collection.find(query).sort(list(page.sort)).limit(page.limit).explain()
        found.append(SimpleNamespace(stages=set(_stages(explanation['queryPlanner']['winningPlan'])),
                                     **explanation['executionStats']))

    of_folders, read = pagination.Listing.of.__func__, package_lists._read

    def of(cls, model, query, page, fields=None):
        explain(model, query, page)
        return of_folders(cls, model, query, page, fields)

    def reading(query, page, *more):
        explain(Item(), query, page)
        return read(query, page, *more)
    monkeypatch.setattr(pagination.Listing, 'of', classmethod(of))
    monkeypatch.setattr(package_lists, '_read', reading)
    return found


def _stages(plan):
    yield plan['stage']
    for key in ('inputStage', 'inputStages'):
        below = plan.get(key, [])
        for one in below if isinstance(below, list) else [below]:
            yield from _stages(one)


#: What the clients in use ask for, and how many documents the answer has.
QUESTIONS = [
    ('extension', {'app_revision': '33003', 'os': 'linux', 'arch': 'amd64', 'limit': 0}, 60),
    ('extension', {'app_revision': '33003', 'os': 'macosx', 'limit': 0, 'sort': 'meta.baseName', 'sortdir': 1}, 120),
    ('extension', {'app_revision': '33003', 'os': 'linux', 'arch': 'amd64', 'limit': 0, 'sort': 'meta.baseName',
                   'sortdir': 1}, 60),
    ('extension', {'app_revision': '33003', 'limit': 0}, 240),
    ('extension', {'app_revision': '33003', 'os': 'linux', 'arch': 'amd64', 'baseName': 'Extension3'}, 1),
    ('extension', {'baseName': 'Extension3', 'os': 'linux', 'arch': 'amd64', 'limit': 0}, 4),
    ('extension', {'app_revision': '33003', 'os': 'linux', 'arch': 'amd64', 'q': 'sion3'}, 11),
    ('extension', {'release_id': 'draft', 'limit': 50}, 50),
    ('extension', {'release_id': '33003', 'os': 'linux', 'arch': 'amd64', 'limit': 0}, 60),
    ('extension', {'q': 'sion3', 'limit': 20}, 20),
    ('extension', {'limit': 50}, 50),
    ('package', {'limit': 0}, 16),
    ('package', {'os': 'linux', 'limit': 1, 'sort': 'meta.revision', 'sortdir': -1}, 1),
    ('package', {'os': 'linux', 'arch': 'amd64', 'limit': 0}, 4),
    ('package', {'revision': '33003', 'os': 'linux', 'arch': 'amd64', 'limit': 0}, 1),
    ('package', {'release_id_or_name': '33003', 'os': 'linux', 'arch': 'amd64', 'limit': 0}, 1),
    ('draft', {'limit': 0}, 4),
    ('release', {}, 0),
]


@pytest.mark.parametrize('who', ['anonymous', 'api'])
def test_an_index_finds_and_sorts_what_clients_ask_for(request, archive, plans, who):
    client = request.getfixturevalue(who)
    wrong = {}
    for package_type, question, number in QUESTIONS:
        plans.clear()
        answer = client.get(f'/app/{archive["_id"]}/{package_type}', params=question).raise_for_status()
        assert len(answer.json()) == number, question
        (plan,) = plans
        if plan.stages & {'COLLSCAN', 'SORT'} or plan.totalDocsExamined > 6 * number:
            wrong[str(question)] = plan
    assert wrong == {}


def test_texts_are_found_in_the_index_once_each(archive):
    from girder.models.item import Item
    explanation = Item().collection.database.command('explain', {
        'aggregate': 'item', 'cursor': {}, 'pipeline': [
            {'$match': {'spm.app': archive['_id'], 'spm.kind': 'extension'}}, {'$group': {'_id': '$spm.search'}}]})
    text = str(explanation)
    assert 'DISTINCT_SCAN' in text
    assert 'COLLSCAN' not in text


def test_who_may_see_what_is_found_by_an_index(archive):
    from girder.models.folder import Folder
    hidden = Folder().collection.find({'spm.app': archive['_id'], 'spm.role': {'$exists': True},
                                       'public': {'$ne': True}}).explain()
    assert 'COLLSCAN' not in set(_stages(hidden['queryPlanner']['winningPlan']))
    assert hidden['executionStats']['totalDocsExamined'] == 0


def test_what_pages_list_of_a_build_is_read_without_the_extensions_of_others(archive, db):
    from slicer_package_manager.registry.catalog import extension_lists
    newest = REVISIONS[-1]
    db.command('profile', 2)
    try:
        assert extension_lists.systems(archive, None, newest) == dict.fromkeys(SYSTEMS, 60)
        assert sum(len(one.revisions) for one in extension_lists.members(archive, None, [newest])) == 240
        assert len(extension_lists.related(archive, None, newest, 'linux', 'amd64')) == 60
    finally:
        db.command('profile', 0)
    read = [one['docsExamined'] for one in db['system.profile'].find({'ns': f'{db.name}.item'})]
    db['system.profile'].drop()
    assert len(read) == 3
    assert sorted(read) == [0, 0, 60]
