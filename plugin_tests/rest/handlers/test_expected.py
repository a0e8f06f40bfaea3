"""The expected extensions that builds lack."""
from datetime import datetime, timedelta, timezone

import pytest

pytestmark = pytest.mark.database

TIERS = {'A': 5, 'B': 3, 'C': 1}


@pytest.fixture
def sync(app, db):
    """Expect extensions, by default of ``main``."""
    def store_entries(branch='main', names=tuple(TIERS)):
        from bson.objectid import ObjectId

        from slicer_package_manager.registry.expected import store
        return store.replace({'_id': ObjectId(app['_id']), 'name': 'Slicer'}, branch, [
            {'name': name, 'category': 'IGT', 'tier': TIERS.get(name, 1), 'repository_url': f'https://example.org/{name}'}
            for name in names])
    return store_entries


@pytest.fixture
def build(make, db):
    """A build of the application with extensions, which were uploaded yesterday."""
    def maker(revision, *names, version='5.11.0-2026-11-01', os='linux', days=1):
        make('package', revision=revision, version=version, os=os, content=b'x')
        for name in names:
            make('extension', app_revision=revision, baseName=name, os=os, content=b'x')
        db.item.update_many({'meta.app_revision': revision},
                            {'$set': {'created': datetime.now(timezone.utc) - timedelta(days=days)}})
    return maker


@pytest.fixture
def compare(anonymous, app):
    def get(path='', client=anonymous, **params):
        answer = client.get(f'/app/{app["_id"]}/expected{path}', params=params)
        return answer.raise_for_status().json()
    return get


def lacking(row, os='linux', arch='amd64'):
    return {one['name']: (one['since'], one['last_good']) for one in row['systems'][os][arch]['missing']}


def test_without_an_index_nothing_is_expected(compare, build):
    build('1', 'A')
    assert compare() == {'branches': [], 'builds': [], 'extensions': {}}


def test_a_build_is_compared_by_name_with_its_history(compare, sync, build):
    sync()
    build('1', 'A', 'B')
    build('2', 'A', 'Other')
    build('10', 'A')
    build('10', 'A', 'B', 'C', os='win')
    found = compare()
    assert [(row['revision'], row['branch'], row['expected']) for row in found['builds']] == [
        ('10', 'main', 3), ('2', 'main', 3), ('1', 'main', 3)]
    newest, before, first = found['builds']
    assert lacking(newest) == lacking(before) == {'B': ('2', '1'), 'C': ('1', None)}
    assert lacking(first) == {'C': ('1', None)}
    assert lacking(newest, 'win') == {}
    assert [newest['systems'][os]['amd64']['present'] for os in ('linux', 'win')] == [1, 3]
    assert found['extensions']['B'] == {
        'name': 'B', 'category': 'IGT', 'tier': 3, 'repository_url': 'https://example.org/B'}
    assert found['extensions'].keys() == {'B', 'C'}
    assert [(one['branch'], one['extensions']) for one in found['branches']] == [('main', 3)]


def test_an_extension_that_comes_back_is_missing_anew(compare, sync, build):
    sync(names=['A'])
    for revision, names in (('1', 'A'), ('2', ''), ('3', 'A'), ('4', ''), ('5', '')):
        build(revision, *names)
    assert [lacking(row) for row in compare()['builds']] == [
        {'A': ('4', '3')}, {'A': ('4', '3')}, {}, {'A': ('2', '1')}, {}]


def test_each_branch_has_its_own_history(compare, sync, build, make_release):
    sync('main', ['A'])
    sync('5.8', ['A', 'Old'])
    make_release('5.8.1', '3')
    make_release('5.6.0', '2')
    build('1', 'A', version='5.8.1-2026-10-01')
    build('2', version='5.6.0')
    build('3', 'Old', version='5.8.1')
    build('4', 'A')
    found = {row['revision']: (row['branch'], row['release'], lacking(row)) for row in compare()['builds']}
    assert found == {'4': ('main', '', {}), '3': ('5.8', '5.8.1', {'A': ('3', '1')}),
                     '1': ('5.8', '', {'Old': ('1', None)})}


def test_a_build_to_which_extensions_are_still_uploaded_begins_no_gap(compare, sync, build):
    sync(names=['A', 'B'])
    build('1', 'A', 'B')
    build('2', 'A', days=0)
    build('3', 'A')
    newest, unfinished, _ = compare()['builds']
    assert unfinished['systems']['linux']['amd64'] == {
        'present': 1, 'unfinished': True, 'missing': [{
            'name': 'B', 'since': '2', 'since_created': unfinished['created'], 'last_good': '1'}]}
    assert lacking(newest) == {'B': ('3', '1')}


def test_builds_are_paged(compare, sync, build, anonymous, app):
    sync()
    for revision in ('1', '2', '3'):
        build(revision)
    assert [row['revision'] for row in compare(limit=1, offset=1)['builds']] == ['2']
    answer = anonymous.get(f'/app/{app["_id"]}/expected', params={'limit': 1})
    assert answer.headers['Girder-Total-Count'] == '3'
    again = anonymous.get(f'/app/{app["_id"]}/expected', params={'limit': 1},
                          headers={'If-None-Match': answer.headers['ETag']})
    assert (again.status_code, again.headers['Girder-Total-Count']) == (304, '3')
    assert anonymous.get(f'/app/{app["_id"]}/expected', params={'limit': -1}).status_code == 400


