"""Publishers: who registers them, and what their tokens can upload."""
import json

import pytest

from plugin_tests import issuer as issuers
from plugin_tests.conftest import EXTENSION_FORM, FORMS, PACKAGE_FORM, upload
from plugin_tests.issuer import COMMIT, REPOSITORY, REPOSITORY_ID

pytestmark = pytest.mark.database

UNKNOWN = '5f4474d0e1d8c75dfc705499'


@pytest.fixture
def listed(api, app):
    return lambda: api.get(f'/app/{app["_id"]}/publisher').raise_for_status().json()


@pytest.fixture
def provenance(anonymous, app):
    """What the server states about the origin of an item's file."""
    def get(item, kind='extension', client=anonymous):
        return client.get(f'/app/{app["_id"]}/{kind}/{item["_id"]}/provenance')
    return get


@pytest.fixture
def build(issuer):
    """What a run states by default."""
    place = f'{issuer.url}/{REPOSITORY}'
    return {'issuer': issuer.url, 'repository': REPOSITORY, 'commit': COMMIT, 'ref': 'refs/heads/main',
            'workflow': 'package.yml', 'run': '42', 'repository_url': place, 'commit_url': f'{place}/commit/{COMMIT}',
            'run_url': f'{place}/actions/runs/7654321'}


def uploaded(client, app, content=b'content', **form):
    item = client.post(f'/app/{app["_id"]}/extension', params={**EXTENSION_FORM, **form}).raise_for_status().json()
    upload(client, item['_id'], content)
    return item


# Registration

def test_a_publisher_is_registered_listed_and_removed(register, listed, api, app, issuer, exchange):
    made = register(extensions='SlicerIGT, Other,SlicerIGT', packages='true').raise_for_status().json()
    assert made == {
        '_id': made['_id'], 'app_id': app['_id'], 'issuer': issuer.url, 'repository': REPOSITORY,
        'repository_id': REPOSITORY_ID, 'workflow': 'package.yml', 'environment': '', 'branch': 'main',
        'extensions': ['SlicerIGT', 'Other'], 'packages': True, 'login': 'buildbot', 'created': made['created'],
        'created_by': 'admin'}
    assert listed() == [made]
    gone = api.delete(f'/app/{app["_id"]}/publisher/{made["_id"]}')
    assert gone.json()['_id'] == made['_id']
    assert listed() == []
    assert api.delete(f'/app/{app["_id"]}/publisher/{made["_id"]}').status_code == 404
    assert exchange(issuer.token()).status_code == 403


def test_a_second_publisher_for_the_same_run_is_409(register, listed):
    register().raise_for_status()
    answer = register(extensions='Other')
    assert answer.status_code == 409
    assert 'Remove it first' in answer.json()['message']
    register(branch='other').raise_for_status()
    assert len(listed()) == 2


def test_all_problems_of_a_registration_are_reported_together(register, listed):
    for values, names in (
            ({'issuer': 'https://evil.example.org', 'repository': 'x', 'repository_id': 'x', 'workflow': 'x'},
             ['issuer', 'repository', 'repository_id', 'workflow']),
            ({'repository': '', 'repository_id': '', 'workflow': '', 'login': '', 'issuer': ''},
             ['repository', 'repository_id', 'workflow', 'login', 'issuer']),
            ({'branch': '', 'extensions': ' , '}, ['branch', 'extensions']), ({'login': 'unknown'}, ['login']),
            ({'packages': 'perhaps'}, ['packages']), ({'workflow': 'a@b.yml'}, ['workflow']),
            ({'extensions': 'x' * 300}, ['extensions']), ({'branch': 'x' * 300}, ['branch'])):
        answer = register(**values)
        assert answer.status_code == 400, values
        assert all(f'{name}: ' in answer.json()['message'] for name in names), answer.json()
    assert listed() == []


def test_the_account_must_be_able_to_write_to_the_application(register, make_user):
    make_user('stranger')
    answer = register(login='stranger')
    assert answer.status_code == 400
    assert 'give the account WRITE' in answer.json()['message']


