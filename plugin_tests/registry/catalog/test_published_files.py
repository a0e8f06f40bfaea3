"""Facts of all files that were ever published."""
from datetime import timedelta

import pytest
from bson import ObjectId

from plugin_tests.conftest import upload
from slicer_package_manager.registry.midas import aliases
from slicer_package_manager.registry.midas.aliases import Alias
from slicer_package_manager.registry.midas.numbers import Kind

pytestmark = pytest.mark.database


@pytest.fixture
def facts(db):
    def read():
        from slicer_package_manager.registry.catalog import published_files
        found = list(published_files.read())
        by_content = {(one['file'], one['sha512'][:4]): one for one in found}
        assert len(by_content) == len(found), 'the facts of a file are there once'
        return by_content
    return read


def only(found):
    (one,) = found.values()
    return one


def test_what_is_there_has_its_facts(make, facts):
    item = make('extension', content=b'x')
    one = only(facts())
    assert (one['item'], one['kind'], one['app'], one['baseName']) == (item['_id'], 'extension', 'Slicer', 'SlicerIGT')
    assert (one['os'], one['arch'], one['revision'], one['app_revision']) == ('linux', 'amd64', 'ab12cd3', '33000')
    assert (one['size'], one['release'], one['public'], one['aliases']) == (1, '', True, [])
    assert 'removed' not in one


def test_a_replaced_file_keeps_its_facts(api, make, facts):
    item = make('package', content=b'one')
    upload(api, item['_id'], b'second')
    found = sorted(facts().values(), key=lambda one: one['size'])
    assert [one['size'] for one in found] == [3, 6]
    assert ['removed' in one for one in found] == [True, False]
    assert {one['item'] for one in found} == {item['_id']}
    assert len({one['file'] for one in found}) == 2


def test_new_content_of_a_file_is_another_file_with_the_same_id(api, make, facts):
    make('package', content=b'one')
    old = only(facts())
    begun = api.put(f'/file/{old["file"]}/contents', params={'size': 6}).raise_for_status().json()
    api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, content=b'second').raise_for_status()
    found = facts()
    assert {file for file, _ in found} == {old['file']}
    assert sorted(one['size'] for one in found.values()) == [3, 6]


@pytest.mark.parametrize('way', ['upload', 'contents'])
def test_the_facts_of_a_replaced_file_stay_when_its_document_is_removed(api, make, facts, db, monkeypatch, way):
    from slicer_package_manager.registry.storage import file_removal
    item = make('package', content=b'one')
    if way == 'upload':
        upload(api, item['_id'], b'second')
    else:
        begun = api.put(f'/file/{only(facts())["file"]}/contents', params={'size': 6}).raise_for_status().json()
        api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, content=b'second').raise_for_status()
    before = facts()
    with monkeypatch.context() as patch:  # as if the server were killed between both steps, and again
        patch.setattr(file_removal.Model, 'remove', lambda *_: None)
        for _ in range(2):
            file_removal.sweep(timedelta(0))
            assert facts() == before
    assert db['file'].count_documents({}) == 2
    file_removal.sweep(timedelta(0))
    assert db['file'].count_documents({}) == 1
    assert facts() == before


def test_a_link_that_becomes_a_file_keeps_its_facts(api, make, facts):
    make('package', url='https://github.com/a/b/c.zip')
    begun = api.put(f'/file/{only(facts())["file"]}/contents', params={'size': 6}).raise_for_status().json()
    api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, content=b'second').raise_for_status()
    assert sorted((one['size'] or 0, 'removed' in one) for one in facts().values()) == [(0, True), (6, False)]


def test_a_removed_file_keeps_its_facts(api, make, facts):
    make('package', content=b'one')
    before = only(facts())
    api.delete(f'/file/{before["file"]}').raise_for_status()
    after = only(facts())
    assert after.pop('removed') >= before['created']
    assert after == before


@pytest.mark.parametrize('way', ['/app/{app}/package/{item}', '/item/{item}', '/app/{app}/release/33000', '/app/{app}'])
@pytest.mark.parametrize('public', [True, False])
def test_a_deleted_package_keeps_its_facts_and_its_numbers_of_midas(api, app, make, facts, db, way, public):
    item = make('package', content=b'one')
    aliases.record([Alias(Kind.ITEM, '77', (ObjectId(item['_id']),)),
                    Alias(Kind.FOLDER, '5', (ObjectId(item['folderId']),))])
    db['folder'].update_many({}, {'$set': {'public': public}})
    before = only(facts())
    assert (before['aliases'], before['public']) == (['item:77'], public)
    api.delete(way.format(app=app['_id'], item=item['_id'])).raise_for_status()
    after = only(facts())
    assert after.pop('removed') >= before['created']
    expected = {**before, 'app': after['app']} if way.endswith('{app}') else before
    assert after == expected


def test_a_deletion_that_fails_keeps_the_file_as_it_was(api, make, facts, monkeypatch):
    from slicer_package_manager.registry.catalog import removal
    item = make('package', content=b'one')
    before = facts()

    def fail(_):
        raise RuntimeError
    monkeypatch.setattr(removal.aliases, 'forget', fail)
    assert api.delete(f'/item/{item["_id"]}').status_code == 500
    assert facts() == before


def test_a_package_without_a_file_has_no_facts(make, facts):
    make('package')
    assert facts() == {}
