"""All addresses of MIDAS, requested from a running server after an import of everything unusual from a real MariaDB."""
import hashlib
from collections import Counter

import httpx
import pytest

from plugin_tests import commands, servers
from plugin_tests.migration.midas import older_midas
from plugin_tests.migration.midas.older_midas import archive
from slicer_package_manager.registry.catalog.applications import SLICER

pytestmark = [pytest.mark.database, pytest.mark.process]

PLACES = ('/midas3/', '//midas3/')
BROWSER = {'Accept': 'text/html,*/*;q=0.8'}
UNKNOWN = 5555
METHOD = 'midas.slicerpackages'
DATA = 'https://github.com/Slicer/SlicerTestingData/releases/download/MD5/data'


@pytest.fixture
def midas(tmp_path):
    return older_midas.whole(tmp_path / 'midas')


@pytest.fixture
def client(midas, restored_midas, target, tmp_path):
    """A client of a server that has imported ``midas``."""
    address, _ = target
    (tmp_path / 'table.txt').write_text(f'951 {DATA}\n')
    run = commands.run('migrate', 'midas', restored_midas(midas), '--database', address, '--redirects',
                       tmp_path / 'table.txt', '--path-map', f'/dead/remote={midas.root / "3"}',
                       *(part for one in (1, 2) for part in ('--assetstore', f'{one}={midas.root / str(one)}')))
    assert run.returncode == 1, run.stderr
    with servers.starter(tmp_path / 'server') as start:
        server = start('--database', address, '--workers', '1').ready()
        with httpx.Client(base_url=server.url, timeout=60) as found:
            yield found


def requested(client, path, **headers):
    """The response to ``GET``, which ``HEAD`` and the other place of MIDAS repeat without its body."""
    root = str(client.base_url).rstrip('/')  # of "//midas3" alone, the client takes "midas3" for a host
    answer = client.get(root + PLACES[0] + path, headers=headers)
    for place in PLACES:
        head = client.head(root + place + path, headers=headers)
        assert (head.status_code, head.content) == (answer.status_code, b''), path
        for name in ('Location', 'Content-Type', 'Content-Disposition', 'Content-Length'):
            assert head.headers.get(name) == answer.headers.get(name), (path, name)
    assert client.get(root + PLACES[1] + path, headers=headers).status_code == answer.status_code, path
    return answer


def called(client, **params):
    answer = client.get('/midas3/api/json', params=params)
    assert answer.status_code == 200
    return answer.json()


def test_each_address_of_midas_is_answered_as_its_table_states(midas, client):
    numbers = {one['name']: one['bitstream_id'] for one in midas.tables['bitstream']}
    last, first = archive('Other'), hashlib.md5(b'first', usedforsecurity=False).hexdigest()
    file, private = numbers['Ext-3.tar.gz'], numbers['Private.tar.gz']
    for path, content in [
            ('download?items=77', last), ('download/?items=77&dummy=x', last), ('download/index?items=077', last),
            ('download?items=77,3', last), ('download?items=77,1', b'first'), ('download/item/77', last),
            ('download/item/77/any/file.zip', last), ('download?items=911', b'911'), ('download?items=82', b'82'),
            (f'download?bitstream={file}', last), (f'download/bitstream/{file}/x', last),
            ('download?items=910', b'910'),
            (f'rest/bitstream/download/{file}', last), (f'rest/bitstream/download?checksum={first.upper()}', b'first'),
            (f'api/json?method=midas.bitstream.download&checksum={first}', b'first'),
            (f'api/rest?method=midas.bitstream.download&id={file}', last), ('download?items=902', b'902'),
            ('slicerappstore/index/downloadextension?extensionId=12', last)]:
        answer = requested(client, path)
        assert (answer.status_code, answer.content) == (200, content), path
        assert answer.headers['Content-Length'] == str(len(content))
        assert answer.headers['Content-Disposition'].startswith('attachment; filename=')
    named = client.get(f'/midas3/download?bitstream={file}&offset=5&name=brain.nrrd')
    assert (named.status_code, named.content, 'brain.nrrd' in named.headers['Content-Disposition']) == (
        206, last[5:], True)
    for status, paths in {
            400: ['download?items=77-80', 'download?items=77,80-81', 'download', 'item/x'],
            404: [f'download?items={UNKNOWN}', f'download?bitstream={UNKNOWN}', f'item/{UNKNOWN}', f'folder/{UNKNOWN}',
                  f'slicerappstore/extension/view?extensionId={UNKNOWN}', f'statistics/item?id={UNKNOWN}',
                  f'rest/bitstream/download/{UNKNOWN}', f'rest/bitstream/download?checksum={"0" * 31}1',
                  'download?items=83', f'download?bitstream={private}', 'item/83', 'download/item/83', 'folder/x',
                  'slicerappstore/extension/view?extensionId=17', 'statistics/item?id=83', 'item/thumbnail?itemId=77',
                  'slicerappstore/index/downloadextension?extensionId=17', 'core/public/x.js', 'modules/x'],
            410: ['download?items=950', 'item/950', 'download?bitstream=8001', 'download?items=906', 'community/1',
                  'user/1', 'browse', 'api/rest', 'api/rest?method=midas.item.get&id=77',
                  'download/folder/3', 'folder/9', 'slicerdatastore', 'slicerdatastore/view?itemId=950',
                  'slicerdatastore/user/login', 'download?items=77,9']}.items():
        for path in paths:
            answer = requested(client, path)
            assert (answer.status_code, answer.headers['Content-Type']) == (status, 'application/json'), path
            assert len(answer.json()['message']) > 20
            assert 'secret' not in answer.text
            page = requested(client, path, **BROWSER)
            assert (page.status_code, page.headers['Content-Type']) == (status, 'text/html;charset=utf-8'), path
    revision = '/extension/Ext?revision=21513&os=linux&arch=amd64'
    for path, target in [
            ('', '/catalog'), ('item/77', revision), ('item/77/', revision), ('item/view?itemId=77', revision),
            ('statistics/item?id=77', revision), ('item/900', '/download'), ('folder/4', '/catalog/All/21513'),
            ('folder/3', '/catalog'), ('folder/10', '/catalog'), ('slicerpackages', '/catalog'),
            ('search/index?q=ext', '/catalog?q=ext'),
            ('slicerpackages/view/advanced?release=4.2.0&os=linux&arch=amd64', '/catalog/All/21513/linux?arch=amd64'),
            ('slicerpackages/view?slicer_revision=21513&os=win', '/catalog/All/21513/win'), ('item/951', DATA),
            ('slicerappstore?os=linux&revision=21513', '/catalog/All/21513/linux'), ('download?items=951', DATA),
            ('slicerappstore/extension/view?extensionId=12', revision), ('slicerdatastore/view?itemId=951', DATA)]:
        answer = requested(client, path, **BROWSER)
        assert (answer.status_code, answer.headers['Location']) == (302, target), path
    assert client.get(f'/bitstream/{file}').headers['Location'].startswith('/bitstream/')
    assert [client.get(f'/bitstream/{one}').status_code for one in (UNKNOWN, private, 8001)] == [404, 404, 410]


