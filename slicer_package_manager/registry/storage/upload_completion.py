"""Completion of an upload: its bytes become the file of a package or extension, or the new content of its file.

Girder loads, changes and saves whole documents. Of two uploads at the same time, or of an upload and a rename, one
would be lost. For packages and extensions:

1. The store checks that all bytes have arrived. Their checksum must be the one that the client has announced: a damaged
   upload ends here.
2. The store puts the bytes in their place. No file refers to them yet.
3. A new file is inserted with the id of its upload. For new content of an existing file, a detached copy of its
   document first keeps the old bytes for their readers. Then one update sets the new content, if the file still has
   the content that was copied; otherwise this step is repeated.
4. :func:`item_files.settle` reconciles the item with its file.
5. The document of the upload is removed.

From step 3 on readers get the new bytes, with their checksum, size and name. A failure before that leaves the old file
as it was; the upload, its bytes and the copy are removed. After a crash, all steps can be repeated.
"""
from __future__ import annotations

import logging
import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from bson.objectid import ObjectId
from girder import events
from girder.exceptions import RestException
from girder.models import upload as girders
from girder.models.assetstore import Assetstore
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.storage import stores, upload_announcements, uploads
from slicer_package_manager.registry.storage.store import BYTES_LEFT, Store
from slicer_package_manager.registry.tree import documents, file_names, item_files, keys

logger = logging.getLogger(__name__)

#: Fields of a file that belong to its content, beside those of its store; Girder before 5 had the last two.
_CONTENT = ('sha512', 'linkUrl', 'chunkUuid', 'chunkSize')
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
    :raises NotFound: the file or the package was deleted.
    :raises Conflict: another file has replaced the one that should get new content.
    """
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
        file = _replace(upload, content) if 'fileId' in upload else _create(upload, content)
    events.trigger('model.file.finalizeUpload.after', {'file': file, 'upload': upload})
    _forget(upload, store)
    logger.info('Upload complete. Upload=%s File=%s User=%s', upload['_id'], file['_id'], upload['userId'])
    _process(upload, file, assetstore)
    return file


def _forget(upload: Document, store: Store) -> None:
    """Remove the document of ``upload``, which is a file now, and its bytes if a deletion left them to the upload."""
    forgotten = Upload().collection.find_one_and_delete({'_id': upload['_id']})
    if forgotten and forgotten.get(BYTES_LEFT):
        store.discard(forgotten)


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


def _create(upload: Document, content: Document) -> Document:
    """Insert a new file of the item that ``upload`` goes to, with ``content``; return the file."""
    here = {'itemId': upload['parentId']}
    file: Document = {'_id': upload['_id'], **here, **content, **file_names.named(upload['name']),
            'mimeType': upload['mimeType'], 'created': item_files.later_than(File().find(here, fields=['created']))}
    try:
        # Without the event "created": Girder's handler adds the size to the item, and fails if it was deleted.
        documents.insert(File(), file, 'after')
    except DuplicateKeyError:
        return _finished(upload)
    if Item().findOne({'_id': upload['parentId']}, fields=['_id']) is None:
        File().remove(file)
        raise NotFound(f'The package that "{upload["name"]}" is uploaded to was deleted.')
    return file


def _finished(upload: Document) -> Document:
    """Return the file that ``upload`` became before, by another request or before a crash."""
    file: Document | None = File().findOne({'_id': upload['_id']})
    if file is None:
        raise NotFound(f'"{upload["name"]}" was deleted at the same time.')
    documents.trigger_saved(File(), file, 'after')
    return file


def _replace(upload: Document, content: Document) -> Document:
    """Set ``content`` in the file that ``upload`` goes to, and return it; other changes of the file are kept."""
    new: Document | None = None
    while new is None:
        old = File().findOne({'_id': upload['fileId']})
        if old and old.get('spm', {}).get('upload') == upload['_id']:
            new = old  # by another request, or before a crash
            break
        try:
            old = _require_replaceable(upload, old)
        except RestException:
            _drop_copy(upload)
            raise
        _keep_old(upload, old)
        new = _swap(upload, old, content)
    documents.trigger_saved(File(), new, 'after')
    item_files.sweep()
    return new


def _require_replaceable(upload: Document, old: Document | None) -> Document:
    if old is None:
        raise NotFound(f'The file that "{upload["name"]}" should replace was deleted.')
    require_current(old)
    if upload.get('moves', old['created']) != old['created']:
        raise Conflict(f'"{old["name"]}" got new content while it was moved to another assetstore.')
    return old


def _drop_copy(upload: Document) -> None:
    """Remove the copy of content that was not replaced, and its bytes if the file was deleted."""
    copy = File().findOne({'_id': upload['_id'], keys.DETACHED: {'$exists': True}})
    if copy:
        File().remove(copy, updateItemSize=False)


def _keep_old(upload: Document, old: Document) -> None:
    """Keep the bytes of ``old`` for their readers, by a detached copy of its document."""
    if old.get('assetstoreId'):
        copy = {**old, '_id': upload['_id'], **item_files.detached(old)}
        File().collection.replace_one({'_id': upload['_id']}, copy, upsert=True)


def _swap(upload: Document, old: Document, content: Document) -> Document | None:
    """Set ``content`` in the file ``old`` and return it, ``None`` if it does not have its old content any more."""
    new: Document = {**content, 'created': item_files.later_than([old]), 'spm': {'upload': upload['_id']}}
    if 'name' in upload.get('announced', {}):
        guessed, _ = mimetypes.guess_type(upload['name'])
        new.update(file_names.named(upload['name']), mimeType=guessed or 'application/octet-stream')
    removed = {key: '' for key in (*stores.content_fields(), *_CONTENT) if key in old and key not in new}
    same = {key: old.get(key) for key in ('_id', 'itemId', 'created', 'assetstoreId', 'linkUrl')}
    changed: Document | None = File().collection.find_one_and_update(
        same, {'$set': new, **({'$unset': removed} if removed else {})}, return_document=ReturnDocument.AFTER)
    return changed


def note_move(upload: Document) -> None:
    """Before ``upload`` is saved: if it moves a file, store which content it moves."""
    if _moved.get() is not None and 'fileId' in upload:
        upload['moves'] = _moved.get()
