"""Removal of files from their package, and of their bytes.

Several documents may have the same bytes: a file, and copies that keep them for readers while it gets new content.
The store removes the bytes with the last of them.
"""
from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from girder.models.file import File
from girder.models.model_base import Model

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.storage import stores
from slicer_package_manager.registry.tree import item_files

logger = logging.getLogger(__name__)


def remove_with_bytes(item: Mapping[str, Any], file: Document) -> None:
    """Detach ``file`` from ``item``, then remove its bytes and its document, after the commit of a transaction.

    A server that ends in between leaves bytes that no file refers to, not a package that has lost them.

    :raises Unavailable: the store cannot be reached; the file stays.
    """
    store = stores.of_file(file)
    if store and not transactions.is_open():
        store.require_writable()
    taken = item_files.detach(file)
    item_files.settle(item)
    if taken is None:
        return
    if transactions.is_open():
        transactions.after_commit(lambda: erase_or_leave({**taken, **item_files.detached(taken)}))
        return
    try:
        erase({**taken, **item_files.detached(taken)})
    except Exception:
        item_files.attach(taken)
        item_files.settle(item)
        raise


def erase_or_leave(file: Document) -> None:
    """Remove ``file``, which is detached; if that fails, :func:`item_files.sweep` does so later."""
    try:
        erase(file)
    except Exception:
        logger.exception('The file %s could not be removed; it is tried again later.', file['_id'])


def erase(file: Document) -> None:
    """Remove ``file``, which is detached, and its bytes unless another file has them.

    :raises Unavailable: the store cannot be reached; the file stays.
    """
    def forget() -> None:
        Model.remove(File(), file)
    store = stores.of_file(file)
    if store:
        store.delete(file, forget)
    else:
        forget()
