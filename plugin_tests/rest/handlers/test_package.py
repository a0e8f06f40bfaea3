"""Posting, getting and deleting of packages and extensions."""
from datetime import datetime, timezone

import pytest

from plugin_tests.conftest import EXTENSION_FORM, FORMS, PACKAGE_FORM, upload

pytestmark = pytest.mark.database

PACKAGE_TYPES = pytest.mark.parametrize('package_type', ['package', 'extension'])
UNKNOWN_ID = '5f4474d0e1d8c75dfc705482'
OPTIONAL = {'icon_url': 'https://example.org/i.png', 'category': 'IGT.Tracking', 'homepage': 'https://example.org',
            'screenshots': 'https://example.org/1.png https://example.org/2.png', 'contributors': 'A. Author',
            'dependency': 'SlicerIGSIO Other', 'recommends': 'More', 'license': 'MIT',
            'development_status': 'beta', 'enabled': 'true', 'tier': '3', 'dicom_support_rule': 'a > b',
            'keywords': 'needle, guidance'}


@pytest.fixture
def post(api, app):
    def poster(package_type, client=api, form=None, **values):
        return client.post(f'/app/{app["_id"]}/{package_type}', data={**(form or FORMS[package_type]), **values})
    return poster


@pytest.fixture
def delete(api, app):
    def deleter(package_type, item_id, client=api):
        return client.delete(f'/app/{app["_id"]}/{package_type}/{item_id}')
    return deleter


def moment(text):
    return datetime.fromisoformat(text)


def test_a_package_has_the_metadata_that_clients_read(post, app):
    item = post('package', build_date='2026-11-01T04:00:00Z', description='The installer').json()
    assert item['meta'] == {**PACKAGE_FORM, 'app_id': app['_id'], 'pre_release': False, 'sha512': '',
                            'build_date': '2026-11-01T04:00:00+00:00'}
    assert item['name'] == 'Slicer_linux_amd64_33000'
    assert item['description'] == 'The installer'


def test_an_extension_has_the_metadata_that_clients_read(post, app):
    item = post('extension').json()
    assert item['meta'] == {**EXTENSION_FORM, 'app_id': app['_id'], 'sha512': ''}
    assert item['name'] == '33000_SlicerIGT_linux_amd64_ab12cd3'


def test_optional_metadata_is_stored_with_its_types(post):
    meta = post('extension', **OPTIONAL).json()['meta']
    assert {key: meta[key] for key in OPTIONAL} == {**OPTIONAL, 'enabled': True, 'tier': 3}


@PACKAGE_TYPES
def test_a_package_is_serialized_like_girders_items(post, item_of, found, api, package_type):
    item = post(package_type).json()
    assert item == item_of(item)
    assert found(package_type, api) == [item]
    assert {'_id', 'name', 'description', 'created', 'updated', 'size', 'folderId', 'meta'} <= set(item)
    assert not {'spm', 'access'} & set(item)


@PACKAGE_TYPES
def test_a_draft_is_made_with_what_it_needs(post, app, folders, package_type):
    place = post(package_type).json()['folderId']
    draft = folders(folders(app)['draft'])['33000']
    assert draft['meta'] == {'revision': '33000'}
    assert draft['public'] is True
    if package_type == 'extension':
        assert folders(draft)['extensions']['public'] is True
        draft = folders(draft)['extensions']
    assert place == draft['_id']


def test_a_package_in_a_release_has_the_name_of_the_release(post, make_release):
    make_release('5.8', '33000')
    assert post('package').json()['meta']['release'] == '5.8'
    assert 'release' not in post('package', revision='33001').json()['meta']


@PACKAGE_TYPES
def test_posting_again_updates_in_place(post, item_of, package_type):
    item = post(package_type).json()
    again = post(package_type, repository_type='svn').json()
    assert again['_id'] == item['_id']
    assert again['meta'] == {**item['meta'], 'repository_type': 'svn'}
    assert again['updated'] > item['updated']
    assert again == item_of(item)


def test_an_extension_of_another_revision_takes_the_place_and_name(post, found, api):
    item = post('extension').json()
    again = post('extension', revision='new').json()
    assert (again['_id'], again['name']) == (item['_id'], '33000_SlicerIGT_linux_amd64_new')
    assert len(found('extension', api)) == 1


