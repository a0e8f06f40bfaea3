"""How complete previews are, what changed in them, and what the download page says about it."""
from datetime import datetime, timedelta, timezone

import pytest
from bson.objectid import ObjectId

from slicer_package_manager.pages import offers, previews
from slicer_package_manager.pages.previews import Changes, Stage
from slicer_package_manager.registry.lookup.selection import Build

NOW = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
LINUX, WINDOWS = ('linux', 'amd64'), ('win', 'amd64')


@pytest.mark.parametrize(('number', 'before', 'hours', 'stage', 'is_complete'), [
    (253, [255, 250], 1, Stage(253, 255, True), True), (229, [255], 1, Stage(229, 255, True), False),
    (230, [255], 7, Stage(230, 255, False), True), (100, [], 1, Stage(100, 0, True), True),
    (100, [100, 90, 80, 255], 7, Stage(100, 100, False), True), (0, [10], 23, Stage(0, 10, True), False),
    (0, [10], 25, Stage(0, 10, False), False)])
def test_a_build_is_compared_with_the_three_before(number, before, hours, stage, is_complete):
    found = previews.stage(number, before, NOW - timedelta(hours=hours), NOW)
    assert (found, found.is_complete) == (stage, is_complete)


def test_changes_are_those_of_the_systems_that_both_builds_have():
    newer = {LINUX: {'a': '1', 'b': '3', 'New': '1'}, WINDOWS: {'a': '2', 'b': '2'}, ('macosx', 'arm64'): {'Mac': '1'}}
    older = {LINUX: {'a': '1', 'b': '2', 'Gone': '1'}, WINDOWS: {'a': '1', 'b': '2', 'gone too': '1'}}
    assert previews.changes(newer, older) == Changes(['New'], ['a', 'b'], ['Gone', 'gone too'])
    assert previews.changes(newer, {}) == Changes([], [], [])


@pytest.mark.parametrize(('os', 'command'), [
    ('linux', 'echo "ab12  Slicer 1.tar.gz" | sha512sum --check'),
    ('macosx', 'echo "ab12  Slicer 1.tar.gz" | shasum -a 512 --check'),
    ('win', '(Get-FileHash "Slicer 1.tar.gz" -Algorithm SHA512).Hash -eq "ab12"')])
def test_the_command_that_checks_a_file_is_that_of_its_system(os, command):
    build = Build(id=ObjectId(), os=os, arch='amd64', revision='1', built=NOW)
    assert offers.Offer(build, {'sha512': 'ab12'}, 0, 'Slicer 1.tar.gz').check == command


@pytest.fixture
def page(anonymous, app, api, make, db):
    """The download page of an application whose newest preview has one of two extensions for Linux."""
    api.post(f'/app/{app["_id"]}/release', params={
        'name': '5.8.1', 'app_revision': '50', 'description': 'See https://example.org/notes'}).raise_for_status()
    make('package', revision='50', version='5.8.1', content=b'x')
    for revision, names in (('100', 'ABCDEFGHIJ'), ('200', 'AK')):
        make('package', revision=revision, version=f'5.9.0-2026-11-0{revision[0]}', content=b'x')
        for name in names:
            make('extension', baseName=name, app_revision=revision, revision=name if name == 'B' else revision,
                 content=b'x')
    return lambda: anonymous.get('http://testserver/download').raise_for_status().text


@pytest.mark.database
def test_a_preview_that_is_still_being_built_is_announced_and_another_one_is_offered(page, db):
    text = page()
    assert 'Extensions are still being built: 2 of about 10.' in text
    warning = text.split('Extensions are still being built')[1].split('</p>')[0]
    old = db.item.find_one({'meta.baseName': 'Slicer', 'meta.revision': '100'})
    assert f'bitstream/{old["_id"]}' in warning
    assert 'Download 5.9.0 preview, Nov 1, 2026 (r100)</a>, which has 10 extensions.' in warning
    assert '1 new, 1 changed, 9 pending extensions since 5.9.0 preview, Nov 1, 2026 (r100)' in text
    assert '<a href="https://example.org/notes" rel="noopener noreferrer"' in text
    assert text.count('sha512sum --check') == 4  # of the release, of the newest preview, and of both in their list


@pytest.mark.database
def test_a_preview_that_stays_incomplete_is_named_as_such(page, db):
    db.item.update_many({}, {'$set': {'created': datetime.now(timezone.utc) - timedelta(days=2)}})
    text = page()
    assert 'Many extensions are missing: 2 of about 10.' in text
    assert '<span class="chip">incomplete</span>' in text