def test_private_builds_and_extensions_without_a_file_do_not_count(compare, sync, build, make, api, make_release):
    sync(names=['A'])
    make_release('5.12', '2', public=False)
    build('1', 'A')
    build('2')
    make('package', revision='3', version='5.11.0', content=b'x')
    make('extension', app_revision='3', baseName='A')
    sync('5.12', ['A'])
    assert [row['revision'] for row in compare()['builds']] == ['3', '1']
    assert lacking(compare()['builds'][0]) == {'A': ('3', '1')}
    assert [row['revision'] for row in compare(client=api)['builds']] == ['3', '2', '1']
    assert [row['revision'] for row in compare('/A')['builds']] == ['3', '1']


def test_an_extension_has_a_status(compare, sync, build, anonymous, app):
    sync()
    build('1', 'A', 'B')
    build('2', 'A')
    build('2', 'A', 'B', os='win')
    build('3', days=0)
    found = compare('/B')
    assert found['expected'] == [{'name': 'B', 'category': 'IGT', 'tier': 3, 'repository_url': 'https://example.org/B',
                                  'branch': 'main', 'builds': 3}]
    assert found['unfinished'] == []
    one, = found['missing']
    created = {row['revision']: row['created'] for row in found['builds']}
    assert one == {'branch': 'main', 'os': 'linux', 'arch': 'amd64', 'revision': '3', 'since': '2',
                   'since_created': created['2'], 'last_good': '1'}
    assert [(row['revision'], row['systems']) for row in found['builds']] == [
        ('3', {'linux': {'amd64': 'missing'}}), ('2', {'linux': {'amd64': 'missing'}, 'win': {'amd64': 'present'}}),
        ('1', {'linux': {'amd64': 'present'}})]
    assert compare('/A')['missing'][0]['since'] == '3'
    answer = anonymous.get(f'/app/{app["_id"]}/expected/Unknown')
    assert (answer.status_code, 'has an extension "Unknown"' in answer.json()['message']) == (404, True)


def test_the_status_is_that_of_the_newest_finished_build_of_each_system(compare, sync, build):
    sync(names=['A', 'B'])
    build('1', 'A')
    build('1', 'A', 'B', os='win')
    build('2', 'A', days=0)
    assert [(one['os'], one['revision']) for one in compare('/B')['missing']] == [('linux', '1')]
    assert compare('/B')['builds'][0]['systems'] == {'linux': {'amd64': 'unfinished'}}


def test_the_status_has_the_systems_for_which_no_build_is_finished_yet(compare, sync, build):
    sync(names=['A', 'B'])
    build('1', 'A')
    build('2', 'B', os='win', days=0)
    build('3', 'A', os='win', days=0)
    found = compare('/B')
    assert found['unfinished'] == [{'branch': 'main', 'os': 'win', 'arch': 'amd64', 'revision': '3'}]
    assert [one['os'] for one in found['missing']] == ['linux']
    assert compare('/A')['unfinished'] == []


def test_a_synchronization_replaces_the_branch_at_once(sync, compare, build):
    assert sync() == (['A', 'B', 'C'], [])
    assert sync(names=['A', 'D']) == (['D'], ['B', 'C'])
    build('1')
    assert lacking(compare()['builds'][0]).keys() == {'A', 'D'}


@pytest.fixture
def not_ready(app, api):
    def get(share):
        api.put('/system/setting', params={'key': 'slicer_package_manager.ready_expected_share', 'value': share}
                ).raise_for_status()
        from slicer_package_manager.registry.catalog import applications
        from slicer_package_manager.registry.lookup import lookup
        builds = lookup.builds(applications.load(app['_id'], None), None)
        return sorted((one.revision, one.os, one.arch) for one in builds if not one.ready)
    return get


def test_a_build_is_ready_with_the_weighted_share_of_the_expected(not_ready, sync, build, make_release):
    make_release('5.6.0', '9')
    build('1', 'A', 'B')
    build('2', 'B', 'C', 'Other')
    build('2', 'A', 'B', 'C', os='win')
    build('3')
    build('9', version='5.6.0')
    assert not_ready(90) == []
    sync()
    assert not_ready(0) == []
    assert not_ready(88) == [('2', 'linux', 'amd64'), ('3', 'linux', 'amd64')]
    assert not_ready(89) == [('1', 'linux', 'amd64'), ('2', 'linux', 'amd64'), ('3', 'linux', 'amd64')]
    assert not_ready(44) == [('3', 'linux', 'amd64')]


def test_an_override_counts_more_than_what_is_expected(not_ready, sync, build, api, app):
    sync()
    build('1')
    assert not_ready(1) == [('1', 'linux', 'amd64')]
    api.put(f'/app/{app["_id"]}/draft/1/ready', params={'ready': 'true'}).raise_for_status()
    assert not_ready(1) == []
