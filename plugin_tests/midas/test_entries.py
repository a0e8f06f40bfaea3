"""The JSON of MIDAS: every value is a text, and what is missing is empty."""
from datetime import datetime, timezone

import pytest
from bson.objectid import ObjectId

from slicer_package_manager.midas import entries
from slicer_package_manager.registry.catalog.midas_lists import Row
from slicer_package_manager.registry.midas import versions

CREATED = datetime(2012, 2, 23, 15, 1, 16, tzinfo=timezone.utc)
FILE = {'name': '19354-linux-amd64-Foo.tar.gz', 'size': 5, 'sha512': 'f' * 128, 'created': CREATED}


def row(draft=True, **meta):
    release = '' if draft else '4.2'
    return Row({'_id': ObjectId(), 'created': CREATED, 'spm': {'draft': draft, 'release': release}, 'meta': {
        'baseName': 'Foo', 'os': 'linux', 'arch': 'amd64', 'revision': 'abc', 'app_revision': '19354', **meta}}, FILE)


def test_missing_values_are_empty_texts():
    found = entries.extension(row())
    missing = ('category', 'contributors', 'description', 'icon_url', 'homepage', 'screenshots', 'repository_type',
               'repository_url', 'md5', 'codebase', 'release')
    assert {key: found[key] for key in missing} == dict.fromkeys(missing, '')
    assert all(isinstance(value, str) for value in found.values())


def test_an_extension_has_the_keys_that_slicer_reads():
    one = row(enabled=False, category='IO.Import', icon_url='https://example.org/i.png')
    found, identifier = entries.extension(one), str(one.item['_id'])
    assert found.items() >= {
        'extension_id': identifier, 'item_id': identifier, 'bitstream_id': identifier, 'productname': 'Foo',
        'name': '19354-linux-amd64-Foo.tar.gz', 'slicer_revision': '19354', 'revision': 'abc', 'enabled': '0',
        'date_creation': '2012-02-23 15:01:16', 'size': '5', 'category': 'IO.Import'}.items()


@pytest.mark.parametrize(('value', 'text'), [(None, ''), (True, '1'), (False, '0'), (5, '5'), ('', ''), ('ü', 'ü')])
def test_a_value_is_a_text(value, text):
    assert entries.text(value) == text


def test_of_the_same_extension_the_one_in_a_release_is_listed_and_else_the_newest():
    newest, older, released = row(revision='3'), row(revision='2'), row(draft=False, revision='1')
    other = row(os='win')
    assert entries.one_of_each([newest, older, other]) == [newest, other]
    assert entries.one_of_each([newest, released, older]) == [released]
    assert entries.one_of_each([released, newest]) == [released]


@pytest.mark.parametrize(('given', 'found'), [
    ({}, 'ab'), ({'os': 'any'}, 'ab'), ({'category': 'IO'}, 'a'), ({'category': 'IO.Import'}, 'a'),
    ({'category': 'Import'}, ''), ({'category': 'Examples'}, 'c'), ({'productname': 'c'}, 'c'),
    ({'search': 'BRAIN'}, 'b'), ({'search': 'a'}, 'ab'), ({'os': 'win'}, ''), ({'codebase': 'Slicer4'}, ''),
    ({'packagetype': 'archive'}, 'ab'), ({'submissiontype': 'nightly'}, 'ab'),
    ({'submissiontype': 'experimental'}, '')])
def test_filters_are_those_of_midas(given, found):
    rows = [row(baseName='a', category='IO.Import;Other'), row(baseName='b', description='of a brain', category='X'),
            row(baseName='c', category='Examples')]
    assert ''.join(one['productname'] for one in entries.matching(map(entries.extension, rows), given)) == found


def test_releases_are_sorted_by_their_numbers():
    assert sorted(['4.10.0', '4.2', '4.2.2-1', 'beta', '4.2.2', '10', '4.2-rc1'], key=versions.by_version) == [
        'beta', '4.2', '4.2-rc1', '4.2.2', '4.2.2-1', '4.10.0', '10']
