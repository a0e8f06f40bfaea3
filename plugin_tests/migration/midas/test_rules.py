"""The rules for data of MIDAS, given plain values."""
from datetime import datetime, timedelta, timezone

import pytest

from slicer_package_manager.migration.midas import tables
from slicer_package_manager.migration.midas.rules import files, metadata, moments, releases, texts
from slicer_package_manager.migration.midas.rules.files import Bitstream, Revision
from slicer_package_manager.migration.midas.rules.releases import Channel

UTC = timezone.utc


def as_read(text):
    """``text`` as it is read after its UTF-8 bytes went through a connection with another character set."""
    return ''.join(bytes([one]).decode('cp1252', errors='ignore') or chr(one) for one in text.encode())


# Texts


@pytest.mark.parametrize('text', ['Jürgen', 'Café', 'naïve “quoted”', 'ÁÍÏÐÝ', '日本語', 'smile 😀', 'plain', ''])
def test_text_through_a_wrong_connection_is_mended(text):
    assert texts.mended(as_read(text)) == text


@pytest.mark.parametrize('text', ['Jürgen', 'Ã', 'Ärger', '日本語', 'Ã©té à la mode é', 'plain'])
def test_sound_text_stays(text):
    assert texts.mended(text) == text


@pytest.mark.parametrize(('text', 'expected'), [
    ('Jos&eacute;', 'José'), ('J&Atilde;&frac14;rgen', 'Jürgen'), ('A\nB ', 'A B'), ('Tom &amp; Jerry', 'Tom & Jerry')])
def test_names_of_people_have_no_entities(text, expected):
    assert texts.person(text) == expected


@pytest.mark.parametrize(('text', 'expected'), [
    ('One\nline & more', 'One line & more'), ('a < 3 <script>x</script>', 'a &lt; 3 &lt;script&gt;x&lt;/script&gt;'),
    ('A <b>bold</b> < 3', 'A <b>bold</b> < 3'), ('the entity &lt;', 'the entity &amp;lt;'),
    ('<bold>', '&lt;bold&gt;')])
def test_a_description_without_our_tags_is_text(text, expected):
    assert texts.description(text) == expected


def test_contributors_lose_their_tags():
    assert texts.without_tags('<a href="http://x.org">A. B.</a> (C &amp; D), 1 < 2') == 'A. B. (C & D), 1 < 2'


@pytest.mark.parametrize(('first', 'last', 'expected'), [
    ('José', 'Núñez Ü', 'jose.nunezu'), ('Wei', '李', 'midas-user-7'), ('', '', 'midas-user-7'),
    ('Bo', '', 'midas-user-7'), ('Site', 'Admin', 'site.admin-7'), ('1st', 'User', 'midas-user-7')])
def test_logins_follow_from_names_and_are_unique(first, last, expected):
    assert texts.login(first, last, 7, {'site.admin'}) == expected


# Moments


