"""The sizes of the folder and the collection around an item, which follow that of the item."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from girder.models.folder import Folder
from girder.utility.model_importer import ModelImporter
from pymongo import WriteConcern

from slicer_package_manager.registry.server import data_version


def grow(item: Mapping[str, Any], size: int) -> None:
    """Add ``size`` bytes to the sizes of the folder and the collection of ``item``.

    Girder's method waits until most members of a replica set have each of them.
    """
    try:
        for model, key in ((Folder(), 'folderId'), (ModelImporter.model(item['baseParentType']), 'baseParentId')):
            model.collection.with_options(write_concern=WriteConcern(1)).update_one(
                {'_id': item[key]}, {'$inc': {'size': size}})
    finally:
        data_version.bump()  # lists of releases have the sizes of their folders
