"""Files at old addresses: sent with status 200, counted once, and never to those who may not read them."""
import hashlib

import pytest

from plugin_tests import loopback
from plugin_tests.midas.conftest import MIDAS, ROOT

pytestmark = pytest.mark.database

MD5 = '0cc175b9c0f1b6a831c399e269772661'
URL = 'https://github.com/O/R/releases/download/T/Slicer.tar.gz'


@pytest.fixture
def known(ready, alias):
    """An extension with the numbers of MIDAS."""
    item = ready('extension')
    alias('item', '77', item)
    alias('bitstream', '1201', item)
    alias('extension', '12', item)
    alias('md5', MD5, item)
    return item


def get(client, path, **params):
    return client.get(f'{MIDAS}/{path}', params=params)


ADDRESSES = [
    'download?items=77', 'download/?items=77&dummy=x', 'download/index?items=77', 'download?items=0077',
    'download?bitstream=1201', 'download/item/77', 'download/item/77/any/file.zip', 'download/bitstream/1201/x.nrrd',
    'rest/bitstream/download/1201', f'rest/bitstream/download?checksum={MD5}',
    f'rest/bitstream/download?checksum={MD5.upper()}', f'api/json?method=midas.bitstream.download&checksum={MD5}',
    f'api/json?checksum={MD5}&method=midas.bitstream.download', 'api/rest?method=midas.bitstream.download&id=1201',
    'slicerappstore/index/downloadextension?extensionId=12', 'download?items={id}', 'download?items={id},1',
    'download?bitstream={id}', 'download?bitstream={file}', 'slicerappstore/index/downloadextension?extensionId={id}']


@pytest.mark.parametrize('address', ADDRESSES)
def test_an_address_sends_the_file_and_counts_once(known, anonymous, api, counted, address):
    file = api.get(f'/item/{known["_id"]}/files').json()[0]
    url = f'{MIDAS}/{address.format(id=known["_id"], file=file["_id"])}'
    head = anonymous.head(url)
    assert (head.status_code, head.content, counted()) == (200, b'', 0)
    answer = anonymous.get(url)
    assert (answer.status_code, answer.content) == (200, b'content of ' + known['_id'].encode())
    assert answer.headers['Content-Length'] == head.headers['Content-Length'] == '35'
    assert answer.headers['Content-Disposition'] == 'attachment; filename="file.tar.gz"'
    assert answer.headers['Content-Security-Policy'] == 'sandbox'  # an uploaded page runs no script
    assert counted() == 1


@pytest.mark.parametrize('address', ['//midas3/download?items=77', '//midas3/download/item/77'])
def test_a_doubled_slash_is_accepted(known, anonymous, address):
    assert anonymous.get(f'{ROOT}{address}').content == b'content of ' + known['_id'].encode()


@pytest.mark.parametrize(('address', 'status'), [
    ('download', 400), ('download?items=', 400), ('download?items=1-2', 400), ('download?items=77,2-78', 400),
    ('download?items=77,2,3', 400), ('download?items={id},{id}', 400), ('download?items=77-{id}', 400),
    ('download?items=77&items=78', 400), ('download?items=x', 400), ('download?items=-1', 400),
    ('download?items=%00', 400), ('download?items=%D9%A1', 400), ('download?items=../77', 400),
    ('download?items=' + '9' * 5000, 400), ('download?items=' + '9' * 30, 400), ('download?items=78', 404),
    ('download?items=78,2', 404), ('download?items=' + '9' * 19, 404), ('download?items=64b000000000000000000001', 404),
    ('download?items=77,2', 410), ('download?items={id},2', 400), ('download?bitstream=77', 404),
    ('download?items[]=77', 400), ('download/item/78', 404), ('download/item/x', 400), ('download/folder/5', 404),
    ('rest/bitstream/download?checksum=' + 'b' * 32, 404), ('rest/bitstream/download?checksum=x', 400),
    ('api/rest?method=midas.item.get&id=77', 410), ('api/rest', 410),
    ('slicerappstore/index/downloadextension?extensionId=77', 404),
    ('download?items=77&offset=x', 400), ('download?items=77&offset=-1', 400), ('download?items=77&offset=35', 416),
    ('download?items=77&offset=' + '9' * 5000, 400), ('download?items=77&offset=' + '9' * 40, 416),
    ('download?items=77&name=../../etc/passwd', 400), ('download?items=77&name=a%0d%0aX-Bad:1', 400),
    ('download?items=77&name=..', 400), ('download?items=77&name=a%5Cb', 400),
    ('download?items=77&name=' + 'x' * 300, 400)])
