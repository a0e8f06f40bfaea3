"""Which branch of the extension index a build belongs to."""
import pytest

from slicer_package_manager.registry.expected.branches import branch_of, is_name, share

BRANCHES = ['5.8', '5.10', 'main']


@pytest.mark.parametrize(('version', 'release', 'branch'), [
    ('5.8.1', '5.8.1', '5.8'), ('5.8.2-2026-11-01', '', '5.8'), ('5.10.0', '5.10.0', '5.10'), ('5.8', '', '5.8'),
    ('5.11.0-2026-11-01', '', 'main'), ('', '', 'main'), ('unknown', '', 'main'),
    ('5.80.0-2026-11-01', '', 'main'), ('5.6.2', '5.6.2', None), ('5.9.0', 'Stable', None), ('5.9.0', '5.8.9', '5.8'),
])
def test_a_build_belongs_to_the_branch_of_its_version(version, release, branch):
    assert branch_of(version, release, BRANCHES) == branch


def test_previews_of_other_versions_belong_to_no_branch_if_all_have_versions():
    assert branch_of('5.11.0-2026-11-01', '', ['5.8']) is None
    assert branch_of('5.8.1', '', []) is None


def test_the_branch_that_is_named_more_exactly_counts():
    assert branch_of('5.8.1', '5.8.1', ['5', '5.8', '5.8.1']) == '5.8.1'


@pytest.mark.parametrize(('name', 'can_be'), [
    ('main', True), ('5.8', True), ('a/b-c_d', True), ('', False), ('-x', False), ('a b', False), ('x' * 101, False),
    ('main\n', False)])
def test_names_of_branches(name, can_be):
    assert is_name(name) is can_be


def test_the_share_is_weighted_by_tier():
    entries = [{'name': name, 'tier': tier} for name, tier in (('A', 5), ('B', 3), ('C', 1), ('D', 1))]
    assert share(entries, {'A', 'B', 'X'}) == 80
    assert share(entries, set()) == 0
    assert share(entries, {'A', 'B', 'C', 'D'}) == share([], set()) == 100
