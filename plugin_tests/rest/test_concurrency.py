"""Many requests at the same time, to several server processes on one database."""
import hashlib
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from bson.objectid import ObjectId

from plugin_tests.conftest import FORMS, upload
from plugin_tests.servers import poll
from plugin_tests.waiting import PATIENCE

pytestmark = [pytest.mark.database, pytest.mark.process]

PACKAGE_TYPES = pytest.mark.parametrize('package_type', ['package', 'extension'])
MANY, WRITERS = 16, 32


@pytest.fixture
def at_once(two_servers, api):
    """Run calls in as many threads, released together; each gets a client of one of the servers in turn."""
    def run(*calls):
        barrier = threading.Barrier(len(calls))

        def one(call, url):
            with httpx.Client(base_url=url, headers=api.headers) as client:
                client.get('/system/version')
                barrier.wait(PATIENCE)
                return call(client)
        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(one, calls, itertools.cycle(two_servers)))
    return run


@pytest.fixture
def post(app):
    def make_call(package_type, **values):
        return lambda client: client.post(f'/app/{app["_id"]}/{package_type}', data={**FORMS[package_type], **values})
    return make_call


def statuses(answers):
    return sorted(answer.status_code for answer in answers)


@pytest.fixture
def no_orphans(db):
    """Check that everything lies in something, and that every registration points to something."""
    def check():
        folders = {one['_id']: one for one in db['folder'].find()}
        for folder in folders.values():
            assert folder['parentCollection'] != 'folder' or folder['parentId'] in folders, folder['name']
        for item in db['item'].find():
            assert item['folderId'] in folders, item['name']
            assert item['spm']['channel'] in folders, item['name']
        ids = {one['_id'] for one in db['item'].find()}
        assert all(one['itemId'] in ids for one in db['file'].find({'itemId': {'$ne': None}}))
    return check


@pytest.fixture
def names_first(db):
    """The database as it is where the index of names was created before that of identities."""
    from slicer_package_manager.registry import indexes
    db['item'].drop_index(indexes.ITEM_IDENTITY)
    indexes.ensure()


def test_it_does_not_matter_which_index_was_created_first(names_first, at_once, post):
    answers = at_once(*[post('package')] * MANY)
    assert statuses(answers) == [200] * MANY, [answer.text for answer in answers if answer.is_error]
    assert len({answer.json()['_id'] for answer in answers}) == 1


@PACKAGE_TYPES
@pytest.mark.parametrize('place', ['draft', 'release'])
def test_identical_posts_make_one_item_in_one_place(at_once, post, db, make_release, package_type, place):
    if place == 'release':
        make_release('5.8', '33000')
    answers = at_once(*[post(package_type)] * MANY)
    assert statuses(answers) == [200] * MANY, [answer.text for answer in answers if answer.is_error]
    assert len({answer.json()['_id'] for answer in answers}) == 1
    assert len({str(answer.json()['meta']) for answer in answers}) == 1 if package_type == 'extension' else True
    assert db['item'].count_documents({}) == 1
    assert db['folder'].count_documents({'name': 'extensions'}) == (package_type == 'extension')
    assert db['folder'].count_documents({'spm.role': 'revision'}) == (place == 'draft')
    assert db['folder'].count_documents({'name': 'draft', 'spm.role': 'draft'}) == 1


@PACKAGE_TYPES
def test_different_posts_to_a_new_draft_share_its_folders(at_once, post, db, package_type):
    answers = at_once(*[post(package_type, baseName=f'Name{number}') for number in range(MANY)])
    assert statuses(answers) == [200] * MANY
    assert len({answer.json()['folderId'] for answer in answers}) == 1
    assert db['item'].count_documents({}) == MANY


