"""What follows when administrators edit, move, copy and rename through Girder's own calls."""
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from bson.objectid import ObjectId
from girder import events
from girder.models.folder import Folder
from girder.models.item import Item

from plugin_tests.conftest import EXTENSION_FORM, FORMS, upload
from plugin_tests.rest.test_promotion import aside
from plugin_tests.waiting import PATIENCE
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.tree import consistency

pytestmark = pytest.mark.database

PACKAGE_TYPES = pytest.mark.parametrize('package_type', ['package', 'extension'])


@pytest.fixture
def edit(api):
    def editor(item, **metadata):
        return api.request('PUT', f'/item/{item["_id"]}/metadata', content=json.dumps(metadata),
                           headers={'Content-Type': 'application/json'})
    return editor


@pytest.fixture
def send(api):
    """Move or copy items or folders into a folder."""
    def sender(verb, destination, *, item=(), folder=(), to='folder'):
        chosen = {'item': [one['_id'] for one in item], 'folder': [one['_id'] for one in folder]}
        call = {'move': api.put, 'copy': api.post}[verb]
        return call(f'/resource/{verb}', params={
            'resources': json.dumps({key: ids for key, ids in chosen.items() if ids}),
            'parentType': to, 'parentId': destination['_id']})
    return sender


@pytest.fixture
def rename(api):
    def renamer(folder, name):
        return api.put(f'/folder/{folder["_id"]}', params={'name': name})
    return renamer


@pytest.fixture
def draft_folder(app, folders):
    return lambda revision='33000': folders(folders(app)['draft'])[revision]


@pytest.fixture
def stranger(api):
    """A folder that is none of the registry's."""
    mine = api.post('/collection', params={'name': 'Mine', 'public': True}).json()
    return api.post('/folder', params={'parentType': 'collection', 'parentId': mine['_id'], 'name': 'stuff'}).json()


# Metadata


@PACKAGE_TYPES
def test_metadata_can_be_edited(make, edit, item_of, package_type):
    item = make(package_type)
    assert edit(item, repository_type='hg').status_code == 200
    assert item_of(item)['meta'] == {**item['meta'], 'repository_type': 'hg'}


def test_an_edited_value_keeps_its_type(make, edit, item_of):
    item = make('extension')
    edit(item, tier='3', enabled='false', keywords='a\nb').raise_for_status()
    meta = item_of(item)['meta']
    assert (meta['tier'], meta['enabled'], meta['keywords']) == (3, False, 'a b')


@pytest.mark.parametrize(('package_type', 'metadata', 'field'), [
    ('package', {'color': 'red'}, 'color'), ('package', {'os': 'beos'}, 'os'), ('package', {'os': ''}, 'os'),
    ('package', {'version': ['5']}, 'version'), ('package', {'version': {'a': 1}}, 'version'),
    ('package', {'version': 5}, 'version'), ('package', {'pre_release': 'x'}, 'pre_release'),
    ('package', {'build_date': 'x'}, 'build_date'), ('package', {'build_date': 5}, 'build_date'),
    ('package', {'baseName': 'x' * 256}, 'baseName'), ('package', {'repository_url': 'x' * 4097}, 'repository_url'),
    ('extension', {'tier': 'x'}, 'tier'), ('extension', {'tier': 1.5}, 'tier'), ('extension', {'tier': True}, 'tier'),
    ('extension', {'enabled': 1}, 'enabled'), ('extension', {'screenshots': ['https://a']}, 'screenshots'),
    ('extension', {'description': 'x' * 65537}, 'description'), ('extension', {'icon_url': 5}, 'icon_url'),
    ('extension', {'keywords': '\ud800'}, 'keywords'), ('extension', {'keywords': 10**400}, 'keywords'),
    ('extension', {'tier': 10**400}, 'tier')])
def test_unusable_metadata_is_refused_by_name(make, edit, item_of, package_type, metadata, field):
    item = make(package_type)
    answer = edit(item, **metadata)
    assert (answer.status_code, answer.json().get('field')) == (400, field), answer.text
    assert item_of(item)['meta'] == item['meta']


