"""The rules for metadata: each odd case of the older servers with what becomes of it."""
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager.migration.rules import fields
from slicer_package_manager.registry.schema import metadata
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE, PACKAGE_TYPES

CREATED = datetime(2021, 3, 1, 4, 30, 0, 123000, tzinfo=timezone.utc)
CONTEXT = fields.Context('5f4474d0e1d8c75dfc705482', '29738', '', CREATED, 'Slicer-4.13.0-linux.tar.gz')
VALID = {
    'package': {'baseName': 'Slicer', 'os': 'linux', 'arch': 'amd64', 'revision': '29738', 'version': '4.13.0',
                'repository_type': 'git', 'repository_url': 'https://github.com/Slicer/Slicer', 'pre_release': False,
                'build_date': CREATED},
    'extension': {'baseName': 'SlicerIGT', 'os': 'linux', 'arch': 'amd64', 'revision': 'ab12cd3',
                  'app_revision': '29738', 'repository_type': 'git',
                  'repository_url': 'https://github.com/SlicerIGT/SlicerIGT', 'description': 'Image-guided therapy'}}
NOTHING = object()


def mended(label, context=CONTEXT, **values):
    given = {'app_id': context.app_id, **VALID[label], **values}
    meta = {key: value for key, value in given.items() if value is not NOTHING}
    return fields.mend(PACKAGE_TYPES[label], meta, context)


@pytest.mark.parametrize('label', VALID)
def test_valid_metadata_stays_as_it_is(label):
    assert mended(label) == fields.Mended(VALID[label], {}, {}, None)


@pytest.mark.parametrize(('key', 'before', 'after'), [
    ('homepage', 'NA', None), ('homepage', 'www.slicer.org', 'https://www.slicer.org'),
    ('homepage', 'slicer.org/a?b=c', 'https://slicer.org/a?b=c'), ('homepage', 'javascript:alert(1)', None),
    ('homepage', 'see the wiki', None), ('homepage', ['http://a.org', 'http://b.org'], 'http://a.org'),
    ('icon_url', 'file:///home/me/icon.png', None), ('icon_url', 'NA', None),
    ('screenshots', 'https://a.org/1.png www.b.org/2.png NA', 'https://a.org/1.png https://www.b.org/2.png'),
    ('screenshots', ['https://a.org/1.png', 'https://a.org/2.png'], 'https://a.org/1.png https://a.org/2.png'),
    ('repository_url', 'git@github.com:Slicer/Slicer.git', 'ssh://git@github.com/Slicer/Slicer.git'),
    ('repository_url', '/home/kitware/Slicer', ''), ('repository_url', 'NA', ''), ('repository_url', None, ''),
    ('repository_url', 'C:\\D\\S\\Ext', ''), ('repository_url', 'file:///srv/git', ''),
    ('repository_url', 'github.com/Slicer/Slicer', 'https://github.com/Slicer/Slicer'),
    ('repository_type', NOTHING, ''), ('repository_type', None, ''),
    ('revision', 1234, '1234'), ('app_revision', 29738.0, '29738'), ('app_revision', NOTHING, '29738'),
    ('revision', NOTHING, 'unknown'), ('tier', '2', 2), ('tier', 3.0, 3), ('tier', 'high', None), ('tier', None, None),
    ('os', 'Linux', 'linux'), ('os', 'mac', 'macosx'), ('os', 'Windows', 'win'), ('arch', 'x86_64', 'amd64'),
    ('arch', 'AArch64', 'arm64'), ('category', 5, '5'), ('contributors', ['A. One', 'B. Two'], 'A. One B. Two'),
    ('contributors', {'name': 'A'}, None), ('enabled', '1', True), ('enabled', 'maybe', None),
    ('description', '<script>alert(1)</script>Text', 'Text'), ('description', NOTHING, ''),
    ('category', 'IGT\nMore', 'IGT More')])
def test_what_becomes_of_an_odd_value_of_an_extension(key, before, after):
    found = mended('extension', **{key: before})
    assert found.problem is None
    assert found.meta.get(key) == after
    if before not in (NOTHING, None):
        assert found.aside[key] == before
    if before != after:
        assert found.changes[key].startswith(f'{key}: ')


@pytest.mark.parametrize(('key', 'context', 'after'), [
    ('version', CONTEXT, '4.13.0'), ('version', CONTEXT._replace(file_name='Slicer.exe', release='4.11'), '4.11'),
    ('version', CONTEXT._replace(file_name='', release='Stable'), 'Stable'),
    ('version', CONTEXT._replace(file_name=''), '29738'), ('build_date', CONTEXT, CREATED),
    ('pre_release', CONTEXT, False), ('revision', CONTEXT, '29738'), ('repository_url', CONTEXT, '')])
def test_what_a_package_lacks(key, context, after):
    found = mended('package', context, **{key: NOTHING})
    assert (found.meta[key], found.problem) == (after, None)
    assert found.changes == {key: f'{key}: was missing, now "{after}"'}


@pytest.mark.parametrize(('key', 'value'), [
    ('os', 'beos'), ('os', NOTHING), ('arch', ''), ('arch', 'mips'), ('baseName', NOTHING), ('baseName', '  '),
    ('baseName', 'x' * 256), ('baseName', {'a': 1})])
def test_what_no_list_can_have(key, value):
    found = mended('extension', **{key: value})
    assert found.problem
    assert found.problem.startswith(key)


def test_keys_without_a_place_are_put_aside():
    found = mended('extension', codebase='SL4', slicer_revision='29738', gone=None)
    assert found.aside == {'codebase': 'SL4', 'slicer_revision': '29738'}
    assert found.changes == {key: f'{key}: was moved out of the metadata' for key in ('codebase', 'slicer_revision')}


def test_the_id_of_another_application_is_put_aside():
    found = mended('extension', app_id='0' * 24)
    assert found.aside == {'app_id': '0' * 24}
    assert mended('extension', app_id=CONTEXT.app_id).aside == {}
    assert mended('extension', app_id=NOTHING).changes == {'app_id': f'app_id: was missing, now "{CONTEXT.app_id}"'}


def test_a_description_that_is_too_long_is_cut_at_a_word():
    long = 'word ' * 20_000
    found = mended('extension', description=long)
    assert len(found.meta['description'].encode()) <= 64 * 1024
    assert found.meta['description'].endswith('word')
    assert found.aside['description'] == long


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.datetimes(timezones=st.just(
        timezone.utc)) | st.sampled_from(['NA', 'www.a.org', 'https://a.org', 'linux', 'x86_64', '1', 'git@a.org:b']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=4)


@given(st.sampled_from([PACKAGE, EXTENSION]), st.data())
def test_anything_is_mended_once_and_is_valid_then(package_type, data):
    keys = st.sampled_from(sorted(package_type.keys)) | st.text(min_size=1, max_size=8)
    before = data.draw(st.dictionaries(keys, VALUES, max_size=8).map(
        lambda values: {**VALID[package_type.label], **values}))
    found = fields.mend(package_type, before, CONTEXT)
    if found.problem is None:
        cleaned = metadata.clean(package_type, found.meta)
        assert cleaned.problems == []
        assert metadata.missing(package_type, found.meta) == []
        again = fields.mend(package_type, {**found.meta, 'app_id': CONTEXT.app_id}, CONTEXT)
        assert again == fields.Mended(found.meta, {}, {}, None)
