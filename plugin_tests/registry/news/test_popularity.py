"""Downloads of extensions in the last days, and what is new or has changed, over all builds and systems."""
from datetime import datetime, timedelta, timezone

import pytest

pytestmark = pytest.mark.database


@pytest.fixture
def count(app, db):
    """Count downloads so many days ago."""
    def insert(name, days, number=1, **values):
        from bson.objectid import ObjectId
        db.slicer_package_download.insert_one({
            'app': ObjectId(app['_id']), 'kind': 'extension', 'revision': '33000', 'baseName': name, 'os': 'linux',
            'arch': 'amd64', 'release': '', 'day': f'{datetime.now(timezone.utc) - timedelta(days=days):%Y-%m-%d}',
            'count': number, **values})
    return insert


@pytest.fixture
def popularity(anonymous, app):
    def get(client=anonymous, **params):
        from slicer_package_manager.registry.news import history
        from slicer_package_manager.registry.server import data_version
        history.observe()
        data_version.announce()  # or the response may be a minute old
        return client.get(f'/app/{app["_id"]}/popularity', params=params).raise_for_status().json()
    return get


def names(rows):
    return [one['baseName'] for one in rows]


def test_downloads_of_all_builds_and_systems_count_in_their_periods(popularity, make, count):
    make('extension', content=b'x')
    for days, number in ((0, 1), (29, 2), (30, 4), (59, 8), (60, 16), (89, 32), (90, 64), (364, 128), (365, 256)):
        count('SlicerIGT', days, number)
    count('SlicerIGT', 0, 1000, os='win', revision='32000', release='5.6')
    count('SlicerIGT', 0, kind='package')
    row, = popularity()
    assert {key: value for key, value in row.items() if key != 'new'} == {
        'baseName': 'SlicerIGT', 'last_30_days': 1003, 'previous_30_days': 12, 'last_90_days': 1063,
        'last_365_days': 1255, 'changed': None}


def test_extensions_are_sorted(popularity, make, count):
    for name in ('Old', 'Young', 'Changed'):
        make('extension', baseName=name, content=b'x')
    for name, days, number in (('Old', 40, 50), ('Old', 1, 30), ('Young', 1, 20), ('Young', 40, 1), ('Changed', 2, 10)):
        count(name, days, number)
    popularity()
    make('extension', baseName='Changed', revision='fe98', app_revision='33001', content=b'x')
    assert names(popularity()) == names(popularity(sort='downloads')) == ['Old', 'Young', 'Changed']
    assert names(popularity(sort='trending')) == ['Young', 'Changed', 'Old']
    assert names(popularity(sort='new')) == ['Changed', 'Young', 'Old']
    assert names(popularity(sort='changed')) == ['Changed', 'Old', 'Young']
    assert names(popularity(sort='trending', limit=1, offset=1)) == ['Changed']
    row = popularity(sort='changed')[0]
    assert row['changed'] > row['new']


def test_the_number_of_all_is_stated_also_with_a_cached_response(anonymous, app, make, popularity):
    for name in 'abc':
        make('extension', baseName=name, content=b'x')
    popularity()
    for _ in range(2):
        answer = anonymous.get(f'/app/{app["_id"]}/popularity', params={'limit': 2})
        assert (len(answer.json()), answer.headers['Girder-Total-Count']) == (2, '3')
    assert anonymous.get(f'/app/{app["_id"]}/popularity', params={'limit': -1}).status_code == 400
    assert anonymous.get(f'/app/{app["_id"]}/popularity', params={'sort': 'x'}).status_code == 400


def test_what_is_private_is_neither_listed_nor_counted_nor_dated(popularity, make, count, api, app):
    make('extension', content=b'x')
    popularity()
    make('extension', revision='fe98', app_revision='34000', content=b'x')
    make('extension', baseName='Secret', app_revision='34000', content=b'x')
    count('SlicerIGT', 1, 5)
    count('SlicerIGT', 1, 7, revision='34000')
    assert names(popularity()) == ['SlicerIGT', 'Secret']
    draft = api.get(f'/app/{app["_id"]}/draft', params={'revision': '34000'}).json()[0]
    api.put(f'/folder/{draft["_id"]}/access', params={
        'access': '{}', 'public': False, 'recurse': True}).raise_for_status()
    row, = popularity()
    assert (row['baseName'], row['last_30_days'], row['changed']) == ('SlicerIGT', 5, None)
    assert [(one['baseName'], one['last_30_days']) for one in popularity(api)] == [('SlicerIGT', 12), ('Secret', 0)]


def test_an_extension_that_was_deleted_is_not_listed(popularity, make, count, api, app):
    item = make('extension', content=b'x')
    count('SlicerIGT', 1)
    assert names(popularity()) == ['SlicerIGT']
    api.delete(f'/app/{app["_id"]}/extension/{item["_id"]}').raise_for_status()
    assert popularity() == []