def test_only_administrators_see_and_change_publishers(register, login, buildbot, anonymous, machine_of, app):
    machine = machine_of()
    for client in (anonymous, login(buildbot), machine):
        assert client.get(f'/app/{app["_id"]}/publisher').status_code in (401, 403)
        assert register(client=client, branch='other').status_code in (401, 403)
        assert client.delete(f'/app/{app["_id"]}/publisher/{UNKNOWN}').status_code in (401, 403)


def test_unknown_applications_and_publishers_are_404(api, app, issuer, register):
    made = register().raise_for_status().json()
    other = api.post('/app', params={'name': 'Other'}).raise_for_status().json()
    assert api.get(f'/app/{UNKNOWN}/publisher').status_code == 404
    assert api.get(f'/app/{other["_id"]}/publisher').json() == []
    for path in (f'/app/{other["_id"]}/publisher/{made["_id"]}', f'/app/{app["_id"]}/publisher/{UNKNOWN}',
                 f'/app/{app["_id"]}/publisher/x'):
        assert api.delete(path).status_code == 404


def test_publishers_are_deleted_with_their_application(register, api, app, db):
    register().raise_for_status()
    api.delete(f'/app/{app["_id"]}').raise_for_status()
    assert db['slicer_package_publisher'].count_documents({}) == 0


@pytest.mark.parametrize('value', [
    [], 'x', {'http://gitlab.com': 'gitlab'}, {'https://gitlab.com/': 'gitlab'}, {'https://gitlab.com': 'other'},
    {'https://user@gitlab.com': 'gitlab'}, {'https://gitlab.com?x': 'gitlab'}, {'https://gitlab.com#x': 'gitlab'}])
def test_an_invalid_setting_of_issuers_is_refused(api, value):
    answer = api.put('/system/setting', params={
        'key': 'slicer_package_manager.oidc_issuers', 'value': json.dumps(value)})
    assert answer.status_code == 400


# Uploads

def test_a_machine_uploads_its_extension_and_the_run_is_stated(machine_of, app, provenance, build, found):
    machine = machine_of()
    item = uploaded(machine, app)
    assert provenance(item).json() == {'build': build, 'attestation': None}
    assert [one['_id'] for one in found('extension')] == [item['_id']]


def test_lists_and_items_and_files_are_as_without_a_run(machine_of, app, found, make, anonymous, files_of):
    of_machine = uploaded(machine_of(), app)
    other = make('extension', baseName='Other', content=b'content')
    one, two = ({name: sorted(item) for name, item in (('item', item), ('meta', item['meta']))}
                for item in sorted(found('extension'), key=lambda one: one['meta']['baseName']))
    assert one == two
    (file,), (plain,) = files_of(of_machine), files_of(other)
    assert file.keys() == plain.keys()


def test_it_uploads_nothing_else(machine_of, app, make, api, files_of):
    machine = machine_of()
    path = f'/app/{app["_id"]}'
    for form in ({'baseName': 'Other'}, {'baseName': 'slicerigt'}, {'baseName': ''}, {'baseName': 'SlicerIGT2'}):
        answer = machine.post(f'{path}/extension', params={**EXTENSION_FORM, **form})
        assert answer.status_code == 403, form
        message = answer.json()['message']
        assert f'may not upload the extension "{form["baseName"]}" to' in message
        assert 'may upload "SlicerIGT" to' in message
    assert machine.post(f'{path}/package', params=PACKAGE_FORM).status_code == 403
    other, package = make('extension', baseName='Other', content=b'other'), make('package', content=b'package')
    for item in (other, package):
        (file,) = files_of(item)
        for call in (machine.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'x',
                                                   'size': 1}),
                     machine.put(f'/file/{file["_id"]}/contents', params={'size': 1}),
                     machine.put(f'/file/{file["_id"]}', params={'name': 'x.zip'}),
                     machine.delete(f'/file/{file["_id"]}'), machine.delete(f'/item/{item["_id"]}')):
            assert call.status_code in (401, 403, 404), call.text
        assert files_of(item) == [file]


