"""READMEs of extensions: who sets them, how long they stay, and where they are shown."""
from datetime import datetime, timedelta, timezone

import pytest

from plugin_tests.conftest import upload

pytestmark = pytest.mark.database

TEXT = '# Title\n\nSee [docs](docs/a.md). <script>alert(1)</script>'
HEADERS = {'Content-Type': 'text/markdown'}


@pytest.fixture
def path(app):
    return lambda item: f'/app/{app["_id"]}/extension/{item["_id"]}/readme'


@pytest.fixture
def describe(api, path):
    def put(item, content=TEXT, client=api, headers=HEADERS, status=200):
        sent = content if isinstance(content, bytes) else content.encode()
        answer = client.put(path(item), headers=headers, content=sent)
        assert answer.status_code == status, answer.text
        return answer.json()
    return put


@pytest.fixture
def read(anonymous, path):
    return lambda item, client=anonymous: client.get(path(item))


@pytest.fixture
def page(anonymous):
    return lambda name='SlicerIGT': anonymous.get(f'http://testserver/extension/{name}').raise_for_status().text


@pytest.fixture
def extension(make):
    return make('extension', content=b'content')


@pytest.fixture
def stored(db):
    return lambda: [one['text'] for one in db['slicer_package_readme'].find(sort=[('text', 1)])]


def test_an_extension_has_a_readme(extension, describe, read, page):
    assert read(extension).status_code == 404
    assert 'README' not in page()
    assert describe(extension) == {'characters': len(TEXT)}
    answer = read(extension)
    assert (answer.text, answer.headers['Content-Type']) == (TEXT, 'text/markdown;charset=utf-8')
    text = page()
    assert '<h2>README</h2>\n<h3>Title</h3>' in text
    assert 'href="https://github.com/SlicerIGT/SlicerIGT/blob/ab12cd3/docs/a.md"' in text
    assert 'alert(1)' not in text


def test_a_readme_is_replaced_and_removed(extension, describe, read, page):
    describe(extension)
    describe(extension, 'Other')
    assert read(extension).text == 'Other'
    assert '<p>Other</p>' in page()
    assert describe(extension, '') == {'characters': 0}
    assert read(extension).status_code == 404
    assert 'README' not in page()


def test_a_readme_stays_when_the_extension_is_saved_again(extension, describe, read, make, api):
    describe(extension)
    make('extension', description='Changed')
    upload(api, extension['_id'], b'another content')
    api.put(f'/item/{extension["_id"]}', params={'description': 'By hand'}).raise_for_status()
    assert read(extension).text == TEXT


def test_a_readme_is_in_no_list(extension, describe, anonymous, app):
    describe(extension)
    for path in (f'/app/{app["_id"]}/extension', f'/item/{extension["_id"]}'):
        answer = anonymous.get(path).text
        assert 'Title' not in answer
        assert 'readme' not in answer


def test_extensions_share_a_text(extension, describe, make, read, stored):
    other = make('extension', os='win', content=b'content')
    for one in (extension, other):
        describe(one)
    assert stored() == [TEXT]
    describe(other, 'Other')
    assert read(extension).text == TEXT
    assert stored() == [TEXT, 'Other']


def test_who_may_not_write_sets_no_readme(extension, describe, anonymous, make_user, login, read):
    describe(extension, client=anonymous, status=401)
    describe(extension, client=login(make_user('reader')), status=403)
    assert read(extension).status_code == 404


def test_what_is_hidden_has_no_readme_for_readers(make, describe, read, api, anonymous, path, make_release):
    make_release('5.8', '34000', public=False)
    hidden = make('extension', app_revision='34000', content=b'x')
    describe(hidden)
    assert (read(hidden).status_code, read(hidden, api).status_code) == (401, 200)
    empty = make('extension', baseName='Empty')
    describe(empty)
    assert read(empty).status_code == 404


@pytest.mark.parametrize(('content', 'headers', 'status', 'message'), [
    (b'\xff', HEADERS, 400, 'must be text in UTF-8'), (b'x' * (64 * 1024 + 1), HEADERS, 413, 'more than 65536 bytes'),
    (b'a=b', {'Content-Type': 'application/x-www-form-urlencoded'}, 400, 'Content-Type: text/markdown')])
def test_what_is_no_readme_is_refused(extension, describe, read, content, headers, status, message):
    assert message in describe(extension, content, headers=headers, status=status)['message']
    assert read(extension).status_code == 404


def test_a_package_and_an_unknown_extension_have_none(make, api, app):
    package = make('package', content=b'x')
    for identifier in (package['_id'], '0' * 24, 'x'):
        answer = api.put(f'/app/{app["_id"]}/extension/{identifier}/readme', headers=HEADERS, content=b'x')
        assert answer.status_code == 404


def test_a_text_that_no_extension_has_is_removed_after_a_day(extension, describe, stored, db, make):
    from slicer_package_manager.registry.tree import readmes
    describe(extension, 'Old')
    describe(extension, 'New')
    assert list(readmes.unused()) == []
    db['slicer_package_readme'].update_many({}, {'$set': {'used': datetime.now(timezone.utc) - timedelta(days=2)}})
    one, = readmes.unused()
    describe(make('extension', os='win'), 'Old')
    readmes.remove(one)
    assert stored() == ['New', 'Old']
    describe(make('extension', os='win'), 'New')
    db['slicer_package_readme'].update_many({}, {'$set': {'used': datetime.now(timezone.utc) - timedelta(days=2)}})
    for one in readmes.unused():
        readmes.remove(one)
    assert stored() == ['New']
