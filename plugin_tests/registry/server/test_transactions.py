"""Transactions on Girder's models."""
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from bson import ObjectId
from girder.models.collection import Collection
from girder.models.folder import Folder
from girder.models.item import Item
from pymongo.errors import PyMongoError, WriteError

from plugin_tests.waiting import PATIENCE
from slicer_package_manager.registry.server import data_version, transactions

pytestmark = pytest.mark.database

WRITERS = 32


class UndoError(Exception):
    """Ends a transaction in the tests."""


@pytest.fixture
def folders(admin):
    """Two folders in a collection."""
    collection = Collection().createCollection('c', admin)
    return [Folder().createFolder(collection, name, parentType='collection', creator=admin) for name in 'ab']


def contents(database):
    return {name: list(database[name].find().sort('_id')) for name in ('collection', 'folder', 'item', 'file')}


def create_and_move(folders, admin):
    """Let Girder create a folder with an item in the first of ``folders``, and move it to the second; return both."""
    a, b = (Folder().load(folder['_id'], force=True) for folder in folders)
    inner = Folder().createFolder(a, 'inner', creator=admin)
    item = Item().createItem('item', admin, inner)
    Folder().move(inner, b, 'folder')
    return inner, item


def test_what_girder_writes_is_undone_as_a_whole(db, folders, admin):
    before = contents(db)

    @transactions.atomic
    def change():
        inner, item = create_and_move(folders, admin)
        b = folders[1]
        assert [one['_id'] for one in Folder().childItems(inner)] == [item['_id']]
        assert [one['name'] for one in Folder().childFolders(b, 'folder', user=admin)] == ['inner']
        assert db.item.find_one({'_id': item['_id']}) is None, 'others see it already'
        raise UndoError

    with pytest.raises(UndoError):
        change()
    assert contents(db) == before


def test_what_girder_writes_is_there_after_the_commit(db, folders, admin):
    @transactions.atomic
    def change():
        _, item = create_and_move(folders, admin)
        return item['_id']

    item = db.item.find_one({'_id': change()})
    inner = db.folder.find_one({'_id': item['folderId']})
    assert inner['parentId'] == folders[1]['_id']


def test_the_result_and_the_arguments_are_those_of_the_function(db):
    assert transactions.run(lambda: 3) == 3
    assert transactions.atomic(divmod)(7, 2) == (3, 1)


def test_an_inner_transaction_is_part_of_the_outer_one(db, folders):
    def outer():
        transactions.run(lambda: Folder().collection.delete_one({'_id': folders[0]['_id']}))
        assert transactions.is_open()
        raise UndoError

    with pytest.raises(UndoError):
        transactions.run(outer)
    assert not transactions.is_open()
    assert db.folder.find_one({'_id': folders[0]['_id']})


def test_a_conflict_repeats_the_function(db, folders):
    first, attempts = folders[0]['_id'], []

    def change():
        seen = Folder().findOne({'_id': first})['size']
        attempts.append(seen)
        if len(attempts) == 1:  # another process comes between
            db.folder.update_one({'_id': first}, {'$set': {'size': 10}})
        Folder().update({'_id': first}, {'$set': {'size': seen + 1}}, multi=False)

    transactions.run(change)
    assert attempts == [0, 10]
    assert db.folder.find_one({'_id': first})['size'] == 11


def test_conflicts_that_do_not_end_are_refused_as_an_outage(db, folders):
    from slicer_package_manager.registry.server import database_outage
    query = {'_id': folders[0]['_id']}

    def change():
        Folder().findOne(query)
        db.folder.update_one(query, {'$inc': {'size': 1}})
        Folder().update(query, {'$set': {'name': 'lost'}}, multi=False)

    with pytest.raises(PyMongoError) as caught:
        transactions.run(change, seconds=0.5)
    assert database_outage.passes(caught.value)
    assert db.folder.find_one(query)['name'] == 'a'


def test_a_patient_program_outlasts_the_transaction_of_a_killed_process(db):
    lifetime = db.client.admin.command({'getParameter': 1, 'transactionLifetimeLimitSeconds': 1})
    with transactions.patient():
        # MongoDB looks for expired ones twice in this time. The driver ends its attempts after two minutes.
        assert 1.5 * lifetime['transactionLifetimeLimitSeconds'] < transactions.SECONDS < 120
    assert transactions.SECONDS < transactions.PATIENCE


