"""Packages whose files are in object storage: the same promises as for files on the server's disk."""
import hashlib
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from plugin_tests.conftest import upload
from plugin_tests.waiting import PATIENCE

pytestmark = pytest.mark.database

CONTENT = b'0123456789' * 1000
MIB = 1 << 20
LARGE = bytes(range(256)) * 48 * 1024  # 12 MiB
QT5 = {'User-Agent': 'Mozilla/5.0'}
BYTES = {'Content-Type': 'application/octet-stream'}


@pytest.fixture(autouse=True)
def _storage(s3):
    """All tests here are about object storage."""


@pytest.fixture
def begin(api):
    def start(item, content, name='f.zip', **values):
        return api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': name,
                                         'size': len(content), **values}).raise_for_status().json()
    return start


@pytest.fixture
def send(api):
    """Send one chunk of an upload."""
    def chunk(begun, content, start, stop):
        return api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': start}, content=content[start:stop],
                        headers=BYTES)
    return chunk


@pytest.fixture
def uploaded(make):
    return make('package', content=CONTENT)


@pytest.fixture
def count(anonymous, app):
    return lambda: sum(row['count'] for row in anonymous.get(
        f'/app/{app["_id"]}/downloadstats', params={'limit': 0}).json())


def fetched(client, item, **headers):
    """What a client gets that follows the redirect to the bucket."""
    sent = client.get(f'/item/{item["_id"]}/download', headers=headers)
    assert sent.status_code == 302
    return httpx.get(sent.headers['Location'], headers=headers)


def sha512(content):
    return hashlib.sha512(content).hexdigest()


def sweep():
    from slicer_package_manager.registry.storage import file_removal
    file_removal.sweep(timedelta(0))


# Uploads

@pytest.mark.parametrize(('size', 'chunk'), [
    pytest.param(10, 10, id='small'), pytest.param(12 * MIB, 5 * MIB, id='several chunks'),
    pytest.param(12 * MIB, 12 * MIB, id='a chunk of two parts'), pytest.param(0, 1, id='empty')])
def test_a_file_that_came_in_chunks_is_whole(anonymous, make, begin, send, s3, found_ids, monkeypatch, size, chunk):
    monkeypatch.setattr('slicer_package_manager.registry.storage.s3_uploads.PART', 6 * MIB)
    content = LARGE[:size]
    item = make('package')
    begun = begin(item, content)
    for start in range(0, size, chunk):
        assert found_ids('package') == []
        begun = {'_id': begun['_id'], **send(begun, content, start, start + chunk).raise_for_status().json()}
    assert begun['sha512'] == sha512(content)
    assert found_ids('package') == [item['_id']]
    assert anonymous.get(f'/item/{item["_id"]}').json()['meta']['sha512'] == sha512(content)
    assert list(s3.objects().values()) == ([content] if size else [])
    assert s3.unfinished() == []
    if size:
        assert fetched(anonymous, item).content == content


def test_chunks_that_the_storage_would_refuse_in_the_end_are_refused_at_once(make, begin, send, db):
    from girder.models.setting import Setting
    from girder.settings import SettingKey
    Setting().set(SettingKey.UPLOAD_MINIMUM_CHUNK_SIZE, 0)
    begun = begin(make('package'), LARGE)
    assert 'too small' in send(begun, LARGE, 0, 5 * MIB - 1).json()['message']
    assert send(begun, LARGE + b'x', 0, 12 * MIB + 1).status_code == 400
    assert db['upload'].find_one()['received'] == 0


@pytest.mark.parametrize(('failure', 'failing'), [
    ('refuse', 'uploads'), ('refuse', 'partNumber=1'), ('forget', 'partNumber=2'), ('refuse', 'uploadId='),
    ('forget', 'uploadId=')])
