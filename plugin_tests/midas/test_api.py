"""``/midas3/api/json``: what Slicer 4 and the former download site read."""
import pytest
from bson.objectid import ObjectId

from plugin_tests.conftest import upload
from plugin_tests.midas.conftest import MIDAS, record_facts
from plugin_tests.roundtrips import counting

pytestmark = pytest.mark.database

LIST = 'midas.slicerpackages.extension.list'
PACKAGES = 'midas.slicerpackages.package.list'
RELEASES = 'midas.slicerpackages.package.releaseidentifier.list'
REQUIRED = ('extension_id', 'item_id', 'arch', 'os', 'category', 'contributors', 'date_creation', 'description',
            'enabled', 'icon_url', 'homepage', 'name', 'productname', 'repository_type', 'repository_url', 'revision',
            'screenshots', 'slicer_revision', 'md5', 'size', 'bitstream_id')
FOR = {'slicer_revision': '33000', 'os': 'linux', 'arch': 'amd64'}


def test_an_extension_has_all_keys_as_texts(ready, ask):
    item = ready('extension')
    (found,) = ask(productname='SlicerIGT', **FOR)
    assert set(REQUIRED) <= found.keys()
    assert all(isinstance(value, str) for value in found.values())
    assert found.items() >= {
        'extension_id': item['_id'], 'item_id': item['_id'], 'name': 'file.tar.gz', 'productname': 'SlicerIGT',
        'slicer_revision': '33000', 'revision': 'ab12cd3', 'os': 'linux', 'arch': 'amd64', 'enabled': '1', 'size': '35',
        'category': '', 'icon_url': '', 'homepage': '', 'screenshots': '', 'md5': ''}.items()


def test_a_list_has_one_entry_for_name_revision_and_system_and_no_private_or_unfinished_ones(
        ready, make, make_release, ask, api, app, grant):
    ready('extension')
    ready('extension', baseName='Other')
    ready('extension', os='win')
    ready('extension', app_revision='33001')
    make('extension', baseName='Unfinished')
    private = ready('extension', baseName='Private', app_revision='34000')
    grant({'_id': private['folderId']})
    assert [one['productname'] for one in ask(**FOR)] == ['Other', 'SlicerIGT']
    assert ask(slicer_revision='34000', os='linux', arch='amd64') == []
    assert ask(extension_id=private['_id']) == []
    make_release('5.8', '33000')  # uploads go there from now on; those of the draft stay
    released = ready('extension')
    assert [one['extension_id'] for one in ask(productname='SlicerIGT', **FOR)] == [released['_id']]
    assert ask(client=api, extension_id=private['_id'])[0]['productname'] == 'Private'


def test_the_parameter_method_may_come_last_and_others_are_ignored(ready, anonymous):
    ready('extension')
    found = anonymous.get(f'{MIDAS}/api/json?os=linux&extension_id[]=1&dummy=x&token=abc&method={LIST}').json()
    assert len(found['data']) == 1
    posted = anonymous.post(f'{MIDAS}/api/json', data={'method': LIST, 'os': 'linux'})
    assert posted.json()['data'] == found['data']


@pytest.mark.parametrize(('given', 'names'), [
    ({'category': 'IO'}, ['B']), ({'search': 'brain'}, ['A']), ({'productname': 'B'}, ['B']), ({'os': 'win'}, []),
    ({'os': 'any'}, ['A', 'B']), ({'limit': '1'}, ['A']), ({'limit': '1', 'offset': '1'}, ['B']),
    ({'order': 'category', 'direction': 'desc'}, ['B', 'A']), ({'revision': 'x'}, []), ({'release': '5.8'}, []),
    ({'direction': 'asc', 'order': 'nothing'}, ['A', 'B'])])
def test_lists_are_filtered_and_ordered(ready, ask, given, names):
    ready('extension', baseName='A', description='of the brain')
    ready('extension', baseName='B', category='IO.Import')
    ready('extension', baseName='C', category='Examples')
    assert sorted(names) == sorted(one['productname'] for one in ask(slicer_revision='33000', **given))
    if 'order' in given:
        assert [one['productname'] for one in ask(slicer_revision='33000', **given)] == names


def test_an_extension_is_found_by_its_id_and_by_its_number(ready, ask, alias):
    item, other = ready('extension'), ready('extension', baseName='Other', app_revision='33001')
    alias('extension', '12', item)
    alias('item', '13', other)
    for identifier in (item['_id'], item['_id'].upper(), '12', '012'):
        assert [one['item_id'] for one in ask(extension_id=identifier)] == [item['_id']]
    # What Slicer sends besides does not matter for a known number.
    assert ask(extension_id='12', slicer_revision='33001', productname='Other')[0]['item_id'] == item['_id']


