"""Removal of files from their package, and of their bytes.

1. A transaction detaches the file from its package, see :mod:`item_files`.
2. After the commit, the store removes the bytes, and the document is removed. Its facts are recorded before, see
   :mod:`former_files`.
3. :func:`sweep` repeats step 2 later if that failed, or if the server was killed before. It also does so for files that
   were replaced, which stay for a while for those who have their id.

Several documents may have the same bytes: a file, and copies that keep them for readers while it gets new content.
The store removes the bytes with the last of them.
"""
from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from functools import partial

from bson.objectid import ObjectId
from girder.models.file import File
from girder.models.model_base import Model

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions
from slicer_package_manager.registry.storage import stores
from slicer_package_manager.registry.tree import former_files, item_files, keys

logger = logging.getLogger(__name__)

#: How long readers that got the id of a replaced file can still read it.
GRACE = timedelta(minutes=10)


def remove(package: item_files.Package, file: Document) -> None:
    """Remove ``file`` from ``package``, and then its bytes, unless another one takes its place: then it stays a while.

    :raises Unavailable: the store cannot be reached; the file stays.
    """
    store = stores.of_file(file) if len(package.files) == 1 else None
    if store and not transactions.is_open():
        store.require_writable()
    item_files.change(package, partial(_remove, file['_id']))


def _remove(file_id: ObjectId, package: item_files.Package | None) -> None:
    file = package and package.file(file_id)
    if package and file:  # or another request has removed it, maybe with its item
        gone = item_files.remove(package, file)
        if gone:
            transactions.after_commit(partial(erase_all, [gone]))


def erase_all(files: Iterable[Document]) -> None:
    """Erase ``files``, which are detached, until one of them fails; :func:`sweep` tries those that are left again."""
    for file in files:
        try:
            erase(file)
        except Exception:
            logger.exception('The file %s could not be removed. The server will try again.', file['_id'])
            return  # if its storage is out of reach, each of the others would take as long to fail


def erase(file: Document) -> None:
    """Remove ``file``, which is detached, and its bytes unless another file has them.

    :raises Unavailable: the store cannot be reached; the file stays.
    """
    def forget() -> None:
        former_files.keep(file)
        Model.remove(File(), file)
    store = stores.of_file(file)
    if store:
        store.delete(file, forget)
    else:
        forget()


def sweep(older_than: timedelta = GRACE) -> None:
    """Erase the files that were detached before ``older_than``, unless the clock was set since."""
    if not clock.CLOCK.is_steady(older_than.total_seconds()):
        return
    erase_all(File().find({keys.DETACHED: {'$lte': clock.now() - older_than}}))
