"""The calls that look up packages: records, privacy, redirects, and faults of the former download site."""
import pytest

pytestmark = pytest.mark.database

ROOT = 'http://testserver'
KEYS = {'arch', 'revision', 'os', 'name', 'build_date', 'build_date_ymd', 'product_name', 'stability', 'size',
        'sha512', 'version', 'download_url', 'extensions_browse_url', 'codebase', 'package', 'md5', 'checkout_date',
        'checkout_date_ymd'}


@pytest.fixture
def find(anonymous):
    """Look up a package with ``/find``, by default for Linux and anonymously; returns the record."""
    def ask(client=anonymous, **params):
        answer = client.get(f'{ROOT}/find', params={'os': 'linux', **params})
        assert answer.status_code == 200, answer.text
        return answer.json()
    return ask


@pytest.fixture
def archive(ready, make_release):
    """Two releases, a preview of a third, and three drafts; the ids of the packages by revision."""
    make_release('5.8.0', '33200')
    make_release('5.8.1', '33241')
    make_release('5.10.0', '33400')
    made = {}
    for revision, version, day, more in [
            ('33200', '5.8.0', '2025-01-10', {}), ('33241', '5.8.1', '2025-03-11', {}),
            ('33300', '5.9.0-2025-06-01', '2025-06-01', {}), ('33350', '5.9.0-2025-08-01', '2025-08-01', {}),
            ('33400', '5.10.0', '2025-11-01', {'pre_release': True}),
            ('abc123', '5.11.0-2025-12-01', '2025-12-01', {})]:
        made[revision] = ready('package', revision=revision, version=version, build_date=f'{day}T04:00:00Z', **more)
    return {revision: item['_id'] for revision, item in made.items()}


def test_a_record_has_what_updates_of_slicer_read(find, ready, make_release, app, item_of):
    make_release('5.8.1', '33241')
    item = ready('package', revision='33241', version='5.8.1', build_date='2025-03-11T04:00:00Z')
    record = find(stability='release')
    assert record.keys() == KEYS
    assert record == {
        'arch': 'amd64', 'revision': '33241', 'os': 'linux', 'name': 'Slicer_linux_amd64_33241',
        'build_date': '2025-03-11T04:00:00+00:00', 'build_date_ymd': '2025-03-11', 'product_name': 'Slicer',
        'stability': 'release', 'size': 35, 'sha512': item_of(item)['meta']['sha512'], 'version': '5.8.1',
        'download_url': f'/bitstream/{item["_id"]}',
        'extensions_browse_url': f'{ROOT}/catalog/All/33241/linux?app={app["_id"]}',
        **dict.fromkeys(('codebase', 'package', 'md5', 'checkout_date', 'checkout_date_ymd'))}


@pytest.mark.parametrize(('params', 'revision'), [
    ({}, '33241'), ({'stability': 'release'}, '33241'), ({'stability': 'nightly'}, '33350'),
    ({'stability': 'any'}, '33400'),
    ({'revision': '33300'}, '33300'), ({'revision': '033300'}, '33300'), ({'revision': 'abc123'}, 'abc123'),
    ({'closest-revision': '33240'}, '33200'), ({'closest-revision': '33340', 'stability': 'any'}, '33300'),
    ({'version': '5'}, '33241'), ({'version': '5.8'}, '33241'), ({'version': '5.8.0'}, '33200'),
    ({'version': '5.9', 'stability': 'nightly'}, '33350'),
    ({'version': '5.9.0-2025-06-01', 'stability': 'any'}, '33300'),
    ({'date': '2025-01-10'}, '33200'), ({'date': '2025-03-11'}, '33241'), ({'date': '2025-03-10'}, '33200'),
    ({'date': '2025-08-01', 'stability': 'nightly'}, '33350'),
    ({'date': '2025-08-01T03:59:59Z', 'stability': 'nightly'}, '33300'),
    ({'offset': '-1'}, '33200'), ({'revision': '33300', 'offset': '-1'}, '33241'),
    ({'revision': '33300', 'offset': '1'}, '33350'), ({'stability': 'nightly', 'offset': '-2'}, 'abc123'),
    ({'version': '5.8.1', 'offset': '-1'}, '33200'),
])
def test_the_package_that_matches_is_found(archive, find, params, revision):
    record = find(**params)
    assert (record['revision'], record['download_url']) == (revision, f'/bitstream/{archive[revision]}')


