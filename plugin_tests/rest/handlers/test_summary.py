from unittest import mock

import pytest

pytestmark = pytest.mark.database

MAC = {'os': 'macosx', 'arch': 'arm64'}


@pytest.fixture
def summary(anonymous, app):
    def get(client=anonymous, **params):
        return client.get(f'/app/{app["_id"]}/summary', params=params).raise_for_status().json()
    return get


def test_an_empty_application_has_a_summary(summary, app):
    assert summary() == {
        'app': {'_id': app['_id'], 'name': 'Slicer', 'description': '', 'public': True, 'access': 0, 'templates': {
            'package': '{baseName}_{os}_{arch}_{revision}',
            'extension': '{app_revision}_{baseName}_{os}_{arch}_{revision}'}},
        'releases': [], 'drafts': [],
        'total': {'packages': 0, 'extensions': 0, 'size': 0, 'downloads': 0, 'drafts': 0, 'releases': 0}}


def test_a_row_counts_packages_bytes_and_downloads(summary, make_release, make, anonymous):
    release = make_release('5.8', '33000', description='Stable')
    items = [make('package', content=b'x' * 5), make('package', content=b'x' * 7, **MAC)]
    make('extension', content=b'x' * 3)
    make('extension', baseName='Other', content=b'x')
    for _ in range(3):
        anonymous.get(f'/item/{items[0]["_id"]}/download').raise_for_status()
    row, = summary()['releases']
    assert {key: row[key] for key in row if key not in ('created', 'updated')} == {
        '_id': release['_id'], 'name': '5.8', 'revision': '33000', 'version': '5.8.0',
        'built': min(item['meta']['build_date'] for item in items), 'description': 'Stable', 'public': True,
        'ready': True, 'ready_for': {'linux': {'amd64': True}, 'macosx': {'arm64': True}}, 'held': None, 'access': 0,
        'size': 16, 'downloads': 3, 'packages': {'linux': {'amd64': 1}, 'macosx': {'arm64': 1}},
        'extensions': {'linux': {'amd64': 2}}}
    assert row['created'] == release['created']
    assert summary()['total'] == {'packages': 2, 'extensions': 2, 'size': 16, 'downloads': 3, 'drafts': 0,
                                  'releases': 1}


def test_drafts_are_paged_and_totals_are_of_all(summary, make, anonymous, app):
    for revision in ('1', '2', '3'):
        make('package', revision=revision, content=b'x')
    assert [row['name'] for row in summary()['drafts']] == ['3', '2', '1']
    part = summary(limit=1, offset=1)
    assert [row['name'] for row in part['drafts']] == ['2']
    assert (part['total']['packages'], part['total']['drafts'], part['total']['size']) == (3, 3, 3)
    answer = anonymous.get(f'/app/{app["_id"]}/summary', params={'limit': 1})
    assert answer.headers['Girder-Total-Count'] == '3'
    assert [row['name'] for row in summary(limit=0, offset=2)['drafts']] == ['1']


def test_downloads_of_a_draft_and_of_a_release_of_its_revision_are_separate(summary, make, make_release, anonymous):
    draft = make('package', content=b'x')
    make_release('5.8', '33000')
    release = make('package', content=b'x')
    for item, times in ((draft, 2), (release, 3)):
        for _ in range(times):
            anonymous.get(f'/item/{item["_id"]}/download').raise_for_status()
    found = summary()
    assert [one['downloads'] for one in (*found['drafts'], *found['releases'], found['total'])] == [2, 3, 5]


def test_what_is_private_is_not_counted(summary, make, make_release, api, make_user, login, grant):
    user = make_user('member')
    secret = make_release('5.9', '34000', public=False)
    make('package', revision='34000', content=b'secret')
    make('extension', app_revision='34000', content=b'secret')
    draft = api.get(f'/folder/{make("package", content=b"x")["folderId"]}').json()
    assert (summary()['releases'], summary()['total']['packages'], summary()['total']['size']) == ([], 1, 1)
    assert summary(api)['total'] == {'packages': 2, 'extensions': 1, 'size': 13, 'downloads': 0, 'drafts': 1,
                                     'releases': 1}
    grant(secret, user, level=1, recurse=True)
    found = summary(login(user))
    assert [row['access'] for row in (found['app'], *found['releases'], *found['drafts'])] == [0, 1, 0]
    assert found['total']['extensions'] == 1
    grant(draft)
    assert (summary()['drafts'], summary()['total']['packages']) == ([], 0)


def test_what_has_no_file_is_counted_for_writers_only(summary, make, api):
    make('package')
    assert (summary()['total']['packages'], summary(api)['total']['packages']) == (0, 1)


def test_a_private_application_has_no_summary(api, anonymous, make_user, login):
    app = api.post('/app', params={'name': 'Secret', 'public': False}).json()
    assert anonymous.get(f'/app/{app["_id"]}/summary').status_code == 401
    assert login(make_user('member')).get(f'/app/{app["_id"]}/summary').status_code == 403
    assert api.get(f'/app/{app["_id"]}/summary').json()['app']['access'] == 2


CATALOG = 'name,revision,extensions,ready_for'


