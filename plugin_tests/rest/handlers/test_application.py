import pytest

from plugin_tests.conftest import PACKAGE_FORM

pytestmark = pytest.mark.database

SLICER_ID = '5f4474d0e1d8c75dfc705482'
TEMPLATES = {'applicationPackageNameTemplate': '{baseName}_{os}_{arch}_{revision}',
             'extensionPackageNameTemplate': '{app_revision}_{baseName}_{os}_{arch}_{revision}'}


@pytest.fixture
def create(api):
    def creator(name='Slicer', client=api, **values):
        return client.post('/app', data={'name': name, **values})
    return creator


@pytest.fixture
def collections(api):
    return lambda: {one['name']: one for one in api.get('/collection', params={'limit': 0}).json()}


@pytest.fixture
def listed(anonymous):
    def names(client=anonymous, **filters):
        return [one['name'] for one in client.get('/app', params=filters).raise_for_status().json()]
    return names


def test_the_first_application_makes_what_holds_it(create, collections, folders):
    app = create().json()
    collection = collections()['Applications']
    packages = folders(collection, 'collection')['packages']
    assert app['parentId'] == packages['_id']
    assert list(folders(app)) == ['draft']
    assert (collection['public'], packages['public'], app['public']) == (True, True, True)


def test_an_application_has_both_default_templates(create):
    assert create().json()['meta'] == TEMPLATES


def test_an_application_is_answered_as_girder_answers_folders(api, create):
    app = create(app_description='A platform').json()
    assert app['description'] == 'A platform'
    assert app == api.get(f'/folder/{app["_id"]}').json()


def test_the_registration_of_an_application_is_not_shown(app):
    assert 'spm' not in app
    assert 'access' not in app


def test_a_second_application_of_that_name_in_the_same_place_is_refused(create, stored):
    create()
    before = stored()
    answer = create()
    assert (answer.status_code, answer.json()['field']) == (400, 'name')
    assert stored() == before


def test_the_same_name_may_be_used_in_another_collection(create):
    assert create().json()['_id'] != create(collection_name='Others').raise_for_status().json()['_id']


def test_a_named_collection_is_made_with_its_description(create, collections):
    create(collection_name='Mine', collection_description='All mine')
    assert (collections()['Mine']['description'], collections()['Mine']['public']) == ('All mine', True)


def test_a_named_collection_that_exists_is_used(create, api, folders):
    mine = api.post('/collection', params={'name': 'Mine', 'public': False}).json()
    create(collection_name='Mine').raise_for_status()
    assert list(folders(mine, 'collection')) == ['packages']


def test_the_collection_can_be_given_by_its_id(create, api, folders):
    mine = api.post('/collection', params={'name': 'Mine'}).json()
    app = create(collection_id=mine['_id']).raise_for_status().json()
    assert app['baseParentId'] == mine['_id']


def test_a_packages_folder_made_by_hand_is_used(create, api, folders):
    mine = api.post('/collection', params={'name': 'Mine'}).json()
    packages = api.post('/folder', params={'parentType': 'collection', 'parentId': mine['_id'],
                                           'name': 'packages'}).json()
    assert create(collection_id=mine['_id']).json()['parentId'] == packages['_id']


def test_a_private_application_hides_no_others(create, listed, collections, folders):
    create('Secret', public=False)
    create('Open')
    assert listed() == ['Open']
    assert folders(collections()['Applications'], 'collection')['packages']['public']


def test_the_draft_folder_is_as_private_as_its_application(create, folders):
    assert folders(create(public=False).json())['draft']['public'] is False


@pytest.mark.parametrize('values', [{'name': ''}, {'name': ' \n'}, {'name': 'x' * 256},
                                    {'app_description': 'x' * 65537}, {'collection_name': 'x' * 256},
                                    {'collection_description': 'x' * 65537}, {'app_id': 'xyz'}, {'public': 'maybe'}])
def test_unusable_values_are_refused_and_leave_nothing(create, stored, values):
    before = stored()
    assert create(**values).status_code == 400
    assert stored() == before


def test_descriptions_are_sanitised(create):
    assert create(app_description='<b>x</b><script>y</script>').json()['description'] == '<b>x</b>'


def test_an_unknown_collection_is_404(create):
    assert create(collection_id=SLICER_ID).status_code == 404


def test_creating_needs_a_login(create, anonymous, stored):
    before = stored()
    assert create(client=anonymous).status_code == 401
    assert stored() == before


def test_creating_a_collection_needs_the_right_to(create, login, make_user, stored):
    user = make_user('member')
    before = stored()
    assert create(client=login(user)).status_code == 403
    assert stored() == before


