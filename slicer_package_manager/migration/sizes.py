"""The sizes of folders, collections and users, added up from their items at the end of a migration."""
from __future__ import annotations

from collections.abc import Iterator

from pymongo import UpdateOne

from slicer_package_manager.migration.girder_database import AnyDatabase
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import sizes


def add_up(database: AnyDatabase) -> None:
    """Correct the sizes that are wrong: of a folder that of its items, of a collection or user that of all below."""
    for collection, key, where in (('folder', 'folderId', {}), ('collection', 'baseParentId', _root('collection')),
                                   ('user', 'baseParentId', _root('user'))):
        updates = list(_wrong(database, collection, key, where))
        if updates:
            database[collection].bulk_write(updates, ordered=False)


def _root(kind: str) -> Document:
    return {'baseParentType': kind}


def _wrong(database: AnyDatabase, collection: str, key: str, where: Document) -> Iterator[UpdateOne]:
    sums = sizes.sums(database['item'], key, where)
    for one in database[collection].find({}, {'size': 1}):
        size = sums.get(one['_id'], 0)
        if one.get('size') != size:
            yield UpdateOne({'_id': one['_id']}, {'$set': {'size': size}})