@pytest.mark.parametrize('key', ['a.b', '$where', '', '\ud800', 'x' * 5000, 'a\x00b'])
def test_unusable_keys_are_refused(make, edit, item_of, key):
    item = make('package')
    assert edit(item, **{key: 'x'}).status_code == 400
    assert item_of(item)['meta'] == item['meta']


@pytest.mark.parametrize(('package_type', 'key', 'field'), [
    ('package', 'baseName', 'baseName'), ('package', 'version', 'version'),
    ('extension', 'app_revision', 'app_revision'), ('extension', 'description', 'description')])
@pytest.mark.parametrize('way', ['null', 'DELETE'])
def test_required_metadata_cannot_be_deleted(api, make, edit, item_of, package_type, key, field, way):
    item = make(package_type)
    answer = edit(item, **{key: None}) if way == 'null' else api.request(
        'DELETE', f'/item/{item["_id"]}/metadata', params={'fields': json.dumps([key])})
    assert (answer.status_code, answer.json()['field']) == (400, field)
    assert item_of(item)['meta'] == item['meta']


@pytest.mark.parametrize('way', ['null', 'DELETE', 'empty'])
def test_optional_metadata_can_be_deleted(api, make, edit, item_of, way):
    item = make('extension', tier='3')
    if way == 'DELETE':
        api.delete(f'/item/{item["_id"]}/metadata', params={'fields': '["tier"]'}).raise_for_status()
    else:
        edit(item, tier=None if way == 'null' else '').raise_for_status()
    assert 'tier' not in item_of(item)['meta']


@pytest.mark.parametrize('way', ['null', 'DELETE'])
def test_pre_release_is_always_there(api, make, edit, item_of, way):
    item = make('package', pre_release='true')
    if way == 'null':
        edit(item, pre_release=None).raise_for_status()
    else:
        api.delete(f'/item/{item["_id"]}/metadata', params={'fields': '["pre_release"]'}).raise_for_status()
    assert item_of(item)['meta']['pre_release'] is False


@pytest.mark.parametrize(('package_type', 'key'), [('package', 'app_id'), ('package', 'sha512'), ('package', 'release'),
                                           ('extension', 'app_id'), ('extension', 'sha512')])
def test_what_the_registry_knows_cannot_be_edited(make, edit, item_of, make_release, package_type, key):
    make_release()
    item = make(package_type, content=b'x')
    before = item_of(item)['meta']
    edit(item, **{key: 'mine'}).raise_for_status()
    edit(item, **{key: None}).raise_for_status()
    assert item_of(item)['meta'] == before


@PACKAGE_TYPES
def test_an_edit_that_makes_two_of_one_identity_is_refused(make, edit, item_of, package_type):
    make(package_type)
    item = make(package_type, os='win')
    answer = edit(item, os='linux')
    assert answer.status_code == 409
    assert item_of(item)['meta'] == item['meta']


def test_descriptions_are_sanitised_in_every_way(api, make, edit, item_of):
    extension, package = make('extension'), make('package')
    edit(extension, description='<b>a</b><script>b</script>').raise_for_status()
    api.put(f'/item/{package["_id"]}', params={'description': '<b>a</b><script>b</script>'}).raise_for_status()
    assert item_of(extension)['meta']['description'] == item_of(extension)['description'] == '<b>a</b>'
    assert item_of(package)['description'] == '<b>a</b>'


@PACKAGE_TYPES
def test_an_item_may_get_another_name_until_it_is_posted_again(api, make, item_of, package_type):
    item = make(package_type)
    api.put(f'/item/{item["_id"]}', params={'name': 'Something else'}).raise_for_status()
    assert item_of(item)['name'] == 'Something else'
    assert make(package_type)['name'] == item['name']


