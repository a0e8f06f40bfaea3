"""How the bytes of an upload become the file of a package or extension, or the new content of one.

Girder loads, changes and saves whole documents, so that of two uploads at once, or of an upload and a rename, one is
undone. For packages and extensions:

1. What the client has announced is compared with what has arrived: a damaged upload ends here.
2. The assetstore puts the bytes in their place, where no file refers to them yet.
3. A new file is stored under the id of its upload. For new content of a file, a detached copy of its document first
   keeps the old bytes for their readers; then one update sets the new content, if the file still has the one that was
   copied. If not, this step is repeated.
4. :func:`item_files.settle` makes the item tell of the file.
5. The upload is forgotten.

Step 3 is the moment from which readers get the new bytes, with their checksum, their size and their name. Whatever
fails before leaves the former file as it was, and the upload, its bytes and the copy are removed. After a crash, all
steps may be repeated.
"""
from __future__ import annotations

import logging
import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

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
from slicer_package_manager.registry.storage import stores, upload_announcements, uploads
from slicer_package_manager.registry.storage.store import BYTES_LEFT
from slicer_package_manager.registry.tree import documents, file_names, item_files

logger = logging.getLogger(__name__)

#: Fields of a file that belong to its content, beside those of its store; Girder before 5 had the last two.
_CONTENT = ('sha512', 'linkUrl', 'chunkUuid', 'chunkSize')
#: The moment when the file was created, whose content is moved to another assetstore in this thread.
_moved: ContextVar = ContextVar('moved', default=None)


def require_current(file) -> None:
    """Pass if ``file`` takes new content.

    :raises Conflict: another file of its item has replaced it.
    """
    if item_files.is_detached(file):
        raise Conflict(f'The file "{file["name"]}" ({file["_id"]}) was replaced by another one meanwhile. Look up the '
                       'file of the item, and begin the upload anew.')


@contextmanager
def moving(file) -> Iterator[None]:
    """Uploads of this thread move the content of ``file`` as it was read; they do not replace a newer one."""
    token = _moved.set(file['created'])
    try:
        yield
    finally:
        _moved.reset(token)


def finish(upload, assetstore=None) -> dict[str, Any]:
    """Make ``upload``, which has arrived, the file of its package, or the new content of it; the file.

    :raises Invalid: the bytes are not those that were announced.
    :raises NotFound: the file or the package is gone.
    :raises Conflict: another file has replaced the one that should get new content.
    """
    upload.setdefault('_id', ObjectId())
    assetstore = assetstore or Assetstore().load(upload['assetstoreId'])
    events.trigger('model.upload.finalize', upload)
    store = stores.of_assetstore(assetstore)
    store.complete(upload)
    with _given_up_if_refused(upload):
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


def _forget(upload, store):
    """Remove the document of ``upload``, which is a file now, and its bytes if a deletion has left them to it."""
    forgotten = Upload().collection.find_one_and_delete({'_id': upload['_id']})
    if forgotten and forgotten.get(BYTES_LEFT):
        store.discard(forgotten)


def _process(upload, file, assetstore):
    """Tell the plugins that process new files, with what Girder gives them."""
    reference = {'reference': upload['reference']} if 'reference' in upload else {}
    events.trigger('data.process', {
        'file': file, 'assetstore': assetstore, 'currentToken': girders.rest.getCurrentToken(),
        'currentUser': girders.rest.getCurrentUser(), **reference})


@contextmanager
def _given_up_if_refused(upload):
    try:
        yield
    except (Conflict, Invalid, NotFound):
        uploads.give_up(upload)
        raise


def check_others(upload) -> None:
    """Before ``upload``, which is about no package, becomes a file; if it is refused, it is given up.

    :raises NotFound: what it goes to is gone.
    :raises Invalid: the bytes are not those that were announced.
    """
    with _given_up_if_refused(upload):
        _require_target(upload)
        upload_announcements.require(upload)


