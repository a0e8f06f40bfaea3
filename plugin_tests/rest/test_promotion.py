"""What a promotion does, seen from outside and in between any two of its writes."""
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import orjson
import pytest

from plugin_tests.waiting import PATIENCE

pytestmark = pytest.mark.database

PLACE = ('app', 'channel', 'draft', 'release')
MAC = {'os': 'macosx', 'arch': 'arm64'}
WRITES = ('insert_one', 'update_one', 'update_many', 'delete_one', 'delete_many', 'find_one_and_update', 'replace_one')


@pytest.fixture
def draft(make, found):
    """The draft of revision 33000: two packages and two extensions with files."""
    for values in ({}, MAC):
        make('package', content=b'package', **values)
        make('extension', content=b'extension', **values)
    return found('draft')[0]


@pytest.fixture
def release(draft, make_release):
    return make_release('5.8', '33000')


@pytest.fixture
def promote(api, app):
    def call(name='5.8', revision='33000', client=api, **params):
        return client.post(f'/app/{app["_id"]}/release/{name}/promote', params={'revision': revision, **params})
    return call


@pytest.fixture
def domain(app, admin, db):
    """The promotion without a server around it."""
    def call(revision='33000'):
        from girder.utility.progress import noProgress

        from slicer_package_manager.registry.catalog import applications
        from slicer_package_manager.registry.promotion import promote as promotion_promote
        return promotion_promote.promote(applications.load(app['_id'], admin), admin, '5.8', revision, noProgress)
    return call


@pytest.fixture
def no_traces(db):
    """Check that nothing of a promotion that ended is left, and that everything lies where it belongs."""
    def check(drafts=0):
        folders = {one['_id']: one for one in db['folder'].find()}
        assert not any('promoting' in one.get('spm', ()) for one in folders.values())
        assert all('channel' in one['spm'] for one in folders.values() if 'promoted' in one.get('spm', ()))
        assert sum(one.get('spm', {}).get('role') == 'revision' for one in folders.values()) == drafts
        for item in db['item'].find():
            folder = folders[item['folderId']]
            assert {key: item['spm'][key] for key in PLACE} == {key: folder['spm'][key] for key in PLACE}
            assert item['meta'].get('release', '') == ('' if item['spm']['kind'] == 'extension'
                                                       else folder['spm']['release'])
        for folder in folders.values():
            if folder.get('spm', {}).get('role') in ('release', 'extensions'):
                assert folder['size'] == sum(one['size'] for one in db['item'].find({'folderId': folder['_id']}))
        assert all(one['parentId'] in folders for one in folders.values() if one['parentCollection'] == 'folder')
    return check