@pytest.mark.parametrize('params', [
    {'version': '5.8.1.2'}, {'version': '4'}, {'revision': '1'}, {'closest-revision': '33199'}, {'date': '2025-01-09'},
    {'offset': '-2'}, {'offset': '1'}, {'os': 'win'}, {'arch': 'arm64'}, {'stability': 'release', 'revision': '33300'}])
def test_without_a_match_the_response_is_404_with_the_parameters(archive, anonymous, params):
    answer = anonymous.get(f'{ROOT}/find', params={'os': 'linux', **params})
    assert answer.status_code == 404
    asked = {'os': 'linux', **params}
    assert all(f'{name}={value}' in answer.json()['message'] for name, value in asked.items())


@pytest.mark.parametrize('path', ['/find', '/download', '/findall', '/api/v1/app/{app}/package/find',
                                  '/api/v1/app/{app}/package/findall', '/api/v1/app/{app}/package/download'])
def test_invalid_parameters_are_a_400_in_json(archive, anonymous, app, path):
    answer = anonymous.get(ROOT + path.format(app=app['_id']), headers={'Accept': '*/*'}, params={
        'os': 'beos', 'version': '5', 'revision': '1', 'arch': 'x64'})
    assert answer.status_code == 400
    for part in ('os: "beos" is not one of linux, win, macosx', 'arch: "x64" is not one of i386, amd64, arm64',
                 'version: cannot be combined with revision'):
        assert part in answer.json()['message']


def test_a_parameter_that_is_given_twice_is_refused(archive, anonymous):
    answer = anonymous.get(f'{ROOT}/find?os=linux&os=win')
    assert (answer.status_code, answer.json()['type']) == (400, 'rest')


def test_all_systems_are_answered_together(archive, ready, anonymous):
    other = ready('package', os='macosx', arch='arm64', revision='33350')
    found = anonymous.get(f'{ROOT}/findall').json()
    assert {os: {key: record and record['revision'] for key, record in row.items()} for os, row in found.items()} == {
        'linux': {'release': '33241', 'nightly': '33350'}, 'win': {'release': None, 'nightly': None},
        'macosx': {'release': None, 'nightly': '33350'}}
    assert found['macosx']['nightly']['download_url'] == f'/bitstream/{other["_id"]}'
    assert anonymous.get(f'{ROOT}/findall', params={'os': 'linux', 'stability': 'any', 'version': '5.9'}).json()[
        'linux']['any']['revision'] == '33350'


def test_the_calls_of_the_api_return_the_same(archive, anonymous, app):
    for path in ('find', 'findall'):
        ours = anonymous.get(f'/app/{app["_id"]}/package/{path}', params={'os': 'linux'})
        assert ours.json() == anonymous.get(f'{ROOT}/{path}', params={'os': 'linux'}).json()
        assert ours.headers['Cache-Control'] == 'no-cache'
    answer = anonymous.get(f'/app/{app["_id"]}/package/download', params={'os': 'linux'})
    assert (answer.status_code, answer.headers['Location']) == (302, f'/api/v1/item/{archive["33241"]}/download')


def test_of_one_revision_amd64_is_found_by_default(ready, find):
    ready('package', arch='amd64', build_date='2026-11-01T04:00:00Z')
    ready('package', arch='arm64', build_date='2026-11-01T05:00:00Z')
    assert find(stability='any')['arch'] == 'amd64'
    assert find(stability='any', arch='arm64')['arch'] == 'arm64'
    ready('package', arch='arm64', revision='40000')
    assert find(revision='40000')['arch'] == 'arm64'


def test_the_record_of_a_replaced_package_is_current(make, find, api):
    item = make('package', content=b'first')
    before = find(stability='nightly')
    file = api.get(f'/item/{item["_id"]}/files').json()[0]
    started = api.put(f'/file/{file["_id"]}/contents', params={'size': 6}).raise_for_status().json()
    api.post('/file/chunk', params={'uploadId': started['_id']}, content=b'second').raise_for_status()
    after = find(stability='nightly')
    assert (after['size'], after['download_url']) == (6, before['download_url'])
    assert after['sha512'] != before['sha512']


def test_missing_metadata_breaks_nothing(ready, find, db):
    item = ready('package', revision='trunk')
    db['item'].update_many({}, {'$unset': {'meta.version': '', 'meta.build_date': '', 'meta.pre_release': ''}})
    record = find(stability='nightly')
    assert (record['version'], record['revision']) == ('', 'trunk')
    assert record['build_date'] == item['created']
    db['item'].update_many({}, {'$set': {'meta.build_date': 'some day', 'meta.version': None, 'meta.release': None}})
    assert find(stability='nightly', date='2999-01-01')['build_date'] == item['created']


