"""Which packages, releases and drafts each kind of user sees and changes, through every call of the plugin."""
import json

import pytest

from plugin_tests.conftest import EXTENSION_FORM, FORMS, PACKAGE_FORM

pytestmark = pytest.mark.database

READ, WRITE, ADMIN = 0, 1, 2
PACKAGE_TYPES = pytest.mark.parametrize('package_type', ['package', 'extension'])
LISTS = ('package', 'extension', 'release', 'draft')


@pytest.fixture
def user(make_user):
    return make_user('other')


@pytest.fixture
def other_user(login, user):
    return login(user)


@pytest.fixture
def world(api, app, anonymous, make_release, ready):
    """An application with a release and a draft, a package and an extension in each, each downloaded once."""
    release = make_release('5.8', 'open')
    packages = {}
    for package_type, revision in (('package', 'revision'), ('extension', 'app_revision')):
        for value in ('open', 'hidden'):
            packages[package_type, value] = ready(package_type, **{revision: value}, repository_type=f'svn-{value}')
            anonymous.get(f'/item/{packages[package_type, value]["_id"]}/download').raise_for_status()
    return {'app': app, 'release': release, **packages}


@pytest.fixture
def hide(grant, world, folders, api):
    """Make a part of the world private; returns its folder."""
    app = world['app']

    def hider(part, *users, level=READ):
        drafts = folders(app)['draft']
        draft = folders(drafts)['hidden']
        folder = {'app': app, 'drafts': drafts, 'draft': draft, 'extensions': folders(draft)['extensions'],
                  'release': world['release']}[part]
        grant(folder, *users, level=level, recurse=True)
        return folder
    return hider


def everything(client, app):
    """Every response about an application, with the totals."""
    responses = []
    for resource in LISTS:
        for filters in ({}, {'limit': 0}, {'offset': 1}, {'sort': 'name'}, {'q': 'i'}, {'baseName': 'Slicer'},
                        {'baseName': 'SlicerIGT'}, {'revision': 'hidden'}, {'app_revision': 'hidden'},
                        {'release_id_or_name': 'draft'}, {'release_id': 'draft'}, {'release_id_or_name': 'hidden'},
                        {'release_id': 'draft', 'app_revision': 'hidden'}, {'release_id': 'hidden'},
                        {'package_name': 'Slicer_linux_amd64_hidden'}, {'os': 'linux', 'arch': 'amd64'},
                        {'extension_name': 'hidden_SlicerIGT_linux_amd64_ab12cd3'}):
            answer = client.get(f'/app/{app["_id"]}/{resource}', params=filters)
            responses.append((answer.status_code, answer.headers.get('Girder-Total-Count'), answer.text))
    responses.append(client.get(f'/app/{app["_id"]}/downloadstats').text)
    responses.append(client.get('/app').text)
    return responses


@pytest.mark.parametrize('logged_in', [False, True], ids=['anonymous', 'user without access'])
def test_a_private_application_is_invisible(world, hide, anonymous, other_user, logged_in):
    hide('app')
    client = other_user if logged_in else anonymous
    app = world['app']['_id']
    paths = [f'/app/{app}', f'/app?app_id={app}', f'/app/{app}/downloadstats', *(f'/app/{app}/{x}' for x in LISTS)]
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == (403 if logged_in else 401), path
        assert not any(word in answer.text for word in ('5.8', 'hidden', 'SlicerIGT')), path
    listed = client.get('/app')
    assert (listed.json(), listed.headers['Girder-Total-Count']) == ([], '0')
    assert client.get('/app', params={'name': 'Slicer'}).json() == []
    assert client.get('/app', params={'text': 'Slicer'}).json() == []


@pytest.mark.parametrize('part', ['draft', 'drafts'])
@pytest.mark.parametrize('logged_in', [False, True], ids=['anonymous', 'user without access'])
def test_nothing_of_a_private_draft_is_shown(world, hide, anonymous, other_user, part, logged_in):
    hide(part)
    client = other_user if logged_in else anonymous
    responses = everything(client, world['app'])
    assert 'svn-open' in str(responses)
    assert 'hidden' not in str(responses)
    for package_type in ('package', 'extension'):
        assert client.get(f'/app/{world["app"]["_id"]}/{package_type}').headers['Girder-Total-Count'] == '1'
        item = world[package_type, 'hidden']['_id']
        answer = client.get(f'/app/{world["app"]["_id"]}/{package_type}', params={f'{package_type}_id': item})
        assert (answer.json(), answer.headers['Girder-Total-Count']) == ([], '0')
        for path in (f'/item/{item}', f'/item/{item}/files', f'/item/{item}/download'):
            assert client.get(path).status_code in {401, 403}


