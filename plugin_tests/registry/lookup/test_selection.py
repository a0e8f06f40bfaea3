"""Selection of builds, without a database."""
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager.registry.lookup import parameters, selection
from slicer_package_manager.registry.lookup.selection import Build, choose
from slicer_package_manager.registry.schema.revisions import revision_order

NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


def build(revision='33000', arch='amd64', *, built=NOON, number=0, **more):
    return Build(id=number, os='linux', arch=arch, revision=revision, built=built, **more)


def every(_build):
    return True


def revision_of(found):
    return found and found.revision


@pytest.mark.parametrize(('asked', 'version', 'release', 'fits'), [
    pytest.param('5', '5.8.1', '', True, id='one part'),
    pytest.param('5.8', '5.8.1', '', True, id='two parts'),
    pytest.param('5.8.1', '5.8.1', '', True, id='all parts'),
    pytest.param('5.8.1.2', '5.8.1', '', False, id='more parts than the package has'),
    pytest.param('5.8.1.2', '5.8.1.2', '', True, id='four parts'),
    pytest.param('5.8', '5.80.1', '', False, id='parts, not letters'),
    pytest.param('5.9.0', '5.9.0-2026-11-01', '', True, id='without the day'),
    pytest.param('5.9.0-2026-11-01', '5.9.0-2026-11-01', '', True, id='with the day'),
    pytest.param('5.9.0-2026-11-02', '5.9.0-2026-11-01', '', False, id='another day'),
    pytest.param('5.9.0-rc1', '5.9.0-rc1-2026-11-01', '', True, id='candidate'),
    pytest.param('5.8.1', '5.8.0', '5.8.1', True, id='the release says better'),
    pytest.param('5.8.0', '5.8.0', '5.8.1', False, id='what the release replaces'),
    pytest.param('5.8.0', '5.8.0', '5.8', True, id='what the release leaves open'),
    pytest.param('5.8.1-2025-03-11', '5.8.1-2025-03-11', '5.8.1', True, id='a release with the day'),
    pytest.param('Stable', '5.8.1', 'Stable', True, id='a name'),
    pytest.param('5.8', '5.8.1', 'Stable', True, id='behind a name'),
    pytest.param('5', '', '', False, id='no version'),
])
def test_a_version_is_compared_by_its_parts(asked, version, release, fits):
    assert selection.has_version(build(version=version, release=release), asked) is fits


@pytest.mark.parametrize(('version', 'release', 'shown'), [
    ('5.8.1', '', '5.8.1'), ('5.9.0-2026-11-01', '', '5.9.0'), ('5.9.0-2026-11-01', '5.9', '5.9'), ('', '', ''),
    ('trunk', '', 'trunk')])
def test_the_shown_version_is_the_release_or_has_no_day(version, release, shown):
    assert build(version=version, release=release).shown_version == shown


@pytest.mark.parametrize(('release', 'pre_release', 'stabilities'), [
    ('5.8.1', False, {'release', 'any'}), ('5.10', True, {'any'}), ('', False, {'nightly', 'any'}),
    ('', True, {'nightly', 'any'})])
def test_stability(release, pre_release, stabilities):
    one = build(release=release, pre_release=pre_release)
    assert {name for name in parameters.STABILITIES if selection.is_stable(one, name)} == stabilities


@pytest.mark.parametrize(('moment', 'there'), [
    (date(2026, 11, 1), True), (date(2026, 10, 31), False), (date.max, True),
    (NOON, True), (NOON - timedelta(seconds=1), False)])
def test_a_day_ends_after_all_its_builds(moment, there):
    assert selection.was_built_by(build(), moment) is there


def test_revisions_are_compared_as_numbers():
    assert revision_of(choose([build('9999'), build('33000'), build('10000')], every)) == '33000'


def test_other_revisions_than_numbers_come_last():
    assert revision_of(choose([build('ab12cd3'), build('1')], every)) == '1'
    assert revision_of(choose([build('ab12cd3'), build('zz')], every)) == 'zz'


def test_of_one_revision_the_latest_build_is_selected():
    found = choose([build(number=1, built=NOON + timedelta(hours=1)), build(number=2)], every)
    assert found.id == 1


def test_without_an_architecture_the_default_one_has_priority_over_later_builds():
    later = NOON + timedelta(hours=1)
    found = choose([build(arch='arm64', built=later), build(), build(arch='i386', built=later)], every)
    assert found.arch == 'amd64'


