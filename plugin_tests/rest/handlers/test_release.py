import pytest

from plugin_tests.conftest import EXTENSION_FORM, PACKAGE_FORM

pytestmark = pytest.mark.database

UNKNOWN_ID = '5f4474d0e1d8c75dfc705482'


@pytest.fixture
def post(api, app):
    def poster(name='5.8', revision='33000', client=api, **values):
        return client.post(f'/app/{app["_id"]}/release', data={'name': name, 'app_revision': revision, **values})
    return poster


@pytest.fixture
def delete(api, app):
    def deleter(id_or_name, client=api, **params):
        return client.delete(f'/app/{app["_id"]}/release/{id_or_name}', params=params)
    return deleter


@pytest.fixture
def drafts_of(make):
    """A maker of drafts, by posting a package to each."""
    def maker(*revisions):
        return [make('package', revision=revision)['folderId'] for revision in revisions]
    return maker


def test_a_release_is_a_folder_with_its_revision(api, app, post):
    release = post(description='First').json()
    assert (release['name'], release['parentId'], release['description']) == ('5.8', app['_id'], 'First')
    assert release['meta'] == {'revision': '33000'}
    assert release == api.get(f'/folder/{release["_id"]}').json()
    assert release['public'] is True


@pytest.mark.parametrize('package_type', ['package', 'extension'])
def test_uploads_of_its_revision_go_into_a_release(make, post, folders, package_type):
    release = post().json()
    place = make(package_type)['folderId']
    assert place == (release if package_type == 'package' else folders(release)['extensions'])['_id']


def test_other_uploads_go_into_drafts(make, post, folders, app):
    post()
    item = make('package', revision='33001')
    assert folders(folders(app)['draft'])['33001']['_id'] == item['folderId']


def test_a_draft_that_is_there_stays_where_it_is_when_its_revision_is_released(make, post):
    draft = make('package', baseName='Old')['folderId']
    release = post().json()
    assert make('package', baseName='New')['folderId'] == release['_id'] != draft


@pytest.mark.parametrize(('values', 'field'), [
    pytest.param({'name': '5.8', 'revision': '34000'}, 'name', id='name in use'),
    pytest.param({'name': '5.9', 'revision': '33000'}, 'app_revision', id='revision in use'),
    pytest.param({'name': 'draft', 'revision': '34000'}, 'name', id='draft'),
    pytest.param({'name': 'DRAFT', 'revision': '34000'}, 'name', id='draft in capitals'),
    pytest.param({'name': 'extensions', 'revision': '34000'}, 'name', id='extensions'),
    pytest.param({'name': '', 'revision': '34000'}, 'name', id='no name'),
    pytest.param({'name': '5.9', 'revision': ' '}, 'app_revision', id='no revision'),
    pytest.param({'name': 'x' * 256, 'revision': '34000'}, 'name', id='long name'),
    pytest.param({'name': '5.9', 'revision': 'x' * 256}, 'app_revision', id='long revision'),
    pytest.param({'name': '5.9', 'revision': '34000', 'description': 'x' * 65537}, 'description',
                 id='long description'),
    pytest.param({'name': '5.9', 'revision': '34000', 'public': 'perhaps'}, 'public', id='no flag')])
def test_unusable_values_are_refused_and_leave_nothing(post, stored, values, field):
    post()
    before = stored()
    answer = post(**values)
    assert (answer.status_code, answer.json().get('field')) == (400, field), answer.text
    assert stored() == before


def test_names_that_differ_in_case_only_are_one_name(post):
    post('5.8-RC')
    assert post('5.8-rc', '34000').status_code == 400


@pytest.mark.parametrize('missing', ['name', 'app_revision'])
def test_name_and_revision_are_required(api, app, missing):
    form = {'name': '5.8', 'app_revision': '33000'}
    del form[missing]
    answer = api.post(f'/app/{app["_id"]}/release', params=form)
    assert answer.status_code == 400
    assert missing in answer.json()['message']


def test_the_description_is_sanitised(post):
    assert post(description='<i>x</i><script>y</script>').json()['description'] == '<i>x</i>'


def test_another_application_may_use_the_same_name_and_revision(api, post):
    post()
    other = api.post('/app', params={'name': 'Other'}).json()
    assert api.post(f'/app/{other["_id"]}/release', params={'name': '5.8', 'app_revision': '33000'}).status_code == 200


def test_a_private_release_is_made_on_request(post, folders, make):
    release = post(public=False).json()
    assert release['public'] is False
    make('extension')
    assert folders(release)['extensions']['public'] is False


def test_a_release_is_no_more_public_than_its_application(api):
    app = api.post('/app', params={'name': 'Secret', 'public': False}).json()
    release = api.post(f'/app/{app["_id"]}/release', params={'name': '1', 'app_revision': '1', 'public': True}).json()
    assert release['public'] is False