def test_a_user_who_may_create_collections_creates_and_administers_an_application(create, login, make_user, api):
    user = make_user('member')
    api.put('/system/setting', params={
        'key': 'core.collection_create_policy',
        'value': f'{{"open": false, "groups": [], "users": ["{user["_id"]}"]}}'}).raise_for_status()
    app = create(client=login(user)).raise_for_status().json()
    assert app['_accessLevel'] == 2


@pytest.mark.parametrize(('level', 'status'), [(0, 403), (1, 200), (2, 200)], ids=['READ', 'WRITE', 'ADMIN'])
def test_creating_needs_write_on_the_collection_and_no_more(create, login, make_user, api, grant, level, status):
    user = make_user('member')
    mine = api.post('/collection', params={'name': 'Mine'}).json()
    grant(mine, user, level=level, kind='collection')
    assert create(client=login(user), collection_id=mine['_id']).status_code == status


def test_an_administrator_chooses_the_id(create, anonymous):
    assert create(app_id=SLICER_ID).json()['_id'] == SLICER_ID
    assert anonymous.get(f'/app/{SLICER_ID}').json()['name'] == 'Slicer'


@pytest.mark.parametrize('kind', ['application', 'folder'])
def test_an_id_in_use_is_a_conflict(create, api, app, stored, folders, kind):
    used = app if kind == 'application' else folders(app)['draft']
    before = stored()
    assert create('Other', app_id=used['_id']).status_code == 409
    assert create('Other', app_id=used['_id'], collection_name='New').status_code == 409
    assert stored() == before


def test_others_do_not_choose_the_id(create, login, make_user, app, api, grant, collections):
    user = make_user('member')
    grant(collections()['Applications'], user, level=2, public=True, kind='collection')
    assert create('Other', client=login(user), app_id=SLICER_ID).status_code == 403
    assert create('Other', client=login(user)).status_code == 200


def test_without_applications_the_list_is_empty(anonymous, db):
    answer = anonymous.get('/app')
    assert (answer.json(), answer.headers['Girder-Total-Count']) == ([], '0')


def test_applications_are_listed_by_name(create, listed):
    for name in ('Slicer', 'CustomApp', 'SlicerSALT'):
        create(name)
    assert listed() == ['CustomApp', 'Slicer', 'SlicerSALT']
    assert listed(sort='name', sortdir=-1) == ['SlicerSALT', 'Slicer', 'CustomApp']


def test_only_applications_of_the_default_collection_are_listed(create, listed):
    create('Slicer')
    other = create('Other', collection_name='Others').json()
    assert listed() == ['Slicer']
    assert listed(collection_id=other['baseParentId']) == ['Other']


@pytest.mark.parametrize(('collection_id', 'status'), [
    (SLICER_ID, 404), ('Applications', 400), ('', 400), ('x' * 24, 400)])
def test_an_unknown_collection_is_refused(app, anonymous, collection_id, status):
    answer = anonymous.get('/app', params={'collection_id': collection_id})
    assert answer.status_code == status
    assert 'collection' in answer.json()['message']


def test_a_collection_that_one_cannot_read_and_has_nothing_for_one_is_unknown(api, anonymous, create):
    empty = api.post('/collection', params={'name': 'Empty', 'public': True}).raise_for_status().json()
    hidden = api.post('/collection', params={'name': 'Hidden', 'public': False}).raise_for_status().json()
    create('Mine', collection_id=hidden['_id'], public=False).raise_for_status()
    assert anonymous.get('/app', params={'collection_id': empty['_id']}).json() == []
    assert anonymous.get('/app', params={'collection_id': hidden['_id']}).status_code == 404
    assert [one['name'] for one in api.get('/app', params={'collection_id': hidden['_id']}).json()] == ['Mine']
    create('Open', collection_id=hidden['_id']).raise_for_status()
    assert [one['name'] for one in anonymous.get('/app', params={'collection_id': hidden['_id']}).json()] == ['Open']


def test_name_is_compared_exactly(create, listed):
    create('Slicer')
    create('SlicerSALT')
    assert listed(name='Slicer') == ['Slicer']
    assert listed(name='slicer') == []
    assert listed(name='') == []


@pytest.mark.parametrize(('text', 'names'), [
    ('salt', ['SlicerSALT']), ('SLICER platform', ['Slicer']), ('platform slicer', ['Slicer']), ('.*', []),
    ('nothing', []), ('a\nb', []), ('S', ['Slicer', 'SlicerSALT']), (' ', ['Slicer', 'SlicerSALT'])])
def test_text_finds_all_words_in_name_or_description(create, listed, text, names):
    create('Slicer', app_description='A platform')
    create('SlicerSALT')
    assert listed(text=text) == names


def test_with_app_id_that_one_folder_is_answered_as_an_object(anonymous, app):
    by_parameter = anonymous.get('/app', params={'app_id': app['_id']}).json()
    assert by_parameter == anonymous.get(f'/app/{app["_id"]}').json()
    assert by_parameter['_id'] == app['_id']


