"""The table of addresses: what each asks for. One case for each row, and what does not belong to any."""
import pytest

from slicer_package_manager.midas.addresses import TABLE, Action, Engine, asked, engine
from slicer_package_manager.registry.midas.numbers import Kind

OURS = '64b000000000000000000001'
MD5 = '0cc175b9c0f1b6a831c399e269772661'
DOWNLOAD = 'midas.bitstream.download'

CASES = [
    ('GET', 'api/json', {'method': DOWNLOAD, 'checksum': MD5}, Action.FILE, Kind.MD5, MD5),
    ('POST', 'api/json', {'checksum': MD5, 'method': DOWNLOAD}, Action.FILE, Kind.MD5, MD5),
    ('GET', 'api/json', {'method': DOWNLOAD, 'id': '1201'}, Action.FILE, Kind.BITSTREAM, '1201'),
    ('GET', 'api/json', {'method': DOWNLOAD}, Action.API, None, None),
    ('GET', 'api/json', {'method': 'midas.slicerpackages.extension.list', 'id': '1'}, Action.API, None, None),
    ('PUT', 'api/json', {'method': 'midas.slicerpackages.package.upload'}, Action.API, None, None),
    ('GET', 'api/json/', {}, Action.API, None, None),
    ('GET', 'api/rest', {'method': DOWNLOAD, 'checksum': MD5}, Action.FILE, Kind.MD5, MD5),
    ('GET', 'api/rest', {'method': DOWNLOAD, 'id': '1'}, Action.FILE, Kind.BITSTREAM, '1'),
    ('GET', 'api/rest', {'method': 'midas.item.get', 'id': '1'}, Action.GONE, None, None),
    ('GET', 'rest/bitstream/download', {'checksum': MD5}, Action.FILE, Kind.MD5, MD5),
    ('GET', 'rest/bitstream/download', {'id': '7'}, Action.FILE, Kind.BITSTREAM, '7'),
    ('GET', 'rest/bitstream/download/1201', {}, Action.FILE, Kind.BITSTREAM, '1201'),
    ('GET', 'rest/item/77', {}, Action.ITEM, Kind.ITEM, '77'),
    ('GET', 'download', {'items': '77', 'dummy': 'x'}, Action.FILE, Kind.ITEM, '77'),
    ('GET', 'download/', {'items': OURS}, Action.FILE, Kind.ITEM, OURS),
    ('GET', 'download/index', {'items': '77,2'}, Action.FILE, Kind.ITEM, '77,2'),
    ('GET', 'download', {'bitstream': '1201', 'offset': '5'}, Action.FILE, Kind.BITSTREAM, '1201'),
    ('GET', 'download/index', {'bitstream': '1201'}, Action.FILE, Kind.BITSTREAM, '1201'),
    ('GET', 'download', {}, Action.FILE, Kind.ITEM, None),
    ('GET', 'download', {'items': ''}, Action.FILE, Kind.ITEM, None),
    ('GET', 'download/index', {}, Action.FILE, Kind.ITEM, None),
    ('GET', 'download/item/77', {}, Action.FILE, Kind.ITEM, '77'),
    ('GET', 'download/item/77/a/b.zip', {}, Action.FILE, Kind.ITEM, '77'),
    ('GET', 'download/bitstream/1201/brain.nrrd', {}, Action.FILE, Kind.BITSTREAM, '1201'),
    ('GET', 'download/folder/5/x', {}, Action.GONE, Kind.FOLDER, '5'),
    ('GET', 'item/thumbnail', {'itemId': '77'}, Action.MISSING, None, None),
    ('GET', 'item/view', {'itemId': '77'}, Action.PAGE, Kind.ITEM, '77'),
    ('GET', 'item/77', {}, Action.PAGE, Kind.ITEM, '77'),
    ('GET', 'item/77/', {}, Action.PAGE, Kind.ITEM, '77'),
    ('GET', 'statistics/item', {'id': '77'}, Action.PAGE, Kind.ITEM, '77'),
    ('GET', 'folder/5', {}, Action.FOLDER, Kind.FOLDER, '5'),
    ('GET', 'community/23', {}, Action.GONE, None, None),
    ('GET', 'user/3', {}, Action.GONE, None, None),
    ('GET', 'browse', {}, Action.GONE, None, None),
    ('GET', 'slicerappstore/extension/view', {'extensionId': '12', 'layout': 'empty'}, Action.EXTENSION,
     Kind.EXTENSION, '12'),
    ('GET', 'slicerappstore/extension/view', {'baseName': 'X'}, Action.STORE, None, None),
    ('GET', 'slicerappstore/index/listextensions', {'os': 'linux'}, Action.LISTED, None, None),
    ('GET', 'slicerappstore/index/categories', {}, Action.CATEGORIES, None, None),
    ('GET', 'slicerappstore/index/downloadextension', {'extensionId': '12'}, Action.FILE, Kind.EXTENSION, '12'),
    ('GET', 'slicerappstore', {'os': 'linux'}, Action.STORE, None, None),
    ('GET', 'slicerappstore/', {}, Action.STORE, None, None),
    ('GET', 'slicerappstore/index', {}, Action.STORE, None, None),
    ('GET', 'slicerpackages', {}, Action.CATALOG, None, None),
    ('GET', 'slicerpackages/view/advanced', {'os': 'linux'}, Action.CATALOG, None, None),
    ('GET', 'search/index', {'q': 'x'}, Action.CATALOG, None, None),
    ('GET', 'slicerdatastore', {}, Action.DATA, None, None),
    ('GET', 'slicerdatastore/view', {'itemId': '77'}, Action.DATA, Kind.ITEM, '77'),
    ('GET', 'slicerdatastore/user/login', {}, Action.DATA, None, None),
    ('GET', '', {}, Action.CATALOG, None, None),
]


