"""Migrations from a running older server, over REST."""
import re

import pytest
from werkzeug import Response

from plugin_tests.migration.older_api import KEY, OlderApi
from plugin_tests.migration.older_server import APP
from plugin_tests.migration.test_girder import findings, here, listed, notes, snapshot
from slicer_package_manager.migration import rest_client, run
from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.notes import Outcome
from slicer_package_manager.migration.options import Options
from slicer_package_manager.migration.rest_client import RestClient
from slicer_package_manager.progress import silent

pytestmark = pytest.mark.database


@pytest.fixture
def filled(older, make_user):
    """An older server with public and private packages."""
    make_user('operator', admin=True)
    older.in_draft, older.draft_extensions = older.draft('29738')
    older.in_release, older.release_extensions = older.release('4.11', '29402', public=False)
    older.one = older.extension(older.draft_extensions, b'one')
    older.two = older.extension(older.release_extensions, b'two', app_revision='29402', baseName='Two')
    older.slicer = older.package(older.in_draft, b'slicer')
    older.link(older.extension(older.draft_extensions, baseName='Link'), 'https://github.com/a/b.tar.gz')
    older.user('builder')
    return older


@pytest.fixture
def api(filled, httpserver, monkeypatch):
    monkeypatch.setattr(rest_client, '_PAUSES', (0,))
    found = OlderApi(filled)
    httpserver.expect_request(re.compile('/api/v1/.*')).respond_with_handler(found)
    found.url = httpserver.url_for('/api/v1')
    return found


def migrate(api, key=KEY, **options):
    return run.migrate_over_rest(RestClient(api.url, key), here(), Options(**options), {}, silent)


def test_an_administrator_takes_over_all_but_secrets(api, filled, anonymous, login):
    report = migrate(api)
    assert report.undecided == []
    assert str(filled.one['_id']) in listed(anonymous)
    assert str(filled.two['_id']) not in listed(anonymous)
    admin = login(here()['user'].find_one({'_id': filled.admin['_id']}))
    assert admin.get(f'/item/{filled.two["_id"]}/download').content == b'two'
    assert anonymous.get(f'/item/{filled.slicer["_id"]}/download').content == b'slicer'
    for kind in ('folder', 'item', 'file', 'collection', 'user'):
        for one in filled.db[kind].find():
            stored = here()[kind].find_one({'_id': one['_id']})
            assert {key: stored.get(key) for key in ('name', 'login', 'created', 'creatorId', 'access', 'public')} == {
                key: one.get(key) for key in ('name', 'login', 'created', 'creatorId', 'access', 'public')}
    assert here()['user'].find_one({'login': 'builder'})['salt'] is None
    assert notes(report, Outcome.LEFT_OUT) >= {('user', str(one['_id'])) for one in filled.db['user'].find()}
    assert findings() == []


def test_an_anonymous_client_takes_over_what_everyone_may_read(api, filled, anonymous):
    report = migrate(api, None)
    assert report.undecided == []
    assert str(filled.one['_id']) in listed(anonymous)
    assert here()['folder'].find_one({'_id': filled.in_release['_id']}) is None
    operator = here()['user'].find_one({'login': 'operator'})
    assert here()['folder'].find_one({'_id': APP})['access']['users'] == [
        {'id': operator['_id'], 'level': 2, 'flags': []}]
    assert here()['item'].find_one({'_id': filled.one['_id']})['creatorId'] == filled.admin['_id']
    assert here()['user'].count_documents({}) == 1


def test_a_second_run_downloads_and_writes_nothing_and_counts_no_download_of_the_first(api, anonymous):
    migrate(api)
    before, requests = snapshot(here()), len(api.requests)
    report = migrate(api)
    after = snapshot(here())
    for database in before, after:
        database.pop('slicer_package_change')
    assert after == before
    assert [path for path in api.requests[requests:] if 'download' in path or 'files' in path] == []
    assert report.totals['downloads of extensions'] == 0  # the older server has counted those of the first run
    stats = anonymous.get(f'/app/{APP}/downloadstats').json()
    assert [stats.get(revision, {}).get('extensions', {}) for revision in ('29738', '29402')] == [{}, {}]