def test_an_unknown_id_has_no_entry_never_several(ready, ask, alias):
    ready('extension')
    ready('extension', os='win')
    package = ready('package')
    alias('extension', '5')
    alias('extension', '6', package)
    for identifier in ('12', '5', '6', '64b000000000000000000001', package['_id'], '9' * 19):
        assert ask(extension_id=identifier) == []
    # A number is looked up by the name, if that is sent and leads to one extension.
    assert ask(extension_id='12', productname='SlicerIGT', **FOR)[0]['os'] == 'linux'
    assert ask(extension_id='12', productname='SlicerIGT') == []
    assert ask(extension_id='12', productname='Other', **FOR) == []
    assert ask(extension_id='64b000000000000000000001', productname='SlicerIGT', **FOR) == []


@pytest.mark.parametrize(('method', 'params', 'code', 'message'), [
    (LIST, {}, -1, 'extension_id'), (LIST, {'os': ''}, -1, 'is required'), (LIST, {'os': 'any'}, -1, 'is required'),
    (LIST, {'dummy': 'x'}, -1, 'is required'), (LIST, {'extension_id[]': '1'}, -1, 'is required'),
    (LIST, {'extension_id': 'x'}, -1, 'neither a number'), (LIST, {'extension_id': '1,2'}, -1, 'neither a number'),
    (LIST, {'extension_id': '-1'}, -1, 'neither a number'), (LIST, {'extension_id': '9' * 400}, -1, 'neither a number'),
    (LIST, {'extension_id': '\u0661'}, -1, 'neither a number'),
    (LIST, {'extension_id': '../1'}, -1, 'neither a number'),
    (LIST, {'os': 'linux', 'limit': 'x'}, -1, 'limit'), (LIST, {'os': 'linux', 'offset': '-1'}, -1, 'offset'),
    (LIST, {'os': 'linux', 'limit': '9' * 30}, -1, 'limit'),
    ('midas.item.get', {}, -1, 'id: is required'), ('midas.item.get', {'id': '77'}, -1, 'There is no item 77'),
    ('midas.bitstream.get', {'id': 'x'}, -1, 'neither a number'), ('midas.bitstream.download', {}, -101, 'no method'),
    ('midas.login', {'email': 'a@b.c', 'apikey': 'x'}, -1, 'Uploads go to'),
    ('midas.slicerpackages.package.upload', {}, -1, 'Uploads go to'),
    ('midas.slicerpackages.extension.upload', {}, -1, 'slicer_package_manager_client'),
    ('midas.system.uploadtoken', {}, -1, 'Uploads go to'),
    ('midas.no.such', {}, -101, 'no method "midas.no.such"'), ('', {}, -101, 'must name a method'),
    ('midas.item.get\x00', {}, -101, 'no method')])
def test_a_failure_is_200_with_its_code_and_reason(app, fails, method, params, code, message):
    found = fails(method, **params)
    assert found[0] == code
    assert message in found[1]


def test_without_an_application_a_list_fails(db, fails):
    code, message = fails(os='linux')
    assert code == -1
    assert 'application' in message


@pytest.mark.parametrize('query', [
    'method=a&method=b', f'method={LIST}&os=linux&os=win', f'method={LIST}&a.b=1', f'method={LIST}&$where=1',
    f'method={LIST}&self=1', f'method={LIST}&os=' + 'x' * 5000])
def test_ambiguous_and_too_long_requests_are_400(app, anonymous, query):
    answer = anonymous.get(f'{MIDAS}/api/json?{query}')
    assert (answer.status_code, answer.json()['type'] in ('rest', 'validation')) == (400, True)


@pytest.mark.parametrize('value', ['\x00', 'a\r\nb', '\ud7ff', '{"$gt": ""}', 'x' * 3000, '%', '../../etc/passwd'])
@pytest.mark.parametrize('name', ['productname', 'os', 'release', 'search', 'category', 'order', 'slicer_revision'])
def test_no_value_breaks_a_list(ready, ask, name, value):
    ready('extension')
    assert len(ask(**{'arch': 'amd64', name: value})) <= 1


def test_an_upload_is_refused_without_reading_it(anonymous, app):
    answer = anonymous.put(f'{MIDAS}/api/json?method=midas.slicerpackages.package.upload&token=x',
                           content=b'x' * (2 << 20), headers={'Content-Type': 'application/octet-stream'})
    assert (answer.status_code, answer.json()['code']) == (200, -1)
    assert 'Uploads go to' in answer.json()['message']


def test_packages_have_their_file_and_what_midas_stated(ready, make, ask, alias, db, make_release, grant):
    make_release('4.8.1', '26813')
    old = ready('package', revision='26813')
    ready('package', revision='33000', os='win')
    make('package', revision='33000', os='macosx')
    hidden = ready('package', revision='34000')
    grant({'_id': hidden['folderId']})
    file = db['file'].find_one({'itemId': ObjectId(old['_id'])})
    record_facts(db, old, {'md5': 'a' * 32, 'sha512': file['sha512'], 'codebase': 'Slicer4',
                           'submissiontype': 'experimental', 'checkoutdate': '2012-11-01 00:10:11'})
    newer, found = ask(PACKAGES)
    assert found == {
        'package_id': old['_id'], 'item_id': old['_id'], 'os': 'linux', 'arch': 'amd64', 'revision': '26813',
        'submissiontype': 'experimental', 'package': 'installer', 'name': 'file.tar.gz', 'productname': 'Slicer',
        'codebase': 'Slicer4', 'release': '4.8.1', 'checkoutdate': '2012-11-01 00:10:11',
        'date_creation': found['date_creation'], 'bitstreams': [
            {'bitstream_id': old['_id'], 'name': 'file.tar.gz', 'md5': 'a' * 32, 'size': '35'}]}
    assert (newer['os'], newer['release'], newer['checkoutdate'], newer['submissiontype']) == ('win', '', '', 'nightly')
    for given, number in [({'os': 'win'}, 1), ({'release': '4.8.1'}, 1), ({'codebase': 'Slicer4'}, 1),
                          ({'submissiontype': 'nightly'}, 1), ({'packagetype': 'installer'}, 2), ({'limit': 1}, 1),
                          ({'packagetype': 'data'}, 0), ({'revision': '34000'}, 0), ({'release': '9'}, 0)]:
        assert len(ask(PACKAGES, **given)) == number, given
    assert ask('midas.slicerpackages.get.packages') == [newer, found]


