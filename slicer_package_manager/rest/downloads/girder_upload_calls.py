"""Girder's own calls that upload and rename files, which promise more for packages and extensions.

The handlers are bound to the events that Girder triggers before its own handlers, and when those fail. By then, Girder
has removed the parameters that it knows from those of the event.
"""
from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import cherrypy
from girder.api.rest import getCurrentUser
from girder.events import Event
from girder.exceptions import RestException
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload
from girder.utility import RequestBodyStream

from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import object_id, text
from slicer_package_manager.registry.storage import file_removal, upload_announcements, upload_chunks, upload_completion
from slicer_package_manager.registry.tree import access, builds, file_names, item_files
from slicer_package_manager.rest.downloads.girder_file_calls import found_by_id
from slicer_package_manager.rest.middleware import request_state
from slicer_package_manager.rest.middleware.permissions import permitted

_BAD_REQUEST = 400
#: Keys of an upload that clients do not get.
_INTERNAL = ('tempFile', 'announced', 'sha512state', 'build')
#: Parameters of ``POST /file`` that only Girder's handler knows.
_OF_GIRDER = {'assetstoreId', 'uploadExtraParameters'}
_PARENTS: dict[str | None, Callable[[], Any]] = {'folder': Folder, 'item': Item}


@permitted(access.UPLOAD_FILE)
def replace_contents(event: Event) -> None:
    """``PUT /file/:id/contents``: also accepts the name and the checksum that the file will have."""
    params = event.info['params']
    request_state.current().announced = upload_announcements.parse(params.get('name'), params.get('sha512'))


@permitted(access.UPLOAD_FILE)
def begin_upload(event: Event) -> None:
    """``POST /file``: also accepts the checksum that the file will have, and stores small files of packages at once."""
    params = event.info['params']
    if 'linkUrl' not in params:
        request_state.current().announced = upload_announcements.parse(None, params.get('sha512'))
        file = _stored_at_once(params)
        if file:
            event.preventDefault().addResponse(File().filter(file, getCurrentUser()))


def _stored_at_once(params: Mapping[str, str]) -> Document | None:
    """Store the body of the request as the file of a package; ``None`` if Girder's handler has to respond."""
    body, parent = cherrypy.request.body, object_id(params.get('parentId'))
    if (not parent or params.get('parentType') != 'item' or 'name' not in params or not body.length
            or str(body.length) != params.get('size') or _is_form(body.content_type.value)
            or params.keys() & _OF_GIRDER):
        return None
    found = item_files.of_item(parent, to_store=True)
    if not found or not access.allows(access.UPLOAD_FILE, found.folder, getCurrentUser()):
        return None
    return upload_completion.store_at_once(found, getCurrentUser(), params, body.length, RequestBodyStream(body))


def _is_form(content_type: str) -> bool:
    """Whether CherryPy has parsed a body of ``content_type``."""
    processors = cherrypy.request.body.processors
    return content_type in processors or content_type.split('/', 1)[0] in processors


def announce(event: Event) -> None:
    """Before an upload is saved: add what its client announces, and the run that it belongs to, if it begins now."""
    if '_id' not in event.info:
        upload_announcements.announce(event.info, request_state.current().announced)
        builds.record(event.info)


@permitted(access.RENAME_FILE)
def rename_file(event: Event) -> None:
    """``PUT /file/:id``: changes the name and the type if they are given, and no other field."""
    found = found_by_id(event, item_files.of_file, access.RENAME_FILE)
    if found and found.file:
        params = event.info['params']
        changed = file_names.change(found.file, _stripped(params, 'name'), _stripped(params, 'mimeType'))
        event.preventDefault().addResponse(File().filter(changed, getCurrentUser()))


@permitted(access.DELETE_FILE)
def delete_file(event: Event) -> None:
    """``DELETE /file/:id``: as Girder's call, by fewer queries."""
    found = found_by_id(event, partial(item_files.of_file, to_change=True), access.DELETE_FILE)
    if found and found.file and found.package.files:
        # The audit log, whose handler comes after this one, would not find it.
        request_state.current().audit_subject = {'name': found.file['name'], 'app': found.item['spm']['app']}
        file_removal.remove(found.package, dict(found.file))
        event.preventDefault().addResponse(None)