def test_downloads_of_twins_and_of_what_is_gone_since_are_not_counted(api, filled, anonymous):
    """The older server counts all items with one identity together, and packages without their names."""
    filled.extension(filled.draft_extensions, b'twin')
    filled.package(filled.in_draft, b'other', baseName='Other')
    gone = filled.extension(filled.draft_extensions, b'gone', baseName='Gone')
    filled.db['folder'].update_one({'_id': filled.drafts['_id']}, {'$set': {
        'meta.downloadStats.29738.extensions.SlicerIGT.linux.amd64': 7}})
    migrate(api)
    stored = filled.db['folder'].find_one({'_id': filled.drafts['_id']})['meta']['downloadStats']['29738']
    assert stored['extensions']['SlicerIGT']['linux']['amd64'] == 9
    assert stored['applications']['linux']['amd64'] == 2
    filled.db['item'].delete_one({'_id': gone['_id']})
    for _ in range(2):
        report = migrate(api, since_last=True, delete=True, verify=True)
        assert report.undecided == []
        found = anonymous.get(f'/app/{APP}/downloadstats').json()['29738']
        assert found.get('applications', {}) == {}
        assert found['extensions'] == {'SlicerIGT': {'linux': {'amd64': 7}}}


def test_downloads_that_are_counted_elsewhere_or_not_at_all_are_subtracted_where_they_are(api, filled, login):
    """The older server counts by metadata, and nothing in private folders: the totals of each run are those before."""
    public, extensions = filled.release('5.0', '30893')
    filled.extension(filled.draft_extensions, b'other draft', app_revision='30000', baseName='Other')
    filled.extension(public, b'beside packages', app_revision='30893', baseName='Beside')
    filled.package(extensions, b'among extensions', revision='30893')
    for folder, counted in ((filled.drafts, {'30000': {'extensions': {'Other': {'linux': {'amd64': 4}}}}}),
                            (public, {'extensions': {'Beside': {'linux': {'amd64': 3}}},
                                      'applications': {'linux': {'amd64': 2}}}),
                            (filled.in_release, {'extensions': {'Two': {'linux': {'amd64': 5}}}})):
        filled.db['folder'].update_one({'_id': folder['_id']}, {'$set': {'meta.downloadStats': counted}})
    totals = [migrate(api, verify=True).totals for _ in range(2)]
    assert [one['downloads of extensions'] for one in totals] == [12, 12]
    assert [one['downloads of packages'] for one in totals] == [2, 2]
    admin = login(here()['user'].find_one({'_id': filled.admin['_id']}))
    found = admin.get(f'/app/{APP}/downloadstats').json()
    assert found['30000']['extensions'] == {'Other': {'linux': {'amd64': 4}}}
    assert found['29402']['extensions'] == {'Two': {'linux': {'amd64': 5}}}


def test_downloads_that_fail_are_subtracted_if_the_source_has_counted_them(api, filled):
    """It counts one of which it has sent all that it has, and none of a file that is missing."""
    found = {path.read_bytes(): path for path in filled.root.rglob('*') if path.is_file()}
    found[b'one'].write_bytes(b'o')
    found[b'slicer'].unlink()
    filled.db['folder'].update_one({'_id': filled.drafts['_id']}, {'$set': {'meta.downloadStats': {'29738': {
        'extensions': {'SlicerIGT': {'linux': {'amd64': 7}}}, 'applications': {'linux': {'amd64': 6}}}}}})
    for _ in range(3):
        report = migrate(api)
        assert {note.outcome for note in report.undecided} == {Outcome.LOST}
        assert report.totals['downloads of extensions'] == 7
        assert report.totals['downloads of packages'] == 6
    stored = filled.db['folder'].find_one({'_id': filled.drafts['_id']})['meta']['downloadStats']['29738']
    assert stored['extensions']['SlicerIGT']['linux']['amd64'] == 10