def test_releases_are_listed_by_version(make_release, ask, api, app):
    for number, name in enumerate(('4.2', '4.10.2', '4.8.1')):
        make_release(name, f'2000{number}')
    make_release('9.9', '40000', public=False)
    assert ask(RELEASES) == ['4.10.2', '4.8.1', '4.2']
    assert ask(RELEASES, order='asc') == ['4.2', '4.8.1', '4.10.2']


def test_an_item_and_a_file_are_described(ready, ask, alias, anonymous, plain):
    item, old = ready('package'), plain('old', b'old')
    alias('item', '77', item)
    alias('bitstream', '1201', item)
    alias('item', '77,1', old)
    anonymous.get(f'/item/{item["_id"]}/download').raise_for_status()
    found = ask('midas.item.get', id='77', head='true')
    assert found == ask('midas.item.get', id=item['_id'])
    assert (found['item_id'], found['download'], found['sizebytes'], found['folder_id']) == (
        item['_id'], '1', '35', item['folderId'])
    ((file,),) = [revision['bitstreams'] for revision in found['revisions']]
    assert file == ask('midas.bitstream.get', id='1201')
    assert (file['name'], file['sizebytes'], file['bitstream_id']) == ('file.tar.gz', '35', item['_id'])
    assert anonymous.get(f'{MIDAS}/rest/item/77').json()['data'] == found
    assert ask('midas.item.get', id='77,1')['download'] == '0'


def test_a_list_is_cached_until_something_changes(ready, ask, anonymous, alias):
    item = ready('extension')
    with counting() as first:
        before = ask(**FOR)
    with counting() as second:
        assert ask(**FOR) == before
    assert (len(first) <= 10, len(second)) == (True, 1), (first, second)
    ready('extension', baseName='New')
    assert len(ask(**FOR)) == 2
    assert ask(extension_id='12') == []
    alias('extension', '12', item)
    assert len(ask(extension_id='12')) == 1


def test_the_file_that_is_listed_is_the_newest(ready, ask, api):
    item = ready('extension')
    upload(api, item['_id'], b'newer', 'newer.tar.gz')
    assert [(one['name'], one['size']) for one in ask(extension_id=item['_id'])] == [('newer.tar.gz', '5')]


def test_a_list_that_is_too_long_is_refused_not_cut(ready, fails, monkeypatch):
    from slicer_package_manager.registry.catalog import midas_lists
    monkeypatch.setattr(midas_lists, 'MOST', 1)
    for name in 'ab':
        ready('extension', baseName=name)
    assert fails(os='linux') == (-1, 'Invalid values: limit: more than 1 match; give more parameters.')


def test_slicer_with_its_compiled_in_application_gets_that_one(api, app, make, ask):
    from slicer_package_manager.registry.catalog.applications import SLICER
    make('extension', content=b'x')
    own = api.post('/app', params={'name': 'Other', 'app_id': SLICER}).raise_for_status().json()
    assert ask(**FOR) == []
    make('extension', content=b'x', app_id=own['_id'], baseName='Own')
    assert [one['productname'] for one in ask(**FOR)] == ['Own']


def test_a_whole_session_of_slicer_4(ready, make, ask, alias, anonymous):
    """List, install with a dependency, and check for updates by id, by number and by an unknown number."""
    igsio = ready('extension', baseName='SlicerIGSIO')
    igt = ready('extension', dependency='SlicerIGSIO')
    alias('extension', '4711', igt)
    listed = {one['productname']: one for one in ask(**FOR)}
    assert listed.keys() == {'SlicerIGT', 'SlicerIGSIO'}
    (dependency,) = ask(productname='SlicerIGSIO', **FOR)
    for one in (listed['SlicerIGT'], dependency):
        file = anonymous.get(f'{MIDAS}/download', params={'items': one['item_id']})
        assert (file.status_code, len(file.content)) == (200, int(one['size']))
    assert dependency['item_id'] == igsio['_id']
    make('extension', revision='newer')
    for identifier in (igt['_id'], '4711'):
        (update,) = ask(extension_id=identifier)
        assert update['revision'] == 'newer'
    assert ask(extension_id='999999') == []
