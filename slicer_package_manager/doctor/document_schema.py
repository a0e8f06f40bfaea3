"""The check that documents have the fields that all of their collection have; other checks rely on them."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from girder.models.assetstore import Assetstore
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.model_base import Model
from girder.models.upload import Upload

from slicer_package_manager.doctor.findings import ERROR, Finding, Options
from slicer_package_manager.registry.storage.stores import STORES
from slicer_package_manager.registry.tree import keys

#: The required fields of the documents that match a query, with MongoDB's names of their types.
_REQUIRED: tuple[tuple[type[Model], dict[str, Any], dict[str, str]], ...] = (
    (Folder, {'$or': [{'spm': {'$exists': True}}, {'parentCollection': {'$exists': False}}]}, {
        'name': 'string', 'parentId': 'objectId', 'parentCollection': 'string', 'meta': 'object', 'created': 'date',
        keys.ROLE: 'string'}),
    (Item, {'spm': {'$exists': True}}, {
        'name': 'string', 'folderId': 'objectId', 'size': 'number', 'meta': 'object', 'created': 'date',
        keys.PACKAGE_TYPE: 'string'}),
    (Item, {}, {'folderId': 'objectId'}),
    (File, {}, {'name': 'string', 'created': 'date'}),
    (File, {'assetstoreId': {'$ne': None}}, {'size': 'number'}),
    *((File, {store.place_field: {'$exists': True}}, {store.place_field: 'string'}) for store in STORES.values()),
    (Upload, {}, {'name': 'string', 'size': 'number', 'received': 'number', 'updated': 'date'}),
    (Assetstore, {}, {'name': 'string', 'type': 'number', 'current': 'bool'}),
    *((Assetstore, {'type': type_}, dict(store.required_fields)) for type_, store in STORES.items()),
)


def damaged(_options: Options) -> Iterator[Finding]:
    """Documents that lack a required field, or have a value of another type there."""
    for model, query, required in _REQUIRED:
        wrong = [{key: {'$not': {'$type': type_}}} for key, type_ in required.items()]
        for one in model().collection.find({'$and': [query, {'$or': wrong}]}):
            fields = ', '.join(key for key, type_ in required.items() if model().collection.find_one(
                {'_id': one['_id'], key: {'$not': {'$type': type_}}}, ['_id']))
            yield Finding(ERROR, f'The document {one["_id"]} of "{model().name}" ("{one.get("name")}") is damaged: '
                                 f'{fields} is missing or of a wrong type.',
                          'Restore a backup elsewhere and take the document from there, or delete it by its id. Other '
                          'checks may stop at it.')