def test_other_errors_of_the_database_are_not_repeated(db, folders):
    attempts = []

    def change():
        attempts.append(1)
        Folder().collection.update_one({'_id': folders[0]['_id']}, {'$inc': {'name': 1}})

    with pytest.raises(WriteError):
        transactions.run(change)
    assert len(attempts) == 1


def test_functions_run_before_and_after_the_commit(db, folders):
    ran, query = [], {'_id': folders[0]['_id']}

    def last():
        ran.append('before')
        Folder().collection.update_one(query, {'$set': {'name': 'changed'}})

    def change():
        for _ in range(2):
            assert transactions.before_commit(last)
        transactions.after_commit(lambda: ran.append(db.folder.find_one(query)['name']))
        transactions.after_commit(lambda: ran.append(transactions.is_open()))
        ran.append('change')

    transactions.run(change)
    assert ran == ['change', 'before', 'changed', False]


def test_what_follows_the_commit_replaces_what_would_precede_it(db):
    ran = []

    def before():
        ran.append('before')

    def change():
        transactions.before_commit(before)
        transactions.after_commit(lambda: ran.append('after'), instead_of=before)
        transactions.before_commit(before)

    transactions.run(change)
    assert ran == ['after']


def test_a_failure_after_the_commit_does_not_keep_the_rest_from_running(db):
    ran = []

    def fail():
        raise UndoError

    def change():
        for function in (lambda: ran.append(1), fail, lambda: ran.append(2)):
            transactions.after_commit(function)

    with pytest.raises(UndoError):
        transactions.run(change)
    assert ran == [1, 2]


def test_nothing_runs_after_a_transaction_that_was_undone(db):
    ran = []

    def change():
        transactions.after_commit(lambda: ran.append('after'))
        raise UndoError

    with pytest.raises(UndoError):
        transactions.run(change)
    assert ran == []


def test_only_the_last_attempt_counts(db, folders):
    ran, attempts, query = [], [], {'_id': folders[0]['_id']}

    def change():
        Folder().findOne(query)
        attempts.append(1)
        number = len(attempts)
        transactions.after_commit(lambda: ran.append(number))
        if number < 3:
            db.folder.update_one(query, {'$inc': {'size': 1}})
        Folder().update(query, {'$inc': {'size': 1}}, multi=False)

    transactions.run(change)
    assert ran == [3]


def test_outside_of_a_transaction(db):
    ran = []
    transactions.after_commit(lambda: ran.append('at once'))
    assert ran == ['at once']
    assert not transactions.before_commit(lambda: None)
    transactions.require_none('reading a file')


def test_input_and_output_are_refused(db):
    def change():
        transactions.require_none('Reading the file "x"')

    with pytest.raises(RuntimeError, match='Reading the file "x" is not possible in a transaction'):
        transactions.run(change)


def test_another_thread_is_not_in_the_transaction(db):
    def change():
        with ThreadPoolExecutor() as pool:
            return pool.submit(transactions.is_open).result(PATIENCE)

    assert transactions.run(change) is False


def test_a_document_that_is_taken_cannot_be_changed_by_another(db, folders):
    """Both only read the folder; without taking it, an item would get into a folder that is gone."""
    first, taken, refused, attempts = folders[0]['_id'], threading.Event(), threading.Event(), []

    def insert():
        assert transactions.find_for_update(Folder(), {'_id': first})
        taken.set()
        assert refused.wait(PATIENCE)
        Item().collection.insert_one({'folderId': first})

    def delete():
        attempts.append(1)
        if len(attempts) > 1:
            refused.set()
        folder = transactions.find_for_update(Folder(), {'_id': first})
        Item().collection.delete_many({'folderId': first})
        Folder().collection.delete_one({'_id': folder['_id']})

    with ThreadPoolExecutor() as pool:
        inserted = pool.submit(transactions.run, insert, PATIENCE)
        assert taken.wait(PATIENCE)
        pool.submit(transactions.run, delete, PATIENCE).result(PATIENCE)
        inserted.result(PATIENCE)
    assert db.folder.find_one({'_id': first}) is None
    assert db.item.find_one({'folderId': first}) is None


