"""Counts of what was private when it was deleted are shown to those only who could read it; all others stay."""
import json

import pytest

from plugin_tests.conftest import upload
from slicer_package_manager.registry.downloads import counter

pytestmark = pytest.mark.database


@pytest.fixture
def access(api):
    def change(folder, *, public, users=()):
        entries = {'users': [{'id': str(user['_id']), 'level': 0, 'flags': []} for user in users], 'groups': []}
        api.put(f'/folder/{folder["_id"]}/access', params={
            'access': json.dumps(entries), 'public': str(public).lower(), 'recurse': 'false'}).raise_for_status()
    return change


@pytest.fixture
def downloaded(api, make):
    def maker(package_type='package', **values):
        item = make(package_type, **values)
        upload(api, item['_id'], b'content')
        assert api.get(f'/item/{item["_id"]}/download').status_code == 200
        return item
    return maker


@pytest.fixture
def counts(anonymous, app):
    """All that statistics show to a client: the sum of rows, of the CSV, of months, and of the totals."""
    def asked(client=anonymous):
        url = f'/app/{app["_id"]}/downloadstats'
        days, months = (client.get(url, params={'limit': 0, 'granularity': one}).raise_for_status().json()
                        for one in ('day', 'month'))
        lines = client.get(url, params={'format': 'csv'}).raise_for_status().text.splitlines()[1:]
        found = {sum(row['count'] for row in days), sum(row['count'] for row in months),
                 sum(int(line.rsplit(',', 1)[1]) for line in lines), _sum(client.get(url).raise_for_status().json())}
        assert len(found) == 1, found
        return found.pop()
    return asked


def _sum(tree):
    return tree if isinstance(tree, int) else sum(map(_sum, tree.values()))


def test_a_private_release_takes_its_counts_along(api, app, counts, downloaded, make_release):
    make_release(public=False)
    downloaded('package'), downloaded('extension')
    assert (counts(), counts(api)) == (0, 2)
    api.delete(f'/app/{app["_id"]}/release/5.8').raise_for_status()
    assert (counts(), counts(api)) == (0, 2)


def test_a_public_release_leaves_its_counts(api, app, counts, downloaded, make_release):
    make_release()
    downloaded('package'), downloaded('extension')
    api.delete(f'/app/{app["_id"]}/release/5.8').raise_for_status()
    assert (counts(), counts(api)) == (2, 2)


@pytest.mark.parametrize(('public', 'seen'), [(True, 2), (False, 0)])
def test_a_draft_is_as_it_was(api, app, access, counts, downloaded, folders, public, seen):
    downloaded('package'), downloaded('extension')
    access(folders(folders(app)['draft'])['33000'], public=public)
    api.delete(f'/app/{app["_id"]}/release/33000').raise_for_status()
    assert (counts(), counts(api)) == (seen, 2)


def test_a_draft_in_a_private_folder_of_drafts_is_private(api, app, access, counts, downloaded, folders):
    downloaded()
    access(folders(app)['draft'], public=False)
    assert counts() == 0
    api.delete(f'/app/{app["_id"]}/release/33000').raise_for_status()
    access(folders(app)['draft'], public=True)
    assert (counts(), counts(api)) == (0, 1)


def test_a_release_of_an_application_that_was_private_stays_private(api, app, access, counts, downloaded, make_release):
    make_release()
    downloaded()
    access(app, public=False)
    api.delete(f'/app/{app["_id"]}/release/5.8').raise_for_status()
    access(app, public=True)
    assert (counts(), counts(api)) == (0, 1)


def test_a_folder_of_extensions_with_its_own_access(api, app, access, counts, downloaded, folders, make_release):
    release = make_release()
    downloaded('package'), downloaded('extension')
    access(folders(release)['extensions'], public=False)
    api.delete(f'/app/{app["_id"]}/release/5.8').raise_for_status()
    assert (counts(), counts(api)) == (1, 2)


def test_a_release_that_was_made_private_later_and_renamed(api, app, access, counts, downloaded, make_release):
    release = make_release()
    downloaded()
    access(release, public=False)
    api.put(f'/folder/{release["_id"]}', params={'name': '5.8.1'}).raise_for_status()
    api.delete(f'/app/{app["_id"]}/release/5.8.1').raise_for_status()
    assert (counts(), counts(api)) == (0, 1)


