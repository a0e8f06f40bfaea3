"""How lists and failures are answered."""
import gzip
import json

import httpx
import pytest

from plugin_tests.conftest import EXTENSION_FORM

pytestmark = pytest.mark.database

LISTS = ['', '/{app}/release', '/{app}/draft', '/{app}/package', '/{app}/extension']


@pytest.fixture
def path(app):
    return lambda address: '/app' + address.format(app=app['_id'])


@pytest.fixture
def many(make, make_release):
    make_release('5.8', '34000')
    for name in 'abc':
        make('package', baseName=name, content=b'x', version='x' * 1000)
        make('extension', baseName=name, content=b'x', description='x' * 1000)


@pytest.mark.parametrize('address', LISTS)
def test_a_list_has_a_total_and_a_validator(anonymous, many, path, address):
    answer = anonymous.get(path(address))
    assert int(answer.headers['Girder-Total-Count']) == len(answer.json()) > 0
    assert answer.headers['ETag'].startswith('"')
    assert answer.headers['Content-Type'].startswith('application/json')


@pytest.mark.parametrize('address', LISTS)
def test_who_has_the_list_gets_304(anonymous, many, path, address):
    answer = anonymous.get(path(address))
    for given in (answer.headers['ETag'], f'"x", {answer.headers["ETag"]}', f'W/{answer.headers["ETag"]}', '*'):
        again = anonymous.get(path(address), headers={'If-None-Match': given})
        assert (again.status_code, again.content) == (304, b'')
        assert again.headers['ETag'] == answer.headers['ETag']


def test_another_validator_gets_the_list(anonymous, many, path):
    for given in ('"x"', '', 'x', '"', ',,,', '\x7f', 'W/'):
        assert anonymous.get(path(LISTS[-1]), headers={'If-None-Match': given}).status_code == 200, given


def test_a_change_changes_the_validator(anonymous, api, many, make, path):
    tag = anonymous.get(path('/{app}/extension')).headers['ETag']
    make('extension', baseName='a', keywords='changed')
    answer = anonymous.get(path('/{app}/extension'), headers={'If-None-Match': tag})
    assert answer.status_code == 200
    assert answer.headers['ETag'] != tag


def test_administrators_and_others_have_different_validators_for_different_lists(anonymous, api, make, path):
    make('extension')
    assert (anonymous.get(path('/{app}/extension')).headers['ETag']
            != api.get(path('/{app}/extension')).headers['ETag'])


@pytest.mark.parametrize('address', LISTS[3:])
def test_a_list_is_compressed_for_clients_that_accept_it(anonymous, many, path, address):
    for accepted, compressed in (('gzip', True), ('gzip, deflate', True), ('x-gzip', True), ('gzip;q=0.5', True),
                                 ('gzip;q=0', False), ('identity', False), ('br', False), ('', False)):
        with anonymous.stream('GET', path(address), headers={'Accept-Encoding': accepted}) as answer:
            raw = b''.join(answer.iter_raw())
        assert (answer.headers.get('Content-Encoding') == 'gzip') is compressed, accepted
        assert len(json.loads(gzip.decompress(raw) if compressed else raw)) == 3
        assert 'Accept-Encoding' in answer.headers['Vary']


def test_a_list_is_what_girder_answers_for_its_documents(anonymous, make, found, many):
    for item in found('extension'):
        assert item == anonymous.get(f'/item/{item["_id"]}').json()
    for release in found('release'):
        assert release == anonymous.get(f'/folder/{release["_id"]}').json()


@pytest.mark.parametrize('kind', ['package', 'extension', 'release', 'draft'])
def test_answers_show_no_access_lists_and_no_registrations(found, api, many, kind):
    for client in (api, None):
        for one in found(kind, *([client] if client else [])):
            assert not {'spm', 'access', 'groups'} & one.keys()


def test_a_page_from_another_origin_may_read_lists(anonymous, many, path):
    answer = anonymous.get(path('/{app}/extension'), headers={'Origin': 'https://catalog.example.org'})
    assert answer.headers['Access-Control-Allow-Origin'] == '*'


@pytest.mark.parametrize('address', [*LISTS, '/{app}', '/{app}/downloadstats'])
def test_a_doubled_slash_is_accepted_and_nothing_redirects(wsgi_app, anonymous, many, path, address):
    with httpx.Client(transport=httpx.WSGITransport(wsgi_app), base_url='http://testserver') as client:
        answer = client.get(f'http://testserver//api/v1{path(address)}')
    assert answer.status_code == 200
    assert answer.json() == anonymous.get(path(address)).json()


@pytest.mark.parametrize('address', [*LISTS, '/{app}', '/{app}/downloadstats'])
def test_a_trailing_slash_never_redirects(anonymous, app, path, address):
    assert anonymous.get(path(address) + '/').status_code in {200, 400, 404}


@pytest.mark.parametrize('address', [*LISTS, '/{app}'])
def test_head_is_answered_like_get_without_a_body(anonymous, many, path, address):
    answer = anonymous.head(path(address))
    assert answer.status_code < 500
    assert answer.content == b''


@pytest.mark.parametrize(('method', 'address', 'values', 'status', 'kind'), [
    ('POST', '', {}, 401, 'access'), ('GET', '/x', {}, 404, 'rest'), ('GET', '', {'limit': -1}, 400, 'validation'),
    ('GET', '/{app}/extension', {'os': 'beos'}, 400, 'rest'), ('GET', '/{app}/nothing', {}, 400, 'rest')])
def test_every_failure_has_girders_form(anonymous, path, method, address, values, status, kind):
    answer = anonymous.request(method, path(address), params=values)
    assert answer.status_code == status
    assert answer.headers['Content-Type'].startswith('application/json')
    body = answer.json()
    assert body['type'] == kind
    assert body['message']
    assert '/site-packages/' not in answer.text


def test_a_huge_request_is_413_in_girders_form(api, path):
    answer = api.post(path('/{app}/package'), data={'description': 'x' * (1024 * 1024 + 1)})
    assert answer.status_code == 413
    assert answer.json()['type'] == 'rest'


def test_a_request_of_a_mebibyte_is_read(api, path):
    answer = api.post(path('/{app}/extension'), data={**EXTENSION_FORM, 'description': 'x' * 1_000_000})
    assert (answer.status_code, answer.json()['field']) == (400, 'description')
