"""JSON of items, made from BSON."""
from datetime import datetime, timezone

import bson
import orjson
from bson.objectid import ObjectId

from slicer_package_manager.registry.tree import item_json

ITEM = {'_id': ObjectId('5f4474d0e1d8c75dfc705482'), 'name': 'é🎉"', 'size': 2**40,
        'created': datetime(2026, 11, 1, 4, 5, 6, 789000, timezone.utc),
        'updated': datetime(2026, 11, 1, 4, 5, 6, tzinfo=timezone.utc), 'meta': {'tags': [1, None, True], 'deep': {}}}


def test_ids_and_times_are_texts_as_girder_writes_them():
    assert orjson.loads(item_json.of(bson.encode(ITEM))) == {
        **ITEM, '_id': '5f4474d0e1d8c75dfc705482', 'created': '2026-11-01T04:05:06.789000+00:00',
        'updated': '2026-11-01T04:05:06+00:00', '_modelType': 'item'}


def test_a_changed_item_has_another_text():
    for number in range(3):
        assert orjson.loads(item_json.of(bson.encode({**ITEM, 'size': number})))['size'] == number


def test_large_documents_take_no_memory():
    large = bson.encode({**ITEM, 'description': 'x' * item_json._LARGEST})
    before = item_json._cached.cache_info().currsize
    assert orjson.loads(item_json.of(large))['description'] == 'x' * item_json._LARGEST
    assert item_json._cached.cache_info().currsize == before
