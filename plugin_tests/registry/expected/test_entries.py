"""Entries of an extension index, as people write them."""
import pytest

from slicer_package_manager.registry.expected.entries import is_entry, parse

LINES = b"""#
# First token of each line is the keyword
# scmurl https://example.org/comment.git

scm git
scmurl\t https://example.org/igt.git
scmrevision main
depends NA
category    IGT
contributors Ada Example (Lab)
status
iconurl
A line that somebody has wrapped, with a tier 9
enabled 1
"""


def test_json_has_the_values_of_the_schema():
    assert parse('SlicerIGT.json', b'{"$schema": "x", "category": "IGT", "scm_url": "https://example.org/igt.git", '
                 b'"scm_revision": "main", "build_dependencies": ["A"], "tier": 5, "enabled": true}') == {
        'name': 'SlicerIGT', 'category': 'IGT', 'tier': 5, 'repository_url': 'https://example.org/igt.git'}


def test_lines_have_a_key_and_a_value():
    assert parse('folder/SlicerIGT.s4ext', LINES) == {
        'name': 'SlicerIGT', 'category': 'IGT', 'tier': 1, 'repository_url': 'https://example.org/igt.git'}
    assert parse('B.S4EXT', b'\xef\xbb\xbfscmurl u\r\ncategory NA\r\ntier 3\r\n') == {
        'name': 'B', 'category': '', 'tier': 3, 'repository_url': 'u'}


def test_a_tier_that_is_missing_is_the_lowest():
    assert parse('A.json', b'{"scm_url": "u"}')['tier'] == 1


@pytest.mark.parametrize('content', [
    b'{}', b'[]', b'1', b'{"scm_url": ""}', b'{"scm_url": null}', b'{"name": "package"}'])
def test_other_files_have_no_entry(content):
    assert parse('package.json', content) is None


@pytest.mark.parametrize(('content', 'problem'), [
    (b'{', 'Expecting'), (b'\xff', 'utf-8'), (b'{"scm_url": "u", "tier": 6}', 'tier "6"'),
    (b'{"scm_url": "u", "tier": "high"}', 'tier "high"'), (b'[' * 100_000, 'nested'),
    (b'{"scm_url": "u", "tier": 0}', 'tier "0"')])
def test_what_cannot_be_read_is_refused(content, problem):
    with pytest.raises(ValueError, match=problem):
        parse('A.json', content)


def test_passwords_in_urls_are_not_kept():
    assert parse('A.json', b'{"scm_url": "https://me:secret@example.org/a.git"}')['repository_url'] == (
        'https://example.org/a.git')


@pytest.mark.parametrize(('name', 'is_one'), [
    ('A.json', True), ('A.s4ext', True), ('A.b.JSON', True), ('.A.json', False), ('A.txt', False), ('json', False)])
def test_files_are_chosen_by_their_names(name, is_one):
    assert is_entry(name) is is_one
