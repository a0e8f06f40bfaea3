"""The end of files that have left their package or extension, and of their bytes.

Several documents may have the same bytes: a file, and copies that keep them for readers while it gets new content.
Who removes one asks after that whether another is left: the last finds none, and deletes the bytes. If all asked only
before, two at once would see each other, and both leave the bytes there.
"""
from __future__ import annotations

import logging

from girder.models.file import File
from girder.models.model_base import Model

from slicer_package_manager.registry.storage import filesystem, s3
from slicer_package_manager.registry.tree import item_files

logger = logging.getLogger(__name__)


def remove_with_bytes(item, file) -> None:
    """Take ``file`` from ``item`` and the lists while its bytes are there, then remove both.

    A server that is killed in between leaves bytes that nobody wants, not a package that has lost them.

    :raises Unavailable: its assetstore is out of reach; the file stays.
    """
    _require_writable(file)
    taken = item_files.detach(file)
    item_files.settle(item)
    if taken is None:
        return
    try:
        erase({**taken, **item_files.detached(taken)})
    except Exception:
        item_files.attach(taken)
        item_files.settle(item)
        raise


def _require_writable(file):
    adapter = File().getAssetstoreAdapter(file)
    if isinstance(adapter, filesystem.Disk | s3.Adapter):
        adapter.require_writable()


def erase(file) -> None:
    """Remove ``file``, which is detached, and its bytes unless another file has them.

    :raises Unavailable: its assetstore is out of reach; the file stays.
    """
    adapter = File().getAssetstoreAdapter(file)
    if isinstance(adapter, s3.Adapter):
        _erase_object(adapter, file)
        return
    if isinstance(adapter, filesystem.Disk):
        adapter.require_writable()
    Model.remove(File(), file)
    if adapter:
        adapter.deleteFile(file)


def _erase_object(adapter, file):
    """Delete an object that nobody else has before the file: storage fails more often than the database."""
    deleted = adapter.delete_unshared(file)
    Model.remove(File(), file)
    if deleted:
        return
    try:
        adapter.delete_unshared(file)
    except Exception:
        logger.exception('The object of the file %s could not be deleted; it is tried again later.', file['_id'])
        File().collection.insert_one(file)
