"""The catalog of Slicer 4: plain HTML in it and in browsers of its time, the catalog of today in others."""
import re

import pytest

from plugin_tests.midas.conftest import MIDAS
from plugin_tests.roundtrips import counting

pytestmark = pytest.mark.database

STORE = f'{MIDAS}/slicerappstore'
OLD = {'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/534.34 (KHTML, like Gecko) Slicer/4.4.0'}
FOR = {'layout': 'empty', 'os': 'linux', 'arch': 'amd64', 'revision': '33000'}


@pytest.fixture
def shown(anonymous):
    """The names of the extensions on the page."""
    def names(**params):
        answer = anonymous.get(STORE, params={'layout': 'empty', **params})
        assert (answer.status_code, answer.headers['Content-Type']) == (200, 'text/html;charset=utf-8')
        return re.findall('data-name="(.*?)"', answer.text)
    return names


def test_the_page_lists_the_extensions_of_slicer(ready, shown, grant):
    ready('extension', category='IGT', description='<b>Guided</b> & more')
    ready('extension', baseName='Brain', category='IO.Import', description='of brains')
    ready('extension', baseName='Example', category='Examples')
    ready('extension', os='win')
    private = ready('extension', baseName='Private', app_revision='34000')
    grant({'_id': private['folderId']})
    assert shown(**FOR) == ['Brain', 'SlicerIGT']
    assert shown(**{**FOR, 'category': 'IO'}) == ['Brain']
    assert shown(**{**FOR, 'category': 'Examples'}) == ['Example']
    assert shown(**{**FOR, 'search': 'guided'}) == ['SlicerIGT']
    assert shown(**{**FOR, 'revision': '34000'}) == shown(**{**FOR, 'arch': 'arm64'}) == []
    assert shown(revision='33000') == ['Brain', 'SlicerIGT', 'SlicerIGT']


def test_without_a_revision_it_is_the_newest_preview_or_that_of_the_release(ready, make_release, shown):
    assert shown() == []
    make_release('4.8.1', '26813')
    ready('extension', app_revision='26813', baseName='Released')
    assert shown(os='', arch='', category='', search='', release='') == ['Released']
    ready('extension', app_revision='33000')
    assert shown() == ['SlicerIGT']
    assert shown(os='win') == []
    assert shown(release='4.8.1') == ['Released']
    ready('extension', app_revision='26813', baseName='Later')
    assert shown() == ['SlicerIGT']


def test_an_unknown_release_is_404(ready, anonymous):
    ready('extension')
    for release in ('9.9', 'draft', '\x00', '../x'):
        assert anonymous.get(STORE, params={'layout': 'empty', 'release': release}).status_code == 404


def test_the_page_can_be_used_without_a_script_and_needs_no_modern_one(ready, anonymous):
    item = ready('extension', description='<b>Guided</b> "therapy"', icon_url='https://example.org/i.png')
    text = anonymous.get(STORE, params=FOR).text
    (link,) = re.findall('class="install" href="(.*?)"', text)
    assert link == f'../midas3/download?items={item["_id"]}'
    assert anonymous.get(f'{MIDAS}/{link.removeprefix("../midas3/")}').status_code == 200
    assert 'Guided &#34;therapy&#34;' in text
    assert 'type="module"' not in text
    assert anonymous.get(f'{STORE}/', params=FOR).text.count('href="../../midas3/download') == 1
    script = re.search('script src="../(.*?)"', text)[1]
    body = anonymous.get(f'http://testserver/{script}').text
    for hook in ('midas.slicerappstore', "'search'", 'applyFilter:', 'setExtensionButtonState:', 'midas.createNotice'):
        assert hook in body
    code = re.sub(r'/\*.*?\*/', '', re.sub(r'(?m)^\s*//.*', '', body), flags=re.DOTALL)
    assert not re.search(r'\b(?:const|let|class|import|export|async)\b|=>|`|\?\.', code)


@pytest.mark.parametrize('value', ['"><script>alert(1)</script>', "' onload='x", '\x00', 'ü', '{{ 7*7 }}', '%00'])
def test_nothing_from_the_address_becomes_markup(ready, anonymous, value):
    ready('extension')
    for name in ('category', 'search', 'os', 'arch', 'layout', 'revision'):
        answer = anonymous.get(STORE, params={**FOR, name: value}, headers=OLD)
        assert answer.status_code == 200
        assert '<script>alert' not in answer.text
        assert "' onload='" not in answer.text