def test_a_package_made_with_girders_calls_is_one(api, make, found, draft_folder):
    make('package')
    meta = {'os': 'win', 'arch': 'amd64', 'baseName': 'Slicer', 'repository_type': 'git',
            'repository_url': 'https://github.com/Slicer/Slicer', 'revision': '33000', 'version': '5.8'}
    made = api.post('/item', params={'folderId': draft_folder()['_id'], 'name': 'by hand',
                                     'metadata': json.dumps(meta)}).raise_for_status().json()
    upload(api, made['_id'], b'x')
    listed, = found('package')
    assert listed['_id'] == made['_id']
    assert listed['meta']['pre_release'] is False
    assert len(listed['meta']['sha512']) == 128


def test_a_note_in_a_draft_is_no_package(api, make, found, draft_folder):
    make('package')
    api.post('/item', params={'folderId': draft_folder()['_id'], 'name': 'note',
                              'metadata': '{"note": ["x"]}'}).raise_for_status()
    assert len(found('package', api)) == 1


# Moves and copies of items


@pytest.mark.parametrize('name', ['../../evil.tar.gz', 'a\\b.zip', 'x' * 256])
def test_an_item_whose_file_has_an_unusable_name_becomes_no_package(api, make, edit, found, draft_folder, name):
    package = make('package', content=b'x')
    item = api.post('/item', params={'folderId': draft_folder()['_id'], 'name': 'by hand'}).json()
    file = upload(api, item['_id'], b'y', name=name)
    values = {'os': 'win', 'arch': 'amd64', 'baseName': 'Slicer', 'repository_type': 'git',
              'repository_url': 'https://github.com/Slicer/Slicer', 'revision': '33000', 'version': '5.8'}
    refused = edit(item, **values)
    assert refused.status_code == 400
    assert f'"{name}"' in refused.json()['message']
    assert [one['_id'] for one in found('package')] == [package['_id']]
    api.put(f'/file/{file["_id"]}', params={'name': 'good.zip'}).raise_for_status()
    edit(item, **values).raise_for_status()
    assert len(found('package')) == 2


def test_a_package_moved_into_a_release_and_back_follows(make, make_release, send, item_of, draft_folder, found, api):
    item = make('package', content=b'x')
    release = make_release('5.8', '34000')
    send('move', release, item=[item]).raise_for_status()
    assert item_of(item)['meta']['release'] == '5.8'
    assert [one['_id'] for one in found('package', release_id_or_name='5.8')] == [item['_id']]
    assert found('package', release_id_or_name='draft') == []
    send('move', draft_folder(), item=[item]).raise_for_status()
    assert 'release' not in item_of(item)['meta']
    assert [one['_id'] for one in found('package', release_id_or_name='draft')] == [item['_id']]


def test_a_package_moved_between_releases_follows(make, make_release, send, item_of):
    make_release('5.8', '33000')
    item = make('package')
    send('move', make_release('5.9', '34000'), item=[item]).raise_for_status()
    assert item_of(item)['meta']['release'] == '5.9'


def test_an_extension_moved_into_a_release_is_found_there(make, make_release, send, folders, found):
    item = make('extension', content=b'x')
    release = make_release('5.8', '34000')
    make('extension', app_revision='34000', baseName='Other')
    send('move', folders(release)['extensions'], item=[item]).raise_for_status()
    assert [one['_id'] for one in found('extension', release_id='5.8')] == [item['_id']]
    assert found('extension', release_id='draft') == []


@PACKAGE_TYPES
def test_a_package_moved_elsewhere_is_none_until_it_is_moved_back(make, send, stranger, api, found, item_of,
                                                                     package_type):
    item = make(package_type, content=b'x')
    send('move', stranger, item=[item]).raise_for_status()
    assert found(package_type, api) == []
    send('move', {'_id': item['folderId']}, item=[item]).raise_for_status()
    assert [one['_id'] for one in found(package_type)] == [item['_id']]
    assert item_of(item)['meta']['sha512']


