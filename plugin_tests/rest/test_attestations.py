"""Attestations of files: who sets them, what they must be about, and that they share the fate of the bytes."""
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from bson.objectid import ObjectId

from plugin_tests.attested import BUNDLE, attestation, bundle, sha256
from plugin_tests.conftest import EXTENSION_FORM, Client, upload
from plugin_tests.waiting import PATIENCE

pytestmark = pytest.mark.database

CONTENT = b'content'
HEADERS = {'Content-Type': BUNDLE}


@pytest.fixture
def path(app):
    return lambda item, what='attestation', kind='extension': f'/app/{app["_id"]}/{kind}/{item["_id"]}/{what}'


@pytest.fixture
def attest(api, path):
    def put(item, content=None, client=api, kind='extension', headers=HEADERS):
        return client.put(path(item, kind=kind), headers=headers,
                          content=attestation(CONTENT) if content is None else content)
    return put


@pytest.fixture
def read(anonymous, path):
    def get(item, client=anonymous, **kwargs):
        return client.get(path(item, **kwargs))
    return get


@pytest.fixture
def described(anonymous, path):
    return lambda item: anonymous.get(path(item, 'provenance')).raise_for_status().json()['attestation']


@pytest.fixture
def extension(make, api):
    """An extension with a file."""
    item = make('extension')
    upload(api, item['_id'], CONTENT)
    return item


@pytest.fixture
def attested(extension, attest):
    """An extension with an attested file."""
    attest(extension).raise_for_status()
    return extension


@pytest.fixture
def in_database(db):
    return lambda: list(db['slicer_package_attestation'].find(sort=[('_id', 1)]))


@pytest.mark.parametrize('kind', ['package', 'extension'])
def test_an_attestation_is_served_as_it_was_sent(make, api, attest, read, anonymous, path, kind):
    item = make(kind)
    upload(api, item['_id'], CONTENT)
    assert read(item, kind=kind).status_code == 404
    content = json.dumps(bundle(b'other', CONTENT), indent=2).encode()
    made = attest(item, content, kind=kind).raise_for_status().json()
    assert made == {'sha256': sha256(CONTENT), 'size': len(content), 'media_type': BUNDLE, 'created': made['created']}
    answer = read(item, kind=kind)
    assert (answer.status_code, answer.content, answer.headers['Content-Type']) == (200, content, BUNDLE)
    assert anonymous.get(path(item, 'provenance', kind)).json() == {'build': None, 'attestation': made}
    again = anonymous.get(path(item, kind=kind), headers={'If-None-Match': answer.headers['ETag']})
    assert (again.status_code, again.content) == (304, b'')


def test_of_json_lines_those_about_the_file_are_served(extension, attest, read):
    lines = [attestation(CONTENT), attestation(b'other'), attestation(CONTENT, b'other')]
    attest(extension, b'\n'.join(lines)).raise_for_status()
    answer = read(extension)
    assert answer.content == lines[0] + b'\n' + lines[2] + b'\n'
    assert answer.headers['Content-Type'] == 'application/jsonl'


def test_a_new_attestation_replaces_the_earlier_one(attested, attest, read, in_database):
    attest(attested, newer := attestation(CONTENT, b'x')).raise_for_status()
    assert read(attested).content == newer
    assert len(in_database()) == 1


@pytest.mark.parametrize(('content', 'status', 'reason'), [
    (b'', 400, 'is empty'),
    (b'{}', 400, 'mediaType'),
    (attestation(b'other'), 400, sha256(b'other')[:16]),
    (attestation(CONTENT) + b' ' * 512 * 1024, 413, 'bytes'),
    (attestation(CONTENT) + b' ' * 1024 * 1024, 413, 'bytes'),
], ids=str)
def test_what_is_no_attestation_of_the_file_is_refused(extension, attest, read, in_database, content, status, reason):
    answer = attest(extension, content)
    assert (answer.status_code, reason in answer.text) == (status, True), answer.text
    assert (read(extension).status_code, in_database()) == (404, [])


def test_an_attestation_of_unknown_length_is_411(extension, attest, read):
    answer = attest(extension, iter([attestation(CONTENT)]))
    assert 'Content-Length' not in answer.request.headers
    assert (answer.status_code, 'Content-Length' in answer.json()['message']) == (411, True), answer.text
    assert read(extension).status_code == 404


