"""Files that everyone may download, as the front of the server caches them."""
from __future__ import annotations

from typing import NamedTuple

from girder.models.setting import Setting

from slicer_package_manager.registry.schema.validators import object_id
from slicer_package_manager.registry.server import anonymous_access
from slicer_package_manager.registry.storage import stores
from slicer_package_manager.registry.storage.store import Store
from slicer_package_manager.registry.tree import access, item_files
from slicer_package_manager.registry.tree.types import PackageItem, StoredFile
from slicer_package_manager.rest.downloads import delivery


class PublicFile(NamedTuple):
    """A file that everyone may download, and all that its delivery depends on.

    :param settings: see :func:`delivery.read_settings`.
    """

    item: PackageItem
    file: StoredFile
    store: Store | None
    settings: tuple[str, list[str]]


def load(model: str, identifier: str) -> PublicFile | None:
    """Return what ``GET /item/:id/download`` or ``GET /file/:id/download`` delivers to anonymous clients.

    :param model: ``item`` or ``file``.
    :returns: ``None`` if not everyone may download it, or there is nothing.
    """
    key = object_id(identifier)
    found = key and (item_files.of_item(key) if model == 'item' else item_files.of_file(key))
    if (not found or not found.file or not found.folder.get('public')
            or not access.allows(access.DOWNLOAD_FILE, found.folder, None) or Setting().get(anonymous_access.KEY)):
        return None
    return PublicFile(found.item, found.file, stores.of_file(dict(found.file)), delivery.read_settings())
