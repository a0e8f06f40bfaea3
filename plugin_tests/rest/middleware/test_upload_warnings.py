"""What a build sends for display only does not cost it its upload: it is left out and named in a header."""
import json

import pytest

from plugin_tests.conftest import FORMS
from slicer_package_manager.rest.middleware.upload_warnings import HEADER, header_value

ODD = {'homepage': 'N/a', 'icon_url': 'i.png, https://example.org/i.png https://example.org/2.png',
       'screenshots': 'https://example.org/1.png;https://example.org/2.png, shot.png'}
SHOWN = {'icon_url': 'https://example.org/i.png', 'screenshots': 'https://example.org/1.png https://example.org/2.png'}

pytestmark = pytest.mark.database


@pytest.fixture
def post(api, app):
    return lambda package_type, **values: api.post(f'/app/{app["_id"]}/{package_type}',
                                                   data={**FORMS[package_type], **values})


@pytest.fixture
def edit(api):
    def editor(item, of='item', **metadata):
        return api.request('PUT', f'/{of}/{item["_id"]}/metadata', content=json.dumps(metadata),
                           headers={'Content-Type': 'application/json'})
    return editor


def shown(meta):
    return {key: meta[key] for key in ODD if key in meta}


def test_an_upload_with_odd_urls_keeps_what_is_usable_and_names_the_rest(post):
    answer = post('extension', **ODD).raise_for_status()
    assert shown(answer.json()['meta']) == SHOWN
    warning = answer.headers[HEADER]
    assert all(word in warning for word in ('homepage', '"N/a"', 'icon_url', '"i.png"', 'screenshots', '"shot.png"'))


def test_an_edit_of_metadata_does_so_too(make, edit, item_of):
    item = make('extension')
    answer = edit(item, **ODD).raise_for_status()
    assert 'shot.png' in answer.headers[HEADER]
    assert shown(item_of(item)['meta']) == SHOWN


def test_an_unusable_url_takes_the_place_of_a_former_one(post):
    post('extension', homepage='https://example.org').raise_for_status()
    assert 'homepage' not in post('extension', homepage='N/a').json()['meta']


@pytest.mark.parametrize('values', [{}, SHOWN, {'dependency': 'NA', 'recommends': 'NA', 'screenshots': 'NA'}])
def test_nothing_is_said_where_nothing_was_left_out(post, values):
    answer = post('extension', **values).raise_for_status()
    assert HEADER not in answer.headers
    assert not answer.json()['meta'].keys() & {'dependency', 'recommends'}


@pytest.mark.parametrize('value', ['a\r\nSet-Cookie: x=1', 'é\u2028\U0001f600', 'x' * 4000, 'x\x00\x7f\x85', 'a ' * 999,
                                   'https://u:SECRET@h:x/'])
def test_no_value_breaks_the_answer(post, value):
    answer = post('extension', **dict.fromkeys(ODD, value)).raise_for_status()
    assert len(answer.headers[HEADER]) <= 1000
    assert 'Set-Cookie' not in answer.headers
    assert 'SECRET' not in answer.headers[HEADER]


@pytest.mark.parametrize('value', ['\r\nx', 'é', '\U0001f600' * 9000, '\x00\x1b\x7f', '\u2028'])
def test_the_header_is_short_printable_ascii(value):
    text = header_value([('homepage', value)])
    assert text.isascii()
    assert text.isprintable()
    assert len(text) <= 1000


@pytest.mark.parametrize('package_type', ['package', 'extension'])
@pytest.mark.parametrize('where', ['git@github.com:x/y.git', 'file:///srv/git/x', 'C:/src', 'NA', 'svn://h/x', 'local'])
def test_sources_may_be_anywhere(post, package_type, where):
    answer = post(package_type, repository_url=where, repository_type='local').raise_for_status()
    assert answer.json()['meta']['repository_url'] == where
    assert HEADER not in answer.headers


SECRET = 'https://ci-token:SECRET@example.org/x'


def test_no_upload_stores_credentials(post, stored):
    for package_type in ('package', 'extension'):
        post(package_type, repository_url=SECRET, description=f'see {SECRET}').raise_for_status()
    post('extension', **dict.fromkeys(('homepage', 'icon_url', 'screenshots', 'contributors', 'category'), SECRET),
         description=f'<a href="{SECRET}">x</a>').raise_for_status()
    assert 'SECRET' not in str(stored())


def test_no_edit_stores_credentials(api, app, make, edit, make_release, stored):
    for package_type in ('package', 'extension'):
        edit(make(package_type), repository_url=SECRET).raise_for_status()
    edit(make('extension'), description=SECRET, keywords=SECRET).raise_for_status()
    item, release = make('package'), make_release(description=SECRET)
    api.put(f'/item/{item["_id"]}', params={'description': SECRET}).raise_for_status()
    for folder in (app, release):
        api.put(f'/folder/{folder["_id"]}', params={'description': SECRET}).raise_for_status()
        edit(folder, 'folder', note=SECRET).raise_for_status()
    assert 'SECRET' not in str(stored())
