"""The file document that stands for a link, on any database."""
from datetime import datetime, timedelta, timezone

import pytest
from bson import ObjectId

from slicer_package_manager.registry.links import rules
from slicer_package_manager.registry.links.rules import Link
from slicer_package_manager.registry.tree import item_files

URL = 'https://github.com/a/Slicer.V5.ZIP'
SHA512 = 'ab' * 64
LINK = Link(URL, 'Slicer.V5.ZIP', 8, SHA512)
USER = {'_id': ObjectId()}
LONG_AGO = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def item(any_db):
    document = {'_id': ObjectId(), 'name': 'item', 'folderId': ObjectId(), 'size': 0, 'baseParentType': 'collection',
                'baseParentId': ObjectId(), 'created': LONG_AGO,
                'spm': {'app': 'app', 'kind': 'extension', 'release': '5.8', 'identity': 'x', 'ready': False},
                'meta': {'app_revision': '33000', 'baseName': 'A', 'os': 'linux', 'arch': 'amd64', 'sha512': ''}}
    any_db.item.insert_one(document)
    return document


@pytest.fixture
def put(any_db, item):
    def start(link, user=USER):
        rules.put(item, link, user)
        item_files.settle(item)
        assert any_db.file.count_documents({'itemId': item['_id']}) == 1
        return item_files.with_files({'itemId': item['_id']}).current
    return start


def test_a_link_file_has_the_facts_of_the_link_and_none_of_a_stored_file(put):
    file = put(LINK)
    assert {key: file[key] for key in ('linkUrl', 'name', 'size', 'sha512', 'mimeType', 'exts', 'creatorId')} == {
        'linkUrl': URL, 'name': 'Slicer.V5.ZIP', 'size': 8, 'sha512': SHA512, 'mimeType': 'application/zip',
        'exts': ['v5', 'zip'], 'creatorId': USER['_id']}
    assert file['assetstoreId'] is None


def test_what_a_link_does_not_state_is_not_in_its_file(put):
    file = put(Link(URL, 'name', None, None), None)
    assert not {'size', 'sha512'} & set(file)
    assert (file['mimeType'], file['exts'], file['creatorId']) == ('application/octet-stream', [], None)


def test_the_same_link_writes_nothing(put):
    assert put(LINK) == put(LINK)


def test_another_link_changes_the_file_and_forgets_what_it_does_not_state(any_db, item, put):
    before = put(LINK)
    any_db.file.update_one({}, {'$set': {'spm.digest': 'sha256:aa'}})
    file = put(Link(URL + '2', 'other.zip', 9, None))
    assert file['_id'] == before['_id']
    assert file['created'] > before['created']
    assert (file['linkUrl'], file['name'], file['size'], file['exts']) == (URL + '2', 'other.zip', 9, ['zip'])
    assert 'sha512' not in file
    assert 'digest' not in file.get('spm', {})
    stored = any_db.item.find_one({'_id': item['_id']})
    assert (stored['size'], stored['meta']['sha512']) == (9, '')


def test_a_changed_link_shows_in_its_item_at_once(any_db, item, put):
    put(LINK)
    rules.put(item, LINK._replace(size=9), USER)
    assert any_db.item.find_one({'_id': item['_id']})['size'] == 9


def stored_file(item, **values):
    return {'_id': ObjectId(), 'itemId': item['_id'], 'name': 'a.zip', 'size': 4, 'sha512': 'cd' * 64,
            'assetstoreId': ObjectId(), 'created': LONG_AGO, **values}


def test_a_link_takes_the_place_of_a_stored_file_even_if_that_is_newer_by_the_clock_of_another_server(
        any_db, item, put):
    ahead = datetime.now(timezone.utc) + timedelta(hours=1)
    any_db.file.insert_one(stored_file(item, created=ahead))
    file = put(LINK)
    assert file['linkUrl'] == URL
    assert file['created'] > ahead.replace(microsecond=0)


def test_files_of_other_items_do_not_matter(any_db, put):
    ahead = datetime.now(timezone.utc) + timedelta(hours=1)
    any_db.file.insert_one(stored_file({'_id': ObjectId()}, created=ahead))
    assert put(LINK)['created'] < ahead