@pytest.mark.parametrize(('package_type', 'key', 'value'), [
    *[('package', key, value) for key, value in
      (('baseName', 'SlicerSALT'), ('os', 'win'), ('arch', 'arm64'), ('revision', '33001'))],
    *[('extension', key, value) for key, value in
      (('baseName', 'Other'), ('os', 'macosx'), ('arch', 'i386'), ('app_revision', '33001'))]])
def test_another_identity_is_another_item(post, found, api, package_type, key, value):
    assert post(package_type).json()['_id'] != post(package_type, **{key: value}).json()['_id']
    assert len(found(package_type, api)) == 2


def test_the_same_package_in_draft_and_release_are_two(post, make_release):
    draft = post('package').json()
    make_release('5.8', '33000')
    assert post('package').json()['_id'] != draft['_id']


@PACKAGE_TYPES
def test_posting_the_same_again_changes_nothing(post, package_type):
    assert post(package_type).json() == post(package_type).json()


def test_what_is_not_given_stays(post):
    old = post('package', pre_release='true', build_date='2026-11-01', description='Text').json()
    new = post('package', version='5.8.1').json()
    assert new['meta'] == {**old['meta'], 'version': '5.8.1'}
    assert new['description'] == 'Text'
    kept = {key: PACKAGE_FORM[key] for key in ('os', 'arch', 'baseName', 'revision')}
    assert post('package', form=kept).json()['meta'] == new['meta']


@pytest.mark.parametrize('key', ['pre_release', 'build_date'])
def test_empty_text_for_what_is_always_there_changes_nothing(post, key):
    values = {'pre_release': 'true', 'build_date': '2026-11-01'}
    assert post('package', **values).json()['meta'] == post('package', **{**values, key: ''}).json()['meta']


def test_empty_text_clears_optional_keys(post, item_of):
    item = post('extension', **OPTIONAL).json()
    cleared = post('extension', **dict.fromkeys(OPTIONAL, '')).json()
    assert cleared['meta'] == {**EXTENSION_FORM, 'app_id': item['meta']['app_id'], 'sha512': ''}
    assert item_of(item) == cleared


def test_empty_optional_values_are_not_stored(post):
    assert post('extension', **dict.fromkeys(OPTIONAL, '')).json()['meta'].keys() & OPTIONAL.keys() == set()


def test_the_description_of_a_package_can_be_replaced_and_emptied(post):
    assert post('package', description='a').json()['description'] == 'a'
    assert post('package', description='b').json()['description'] == 'b'
    assert post('package', description='').json()['description'] == ''


def test_the_description_of_an_extension_can_be_emptied(post):
    post('extension', description='a')
    assert post('extension', description='').json()['meta']['description'] == ''


@PACKAGE_TYPES
def test_the_description_of_the_item_is_that_of_the_package(post, package_type):
    post(package_type, description='first')
    item = post(package_type, description='second').json()
    assert item['description'] == 'second'


@PACKAGE_TYPES
def test_descriptions_are_sanitised_and_on_one_line(post, package_type):
    item = post(package_type, description='<b>a</b>\n<script>x</script>&#10;b').json()
    assert (item['meta'] if package_type == 'extension' else item)['description'] == '<b>a</b>  b'


@pytest.mark.parametrize('spelling', ['2026-11-01T04:00:00Z', '2026-11-01 04:00:00', '1793505600',
                                      'Sun, 01 Nov 2026 04:00:00 GMT', '2026-10-31T23:00:00-05:00'])
def test_the_build_date_may_be_any_common_timestamp(post, spelling):
    assert post('package', build_date=spelling).json()['meta']['build_date'] == '2026-11-01T04:00:00+00:00'


def test_without_a_build_date_it_is_now(post):
    item = post('package').json()
    assert abs((moment(item['meta']['build_date']) - datetime.now(timezone.utc)).total_seconds()) < 60


@pytest.mark.parametrize(('word', 'value'), [('true', True), ('True', True), ('1', True), ('false', False),
                                             ('False', False), ('0', False), ('', False)])
def test_pre_release_is_a_flag(post, word, value):
    assert post('package', pre_release=word).json()['meta']['pre_release'] is value


@PACKAGE_TYPES
def test_values_are_on_one_line(post, package_type):
    meta = post(package_type, repository_type='git\r\nsvn\x00hg\u2028', baseName='A\tB').json()['meta']
    assert (meta['repository_type'], meta['baseName']) == ('git svn hg', 'A B')


