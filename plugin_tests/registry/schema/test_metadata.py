from datetime import datetime, timezone

import pytest

from slicer_package_manager.registry.schema import metadata
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE


@pytest.mark.parametrize('key', sorted(PACKAGE.managed_keys))
def test_keys_that_the_server_sets_are_ignored(key):
    assert metadata.clean(PACKAGE, {key: 'mine'}) == ({}, set(), [])


def test_keys_after_one_of_the_server_or_without_a_value_are_stored():
    given = {'app_id': 'mine', 'os': 'linux', 'version': None, 'arch': 'amd64'}
    assert metadata.clean(PACKAGE, given).values == {'os': 'linux', 'arch': 'amd64'}


def test_an_unknown_key_is_refused():
    assert metadata.clean(PACKAGE, {'color': 'red'})[2] == [('color', 'is unknown; no package has such a key')]


def test_null_counts_as_not_given():
    assert metadata.clean(EXTENSION, {'tier': None, 'license': None}) == ({}, set(), [])


def test_all_problems_are_reported_together():
    _, _, problems = metadata.clean(EXTENSION, {'os': 'beos', 'tier': 'x', 'icon_url': 5, 'color': 'red'})
    assert [key for key, _ in problems] == ['os', 'tier', 'icon_url', 'color']


@pytest.mark.parametrize('key', ['baseName', 'os', 'arch', 'revision', 'app_revision'])
def test_an_empty_identity_is_refused(key):
    assert metadata.clean(EXTENSION, {key: ' \n'})[2] == [(key, 'must not be empty')]


@pytest.mark.parametrize('key', ['description', 'repository_url', 'repository_type'])
def test_a_required_text_may_be_empty(key):
    assert metadata.clean(EXTENSION, {key: ''}) == ({key: ''}, set(), [])


@pytest.mark.parametrize('key', ['tier', 'enabled', 'icon_url', 'keywords', 'category'])
def test_an_empty_text_clears_an_optional_key(key):
    assert metadata.clean(EXTENSION, {key: ''}) == ({}, {key}, [])


@pytest.mark.parametrize('key', ['pre_release', 'build_date'])
def test_an_empty_text_for_a_field_with_a_default_changes_nothing(key):
    assert metadata.clean(PACKAGE, {key: ''}) == ({}, set(), [])


def test_the_description_of_a_package_is_not_metadata():
    assert metadata.clean(PACKAGE, {'description': 'x'})[2]
    assert metadata.clean(PACKAGE, {'description': 'x'}, form=True) == ({'description': 'x'}, set(), [])


@pytest.mark.parametrize('value', [['a'], {'a': 1}, {'$gt': ''}])
@pytest.mark.parametrize('key', sorted(field.name for field in EXTENSION.fields))
def test_no_value_is_a_list_or_an_object(key, value):
    assert metadata.clean(EXTENSION, {key: value})[2]


@pytest.mark.parametrize(('key', 'given', 'kept'), [
    ('tier', '3', 3), ('tier', 3, 3), ('enabled', 'true', True), ('enabled', False, False),
    ('keywords', 'a\nb', 'a b'), ('screenshots', 'https://a  https://b', 'https://a https://b')])
def test_values_have_the_type_of_their_key(key, given, kept):
    assert metadata.clean(EXTENSION, {key: given})[0] == {key: kept}


@pytest.mark.parametrize('key', ['baseName', 'revision', 'app_revision'])
def test_values_in_names_have_the_limit_of_names(key):
    assert metadata.clean(EXTENSION, {key: 'x' * 256})[2] == [(key, 'is longer than 255 characters')]


def test_missing_keys_are_named():
    assert set(metadata.missing(PACKAGE, {'os': 'linux'})) == {(key, 'is required') for key in (
        'arch', 'baseName', 'repository_type', 'repository_url', 'revision', 'version')}


def test_by_default_a_package_is_not_a_preview_and_was_built_now():
    before = datetime.now(timezone.utc)
    found = metadata.defaults(PACKAGE, {})
    assert found.pop('pre_release') is False
    assert abs((found.pop('build_date') - before).total_seconds()) < 60
    assert found == {}


def test_defaults_replace_nothing():
    assert metadata.defaults(PACKAGE, {'pre_release': True, 'build_date': 'x'}) == {}


@pytest.mark.parametrize(('meta', 'is_package'), [({'baseName': 'x'}, True), ({'os': 'win'}, True), ({}, False),
                                              ({'arch': 'amd64'}, True), ({'app_id': 'x'}, True),
                                              ({'note': 'x'}, False)])
def test_an_item_with_a_key_of_an_identity_is_a_package(meta, is_package):
    assert metadata.is_package(meta) is is_package


def test_invalid_values_that_are_only_displayed_are_dropped():
    given = {'homepage': 'N/a', 'icon_url': 'i.png', 'screenshots': 'a.png', 'dependency': 'NA', 'recommends': 'NA',
             'keywords': 'NA', 'contributors': 'NA'}
    assert metadata.clean(EXTENSION, given) == ({}, set(given), [])


def test_dropped_parts_are_reported_with_their_key():
    found = dict(metadata.left_out(EXTENSION, {
        'homepage': 'N/a', 'icon_url': 'https://a/1 https://a/2', 'screenshots': ' '.join('abcde'),
        'dependency': 'NA', 'keywords': 'x'}))
    assert found == {
        'homepage': 'left out "N/a"; only http and https URLs are kept, and the first of several',
        'icon_url': 'left out "https://a/2"; only http and https URLs are kept, and the first of several',
        'screenshots': 'left out "a", "b", "c" and 2 more; only http and https URLs are kept'}


def test_nothing_is_reported_for_values_that_are_stored_whole():
    assert metadata.left_out(EXTENSION, {'homepage': 'https://a', 'icon_url': '', 'screenshots': 'NA'}) == []
    assert metadata.left_out(PACKAGE, {'repository_url': 'NA', 'homepage': 'NA'}) == []