@pytest.mark.parametrize(('level', 'status'), [(0, 403), (1, 200), (2, 200)], ids=['READ', 'WRITE', 'ADMIN'])
def test_creating_needs_write_on_the_application(app, post, login, make_user, grant, level, status):
    user = make_user('member')
    grant(app, user, level=level, public=True)
    assert post(client=login(user)).status_code == status


def test_creating_needs_a_login(post, anonymous):
    assert post(client=anonymous).status_code == 401


def test_releases_are_listed_newest_first_without_drafts(post, found, drafts_of):
    drafts_of('32000')
    for number in ('5.6', '5.8', '5.7'):
        post(number, number)
    assert [one['name'] for one in found('release')] == ['5.7', '5.8', '5.6']
    assert [one['name'] for one in found('release', sort='name', sortdir=1)] == ['5.6', '5.7', '5.8']


def test_without_releases_and_drafts_the_lists_are_empty(found):
    assert found('release') == found('draft') == []


@pytest.mark.parametrize('spell', [
    pytest.param(lambda release: release['_id'], id='id'), pytest.param(lambda release: release['name'], id='name'),
    pytest.param(lambda release: release['name'].upper(), id='capitals'),
    pytest.param(lambda release: release['_id'].upper(), id='id in capitals')])
def test_one_release_is_answered_by_id_or_name_in_any_case(post, found, spell):
    release = post('Stable-ä').json()
    post('5.9', '34000')
    assert found('release', release_id_or_name=spell(release))['_id'] == release['_id']


@pytest.mark.parametrize('name', ['6.0', UNKNOWN_ID, '.*', 'a\x00b', '32000', 'é' * 300])
def test_an_unknown_release_is_null(post, drafts_of, found, name):
    post()
    drafts_of('32000')
    assert found('release', release_id_or_name=name) is None


def test_an_id_wins_over_a_name(post, found):
    first = post('5.8').json()
    post(first['_id'], '34000')
    assert found('release', release_id_or_name=first['_id'])['name'] == '5.8'


def test_a_folder_that_is_no_release_is_null(api, app, post, folders, make, found):
    release = post().json()
    make('extension')
    stranger = api.post('/folder', params={'parentId': app['_id'], 'name': 'notes'}).json()
    for folder in (stranger, folders(release)['extensions'], app):
        assert found('release', release_id_or_name=folder['_id']) is None
    assert [one['name'] for one in found('release')] == ['5.8']


@pytest.mark.parametrize('by', ['draft', 'Draft', 'id'])
def test_the_published_client_gets_the_folder_of_drafts_like_a_release(app, folders, found, by):
    drafts = folders(app)['draft']
    assert found('release', release_id_or_name=drafts['_id'] if by == 'id' else by)['_id'] == drafts['_id']


def test_a_release_of_another_application_is_null(api, post, found):
    other = api.post('/app', params={'name': 'Other'}).json()
    release = api.post(f'/app/{other["_id"]}/release', params={'name': '1', 'app_revision': '1'}).json()
    assert found('release', release_id_or_name=release['_id']) is None


def test_drafts_are_listed_newest_first(drafts_of, found, post):
    drafts_of('1', '3', '2')
    post()
    listed = found('draft')
    assert [one['name'] for one in listed] == ['2', '3', '1']
    assert [one['meta'] for one in listed] == [{'revision': '2'}, {'revision': '3'}, {'revision': '1'}]


def test_drafts_are_filtered_by_revision(drafts_of, found):
    drafts_of('1', '2')
    assert [one['name'] for one in found('draft', revision='2')] == ['2']
    assert found('draft', revision='3') == []
    assert len(found('draft', revision='')) == 2


@pytest.mark.parametrize('kind', ['draft', 'release'])
def test_paging_neither_repeats_nor_skips(anonymous, app, drafts_of, post, db, kind):
    drafts_of(*'123456')
    for number in 'abcdef':
        post(number, number)
    # Equal in what they are sorted by.
    db['folder'].update_many({}, {'$set': {'created': db['folder'].find_one()['created']}})
    names = []
    for offset in range(0, 8, 2):
        answer = anonymous.get(f'/app/{app["_id"]}/{kind}', params={'limit': 2, 'offset': offset})
        assert answer.headers['Girder-Total-Count'] == '6'
        names += [one['name'] for one in answer.json()]
    assert sorted(names) == list('123456' if kind == 'draft' else 'abcdef')