@pytest.mark.parametrize('kind', ['unknown', 'malformed', 'draft', 'packages', 'release'])
def test_an_id_that_is_no_application_is_404(api, app, folders, make_release, kind):
    wrong = {'unknown': SLICER_ID, 'malformed': 'Slicer', 'draft': folders(app)['draft']['_id'],
             'packages': app['parentId'], 'release': make_release()['_id']}[kind]
    for answer in (api.get('/app', params={'app_id': wrong}), api.get(f'/app/{wrong}'), api.delete(f'/app/{wrong}'),
                   api.get(f'/app/{wrong}/release'), api.get(f'/app/{wrong}/draft'),
                   api.get(f'/app/{wrong}/package'), api.get(f'/app/{wrong}/extension'),
                   api.get(f'/app/{wrong}/downloadstats'), api.post(f'/app/{wrong}/package'),
                   api.post(f'/app/{wrong}/release', params={'name': 'x', 'app_revision': '1'})):
        assert answer.status_code == 404, answer.text
        assert 'message' in answer.json()


def test_paging_neither_repeats_nor_skips(create, anonymous):
    wanted = sorted(create(f'App {number}', app_description='same').json()['name'] for number in range(7))
    for sort in ('name', 'description', 'size', 'created'):
        names = []
        for offset in range(0, 9, 2):
            answer = anonymous.get('/app', params={'limit': 2, 'offset': offset, 'sort': sort})
            assert answer.headers['Girder-Total-Count'] == '7'
            names += [one['name'] for one in answer.json()]
        assert sorted(names) == wanted


def test_deleting_an_application_deletes_everything_below(api, app, ready, make_release, stored, found):
    ready('package')
    make_release('5.9', '34000')
    ready('extension', app_revision='34000')
    message = api.delete(f'/app/{app["_id"]}').raise_for_status().json()['message']
    assert 'Slicer' in message
    left = stored()
    assert [one['name'] for one in left['folder'] if one['parentCollection'] != 'user'] == ['packages']
    assert left['item'] == left['file'] == []
    assert api.get(f'/app/{app["_id"]}').status_code == 404


@pytest.mark.parametrize(('level', 'status'), [(0, 403), (1, 403), (2, 200)], ids=['READ', 'WRITE', 'ADMIN'])
def test_deleting_an_application_needs_admin_on_it(api, app, login, make_user, grant, level, status):
    user = make_user('member')
    grant(app, user, level=level, public=True)
    assert login(user).delete(f'/app/{app["_id"]}').status_code == status
    assert (api.get(f'/app/{app["_id"]}').status_code == 404) is (status == 200)


def test_deleting_an_application_needs_a_login(anonymous, app):
    assert anonymous.delete(f'/app/{app["_id"]}').status_code == 401


def test_deleting_with_progress_works_without_a_listener(api, app):
    api.delete(f'/app/{app["_id"]}', params={'progress': True}).raise_for_status()
    assert api.get(f'/app/{app["_id"]}').status_code == 404


def test_a_deleted_application_can_be_created_again(create, api):
    app = create(app_id=SLICER_ID).json()
    api.delete(f'/app/{app["_id"]}').raise_for_status()
    assert create(app_id=SLICER_ID).json()['_id'] == SLICER_ID


@pytest.mark.parametrize('key', sorted(TEMPLATES))
@pytest.mark.parametrize('template', ['{baseName.__class__}', '{0}', '{baseName:>9}', '{unknown}', '{', '', [], 5])
def test_an_unusable_template_is_refused_when_saved(api, app, key, template):
    answer = api.put(f'/folder/{app["_id"]}/metadata', json={key: template})
    assert (answer.status_code, answer.json()['field']) == (400, key)
    assert api.get(f'/app/{app["_id"]}').json()['meta'] == TEMPLATES


@pytest.mark.parametrize(('package_type', 'key'), [('package', 'applicationPackageNameTemplate'),
                                           ('extension', 'extensionPackageNameTemplate')])
def test_a_template_names_new_and_updated_packages(api, app, make, package_type, key):
    old = make(package_type)
    api.put(f'/folder/{app["_id"]}/metadata', json={key: '{baseName}-{revision}!'}).raise_for_status()
    new = make(package_type)
    assert new['_id'] == old['_id']
    assert new['name'] == f'{new["meta"]["baseName"]}-{new["meta"]["revision"]}!'


def test_a_template_that_comes_to_nothing_is_refused_when_used(api, app, stored):
    api.put(f'/folder/{app["_id"]}/metadata', json={'applicationPackageNameTemplate': '{release}'}).raise_for_status()
    before = stored()
    answer = api.post(f'/app/{app["_id"]}/package', params=PACKAGE_FORM)
    assert (answer.status_code, answer.json()['field']) == (400, 'applicationPackageNameTemplate')
    assert stored() == before