@pytest.mark.parametrize(('package_type', 'key', 'value'), [
    ('package', 'os', 'beos'), ('package', 'os', 'LINUX'), ('package', 'os', ''), ('package', 'arch', 'x86_64'),
    ('package', 'baseName', ''), ('package', 'baseName', 'x' * 256), ('package', 'revision', ''),
    ('package', 'revision', 'x' * 256), ('package', 'version', 'x' * 4097), ('package', 'pre_release', 'maybe'),
    ('package', 'build_date', 'yesterday'), ('package', 'repository_url', 'x' * 4097),
    ('package', 'description', 'x' * 65537),
    ('package', 'repository_type', 'x' * 4097), ('package', 'color', 'red'), ('package', 'tier', '1'),
    ('package', 'app_revision', '1'), ('package', '$where', '1'), ('package', 'a.b', '1'), ('package', '', '1'),
    ('extension', 'os', 'beos'), ('extension', 'arch', ''), ('extension', 'app_revision', ''),
    ('extension', 'app_revision', 'x' * 256), ('extension', 'revision', ''), ('extension', 'tier', 'one'),
    ('extension', 'tier', '1.5'), ('extension', 'tier', '99999999999'), ('extension', 'enabled', 'maybe'),
    ('extension', 'icon_url', 'x' * 4097), ('extension', 'homepage', 'x' * 4097),
    ('extension', 'screenshots', 'x' * 4097), ('extension', 'repository_url', 'x' * 4097),
    ('extension', 'keywords', 'x' * 4097),
    ('extension', 'description', 'x' * 65537), ('extension', 'version', '5.8'), ('extension', 'pre_release', '1'),
    ('extension', 'color', 'red')])
def test_an_unusable_value_is_refused_by_name_and_leaves_nothing(post, stored, package_type, key, value):
    before = stored()
    answer = post(package_type, **{key: value})
    assert (answer.status_code, answer.json()['field']) == (400, key), answer.text
    assert stored() == before


@pytest.mark.parametrize(('package_type', 'key'), [
    *[('package', key) for key in PACKAGE_FORM], *[('extension', key) for key in EXTENSION_FORM]])
def test_each_required_value_is_asked_for(post, stored, package_type, key):
    before = stored()
    answer = post(package_type, form={name: value for name, value in FORMS[package_type].items() if name != key})
    assert (answer.status_code, answer.json()['field']) == (400, key)
    assert stored() == before


@PACKAGE_TYPES
def test_all_problems_are_reported_together(post, package_type):
    answer = post(package_type, form={'os': 'beos', 'arch': 'vax', 'color': 'red'})
    message = answer.json()['message']
    assert all(word in message for word in ('beos', 'vax', 'color', 'baseName', 'repository_url', 'revision'))


@PACKAGE_TYPES
def test_an_unusable_update_changes_nothing(post, stored, package_type):
    post(package_type)
    before = stored()
    assert post(package_type, repository_url='x' * 4097).status_code == 400
    assert stored() == before


@pytest.mark.parametrize('key', ['app_id', 'release'])
def test_what_the_registry_knows_cannot_be_claimed(post, app, key):
    meta = post('package', **{key: 'mine'}).json()['meta']
    assert meta.get(key) == {'app_id': app['_id']}.get(key)


def test_a_checksum_without_a_link_is_refused(post, stored):
    before = stored()
    assert post('package', sha512='f' * 128).status_code == 400
    assert stored() == before


@PACKAGE_TYPES
def test_values_in_the_query_and_in_the_body_are_the_same(api, app, package_type):
    address = f'/app/{app["_id"]}/{package_type}'
    by_query = api.post(address, params=FORMS[package_type]).json()
    assert api.post(address, data=FORMS[package_type]).json() == by_query


@PACKAGE_TYPES
def test_a_name_of_another_package_is_a_conflict(api, app, post, stored, package_type):
    key = {'package': 'applicationPackageNameTemplate', 'extension': 'extensionPackageNameTemplate'}[package_type]
    api.put(f'/folder/{app["_id"]}/metadata', json={key: '{os}'}).raise_for_status()
    post(package_type)
    before = stored()
    answer = post(package_type, baseName='Other')
    assert answer.status_code == 409
    assert '"linux"' in answer.json()['message']
    assert stored() == before


