"""The sizes of folders, and of the collections around them, which follow those of the items.

All uploads to a collection change its size. If they did so in their transactions, these would wait for each other. A
server that is killed between the commit and these writes leaves a wrong size, which ``doctor`` finds and corrects.
"""
from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeAlias

from bson.objectid import ObjectId
from girder.utility.model_importer import ModelImporter
from pymongo import WriteConcern
from pymongo.collection import Collection

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import data_version

#: The name of a model and an id: of a folder, or of a collection or user around it.
Place: TypeAlias = tuple[str, ObjectId]


def root_of(document: Mapping[str, Any]) -> Place:
    """Return the collection or user around ``document``, a folder or item."""
    return document['baseParentType'], document['baseParentId']


def grow_around(item: Mapping[str, Any], size: int) -> None:
    """After the commit, add ``size`` bytes to the sizes of the folder and the collection around ``item``."""
    grow(size, ('folder', item['folderId']), root_of(item))


def grow(size: int, *places: Place) -> None:
    """After the commit, add ``size`` bytes to the size of each of ``places``."""
    if size:
        data_version.after_commit(partial(_grow, size, places))


def sums(items: Collection[Document], key: str, query: Document) -> dict[Any, int]:
    """Return the sums of the sizes of ``items`` that match ``query``, by the value of ``key``."""
    return {row['_id']: row['size'] for row in items.aggregate(
        [{'$match': query}, {'$group': {'_id': f'${key}', 'size': {'$sum': '$size'}}}], allowDiskUse=True)}


def _grow(size: int, places: tuple[Place, ...]) -> None:
    for kind, identifier in places:
        collection = ModelImporter.model(kind).collection
        # Girder's method waits until most members of a replica set have each of them.
        collection.with_options(write_concern=WriteConcern(1)).update_one({'_id': identifier}, {'$inc': {'size': size}})