def test_the_default_architecture_has_priority_over_newer_revisions_too():
    # A client that names no architecture, on an amd64 computer, must not get a package that it cannot run.
    assert choose([build('33001', 'arm64'), build('33000')], every).arch == 'amd64'


def test_another_architecture_is_selected_if_the_default_one_has_no_match():
    ours = [build('33000'), build('33001', 'arm64')]
    assert choose(ours, lambda one: one.revision == '33001').arch == 'arm64'


def test_a_given_architecture_is_the_only_one():
    assert choose([build()], every, arch='arm64') is None
    assert revision_of(choose([build('33001'), build(arch='arm64')], every, arch='arm64')) == '33000'


@pytest.mark.parametrize(('offset', 'found'), [
    (0, '33002'), (-1, '33000'), (-2, '32000'), (-3, None), (1, '33005'), (2, None)])
def test_an_offset_counts_revisions_from_the_match(offset, found):
    ours = [build('33005'), build('33002'), build('33002', number=1), build('33000'), build('32000')]
    assert revision_of(choose(ours, lambda one: one.revision == '33002', offset=offset)) == found


def test_an_offset_leads_to_the_latest_build_of_the_revision():
    ours = [build('2'), build('1', number=1), build('1', number=2, built=NOON + timedelta(hours=1))]
    assert choose(ours, every, offset=-1).id == 2
    assert choose(ours[::-1], lambda one: one.revision == '1', offset=-1) is None


def test_without_builds_nothing_is_selected():
    assert choose([], every) is None


REVISIONS = st.one_of(st.integers(0, 30).map(str), st.sampled_from(['a', 'ab12', '1-rc', '', '007']))
BUILDS = st.lists(st.builds(
    build, REVISIONS, st.sampled_from(['amd64', 'arm64', 'i386']), number=st.integers(),
    built=st.integers(0, 5).map(lambda hours: NOON + timedelta(hours=hours)))).map(
        lambda some: list({one.id: one for one in some}.values()))
FITS = st.sampled_from([every, lambda one: len(one.revision) == 2, lambda one: one.built > NOON])


@given(BUILDS, FITS, st.sampled_from([None, 'amd64', 'arm64']))
def test_the_selected_build_is_the_newest_match_of_its_architecture(some, fits, arch):
    found = choose(some, fits, arch)
    candidates = [one for one in some if fits(one) and arch in (None, one.arch)]
    if arch is None:
        candidates = [one for one in candidates if one.arch == 'amd64'] or candidates
    assert (found is None) == (not candidates)
    assert found is None or max(candidates, key=selection.order) is found


@given(BUILDS, FITS, st.randoms())
def test_the_order_of_the_builds_does_not_matter(some, fits, random):
    shuffled = random.sample(some, len(some))
    assert choose(some, fits) == choose(shuffled, fits)


@given(BUILDS, st.integers(1, 5))
def test_steps_back_and_forth_end_at_the_same_revision(some, steps):
    amd64 = [one for one in some if one.arch == 'amd64']
    back = choose(amd64, every, offset=-steps)
    if back:
        again = choose(amd64, lambda one: one.revision == back.revision, offset=steps)
        assert revision_order(again.revision) == revision_order(choose(amd64, every).revision)


@given(st.lists(st.text('0159.-ab', max_size=6), max_size=4).map('.'.join), st.text('0159.', max_size=8))
def test_any_two_versions_can_be_compared(version, asked):
    fits = selection.has_version(build(version=version), asked)
    assert fits or not version or not asked or not version.startswith(asked + '.')


def test_every_criterion_has_a_rule():
    assert set(selection.MATCHES) == set(parameters.CRITERIA) - {'checkout-date'}


SOME = [build('33000', number=1, release='5.8.0', version='5.8.0'),
        build('33200', number=2, release='5.8.1', version='5.8.1', ready=False),
        build('33300', number=3, version='5.9.0-2026-11-01')]


@pytest.mark.parametrize(('given', 'number'), [
    ({}, 1), ({'version': '5.8'}, 1), ({'version': '5.8.1'}, 2), ({'revision': '33200'}, 2),
    ({'date': '2026-11-01'}, 1), ({'closest-revision': '33200'}, 1), ({'stability': 'any'}, 3),
    ({'stability': 'nightly'}, 3),
    ({'revision': '33200', 'offset': '-1'}, 1), ({'offset': '1'}, None), ({'os': 'win'}, None)])
def test_a_build_that_is_not_ready_is_selected_only_by_name(given, number):
    query = parameters.parse({'os': 'linux', **given})
    found = selection.select(SOME, query, query.os, query.one_stability)
    assert (found and found.id) == number