def test_an_upload_goes_on_after_the_storage_was_away(api, make, begin, send, s3, failure, failing):
    item = make('package')
    begun = begin(item, LARGE)

    def fail(request):
        exact = request.method == 'POST' and 'partNumber' not in request.query
        return failure if failing in request.query and (exact or 'part' in failing) else None
    s3.fail, offset, failures = fail, 0, 0
    while offset < len(LARGE):
        answer = send(begun, LARGE, offset, offset + 6 * MIB)
        if answer.status_code == 503:
            assert answer.headers['Retry-After']
            assert 'The object storage "objects" is busy (SlowDown)' in answer.json()['message']
            s3.fail, failures = (lambda _: None), failures + 1
        else:
            answer.raise_for_status()
        known = api.get('/file/offset', params={'uploadId': begun['_id']})
        offset = known.json()['offset'] if known.is_success else len(LARGE)
    assert failures == 1
    assert list(s3.objects().values()) == [LARGE]
    (file,) = api.get(f'/item/{item["_id"]}/files').json()
    assert file['sha512'] == sha512(LARGE)


def test_an_upload_goes_on_after_the_database_was_away(make, begin, send, s3, db):
    begun = begin(make('package'), LARGE)
    send(begun, LARGE, 0, 6 * MIB).raise_for_status()
    before = db['upload'].find_one()
    send(begun, LARGE, 6 * MIB, 12 * MIB).raise_for_status()
    db['file'].delete_many({})
    db['upload'].insert_one(before)  # that the bucket had it all was never stored
    assert send(begun, LARGE, 6 * MIB, 12 * MIB).raise_for_status().json()['sha512'] == sha512(LARGE)
    assert list(s3.objects().values()) == [LARGE]


def test_an_upload_that_the_bucket_has_given_up_is_begun_anew(api, make, begin, send, s3):
    begun = begin(make('package'), LARGE)
    send(begun, LARGE, 0, 6 * MIB).raise_for_status()
    (multipart,) = s3.unfinished()
    s3.client.abort_multipart_upload(Bucket='packages', Key=multipart['Key'], UploadId=multipart['UploadId'])
    answer = send(begun, LARGE, 6 * MIB, 12 * MIB)
    assert answer.status_code == 400
    assert 'Begin a new upload' in answer.json()['message']
    assert api.get('/file/offset', params={'uploadId': begun['_id']}).status_code == 400


@pytest.mark.parametrize('sent', [0, 6 * MIB])
def test_nothing_is_left_of_a_cancelled_upload(api, make, begin, send, s3, stored, sent):
    item = make('package')
    before = stored()
    begun = begin(item, LARGE)
    if sent:
        send(begun, LARGE, 0, sent).raise_for_status()
    s3.fail = lambda request: s3.refuse if 'partNumber' in request.query else None
    assert send(begun, LARGE, sent, sent + 6 * MIB).status_code == 503
    assert s3.unfinished()
    assert api.post('/file/completion', params={'uploadId': begun['_id']}).status_code == 400
    api.delete(f'/file/upload/{begun["_id"]}').raise_for_status()
    assert (s3.objects(), s3.unfinished(), stored()) == ({}, [], before)


def test_a_client_that_goes_away_ends_its_chunk(wsgi_app, api, make, begin, s3, db):
    begun = begin(make('package'), LARGE)
    status = []
    list(wsgi_app({
        'REQUEST_METHOD': 'POST', 'SCRIPT_NAME': '', 'PATH_INFO': '/api/v1/file/chunk', 'SERVER_PROTOCOL': 'HTTP/1.1',
        'QUERY_STRING': f'uploadId={begun["_id"]}&offset=0', 'CONTENT_LENGTH': str(6 * MIB),
        'CONTENT_TYPE': BYTES['Content-Type'], 'HTTP_GIRDER_TOKEN': api.headers['Girder-Token'],
        'SERVER_NAME': 'testserver', 'SERVER_PORT': '80', 'REMOTE_ADDR': '127.0.0.1', 'wsgi.url_scheme': 'http',
        'wsgi.version': (1, 0), 'wsgi.input': io.BytesIO(LARGE[:1000]), 'wsgi.errors': None, 'wsgi.multithread': True,
        'wsgi.multiprocess': True, 'wsgi.run_once': False}, lambda said, *_: status.append(said)))
    assert status[0].startswith('400')
    assert db['upload'].find_one()['received'] == 0
    assert s3.objects() == {}


