"""Completion of an upload: its bytes become the file of a package or extension, or the new content of its file.

Girder loads, changes and saves whole documents. Of two uploads at the same time, or of an upload and a rename, one
would be lost. For packages and extensions:

1. The store checks that all bytes have arrived. Their checksum must be the one that the client has announced: a damaged
   upload ends here.
2. The store puts the bytes in their place. No file refers to them yet. If the application requires it, they are
   checked (:mod:`upload_checks`).
3. One transaction removes the document of the upload, and writes what the package states about its file: checksum,
   size, and whether it has one. A new file is inserted with the id of its upload, and detaches the old one. For new
   content of an existing file, a detached copy of its document keeps the old bytes for their readers.
4. After the commit, the sizes of the folders around it follow.

From the commit on readers get the new bytes, with their checksum, size and name. If the file or the package is gone by
then, the upload is canceled, and its bytes are removed. After a failure or a crash before the commit nothing has
changed, and all steps can be repeated.
"""
from __future__ import annotations

import logging
import mimetypes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Any, cast

from bson.objectid import ObjectId
from girder import events
from girder.models import upload as girders
from girder.models.assetstore import Assetstore
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload
from pymongo import ReplaceOne, UpdateOne

from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import settings
from slicer_package_manager.registry.storage import (
    stores,
    upload_announcements,
    upload_checks,
    upload_chunks,
    uploads,
)
from slicer_package_manager.registry.storage.store import Store
from slicer_package_manager.registry.tree import builds, documents, file_names, former_files, item_files
from slicer_package_manager.registry.tree.types import PackageItem, StoredFile

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


def store_at_once(target: item_files.Found, user: Document, params: Mapping[str, Any], size: int, content: Any
                  ) -> Document | None:
    """Store ``content``, a stream of ``size`` bytes, as a file of the package ``target``; return the file.

    No client knows the upload yet, so its document is stored only when its bytes have arrived, with their checksum. A
    server that is killed before leaves a temporary file, which :mod:`uploads` removes.

    :param params: those of the call.
    :returns: ``None`` if the document must be stored first: there are quotas, or the store requires it.
    """
    assetstore = Upload().getTargetAssetstore('item', target.item, target.assetstore)
    store = assetstore and stores.of_assetstore(assetstore)
    if not store or not store.finds_uploads or settings.get(settings.UPLOAD_QUOTAS):
        return None
    upload = Upload().createUpload(
        user, params['name'], 'item', target.item, size, params.get('mimeType'), params.get('reference'), assetstore,
        save=False)
    try:
        store.complete(store.uploadChunk(upload, content, None))
        Upload().save(upload)
    except BaseException:
        store.cancelUpload(upload)
        raise
    return finish(upload, target.package, assetstore)


def finish(upload: Document, package: item_files.Package, assetstore: Document | None = None) -> Document:
    """Make ``upload``, which has arrived, the file of ``package`` or its new content; return the file.

    :param assetstore: the document of the assetstore of ``upload``, if the caller has loaded it.
    :raises Invalid: the bytes are not the announced ones.
    :raises NotFound: the file, the package or the upload was deleted.
    :raises Conflict: another file has replaced the one that should get new content, or another request was faster.
    """
    upload.setdefault('_id', ObjectId())  # Girder does not store the upload of an empty file
    assetstore = assetstore or Assetstore().load(upload['assetstoreId'])
    events.trigger('model.upload.finalize', upload)
    store = stores.of_assetstore(assetstore)
    store.complete(upload)
    with _canceled_if_refused(upload):
        builds.require_same(upload)
        upload_announcements.require(upload)
        content = _put_in_place(upload, package.item, store)
        file = item_files.change(package, partial(_store, upload, content))
    _report(upload, file, assetstore)
    return file


def _put_in_place(upload: Document, item: PackageItem, store: Store) -> Document:
    """Let ``store`` put the bytes of ``upload`` in place, and check them; return the fields of a file with them."""
    content = store.finalizeUpload(upload, {
        'creatorId': upload['userId'], 'assetstoreId': store.assetstore['_id'], 'size': upload['size'],
        **builds.of_upload(upload)})
    upload_checks.require(item, upload, content, store)
    events.trigger('model.file.finalizeUpload.before', {'file': content, 'upload': upload})
    return content