def test_an_attestation_may_have_as_many_bytes_as_documented(extension, attest, read):
    valid = attestation(CONTENT)
    for size, status in ((512 * 1024, 200), (512 * 1024 + 1, 413)):
        answer = attest(extension, valid.ljust(size))
        assert (answer.status_code, read(extension).content) == (status, valid), answer.text


@pytest.mark.parametrize('content_type', ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
def test_a_form_is_refused(extension, attest, content_type):
    answer = attest(extension, headers={'Content-Type': content_type})
    assert answer.status_code == 400, answer.text


def test_a_package_without_a_file_is_404(make, attest):
    assert attest(make('extension')).status_code == 404
    assert attest({'_id': str(ObjectId())}).status_code == 404
    assert attest({'_id': 'x'}).status_code == 404


def test_a_file_that_is_hosted_elsewhere_is_409(make, attest, read):
    item = make('extension', url='https://github.com/x/y/releases/download/1/a.tar.gz', size=5)
    assert attest(item).status_code == 409
    assert read(item).status_code == 404


def test_a_file_whose_bytes_are_lost_is_404(extension, attest, db):
    db['file'].update_one({'itemId': ObjectId(extension['_id'])}, {'$set': {'path': 'no/ne'}})
    answer = attest(extension)
    assert (answer.status_code, 'is lost' in answer.text) == (404, True), answer.text


# Access

def test_only_readers_get_it_and_only_writers_set_it(attested, attest, read, grant, app, make_user, login, anonymous):
    user = make_user('user')
    assert attest(attested, client=anonymous).status_code == 401
    assert attest(attested, client=login(user)).status_code == 403
    grant(app, user, recurse=True)
    assert read(attested).status_code in (401, 403)
    assert read(attested, login(make_user('stranger'))).status_code == 403
    assert read(attested, login(user)).status_code == 200
    assert attest(attested, client=login(user)).status_code == 403
    grant(app, user, recurse=True, level=1)
    assert attest(attested, client=login(user)).status_code == 200


def test_a_publisher_attests_what_it_may_upload(machine_of, app, make, attest, api):
    machine = machine_of()
    own, other = make('extension', baseName='SlicerIGT'), make('extension', baseName='Other')
    for item in (own, other):
        upload(api, item['_id'], CONTENT)
    assert attest(own, client=machine).status_code == 200
    assert attest(other, client=machine).status_code in (401, 403)


# The fate of the bytes

def test_new_content_has_no_attestation(attested, files_of, api, described, read, in_database):
    (file,) = files_of(attested)
    begun = api.put(f'/file/{file["_id"]}/contents', params={'size': 5}).raise_for_status().json()
    assert described(attested)
    api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, content=b'other',
             headers={'Content-Type': 'application/octet-stream'}).raise_for_status()
    assert (described(attested), read(attested).status_code, in_database()) == (None, 404, [])


def test_another_file_has_no_attestation(attested, api, described, in_database):
    upload(api, attested['_id'], b'another')
    assert (described(attested), in_database()) == (None, [])


def test_the_same_bytes_keep_their_attestation(attested, api, described):
    upload(api, attested['_id'], CONTENT, name='renamed.tar.gz')
    assert described(attested)


def test_a_file_that_waits_to_replace_another_does_not_end_it(attested, files_of, api, described, in_database):
    upload(api, attested['_id'], b'another', name='new_file')
    assert described(attested)
    api.delete(f'/file/{files_of(attested)[0]["_id"]}').raise_for_status()
    assert (described(attested), in_database()) == (None, [])


@pytest.mark.parametrize('kind', ['file', 'item', 'extension', 'draft', 'application'])
def test_it_is_deleted_with_its_file(attested, api, app, files_of, path, in_database, kind):
    assert in_database()
    api.delete({'file': lambda: f'/file/{files_of(attested)[0]["_id"]}', 'item': lambda: f'/item/{attested["_id"]}',
                'extension': lambda: path(attested).removesuffix('/attestation'),
                'draft': lambda: f'/app/{app["_id"]}/release/33000',
                'application': lambda: f'/app/{app["_id"]}'}[kind]()).raise_for_status()
    assert in_database() == []


def test_promotion_keeps_it(attested, make, api, app, make_release, described):
    make('package', content=b'package')
    release = make_release('5.8', '33000')
    api.post(f'/app/{app["_id"]}/release/{release["_id"]}/promote', params={'revision': '33000'}).raise_for_status()
    assert described(attested)


