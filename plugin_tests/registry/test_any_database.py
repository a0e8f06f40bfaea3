"""What needs no truth about the database: runs on a real one and, with ``--mongomock``, on one in memory."""
import json
from datetime import datetime, timezone

import pytest
from bson import ObjectId

from slicer_package_manager.registry.downloads import counter, counts, rollup
from slicer_package_manager.registry.schema.fields import EXTENSION
from slicer_package_manager.registry.tree import item_files

APP = {'_id': 'app'}


@pytest.fixture
def item(any_db):
    """An extension without a file."""
    document = {'_id': ObjectId(), 'name': 'item', 'folderId': ObjectId(), 'size': 0, 'baseParentType': 'collection',
                'baseParentId': ObjectId(), 'created': datetime(2026, 1, 1, tzinfo=timezone.utc),
                'spm': {'app': 'app', 'kind': 'extension', 'release': '5.8', 'identity': 'x', 'ready': False},
                'meta': {'app_revision': '33000', 'baseName': 'A', 'os': 'linux', 'arch': 'amd64', 'sha512': ''}}
    any_db.item.insert_one(document)
    return document


@pytest.fixture
def add_file(any_db, item):
    def add(name, sha512, minute):
        file = {'_id': ObjectId(), 'name': name, 'itemId': item['_id'], 'sha512': sha512, 'size': 0,
                'created': datetime(2026, 1, 1, 0, minute, tzinfo=timezone.utc)}
        any_db.file.insert_one(file)
        item_files.settle(item)
        return file
    return add


def reported(any_db, item):
    stored = any_db.item.find_one({'_id': item['_id']})
    return stored['meta']['sha512'], stored['spm']['ready']


def files_of(any_db, item):
    return [file['name'] for file in any_db.file.find({'itemId': item['_id']}).sort('created')]


def test_an_item_has_the_checksum_of_its_file(any_db, item, add_file):
    assert reported(any_db, item) == ('', False)
    add_file('a.zip', 'aa', 1)
    assert reported(any_db, item) == ('aa', True)


def test_a_newer_file_takes_the_place_of_the_older(any_db, item, add_file):
    add_file('a.zip', 'aa', 1)
    add_file('b.zip', 'bb', 2)
    assert files_of(any_db, item) == ['b.zip']
    assert reported(any_db, item) == ('bb', True)


def test_a_replacement_by_its_uploader_waits(any_db, item, add_file):
    add_file('a.zip', 'aa', 1)
    add_file('new_file', 'bb', 2)
    assert files_of(any_db, item) == ['a.zip', 'new_file']
    assert reported(any_db, item) == ('aa', True)


def test_an_item_whose_last_file_goes_is_not_ready(any_db, item, add_file):
    file = add_file('a.zip', 'aa', 1)
    item_files.detach(item, file)
    item_files.settle(item)
    assert reported(any_db, item) == ('', False)


@pytest.mark.database  # mongomock does not compare timestamps
def test_counts_add_up_over_days_and_releases(any_db, item):
    key = counts.key_of(item)
    for day in ('2026-01-01', '2026-01-01', '2026-01-02'):
        counter.store({**key, 'day': day})
    counter.store({**key, 'release': ''})
    assert any_db.slicer_package_download.count_documents({'kind': 'extension'}) == 3
    assert json.loads(rollup.Totals(APP).as_json()) == {'33000': {'extensions': {'A': {'linux': {'amd64': 4}}}}}
    counts.add_totals(EXTENSION, APP, [item])
    assert item['downloads'] == 4
