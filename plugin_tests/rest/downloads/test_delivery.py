import io
import zipfile

import pytest

from plugin_tests.conftest import upload

pytestmark = pytest.mark.database

CONTENT = bytes(range(256)) * 1024  # 256 KiB: larger than what counts as a probe of the tail


@pytest.fixture(params=['package', 'extension'])
def item(request, make):
    return make(request.param, content=CONTENT)


@pytest.fixture
def file(api, item):
    return api.get(f'/item/{item["_id"]}/files').json()[0]


@pytest.fixture(params=['file', 'name', 'item', 'item name', 'checksum', 'CHECKSUM'])
def url(request, item, file):
    return {'file': f'/file/{file["_id"]}/download', 'name': f'/file/{file["_id"]}/download/any-name.tar.gz',
            'item': f'/item/{item["_id"]}/download', 'item name': f'/item/{item["_id"]}/download/x y.tar.gz',
            'checksum': f'/file/hashsum/sha512/{file["sha512"]}/download',
            'CHECKSUM': f'/file/hashsum/SHA512/{file["sha512"].upper()}/download'}[request.param]


@pytest.fixture
def count(anonymous, app):
    """The sum of all download counts of the application."""
    return lambda: sum(row['count'] for row in anonymous.get(
        f'/app/{app["_id"]}/downloadstats', params={'limit': 0}).json())


def test_every_way_gives_the_whole_file_and_counts_one(anonymous, url, file, count):
    response = anonymous.get(url)
    assert response.status_code == 200
    assert response.content == CONTENT
    assert response.headers['Content-Length'] == str(len(CONTENT))
    assert response.headers['ETag'] == f'"{file["sha512"]}"'
    assert response.headers['Accept-Ranges'] == 'bytes'
    assert response.headers['Content-Disposition'] == 'attachment; filename="file.tar.gz"'
    assert count() == 1


def test_the_item_of_others_can_be_downloaded_under_a_name_too(api, anonymous):
    folder = api.post('/folder', params={'parentType': 'user', 'parentId': api.get('/user/me').json()['_id'],
                                         'name': 'mine', 'public': False}).raise_for_status().json()
    item = api.post('/item', params={'folderId': folder['_id'], 'name': 'mine'}).raise_for_status().json()
    upload(api, item['_id'], b'mine')
    assert api.get(f'/item/{item["_id"]}/download/any.txt').content == b'mine'
    assert anonymous.get(f'/item/{item["_id"]}/download/any.txt').status_code == 401
    assert anonymous.get('/item/000000000000000000000000/download/any.txt').status_code == 400


def test_head_has_the_headers_of_get_and_counts_nothing(anonymous, url, count):
    head = anonymous.head(url)
    assert (head.status_code, head.content, count()) == (200, b'', 0)
    got = anonymous.get(url)
    changing = {'girder-request-uid', 'x-request-id', 'date'}
    assert {key: value for key, value in head.headers.items() if key not in changing} == {
        key: value for key, value in got.headers.items() if key not in changing}


@pytest.mark.parametrize(('header', 'start', 'stop', 'counted'), [
    ('bytes=0-99', 0, 100, 0), ('bytes=-100', len(CONTENT) - 100, len(CONTENT), 0),
    ('bytes=100-', 100, len(CONTENT), 1), ('bytes=0-', 0, len(CONTENT), 1)])
def test_a_range_gets_exactly_its_bytes(anonymous, url, count, header, start, stop, counted):
    response = anonymous.get(url, headers={'Range': header})
    assert response.status_code == 206
    assert response.content == CONTENT[start:stop]
    assert response.headers['Content-Range'] == f'bytes {start}-{stop - 1}/{len(CONTENT)}'
    assert response.headers['Content-Length'] == str(stop - start)
    assert count() == counted


def test_a_range_beyond_the_end_is_416_with_the_size(anonymous, url, count):
    response = anonymous.get(url, headers={'Range': f'bytes={len(CONTENT)}-'})
    assert response.status_code == 416
    assert response.headers['Content-Range'] == f'bytes */{len(CONTENT)}'
    assert 'none of which' in response.json()['message']
    assert count() == 0


@pytest.mark.parametrize('header', ['bytes=5-2', 'bytes=x', 'lines=1-2', 'bytes=0-0,9-9'])
def test_a_range_that_cannot_be_parsed_is_ignored(anonymous, url, header):
    response = anonymous.get(url, headers={'Range': header})
    assert (response.status_code, response.content) == (200, CONTENT)
    assert 'Content-Range' not in response.headers