@pytest.mark.parametrize('accept', ['*/*', 'text/html'])
def test_what_is_no_file_is_an_error_and_no_empty_archive(known, anonymous, counted, address, status, accept):
    answer = anonymous.get(f'{MIDAS}/{address.format(id=known["_id"])}', headers={'Accept': accept})
    assert (answer.status_code, 'X-Bad' in answer.headers, counted()) == (status, False, 0), answer.text
    kind = 'text/html' if accept == 'text/html' and status != 416 else 'application/json'
    assert answer.headers['Content-Type'].startswith(kind)
    assert ('message' in answer.json()) if kind == 'application/json' else '<h1>' in answer.text


def test_an_offset_is_a_part_and_a_name_is_for_the_disposition(known, anonymous, counted):
    answer = get(anonymous, 'download', bitstream='1201', offset='11', name='brain ü.nrrd')
    assert (answer.status_code, answer.content) == (206, known['_id'].encode())
    assert answer.headers['Content-Range'] == 'bytes 11-34/35'
    assert "filename*=UTF-8''brain%20%C3%BC.nrrd" in answer.headers['Content-Disposition']
    part = anonymous.get(f'{MIDAS}/download?items=77', headers={'Range': 'bytes=0-6'})
    assert (part.status_code, part.content, counted()) == (206, b'content', 0)
    assert get(anonymous, 'download', items='77', offset='0').status_code == 200


def test_what_is_private_is_404_and_open_to_those_who_may_read_it(known, anonymous, api, grant, counted):
    grant({'_id': known['folderId']})
    for address in (*ADDRESSES[:15], 'download?items=77,2'):
        answer = anonymous.get(f'{MIDAS}/{address}')
        assert (answer.status_code, known['name'] in answer.text) == (404, False)
    assert get(api, 'download', items='77').status_code == 200


def test_a_checksum_leads_to_the_first_item_that_the_reader_may_read(known, ready, alias, anonymous, grant):
    other = ready('package')
    alias('md5', MD5, other)
    path = 'rest/bitstream/download'
    assert get(anonymous, path, checksum=MD5).content.endswith(known['_id'].encode())
    grant({'_id': known['folderId']})
    assert get(anonymous, path, checksum=MD5).content.endswith(other['_id'].encode())


def test_old_revisions_are_sent_and_not_counted(known, plain, alias, anonymous, counted, api, grant, elsewhere):
    old = plain('old', b'old revision')
    alias('item', '77,2', old)
    assert get(anonymous, 'download', items='77,2').content == b'old revision'
    assert get(anonymous, 'download', items='77,3').status_code == 410
    assert counted() == 0
    grant(elsewhere)
    assert get(anonymous, 'download', items='77,2').status_code == 404


def test_what_is_gone_says_so_and_where_to_look(known, api, app, alias, anonymous):
    alias('item', '78', name='Slicer-4.0.1-linux-amd64.tar.gz')
    answer = get(anonymous, 'download', items='78')
    assert answer.status_code == 410
    assert 'Slicer-4.0.1-linux-amd64.tar.gz' in answer.json()['message']
    assert '/download' in answer.json()['message']
    api.delete(f'/app/{app["_id"]}/extension/{known["_id"]}').raise_for_status()
    for address in ADDRESSES[:15]:
        assert anonymous.get(f'{MIDAS}/{address}').status_code == 410
    assert get(anonymous, 'download', items=known['_id']).status_code == 404