# Clients that send the bytes to the bucket themselves, as Girder's web page does

def sent_to_bucket(request, content):
    return httpx.request(request['method'], request['url'], headers=request.get('headers'),
                         content=content).raise_for_status()


def test_a_file_that_a_client_sent_to_the_bucket(api, anonymous, make, begin, s3):
    item = make('package')
    begun = begin(item, CONTENT)
    assert 'x-amz-acl' not in begun['s3']['request']['headers']
    again = api.get('/file/offset', params={'uploadId': begun['_id']}).json()
    sent_to_bucket(again, CONTENT)
    file = api.post('/file/completion', params={'uploadId': begun['_id']}).raise_for_status().json()
    assert file['sha512'] == sha512(CONTENT) == anonymous.get(f'/item/{item["_id"]}').json()['meta']['sha512']
    assert fetched(anonymous, item).content == CONTENT


def test_a_large_file_that_a_client_sent_to_the_bucket(api, anonymous, make, begin, s3, monkeypatch):
    from slicer_package_manager.registry.storage.s3 import S3Store
    monkeypatch.setattr(S3Store, 'CHUNK_LEN', 6 * MIB)
    item = make('package')
    begun = begin(item, LARGE)
    multipart = sent_to_bucket(begun['s3']['request'], b'').text.partition('<UploadId>')[2].partition('<')[0]
    for number in (1, 2):
        part = {'s3UploadId': multipart, 'partNumber': number, 'contentLength': 6 * MIB}
        signed = api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0, 'chunk': json.dumps(part)})
        request = signed.raise_for_status().json()['s3']['request']
        sent_to_bucket(request, LARGE[(number - 1) * 6 * MIB:number * 6 * MIB])
        assert anonymous.get(f'/item/{item["_id"]}/download').status_code == 404
    file = api.post('/file/completion', params={'uploadId': begun['_id']}).raise_for_status().json()
    assert file['sha512'] == sha512(LARGE)
    assert (list(s3.objects().values()), s3.unfinished()) == ([LARGE], [])


@pytest.mark.parametrize(('content', 'arrived'), [(None, 0), (CONTENT[1:], 9999)])
def test_what_a_client_did_not_send_to_the_bucket_is_no_file(api, make, begin, s3, found_ids, content, arrived):
    begun = begin(make('package'), CONTENT)
    if content:
        s3.client.put_object(Bucket='packages', Key=begun['s3']['key'], Body=content)
    answer = api.post('/file/completion', params={'uploadId': begun['_id']})
    assert answer.status_code == 400
    assert answer.json()['message'] == f'The bucket has {arrived} of 10000 bytes of "f.zip".'
    assert found_ids('package') == []


# Downloads

def test_a_download_is_a_redirect_to_a_signed_url_and_counts_one(anonymous, uploaded, s3, count):
    response = anonymous.get(f'/item/{uploaded["_id"]}/download')
    assert response.status_code == 302
    assert response.headers['Location'].startswith(s3.url)
    assert response.headers['Cache-Control'] == 'no-store'
    assert httpx.get(response.headers['Location']).content == CONTENT
    assert count() == 1


def test_the_bucket_tells_the_name_and_type_also_after_it_changed(api, anonymous, make, s3):
    item = make('package')
    file = upload(api, item['_id'], CONTENT, name='Grün "1".zip')
    before = len(s3.requests)
    for name, expected in (('Grün "1".zip', "filename*=UTF-8''Gr%C3%BCn%20%221%22.zip"), ('b.zip', 'filename="b.zip"')):
        api.put(f'/file/{file["_id"]}', params={'name': name, 'mimeType': 'application/zip'}).raise_for_status()
        answer = fetched(anonymous, item)
        assert expected in answer.headers['Content-Disposition']
        assert answer.headers['Content-Type'] == 'application/zip'
    assert [one.method for one in s3.requests[before:]] == ['GET', 'GET']  # nothing was copied for the new name