def test_packages_and_extensions_of_a_new_draft_share_it(at_once, post, db):
    answers = at_once(*[post('package'), post('extension')] * (MANY // 2))
    assert statuses(answers) == [200] * MANY
    assert db['folder'].count_documents({'spm.role': 'revision'}) == 1
    assert db['item'].count_documents({}) == 2


@PACKAGE_TYPES
def test_updates_leave_one_of_the_wanted_states(at_once, post, make, item_of, package_type):
    item = make(package_type)
    answers = at_once(*[post(package_type, repository_type=f't{number}') for number in range(MANY)])
    assert statuses(answers) == [200] * MANY
    assert {answer.json()['_id'] for answer in answers} == {item['_id']}
    assert item_of(item)['meta']['repository_type'] in {f't{number}' for number in range(MANY)}


def test_updates_of_different_keys_lose_none(at_once, app, make, item_of):
    item = make('extension')
    identity = {key: FORMS['extension'][key] for key in ('os', 'arch', 'baseName', 'app_revision')}
    keys = ['category', 'contributors', 'dependency', 'recommends', 'license', 'development_status', 'keywords']

    def call(key):
        return lambda client: client.post(f'/app/{app["_id"]}/extension', data={**identity, key: 'x'})
    assert statuses(at_once(*[call(key) for key in keys])) == [200] * len(keys)
    assert {key for key in keys if item_of(item)['meta'].get(key) == 'x'} == set(keys)


def test_one_of_equal_applications_is_made_and_the_others_are_refused(at_once, api, db):
    answers = at_once(*[lambda client: client.post('/app', data={'name': 'Slicer'})] * MANY)
    assert statuses(answers) == [200] + [400] * (MANY - 1)
    assert db['collection'].count_documents({}) == 1
    assert {one['name'] for one in db['folder'].find({'parentCollection': {'$ne': 'user'}})} == {
        'packages', 'Slicer', 'draft'}
    assert db['folder'].count_documents({'parentCollection': {'$ne': 'user'}}) == 3


def test_different_applications_share_their_collection(at_once, api, db):
    answers = at_once(*[lambda client, number=number: client.post('/app', data={'name': f'App {number}'})
                        for number in range(MANY)])
    assert statuses(answers) == [200] * MANY
    assert db['collection'].count_documents({}) == 1
    assert db['folder'].count_documents({'name': 'packages'}) == 1
    assert len(api.get('/app').json()) == MANY


@pytest.mark.parametrize('same', ['name and revision', 'name', 'revision'])
def test_one_of_rival_releases_is_made_and_the_others_are_refused(at_once, app, db, same):
    def call(number):
        values = {'name': '5.8' if 'name' in same else f'5.{number}',
                  'app_revision': '33000' if 'revision' in same else f'3300{number}'}
        return lambda client: client.post(f'/app/{app["_id"]}/release', data=values)
    answers = at_once(*[call(number) for number in range(MANY)])
    assert statuses(answers) == [200] + [400] * (MANY - 1)
    assert db['folder'].count_documents({'spm.role': 'release'}) == 1


@PACKAGE_TYPES
def test_edits_during_an_upload_leave_the_checksum_right(at_once, app, post, make, item_of, found, package_type):
    item = make(package_type)

    def edit(number):
        return lambda client: client.put(f'/item/{item["_id"]}/metadata', json={'repository_type': f't{number}'})
    uploads = [lambda client: upload(client, item['_id'], b'content')]
    answers = at_once(*uploads, *[edit(number) for number in range(MANY // 2)], *[post(package_type)] * (MANY // 2))
    assert {answer.status_code for answer in answers[1:]} == {200}
    assert item_of(item)['meta']['sha512'] == hashlib.sha512(b'content').hexdigest()
    assert [one['_id'] for one in found(package_type)] == [item['_id']]


@PACKAGE_TYPES
def test_uploads_to_one_item_end_with_one_file(at_once, make, item_of, files_of, anonymous, db, package_type):
    item = make(package_type)
    contents = [f'content {"x" * number}'.encode() for number in range(MANY)]
    at_once(*[lambda client, content=content: upload(client, item['_id'], content) for content in contents])
    file, = files_of(item)
    downloaded = anonymous.get(f'/file/{file["_id"]}/download').content
    assert downloaded in contents
    assert item_of(item)['meta']['sha512'] == hashlib.sha512(downloaded).hexdigest()
    assert item_of(item)['size'] == len(downloaded)


def test_readers_see_exactly_one_file_during_replacements(at_once, make):
    item = make('package', content=b'first')

    def replace(client):
        for number in range(5):
            upload(client, item['_id'], f'content {number}'.encode())

    def read(client):
        client.headers.pop('Girder-Token')
        seen = []
        for _ in range(30):
            found = client.get(f'/item/{item["_id"]}/files').raise_for_status().json()
            content = client.get(f'/file/{found[0]["_id"]}/download')
            seen.append((len(found), content.status_code, len(content.content) == found[0]['size']))
        return set(seen)
    assert [one for one in at_once(replace, *[read] * 3) if one] == [{(1, 200, True)}] * 3


def test_downloads_are_counted_exactly(at_once, make, api, app):
    items = [make(package_type, content=b'content') for package_type in ('package', 'extension')]

    def fetch(client):
        for item in items * 4:
            client.get(f'/item/{item["_id"]}/download').raise_for_status()
    at_once(*[fetch] * MANY)
    wanted = {'33000': {'applications': {'linux': {'amd64': 4 * MANY}},
                        'extensions': {'SlicerIGT': {'linux': {'amd64': 4 * MANY}}}}}
    # A client has the last byte a moment before the server has counted it.
    poll(lambda: api.get(f'/app/{app["_id"]}/downloadstats').json() == wanted, 'all downloads are counted')


@pytest.mark.parametrize('what', ['draft', 'release', 'application'])
def test_a_deletion_during_posts_leaves_no_orphans(at_once, app, post, make, make_release, no_orphans, what, api):
    if what == 'release':
        make_release('33000', '33000')
    make('package')
    make('extension')
    path = f'/app/{app["_id"]}' + ('' if what == 'application' else '/release/33000')
    posts = [post(package_type, baseName=f'Name{number}') for number in range(MANY // 2)
             for package_type in ('package', 'extension')]
    answers = at_once(*posts[:MANY // 2], lambda client: client.delete(path), *posts[MANY // 2:])
    assert all(answer.status_code == 200 or 400 <= answer.status_code < 500 for answer in answers)
    assert answers[MANY // 2].status_code == 200
    no_orphans()


def test_deletions_of_one_package_fail_as_not_found_at_most(at_once, app, make, no_orphans):
    item = make('package', content=b'x')
    answers = at_once(*[lambda client: client.delete(f'/app/{app["_id"]}/package/{item["_id"]}')] * 8)
    assert set(statuses(answers)) <= {200, 404}
    assert 200 in statuses(answers)
    no_orphans()


def test_a_release_renamed_during_posts_renames_it_in_every_package(at_once, post, db, make_release):
    release = make_release('5.8', '33000')
    posts = [post('package', baseName=f'Name{number}') for number in range(MANY)]
    answers = at_once(*posts, lambda client: client.put(f'/folder/{release["_id"]}', params={'name': '5.8.0'}))
    assert set(statuses(answers)) == {200}
    assert db['item'].distinct('meta.release') == ['5.8.0']


def test_a_release_made_during_posts_of_its_revision_leaves_each_package_in_one_place(at_once, app, post, db,
                                                                                     no_orphans):
    answers = at_once(*[post('package')] * MANY, lambda client: client.post(
        f'/app/{app["_id"]}/release', data={'name': '5.8', 'app_revision': '33000'}))
    assert set(statuses(answers)) == {200}
    no_orphans()
    for item in db['item'].find():
        folder = db['folder'].find_one({'_id': item['folderId']})
        assert item['meta'].get('release', '') == folder['spm']['release']


@pytest.fixture
def many(make, db):
    """A draft of the revision 33000 with a hundred packages of each type; gives their ids."""
    from slicer_package_manager.registry.schema import fields
    from slicer_package_manager.registry.tree import registration
    for package_type in FORMS:
        make(package_type, content=b'content')
    for item in list(db['item'].find()):
        copies = []
        for number in range(99):
            meta = {**item['meta'], 'baseName': f'Name{number}'}
            spm = {**item['spm'], 'identity': registration.identity(fields.PACKAGE_TYPES[item['spm']['kind']], meta)}
            copies.append({**item, '_id': ObjectId(), 'name': f'Name{number}', 'meta': meta, 'spm': spm})
        db['item'].insert_many(copies)
    return {str(one['_id']) for one in db['item'].find()}


def test_readers_see_none_or_all_of_a_promotion(at_once, app, many, make_release, no_orphans):
    make_release('5.8', '33000')
    lists = [('package', {'release_id_or_name': '5.8'}), ('package', {'release_id_or_name': 'draft'}),
             ('extension', {'release_id': '5.8'}), ('extension', {'release_id': 'draft'}), ('extension', {})]
    ended = threading.Event()

    def promote(client):
        try:
            return client.post(f'/app/{app["_id"]}/release/5.8/promote', data={'revision': '33000'}).status_code
        finally:
            ended.set()

    def read(which, logged_in):
        package_type, filters = lists[which]

        def reader(client):
            if not logged_in:
                client.headers.pop('Girder-Token')
            seen, last = set(), False
            while not last:
                last = ended.is_set()
                found = client.get(f'/app/{app["_id"]}/{package_type}', params={**filters, 'limit': 0}).json()
                assert len({one['_id'] for one in found}) == len(found)
                seen.add(len(found))
            return seen, len(found)
        return reader
    status, *seen = at_once(promote, *[read(which, logged_in) for which in range(5) for logged_in in (False, True)])
    assert status == 200
    assert [last for _, last in seen] == [100, 100, 0, 0, 100, 100, 0, 0, 100, 100]
    assert {number for numbers, _ in seen for number in numbers} <= {0, 100}
    no_orphans()


def test_promotions_posts_and_edits_at_once_lose_nothing(at_once, app, many, post, make_release, db, no_orphans):
    make_release('5.8', '33000')
    promotions = [lambda client: client.post(f'/app/{app["_id"]}/release/5.8/promote', data={'revision': '33000'})] * 4
    edits = [lambda client, one=one: client.put(f'/item/{one}/metadata', json={'repository_type': 'svn'})
             for one in sorted(many)[:4]]
    posts = [post(package_type, baseName=f'New{number}') for number in range(4) for package_type in FORMS]
    answers = at_once(*promotions, *edits, *posts)
    assert statuses(answers) == [200] * len(answers), [answer.text for answer in answers if answer.is_error]
    assert db['item'].count_documents({}) == len(many) + 8
    assert db['item'].count_documents({'spm.release': '5.8', 'meta.repository_type': 'svn'}) == 4
    assert db['item'].count_documents({'spm.release': '5.8'}) == len(many) + 8
    assert db['folder'].count_documents({'spm.role': 'revision'}) == 0
    no_orphans()


def test_a_promotion_and_a_deletion_of_the_release_leave_a_whole_draft_or_nothing(at_once, app, many, make_release, db,
                                                                                  no_orphans):
    make_release('5.8', '33000')
    promoted, deleted = at_once(
        lambda client: client.post(f'/app/{app["_id"]}/release/5.8/promote', data={'revision': '33000'}),
        lambda client: client.delete(f'/app/{app["_id"]}/release/5.8'))
    assert deleted.status_code == 200
    assert promoted.status_code in (200, 404, 409)
    assert db['item'].count_documents({'spm.release': ''}) == (0 if promoted.status_code == 200 else len(many))
    assert db['item'].count_documents({'spm.release': '5.8'}) == 0
    no_orphans()


def test_all_of_32_writers_of_one_folder_finish(at_once, post, db, no_orphans):
    answers = at_once(*(post('package', baseName=f'Package{number}') for number in range(WRITERS)))
    assert statuses(answers) == [200] * WRITERS
    assert db['folder'].count_documents({'spm.role': 'revision'}) == 1
    assert sorted(item['_id'] for item in db['item'].find()) == sorted(ObjectId(one.json()['_id']) for one in answers)
    no_orphans()


def test_all_of_32_writers_of_one_package_finish(at_once, post, make, api, db, files_of):
    item = make('extension', content=b'first')

    def edit(number):
        return lambda client: client.put(f'/item/{item["_id"]}/metadata', json={'keywords': f'edit {number}'})

    def replace(number):
        return lambda client: upload(client, item['_id'], f'content {number}'.encode(), f'{number}.zip')
    calls = [call(number) for number in range(WRITERS // 4)
             for call in (edit, replace, lambda number: post('extension', category=f'post {number}'), replace)]
    answers = at_once(*calls)
    assert [one.status_code for one in answers if isinstance(one, httpx.Response)] == [200] * (WRITERS // 2)
    (file,) = files_of(item)
    (stored,) = db['item'].find()
    assert (stored['meta']['sha512'], stored['size']) == (file['sha512'], file['size'])
    assert file['sha512'] in {hashlib.sha512(f'content {number}'.encode()).hexdigest()
                              for number in range(WRITERS // 4)}
    assert stored['meta']['keywords'].startswith('edit ')