def test_data_that_was_moved_is_found_by_the_table_of_the_operator(app, alias, anonymous, api):
    alias('item', '5', url=URL)
    alias('md5', MD5, url=URL)
    for address in ('download?items=5', f'rest/bitstream/download?checksum={MD5}', 'item/5',
                    'slicerdatastore/view?itemId=5'):
        answer = anonymous.get(f'{MIDAS}/{address}')
        assert (answer.status_code, answer.headers['Location']) == (302, URL)
    api.put('/system/setting', params={'key': 'slicer_package_manager.link_hosts', 'value': '["example.org"]'})
    answer = get(anonymous, 'download', items='5')
    assert (answer.status_code, 'Location' in answer.headers) == (403, False)


def test_a_link_is_streamed_to_every_client_whatever_the_setting_is(
        httpserver, allow, make, anonymous, api, counted):
    allow(loopback.origin(httpserver))
    httpserver.expect_request('/file').respond_with_data(b'the file')
    item = make('extension', url=httpserver.url_for('/file'), file_name='a.zip', size=8,
                sha512=hashlib.sha512(b'the file').hexdigest())
    for setting in ('"redirect"', '"auto"', '"stream"'):
        api.put('/system/setting', params={'key': 'slicer_package_manager.link_delivery', 'value': setting})
        answer = anonymous.get(f'{MIDAS}/download?items={item["_id"]}', headers={'User-Agent': 'curl/8'})
        assert (answer.status_code, answer.content, answer.headers['Content-Length']) == (200, b'the file', '8')
    assert counted() == 3
    assert anonymous.head(f'{MIDAS}/download?items={item["_id"]}').headers['Content-Length'] == '8'


def test_a_link_whose_server_fails_or_has_another_file_is_no_success(httpserver, allow, make, anonymous, counted):
    allow(loopback.origin(httpserver))
    httpserver.expect_request('/gone').respond_with_data(b'', status=404)
    gone = make('extension', baseName='Gone', url=httpserver.url_for('/gone'), file_name='a.zip', size=8)
    item = make('extension', url=URL)
    assert anonymous.get(f'{MIDAS}/download?items={gone["_id"]}').status_code == 502
    assert anonymous.get(f'{MIDAS}/download?items={item["_id"]}').status_code == 502  # no test may connect there
    assert counted() == 0


def test_a_file_in_object_storage_is_streamed(s3, ready, anonymous, counted):
    item = ready('package')
    answer = anonymous.get(f'{MIDAS}/download?items={item["_id"]}')
    assert (answer.status_code, answer.content, counted()) == (200, b'content of ' + item['_id'].encode(), 1)


def test_a_bitstream_of_the_download_site_leads_to_the_file(known, plain, alias, anonymous, grant, counted):
    old = plain('old', b'old')
    alias('bitstream', '5', old)
    alias('bitstream', '6')
    answer = anonymous.get(f'{ROOT}/bitstream/1201')
    assert (answer.status_code, answer.headers['Location']) == (302, f'/bitstream/{known["_id"]}')
    answer = anonymous.get(f'{ROOT}/bitstream/5')
    assert (answer.status_code, answer.headers['Location']) == (302, '/midas3/download?bitstream=5')
    assert [anonymous.get(f'{ROOT}/bitstream/{one}').status_code for one in ('6', '7', 'x')] == [410, 404, 404]
    assert '/download' in anonymous.get(f'{ROOT}/bitstream/6').json()['message']
    assert anonymous.get(f'{ROOT}/bitstream/1201', follow_redirects=True).content.endswith(known['_id'].encode())
    assert counted() == 1
    grant({'_id': known['folderId']})
    assert anonymous.get(f'{ROOT}/bitstream/1201').status_code == 404