def test_rows_have_only_the_fields_that_are_asked_for(summary, make, make_release, anonymous, app):
    make_release('5.8', '33000')
    draft = make('extension', app_revision='1', content=b'x' * 3)
    make('package', content=b'x' * 5)
    anonymous.get(f'/item/{draft["_id"]}/download').raise_for_status()
    for fields in (CATALOG, 'ready_for , extensions,,revision,name,name'):
        found = summary(fields=fields)
        assert found['releases'] == [{'name': '5.8', 'revision': '33000', 'extensions': {},
                                      'ready_for': {'linux': {'amd64': True}}}]
        assert found['drafts'] == [{'name': '1', 'revision': '1', 'extensions': {'linux': {'amd64': 1}},
                                    'ready_for': {'linux': {'amd64': True}}}]
        assert found['total'] == {'extensions': 1, 'drafts': 1, 'releases': 1}
    assert summary(fields='name') == {
        'app': summary()['app'], 'releases': [{'name': '5.8'}], 'drafts': [{'name': '1'}],
        'total': {'drafts': 1, 'releases': 1}}
    assert summary(fields='downloads,size')['drafts'] == [{'size': 3, 'downloads': 1}]
    assert summary(fields='_id,created')['drafts'] == [{key: summary()['drafts'][0][key] for key in ('_id', 'created')}]
    assert summary(fields='') == summary()


def test_each_field_is_as_in_the_whole_row(summary, make, make_release):
    make_release('5.8', '33000')
    make('package', content=b'x' * 5)
    whole, = summary()['releases']
    for field, value in whole.items():
        assert summary(fields=field)['releases'] == [{field: value}]


def test_a_part_without_downloads_is_cached_until_something_changes(make, make_release, anonymous, app, api):
    def ask(**headers):
        return anonymous.get(f'/app/{app["_id"]}/summary', params={'fields': CATALOG, 'limit': 0}, headers=headers)
    make('extension', app_revision='1', content=b'x')
    first = ask()
    assert (first.status_code, first.headers['Girder-Total-Count']) == (200, '1')
    assert ask(**{'If-None-Match': first.headers['ETag']}).status_code == 304
    make('extension', app_revision='2', content=b'x')
    second = ask(**{'If-None-Match': first.headers['ETag']})
    assert (second.status_code, second.headers['Girder-Total-Count']) == (200, '2')
    make_release('5.8', '33000')
    assert [row['name'] for row in ask().json()['releases']] == ['5.8']
    api.put(f'/app/{app["_id"]}/draft/1/ready', params={'ready': 'false'}).raise_for_status()
    assert ask().json()['drafts'][1]['ready_for'] == {'linux': {'amd64': False}}
    api.put(f'/folder/{app["_id"]}/access', params={'access': '{}', 'public': False}).raise_for_status()
    assert ask().status_code == 401


def test_many_drafts_fit_into_a_small_answer(summary, make, anonymous, app):
    for revision in range(34000, 34060):
        make('extension', app_revision=str(revision), content=b'x')
    answer = anonymous.get(f'/app/{app["_id"]}/summary', params={'fields': CATALOG, 'limit': 0})
    assert [row['revision'] for row in answer.json()['drafts']] == [str(one) for one in range(34059, 33999, -1)]
    assert len(answer.content) < 60 * 150 + 1000
    assert int(answer.headers['Content-Length']) < 2000


@pytest.mark.parametrize('fields', ['access_list', 'name,spm', '_id;name', 'name,\0', 'x' * 5000])
def test_unknown_fields_are_refused(anonymous, app, fields):
    answer = anonymous.get(f'/app/{app["_id"]}/summary', params={'fields': fields})
    assert (answer.status_code, 'fields' in answer.json()['message']) == (400, True)


@pytest.mark.parametrize('params', [{'limit': -1}, {'offset': -1}, {'limit': 'x'}, {'offset': 2**40}])
def test_unusable_numbers_are_refused(anonymous, app, params):
    assert anonymous.get(f'/app/{app["_id"]}/summary', params=params).status_code == 400


def test_an_unknown_application_is_404(anonymous, app):
    for identifier in ('5f4474d0e1d8c75dfc705482', 'x', '%00'):
        assert anonymous.get(f'/app/{identifier}/summary').status_code == 404


def test_the_number_of_queries_does_not_grow(make, make_release, make_user, db, monkeypatch):
    from girder.models.folder import Folder
    from girder.models.item import Item

    from slicer_package_manager.registry.catalog import applications
    from slicer_package_manager.registry.catalog import summary as summaries
    user = make_user('member')
    app = applications.load(str(db['folder'].find_one({'name': 'Slicer'})['_id']), make_user('boss', admin=True))
    asked = []
    for model in (Folder(), Item()):
        collection = mock.Mock(wraps=model.collection)
        collection.find.side_effect = collection.aggregate.side_effect = (
            lambda *_, **__: asked.append(1) or mock.DEFAULT)
        monkeypatch.setattr(model, 'collection', collection)

    def queries():
        asked.clear()
        for member in (None, user):
            summaries.of(app, member, 50, 0)
        return len(asked)
    few = queries()
    for number in range(5):
        make('package', revision=str(number), content=b'x')
        make('extension', app_revision=str(number), content=b'x')
    make_release('5.8', '1')
    assert queries() == few > 0
