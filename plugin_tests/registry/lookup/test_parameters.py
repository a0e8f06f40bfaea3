"""The query that parameters make, without a database."""
from datetime import date, datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager.registry.lookup import parameters, selection
from slicer_package_manager.registry.schema.errors import Invalid

TEXTS = st.text(max_size=20)


def problems(**asked):
    return problems_of(asked)


def problems_of(asked):
    with pytest.raises(Invalid) as caught:
        parameters.parse(asked)
    return caught.value.problems


def test_the_system_is_required_unless_all_are_asked_for():
    assert problems() == [('os', 'is required; one of linux, win, macosx')]
    assert parameters.parse({}, one_system=False).os is None


@pytest.mark.parametrize(('asked', 'stability'), [
    ({}, 'release'), ({'revision': '1'}, 'any'), ({'version': '5'}, 'release'), ({'date': '2026-11-01'}, 'release'),
    ({'closest-revision': '1'}, 'release'), ({'revision': '1', 'stability': 'release'}, 'release')])
def test_the_stability_that_holds_by_default(asked, stability):
    assert parameters.parse({'os': 'linux', **asked}).one_stability == stability


def test_all_systems_are_answered_with_both_stabilities_by_default():
    assert parameters.parse({}, one_system=False).stabilities == ('release', 'nightly')
    assert parameters.parse({'stability': 'any'}, one_system=False).stabilities == ('any',)


@pytest.mark.parametrize(('word', 'system'), [
    ('windows', 'win'), ('mac', 'macosx'), ('macos', 'macosx'), ('Windows', 'win'), ('macOS', 'macosx'), ('win', 'win'),
    ('macosx', 'macosx'), ('linux', 'linux'), ('Linux', 'linux'), ('MacOSX', 'macosx'), (' WIN ', 'win')])
def test_systems_have_the_names_that_people_use(word, system):
    assert parameters.parse({'os': word}).os == system


@pytest.mark.parametrize(('name', 'value', 'wrong'), [
    ('os', 'beos', '"beos" is not one of linux, win, macosx'),
    ('os', '', '"" is not one of linux, win, macosx'),
    ('arch', 'x86_64', '"x86_64" is not one of i386, amd64, arm64'),
    ('stability', 'stable', '"stable" is not one of release, nightly, any'),
    ('offset', 'one', '"one" is not a whole number'),
    ('offset', '', '"" is not a whole number'),
    ('offset', '-99999999999', '"-99999999999" is out of range'),
    ('closest-revision', 'ab12', '"ab12" is not a whole number; other revisions have no order'),
    ('closest-revision', '', '"" is not a whole number; other revisions have no order'),
    ('closest-revision', '²', '"²" is not a whole number; other revisions have no order'),
    ('version', '', 'must not be empty'),
    ('revision', '1\n', 'must be on one line, without control characters'),
    ('date', 'yesterday', '"yesterday" is not a date and time such as 2026-11-01T04:00:00Z'),
    ('date', '2026-11', '"2026-11" is not a date and time such as 2026-11-01T04:00:00Z'),
    ('checkout-date', '2026-11-01', 'is not supported any more; use date, the day of the build'),
])
def test_an_invalid_value_is_reported(name, value, wrong):
    assert problems_of({'os': 'linux', name: value}) == [(name, wrong)]


def test_all_problems_are_reported_at_once():
    assert [name for name, _ in problems(arch='x', stability='y', version='5', revision='1')] == [
        'os', 'version', 'arch', 'stability']


@pytest.mark.parametrize('other', ['closest-revision', 'version', 'date', 'checkout-date'])
def test_two_criteria_cannot_be_combined(other):
    (first, wrong), *_ = problems_of({'os': 'win', 'revision': '1', other: '1'})
    assert first == other
    assert wrong == 'cannot be combined with revision; give only one of revision, closest-revision, version, date'


@pytest.mark.parametrize(('text', 'moment'), [
    ('2026-11-01', date(2026, 11, 1)), ('20261101', date(2026, 11, 1)), ('9999-12-31', date(9999, 12, 31)),
    ('2026-11-01T04:00:00Z', datetime(2026, 11, 1, 4, tzinfo=timezone.utc)),
    ('2026-11-01T04:00:00 02:00', datetime(2026, 11, 1, 2, tzinfo=timezone.utc))])
def test_a_date_is_a_day_or_a_moment(text, moment):
    assert parameters.parse({'os': 'win', 'date': text}).value == moment


def test_unknown_parameters_are_ignored():
    assert parameters.parse({'os': 'win', 'utm_source': 'x', 'token': 'y'}) == parameters.parse({'os': 'win'})
    assert not parameters.has_parameters({'utm_source': 'x'})
    assert parameters.has_parameters({'version': '5'})


@given(st.dictionaries(st.sampled_from(list(parameters.PARAMETERS)), TEXTS))
def test_all_parameters_make_a_query_or_are_refused(asked):
    try:
        query = parameters.parse(asked)
    except Invalid as error:
        assert error.problems  # noqa: PT017 - both ends are right
    else:
        assert selection.select([], query, query.os, query.one_stability) is None