def _report(upload: Document, file: Document, assetstore: Document) -> None:
    """Log that ``upload`` is complete, and trigger Girder's events, also for plugins that process new files."""
    events.trigger('model.file.finalizeUpload.after', {'file': file, 'upload': upload})
    logger.info('Upload complete. Upload=%s File=%s User=%s', upload['_id'], file['_id'], upload['userId'])
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


def _store(upload: Document, content: Document, package: item_files.Package | None) -> Document:
    """Store ``content`` as that of the file that ``upload`` goes to, or as a new file; return the file."""
    if package is None:
        raise NotFound(f'The package that "{upload["name"]}" is uploaded to was deleted.')
    if not Upload().collection.delete_one({'_id': upload['_id']}).deleted_count and upload['size']:
        raise upload_chunks.refusal(upload['_id'])
    return _replace(upload, content, package) if 'fileId' in upload else _create(upload, content, package)


def _create(upload: Document, content: Document, package: item_files.Package) -> Document:
    file: Any = {'_id': upload['_id'], 'itemId': upload['parentId'], **content, **file_names.named(upload['name']),
                 'mimeType': upload['mimeType'], 'created': item_files.later_than(package.files)}
    item_files.update_item(package.item, [*package.files, file], is_attested=package.is_attested)
    # Without the event "created": Girder's handler changes the sizes of the folders around.
    created: Document = documents.insert(File(), file, 'after')
    return created


def _replace(upload: Document, content: Document, package: item_files.Package) -> Document:
    """Set ``content`` in a file of ``package``, and keep its old bytes for their readers by a detached copy."""
    old = _replaceable(upload, package)
    new = {**content, **_announced_name(upload), 'created': item_files.later_than([old])}
    if 'moves' in upload and 'spm' in old:
        new['spm'] = old['spm']
    removed = [key for key in (*stores.content_fields(), *_CONTENT) if key in old and key not in new]
    file: Document = {**{key: value for key, value in old.items() if key not in removed}, **new}
    files = [cast('StoredFile', file) if one is old else one for one in package.files]
    item_files.update_item(package.item, files, is_attested=package.is_attested)
    is_other = old.get('sha512') != new.get('sha512')  # a move to another assetstore keeps the content
    copy: Document | None = None
    if old.get('assetstoreId'):
        copy = {**old, '_id': upload['_id'], **item_files.detached(old)}
        copy['spm'] |= {'facts': former_files.of_detached(package.item, old)} if is_other else {}
    File().collection.bulk_write([
        *([ReplaceOne({'_id': upload['_id']}, copy, upsert=True)] if copy else ()),
        UpdateOne({'_id': old['_id']}, {'$set': new, **({'$unset': dict.fromkeys(removed, '')} if removed else {})})])
    if is_other and not copy:
        former_files.record(package.item, old)
    documents.trigger_saved(File(), file, 'after')
    return file


def _replaceable(upload: Document, package: item_files.Package) -> StoredFile:
    old = package.file(upload['fileId'])
    if old is None:
        require_current(File().findOne({'_id': upload['fileId']}) or {})
        raise NotFound(f'The file that "{upload["name"]}" should replace was deleted.')
    if upload.get('moves', old['created']) != old['created']:
        raise Conflict(f'"{old["name"]}" got new content while it was moved to another assetstore.')
    return old


def _announced_name(upload: Document) -> Document:
    if 'name' not in upload.get('announced', {}):
        return {}
    guessed, _ = mimetypes.guess_type(upload['name'])
    return {**file_names.named(upload['name']), 'mimeType': guessed or 'application/octet-stream'}


def note_move(upload: Document) -> None:
    """Before ``upload`` is saved: if it moves a file, store which content it moves."""
    if _moved.get() is not None and 'fileId' in upload:
        upload['moves'] = _moved.get()