@PACKAGE_TYPES
@pytest.mark.parametrize('verb', ['move', 'copy'])
def test_a_second_one_of_an_identity_cannot_be_brought_in(make, make_release, send, folders, stored, package_type,
                                                          verb):
    item = make(package_type, content=b'x')
    release = make_release('5.8', '33000')
    make(package_type, content=b'y')
    destination = release if package_type == 'package' else folders(release)['extensions']
    before = stored()
    assert send(verb, destination, item=[item]).status_code == 409
    after = stored()
    assert [one['_id'] for one in after['item']] == [one['_id'] for one in before['item']]
    assert len(after['file']) == len(before['file'])
    assert {one['_id']: one['size'] for one in after['folder']} == {one['_id']: one['size'] for one in before['folder']}


def test_a_package_of_another_type_cannot_be_moved_in(make, send, draft_folder, item_of, folders):
    package, extension = make('package'), make('extension')
    assert send('move', draft_folder(), item=[extension]).status_code == 400
    assert send('move', folders(draft_folder())['extensions'], item=[package]).status_code == 400
    assert item_of(package)['folderId'] == package['folderId']
    assert item_of(extension)['folderId'] == extension['folderId']


def test_a_copied_package_follows_its_folder(make, make_release, send, found, items, item_of):
    item = make('package', content=b'x')
    release = make_release('5.8', '34000')
    send('copy', release, item=[item]).raise_for_status()
    copy, = items(release).values()
    assert copy['meta']['release'] == '5.8'
    assert copy['meta']['sha512'] == item_of(item)['meta']['sha512']
    assert 'release' not in item_of(item)['meta']
    assert len(found('package')) == 2


def test_a_package_copied_into_a_draft_has_no_release(make, make_release, send, items, draft_folder):
    make('package', revision='35000')
    make_release('5.8', '33000')
    item = make('package')
    assert item['meta']['release'] == '5.8'
    send('copy', draft_folder('35000'), item=[item]).raise_for_status()
    copies = [one for one in items(draft_folder('35000')).values() if one['meta']['revision'] == '33000']
    assert [one['meta'].get('release') for one in copies] == [None]


@PACKAGE_TYPES
def test_a_copy_elsewhere_is_no_package(make, send, stranger, found, items, package_type):
    item = make(package_type, content=b'x')
    send('copy', stranger, item=[item]).raise_for_status()
    assert [one['_id'] for one in found(package_type)] == [item['_id']]
    assert len(items(stranger)) == 1


# Folders


def test_a_renamed_release_renames_it_in_its_packages(make, make_release, rename, item_of, found):
    release = make_release('5.8', '33000')
    item = make('package', content=b'x')
    rename(release, '5.8.0').raise_for_status()
    assert item_of(item)['meta']['release'] == '5.8.0'
    assert [one['_id'] for one in found('package', release_id_or_name='5.8.0')] == [item['_id']]
    assert found('package', release_id_or_name='5.8') == []
    assert make('package')['meta']['release'] == '5.8.0'


def test_an_upload_that_ends_while_its_release_is_renamed_is_not_forgotten(
        api, make, make_release, rename, item_of, found, monkeypatch):
    release = make_release('5.8', '33000')
    item = make('package')
    register_items, started = consistency.register_items, []

    def overtake():
        upload(api, item['_id'], b'content')
        api.put(f'/item/{item["_id"]}/metadata', json={'repository_type': 'hg'}).raise_for_status()

    def register_and_be_overtaken(folder):
        if not started:
            started.append(pool.submit(overtake))
        register_items(folder)
    monkeypatch.setattr(consistency, 'register_items', register_and_be_overtaken)
    with ThreadPoolExecutor(1) as pool:  # requests are bound to their threads
        rename(release, '5.8.0').raise_for_status()
        started[0].result(PATIENCE)
    meta = item_of(item)['meta']
    assert (meta['release'], meta['repository_type']) == ('5.8.0', 'hg')
    assert meta['sha512'] == hashlib.sha512(b'content').hexdigest()
    assert [one['_id'] for one in found('package')] == [item['_id']]


def test_a_release_is_not_renamed_to_another_ones_name(make_release, rename):
    make_release('5.8', '1')
    release = make_release('5.9', '2')
    for name in ('5.8', 'draft', 'extensions', 'DRAFT', 'a\nb', 'x' * 256):
        assert rename(release, name).status_code == 400, name