def test_head_and_later_parts_count_nothing(anonymous, uploaded, count):
    answer = anonymous.head(f'/item/{uploaded["_id"]}/download')
    assert answer.status_code == 302
    assert httpx.head(answer.headers['Location']).headers['Content-Length'] == '10000'
    assert fetched(anonymous, uploaded, Range='bytes=0-99').content == CONTENT[:100]
    assert count() == 0


def test_a_slicer_that_follows_no_redirect_gets_the_bytes(anonymous, uploaded, count):
    response = anonymous.get(f'/item/{uploaded["_id"]}/download', headers=QT5)
    assert (response.status_code, response.content) == (200, CONTENT)
    part = anonymous.get(f'/item/{uploaded["_id"]}/download', headers={**QT5, 'Range': 'bytes=5-9'})
    assert (part.status_code, part.content) == (206, CONTENT[5:10])
    assert count() == 1


def test_a_setting_says_which_way_the_bytes_go(api, anonymous, uploaded, count):
    for number, (way, status) in enumerate([('stream', 200), ('redirect', 302)], 1):
        api.put('/system/setting', params={'key': 'slicer_package_manager.link_delivery', 'value': f'"{way}"'}
                ).raise_for_status()
        for headers in ({}, QT5):
            assert anonymous.head(f'/item/{uploaded["_id"]}/download', headers=headers).status_code == status
        assert anonymous.get(f'/item/{uploaded["_id"]}/download').status_code == status
        assert count() == number


def test_files_in_an_archive_count(anonymous, uploaded, count):
    assert anonymous.get(f'/item/{uploaded["_id"]}/download', params={'format': 'zip'}).status_code == 200
    assert count() == 1


def test_a_stream_from_the_bucket_that_breaks_off_goes_on(anonymous, make, s3, count):
    item = make('package', content=LARGE)
    failures = iter([s3.break_off, s3.break_off])
    s3.fail = lambda request: next(failures, None) if request.method == 'GET' else None
    assert anonymous.get(f'/item/{item["_id"]}/download', headers=QT5).content == LARGE
    assert count() == 1


def test_an_object_that_is_lost_is_no_download(anonymous, uploaded, s3, count):
    (key,) = s3.objects()
    for damage in (lambda: s3.client.put_object(Bucket='packages', Key=key, Body=CONTENT[:-1]),
                   lambda: s3.client.delete_object(Bucket='packages', Key=key)):
        damage()
        answer = anonymous.get(f'/item/{uploaded["_id"]}/download', headers=QT5)
        assert answer.status_code == 500
        assert 'is lost; upload it again' in answer.json()['message']
    assert count() == 0


def test_only_who_may_read_a_package_gets_an_address_in_the_bucket(api, anonymous, login, make_user, make, app, grant):
    reader, stranger = make_user('reader'), make_user('stranger')
    item = make('package', content=CONTENT)
    grant(app, reader, recurse=True)
    for client in (anonymous, login(stranger)):
        answer = client.get(f'/item/{item["_id"]}/download')
        assert answer.status_code in (401, 403)
        assert 'Location' not in answer.headers
    location = login(reader).get(f'/item/{item["_id"]}/download').headers['Location']
    assert httpx.get(location).content == CONTENT
    assert parse_qs(urlsplit(location).query)['X-Amz-Expires'] == ['3600']


# Replacing and deleting

def as_older_clients_do(api, item, old):
    new = upload(api, item['_id'], b'new', name='new_file')
    yield
    api.delete(f'/file/{old["_id"]}').raise_for_status()
    api.put(f'/file/{new["_id"]}', params={'name': old['name']}).raise_for_status()


def by_a_second_upload(api, item, _old):
    upload(api, item['_id'], b'new')
    yield


def by_new_contents(api, _item, old):
    begun = api.put(f'/file/{old["_id"]}/contents', params={'size': 3}).raise_for_status().json()
    yield
    api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, content=b'new',
             headers=BYTES).raise_for_status()