def test_who_could_read_it_still_sees_its_counts(api, app, access, counts, downloaded, login, make_user, make_release):
    user = make_user('reader')
    release = make_release(public=False)
    downloaded()
    access(release, public=False, users=[user])
    assert counts(login(user)) == 1
    api.delete(f'/app/{app["_id"]}/release/5.8').raise_for_status()
    assert (counts(), counts(login(user))) == (0, 1)


def test_what_is_made_anew_counts_anew_and_publicly(api, app, anonymous, counts, downloaded, make_release):
    make_release(public=False)
    downloaded()
    api.delete(f'/app/{app["_id"]}/release/5.8').raise_for_status()
    make_release()
    downloaded()
    assert (counts(), counts(api)) == (1, 2)
    (item,) = anonymous.get(f'/app/{app["_id"]}/package', params={'with_downloads': 'true'}).json()
    assert item['downloads'] == 1
    assert [one['downloads'] for one in anonymous.get(f'/app/{app["_id"]}/summary').json()['releases']] == [1]
    api.delete(f'/app/{app["_id"]}/release/5.8').raise_for_status()
    assert (counts(), counts(api)) == (1, 2)


def test_the_same_private_release_may_go_twice_a_day(api, app, counts, downloaded, make_release):
    for times in (1, 2, 3):
        make_release(public=False)
        downloaded()
        api.delete(f'/app/{app["_id"]}/release/5.8').raise_for_status()
        assert (counts(), counts(api)) == (0, times)


def test_a_draft_beside_a_release_takes_only_its_own(api, app, access, counts, downloaded, folders, make_release):
    downloaded()
    access(folders(folders(app)['draft'])['33000'], public=False)
    make_release()
    downloaded(baseName='Other')
    api.request('DELETE', f'/folder/{folders(folders(app)["draft"])["33000"]["_id"]}').raise_for_status()
    assert (counts(), counts(api)) == (1, 2)


def test_a_promoted_draft_is_the_releases(api, app, access, counts, downloaded, folders, make_release):
    downloaded()
    access(folders(folders(app)['draft'])['33000'], public=False)
    release = make_release()
    api.post(f'/app/{app["_id"]}/release/5.8/promote', params={'revision': '33000'}).raise_for_status()
    assert counts() == 1
    access(release, public=False)
    api.delete(f'/app/{app["_id"]}/release/5.8').raise_for_status()
    assert (counts(), counts(api)) == (0, 1)


@pytest.mark.parametrize('change', ['metadata', 'place'])
def test_a_private_release_that_is_moved_away_or_gets_another_revision(
        api, app, counts, downloaded, folders, make_release, change):
    release = make_release(public=False)
    downloaded()
    if change == 'metadata':
        sent = {'content': json.dumps({'revision': '40000'}), 'headers': {'Content-Type': 'application/json'}}
        api.request('PUT', f'/folder/{release["_id"]}/metadata', **sent).raise_for_status()
    else:
        api.put(f'/folder/{release["_id"]}', params={
            'parentType': 'collection', 'parentId': app['baseParentId']}).raise_for_status()
        assert list(folders(app)) == ['draft']
    assert (counts(), counts(api)) == (0, 1)


def test_a_download_that_ends_after_the_deletion(api, app, db, counts, downloaded, make_release):
    from girder.models.item import Item
    make_release(public=False)
    item = Item().load(downloaded()['_id'], force=True)
    api.delete(f'/app/{app["_id"]}/release/5.8').raise_for_status()
    counter.wait(counter.count(item))
    counter.wait(counter.count(item))
    assert (counts(), counts(api)) == (0, 3)


def test_what_everyone_may_download_is_counted_by_one_command(anonymous, db, downloaded, make_release, monkeypatch):
    from slicer_package_manager.registry.server import transactions
    begun = []
    monkeypatch.setattr(transactions, 'run', lambda *args, original=transactions.run, **options: (
        begun.append(args), original(*args, **options))[1])
    make_release()
    item = downloaded()
    assert db.slicer_package_download.find_one({'baseName': 'Slicer'})['count'] == 1
    db.slicer_package_download.delete_many({})
    begun.clear()
    anonymous.get(f'/item/{item["_id"]}/download').raise_for_status()
    assert (begun, db.slicer_package_download.find_one()['count']) == ([], 1)


def test_an_application_with_the_id_of_a_deleted_private_one_shows_nothing_of_it(api, app, counts, downloaded, access):
    downloaded()
    access(app, public=False)
    api.delete(f'/app/{app["_id"]}').raise_for_status()
    api.post('/app', params={'name': 'Slicer', 'app_id': app['_id']}).raise_for_status()
    assert (counts(), counts(api)) == (0, 1)