def test_a_download_resumed_in_two_parts_counts_one(anonymous, url, count):
    first = anonymous.get(url, headers={'Range': 'bytes=0-149999'})
    tag = first.headers['ETag']
    rest = anonymous.get(url, headers={'Range': 'bytes=150000-', 'If-Range': tag})
    assert first.content + rest.content == CONTENT
    assert count() == 1


def test_if_range_of_another_state_gets_the_whole_file(anonymous, url):
    response = anonymous.get(url, headers={'Range': 'bytes=5-9', 'If-Range': '"other"'})
    assert (response.status_code, response.content) == (200, CONTENT)


def test_a_known_file_is_not_sent_again(anonymous, url, file, count):
    response = anonymous.get(url, headers={'If-None-Match': f'"{file["sha512"]}"'})
    assert (response.status_code, response.content, count()) == (304, b'', 0)
    assert response.headers['ETag'] == f'"{file["sha512"]}"'
    since = anonymous.head(url).headers['Last-Modified']
    assert anonymous.get(url, headers={'If-Modified-Since': since}).status_code == 304


def test_a_file_that_changed_meanwhile_is_412(anonymous, url):
    response = anonymous.get(url, headers={'If-Match': '"other"'})
    assert (response.status_code, response.json()['type']) == (412, 'rest')


def test_an_aborted_transfer_counts_nothing(anonymous, url, count):
    with anonymous.stream('GET', url) as response:
        next(response.iter_raw(1024))
    assert count() == 0


def test_girders_own_parameters_ask_for_a_part(anonymous, file, count):
    response = anonymous.get(f'/file/{file["_id"]}/download', params={'offset': 10, 'endByte': 20})
    assert (response.status_code, response.content, count()) == (206, CONTENT[10:20], 0)
    inline = anonymous.get(f'/file/{file["_id"]}/download', params={'contentDisposition': 'inline'})
    assert inline.headers['Content-Disposition'].startswith('inline')
    assert inline.headers['Content-Security-Policy'] == 'sandbox'


@pytest.mark.parametrize('params', [
    {'offset': 'x'}, {'offset': '-1'}, {'endByte': '-1'}, {'endByte': '9' * 5000}, {'contentDisposition': 'other'}])
def test_unusable_parameters_are_400(anonymous, file, params):
    assert anonymous.get(f'/file/{file["_id"]}/download', params=params).status_code == 400


def test_an_empty_file_is_delivered_and_counted(api, anonymous, make, count):
    item = make('package')
    upload(api, item['_id'], b'')
    response = anonymous.get(f'/item/{item["_id"]}/download')
    assert (response.status_code, response.content, response.headers['Content-Length']) == (200, b'', '0')
    assert count() == 1
    assert anonymous.get(f'/item/{item["_id"]}/download', headers={'Range': 'bytes=0-'}).status_code == 416


def test_an_item_without_a_file_is_404_and_no_empty_archive(anonymous, make):
    item = make('package')
    for params in ({}, {'format': 'zip'}):
        response = anonymous.get(f'/item/{item["_id"]}/download', params=params)
        assert response.status_code == 404
        assert 'no file yet' in response.json()['message']


def test_names_of_files_are_told_in_full(api, anonymous, make):
    item = make('package')
    upload(api, item['_id'], b'x', name='Größe "1".tar.gz')
    value = anonymous.get(f'/item/{item["_id"]}/download').headers['Content-Disposition']
    assert value.endswith("filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%221%22.tar.gz")


def test_every_package_in_a_complete_archive_counts_one(api, anonymous, app, make, count):
    first, second = make('package', content=b'one'), make('extension', content=b'two')
    for url in (f'/folder/{app["_id"]}/download', f'/collection/{app["baseParentId"]}/download'):
        archive = zipfile.ZipFile(io.BytesIO(api.get(url).content))
        assert {archive.read(name) for name in archive.namelist()} == {b'one', b'two'}
    assert count() == 4
    with anonymous.stream('GET', f'/folder/{app["_id"]}/download') as response:
        next(response.iter_raw(10))
    assert count() == 4
    resources = f'{{"item": ["{first["_id"]}", "{second["_id"]}"]}}'
    assert anonymous.get('/resource/download', params={'resources': resources}).status_code == 200
    assert count() == 6
    assert anonymous.get(f'/item/{first["_id"]}/download', params={'format': 'zip'}).status_code == 200
    assert count() == 7


def test_counts_survive_what_was_counted(api, anonymous, app, make, count):
    item = make('extension', content=b'x')
    anonymous.get(f'/item/{item["_id"]}/download')
    before = anonymous.get(f'/app/{app["_id"]}/downloadstats').json()
    api.delete(f'/app/{app["_id"]}/release/33000').raise_for_status()
    assert anonymous.get(f'/app/{app["_id"]}/downloadstats').json() == before
    assert count() == 1


