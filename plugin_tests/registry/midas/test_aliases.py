"""Aliases: recorded once for all, found by kind and number, and kept when what they lead to is deleted."""
import pytest
from bson.objectid import ObjectId

from plugin_tests.roundtrips import counting
from slicer_package_manager.registry.midas import aliases
from slicer_package_manager.registry.midas.aliases import Alias
from slicer_package_manager.registry.midas.numbers import Kind
from slicer_package_manager.registry.schema.errors import Invalid

pytestmark = pytest.mark.database

MD5 = '0cc175b9c0f1b6a831c399e269772661'
ONE, OTHER = ObjectId('64b000000000000000000001'), ObjectId('64b000000000000000000002')


def test_an_alias_is_found_by_its_kind_and_number(db):
    wanted = [Alias(Kind.ITEM, '77', (ONE,)), Alias(Kind.PACKAGE, '77', (OTHER,), name='Slicer'),
              Alias(Kind.ITEM, '77,2', (OTHER,)), Alias(Kind.MD5, MD5, (ONE,))]
    assert aliases.record(iter(wanted)) == 4
    assert [aliases.find(one.kind, one.value) for one in wanted] == wanted
    assert aliases.find(Kind.ITEM, '0077').targets == (ONE,)
    assert aliases.find(Kind.MD5, MD5.upper()).targets == (ONE,)
    assert [aliases.find(*one) for one in ((Kind.FOLDER, '77'), (Kind.ITEM, '78'), (Kind.ITEM, 'x'))] == [None] * 3


def test_the_same_again_writes_nothing(db):
    wanted = [Alias(Kind.BITSTREAM, str(number), (ONE,), url='https://github.com/a') for number in range(1, 2502)]
    assert aliases.record(wanted) == 2501
    with counting() as commands:
        assert aliases.record(wanted) == 0
    assert {command.split()[0] for command in commands} <= {'find', 'getMore'}
    assert aliases.record([*wanted[:2500], Alias(Kind.BITSTREAM, '2501', (OTHER,))]) == 1
    assert db['slicer_package_alias'].count_documents({}) == 2501


def test_what_is_recorded_last_is_true_and_a_checksum_collects_its_items(db):
    aliases.record([Alias(Kind.ITEM, '1', (ONE,)), Alias(Kind.ITEM, '1', (OTHER,)), Alias(Kind.MD5, MD5, (OTHER,))])
    aliases.record([Alias(Kind.MD5, MD5, (ONE,)), Alias(Kind.MD5, MD5.upper(), (OTHER,))])
    assert aliases.find(Kind.ITEM, '1').targets == (OTHER,)
    assert aliases.find(Kind.MD5, MD5).targets == (OTHER, ONE)


def test_a_url_that_is_not_stated_stays_as_it_is_stored(db):
    url = 'https://github.com/a'
    aliases.record([Alias(Kind.ITEM, '1', url=None), Alias(Kind.ITEM, '2', url=url), Alias(Kind.MD5, MD5, url=url)])
    aliases.record([Alias(Kind.ITEM, '2', (ONE,), url=None), Alias(Kind.MD5, MD5, (ONE,), url=None)])
    assert [aliases.find(*one).url for one in ((Kind.ITEM, '1'), (Kind.ITEM, '2'), (Kind.MD5, MD5))] == ['', url, url]
    aliases.record([Alias(Kind.ITEM, '2')])
    assert aliases.find(Kind.ITEM, '2').url == ''


def test_two_processes_cannot_store_two_aliases_of_one_number(db):
    from pymongo.errors import DuplicateKeyError
    aliases.record([Alias(Kind.ITEM, '1', (ONE,))])
    with pytest.raises(DuplicateKeyError):
        db['slicer_package_alias'].insert_one(Alias(Kind.ITEM, '1', (OTHER,)).document())


@pytest.mark.parametrize(('alias', 'message'), [
    (Alias(Kind.ITEM, 'x'), 'item: "x" is no number'), (Alias(Kind.MD5, '77'), 'md5: "77" is no number or checksum'),
    (Alias(Kind.ITEM, '1', url='https://example.org/a'), r'on the host "example.org".*link_hosts'),
    (Alias(Kind.ITEM, '1', url='javascript:alert(1)'), 'must start with https://')])
def test_what_is_no_alias_is_refused_with_the_reason(db, alias, message):
    with pytest.raises(Invalid, match=message):
        aliases.record([alias])
    assert db['slicer_package_alias'].count_documents({}) == 0


def test_recording_makes_cached_lists_outdated(db):
    from slicer_package_manager.registry.server import data_version
    before = data_version.version()
    aliases.record([Alias(Kind.ITEM, '1', (ONE,))])
    assert data_version.version() != before


@pytest.mark.parametrize('way', ['/app/{app}/package/{item}', '/item/{item}', '/app/{app}/release/33000', '/app/{app}'])
def test_an_alias_outlives_what_it_leads_to(api, app, make, way):
    item, other = make('package', content=b'x'), make('package', revision='33001', content=b'x')
    ids = ObjectId(item['_id']), ObjectId(other['_id'])
    aliases.record([Alias(Kind.ITEM, '1', ids[:1], 'Slicer 4'), Alias(Kind.MD5, MD5, ids),
                    Alias(Kind.FOLDER, '1', (ObjectId(item['folderId']),))])
    api.delete(way.format(app=app['_id'], item=item['_id'])).raise_for_status()
    alias = aliases.find(Kind.ITEM, '1')
    assert (alias.targets, alias.is_gone, alias.name) == ((), True, 'Slicer 4')
    whole_app = way.endswith('{app}')
    assert aliases.find(Kind.MD5, MD5).targets == (() if whole_app else ids[1:])
    assert aliases.find(Kind.FOLDER, '1').is_gone is ('release' in way or whole_app)
    assert list(aliases.dangling()) == []


def test_an_alias_outlives_an_ordinary_item(api, db):
    from girder.models.collection import Collection
    from girder.models.folder import Folder
    from girder.models.item import Item
    from girder.models.user import User
    user = User().findOne()
    place = Folder().createFolder(Collection().createCollection('MIDAS', user), 'x', parentType='collection',
                                  creator=user)
    items = [Item().createItem(name, user, place) for name in 'ab']
    aliases.record([Alias(Kind.ITEM, str(number), (item['_id'],)) for number, item in enumerate(items, 1)])
    api.delete(f'/item/{items[0]["_id"]}').raise_for_status()
    assert [aliases.find(Kind.ITEM, number).is_gone for number in '12'] == [True, False]
    api.delete(f'/folder/{place["_id"]}').raise_for_status()
    assert aliases.find(Kind.ITEM, '2').is_gone


def test_what_leads_to_nothing_is_found(make, app):
    item = make('package', content=b'x')
    there, folder = ObjectId(item['_id']), ObjectId(item['folderId'])
    wrong = [Alias(Kind.ITEM, '1', (ONE,)), Alias(Kind.MD5, MD5, (there, OTHER)), Alias(Kind.FOLDER, '1', (there,)),
             Alias(Kind.ITEM, '2', (folder,))]
    right = [Alias(Kind.ITEM, '3', (there,)), Alias(Kind.FOLDER, '2', (folder,)), Alias(Kind.ITEM, '4')]
    aliases.record([*wrong, *right])
    assert sorted(aliases.dangling()) == sorted(zip(wrong, [[ONE], [OTHER], [there], [folder]], strict=True))