def test_an_empty_file_is_not_requested(api, filled, anonymous):
    """The older server fails at one in GridFS."""
    empty = filled.extension(filled.draft_extensions, b'', baseName='Empty')
    assert migrate(api, verify=True).undecided == []
    file = filled.db['file'].find_one({'itemId': empty['_id']})
    assert f'/api/v1/file/{file["_id"]}/download' not in api.requests
    assert anonymous.get(f'/item/{empty["_id"]}/download').content == b''


def test_a_release_that_is_renamed_between_runs_has_no_downloads_of_the_first(api, filled, login):
    migrate(api)
    filled.db['folder'].update_one({'_id': filled.in_release['_id']},
                                   {'$set': {'name': 'Stable', 'lowerName': 'stable'}})
    migrate(api)
    admin = login(here()['user'].find_one({'_id': filled.admin['_id']}))
    assert admin.get(f'/app/{APP}/downloadstats').json().get('29402', {}).get('extensions', {}) == {}


def test_what_changes_and_goes_at_the_source_follows(api, filled, anonymous):
    migrate(api)
    new = filled.extension(filled.draft_extensions, b'new', baseName='New')
    filled.db['item'].delete_one({'_id': filled.one['_id']})
    filled.db['file'].delete_one({'itemId': filled.one['_id']})
    report = migrate(api, since_last=True, delete=True, verify=True)
    assert notes(report, Outcome.DELETED) == {('item', str(filled.one['_id']))}
    assert report.undecided == []
    assert str(new['_id']) in listed(anonymous)
    assert str(filled.one['_id']) not in listed(anonymous)


@pytest.mark.parametrize('meta', ['text', None, [1]])
def test_a_file_of_an_item_without_metadata_is_downloaded(api, filled, anonymous, meta):
    filled.db['item'].update_one({'_id': filled.one['_id']}, {'$set': {'meta': meta}})
    migrate(api, KEY)
    assert anonymous.get(f'/item/{filled.one["_id"]}/download').content == b'one'


def test_a_dry_run_downloads_and_writes_nothing(api):
    before = snapshot(here())
    report = migrate(api, dry_run=True)
    assert snapshot(here()) == before
    assert report.totals['items'] == 4
    assert [path for path in api.requests if 'download' in path] == []


def test_files_can_be_links_to_the_source(api, filled, allow):
    allow(api.url.removesuffix('/api/v1'))
    report = migrate(api, files='link')
    assert [path for path in api.requests if 'download' in path] == []
    file = here()['file'].find_one({'itemId': filled.one['_id']})
    assert file['linkUrl'] == f'{api.url}/file/{file["_id"]}/download'
    private = filled.db['file'].find_one({'itemId': filled.two['_id']})
    assert {(note.kind, note.id) for note in report.undecided} == {('file', str(private['_id'])), ('link', api.url)}
    assert migrate(api, verify=True).undecided == []
    assert 'linkUrl' not in here()['file'].find_one({'_id': file['_id']})


def test_a_file_that_the_source_cannot_deliver_is_named(api, filled):
    next(path for path in filled.root.rglob('*') if path.is_file() and path.read_bytes() == b'one').unlink()
    (note,) = migrate(api).undecided
    assert (note.outcome, note.reason) == (Outcome.LOST, 'the source answers 500 instead of its bytes')


def test_a_file_of_which_the_source_delivers_a_part_is_named(api, filled, monkeypatch):
    def cut(self, file_id):
        content = b'half of it'
        return Response(iter([content]), headers={'Content-Length': str(2 * len(content))})
    monkeypatch.setattr(OlderApi, 'download', cut)
    reasons = {note.reason.partition(':')[0] for note in migrate(api).undecided}
    assert reasons == {'the source does not send all of its bytes'}


def test_a_source_that_goes_away_in_a_file_ends_the_migration(api, httpserver, monkeypatch):
    def cut(self, file_id):
        httpserver.clear_all_handlers()
        return Response(iter([b'half of it']), headers={'Content-Length': '100'})
    monkeypatch.setattr(OlderApi, 'download', cut)
    with pytest.raises(MigrationError, match='Run the migration again to continue'):
        migrate(api)


def test_a_wrong_key_is_refused(api, httpserver):
    with pytest.raises((MigrationError, TypeError)):
        migrate(api, 'wrong')
    assert here()['folder'].count_documents({}) == 0