def _require_target(upload):
    model, key = ((File(), 'fileId') if 'fileId' in upload else
                  ({'item': Item(), 'folder': Folder()}.get(upload.get('parentType')), 'parentId'))
    if model and model.findOne({'_id': upload[key]}, fields=['_id']) is None:
        raise NotFound(f'The {model.name} that "{upload["name"]}" is uploaded to was deleted meanwhile. Begin anew.')


def _create(upload, content):
    """Store a new file of the item that ``upload`` goes to."""
    here = {'itemId': upload['parentId']}
    file = {'_id': upload['_id'], **here, **content, **file_names.named(upload['name']),
            'mimeType': upload['mimeType'], 'created': item_files.later_than(File().find(here, fields=['created']))}
    try:
        # Without "created": Girder's handler, which adds the size to the item, fails if that went meanwhile.
        documents.insert(File(), file, 'after')
    except DuplicateKeyError:
        return _finished(upload)
    if Item().findOne({'_id': upload['parentId']}, fields=['_id']) is None:
        File().remove(file)
        raise NotFound(f'The package that "{upload["name"]}" is uploaded to was deleted meanwhile.')
    return file


def _finished(upload):
    """The file that ``upload`` has become before, by another request or before a crash."""
    file = File().findOne({'_id': upload['_id']})
    if file is None:
        raise NotFound(f'"{upload["name"]}" was deleted in this moment.')
    documents.trigger_saved(File(), file, 'after')
    return file


def _replace(upload, content):
    """Set ``content`` as that of the file, whatever else changes it at the same time."""
    new = None
    while new is None:
        old = File().findOne({'_id': upload['fileId']})
        if old and old.get('spm', {}).get('upload') == upload['_id']:
            new = old  # by another request, or before a crash
            break
        try:
            _require_replaceable(upload, old)
        except RestException:
            _drop_copy(upload)
            raise
        _keep_old(upload, old)
        new = _swap(upload, old, content)
    documents.trigger_saved(File(), new, 'after')
    item_files.sweep()
    return new


def _require_replaceable(upload, old):
    if old is None:
        raise NotFound(f'The file that "{upload["name"]}" should replace was deleted meanwhile.')
    require_current(old)
    if upload.get('moves', old['created']) != old['created']:
        raise Conflict(f'"{old["name"]}" got new content while it was moved to another assetstore.')


def _drop_copy(upload):
    """Remove the copy of what was not replaced in the end, and its bytes, if the file was deleted meanwhile."""
    copy = File().findOne({'_id': upload['_id'], 'spm.retired': {'$exists': True}})
    if copy:
        File().remove(copy, updateItemSize=False)


def _keep_old(upload, old):
    """Have the bytes of ``old`` stay for those who are reading them."""
    if old.get('assetstoreId'):
        copy = {**old, '_id': upload['_id'], **item_files.detached(old)}
        File().collection.replace_one({'_id': upload['_id']}, copy, upsert=True)


def _swap(upload, old, content):
    """The file ``old`` with its new content; ``None`` if it has changed meanwhile."""
    new = {**content, 'created': item_files.later_than([old]), 'spm': {'upload': upload['_id']}}
    if 'name' in upload.get('announced', {}):
        guessed, _ = mimetypes.guess_type(upload['name'])
        new.update(file_names.named(upload['name']), mimeType=guessed or 'application/octet-stream')
    gone = {key: '' for key in (*stores.content_fields(), *_CONTENT) if key in old and key not in new}
    same = {key: old.get(key) for key in ('_id', 'itemId', 'created', 'assetstoreId', 'linkUrl')}
    return File().collection.find_one_and_update(
        same, {'$set': new, **({'$unset': gone} if gone else {})}, return_document=ReturnDocument.AFTER)


def note_move(upload) -> None:
    """Before ``upload`` is stored: if it moves a file, note which content it moves."""
    if _moved.get() is not None and 'fileId' in upload:
        upload['moves'] = _moved.get()