@pytest.mark.parametrize('name', ['a\nb', 'a\x00b', 'x' * 256, ''])
def test_applications_and_drafts_keep_usable_names(app, make, draft_folder, rename, name):
    make('package')
    assert rename(app, name).status_code == 400
    assert rename(draft_folder(), name).status_code == 400


def test_a_release_keeps_a_revision_of_its_own(api, make_release):
    make_release('5.8', '1')
    release = make_release('5.9', '2')
    for revision in ('1', '', None, [], 5):
        answer = api.put(f'/folder/{release["_id"]}/metadata', json={'revision': revision})
        assert answer.status_code == 400, revision
    assert api.get(f'/folder/{release["_id"]}').json()['meta'] == {'revision': '2'}


def test_a_changed_revision_of_a_release_is_where_uploads_go(api, make_release, make):
    release = make_release('5.8', '1')
    api.put(f'/folder/{release["_id"]}/metadata', json={'revision': '33000'}).raise_for_status()
    assert make('package')['folderId'] == release['_id']


@pytest.mark.parametrize('name', ['draft', 'extensions', 'packages'])
def test_folders_of_the_structure_keep_their_names(app, folders, make, draft_folder, rename, name):
    make('extension')
    folder = {'draft': folders(app)['draft'], 'extensions': folders(draft_folder()).get('extensions'),
              'packages': {'_id': app['parentId']}}[name]
    answer = rename(folder, 'other')
    assert (answer.status_code, answer.json()['field']) == (400, 'name')


def test_a_draft_that_becomes_a_release_by_a_move_takes_its_packages_along(
        app, make, send, rename, draft_folder, item_of, found):
    package, extension = make('package', content=b'x'), make('extension', content=b'y')
    draft = draft_folder()
    send('move', app, folder=[draft]).raise_for_status()
    rename(draft, '5.8').raise_for_status()
    assert item_of(package)['meta']['release'] == '5.8'
    assert [one['_id'] for one in found('extension', release_id='5.8')] == [extension['_id']]
    assert found('draft') == []
    assert found('package', release_id_or_name='draft') == []


def test_a_release_moved_among_the_drafts_is_a_draft(app, make, make_release, send, folders, item_of, found):
    release = make_release('5.8', '33000')
    package, extension = make('package', content=b'x'), make('extension', content=b'y')
    send('move', folders(app)['draft'], folder=[release]).raise_for_status()
    assert 'release' not in item_of(package)['meta']
    assert found('release') == []
    assert [one['_id'] for one in found('extension', release_id='draft')] == [extension['_id']]
    assert make('package')['_id'] == package['_id']


def test_a_release_moved_elsewhere_is_no_release(make, make_release, send, stranger, found, folders, app):
    release = make_release('5.8', '33000')
    make('package', content=b'x')
    make('extension', content=b'y')
    send('move', stranger, folder=[release]).raise_for_status()
    assert found('release') == found('package') == found('extension') == []
    send('move', app, folder=[release]).raise_for_status()
    assert (len(found('release')), len(found('package')), len(found('extension'))) == (1, 1, 1)


def test_an_application_moved_to_another_collection_keeps_its_packages(api, app, make, make_release, send, found):
    make_release('5.8', '34000')
    package, extension = make('package', content=b'x'), make('extension', content=b'y')
    other = api.post('/app', params={'name': 'Other', 'collection_name': 'Others'}).json()
    send('move', {'_id': other['parentId']}, folder=[app]).raise_for_status()
    assert [one['_id'] for one in found('package')] == [package['_id']]
    assert [one['_id'] for one in found('extension')] == [extension['_id']]
    assert len(found('release')) == 1
    listed = api.get('/app', params={'collection_id': other['baseParentId']}).json()
    assert [one['name'] for one in listed] == ['Other', 'Slicer']


