"""Which addresses name a package."""
import pytest

from slicer_package_manager.logs.rules.addresses import Address, Level, of_target

ID = '64b000000000000000000001'
SUM = 'ab' * 64
OBJECT = 'ab/cd/abcd' + 'e' * 28


@pytest.mark.parametrize(('target', 'key', 'level'), [
    (f'/api/v1/item/{ID}/download', f'item:{ID}', Level.SERVER),
    (f'/api/v1/item/{ID}/download?contentDisposition=inline', f'item:{ID}', Level.SERVER),
    (f'/api/v1/item/{ID}/download/Slicer-5.8.1%20linux.tar.gz', f'item:{ID}', Level.SERVER),
    (f'//api/v1/file/{ID.upper()}/download', f'file:{ID}', Level.SERVER),
    (f'/prefix/api/v1/file/{ID}/download/a.zip', f'file:{ID}', Level.SERVER),
    (f'https://packages.example.org/api/v1/file/{ID}/download', f'file:{ID}', Level.SERVER),
    (f'/api/v1/file/hashsum/SHA512/{SUM.upper()}/download', f'sha512:{SUM}', Level.SERVER),
    (f'/api/v1/file/hashsum/sha512/{SUM}/download', f'sha512:{SUM}', Level.SERVER),
    (f'/bitstream/{ID}', f'item:{ID}', Level.FORWARD),
    ('/bitstream/1200', 'midas-bitstream:1200', Level.FORWARD),
    ('/midas3/download?items=77', 'midas-item:77', Level.SERVER),
    ('/midas3/download?items=77,2', 'midas-item:77,2', Level.SERVER),
    ('//midas3/download/?items=077', 'midas-item:77', Level.SERVER),
    (f'/midas3/download?items={ID}', f'item:{ID}', Level.SERVER),
    ('/midas3/download?bitstream=1200', 'midas-bitstream:1200', Level.SERVER),
    ('/midas3/download/index?items=77', 'midas-item:77', Level.SERVER),
    ('/midas3/download/item/77/Slicer.zip', 'midas-item:77', Level.SERVER),
    ('/midas3/download/bitstream/1200', 'midas-bitstream:1200', Level.SERVER),
    ('/midas3/rest/bitstream/download/1200', 'midas-bitstream:1200', Level.SERVER),
    ('/midas3/rest/bitstream/download?id=1200', 'midas-bitstream:1200', Level.SERVER),
    (f'/midas3/api/json?method=midas.bitstream.download&checksum={"0c" * 16}', f'midas-md5:{"0c" * 16}', Level.SERVER),
    ('/midas3/api/json?method=midas.bitstream.download&id=1200', 'midas-bitstream:1200', Level.SERVER),
    ('/midas3/slicerappstore/index/downloadextension?extensionId=12', 'midas-extension:12', Level.SERVER),
    (f'/bucket-prefix/{OBJECT}?X-Amz-Signature=x', f'object:bucket-prefix/{OBJECT}', Level.STORAGE),
    (f'object:prefix/{OBJECT}', f'object:prefix/{OBJECT}', Level.STORAGE)])
def test_an_address_of_a_package_is_recognized(target, key, level):
    assert of_target(target) == Address(key, level)


@pytest.mark.parametrize('target', [
    '', '-', '/', '/download?os=linux&stability=release', '/find?os=linux', '/api/v1/app/x/extension',
    f'/api/v1/item/{ID}/files', f'/api/v1/item/{ID}', f'/api/v1/folder/{ID}/download', '/api/v1/item/short/download',
    f'/api/v1/item/{ID}/download/a/b', f'/bitstream/{ID}0', '/bitstream/', '/midas3/download',
    '/midas3/download?items=x', '/midas3/api/json?method=midas.slicerpackages.extension.list&id=12', '/midas3/item/77',
    f'/api/v1/file/hashsum/md5/{SUM}/download', f'/x?next=/api/v1/item/{ID}/download', '/bitstream/1200/..',
    'object:' + 'x' * 1025])
def test_others_name_no_package(target):
    assert of_target(target) is None


def test_the_table_of_the_servers_addresses_agrees(monkeypatch):
    from urllib.parse import parse_qsl

    from slicer_package_manager.midas import addresses
    for target in ('download?items=77', 'download/item/77', 'rest/bitstream/download/7', 'rest/bitstream/download?id=7',
                   'api/json?method=midas.bitstream.download&id=7', 'download/bitstream/7/a.zip',
                   'slicerappstore/index/downloadextension?extensionId=7', 'download?bitstream=7',
                   'download/index?bitstream=7', f'api/rest?method=midas.bitstream.download&checksum={"0c" * 16}'):
        path, _, query = target.partition('?')
        asked = addresses.asked('GET', path.split('/'), dict(parse_qsl(query)))
        assert asked.row.action is addresses.Action.FILE
        assert of_target(f'/midas3/{target}').key == f'midas-{asked.row.kind.value}:{asked.number}'