def test_it_does_not_upload_to_another_application_of_its_account(machine_of, api, grant, buildbot):
    machine = machine_of(extensions='*', packages='true')
    other = api.post('/app', params={'name': 'Other'}).raise_for_status().json()
    grant(other, buildbot, level=1, recurse=True)
    for kind, form in FORMS.items():
        assert machine.post(f'/app/{other["_id"]}/{kind}', params=form).status_code == 403
    assert machine.get(f'/app/{other["_id"]}').status_code in (401, 403)


def test_all_extensions_and_packages_may_be_allowed(machine_of, app):
    machine = machine_of(extensions='*', packages='true')
    uploaded(machine, app, baseName='Any')
    item = machine.post(f'/app/{app["_id"]}/package', params=PACKAGE_FORM).raise_for_status().json()
    upload(machine, item['_id'], b'package')


def test_a_publisher_without_extensions_uploads_packages_only(machine_of, app, provenance, build):
    machine = machine_of(extensions='', packages='true')
    item = machine.post(f'/app/{app["_id"]}/package', params=PACKAGE_FORM).raise_for_status().json()
    upload(machine, item['_id'], b'package')
    assert provenance(item, 'package').json() == {'build': build, 'attestation': None}
    answer = machine.post(f'/app/{app["_id"]}/extension', params=EXTENSION_FORM)
    assert answer.status_code == 403
    assert 'may upload packages to' in answer.json()['message']


def test_its_tokens_end_with_the_publisher(machine_of, app, listed, api):
    machine = machine_of()
    uploaded(machine, app)
    one, = listed()
    api.delete(f'/app/{app["_id"]}/publisher/{one["_id"]}').raise_for_status()
    answer = machine.post(f'/app/{app["_id"]}/extension', params=EXTENSION_FORM)
    assert answer.status_code == 403
    assert 'was removed' in answer.json()['message']


def test_its_tokens_end_after_their_time(machine_of, app, db):
    machine = machine_of()
    past = issuers.datetime_of(-60)
    db['token'].update_many({'publisher': {'$exists': True}}, {'$set': {'expires': past}})
    assert machine.post(f'/app/{app["_id"]}/extension', params=EXTENSION_FORM).status_code == 401


# Provenance

def test_the_run_goes_with_the_content(machine_of, app, api, files_of, provenance, build):
    machine = machine_of()
    item = uploaded(machine, app, b'first')
    (file,) = files_of(item)
    begun = api.put(f'/file/{file["_id"]}/contents', params={'size': 5}).raise_for_status().json()
    chunk = {'content': b'other', 'headers': {'Content-Type': 'application/octet-stream'}}
    api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, **chunk).raise_for_status()
    assert provenance(item).json() == {'build': None, 'attestation': None}
    begun = machine.put(f'/file/{file["_id"]}/contents', params={'size': 5}).raise_for_status().json()
    assert 'build' not in begun
    machine.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, **chunk).raise_for_status()
    assert provenance(item).json() == {'build': build, 'attestation': None}
    upload(api, item['_id'], b'by hand')
    assert provenance(item).json() == {'build': None, 'attestation': None}


def test_a_package_that_is_hosted_elsewhere_has_the_run_that_registered_it(machine_of, app, api, provenance, build):
    form = {**EXTENSION_FORM, 'url': 'https://github.com/x/y/releases/download/1/a.tar.gz', 'size': 5}
    path, machine = f'/app/{app["_id"]}/extension', machine_of()
    item = machine.post(path, params=form).raise_for_status().json()
    assert provenance(item).json() == {'build': build, 'attestation': None}
    api.post(path, params={**form, 'description': 'new'}).raise_for_status()
    assert provenance(item).json() == {'build': build, 'attestation': None}, 'the link is the same'
    api.post(path, params={**form, 'size': 6}).raise_for_status()
    assert provenance(item).json() == {'build': None, 'attestation': None}
    machine.post(path, params={**form, 'size': 6}).raise_for_status()
    assert provenance(item).json() == {'build': build, 'attestation': None}