def test_browsers_of_today_are_led_to_the_catalog_of_today(ready, anonymous, alias):
    item = ready('extension')
    alias('extension', '12', item)
    for path, target in [
            ('', '/catalog'), ('/', '/catalog'), ('?layout=layout', '/catalog'),
            ('?os=linux&arch=amd64&revision=33000&search=a+b', '/catalog/All/33000/linux?q=a+b&arch=amd64'),
            ('/?os=win&revision=33000&category=IO&app=x', '/catalog/IO/33000/win?app=x'),
            ('/extension/view?baseName=X&revision=1&os=mac', '/extension/X?revision=1&os=macosx')]:
        answer = anonymous.get(STORE + path)
        assert (answer.status_code, answer.headers['Location']) == (302, target)
    app = item['meta']['app_id']
    for identifier in ('12', item['_id']):
        answer = anonymous.get(f'{STORE}/extension/view', params={'extensionId': identifier, 'breadcrumbs': 'none'})
        assert (answer.status_code, answer.headers['Location']) == (
            302, f'/extension/SlicerIGT?app={app}&revision=33000&os=linux&arch=amd64')


def test_slicer_shows_an_extension_by_its_number_or_id(ready, anonymous, alias, grant, make):
    item = ready('extension', contributors='A. <B>', homepage='https://example.org', category='IGT',
                 screenshots='https://example.org/1.png https://example.org/2.png')
    alias('extension', '12', item)
    alias('extension', '13', name='Old extension')
    for identifier in ('12', item['_id']):
        text = anonymous.get(f'{STORE}/extension/view?extensionId={identifier}', headers=OLD).text
        assert '<h1>SlicerIGT</h1>' in text
        assert text.count('<img src="https://example.org/') == 2
        assert f'href="../../../midas3/download?items={item["_id"]}"' in text
    for identifier, status in (('14', 404), ('13', 410), ('x', 400), (make('package')['_id'], 404)):
        assert anonymous.get(f'{STORE}/extension/view?extensionId={identifier}', headers=OLD).status_code == status
    grant({'_id': item['folderId']})
    assert anonymous.get(f'{STORE}/extension/view?extensionId=12', headers=OLD).status_code == 404


def test_the_lists_of_the_page_are_json(ready, anonymous, grant):
    first = ready('extension', category='IGT;IO', contributors='A. Author', icon_url='https://example.org/i.png')
    ready('extension', baseName='Other', category='IO')
    private = ready('extension', baseName='Private', app_revision='34000')
    grant({'_id': private['folderId']})
    path = f'{STORE}/index/listextensions'
    found = anonymous.get(path, params={**FOR, 'search': 'IGT'}).json()
    assert found == {'total': 1, 'extensions': [{
        'slicerpackages_extension_id': first['_id'], 'item_id': first['_id'], 'icon': 'https://example.org/i.png',
        'productname': 'SlicerIGT', 'category': 'IGT;IO', 'subtitle': 'A. Author',
        'ratings': {'total': 0, 'average': 0}}]}
    part = anonymous.get(path, params={**FOR, 'limit': 1}).json()
    assert (part['total'], [one['productname'] for one in part['extensions']]) == (2, ['Other'])
    assert anonymous.get(path, params={**FOR, 'revision': '34000'}).json() == {'total': 0, 'extensions': []}
    assert anonymous.get(path, params={'limit': 'x'}).status_code == 400
    assert anonymous.get(f'{STORE}/index/categories', params=FOR).json() == {'IGT': 1, 'IO': 2}


def test_the_page_is_read_once_until_something_changes(ready, anonymous, api, shown):
    ready('extension')
    shown(**FOR)
    with counting() as commands:
        assert shown(**{**FOR, 'search': 'guided'}) == ['SlicerIGT']
        assert shown(**{**FOR, 'category': 'IO'}) == []
    assert len(commands) == 2
    ready('extension', baseName='New')
    assert shown(**FOR) == ['New', 'SlicerIGT']


def test_no_user_sees_more_on_the_page_than_everyone(ready, api, anonymous, grant):
    private = ready('extension')
    grant({'_id': private['folderId']})
    for client in (api, anonymous):
        assert 'data-name' not in client.get(STORE, params=FOR).text