def test_an_application_moved_elsewhere_is_none(api, app, make, send, stranger):
    make('package', content=b'x')
    send('move', stranger, folder=[app]).raise_for_status()
    assert api.get(f'/app/{app["_id"]}').status_code == 404
    assert api.get('/app').json() == []


def test_a_copied_application_is_one_of_its_own(api, app, make, make_release, send, found):
    make_release('5.8', '34000')
    make('package', content=b'x')
    make('extension', content=b'y', app_revision='34000')
    place = api.post('/app', params={'name': 'Other', 'collection_name': 'Others'}).json()
    send('copy', {'_id': place['parentId']}, folder=[app]).raise_for_status()
    copy, = api.get('/app', params={'collection_id': place['baseParentId'], 'name': 'Slicer'}).json()
    assert copy['_id'] != app['_id']
    for kind in ('package', 'extension', 'release', 'draft'):
        old, = found(kind)
        new, = api.get(f'/app/{copy["_id"]}/{kind}').json()
        assert new['_id'] != old['_id']
        assert new['meta'] == {**old['meta'], **({'app_id': copy['_id']} if kind in {'package', 'extension'} else {})}


def test_a_copied_release_in_its_application_is_refused_for_its_revision(app, make, make_release, send, stored):
    release = make_release('5.8', '33000')
    make('package', content=b'x')
    before = stored()
    answer = send('copy', app, folder=[release])
    assert 400 <= answer.status_code < 500, answer.text
    after = stored()
    assert [one['_id'] for one in after['folder']] == [one['_id'] for one in before['folder']]
    assert after['item'] == before['item']


def test_a_copied_release_elsewhere_is_no_release(make, make_release, send, stranger, found, folders, items):
    release = make_release('5.8', '33000')
    make('package', content=b'x')
    send('copy', stranger, folder=[release]).raise_for_status()
    assert (len(found('release')), len(found('package'))) == (1, 1)
    assert len(items(folders(stranger)['5.8'])) == 1


@pytest.mark.parametrize('deleted', ['item', 'folder'])
def test_a_copy_that_is_deleted_while_it_is_made_leaves_nothing(make, make_release, send, stored, deleted):
    item = make('package', content=b'x')
    release, before = make_release('5.8', '34000'), stored()

    def delete(event):
        copy = Item().findOne({'_id': event.info[1]['_id']})
        if deleted == 'item':
            Item().remove(copy)
        else:
            Folder().remove(Folder().load(copy['folderId'], force=True))
    with events.bound('model.item.copy.prepare', 'test', delete):
        answer = send('copy', release, item=[item])
    assert answer.status_code == 404, answer.text
    assert 'was deleted' in answer.json()['message']
    after = stored()
    assert (after['item'], after['file']) == (before['item'], before['file'])
    folders = [{one['_id'] for one in found['folder']} for found in (after, before)]
    assert folders[0] | {ObjectId(release['_id'])} == folders[1]


def test_a_copy_to_a_release_that_is_deleted_meanwhile_is_refused(api, make, make_release, send, stored, monkeypatch):
    from slicer_package_manager.registry.tree import item_files
    item = make('package', content=b'x')
    release = make_release('5.8', '34000')
    take, todo = item_files.take, [lambda: api.delete(f'/folder/{release["_id"]}').raise_for_status()]

    def late(file):
        if todo:
            aside(todo.pop())
        return take(file)
    monkeypatch.setattr(item_files, 'take', late)
    before = stored()
    assert send('copy', release, item=[item]).status_code == 404
    after = stored()
    assert (after['item'], after['file']) == (before['item'], before['file'])


def test_a_release_made_with_girders_calls_is_one(api, app, found, make):
    made = api.post('/folder', params={'parentId': app['_id'], 'name': '5.8',
                                       'metadata': '{"revision": "33000"}'}).raise_for_status().json()
    assert [one['_id'] for one in found('release')] == [made['_id']]
    assert make('package')['meta']['release'] == '5.8'