@pytest.mark.parametrize('model', ['item', 'folder'])
def test_a_copy_of_a_package_has_it(attested, make, api, item_of, read, found, model):
    place = item_of(attested)['folderId']
    other = api.post('/app', params={'name': 'Other'}).raise_for_status().json()
    form = {**EXTENSION_FORM, 'baseName': 'Other', 'app_revision': '34000'}
    target = api.post(f'/app/{other["_id"]}/extension', params=form).raise_for_status().json()['folderId']
    if model == 'item':
        api.post(f'/item/{attested["_id"]}/copy', params={'folderId': target}).raise_for_status()
    else:
        draft, drafts = (api.get(f'/folder/{one}').json()['parentId'] for one in (place, target))
        parent = api.get(f'/folder/{drafts}').json()['parentId']
        api.post(f'/folder/{draft}/copy', params={'parentId': parent, 'parentType': 'folder'}).raise_for_status()
    (copied,) = api.get(f'/app/{other["_id"]}/extension', params={'baseName': 'SlicerIGT'}).json()
    address = f'/app/{other["_id"]}/extension/{copied["_id"]}/attestation'
    assert api.get(address).content == attestation(CONTENT)
    upload(api, copied['_id'], b'another')
    assert api.get(address).status_code == 404
    assert read(attested).status_code == 200, 'the original is as it was'


@pytest.mark.parametrize('model', ['item', 'folder'])
def test_a_copy_elsewhere_has_none(attested, api, item_of, elsewhere, in_database, model):
    params = {'folderId': str(elsewhere['_id'])} if model == 'item' else {
        'parentId': str(elsewhere['_id']), 'parentType': 'folder'}
    source = attested['_id'] if model == 'item' else item_of(attested)['folderId']
    api.post(f'/{model}/{source}/copy', params=params).raise_for_status()
    assert len(in_database()) == 1


def test_an_attestation_never_belongs_to_other_bytes(attested, wsgi_app, admin, attest, path, in_database, db):
    """Uploads and attestations at the same time: each attestation that is left is about the file that is left."""
    contents = [b'one', b'two', CONTENT]

    def attempt(number):
        with Client(wsgi_app, admin) as client:
            content = contents[number % len(contents)]
            if number % 2:
                upload(client, attested['_id'], content)
                return 200
            return attest(attested, attestation(content), client).status_code
    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(attempt, range(48)))
    assert statuses <= {200, 400, 404, 409}
    sha512 = db['item'].find_one({'_id': ObjectId(attested['_id'])})['meta']['sha512']
    assert {one['sha512'] for one in in_database()} <= {sha512}


def test_a_file_that_is_replaced_meanwhile_is_409(extension, api, attest, in_database, monkeypatch):
    from slicer_package_manager.registry.catalog import attesting
    about = attesting.forms.about

    def late(*args):
        with ThreadPoolExecutor(1) as pool:  # a request in another one would end both
            pool.submit(upload, api, extension['_id'], b'another').result(PATIENCE)
        return about(*args)
    monkeypatch.setattr(attesting.forms, 'about', late)
    answer = attest(extension)
    assert (answer.status_code, 'was replaced' in answer.text) == (409, True), answer.text
    assert in_database() == []


def test_the_file_is_read_once_for_its_checksum(attested, attest, monkeypatch):
    from slicer_package_manager.registry.storage.filesystem import FilesystemStore
    monkeypatch.setattr(FilesystemStore, 'read', lambda *_: pytest.fail('The checksum is known'))
    attest(attested).raise_for_status()


def test_it_belongs_to_a_file_in_object_storage_too(s3, attest, read, make, api):
    item = make('extension')
    upload(api, item['_id'], CONTENT)
    assert list(s3.objects().values()) == [CONTENT]
    attest(item).raise_for_status()
    assert read(item).content == attestation(CONTENT)
    upload(api, item['_id'], b'another')
    assert read(item).status_code == 404


def test_the_store_that_is_away_is_503(s3, make, api, attest, in_database):
    item = make('extension')
    upload(api, item['_id'], CONTENT)
    s3.fail = lambda _: s3.refuse
    answer = attest(item)
    assert (answer.status_code, in_database()) == (503, []), answer.text
    s3.fail = lambda _: None
    attest(item).raise_for_status()