def test_a_package_without_a_file_is_not_found(archive, make, find, api):
    make('package', revision='99999', client=api)
    assert find(api, stability='nightly')['revision'] == '33350'


def test_a_package_that_is_not_ready_is_only_found_by_name(archive, find, api, app):
    api.put(f'/app/{app["_id"]}/release/5.8.1/ready', params={'ready': 'false'}).raise_for_status()
    assert find()['revision'] == '33200'
    assert find(version='5.8')['revision'] == '33200'
    assert find(version='5.8.1')['revision'] == '33241'
    assert find(revision='33241')['revision'] == '33241'
    assert find(revision='33300', offset='-1')['revision'] == '33200'


def test_a_private_package_is_only_found_by_its_readers(archive, find, grant, make_user, login, make_release, api,
                                                            anonymous, app):
    reader = make_user('reader')
    release = api.get(f'/app/{app["_id"]}/release', params={'release_id_or_name': '5.8.1'}).json()
    grant(release, reader)
    assert find()['revision'] == '33200'
    assert find(login(reader))['revision'] == '33241'
    assert anonymous.get(f'{ROOT}/find', params={'os': 'linux', 'revision': '33241'}).status_code == 404
    assert anonymous.get(f'{ROOT}/bitstream/{archive["33241"]}').status_code == 404
    assert login(reader).get(f'{ROOT}/bitstream/{archive["33241"]}').status_code == 302


def test_a_private_application_is_not_found(archive, anonymous, api, app, grant):
    grant(app, recurse=True)
    for path in ('/find?os=linux', '/findall', '/download?os=linux'):
        answer = anonymous.get(ROOT + path)
        assert answer.status_code == 404
        assert 'slicer_package_manager.default_app' in answer.json()['message']
        assert 'Slicer"' not in answer.text
    assert anonymous.get(f'/app/{app["_id"]}/package/find?os=linux').status_code == 401


def test_the_setting_states_the_default_application(archive, find, api):
    other = api.post('/app', params={'name': 'Other'}).json()
    answer = api.get(f'{ROOT}/find?os=linux')
    assert (answer.status_code, 'slicer_package_manager.default_app' in answer.json()['message']) == (404, True)
    form = {'os': 'linux', 'arch': 'amd64', 'baseName': 'Other', 'repository_type': 'git', 'repository_url': '',
            'revision': '1', 'version': '1', 'url': 'https://github.com/o/r/releases/download/1/Other.zip', 'size': 9}
    api.post(f'/app/{other["_id"]}/package', params=form).raise_for_status()
    api.put('/system/setting', params={
        'key': 'slicer_package_manager.default_app', 'value': f'"{other["_id"]}"'}).raise_for_status()
    record = find(stability='nightly')
    assert (record['product_name'], record['size'], record['sha512']) == ('Other', 9, '')


def test_a_bitstream_leads_to_the_file_which_is_counted_once(archive, find, anonymous, api, app):
    url = find()['download_url']
    for method in ('HEAD', 'GET'):
        answer = anonymous.request(method, ROOT + url)
        assert (answer.status_code, answer.headers['Cache-Control'], answer.content) == (302, 'no-store', b'')
        assert answer.headers['Location'] == f'/api/v1/item/{archive["33241"]}/download'
    content = anonymous.get(f'{ROOT}/download', params={'os': 'linux', 'version': '5.8.1'}, follow_redirects=True)
    assert content.content == b'content of ' + archive['33241'].encode()
    assert [str(one.url.path) for one in content.history] == ['/download', url]
    assert anonymous.get(f'/app/{app["_id"]}/downloadstats').json() == {
        '33241': {'applications': {'linux': {'amd64': 1}}}}


def test_an_extension_has_a_bitstream_too(ready, anonymous):
    item = ready('extension')
    assert anonymous.get(f'{ROOT}/bitstream/{item["_id"]}').status_code == 302


@pytest.mark.parametrize(('identifier', 'message'), [
    ('12345', 'is an id of the MIDAS server'), ('0' * 24, 'There is no file to download'),
    ('x' * 500, 'There is no file to download'), ('%00', 'There is no file to download'),
    ('640000000000000000000000', 'There is no file to download')])