def test_a_folder_becomes_a_release_with_a_revision(api, app, found, make):
    made = api.post('/folder', params={'parentId': app['_id'], 'name': '5.8'}).json()
    assert found('release') == []
    api.put(f'/folder/{made["_id"]}/metadata', json={'revision': '33000'}).raise_for_status()
    assert [one['_id'] for one in found('release')] == [made['_id']]
    assert make('package')['folderId'] == made['_id']


def test_a_draft_made_with_girders_calls_is_one(api, app, found, folders, make):
    made = api.post('/folder', params={'parentId': folders(app)['draft']['_id'], 'name': '33000'}).json()
    assert [one['_id'] for one in found('draft', revision='33000')] == [made['_id']]
    assert make('package')['folderId'] == made['_id']


@PACKAGE_TYPES
def test_an_upload_reports_that_the_draft_of_another_revision_has_its_name(api, app, make, draft_folder, rename, stored,
                                                                           package_type):
    make('package')
    rename(draft_folder(), '33001').raise_for_status()
    before = stored()
    form = {**FORMS[package_type], {'package': 'revision', 'extension': 'app_revision'}[package_type]: '33001'}
    refused = api.post(f'/app/{app["_id"]}/{package_type}', params=form)
    assert refused.status_code == 409
    assert '"33001"' in refused.json()['message']
    assert stored() == before


@pytest.mark.parametrize('delete', ['item', 'folder'])
@PACKAGE_TYPES
def test_who_saves_a_package_that_was_deleted_meanwhile_does_not_bring_it_back(api, make, draft_folder, stored,
                                                                               package_type, delete):
    item = Item().load(make(package_type, content=b'x')['_id'], force=True)
    address = {'item': f'/item/{item["_id"]}', 'folder': f'/folder/{draft_folder()["_id"]}'}[delete]
    api.delete(address).raise_for_status()
    with pytest.raises(NotFound):
        Item().setMetadata(item, {'repository_type': 'svn'})
    assert stored()['item'] == []


def test_an_application_renamed_is_listed_under_its_new_name(api, app, rename, make, found):
    make('package', content=b'x')
    rename(app, 'SlicerX').raise_for_status()
    assert [one['name'] for one in api.get('/app').json()] == ['SlicerX']
    assert len(found('package')) == 1


def test_packages_of_a_draft_deleted_in_the_web_client_are_gone(api, make, draft_folder, found, stored):
    make('package', content=b'x')
    make('extension', content=b'y')
    api.delete(f'/folder/{draft_folder()["_id"]}').raise_for_status()
    assert found('draft') == found('package') == found('extension') == []
    assert stored()['item'] == stored()['file'] == []


def test_the_folder_of_drafts_is_made_again_when_it_was_deleted(api, app, make, folders, found):
    make('package')
    api.delete(f'/folder/{folders(app)["draft"]["_id"]}').raise_for_status()
    assert found('draft') == []
    make('extension', content=b'x')
    assert len(found('extension')) == len(found('draft')) == 1


def test_the_folder_of_extensions_is_made_again_when_it_was_deleted(api, make, folders, found, make_release):
    release = make_release('5.8', '33000')
    make('extension')
    api.delete(f'/folder/{folders(release)["extensions"]["_id"]}').raise_for_status()
    make('extension', content=b'x')
    assert len(found('extension')) == 1


def test_strangers_keep_every_liberty(api, stranger, send, rename):
    item = api.post('/item', params={'folderId': stranger['_id'], 'name': 'x',
                                     'metadata': json.dumps({**EXTENSION_FORM, 'color': ['red'], 'os': 5})})
    item.raise_for_status()
    inner = api.post('/folder', params={'parentId': stranger['_id'], 'name': 'draft'}).json()
    rename(inner, 'extensions').raise_for_status()
    send('move', inner, item=[item.json()]).raise_for_status()
    send('copy', stranger, folder=[inner]).raise_for_status()
    api.put(f'/folder/{inner["_id"]}/metadata', json={'revision': [1], 'applicationPackageNameTemplate': 5})
    assert api.get(f'/item/{item.json()["_id"]}').json()['meta']['color'] == ['red']