def test_a_document_that_is_taken_does_not_look_like_a_registered_one(db, folders):
    taken = transactions.run(lambda: transactions.find_for_update(Folder(), {'_id': folders[0]['_id']}))
    assert taken.keys() - folders[0].keys() == {'spmLock'}


def test_what_is_not_there_cannot_be_taken(db):
    assert transactions.run(lambda: transactions.find_for_update(Folder(), {'_id': ObjectId()})) is None


@pytest.mark.parametrize('take', [True, False], ids=['taken first', 'conflict at the end'])
def test_all_of_many_writers_finish(db, folders, take):
    query = {'_id': folders[0]['_id']}

    def change():
        read = transactions.find_for_update if take else lambda model, query: model.findOne(query)
        size = read(Folder(), query)['size']
        Item().collection.insert_one({'folderId': query['_id'], 'number': size})
        Folder().update(query, {'$set': {'size': size + 1}}, multi=False)

    with ThreadPoolExecutor(WRITERS) as pool:
        for one in [pool.submit(transactions.run, change, seconds=PATIENCE) for _ in range(WRITERS)]:
            one.result(2 * PATIENCE)
    assert sorted(item['number'] for item in db.item.find()) == list(range(WRITERS))
    assert db.folder.find_one(query)['size'] == WRITERS


def test_threads_that_take_turns_do_not_conflict(db, folders):
    taken, attempts = folders[0]['_id'], []

    def change():
        attempts.append(1)
        size = transactions.find_for_update(Folder(), {'_id': taken})['size']
        Folder().update({'_id': taken}, {'$set': {'size': size + 1}}, multi=False)

    with ThreadPoolExecutor(WRITERS) as pool:
        for one in [pool.submit(transactions.run, change, turn=taken) for _ in range(WRITERS)]:
            one.result(2 * PATIENCE)
    assert db.folder.find_one({'_id': taken})['size'] == len(attempts) == WRITERS


def test_who_does_not_get_a_turn_goes_on_without(db, folders, monkeypatch):
    monkeypatch.setattr(transactions, '_TURNS', [threading.Lock()])
    with transactions._TURNS[0]:
        monkeypatch.setattr(transactions, 'SECONDS', 0.1)
        assert transactions.run(lambda: 7, PATIENCE, turn=folders[0]['_id']) == 7


def test_a_transaction_bumps_the_data_version_once_with_its_writes(db, folders):
    seen = []

    def change():
        before = data_version.version()
        for folder in folders:
            Folder().update({'_id': folder['_id']}, {'$set': {'size': 1}}, multi=False)
        seen.append(data_version.version() == before)

    before = data_version.version()
    transactions.run(change)
    assert seen == [True], 'others saw the new version before the commit'
    assert len(data_version.version() ^ before) in (1, 2), 'more than one part has a new value'


def test_a_part_of_the_version_that_a_killed_process_holds_stops_nobody(db, folders):
    item = {'folderId': folders[0]['_id']}
    with db.client.start_session() as killed, killed.start_transaction():
        held = data_version._part.number
        change = {'$set': {'version': ObjectId()}}
        db.slicer_package_change.update_one({'_id': held}, change, upsert=True, session=killed)
        for bump in (data_version.announce, lambda: transactions.run(lambda: Item().collection.insert_one(item))):
            before, data_version._part.number = data_version.version(), held
            bump()
            assert data_version.version() != before
        killed.abort_transaction()


def test_a_transaction_that_is_undone_does_not_bump_the_data_version(db, folders):
    def change():
        Folder().update({'_id': folders[0]['_id']}, {'$set': {'size': 1}}, multi=False)
        raise UndoError

    before = data_version.version()
    with pytest.raises(UndoError):
        transactions.run(change)
    assert data_version.version() == before


def test_taking_a_document_does_not_bump_the_data_version(db, folders):
    before = data_version.version()
    assert transactions.run(lambda: transactions.find_for_update(Folder(), {'_id': folders[0]['_id']}))
    assert data_version.version() == before
