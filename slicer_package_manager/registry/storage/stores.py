"""The stores of this server: one class for each type of assetstore, see :mod:`store`."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bson.objectid import ObjectId
from girder.constants import AssetstoreType
from girder.exceptions import NoAssetstoreAdapter
from girder.models.assetstore import Assetstore
from girder.utility import assetstore_utilities

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.storage.filesystem import FilesystemStore
from slicer_package_manager.registry.storage.s3 import S3Store
from slicer_package_manager.registry.storage.store import Store

#: The class for each type of assetstore.
STORES: dict[Any, type[Store]] = {
    AssetstoreType.FILESYSTEM: FilesystemStore,
    AssetstoreType.S3: S3Store,
}


def register() -> None:
    """Make Girder use these classes as its assetstore adapters."""
    for assetstore_type, store in STORES.items():
        assetstore_utilities.setAssetstoreAdapter(assetstore_type, store)


def of_assetstore(assetstore: Document) -> Store:
    """Return the store of the document ``assetstore``, also in commands that do not load the plugin.

    :raises NoAssetstoreAdapter: there is no class for its type.
    """
    if assetstore['type'] not in STORES:
        raise NoAssetstoreAdapter(f'This server has no class for assetstores of the type {assetstore["type"]}.')
    return STORES[assetstore['type']](assetstore)


def of_file(file: Document) -> Store | None:
    """Return the store of ``file``, or of an upload; ``None`` for a link, or if the assetstore was deleted."""
    return of_id(file['assetstoreId']) if file.get('assetstoreId') else None


def of_id(assetstore_id: ObjectId) -> Store | None:
    """Return the store of the assetstore with this id; ``None`` if it was deleted."""
    assetstore = Assetstore().load(assetstore_id)
    return of_assetstore(assetstore) if assetstore else None


def every_store() -> Iterator[Store]:
    """Yield the store of each assetstore."""
    for assetstore in Assetstore().find({'type': {'$in': list(STORES)}}):
        yield of_assetstore(assetstore)


def content_fields() -> tuple[str, ...]:
    """Return the fields of files that belong to their content, in whichever store it is."""
    return tuple(field for store in STORES.values() for field in store.content_fields)
