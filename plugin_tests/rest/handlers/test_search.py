"""The search of the administration."""
import pytest

from plugin_tests.rest.test_logged_statistics import hide

pytestmark = pytest.mark.database


@pytest.fixture
def search(api):
    def get(q, client=api):
        found = client.get('/slicer_package_manager/search', params={'q': q}).raise_for_status().json()
        return {kind: [hit['name'] for hit in hits] for kind, hits in found.items() if hits}
    return get


@pytest.fixture
def stored(make, make_release):
    make_release('5.8.1', '33241')
    for revision in ('33241', '33300'):
        make('package', revision=revision, content=b'x')
        for name in ('SlicerIGT', 'SlicerRT', 'IGTLink'):
            make('extension', app_revision=revision, baseName=name, content=b'x')


@pytest.mark.usefixtures('stored')
@pytest.mark.parametrize(('text', 'found'), [
    ('igt', {'extensions': ['IGTLink', 'SlicerIGT']}), ('33300', {'drafts': ['33300'], 'packages': ['Slicer']}),
    ('333', {'drafts': ['33300']}), ('33241', {'releases': ['5.8.1'], 'packages': ['Slicer']}),
    ('5.8', {'releases': ['5.8.1']}),
    ('slicer', {'applications': ['Slicer'], 'packages': ['Slicer'], 'extensions': ['SlicerRT', 'SlicerIGT']}),
    ('slicer igt', {'extensions': ['SlicerIGT']}), ('(', {}), ('none', {}), ('a\nb', {})])
def test_names_and_revisions_are_found(search, text, found):
    assert search(text) == found


@pytest.mark.usefixtures('stored')
def test_the_newest_stands_for_all_of_its_name(api, app):
    [hit] = api.get('/slicer_package_manager/search', params={'q': 'SlicerIGT'}).json()['extensions']
    assert (hit['revision'], hit['app_id'], hit['application']) == ('33300', app['_id'], 'Slicer')


HASH = 'ab12cd34ef56ab12cd34ef56ab12cd34ef56ab12'


@pytest.mark.parametrize(('text', 'found'), [
    ('33241', {'releases': ['5.8.1'], 'packages': ['Slicer']}), ('3330', {'drafts': ['33300'], 'packages': ['Slicer']}),
    (HASH, {'extensions': ['SlicerIGT']}), ('AB12CD3', {'extensions': ['SlicerIGT']}),
    ('slicer ab12', {'extensions': ['SlicerIGT']}), ('ab1', {}), ('12cd34', {}), ('rt ab12cd3', {}),
    (HASH[:6] + '0' * 34, {}), ('f00dfeed1', {'extensions': ['SlicerRT']}), (' '.join(['ab12cd3'] * 10), {})])
def test_revisions_of_sources_are_found(search, make, make_release, text, found):
    make_release('5.8.1', '33241')
    for revision in ('33241', '33300'):
        make('package', revision=revision, content=b'x')
    make('extension', app_revision='33241', baseName='SlicerIGT', revision='ab12cd3', content=b'x')
    make('extension', app_revision='33241', baseName='SlicerRT', revision='f00dfeed12', content=b'x')
    assert search(text) == found


def test_the_newest_build_of_a_revision_is_found(api, make):
    for app_revision, revision in (('33241', 'ab12cd3'), ('33300', 'ab12cd3'), ('33400', 'f00dfeed1')):
        make('extension', app_revision=app_revision, baseName='SlicerIGT', revision=revision, content=b'x')
    [hit] = api.get('/slicer_package_manager/search', params={'q': HASH}).json()['extensions']
    assert (hit['revision'], hit['source_revision']) == ('33300', 'ab12cd3')


@pytest.mark.usefixtures('stored')
def test_what_is_private_is_not_found(search, api, app, folders, make_user, login, anonymous):
    reader = login(make_user('reader'))
    hide(api, folders(folders(app)['draft'])['33300'])
    assert search('333', reader) == {}
    assert search('333') == {'drafts': ['33300']}
    hide(api, app)
    for text in ('slicer', '5.8', 'igt'):
        assert search(text, reader) == {}
    assert anonymous.get('/slicer_package_manager/search', params={'q': 'x'}).status_code == 401


def test_long_texts_are_refused(api):
    assert api.get('/slicer_package_manager/search', params={'q': 'x ' * 500}).status_code == 400