def test_names_with_dots_dollars_and_unicode_are_counted_as_they_are(anonymous, app, make):
    item = make('extension', content=b'x', baseName='$a.b.ü', app_revision='$1.2')
    anonymous.get(f'/item/{item["_id"]}/download')
    assert anonymous.get(f'/app/{app["_id"]}/downloadstats').json() == {
        '$1.2': {'extensions': {'$a.b.ü': {'linux': {'amd64': 1}}}}}


def test_downloads_grow_no_folder_and_no_item(anonymous, db, make):
    item = make('package', content=b'x')
    before = [db[name].find_one({'_id': {'$exists': True}, 'spm': {'$exists': True}}) for name in ('folder', 'item')]
    for _ in range(3):
        anonymous.get(f'/item/{item["_id"]}/download')
    after = [db[name].find_one({'_id': {'$exists': True}, 'spm': {'$exists': True}}) for name in ('folder', 'item')]
    assert before == after
    assert db['slicer_package_download'].count_documents({}) == 1


def test_another_peoples_file_keeps_girders_behaviour(api, db, app, count):
    folder = api.post('/folder', params={'parentType': 'collection', 'parentId': app['baseParentId'],
                                         'name': 'other', 'public': True}).json()
    item = api.post('/item', params={'folderId': folder['_id'], 'name': 'item'}).json()
    assert api.get(f'/item/{item["_id"]}/download').headers['Content-Type'] == 'application/zip'
    file = upload(api, item['_id'], b'0123456789')
    response = api.get(f'/file/{file["_id"]}/download')
    assert response.content == b'0123456789'
    assert 'ETag' not in response.headers
    assert count() == 0


def test_a_private_file_is_refused_on_every_way(api, login, make_user, app, make):
    api.put(f'/folder/{app["_id"]}', params={}).raise_for_status()
    release = api.post(f'/app/{app["_id"]}/release', params={
        'name': 'secret', 'app_revision': '33000', 'public': False}).json()
    assert release['public'] is False
    item = make('package', content=b'secret')
    file = api.get(f'/item/{item["_id"]}/files').json()[0]
    for client, statuses in ((login(), {401, 404}), (login(make_user('someone')), {403, 404})):
        for url in (f'/file/{file["_id"]}/download', f'/item/{item["_id"]}/download',
                    f'/file/hashsum/sha512/{file["sha512"]}/download'):
            assert client.get(url).status_code in statuses


@pytest.mark.parametrize('params', [
    {'endByte': 0}, {'offset': 1000}, {'offset': 1001}, {'offset': 10, 'endByte': 5}, {'offset': 10, 'endByte': 10},
    {'offset': 10**18}, {'offset': 0, 'endByte': 0}])
@pytest.mark.parametrize('way', ['file', 'item'])
def test_a_part_without_bytes_is_416(api, anonymous, make, count, params, way):
    item = make('package', content=bytes(1000))
    (file,) = anonymous.get(f'/item/{item["_id"]}/files').json()
    path = f'/item/{item["_id"]}/download' if way == 'item' else f'/file/{file["_id"]}/download'
    for method in ('GET', 'HEAD'):
        answer = anonymous.request(method, path, params=params)
        assert answer.status_code == 416
        assert answer.headers['Content-Range'] == 'bytes */1000'
    whole = anonymous.get(path, params=params, headers={'Range': 'bytes=5-9'})
    assert (whole.status_code, whole.headers['Content-Range']) == (206, 'bytes 5-9/1000')
    assert count() == 0


@pytest.mark.parametrize(('params', 'length'), [
    ({'offset': 999}, 1), ({'endByte': 1}, 1), ({'offset': 990, 'endByte': 5000}, 10),
    ({'offset': '', 'endByte': ''}, 1000)])
def test_a_part_with_bytes_is_sent(anonymous, make, params, length):
    item = make('package', content=bytes(1000))
    answer = anonymous.get(f'/item/{item["_id"]}/download', params=params)
    assert (len(answer.content), answer.headers['Content-Length']) == (length, str(length))


def test_an_empty_file_has_no_part(api, anonymous, make):
    item = make('package')
    api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'x', 'size': 0}).raise_for_status()
    path = f'/item/{item["_id"]}/download'
    assert anonymous.get(path, params={'offset': 0, 'endByte': 0}).status_code == 200
    assert anonymous.get(path, params={'offset': 1}).status_code == 416