def test_a_package_is_not_named_like_the_folder_of_extensions(api, app, post, stored):
    api.put(f'/folder/{app["_id"]}/metadata', json={'applicationPackageNameTemplate': '{baseName}'})
    before = stored()
    assert post('package', baseName='extensions').status_code == 409
    assert stored() == before


@PACKAGE_TYPES
@pytest.mark.parametrize('text', ['x.y', '$where', '../../etc', 'é🎉', 'עברית', '<b>', '{baseName}', "';--", 'a/b',
                                  '%41', '.', '\\'])
def test_names_may_contain_any_character(post, item_of, found, api, package_type, text):
    item = post(package_type, baseName=text, revision=text).json()
    assert (item['meta']['baseName'], item['meta']['revision']) == (text, text)
    assert text in item['name']
    assert post(package_type, baseName=text, revision=text).json()['_id'] == item['_id']
    assert [one['_id'] for one in found(package_type, api, baseName=text)] == [item['_id']]


@PACKAGE_TYPES
def test_posting_needs_a_login(post, anonymous, stored, package_type):
    before = stored()
    assert post(package_type, client=anonymous).status_code == 401
    assert stored() == before


@PACKAGE_TYPES
def test_deleting_answers_the_item_and_leaves_nothing_of_it(delete, ready, item_of, stored, found, package_type):
    before = stored()
    item = item_of(ready(package_type))
    assert delete(package_type, item['_id']).json() == item
    assert found(package_type) == []
    after = stored()
    assert after['item'] == after['file'] == before['file'] == []


@PACKAGE_TYPES
def test_what_is_not_a_package_of_the_application_is_404(api, app, make, delete, stored, package_type):
    other_kind = {'package': 'extension', 'extension': 'package'}[package_type]
    other_app = api.post('/app', params={'name': 'Other'}).json()
    item = make(package_type)
    stranger = api.post('/item', params={'folderId': app['_id'], 'name': 'note'}).json()
    wrong = [UNKNOWN_ID, 'x', item['name'], make(other_kind)['_id'], make(package_type, app_id=other_app['_id'])['_id'],
             stranger['_id'], item['folderId'], app['_id']]
    before = stored()
    for one in wrong:
        assert delete(package_type, one).status_code == 404, one
    assert stored() == before


@PACKAGE_TYPES
@pytest.mark.parametrize(('level', 'status'), [(0, 403), (1, 200)], ids=['READ', 'WRITE'])
def test_deleting_needs_write_on_it_and_no_more(api, make, delete, login, make_user, grant, package_type, level,
                                                  status):
    item = make(package_type)
    user = make_user('member')
    grant({'_id': item['folderId']}, user, level=level, public=True)
    assert delete(package_type, item['_id'], client=login(user)).status_code == status


@PACKAGE_TYPES
def test_deleting_needs_a_login(make, delete, anonymous, package_type):
    assert delete(package_type, make(package_type)['_id'], client=anonymous).status_code == 401


@PACKAGE_TYPES
def test_a_deleted_package_can_be_created_again(make, delete, package_type):
    item = make(package_type)
    delete(package_type, item['_id']).raise_for_status()
    assert make(package_type)['_id'] != item['_id']


@PACKAGE_TYPES
def test_an_upload_that_never_came_can_be_made_up_for(api, make, found, package_type):
    item = make(package_type)
    assert found(package_type) == []
    assert make(package_type)['_id'] == item['_id']
    upload(api, item['_id'], b'late')
    assert [one['_id'] for one in found(package_type)] == [item['_id']]


@PACKAGE_TYPES
def test_an_update_keeps_file_and_checksum(api, ready, make, item_of, found, package_type):
    item = item_of(ready(package_type))
    again = make(package_type, repository_type='svn')
    assert (again['meta']['sha512'], again['size']) == (item['meta']['sha512'], item['size'])
    assert len(found(package_type)) == 1


@PACKAGE_TYPES
def test_an_api_key_token_of_another_scope_may_not_post(login, api, app, admin, package_type, stored):
    from girder.models.token import Token
    client = login()
    before = stored()
    for scope in ('core.data.read', 'core.data.own'):
        client.headers['Girder-Token'] = str(Token().createToken(admin, scope=scope)['_id'])
        assert client.post(f'/app/{app["_id"]}/{package_type}', data=FORMS[package_type]).status_code in {401, 403}
    assert stored() == before
