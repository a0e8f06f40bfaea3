"""Pages of MIDAS lead to those of today, or say that they are gone."""
import pytest

from plugin_tests.midas.conftest import MIDAS

pytestmark = pytest.mark.database


@pytest.mark.parametrize(('path', 'target'), [
    ('', '/catalog'), ('/', '/catalog'), ('/slicerpackages', '/catalog'),
    ('/slicerpackages/view/advanced?os=linux&arch=amd64&slicer_revision=33000&release=4.8&packagetype=installer',
     '/catalog/All/33000/linux?arch=amd64'),
    ('/search/index?q=brain%20tumor', '/catalog?q=brain+tumor'), ('/slicerpackages?os=linux', '/catalog')])
def test_pages_of_lists_lead_to_the_catalog(app, anonymous, path, target):
    answer = anonymous.get(MIDAS + path)
    assert (answer.status_code, answer.headers['Location'], answer.content) == (302, target, b'')
    assert anonymous.head(MIDAS + path).status_code == 302


@pytest.mark.parametrize('page', ['slicerpackages/view/advanced', 'slicerappstore'])
def test_a_release_leads_to_its_revision(make_release, anonymous, app, page):
    make_release('4.8.1', '26813')
    make_release('9.9', '40000', public=False)
    answer = anonymous.get(f'{MIDAS}/{page}?release=4.8.1&os=win')
    assert (answer.status_code, answer.headers['Location']) == (302, '/catalog/All/26813/win')
    assert [anonymous.get(f'{MIDAS}/{page}?release={name}').status_code for name in ('9.9', '1', 'draft')] == [404] * 3


@pytest.mark.parametrize('path', ['/item/{}', '/item/view?itemId={}', '/statistics/item?id={}', '/item/{}/'])
def test_the_page_of_an_item_is_that_of_its_package(ready, alias, anonymous, plain, grant, path):
    extension, package, old = ready('extension'), ready('package'), plain('old', b'x')
    for number, item in enumerate((extension, package, old), 1):
        alias('item', str(number), item)
    alias('item', '4', name='Old')
    app = package['meta']['app_id']

    def leads(number):
        answer = anonymous.get(MIDAS + path.format(number))
        return answer.status_code, answer.headers.get('Location')
    for number in ('1', extension['_id']):
        assert leads(number) == (302, f'/extension/SlicerIGT?app={app}&revision=33000&os=linux&arch=amd64')
    assert leads('2') == (302, f'/download?app={app}')
    assert [leads(number)[0] for number in ('3', '4', '5', '9' * 30, '%00')] == [410, 410, 404, 400, 400]
    grant({'_id': package['folderId']})
    assert leads('2')[0] == leads(package['_id'])[0] == 404


def test_the_page_of_a_folder_is_that_of_its_release(ready, make_release, alias, anonymous, api, app, grant):
    release = make_release('4.8.1', '26813')
    ready('package', revision='26813')
    draft = ready('package')
    private = make_release('9.9', '40000', public=False)
    for number, folder in enumerate((release['_id'], draft['folderId'], app['_id'], private['_id']), 1):
        alias('folder', str(number), {'_id': folder})
    alias('folder', '5')
    found = [anonymous.get(f'{MIDAS}/folder/{number}') for number in ('1', '2', '3', release['_id'])]
    assert [answer.headers['Location'] for answer in found] == [
        f'/catalog/All/26813?app={app["_id"]}', f'/catalog/All/33000?app={app["_id"]}', f'/catalog?app={app["_id"]}',
        f'/catalog/All/26813?app={app["_id"]}']
    for number, status in (('4', 404), ('5', 410), ('6', 404), ('x', 404), (private['_id'], 404)):
        assert anonymous.get(f'{MIDAS}/folder/{number}').status_code == status
    for number, status in (('1', 410), ('4', 404), ('6', 404)):
        assert anonymous.get(f'{MIDAS}/download/folder/{number}/x').status_code == status
    api.delete(f'/app/{app["_id"]}/release/4.8.1').raise_for_status()
    assert anonymous.get(f'{MIDAS}/folder/1').status_code == 410


@pytest.mark.parametrize(('path', 'status', 'text'), [
    ('/community/23', 410, '/catalog'), ('/user/3', 410, '/catalog'), ('/browse', 410, '/catalog'),
    ('/slicerdatastore', 410, 'github.com/Slicer/SlicerDataStore'),
    ('/slicerdatastore/', 410, 'github.com/Slicer/SlicerDataStore'),
    ('/slicerdatastore/view?itemId=77', 410, 'github.com/Slicer/SlicerDataStore'),
    ('/slicerdatastore/view?itemId=x', 410, 'github.com/Slicer/SlicerDataStore'),
    ('/slicerdatastore/user/login', 410, 'github.com/Slicer/SlicerDataStore'),
    ('/item/thumbnail?itemId=77', 404, ''), ('/core/public/x.js', 404, '/catalog'), ('/modules/x', 404, '/catalog'),
    ('/x', 404, '/catalog'), ('/%00', 404, ''), ('/..%2f..%2fetc', 404, ''), ('/api', 404, ''),
    ('/\N{LATIN SMALL LETTER U WITH DIAERESIS}', 404, '')])
def test_what_is_gone_says_so_to_browsers_and_programs(app, anonymous, path, status, text):
    page = anonymous.get(MIDAS + path, headers={'Accept': 'text/html,application/xhtml+xml,*/*;q=0.8'})
    assert (page.status_code, page.headers['Content-Type']) == (status, 'text/html;charset=utf-8')
    assert text in page.text
    assert '<h1>' in page.text
    answer = anonymous.get(MIDAS + path, headers={'Accept': '*/*'})
    assert (answer.status_code, text in answer.json()['message']) == (status, True)
    head = anonymous.head(MIDAS + path)
    assert (head.status_code, head.content) == (status, b'')
