"""Migrations to a server whose files are in object storage (S3)."""
import hashlib

import httpx
import pytest
from bson.objectid import ObjectId

from plugin_tests import buckets
from plugin_tests.migration.test_girder import filled, findings, here, listed, migrate  # noqa: F401 - fixture
from slicer_package_manager.migration import run
from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.notes import Outcome
from slicer_package_manager.migration.options import Options
from slicer_package_manager.progress import silent
from slicer_package_manager.registry.schema.errors import Unavailable
from slicer_package_manager.registry.storage import s3_copy

pytestmark = pytest.mark.database


def file_of(item):
    return here()['file'].find_one({'itemId': item['_id']})


def content_of(client, item):
    answer = client.get(f'/item/{item["_id"]}/download')
    return answer.content if answer.status_code == 200 else httpx.get(answer.headers['Location']).content


def test_files_go_to_the_bucket_and_are_the_same(filled, s3, anonymous):  # noqa: F811
    grid = filled.extension(filled.draft_extensions, baseName='Grid')
    filled.in_grid(grid, b'several chunks of bytes')
    empty = filled.extension(filled.draft_extensions, b'', baseName='Empty')
    bare = filled.extension(filled.draft_extensions, baseName='Bare')
    filled.db['file'].update_one({'_id': filled.file(bare, b'bare', stated=False)['_id']}, {'$unset': {'sha512': ''}})
    assert migrate(filled, verify=True).undecided == []
    assert sorted(s3.objects().values()) == sorted(
        [b'one', b'two', b'slicer', b'several chunks of bytes', b'bare'])
    for item, content in (filled.one, b'one'), (grid, b'several chunks of bytes'), (empty, b''), (bare, b'bare'):
        assert content_of(anonymous, item) == content
        assert file_of(item)['sha512'] == hashlib.sha512(content).hexdigest()
    assert len(listed(anonymous)) == 5
    assert findings() == []


def test_a_second_run_sends_nothing_also_after_one_that_was_killed(filled, s3):  # noqa: F811
    migrate(filled)
    here()['file'].delete_many({})
    here()['slicer_package_migration'].delete_many({'_id.id': {'$exists': True}})
    s3.requests.clear()
    migrate(filled)
    assert {one.method for one in s3.requests} == {'HEAD'}
    assert here()['file'].count_documents({'s3Key': {'$exists': True}}) == 3


def test_large_files_are_sent_in_parts(filled, s3, anonymous, monkeypatch):  # noqa: F811
    monkeypatch.setattr(s3_copy, 'PART', 6 << 20)
    content = bytes(range(256)) * (13 << 12)
    large = filled.extension(filled.draft_extensions, content, baseName='Large')
    assert migrate(filled).undecided == []
    assert sum('partNumber' in one.query for one in s3.requests) == 3
    assert content_of(anonymous, large) == content
    assert s3.unfinished() == []


@pytest.mark.parametrize('size', [3, 13 << 20])
def test_damaged_bytes_make_no_object(filled, s3, monkeypatch, size):  # noqa: F811
    monkeypatch.setattr(s3_copy, 'PART', 6 << 20)
    content = b'x' * size
    item = filled.extension(filled.draft_extensions, content, baseName='Damaged')
    path = filled.root / filled.db['file'].find_one({'itemId': item['_id']})['path']
    path.write_bytes(b'y' * size)
    report = migrate(filled)
    assert [(note.outcome, note.reason) for note in report.undecided] == [
        (Outcome.LOST, 'its bytes have another SHA-512')]
    assert (len(s3.objects()), s3.unfinished()) == (3, [])
    path.write_bytes(content)
    assert migrate(filled).undecided == []
    assert len(s3.objects()) == 4


def test_a_bucket_that_cannot_be_reached_ends_the_run_before_anything_is_written(filled, s3):  # noqa: F811
    s3.fail = lambda _: s3.refuse
    with pytest.raises(Unavailable, match='is busy'):
        migrate(filled)
    assert here()['item'].count_documents({}) == 0
    s3.fail = lambda _: None
    assert migrate(filled).undecided == []


def test_each_file_has_an_object_of_its_own(filled, s3, anonymous, login):  # noqa: F811
    same = filled.extension(filled.draft_extensions, b'one', baseName='Same')
    migrate(filled)
    admin = login(here()['user'].find_one({'_id': filled.admin['_id']}))
    admin.delete(f'/item/{filled.one["_id"]}').raise_for_status()
    assert content_of(anonymous, same) == b'one'


@pytest.mark.parametrize('change', [{'readOnly': True}, {'shared': True}])
def test_a_bucket_that_cannot_be_used_is_refused(filled, s3, change):  # noqa: F811
    mine = here()['assetstore'].find_one({'type': 2})
    if 'shared' in change:
        filled.db['assetstore'].insert_one({**mine, '_id': ObjectId()})
    else:
        here()['assetstore'].update_one({'_id': mine['_id']}, {'$set': change})
    with pytest.raises(MigrationError, match=r'is read-only|each would remove files'):
        migrate(filled)


def test_in_place_files_in_gridfs_go_to_the_bucket(in_place, object_storage, anonymous):
    object_storage.clear()
    _, extensions = in_place.draft('29738')
    item = in_place.extension(extensions, baseName='Grid')
    in_place.in_grid(item, b'in the grid')
    here()['assetstore'].update_many({}, {'$set': {'current': False}})
    buckets.use(object_storage)
    assert run.migrate(here(), here(), Options(in_place=True, verify=True), {}, silent).undecided == []
    assert list(object_storage.objects().values()) == [b'in the grid']
    assert content_of(anonymous, item) == b'in the grid'
    assert here()['assetstore'].find_one({'current': True})['type'] == 2