def test_no_other_token_continues_the_upload_of_a_run(machine_of, app, login, buildbot, exchange, issuer, provenance):
    machine = machine_of()
    item = machine.post(f'/app/{app["_id"]}/extension', params=EXTENSION_FORM).raise_for_status().json()
    new = {'parentType': 'item', 'parentId': item['_id'], 'name': 'x.tar.gz', 'size': 6}
    of_run = machine.post('/file', params=new).raise_for_status().json()
    of_user = login(buildbot).post('/file', params=new).raise_for_status().json()
    later, same = login(), login()
    for client, values in ((later, {'run_number': '43', 'run_id': '8'}), (same, {})):
        client.headers['Girder-Token'] = exchange(issuer.token(issuer.claims(**values))).json()['authToken']['token']

    def chunk(client, begun):
        return client.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, content=b'abcdef', headers={
            'Content-Type': 'application/octet-stream'})
    for client, begun in ((login(buildbot), of_run), (later, of_run), (machine, of_user)):
        answer = chunk(client, begun)
        assert answer.status_code == 409
        assert 'another run' in answer.json()['message']
    chunk(same, of_run).raise_for_status()
    assert provenance(item).json()['build']['run'] == '42'


def test_provenance_is_for_readers_of_files_that_exist(machine_of, app, make, provenance, grant, api, login, make_user):
    item = uploaded(machine_of(), app)
    assert provenance({'_id': UNKNOWN}).status_code == 404
    assert provenance(item, 'package').status_code == 404
    assert provenance(make('extension', baseName='Empty')).status_code == 404
    grant(app, recurse=True)
    assert provenance(item).status_code in (401, 403)
    assert provenance(item, client=login(make_user('stranger'))).status_code == 403
    assert provenance(item, client=api).status_code == 200


@pytest.mark.parametrize('model', ['item', 'folder'])
def test_a_copy_has_no_run(machine_of, app, api, elsewhere, db, build, model):
    item = uploaded(machine_of(), app)
    place = api.get(f'/item/{item["_id"]}').json()['folderId']
    params = {'folderId': str(elsewhere['_id'])} if model == 'item' else {
        'parentId': str(elsewhere['_id']), 'parentType': 'folder'}
    api.post(f'/{model}/{item["_id"] if model == "item" else place}/copy', params=params).raise_for_status()
    assert [file.get('spm') for file in db['file'].find(sort=[('_id', 1)])] == [{'build': build}, None]


def test_promotion_keeps_the_run(machine_of, app, api, make, provenance, build, make_release):
    item = uploaded(machine_of(), app)
    make('package', content=b'package')
    release = make_release('5.8', '33000')
    api.post(f'/app/{app["_id"]}/release/{release["_id"]}/promote', params={'revision': '33000'}).raise_for_status()
    assert provenance(item).json() == {'build': build, 'attestation': None}


@pytest.mark.parametrize(('issuer_url', 'site'), [
    ('https://token.actions.githubusercontent.com', 'https://github.com'),
    ('https://token.actions.githubusercontent.com/octo', 'https://github.com'),
    ('https://token.actions.octo.ghe.com', 'https://octo.ghe.com'),
    ('https://github.example.org/_services/token', 'https://github.example.org')])
def test_the_urls_are_those_of_the_site_of_the_issuer(issuer, issuer_url, site):
    from slicer_package_manager.registry.accounts import ci_services
    run = ci_services.run_of('github', issuer.claims(iss=issuer_url, repository='a b/c"d', workflow_ref=(
        'a b/c"d/.github/workflows/x.yml@refs/heads/main')))
    assert run.build['repository_url'] == f'{site}/a%20b/c%22d'
    assert run.build['run_url'] == f'{site}/a%20b/c%22d/actions/runs/7654321'