def ask(verb, path, params):
    return asked(verb, path.split('/'), params)


@pytest.mark.parametrize(('verb', 'path', 'params', 'action', 'kind', 'number'), CASES)
def test_an_address_asks_for_what_the_table_states(verb, path, params, action, kind, number):
    found = ask(verb, path, params)
    assert (found.row.action, found.row.kind, found.number) == (action, kind, number)


def test_each_row_has_a_case():
    assert {ask(*case[:3]).row for case in CASES} == set(TABLE)


@pytest.mark.parametrize('path', ['core/public/a.js', 'modules/x', 'x', 'api', 'api/xml', 'api/json/x', 'item',
                                  'folder', 'rest', 'rest/bitstream/download', 'download/item', 'item/1/2', '../item/1',
                                  'slicerappstore/x', 'slicerappstore/index/downloadextension'])
def test_everything_else_is_no_address(path):
    assert ask('GET', path, {}) is None


@pytest.mark.parametrize('verb', ['POST', 'PUT', 'DELETE', 'PATCH'])
def test_only_the_api_is_used_with_other_methods(verb):
    usable = {row.path for row in TABLE if asked(verb, row.path.replace(':id', '1').split('/'),
                                                 {row.named: '1', 'method': row.api})}
    assert usable == ({'api/json', 'api/rest'} if verb in ('POST', 'PUT') else set())


def test_routes_have_nothing_that_clients_choose():
    assert {part for row in TABLE for part in row.route if part.startswith(':')} == {':id'}
    assert ask('GET', 'download/item/77/a/b', {}).row.route == ('download', 'item', ':id')
    assert ask('GET', 'api/json', {'method': DOWNLOAD, 'id': '1'}).row.route == ('api', 'json', DOWNLOAD)
    assert ask('GET', 'api/json', {'method': 'x'}).row.route == ('api', 'json')


CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36'


@pytest.mark.parametrize(('layout', 'agent', 'shown'), [
    ('', CHROME, Engine.BROWSER), ('layout', CHROME, Engine.BROWSER), ('empty', CHROME, Engine.SLICER),
    ('', 'Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0', Engine.BROWSER),
    ('', 'Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15',
     Engine.BROWSER),
    ('', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/534.34 (KHTML, like Gecko) Slicer/4.4.0 Safari/534.34',
     Engine.SLICER),
    ('', 'Mozilla/5.0 (Windows NT 6.1) AppleWebKit/538.1 (KHTML, like Gecko) Slicer Safari/538.1', Engine.SLICER),
    ('', 'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) QtWebEngine/5.11.2 Chrome/65.0 Safari/537.36',
     Engine.SLICER),
    ('', 'Mozilla/5.0 AppleWebKit/533.3 (KHTML, like Gecko) Safari/533.3', Engine.SLICER),
    ('', '', Engine.BROWSER)])
def test_slicer_4_and_browsers_of_its_time_are_recognized(layout, agent, shown):
    assert engine(layout, agent) is shown