@pytest.mark.parametrize('replace', [as_older_clients_do, by_a_second_upload, by_new_contents])
def test_a_replaced_file(api, anonymous, uploaded, s3, replace):
    def seen():
        (file,) = anonymous.get(f'/item/{uploaded["_id"]}/files').json()
        content = fetched(anonymous, uploaded).content
        assert (file['sha512'], file['size']) == (sha512(content), len(content))
        return file, content
    old, _ = seen()
    address = anonymous.get(f'/file/{old["_id"]}/download').headers['Location']
    for _ in replace(api, uploaded, old):
        assert seen()[1] in (CONTENT, b'new')
    assert seen()[1] == b'new'
    item = anonymous.get(f'/item/{uploaded["_id"]}').json()
    assert (item['meta']['sha512'], item['size']) == (sha512(b'new'), 3)
    if replace is not as_older_clients_do:  # they delete it themselves
        assert httpx.get(address).content == CONTENT
    sweep()
    assert list(s3.objects().values()) == [b'new']


def test_a_file_goes_from_disk_to_the_bucket_and_back(api, anonymous, make, s3, db, monkeypatch):
    from girder.models.upload import Upload
    monkeypatch.setattr(Upload, '_getChunkSize', lambda *_: 6 * MIB)
    stores = {one['name']: str(one['_id']) for one in db['assetstore'].find({})}
    item = make('package')
    begun = api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'f.zip', 'assetstoreId':
                                      stores['files'], 'size': len(LARGE)}, content=LARGE, headers=BYTES).json()
    for name, expected in (('objects', [LARGE]), ('files', [])):
        moved = api.put(f'/file/{begun["_id"]}/move', params={'assetstoreId': stores[name]})
        assert moved.raise_for_status().json()['sha512'] == sha512(LARGE)
        sweep()
        assert list(s3.objects().values()) == expected
        found = fetched(anonymous, item) if expected else anonymous.get(f'/item/{item["_id"]}/download')
        assert found.content == LARGE
        (kept,) = db['file'].find({})
        assert (kept.get('path') is None) == bool(expected)


def test_what_is_deleted_frees_its_object(api, app, uploaded, s3):
    api.delete(f'/app/{app["_id"]}/package/{uploaded["_id"]}').raise_for_status()
    assert s3.objects() == {}


def test_a_copy_keeps_its_bytes_when_the_original_is_deleted(api, anonymous, app, uploaded, make_release, s3):
    release = make_release('5.9', '34000')
    copy = api.post(f'/item/{uploaded["_id"]}/copy', params={'folderId': release['_id']}).raise_for_status().json()
    api.delete(f'/app/{app["_id"]}/package/{uploaded["_id"]}').raise_for_status()
    assert fetched(anonymous, copy).content == CONTENT
    api.delete(f'/app/{app["_id"]}/release/5.9').raise_for_status()
    assert s3.objects() == {}


def test_a_promoted_and_a_moved_package_keep_their_bytes(api, anonymous, app, make, make_release):
    item = make('package', content=CONTENT)
    api.post(f'/app/{app["_id"]}/release/5.8/promote', params={'revision': '33000'})
    other = make_release('5.9', '34000')
    api.put('/resource/move', params={'resources': json.dumps({'item': [item['_id']]}), 'parentType': 'folder',
                                      'parentId': other['_id']}).raise_for_status()
    now = anonymous.get(f'/item/{item["_id"]}').json()
    assert (now['meta']['release'], now['meta']['sha512']) == ('5.9', sha512(CONTENT))
    assert fetched(anonymous, item).content == CONTENT


def test_of_two_files_with_one_object_that_are_deleted_at_the_same_time_the_later_one_deletes_it(
        api, uploaded, make_release, s3, db):
    from girder.models.file import File

    from slicer_package_manager.registry.storage import stores
    release = make_release('6.0', '34000')
    api.post(f'/item/{uploaded["_id"]}/copy', params={'folderId': release['_id']}).raise_for_status()
    (first, second), both_look = db['file'].find({}), threading.Event()

    def delete(file, before):
        def forget():
            before()
            File().collection.delete_one({'_id': file['_id']})
        stores.of_file(file).delete(file, forget)

    def begin_the_other():
        started.append(pool.submit(delete, second, both_look.set))
        assert both_look.wait(PATIENCE)
    with ThreadPoolExecutor(2) as pool:
        started = []
        delete(first, lambda: started or begin_the_other())
        started[0].result(PATIENCE)
    assert (db['file'].count_documents({}), s3.objects()) == (0, {})


