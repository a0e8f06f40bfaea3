"""How addresses of MIDAS spell numbers and checksums."""
import pytest

from slicer_package_manager.registry.midas.numbers import Kind, spelled

MD5 = '0cc175b9c0f1b6a831c399e269772661'


@pytest.mark.parametrize(('kind', 'text', 'value'), [
    (Kind.ITEM, '77', '77'), (Kind.ITEM, '0077', '77'), (Kind.ITEM, '77,2', '77,2'), (Kind.ITEM, '077,02', '77,2'),
    (Kind.BITSTREAM, '1201', '1201'), (Kind.EXTENSION, '9' * 19, '9' * 19), (Kind.MD5, MD5, MD5),
    (Kind.MD5, f' {MD5.upper()}', MD5)])
def test_a_number_or_checksum_has_one_spelling(kind, text, value):
    assert spelled(kind, text) == value


@pytest.mark.parametrize(('kind', 'text'), [
    *[(Kind.ITEM, text) for text in (
        '', '0', '-1', '+1', '1-2', '1,2,3', '1,', ',1', '77,0', '1.5', ' 77', '77\n', '\u0667\u0667', '9' * 20,
        '64b000000000000000000001', '../77', '77\x00')],
    *[(kind, '77,2') for kind in Kind if kind is not Kind.ITEM],
    *[(Kind.MD5, text) for text in ('', MD5[1:], f'{MD5}0', 'g' * 32, '1')]])
def test_everything_else_is_none(kind, text):
    assert spelled(kind, text) is None