def test_a_bitstream_that_is_not_there_is_a_404(anonymous, db, identifier, message):
    answer = anonymous.get(f'{ROOT}/bitstream/{identifier}')
    assert answer.status_code == 404
    assert message in answer.json()['message']


def test_a_bitstream_of_another_item_or_without_a_file_is_a_404(anonymous, api, app, make):
    folder = api.get('/folder', params={'parentType': 'folder', 'parentId': app['_id']}).json()[0]
    item = api.post('/item', params={'folderId': folder['_id'], 'name': 'readme'}).json()
    for one in (item, make('package')):
        assert anonymous.get(f'{ROOT}/bitstream/{one["_id"]}').status_code == 404


def test_other_sites_may_read_if_girder_allows_it(archive, anonymous, api):
    for path in ('/find?os=linux', '/findall', '/find?os=x', '/download?os=linux'):
        answer = anonymous.get(ROOT + path, headers={'Origin': 'https://www.slicer.org'})
        assert answer.headers['Access-Control-Allow-Origin'] == '*', path
    api.put('/system/setting', params={'key': 'core.cors.allow_origin', 'value': 'https://a.org'}).raise_for_status()
    answer = anonymous.get(f'{ROOT}/find?os=linux', headers={'Origin': 'https://www.slicer.org'})
    assert 'Access-Control-Allow-Origin' not in answer.headers


def test_head_has_the_headers_of_get(archive, anonymous):
    answer = anonymous.head(f'{ROOT}/find?os=linux')
    assert (answer.status_code, answer.content, answer.headers['Content-Type']) == (200, b'', 'application/json')
    assert anonymous.head(f'{ROOT}/find?os=x').status_code == 400


@pytest.mark.parametrize('path', ['//find?os=linux', '/find/?os=linux', '//findall'])
def test_stray_slashes_are_accepted(archive, anonymous, path):
    assert anonymous.get(ROOT + path).status_code == 200


def test_redirects_do_not_leave_the_server(archive, anonymous, api):
    for place in ('/', '//'):
        assert anonymous.get(f'{ROOT}{place}bitstream/{archive["33241"]}', headers={
            'Host': 'evil.example', 'X-Forwarded-Host': 'evil.example'}).headers['Location'].startswith('/api/v1/item/')


def test_behind_a_proxy_addresses_are_those_of_the_setting(archive, find, anonymous, api):
    api.put('/system/setting', params={
        'key': 'core.server_root', 'value': 'https://example.org/slicer/'}).raise_for_status()
    assert find()['extensions_browse_url'].startswith('https://example.org/slicer/catalog/All/33241/linux')
    assert anonymous.get(f'{ROOT}/bitstream/{archive["33241"]}').headers['Location'].startswith('/slicer/api/v1/item/')


def test_the_number_of_queries_does_not_grow(archive, anonymous, ready, wsgi_app, db):
    def queries():
        db.command('profile', 2, filter={'ns': {'$not': {'$regex': 'system.profile'}}})
        anonymous.get(f'{ROOT}/findall').raise_for_status()
        db.command('profile', 0)
        seen = list(db['system.profile'].find({'op': {'$in': ['query', 'command']}}))
        db['system.profile'].drop()
        return seen
    before = queries()
    for revision in range(50000, 50010):
        ready('package', revision=str(revision))
    after = queries()
    assert len(before) == len(after) <= 12
    # Both collections have a few documents only.
    assert {one['ns'] for one in after if one.get('planSummary') == 'COLLSCAN'} <= {
        f'{db.name}.setting', f'{db.name}.slicer_package_change'}


def test_a_repeated_lookup_costs_one_read_until_something_changes(archive, find, anonymous, db, api):
    find()
    db.command('profile', 2, filter={'ns': {'$not': {'$regex': 'system.profile'}}})
    answer = anonymous.get(f'{ROOT}/find?os=linux')
    db.command('profile', 0)
    read = [one['ns'] for one in db['system.profile'].find({'op': {'$in': ['query', 'command']}})]
    db['system.profile'].drop()
    assert read == [f'{db.name}.slicer_package_change']
    assert anonymous.get(f'{ROOT}/find?os=linux', headers={
        'If-None-Match': answer.headers['ETag']}).status_code == 304
    assert find(api)['revision'] == answer.json()['revision']


def test_a_response_is_up_to_date(archive, find, api):
    assert find()['revision'] == '33241'
    api.delete(f'/item/{archive["33241"]}').raise_for_status()
    assert find()['revision'] == '33200'