def test_a_link_and_an_object_take_each_others_place(api, anonymous, app, make, s3):
    link = {'url': 'https://github.com/o/r/releases/download/1/a.zip', 'file_name': 'a.zip', 'size': 5}
    item = make('package', **link)
    upload(api, item['_id'], CONTENT)
    assert fetched(anonymous, item).content == CONTENT
    assert make('package', **{**link, 'url': link['url'].replace('/1/', '/2/')})['_id'] == item['_id']
    assert anonymous.get(f'/item/{item["_id"]}/download').headers['Location'].startswith('https://github.com/')
    sweep()
    assert s3.objects() == {}


# Storage that is away

@pytest.fixture
def away(db, uploaded):
    """Object storage that does not answer, with a package."""
    from girder.models.assetstore import Assetstore
    Assetstore().collection.update_one({'name': 'objects'}, {'$set': {'service': 'http://127.0.0.1:9'}})
    return uploaded


def test_while_the_storage_is_away_nothing_changes_and_everybody_is_told(api, anonymous, app, away, stored, count):
    before = stored()
    item, path = f'/item/{away["_id"]}', f'/app/{app["_id"]}/package/{away["_id"]}'
    half = {'parentType': 'item', 'parentId': away['_id'], 'name': 'f.zip', 'size': 10}
    for answer in (anonymous.get(f'{item}/download', headers=QT5), api.delete(path), api.delete(item),
                   api.post('/file', params=half, content=b'0123456789', headers=BYTES)):
        assert answer.status_code == 503
        assert answer.json()['message'].startswith('The object storage "objects" does not answer.')
        assert int(answer.headers['Retry-After']) > 0
    assert {**stored(), 'upload': []} == before
    assert [one['_id'] for one in anonymous.get(f'/app/{app["_id"]}/package').json()] == [away['_id']]
    assert count() == 0


def test_a_deletion_in_which_the_storage_fails_deletes_the_object_later(api, uploaded, s3, db, found_ids):
    s3.fail = lambda request: s3.refuse if request.method == 'DELETE' else None
    api.delete(f'/item/{uploaded["_id"]}').raise_for_status()
    assert (found_ids('package'), len(s3.objects())) == ([], 1)
    s3.fail = lambda _: None
    sweep()
    assert (db['file'].count_documents({}), s3.objects()) == (0, {})


def test_a_bucket_that_refuses_is_told(api, uploaded, s3):
    s3.client.delete_object(Bucket='packages', Key=next(iter(s3.objects())))
    s3.client.delete_bucket(Bucket='packages')
    answer = api.delete(f'/item/{uploaded["_id"]}')
    assert answer.status_code == 502
    assert '(NoSuchBucket)' in answer.json()['message']


def test_other_peoples_files_go_girders_way(api, s3, app):
    folder = api.post('/folder', params={'parentType': 'collection', 'parentId': app['baseParentId'],
                                         'name': 'mine'}).raise_for_status().json()
    begun = {'parentType': 'folder', 'parentId': folder['_id'], 'name': 'a.txt', 'size': 3}
    file = api.post('/file', params=begun, content=b'abc', headers=BYTES).raise_for_status().json()
    assert list(s3.objects().values()) == [b'abc']
    location = api.get(f'/file/{file["_id"]}/download')
    assert httpx.get(location.headers['Location']).headers['Content-Disposition'] == 'attachment; filename="a.txt"'
    refused = api.post('/file', params={**begun, 'size': 12 * MIB}, content=LARGE[:6 * MIB], headers=BYTES)
    assert 'must be sent in a single chunk' in refused.json()['message']
