import json
import re

import pytest
from bson.objectid import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager.registry.catalog.applications import search_conditions
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE, PACKAGE_TYPES
from slicer_package_manager.registry.tree import registration

APP = ObjectId()
TEXT = st.text(st.characters(exclude_categories=['Cs']))
WORDS = st.text('aB.*+?()[]{}|^$\\ /ßÄé', max_size=12)


def folder(name, parent=None, parent_type='folder', **meta):
    made = {'_id': ObjectId(), 'name': name, 'parentCollection': parent_type, 'meta': meta,
            'parentId': (parent or {}).get('_id')}
    made['spm'] = registration.of_folder(made, parent)
    return made


@pytest.fixture
def tree():
    packages = folder('packages', parent_type='collection')
    app = folder('Slicer', packages, applicationPackageNameTemplate='{baseName}')
    drafts = folder('draft', app)
    draft = folder('33000', drafts, revision='33000')
    release = folder('5.8', app, revision='32000')
    return {one['name']: one for one in (packages, app, drafts, draft, release, folder('extensions', release))}


@pytest.mark.parametrize(('name', 'role', 'package_type'), [
    ('packages', registration.PACKAGES, None), ('Slicer', registration.APPLICATION, None),
    ('draft', registration.DRAFTS, None), ('33000', registration.DRAFT, PACKAGE),
    ('5.8', registration.RELEASE, PACKAGE), ('extensions', registration.EXTENSIONS, EXTENSION)])
def test_the_place_of_a_folder_tells_what_it_is_and_what_lies_in_it(tree, name, role, package_type):
    assert registration.role(tree[name]) == role
    assert registration.package_type_in(tree[name]) is package_type


@pytest.mark.parametrize(('name', 'parent', 'meta'), [
    pytest.param('anything', 'packages', {}, id='no templates'),
    pytest.param('notes', 'Slicer', {}, id='no revision'),
    pytest.param('extensions', 'Slicer', {}, id='extensions of no release'),
    pytest.param('old', '5.8', {'revision': '1'}, id='below a release'),
    pytest.param('deeper', 'extensions', {}, id='below extensions')])
def test_a_folder_in_no_place_of_the_registry_is_a_stranger(tree, name, parent, meta):
    assert folder(name, tree[parent], **meta)['spm'] is None


def test_a_folder_called_packages_elsewhere_is_a_stranger():
    assert folder('packages', folder('x', parent_type='collection'))['spm'] is None
    assert folder('packages', parent_type='user')['spm'] is None


def test_extensions_know_their_release(tree):
    release = tree['5.8']
    assert tree['extensions']['spm'] == {**release['spm'], 'role': 'extensions'}
    assert (release['spm']['release'], release['spm']['revision'], release['spm']['draft']) == ('5.8', '32000', False)


def test_a_draft_without_metadata_is_that_of_its_name(tree):
    draft = folder('31000', tree['draft'])
    registration.check_folder(draft)
    assert draft['meta'] == {'revision': '31000'}


@pytest.mark.parametrize('revision', ['', ' ', None, 5, ['5'], {'a': 1}, 'x' * 256])
def test_a_release_needs_a_revision(tree, revision):
    with pytest.raises(Invalid, match='revision: '):
        registration.check_folder(folder('5.9', tree['Slicer'], revision=revision))


@pytest.mark.parametrize('name', ['packages', 'draft', 'extensions'])
def test_folders_of_the_structure_keep_their_name_and_place(tree, name):
    before = tree[name]
    assert registration.fixed_name_problem(before, before) is None
    assert registration.fixed_name_problem(before, {**before, 'name': 'other'})
    assert registration.fixed_name_problem(before, {**before, 'parentId': ObjectId()})


@given(st.lists(TEXT, min_size=4, max_size=4), st.lists(TEXT, min_size=4, max_size=4))
def test_different_packages_have_different_identities(one, other):
    identities = [registration.identity(PACKAGE, dict(zip(PACKAGE.identity, values, strict=True)))
                  for values in (one, other)]
    assert (identities[0] == identities[1]) is (one == other)
    assert json.loads(identities[0]) == one


@given(TEXT, TEXT)
def test_a_search_looks_through_each_key_by_itself(name, description):
    found = registration.search_text({'baseName': name, 'description': description, 'category': 'hidden'})
    assert found == f'{name}\n{description}\n\n'.casefold()


@pytest.mark.parametrize('package_type', PACKAGE_TYPES.values(), ids=PACKAGE_TYPES)
def test_metadata_of_a_thing_is_checked_as_a_whole(tree, package_type):
    place = tree['5.8' if package_type is PACKAGE else 'extensions']
    with pytest.raises(Invalid) as caught:
        registration.checked_meta(package_type, place, {'os': 'beos'})
    named = [name for name, _ in caught.value.problems]
    assert set(named) == {field.name for field in package_type.fields if field.required}
    assert len(named) == len(set(named))


@given(WORDS, WORDS)
def test_search_words_are_ordinary_characters(text, stored):
    conditions = search_conditions(text, ('name',))
    words = text.split()
    assert len(conditions) == len(words)
    for word, condition in zip(words, conditions, strict=True):
        pattern = condition['$or'][0]['name']['$regex']
        assert bool(re.search(pattern, stored)) is (word in stored)


@pytest.mark.parametrize('text', ['a\nb', '\x00', 'a\x1b', 'a\u2028'])
def test_control_characters_in_a_search_match_nothing(text):
    assert search_conditions(text, ('name',)) == [{'_id': None}]
