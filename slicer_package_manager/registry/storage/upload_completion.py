"""Completion of an upload: its bytes become the file of a package or extension, or the new content of its file.

Girder loads, changes and saves whole documents. Of two uploads at the same time, or of an upload and a rename, one
would be lost. For packages and extensions:

1. The store checks that all bytes have arrived. Their checksum must be the one that the client has announced: a damaged
   upload ends here.
2. The store puts the bytes in their place. No file refers to them yet.
3. One transaction takes the package and removes the document of the upload. A new file is inserted with the id of its
   upload, and detaches the old one. For new content of an existing file, a detached copy of its document keeps the old
   bytes for their readers. The package follows: checksum, size, and whether it has a file.
4. After the commit, the sizes of the folders around it follow.

From the commit on readers get the new bytes, with their checksum, size and name. If the file or the package is gone by
then, the upload is canceled, and its bytes are removed. After a failure or a crash before the commit nothing has
changed, and all steps can be repeated.
"""
from __future__ import annotations

import logging
import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial

from bson.objectid import ObjectId
from girder import events
from girder.models import upload as girders
from girder.models.assetstore import Assetstore
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload
from pymongo import ReturnDocument

from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.storage import (
    file_removal,
    stores,
    upload_announcements,
    upload_chunks,
    uploads,
)
from slicer_package_manager.registry.tree import documents, file_names, item_files

logger = logging.getLogger(__name__)

#: Fields of a file that belong to its content, beside those of its store; Girder before 5 had the last two.
_CONTENT = ('sha512', 'linkUrl', 'spm', 'chunkUuid', 'chunkSize')
#: While this thread moves the content of a file to another assetstore: the value of its ``created``.
_moved: ContextVar[datetime | None] = ContextVar('moved', default=None)


def require_current(file: Document) -> None:
    """Check that ``file`` can get new content.

    :raises Conflict: another file of its item has replaced it.
    """
    if item_files.is_detached(file):
        raise Conflict(f'The file "{file["name"]}" ({file["_id"]}) was replaced by another one. Look up the file of '
                       'the item, and begin a new upload.')


@contextmanager
def moving(file: Document) -> Iterator[None]:
    """Make uploads in the block move the content of ``file`` as it was read, instead of replacing newer content."""
    token = _moved.set(file['created'])
    try:
        yield
    finally:
        _moved.reset(token)


def finish(upload: Document, assetstore: Document | None = None) -> Document:
    """Make ``upload``, which has arrived, the file of its package or its new content; return the file.

    :param assetstore: the document of the assetstore of ``upload``, if the caller has loaded it.
    :raises Invalid: the bytes are not the announced ones.
    :raises NotFound: the file, the package or the upload was deleted.
    :raises Conflict: another file has replaced the one that should get new content, or another request was faster.
    """
    is_stored = '_id' in upload
    upload.setdefault('_id', ObjectId())
    assetstore = assetstore or Assetstore().load(upload['assetstoreId'])
    events.trigger('model.upload.finalize', upload)
    store = stores.of_assetstore(assetstore)
    store.complete(upload)
    with _canceled_if_refused(upload):
        upload_announcements.require(upload)
        content = store.finalizeUpload(upload, {
            'creatorId': upload['userId'], 'assetstoreId': assetstore['_id'], 'size': upload['size']})
        events.trigger('model.file.finalizeUpload.before', {'file': content, 'upload': upload})
        file = transactions.run(partial(_store, upload, content, is_stored=is_stored))
    events.trigger('model.file.finalizeUpload.after', {'file': file, 'upload': upload})
    logger.info('Upload complete. Upload=%s File=%s User=%s', upload['_id'], file['_id'], upload['userId'])
    file_removal.sweep()
    _process(upload, file, assetstore)
    return file