def aside(function):
    """Run ``function`` in a thread of its own: the server keeps one request for each."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result(PATIENCE)


@pytest.mark.parametrize('call', ['details', 'move'])
def test_an_item_that_is_promoted_while_it_is_loaded_is_found(draft, release, promote, found, api, make, monkeypatch,
                                                              call):
    from girder.models.folder import Folder
    item, other = found('package')[0]['_id'], make('package', revision='1')['folderId']
    load, todo = Folder().load, [promote]

    def late(identifier, **kwargs):
        if todo and str(identifier) == draft['_id']:
            assert aside(todo.pop()).status_code == 200
        return load(identifier, **kwargs)
    monkeypatch.setattr(Folder(), 'load', late)
    if call == 'details':
        answer = api.get(f'/item/{item}')
    else:
        answer = api.put('/resource/move', params={
            'resources': json.dumps({'item': [item]}), 'parentType': 'folder', 'parentId': other})
    assert answer.status_code == 200, answer.text
    assert todo == []


def ids(items):
    return sorted(one['_id'] for one in items)


def test_the_release_owns_all_packages_of_the_draft(draft, release, promote, found, folders, no_traces):
    before = {package_type: found(package_type) for package_type in ('package', 'extension')}
    assert (found('package', release_id_or_name='5.8'), found('extension', release_id='5.8')) == ([], [])
    answer = promote()
    assert (answer.status_code, answer.json()['_id'], answer.json()['name']) == (200, release['_id'], '5.8')
    assert ids(found('package', release_id_or_name='5.8')) == ids(found('package')) == ids(before['package'])
    assert ids(found('extension', release_id=release['_id'])) == ids(before['extension'])
    for item in found('package'):
        assert (item['folderId'], item['meta']['release']) == (release['_id'], '5.8')
    assert {item['folderId'] for item in found('extension')} == {folders(release)['extensions']['_id']}
    assert found('package', release_id_or_name='draft') == found('extension', release_id='draft') == []
    assert found('draft') == []
    no_traces()


def test_only_the_place_of_a_thing_changes(draft, release, promote, api, found, db):
    before = {one['_id']: one for package_type in ('package', 'extension') for one in found(package_type)}
    files = sorted(db['file'].find(), key=lambda one: str(one['_id']))
    promote().raise_for_status()
    assert sorted(db['file'].find(), key=lambda one: str(one['_id'])) == files
    for item in (*found('package'), *found('extension')):
        item['meta'].pop('release', None)
        assert {**item, 'folderId': before[item['_id']]['folderId']} == before[item['_id']]


def test_counts_stay_where_they_were_counted(draft, release, promote, found, anonymous, app):
    item = found('package')[0]
    anonymous.get(f'/item/{item["_id"]}/download').raise_for_status()
    path = f'/app/{app["_id"]}/downloadstats'
    before = anonymous.get(path).json(), anonymous.get(path, params={'granularity': 'year'}).json()
    promote().raise_for_status()
    assert (anonymous.get(path).json(), anonymous.get(path, params={'granularity': 'year'}).json()) == before
    row, = anonymous.get(f'/app/{app["_id"]}/summary').json()['releases']
    assert row['downloads'] == 1
    anonymous.get(f'/item/{item["_id"]}/download').raise_for_status()
    rows = anonymous.get(path, params={'release': '5.8'}).json()
    assert [one['count'] for one in rows] == [1]


def test_the_call_may_be_repeated(draft, release, promote, stored):
    promote().raise_for_status()
    before = stored()
    assert promote().json()['_id'] == release['_id']
    assert stored() == before


def test_a_release_keeps_what_it_has(draft, release, promote, make, found, no_traces):
    there = [make(package_type, baseName='Other', content=b'x')['_id'] for package_type in ('package', 'extension')]
    promote().raise_for_status()
    assert set(there) <= {*ids(found('package', release_id_or_name='5.8')), *ids(found('extension', release_id='5.8'))}
    assert (len(found('package')), len(found('extension'))) == (3, 3)
    no_traces()


def test_what_is_posted_afterwards_updates_it_in_place(draft, release, promote, make, found):
    before = ids(found('package')), ids(found('extension'))
    promote().raise_for_status()
    for package_type in ('package', 'extension'):
        make(package_type, repository_type='svn')
    assert (ids(found('package')), ids(found('extension'))) == before


def test_a_second_promotion_finds_the_next_draft(draft, release, promote, api, app, make, found, no_traces, db):
    promote().raise_for_status()
    api.put(f'/folder/{release["_id"]}', params={'name': 'Old'}).raise_for_status()
    api.put(f'/folder/{release["_id"]}/metadata', json={'revision': '1'}).raise_for_status()
    make('package', baseName='Late', content=b'x')
    api.put(f'/folder/{release["_id"]}/metadata', json={'revision': '33000'}).raise_for_status()
    promote('old').raise_for_status()
    assert len(found('package', release_id_or_name='Old')) == 3
    no_traces()


@pytest.mark.parametrize('status', [
    pytest.param((404, '5.9', '33000'), id='no release'), pytest.param((404, 'draft', '33000'), id='all drafts'),
    pytest.param((404, '33000', '33000'), id='a draft'), pytest.param((404, '%00', '33000'), id='control character'),
    pytest.param((400, '5.8', '33001'), id='another revision'), pytest.param((400, '5.8', ''), id='no revision'),
    pytest.param((400, '5.8', '.*'), id='pattern'), pytest.param((400, '5.8', 'x' * 5000), id='long'),
    pytest.param((400, '5.8', '\x00'), id='no text')])
def test_what_does_not_fit_is_refused(draft, release, promote, stored, status):
    before = stored()
    expected, name, revision = status
    assert promote(name, revision).status_code == expected
    assert stored() == before


def test_the_revision_is_required_and_the_message_tells_the_right_one(api, app, draft, release, promote):
    assert api.post(f'/app/{app["_id"]}/release/5.8/promote').status_code == 400
    assert '"33000"' in promote(revision='33001').json()['message']


@pytest.mark.parametrize('lacks', ['release', 'draft', 'nothing'])
def test_write_is_needed_on_both_and_no_more(draft, release, promote, login, make_user, grant, stored, lacks):
    user = make_user('other')
    for name, folder in (('release', release), ('draft', draft)):
        grant(folder, user, level=0 if name == lacks else 1, public=True, recurse=True)
    before = stored()
    assert promote(client=login(user)).status_code == (200 if lacks == 'nothing' else 403)
    assert (stored() == before) == (lacks != 'nothing')


def test_a_hidden_draft_is_not_promoted_by_who_cannot_write_to_it(draft, release, promote, login, make_user, grant):
    user = make_user('other')
    grant(release, user, level=1, public=True)
    grant(draft)
    assert promote(client=login(user)).status_code == 403


def test_other_users_are_refused(draft, release, promote, login, make_user, grant, anonymous, app):
    assert promote(client=anonymous).status_code == 401
    user = make_user('other')
    assert promote(client=login(user)).status_code == 403
    grant(release)
    assert promote(client=login(user)).status_code == 404
    grant(app)
    assert promote(client=login(user)).status_code == 403


@pytest.mark.parametrize('public', [True, False])
def test_the_access_of_the_release_holds_afterwards(draft, make_release, promote, grant, found, anonymous, make_user,
                                                    login, public):
    make_release('5.8', '33000', public=public)
    grant(draft, recurse=True, public=not public)
    items = [*found('package', login(make_user('boss', admin=True)))]
    assert (len(found('package')), len(found('extension'))) == ((0, 0) if public else (2, 2))
    promote().raise_for_status()
    assert (len(found('package')), len(found('extension'))) == ((2, 2) if public else (0, 0))
    assert anonymous.get(f'/item/{items[0]["_id"]}/download').status_code == (200 if public else 401)


@pytest.mark.parametrize('package_type', ['package', 'extension'])
def test_another_thing_with_the_same_identity_is_named_and_nothing_is_moved(draft, release, promote, make, stored,
                                                                            package_type):
    name = make(package_type, content=b'another file')['name']
    before = stored()
    answer = promote()
    assert (answer.status_code, name in answer.json()['message']) == (409, True)
    assert stored() == before


def test_the_same_file_in_both_is_the_releases(draft, release, promote, make, found, no_traces):
    there = make('package', content=b'package')['_id']
    promote().raise_for_status()
    assert there in ids(found('package'))
    assert (len(found('package')), len(found('extension'))) == (2, 2)
    no_traces()


def test_packages_without_a_file_are_not_the_same(make, make_release, promote):
    make('package')
    make_release('5.8', '33000')
    make('package')
    assert promote().status_code == 409


def test_packages_with_the_same_name_are_listed(api, app, draft, release, promote, make, stored):
    api.put(f'/folder/{app["_id"]}/metadata', json={'applicationPackageNameTemplate': 'Slicer_linux_amd64_33000'})
    make('package', baseName='Other', content=b'x')
    before = stored()
    assert promote().status_code == 409
    assert stored() == before


@pytest.mark.parametrize('what', ['item', 'folder', 'item beside extensions'])
def test_what_is_no_package_is_named_and_nothing_is_moved(api, draft, release, promote, folders, stored, what):
    if what == 'folder':
        api.post('/folder', params={'parentId': draft['_id'], 'name': 'notes'}).raise_for_status()
    else:
        place = draft if what == 'item' else folders(draft)['extensions']
        api.post('/item', params={'folderId': place['_id'], 'name': 'notes'}).raise_for_status()
    before = stored()
    answer = promote()
    assert (answer.status_code, '"notes"' in answer.json()['message']) == (409, True)
    assert stored() == before


def test_a_draft_without_extensions_is_promoted(make, make_release, promote, found, folders, no_traces):
    make('package', content=b'x')
    release = make_release('5.8', '33000')
    promote(progress=True).raise_for_status()
    assert (len(found('package')), folders(release)) == (1, {})
    no_traces()


def test_without_a_draft_there_is_nothing_to_do(make_release, promote, stored):
    make_release('5.8', '33000')
    before = stored()
    assert promote().status_code == 200
    assert stored() == before


def test_edits_of_the_application_and_the_release_forget_nothing(draft, release, promote, api, app, found, no_traces):
    promote().raise_for_status()
    for folder in (app, release):
        api.put(f'/folder/{folder["_id"]}', params={'description': 'New'}).raise_for_status()
    item = found('package')[0]
    api.put(f'/item/{item["_id"]}/metadata', json={'version': '9'}).raise_for_status()
    assert len(found('package', release_id_or_name='5.8')) == len(found('extension', release_id='5.8')) == 2
    api.put(f'/folder/{release["_id"]}', params={'name': '5.8.0'}).raise_for_status()
    assert len(found('package', release_id_or_name='5.8.0')) == 2
    no_traces()


def test_deleting_the_release_deletes_what_was_promoted(draft, release, promote, api, app, db):
    promote().raise_for_status()
    api.delete(f'/app/{app["_id"]}/release/5.8').raise_for_status()
    assert db['item'].count_documents({}) == db['file'].count_documents({}) == 0
    assert 'promoted' not in db['folder'].find_one({'name': 'Slicer'})['spm']


def test_what_leaves_the_release_is_no_longer_held_by_it(draft, release, promote, api, found, make_release):
    promote().raise_for_status()
    other = make_release('5.9', '34000')
    item = found('package')[0]
    api.put('/resource/move', params={'resources': json.dumps({'item': [item['_id']]}), 'parentType': 'folder',
                                      'parentId': other['_id']}).raise_for_status()
    assert ids(found('package', release_id_or_name='5.9')) == [item['_id']]
    assert len(found('package', release_id_or_name='5.8')) == 1


class Killed(BaseException):
    """The end of the process."""


class Recorded:
    """A collection that calls ``hook`` before and after each write."""

    def __init__(self, collection, hook):
        self._collection, self._hook = collection, hook

    def __getattr__(self, name):
        found = getattr(self._collection, name)
        if name not in WRITES:
            return found

        def write(*args, **kwargs):
            self._hook()
            result = found(*args, **kwargs)
            self._hook()
            return result
        return write


@contextmanager
def at_each_write(hook, more=()):
    """Call ``hook`` before and after each write to folders, items, counts, accounts, keys, and what ``more`` names."""
    from girder.utility.model_importer import ModelImporter

    from slicer_package_manager.registry.downloads.counts import Download
    from slicer_package_manager.registry.downloads.sealing import Seal
    from slicer_package_manager.registry.server import transactions
    limit, transactions.SECONDS = transactions.SECONDS, PATIENCE  # the hook may take long
    names = ('folder', 'item', 'api_key', 'token', 'user', *more)
    models = {model: model.collection for model in (Download(), Seal(), *map(ModelImporter.model, names))}
    for model, collection in models.items():
        model.collection = Recorded(collection, hook)
    try:
        yield
    finally:
        transactions.SECONDS = limit
        for model, collection in models.items():
            model.collection = collection


def killed_at_each_write(function, unchanged, at_least=2, more=(), *, later=True):
    """Call ``function`` until it ends, killed at its first write, at its second, and so on; return its result.

    After each kill ``unchanged`` has to hold; there are more than ``at_least`` moments, see :func:`at_each_write`.
    The moments are those in transactions, and with ``later`` those after the commit too.
    """
    from slicer_package_manager.registry.server import transactions
    moment, results = 0, []
    while not results:
        moment += 1
        left = [moment]

        def hook(left=left):
            left[0] -= later or transactions.is_open()
            if not left[0]:
                raise Killed
        with at_each_write(hook, more), suppress(Killed):
            results.append(function())
        assert results or unchanged(), f'killed at moment {moment}'
    assert moment > at_least
    return results[0]


@pytest.fixture
def look(app, admin, make_user):
    """Look at all lists as three users."""
    reader = make_user('reader')

    def lists():
        from slicer_package_manager.registry.catalog import applications, package_lists
        from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE
        from slicer_package_manager.registry.schema.pagination import Page
        page = Page(0, 0, (('created', -1), ('_id', -1)))
        seen, found_app = [], applications.load(app['_id'], admin)
        for user in (None, reader, admin):
            row = []
            for package_type in (PACKAGE, EXTENSION):
                for filters in ({'release': '5.8'}, {'release': 'draft'}, {}):
                    listed = package_lists.find(package_type, found_app, user, page, **filters)
                    found = list(map(orjson.loads, listed.documents))
                    assert len({one['_id'] for one in found}) == len(found)
                    row.append(len(found))
                    if filters.get('release') == '5.8' and package_type is PACKAGE:
                        assert {one['meta'].get('release') for one in found} <= {'5.8'}
            seen.append(tuple(row))
        return seen
    return lists


BEFORE, AFTER, NOTHING = (0, 2, 2) * 2, (2, 0, 2) * 2, (0,) * 6


@pytest.mark.parametrize('private', ['neither', 'draft', 'release'])
def test_at_every_moment_readers_see_none_or_all(draft, make_release, domain, grant, look, private):
    make_release('5.8', '33000', public=private != 'release')
    if private != 'release':
        grant(draft, recurse=True, public=private != 'draft')
    seen, moments = [], itertools.count()

    def hook():
        if next(moments) % 2 == 0:  # the moment after a write is that before the next one
            seen.append(aside(look))
    with at_each_write(hook):
        domain()
    shown = NOTHING if private == 'draft' else BEFORE
    assert len(seen) > 5
    assert seen == [[shown, shown, BEFORE]] * len(seen)
    shown = NOTHING if private == 'release' else AFTER
    assert look() == [shown, shown, AFTER]


def test_whatever_write_the_process_is_killed_at_nothing_has_changed(draft, release, make, domain, look, stored,
                                                                     no_traces):
    make('package', content=b'package')  # the release has it too: it is removed from the draft
    before = stored()
    killed_at_each_write(domain, lambda: stored() == before or look()[0] == AFTER, at_least=10)
    assert look()[0] == AFTER
    no_traces()


@pytest.fixture
def during_insert(monkeypatch):
    """Start a function in a thread, once, right before or after a document that matches is inserted.

    It waits for the end of the transaction, so the transaction must not wait for it.
    """
    def at(matches, when, function):
        from slicer_package_manager.registry.tree import documents as tree_documents
        insert, started = tree_documents.insert, []

        def inserting(model, document, *moments):
            for moment in ('before', 'after'):
                if moment == when and not started and matches(document):
                    started.append(pool.submit(function))
                if moment == 'before':
                    result = insert(model, document, *moments)
            return result
        monkeypatch.setattr(tree_documents, 'insert', inserting)
        return started
    with ThreadPoolExecutor(1) as pool:
        yield at


@pytest.mark.parametrize('package_type', ['package', 'extension'])
@pytest.mark.parametrize('when', ['before', 'after'])
def test_a_post_to_the_draft_during_a_promotion_ends_in_the_release(
        draft, make, make_release, promote, during_insert, found, no_traces, db, package_type, when):
    def release_it():
        make_release('5.8', '33000')
        promote().raise_for_status()
    started = during_insert(lambda one: one.get('meta', {}).get('baseName') == 'Late', when, release_it)
    make(package_type, baseName='Late')
    started[0].result(PATIENCE)
    assert found('draft') == []
    assert db['item'].find_one({'meta.baseName': 'Late'})['spm']['release'] == '5.8'
    no_traces()


def test_a_folder_that_a_post_makes_during_a_promotion_is_that_of_the_release(
        make, make_release, promote, found, no_traces, during_insert):
    def release_it():
        make_release('5.8', '33000')
        promote().raise_for_status()
    make('package', content=b'package')
    started = during_insert(lambda one: one.get('spm', {}).get('role') == 'extensions', 'after', release_it)
    new = make('extension', baseName='New')
    started[0].result(PATIENCE)
    upload = make('extension', baseName='New', content=b'new')
    assert upload['_id'] == new['_id']
    assert ids(found('extension', release_id='5.8')) == [new['_id']]
    no_traces()


@pytest.fixture
def during_check(monkeypatch):
    """Start a function in a thread, once, while a promotion checks the draft; it may wait for its end."""
    started = []

    def at(function):
        check_draft = promotion_module()._check_draft

        def checking(*places):
            if not started:
                started.append(pool.submit(function))
            return check_draft(*places)
        monkeypatch.setattr(promotion_module(), '_check_draft', checking)
        return started
    with ThreadPoolExecutor(1) as pool:
        yield at


def promotion_module():
    from slicer_package_manager.registry.promotion import promote
    return promote


@pytest.mark.parametrize('package_type', ['package', 'extension'])
def test_what_is_posted_while_the_draft_is_checked_is_in_the_release_too(
        draft, release, make, promote, found, no_traces, during_check, package_type):
    posted = during_check(lambda: make(package_type, baseName='New'))
    before = ids(found(package_type))
    promote().raise_for_status()
    filters = {'package': {'release_id_or_name': '5.8'}, 'extension': {'release_id': '5.8'}}[package_type]
    new, others = posted[0].result(PATIENCE), found(package_type, **filters)
    assert ids(others) == before  # the new one has no file yet
    assert {one['folderId'] for one in others} == {new['folderId']}
    no_traces()


@pytest.mark.parametrize('package_type', ['package', 'extension'])
def test_an_edit_while_the_draft_is_checked_is_kept(draft, release, promote, api, found, no_traces, during_check,
                                                    package_type):
    path = f'/item/{found(package_type)[0]["_id"]}'
    edited = during_check(lambda: api.put(f'{path}/metadata', json={'repository_type': 'svn'}))
    promote().raise_for_status()
    edited[0].result(PATIENCE).raise_for_status()
    assert api.get(path).json()['meta']['repository_type'] == 'svn'
    assert len(found('package', release_id_or_name='5.8')) == len(found('extension', release_id='5.8')) == 2
    no_traces()


def test_a_deletion_of_the_release_waits_for_the_promotion(draft, release, promote, api, app, found, no_traces,
                                                           during_check):
    deleted = during_check(lambda: api.delete(f'/app/{app["_id"]}/release/5.8'))
    promote().raise_for_status()
    deleted[0].result(PATIENCE).raise_for_status()
    assert (found('package'), found('extension'), found('release'), found('draft')) == ([], [], [], [])
    no_traces()


def test_pruning_does_not_delete_a_draft_that_is_promoted_meanwhile(draft, release, promote, api, app, found,
                                                                    no_traces, during_check):
    pruned = during_check(lambda: api.delete(f'/app/{app["_id"]}/draft', params={'keep': 0}))
    promote().raise_for_status()
    assert [row['deleted'] for row in pruned[0].result(PATIENCE).json()] in ([], [False])
    assert (len(found('package', release_id_or_name='5.8')), len(found('extension', release_id='5.8'))) == (2, 2)
    no_traces()


def test_who_saves_an_item_that_was_read_before_the_promotion_does_not_bring_it_back(draft, release, promote, found,
                                                                                     no_traces):
    from girder.models.item import Item
    read = [Item().load(one['_id'], force=True) for one in (*found('package'), *found('extension'))]
    promote().raise_for_status()
    for item in read:
        Item().setMetadata(item, {'repository_type': 'svn'})
    assert len(found('package', release_id_or_name='5.8')) == len(found('extension', release_id='5.8')) == 2
    no_traces()


def test_who_saves_an_item_that_is_promoted_meanwhile_does_not_bring_it_back(draft, release, domain, found, no_traces,
                                                                           monkeypatch):
    from girder.models.item import Item

    from slicer_package_manager.registry.server import transactions
    find_for_update, todo = transactions.find_for_update, [domain]

    def late(model, query):
        if todo:
            aside(todo.pop())
        return find_for_update(model, query)
    item = Item().load(found('package')[0]['_id'], force=True)
    monkeypatch.setattr(transactions, 'find_for_update', late)
    Item().setMetadata(item, {'repository_type': 'svn'})
    assert len(found('package', release_id_or_name='5.8')) == 2
    no_traces()


@pytest.fixture
def announced(draft, release, app, db, folders):
    """The entry of a promotion that a server of an earlier version has announced, and a setter of its state."""
    from bson import ObjectId
    entry = {'draft': ObjectId(draft['_id']), 'release': ObjectId(release['_id']), 'token': ObjectId()}

    def put(**values):
        db['folder'].update_one({'_id': ObjectId(app['_id'])}, {'$set': {'spm.promoted': [{**entry, **values}]}})
        db['folder'].update_many({'spm.revision': '33000'}, {'$set': {'spm.promoting': {
            'draft': entry['draft'], 'token': entry['token']}}})
    return entry, put


def convert():
    from slicer_package_manager.registry.promotion import earlier_form
    for _ in range(2):
        earlier_form.convert()


def test_a_promotion_that_an_earlier_version_has_announced_is_forgotten(announced, look, no_traces):
    announced[1](state='announced')
    convert()
    assert look()[0] == BEFORE
    no_traces(drafts=1)


@pytest.mark.parametrize('state', ['moving', 'done'])
def test_a_promotion_of_an_earlier_version_is_finished(announced, make, folders, release, draft, found, look, db,
                                                       no_traces, state):
    """It had moved one package of two, or all and removed the draft; the release had one of them already."""
    from bson import ObjectId
    entry, put = announced
    make('extension', content=b'x', baseName='Own')
    pairs = [[ObjectId(one['_id']) for one in two] for two in (
        (draft, release), (folders(draft)['extensions'], folders(release)['extensions']))]
    put(state=state, folders=pairs, **({'name': '5.8', 'without': []} if state == 'moving' else {}))
    for source, target in pairs:
        items = list(db['item'].find({'folderId': source}))
        for item in items if state == 'done' else items[:1]:
            values = {'folderId': target, 'spm.release': '5.8'}
            values.update({'meta.release': '5.8'} if item['spm']['kind'] == 'package' else {})
            db['item'].update_one({'_id': item['_id']}, {'$set': values})
    if state == 'done':
        db['folder'].delete_many({'_id': {'$in': [source for source, _ in pairs]}})
    convert()
    assert look()[0] == (2, 0, 2, 3, 0, 3)
    assert db['folder'].find_one({'_id': entry['release']})['spm']['promoted'] is True
    no_traces()


def test_what_the_release_had_too_is_removed_with_a_promotion_of_an_earlier_version(announced, make, folders, release,
                                                                                   draft, found, db, no_traces):
    from bson import ObjectId
    _, put = announced
    kept = make('package', content=b'package')['_id']
    same = db['item'].find_one({'spm.draft': True, 'meta.os': 'linux', 'spm.kind': 'package'})['_id']
    target = make('extension', baseName='Own')['folderId']
    put(state='moving', name='5.8', without=[same], folders=[
        [ObjectId(draft['_id']), ObjectId(release['_id'])],
        [ObjectId(folders(draft)['extensions']['_id']), ObjectId(target)]])
    convert()
    assert kept in ids(found('package', release_id_or_name='5.8'))
    assert len(found('package')) == 2
    assert db['file'].find_one({'itemId': same}) is None
    no_traces()