@pytest.mark.parametrize('logged_in', [False, True], ids=['anonymous', 'user without access'])
def test_nothing_of_a_private_release_is_shown(world, hide, anonymous, other_user, logged_in):
    release = hide('release')
    client = other_user if logged_in else anonymous
    responses = everything(client, world['app'])
    assert 'svn-hidden' in str(responses)
    assert 'svn-open' not in str(responses)
    assert '"open"' not in str(responses)
    for name in ('5.8', release['_id']):
        assert client.get(f'/app/{world["app"]["_id"]}/release', params={'release_id_or_name': name}).json() is None
        assert client.get(f'/app/{world["app"]["_id"]}/package', params={'release_id_or_name': name}).json() == []
        assert client.get(f'/app/{world["app"]["_id"]}/extension', params={'release_id': name}).json() == []
    assert list(client.get(f'/app/{world["app"]["_id"]}/downloadstats').json()) == ['hidden']


def test_private_extensions_of_a_public_draft_are_not_shown(world, hide, anonymous):
    hide('extensions')
    app = world['app']['_id']
    assert [one['meta']['app_revision'] for one in anonymous.get(f'/app/{app}/extension').json()] == ['open']
    assert len(anonymous.get(f'/app/{app}/package').json()) == 2
    assert anonymous.get(f'/app/{app}/extension', params={'q': 'hidden'}).json() == []


def test_counts_of_private_extensions_of_a_public_draft_are_not_shown(world, hide, anonymous):
    hide('extensions')
    responses = anonymous.get(f'/app/{world["app"]["_id"]}/downloadstats').json()
    assert 'extensions' not in responses.get('hidden', {})


@pytest.mark.parametrize('part', ['app', 'draft', 'release'])
def test_who_has_read_on_a_private_part_sees_it(world, hide, user, other_user, api, part):
    before = everything(api, world['app'])
    hide(part, user)
    if part == 'app':
        hide('app', user)
    after = everything(other_user, world['app'])
    assert after[-2] == before[-2]
    for mine, admins in zip(after, before, strict=True):
        if isinstance(mine, tuple):
            assert mine[:2] == admins[:2]


@pytest.mark.parametrize('part', ['draft', 'release', 'extensions'])
def test_read_on_a_part_alone_does_not_open_a_private_application(world, hide, grant, user, other_user, part):
    hide('app')
    hide(part, user)
    app = world['app']['_id']
    for resource in LISTS:
        assert other_user.get(f'/app/{app}/{resource}').status_code == 403


def test_access_to_the_collection_alone_does_not_open_a_private_application(world, hide, grant, user, other_user, api):
    hide('app')
    collection = {'_id': world['app']['baseParentId']}
    grant(collection, user, level=ADMIN, public=True, kind='collection')
    assert other_user.get(f'/app/{world["app"]["_id"]}').status_code == 403
    assert other_user.get('/app').json() == []


def test_a_private_application_hides_no_other_one(world, hide, api, anonymous):
    api.post('/app', params={'name': 'Other'}).raise_for_status()
    hide('app')
    answer = anonymous.get('/app')
    assert ([one['name'] for one in answer.json()], answer.headers['Girder-Total-Count']) == (['Other'], '1')


def test_a_private_application_cannot_be_found_by_trying_its_revisions(world, hide, anonymous, other_user):
    hide('app')
    app = world['app']['_id']
    for client in (anonymous, other_user):
        answers = {client.delete(f'/app/{app}/release/{name}').json()['message'] for name in ('5.8', 'nothing')}
        assert len(answers) == 1


@pytest.mark.parametrize('part', ['release', 'draft'])
def test_a_deletion_does_not_reveal_a_private_release_or_draft(world, hide, other_user, part):
    hide(part)
    app = world['app']['_id']
    name = '5.8' if part == 'release' else 'hidden'
    assert other_user.delete(f'/app/{app}/release/{name}').status_code == 404
    assert other_user.delete(f'/app/{app}/release/nothing').status_code == 404


# Writing


@pytest.fixture
def post(other_user, app):
    return lambda package_type, **values: other_user.post(f'/app/{app["_id"]}/{package_type}',
                                                        data={**FORMS[package_type], **values})


@PACKAGE_TYPES
@pytest.mark.parametrize(('level', 'status'), [(READ, 403), (WRITE, 200), (ADMIN, 200)], ids=['READ', 'WRITE', 'ADMIN'])
def test_a_new_draft_needs_write_on_the_folder_of_drafts(app, post, grant, user, folders, stored, package_type, level,
                                                        status):
    grant(folders(app)['draft'], user, level=level, public=True)
    before = stored()
    assert post(package_type).status_code == status
    assert (stored() == before) is (status != 200)


@PACKAGE_TYPES
def test_write_on_the_application_alone_does_not_write_into_its_drafts(app, post, grant, user, stored, package_type):
    grant(app, user, level=WRITE, public=True)
    before = stored()
    assert post(package_type).status_code == 403
    assert stored() == before