def _stripped(params: dict[str, str], key: str) -> str | None:
    if params.get(key) is None:
        return None
    try:
        return text(params[key])
    except ValueError as error:
        raise Invalid([(key, str(error))]) from None


@permitted(access.UPLOAD_FILE)
def resume_upload(event: Event) -> None:
    """``GET /file/offset``: where the upload continues, or the request to repeat.

    Girder's own handler saves the whole upload, and overwrites what a chunk has changed since it was read.
    """
    identifier = object_id(event.info['params'].get('uploadId'))
    mine = {'_id': identifier, 'userId': getCurrentUser()['_id']}
    upload = Upload().findOne(mine) if identifier else None
    if upload:
        offset = Upload().requestOffset(upload)
        event.preventDefault().addResponse({'offset': offset} if isinstance(offset, int) else offset)


def chunk_failed(_event: Event) -> None:
    """After ``POST /file/chunk`` failed: 404 or 409 if the client has to begin a new upload."""
    upload = _failed_upload()
    if upload and _number(cherrypy.request.params.get('offset')) < upload['received']:
        raise Conflict(f'The first {upload["received"]} bytes of "{upload["name"]}" have already arrived.')


def completion_failed(_event: Event) -> None:
    """After ``POST /file/completion`` failed: 404 or 409 if there is no such upload."""
    _failed_upload()


def _failed_upload() -> Document | None:
    """Return the upload of a call that failed, ``None`` if the failure has nothing to do with it.

    :raises NotFound, Conflict: there is no such upload.
    """
    error, identifier = sys.exc_info()[1], object_id(cherrypy.request.params.get('uploadId'))
    if not identifier or not isinstance(error, RestException) or error.code != _BAD_REQUEST:
        return None
    upload: Document | None = Upload().findOne({'_id': identifier}, fields=['received', 'name'])
    if upload is None:
        raise upload_chunks.refusal(identifier)
    return upload


def _number(given: str | None) -> int:
    try:
        return int(given or 0)
    except ValueError:
        return sys.maxsize


def begin_failed(_event: Event) -> None:
    """After ``POST /file`` failed: 404 if the item or folder was deleted."""
    params = cherrypy.request.params
    _require_there(_PARENTS.get(params.get('parentType')), params.get('parentId'))


def file_call_failed(event: Event) -> None:
    """After a call that changes a file failed: 404 if the file was deleted."""
    _require_there(File, event.info.get('id'))


def _require_there(model: Callable[[], Any] | None, given: str | None) -> None:
    identifier = object_id(given)
    if model and identifier and model().findOne({'_id': identifier}, fields=['_id']) is None:
        raise NotFound(f'There is no {model().name} {identifier}; it was deleted or replaced. Begin a new '
                       'upload.')


def hide_internals(event: Event) -> None:
    """After a call that returns one or several uploads: remove paths of the server and other internal keys."""
    answer = event.info['returnVal']
    for upload in answer if isinstance(answer, list) else [answer]:
        for key in _INTERNAL:
            upload.pop(key, None)


HANDLERS: dict[str, Callable[[Event], None]] = {
    'rest.put.file/:id/contents.before': replace_contents,
    'rest.put.file/:id/contents.failed': file_call_failed,
    'rest.put.file/:id.failed': file_call_failed,
    'rest.delete.file/:id.before': delete_file,
    'rest.delete.file/:id.failed': file_call_failed,
    'rest.post.file.before': begin_upload,
    'rest.post.file.failed': begin_failed,
    'rest.post.file/chunk.failed': chunk_failed,
    'rest.post.file/completion.failed': completion_failed,
    'rest.put.file/:id.before': rename_file,
    'rest.get.file/offset.before': resume_upload,
    'model.upload.save': announce,
    'rest.post.file.after': hide_internals,
    'rest.post.file/chunk.after': hide_internals,
    'rest.put.file/:id/contents.after': hide_internals,
    'rest.get.system/uploads.after': hide_internals,
}
