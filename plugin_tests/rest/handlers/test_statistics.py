import pytest

from plugin_tests.conftest import upload

pytestmark = pytest.mark.database

PACKAGE_TYPES = pytest.mark.parametrize('package_type', ['package', 'extension'])
UNKNOWN_ID = '5f4474d0e1d8c75dfc705482'


@pytest.fixture
def stats(anonymous, app):
    return lambda client=anonymous: client.get(f'/app/{app["_id"]}/downloadstats').raise_for_status().json()


@pytest.fixture
def fetch(anonymous):
    """Download the whole file of a package."""
    def fetcher(item, times=1, client=anonymous):
        for _ in range(times):
            client.get(f'/item/{item["_id"]}/download').raise_for_status()
    return fetcher


def test_without_downloads_there_are_no_statistics(ready, stats):
    ready('package')
    assert stats() == {}


def test_statistics_have_the_shape_that_clients_read(ready, fetch, stats):
    fetch(ready('package'), 2)
    fetch(ready('package', os='win', revision='33001'))
    fetch(ready('package', arch='arm64'))
    fetch(ready('extension'), 3)
    fetch(ready('extension', baseName='Other', os='macosx', app_revision='33001'))
    assert stats() == {
        '33000': {'applications': {'linux': {'amd64': 2, 'arm64': 1}},
                  'extensions': {'SlicerIGT': {'linux': {'amd64': 3}}}},
        '33001': {'applications': {'win': {'amd64': 1}}, 'extensions': {'Other': {'macosx': {'amd64': 1}}}}}


@PACKAGE_TYPES
def test_every_way_to_get_the_file_counts_one(anonymous, ready, item_of, files_of, db, package_type):
    item = ready(package_type)
    file, = files_of(item)
    checksum = item_of(item)['meta']['sha512']
    for number, path in enumerate((f'/item/{item["_id"]}/download', f'/file/{file["_id"]}/download',
                                   f'/file/{file["_id"]}/download/name.tar.gz',
                                   f'/file/hashsum/sha512/{checksum}/download',
                                   f'/file/hashsum/SHA512/{checksum.upper()}/download'), 1):
        anonymous.get(path).raise_for_status()
        assert [one['count'] for one in db['slicer_package_download'].find()] == [number], path


@PACKAGE_TYPES
def test_administrators_and_the_logged_in_count_too(api, ready, fetch, stats, login, make_user, package_type):
    item = ready(package_type)
    fetch(item, client=api)
    fetch(item, client=login(make_user('member')))
    assert '2' in str(stats())


@pytest.mark.parametrize('revision', ['5.8.1', '$where', 'a.b.$c', 'é🎉', '__proto__', 'x' * 180, 'draft', '0'])
def test_names_and_revisions_are_counted_unchanged(ready, fetch, stats, revision):
    fetch(ready('extension', app_revision=revision, baseName=revision[:50], revision='r'))
    assert stats() == {revision: {'extensions': {revision[:50]: {'linux': {'amd64': 1}}}}}


def test_counting_grows_no_document(ready, fetch, db):
    item = ready('package')
    fetch(item)
    before = [list(db[name].find()) for name in ('folder', 'item', 'collection', 'file')]
    fetch(item, 3)
    assert [list(db[name].find()) for name in ('folder', 'item', 'collection', 'file')] == before
    assert db['slicer_package_download'].count_documents({}) == 1


@pytest.mark.parametrize('loss', ['file', 'item', 'draft', 'release', 'replaced', 'moved', 'renamed'])
def test_counts_stay(api, app, ready, fetch, stats, files_of, make_release, loss):
    release = make_release('5.8', '33000') if loss in {'release', 'renamed'} else None
    item = ready('package')
    fetch(item)
    before = stats()
    assert before
    if loss == 'file':
        api.delete(f'/file/{files_of(item)[0]["_id"]}').raise_for_status()
    elif loss == 'item':
        api.delete(f'/app/{app["_id"]}/package/{item["_id"]}').raise_for_status()
    elif loss in {'draft', 'release'}:
        api.delete(f'/app/{app["_id"]}/release/{"33000" if loss == "draft" else "5.8"}').raise_for_status()
    elif loss == 'replaced':
        upload(api, item['_id'], b'new content')
    elif loss == 'moved':
        api.put(f'/item/{item["_id"]}', params={'folderId': make_release('5.9', '34000')['_id']}).raise_for_status()
    else:
        api.put(f'/folder/{release["_id"]}', params={'name': '5.8.0'}).raise_for_status()
    assert stats() == before


def test_counts_go_on_after_a_replacement(api, ready, fetch, stats):
    item = ready('package')
    fetch(item)
    upload(api, item['_id'], b'new content')
    fetch(item)
    assert stats() == {'33000': {'applications': {'linux': {'amd64': 2}}}}


def test_packages_of_a_draft_and_of_a_release_of_one_revision_add_up(ready, fetch, stats, make_release):
    fetch(ready('package'))
    make_release('5.8', '33000')
    fetch(ready('package'))
    assert stats() == {'33000': {'applications': {'linux': {'amd64': 2}}}}


def test_each_application_has_its_own_statistics(api, ready, fetch, stats):
    other = api.post('/app', params={'name': 'Other'}).json()
    fetch(ready('package', app_id=other['_id']))
    assert stats() == {}
    assert api.get(f'/app/{other["_id"]}/downloadstats').json() == {'33000': {'applications': {'linux': {'amd64': 1}}}}


def test_a_download_that_cannot_be_counted_does_not_fail(anonymous, ready, monkeypatch):
    from slicer_package_manager.registry.downloads import counts
    item = ready('package')

    def broken(*_):
        raise RuntimeError('no database')
    monkeypatch.setattr(counts, 'record', broken)
    answer = anonymous.get(f'/item/{item["_id"]}/download')
    assert (answer.status_code, len(answer.content)) == (200, len(b'content of ' + item['_id'].encode()))


def test_looking_at_an_item_counts_nothing(anonymous, ready, files_of, stats):
    item = ready('package')
    files_of(item, anonymous)
    anonymous.get(f'/item/{item["_id"]}')
    assert stats() == {}


def test_others_files_are_not_counted(api, app, anonymous, stats, db):
    item = api.post('/item', params={'folderId': app['_id'], 'name': 'note'}).json()
    upload(api, item['_id'], b'x')
    anonymous.get(f'/item/{item["_id"]}/download').raise_for_status()
    assert (stats(), db['slicer_package_download'].count_documents({})) == ({}, 0)
