"""Girder's own calls that send and name files, where they promise more.

Bound to the events that Girder gives before its handlers, and when they fail. By then, Girder has taken the parameters
that it knows from those of the event.
"""
import sys

import cherrypy
from girder import events
from girder.api.rest import getCurrentUser
from girder.exceptions import RestException
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload

from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound
from slicer_package_manager.registry.schema.validators import object_id, text
from slicer_package_manager.registry.storage import upload_announcements, upload_chunks
from slicer_package_manager.registry.storage.store import BYTES_LEFT
from slicer_package_manager.registry.tree import access, file_names, item_files
from slicer_package_manager.rest.downloads.girder_file_calls import found_by_id
from slicer_package_manager.rest.middleware import request_state
from slicer_package_manager.rest.middleware.permissions import permitted

_BAD_REQUEST = 400
#: Keys of an upload that are no business of any client.
_INTERNAL = ('tempFile', 'announced', 'sha512state', BYTES_LEFT)
_PARENTS = {'folder': Folder, 'item': Item}


@permitted(access.UPLOAD_FILE)
def replace_contents(event):
    """``PUT /file/:id/contents``: also takes the name and the checksum that the file will have."""
    params = event.info['params']
    request_state.current().announced = upload_announcements.parse(params.get('name'), params.get('sha512'))


@permitted(access.UPLOAD_FILE)
def begin_upload(event):
    """``POST /file``: also takes the checksum that the file will have."""
    params = event.info['params']
    if 'linkUrl' not in params:
        request_state.current().announced = upload_announcements.parse(None, params.get('sha512'))


def announce(event):
    """Before an upload is stored: one that this request begins carries what its client announces."""
    if '_id' not in event.info:
        upload_announcements.announce(event.info, request_state.current().announced)


@permitted(access.RENAME_FILE)
def rename_file(event):
    """``PUT /file/:id``: changes the name and the type as far as given, and nothing that others change."""
    found = found_by_id(event, item_files.of_file, access.RENAME_FILE)
    if found:
        params = event.info['params']
        changed = file_names.change(found.file, _stripped(params, 'name'), _stripped(params, 'mimeType'))
        event.preventDefault().addResponse(File().filter(changed, getCurrentUser()))


def _stripped(params, key):
    if params.get(key) is None:
        return None
    try:
        return text(params[key])
    except ValueError as error:
        raise Invalid([(key, str(error))]) from None


@permitted(access.UPLOAD_FILE)
def resume_upload(event):
    """``GET /file/offset``: where the upload goes on; its checksum so far is made true before.

    Girder stores the upload as it has read it, over what a chunk that arrives meanwhile has changed.
    """
    identifier = object_id(event.info['params'].get('uploadId'))
    upload = identifier and Upload().findOne({'_id': identifier, 'userId': getCurrentUser()['_id']})
    if upload:
        offset = Upload().requestOffset(upload)
        event.preventDefault().addResponse({'offset': offset} if isinstance(offset, int) else offset)


def chunk_failed(event):
    """After ``POST /file/chunk`` failed: 404 or 409 where the client has to begin anew."""
    upload = completion_failed(event)
    if upload and _number(cherrypy.request.params.get('offset')) < upload['received']:
        raise Conflict(f'The first {upload["received"]} bytes of "{upload["name"]}" have arrived already.')


def completion_failed(_event):
    """After ``POST /file/completion`` failed: 404 or 409 if there is no such upload; else the upload."""
    error, identifier = sys.exc_info()[1], object_id(cherrypy.request.params.get('uploadId'))
    if not identifier or not isinstance(error, RestException) or error.code != _BAD_REQUEST:
        return None
    upload = Upload().findOne({'_id': identifier}, fields=['received', 'name'])
    if upload is None:
        raise upload_chunks.refusal(identifier)
    return upload


def _number(given):
    try:
        return int(given or 0)
    except ValueError:
        return sys.maxsize


def begin_failed(_event):
    """After ``POST /file`` failed: 404 if what the file should go to is gone."""
    params = cherrypy.request.params
    _require_there(_PARENTS.get(params.get('parentType')), params.get('parentId'))


def file_call_failed(event):
    """After a call that changes a file failed: 404 if the file is gone."""
    _require_there(File, event.info.get('id'))


def _require_there(model, given):
    identifier = object_id(given)
    if model and identifier and model().findOne({'_id': identifier}, fields=['_id']) is None:
        raise NotFound(f'There is no {model().name} {identifier}; it was deleted, or replaced. Begin anew.')


def hide_internals(event):
    """After a call that answers one upload or several: without paths of the server, and what is kept for it alone."""
    answer = event.info['returnVal']
    for upload in answer if isinstance(answer, list) else [answer]:
        for key in _INTERNAL:
            upload.pop(key, None)


HANDLERS = {
    'rest.put.file/:id/contents.before': replace_contents,
    'rest.put.file/:id/contents.failed': file_call_failed,
    'rest.put.file/:id.failed': file_call_failed,
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


def bind():
    """Bind all handlers."""
    for name, handler in HANDLERS.items():
        events.bind(name, 'slicer_package_manager.uploads', handler)
