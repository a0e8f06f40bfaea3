import pytest

from plugin_tests.conftest import upload

pytestmark = pytest.mark.database


@pytest.fixture
def downloaded(anonymous, make):
    package, extension = make('package', content=b'x'), make('extension', content=b'y')
    for item, times in ((package, 2), (extension, 3)):
        for _ in range(times):
            anonymous.get(f'/item/{item["_id"]}/download')
    return package, extension


@pytest.mark.usefixtures('downloaded')
def test_any_parameter_asks_for_rows(anonymous, app):
    url = f'/app/{app["_id"]}/downloadstats'
    assert set(anonymous.get(url).json()) == {'33000'}
    for params in ({'granularity': 'year'}, {'limit': 10}, {'offset': 0}, {'kind': 'package'}, {'format': 'json'}):
        response = anonymous.get(url, params=params)
        assert isinstance(response.json(), list)
        assert response.headers['Girder-Total-Count'] == str(len(response.json()))


@pytest.mark.usefixtures('downloaded')
@pytest.mark.parametrize('granularity', ['day', 'month', 'year'])
def test_rows_have_the_documented_keys_and_no_others(anonymous, app, granularity):
    for row in anonymous.get(f'/app/{app["_id"]}/downloadstats', params={'granularity': granularity}).json():
        assert set(row) == {'period', 'kind', 'baseName', 'os', 'arch', 'revision', 'release', 'count'}


@pytest.mark.usefixtures('downloaded')
def test_csv_is_a_file_for_spreadsheets(anonymous, app):
    response = anonymous.get(f'/app/{app["_id"]}/downloadstats', params={'format': 'csv', 'granularity': 'year'})
    assert response.headers['Content-Type'] == 'text/csv;charset=utf-8'
    assert 'downloads.csv' in response.headers['Content-Disposition']
    assert [line.rsplit(',', 1)[1] for line in response.text.splitlines()] == ['count', '3', '2']


@pytest.mark.parametrize('params', [
    {'limit': '-1'}, {'offset': '-1'}, {'limit': 'x'}, {'limit': '9' * 30}, {'granularity': 'week'}, {'kind': 'x'},
    {'os': 'x'}, {'arch': 'x'}, {'format': 'xml'}, {'date_from': 'x'}, {'date_to': '\x00'}])
def test_unusable_parameters_are_400(anonymous, app, params):
    assert anonymous.get(f'/app/{app["_id"]}/downloadstats', params=params).status_code == 400


def test_lists_tell_each_items_own_total_when_asked(anonymous, app, make, downloaded):
    make('extension', content=b'z', baseName='Other')
    for package_type, totals in (('package', {'Slicer': 2}), ('extension', {'SlicerIGT': 3, 'Other': 0})):
        plain = anonymous.get(f'/app/{app["_id"]}/{package_type}').json()
        assert all('downloads' not in item for item in plain)
        listed = anonymous.get(f'/app/{app["_id"]}/{package_type}', params={'with_downloads': 'true'}).json()
        assert {item['meta']['baseName']: item['downloads'] for item in listed} == totals


def test_totals_of_items_survive_a_replacement_and_a_move_to_a_release(api, anonymous, app, downloaded):
    _, extension = downloaded
    upload(api, extension['_id'], b'other')
    anonymous.get(f'/item/{extension["_id"]}/download')
    release = api.post(f'/app/{app["_id"]}/release', params={'name': '5.8', 'app_revision': '33000'}).json()
    folder = api.post('/folder', params={'parentId': release['_id'], 'name': 'extensions'}).raise_for_status().json()
    api.put('/resource/move', params={'resources': f'{{"item": ["{extension["_id"]}"]}}', 'parentType': 'folder',
                                      'parentId': folder['_id']}).raise_for_status()
    anonymous.get(f'/item/{extension["_id"]}/download')
    (listed,) = anonymous.get(f'/app/{app["_id"]}/extension', params={'with_downloads': 'true'}).json()
    assert listed['downloads'] == 5
    rows = anonymous.get(f'/app/{app["_id"]}/downloadstats', params={'kind': 'extension', 'granularity': 'year'}).json()
    assert {row['release']: row['count'] for row in rows} == {'': 4, '5.8': 1}