@PACKAGE_TYPES
def test_without_the_folder_of_drafts_write_on_the_application_is_needed(app, api, post, grant, user, folders,
                                                                         package_type):
    api.delete(f'/folder/{folders(app)["draft"]["_id"]}').raise_for_status()
    grant(app, user, level=READ, public=True)
    assert post(package_type).status_code == 403
    grant(app, user, level=WRITE, public=True)
    assert post(package_type).status_code == 200


@PACKAGE_TYPES
@pytest.mark.parametrize(('level', 'status'), [(READ, 403), (WRITE, 200)], ids=['READ', 'WRITE'])
def test_a_release_needs_write_on_its_folder_and_no_more(make_release, post, grant, user, package_type, level, status):
    grant(make_release('5.8', '33000'), user, level=level, public=True)
    assert post(package_type).status_code == status


@pytest.mark.parametrize(('level', 'status'), [(READ, 403), (WRITE, 200)], ids=['READ', 'WRITE'])
def test_an_extension_needs_write_on_the_folder_of_extensions_and_no_more(
        app, make, post, grant, user, folders, level, status):
    make('extension', baseName='First')
    draft = folders(folders(app)['draft'])['33000']
    grant(folders(draft)['extensions'], user, level=level, public=True)
    assert post('extension').status_code == status
    assert post('package').status_code == 403


def test_a_writer_of_extensions_makes_neither_packages_nor_releases(app, make, post, grant, user, folders, other_user):
    make('extension', baseName='First')
    grant(folders(folders(folders(app)['draft'])['33000'])['extensions'], user, level=ADMIN, public=True)
    assert post('package').status_code == 403
    assert other_user.post(f'/app/{app["_id"]}/release', data={'name': '1', 'app_revision': '1'}).status_code == 403


@PACKAGE_TYPES
def test_an_update_needs_write_on_the_folder(make, post, grant, user, stored, package_type):
    item = make(package_type)
    before = stored()
    assert post(package_type, repository_type='svn').status_code == 403
    assert stored() == before
    grant({'_id': item['folderId']}, user, level=WRITE, public=True)
    assert post(package_type, repository_type='svn').json()['_id'] == item['_id']


@PACKAGE_TYPES
def test_what_a_writer_makes_belongs_to_the_folder_not_to_the_writer(app, post, grant, user, folders, db, package_type):
    grant(folders(app)['draft'], user, level=WRITE, public=True)
    post(package_type).raise_for_status()
    made = list(db['folder'].find({'spm.role': {'$in': ['revision', 'extensions']}}))
    assert made
    assert all(grants['level'] == WRITE for one in made for grants in one['access']['users'])


@PACKAGE_TYPES
def test_new_folders_are_as_public_as_their_parents(app, api, grant, folders, make, db, package_type):
    grant(folders(app)['draft'])
    make(package_type)
    assert not any(one['public'] for one in db['folder'].find({'spm.role': {'$in': ['revision', 'extensions']}}))


@PACKAGE_TYPES
def test_write_access_to_a_private_application_is_not_enough_without_read(app, post, grant, user, folders,
                                                                          package_type):
    grant(app)
    grant(folders(app)['draft'], user, level=ADMIN)
    assert post(package_type).status_code == 403


@PACKAGE_TYPES
def test_deleting_a_hidden_package_is_refused(app, make, grant, other_user, stored, package_type):
    item = make(package_type)
    grant({'_id': item['folderId']})
    before = stored()
    assert other_user.delete(f'/app/{app["_id"]}/{package_type}/{item["_id"]}').status_code in {403, 404}
    assert stored() == before


def test_a_collection_writer_creates_applications_but_no_releases_in_others(app, api, grant, user, other_user):
    grant({'_id': app['baseParentId']}, user, level=WRITE, public=True, kind='collection')
    assert other_user.post('/app', data={'name': 'Mine'}).json()['_accessLevel'] == ADMIN
    assert other_user.post(f'/app/{app["_id"]}/release', data={'name': '1', 'app_revision': '1'}).status_code == 403
    assert other_user.delete(f'/app/{app["_id"]}').status_code == 403
    assert other_user.post(f'/app/{app["_id"]}/package', data=PACKAGE_FORM).status_code == 403
    assert other_user.post(f'/app/{app["_id"]}/extension', data=EXTENSION_FORM).status_code == 403


def test_a_group_has_the_access_that_it_is_given(app, api, user, other_user, folders, post, db):
    group = api.post('/group', params={'name': 'Builders'}).json()
    api.post(f'/group/{group["_id"]}/invitation', params={'userId': str(user['_id']), 'force': True,
                                                          'quiet': True}).raise_for_status()
    api.put(f'/folder/{folders(app)["draft"]["_id"]}/access', params={'public': True, 'access': json.dumps(
        {'users': [], 'groups': [{'id': group['_id'], 'level': WRITE}]})}).raise_for_status()
    assert post('package').status_code == 200
    assert post('extension').status_code == 200