def _process(upload: Document, file: Document, assetstore: Document) -> None:
    """Trigger Girder's event for plugins that process new files, with the same information."""
    reference = {'reference': upload['reference']} if 'reference' in upload else {}
    events.trigger('data.process', {
        'file': file, 'assetstore': assetstore, 'currentToken': girders.rest.getCurrentToken(),
        'currentUser': girders.rest.getCurrentUser(), **reference})


@contextmanager
def _canceled_if_refused(upload: Document) -> Iterator[None]:
    try:
        yield
    except (Conflict, Invalid, NotFound):
        uploads.cancel(upload)
        raise


def check_others(upload: Document) -> None:
    """Check ``upload``, which belongs to no package, before it becomes a file; cancel it if it is refused.

    :raises NotFound: its file, item or folder was deleted.
    :raises Invalid: the bytes are not the announced ones.
    """
    with _canceled_if_refused(upload):
        _require_target(upload)
        upload_announcements.require(upload)


def _require_target(upload: Document) -> None:
    model, key = ((File(), 'fileId') if 'fileId' in upload else
                  ({'item': Item(), 'folder': Folder()}.get(upload.get('parentType') or ''), 'parentId'))
    if model and model.findOne({'_id': upload[key]}, fields=['_id']) is None:
        raise NotFound(f'The {model.name} that "{upload["name"]}" is uploaded to was deleted.')


def _store(upload: Document, content: Document, *, is_stored: bool) -> Document:
    """Store ``content`` as that of the file that ``upload`` goes to, or as a new file; return the file."""
    old = _replaceable(upload) if 'fileId' in upload else None
    item = item_files.take(old or {'itemId': upload['parentId']})
    if item is None:
        raise NotFound(f'The package that "{upload["name"]}" is uploaded to was deleted.')
    if is_stored and not Upload().collection.delete_one({'_id': upload['_id']}).deleted_count:
        raise upload_chunks.refusal(upload['_id'])
    file = _replace(upload, old, content) if old else _create(upload, content)
    item_files.settle_taken(item)
    return file


def _replaceable(upload: Document) -> Document:
    old: Document | None = File().findOne({'_id': upload['fileId']})
    if old is None:
        raise NotFound(f'The file that "{upload["name"]}" should replace was deleted.')
    require_current(old)
    if upload.get('moves', old['created']) != old['created']:
        raise Conflict(f'"{old["name"]}" got new content while it was moved to another assetstore.')
    return old


def _create(upload: Document, content: Document) -> Document:
    here = {'itemId': upload['parentId']}
    # Without the event "created": Girder's handler changes the sizes of the folders around.
    return documents.insert(File(), {
        '_id': upload['_id'], **here, **content, **file_names.named(upload['name']), 'mimeType': upload['mimeType'],
        'created': item_files.later_than(File().find(here, fields=['created']))}, 'after')


def _replace(upload: Document, old: Document, content: Document) -> Document:
    """Set ``content`` in the file ``old``, and keep its old bytes for their readers by a detached copy."""
    if old.get('assetstoreId'):
        copy = {**old, '_id': upload['_id'], **item_files.detached(old)}
        File().collection.insert_one(copy)
    new = {**content, **_announced_name(upload), 'created': item_files.later_than([old])}
    removed = {key: '' for key in (*stores.content_fields(), *_CONTENT) if key in old and key not in new}
    changed: Document = File().collection.find_one_and_update(
        {'_id': old['_id']}, {'$set': new, **({'$unset': removed} if removed else {})},
        return_document=ReturnDocument.AFTER)
    documents.trigger_saved(File(), changed, 'after')
    return changed


def _announced_name(upload: Document) -> Document:
    if 'name' not in upload.get('announced', {}):
        return {}
    guessed, _ = mimetypes.guess_type(upload['name'])
    return {**file_names.named(upload['name']), 'mimeType': guessed or 'application/octet-stream'}


def note_move(upload: Document) -> None:
    """Before ``upload`` is saved: if it moves a file, store which content it moves."""
    if _moved.get() is not None and 'fileId' in upload:
        upload['moves'] = _moved.get()