def naive(*parts):
    """A moment as the driver reads it."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


@pytest.mark.parametrize(('value', 'expected'), [
    (naive(2012, 11, 1, 4), datetime(2012, 11, 1, 4, tzinfo=UTC)), ('0000-00-00 00:00:00', None), (None, None),
    ('2012-11-01 00:10:11 -0400 (Thu, 01 Nov 2012)', datetime(2012, 11, 1, 0, 10, 11, tzinfo=UTC)), ('', None)])
def test_moments(value, expected):
    assert moments.moment(value) == expected
    assert moments.wall_clock(value) == (f'{expected:%Y-%m-%d %H:%M:%S}' if expected else '')


def at(hour, second=0):
    return naive(2013, 1, 5, hour, 0, second)


@pytest.mark.parametrize(('pairs', 'hours', 'agreeing'), [
    ([(at(5), at(10)), (at(6, 1), at(11)), (at(3), at(3))], -5, 2), ([(at(5), at(5, 2))], 0, 1), ([], 0, 0),
    ([(None, at(1)), ('0000-00-00 00:00:00', at(1)), (at(1), at(1) + timedelta(days=9))], 0, 0)])
def test_the_shift_is_the_difference_of_most_items(pairs, hours, agreeing):
    found = moments.shift(pairs)
    assert (found.difference, found.agreeing) == (timedelta(hours=hours), agreeing)
    assert found.corrected(at(5)) == at(5).replace(tzinfo=UTC) - timedelta(hours=hours)
    assert found.corrected('0000-00-00 00:00:00') is None


# Files


def bitstream(number, name='a.tar.gz', path='ab/cd/abcd', revision=1):
    return Bitstream(number, revision, name, 3, 'ABCD', path, 1, 'x')


def revision(identifier, number):
    return Revision(identifier, 77, number, None, 1, '')


def test_the_last_revision_is_the_one_with_the_greatest_number():
    first, third, second = revision(5, 1), revision(6, 3), revision(7, 2)
    found = files.of_item([(first, [bitstream(1)]), (third, [bitstream(3), bitstream(2)]), (second, [])],
                          is_extension=True)
    assert (found.last, found.main.id, [one.id for one in found.others]) == (third, 2, [3])
    assert found.older == [(first, [bitstream(1)]), (second, [])]


@pytest.mark.parametrize(('names', 'is_extension', 'expected'), [
    (('readme.txt', 'Slicer.tar.gz'), False, 1), (('readme.txt', 'E.tar.gz'), True, 0), (('a.txt', 'b.txt'), False, 0),
    (('a.md', 'S.exe', 'S.dmg'), False, 1)])
def test_the_file_for_readers(names, is_extension, expected):
    given = [bitstream(number, name) for number, name in enumerate(names)]
    assert files.of_item([(revision(1, 1), given)], is_extension=is_extension).main is given[expected]


def test_an_item_without_files():
    assert files.of_item([], is_extension=True) == (None, None, [], [])
    last, older = revision(2, 2), (revision(1, 1), [bitstream(1)])
    assert files.of_item([(last, []), older], is_extension=True) == (last, None, [], [older])


@pytest.mark.parametrize(('path', 'name'), [
    ('https://a.org/b/c.tar.gz?x=1', 'c.tar.gz'), ('HTTP://a.org/d.zip', 'd.zip'), ('ab/cd/abcd', 'own name')])
def test_links_are_recognized_by_their_path(path, name):
    found = bitstream(1, 'own name', path)
    assert (found.is_link, found.file_name) == (path != 'ab/cd/abcd', name)


def test_no_secrets_and_no_addresses_of_readers_are_read():
    read = {column for columns in tables.COLUMNS.values() for column in columns}
    assert {'password', 'salt', 'hash_alg', 'ip', 'ip_location_id', 'apikey', 'token', 'user_agent'} & read == set()
    assert {'userapi', 'token', 'api_userapi', 'password', 'pendinguser'} & {*tables.COLUMNS, *tables.LEFT_OUT} == set()


# Metadata and releases


def test_the_metadata_of_a_package():
    row = {'os': 'linux', 'arch': 'amd64', 'productname': '', 'revision': '21127', 'codebase': 'Slicer4',
           'submissiontype': 'nightly', 'packagetype': 'installer', 'checkoutdate': at(4)}
    meta = metadata.package(row, '', 'Slicer-4.2.1-linux-amd64.tar.gz', at(1))
    assert (meta['baseName'], meta['version'], meta['build_date']) == ('Slicer', '4.2.1', at(1))
    assert metadata.package(row, '4.2', 'x', at(1))['version'] == '4.2'
    assert metadata.package(row, '', 'x', at(1))['version'] == '21127'
    assert metadata.facts(row, 'abc') == {'codebase': 'Slicer4', 'submissiontype': 'nightly', 'md5': 'abc',
                                          'packagetype': 'installer', 'checkoutdate': '2013-01-05 04:00:00'}


def test_the_metadata_of_an_extension():
    row = dict.fromkeys(('os', 'arch', 'productname', 'repository_type', 'repository_url', 'slicer_revision',
                         'icon_url', 'category', 'homepage', 'screenshots', 'development_status', 'contributors',
                         'revision'), 'NA')
    meta = metadata.extension({**row, 'category': 'A.B;C', 'enabled': 0, 'description': 'x', 'productname': 'E'})
    assert {key: value for key, value in meta.items() if value} == {
        'baseName': 'E', 'category': 'A.B;C', 'description': 'x', 'revision': 'unknown'}
    assert meta['enabled'] is False


def test_the_release_of_an_extension_is_that_of_the_package_with_its_revision():
    found = releases.Releases([('4.10', '2'), ('4.9', '2'), ('4.2.0', '1'), ('', '3'), ('4.2.0', '1')])
    assert [found.of_extension(one) for one in '1234'] == [
        Channel('4.2.0', '1'), Channel('4.9', '2'), Channel('', '3'), Channel('', '4')]
    assert found.ambiguous == {'2': ['4.9', '4.10']}