def test_slicer_4_is_answered_as_by_midas(client):
    page = requested(client, 'slicerappstore/?os=linux&arch=amd64&revision=21513&category=&search=&layout=empty')
    assert page.status_code == 200
    assert all(f'>{name}' in page.text for name in ('Ext', 'Twin', 'Four'))
    assert not any(name in page.text for name in ('Private', 'Example'))
    view = requested(client, 'slicerappstore/extension/view?extensionId=12&layout=empty&breadcrumbs=none')
    assert (view.status_code, 'Café' in view.text, '<script>x' in view.text) == (200, True, False)
    listed = client.get('/midas3/slicerappstore/index/listextensions?os=linux&arch=amd64&revision=21513').json()
    assert listed['total'] == len(listed['extensions']) == 5
    assert client.get('/midas3/slicerappstore/index/categories?revision=21513').json()['IGT'] == 4

    def call(method, **params):
        return called(client, method=f'{METHOD}.{method}', **params)['data']
    (ext,) = call('extension.list', extension_id='12')
    assert (ext['productname'], ext['name'], ext['enabled']) == ('Ext', 'Ext-3.tar.gz', '1')
    assert call('extension.list', extension_id=ext['extension_id']) == [ext]
    assert [call('extension.list', extension_id=one) for one in ('17', '77', str(UNKNOWN))] == [[], [], []]
    names = Counter(one['productname'] for one in call(
        'extension.list', slicer_revision='21513', os='linux', arch='amd64', category='any'))
    assert set(names.values()) == {1}
    assert (names['Twin'], names['Example'], names['Private']) == (1, 0, 0)
    assert [one['productname'] for one in call('extension.list', category='Examples')] == ['Example']
    packages = call('package.list')
    assert packages == call('get.packages')
    assert all(one['bitstreams'][0].keys() >= {'bitstream_id', 'md5', 'name', 'size'} for one in packages)
    (cut,) = (one for one in packages if one['revision'] == 'a1b2c3d')
    assert (cut['productname'], cut['checkoutdate']) == ('Slicer', '2012-11-01 00:10:11')
    assert call('package.releaseidentifier.list', order='asc') == ['4.2.0', '4.2.0-1']
    item = called(client, method='midas.item.get', id='77')['data']
    assert (item['name'], item['download'], len(item['revisions'])) == ('Ext-1.tar.gz', '30', 1)
    assert client.get('/midas3/rest/item/77').json()['data'] == item
    for method, code in (('midas.login', -1), (f'{METHOD}.extension.upload', -1), ('midas.system.x', -1),
                         ('midas.community.list', -101), ('', -101), ('midas.item.get', -1)):
        answer = called(client, method=method)
        assert (answer['stat'], answer['code'], answer['data']) == ('fail', code, ''), method
    assert client.get('/api/v1/app').json()[0]['_id'] == SLICER