@pytest.mark.parametrize('kind', ['draft', 'release'])
def test_fifty_are_listed_by_default(found, db, drafts_of, post, kind):
    if kind == 'draft':
        drafts_of('x')
    else:
        post()
    one = db['folder'].find_one({'spm.role': {'$in': ['release', 'revision']}})
    for number in range(59):
        name = f'r{number}'
        db['folder'].insert_one({**{key: one[key] for key in one if key != '_id'}, 'name': name, 'lowerName': name,
                                 'spm': {**one['spm'], 'revision': name}})
    assert len(found(kind)) == 50
    assert len(found(kind, limit=0)) == 60


@pytest.mark.parametrize('by', ['id', 'name', 'capitals'])
def test_a_release_is_deleted_with_everything_below(delete, post, make, found, items, db, stored, by):
    before = stored()
    release = post('Stable').json()
    make('package', content=b'x')
    make('extension', content=b'y')
    answer = delete({'id': release['_id'], 'name': 'Stable', 'capitals': 'STABLE'}[by])
    assert answer.status_code == 200
    assert 'Stable' in answer.json()['message']
    assert found('release') == []
    after = stored()
    assert {key: after[key] for key in ('folder', 'item', 'file')} == {
        key: before[key] for key in ('folder', 'item', 'file')}


@pytest.mark.parametrize('by', ['id', 'revision'])
def test_a_draft_is_deleted_by_revision_or_id(delete, drafts_of, found, by):
    kept, gone = drafts_of('1', '2')
    assert delete(gone if by == 'id' else '2').status_code == 200
    assert [one['_id'] for one in found('draft')] == [kept]


def test_a_release_is_looked_for_before_a_draft(delete, post, drafts_of, found):
    drafts_of('33000')
    post('33000', '5.8')
    delete('33000').raise_for_status()
    assert (len(found('release')), len(found('draft'))) == (0, 1)
    delete('33000').raise_for_status()
    assert found('draft') == []


def test_the_folder_of_drafts_cannot_be_deleted(delete, drafts_of, folders, app, stored):
    drafts_of('1')
    before = stored()
    for name in ('draft', 'Draft', folders(app)['draft']['_id']):
        answer = delete(name)
        assert (answer.status_code, answer.json()['field']) == (400, 'release_id_or_name')
    assert stored() == before


@pytest.mark.parametrize('name', ['6.0', UNKNOWN_ID, '%00', '.*', 'é'])
def test_what_is_no_release_and_no_draft_is_404(delete, post, stored, name):
    post()
    before = stored()
    assert delete(name).status_code == 404
    assert stored() == before


def test_other_folders_cannot_be_deleted_as_a_release(api, app, delete, post, make, folders, stored):
    release = post().json()
    make('extension')
    other = api.post('/app', params={'name': 'Other'}).json()
    stranger = api.post('/folder', params={'parentId': app['_id'], 'name': 'notes'}).json()
    before = stored()
    for folder in (folders(release)['extensions'], other, stranger, app):
        assert delete(folder['_id']).status_code == 404
    assert stored() == before


@pytest.mark.parametrize(('level', 'status'), [(0, 403), (1, 403), (2, 200)], ids=['READ', 'WRITE', 'ADMIN'])
def test_deleting_needs_admin_on_the_release_and_no_more(delete, post, login, make_user, grant, level, status):
    user = make_user('member')
    grant(post().json(), user, level=level, public=True)
    assert delete('5.8', client=login(user)).status_code == status


def test_deleting_needs_a_login(delete, post, anonymous):
    post()
    assert delete('5.8', client=anonymous).status_code == 401


def test_a_name_can_be_used_again_after_deletion(delete, post):
    post()
    delete('5.8').raise_for_status()
    assert post().status_code == 200


def test_deleting_with_progress_works_without_a_listener(delete, post, found):
    post()
    delete('5.8', progress=True).raise_for_status()
    assert found('release') == []


@pytest.mark.parametrize('name', ['5.8.1', '5.8 Stable', '$where', 'релиз', '🎉', "it's", 'a/b', '5%', '..', 'a\\b'])
def test_a_release_may_have_any_name(api, app, post, found, make, name):
    release = post(name, name).json()
    assert release['name'] == name
    assert found('release', release_id_or_name=name)['_id'] == release['_id']
    assert make('package', revision=name)['meta']['release'] == name
    assert make('extension', app_revision=name)['meta']['app_revision'] == name
    assert len(found('package', api, release_id_or_name=name)) == len(found('extension', api, release_id=name)) == 1


@pytest.mark.parametrize(('package_type', 'form'), [('package', PACKAGE_FORM), ('extension', EXTENSION_FORM)])
def test_a_failed_upload_leaves_no_draft_folder(api, app, stored, package_type, form):
    before = stored()
    answer = api.post(f'/app/{app["_id"]}/{package_type}', params={**form, 'repository_url': 'x' * 4097})
    assert answer.status_code == 400
    assert stored() == before
