"""Record in the audit log the requests that changed something.

1. Before calls that delete or change a document, its name and place are read, because they are unknown afterwards.
2. Girder logs every request that it has handled to ``auditLogger``. :class:`Recorder` records those that changed
   something.
3. Completed uploads are recorded by the event of the new file.
"""
from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cherrypy
from girder import auditLogger, events
from girder.api.rest import getCurrentToken, getCurrentUser

from slicer_package_manager.registry.accounts import audit_log
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import object_id
from slicer_package_manager.registry.server.environment import Operation
from slicer_package_manager.rest.middleware import request_state, routing, tracing
from slicer_package_manager.rest.middleware.permissions import before_anyone

logger = logging.getLogger(__name__)

_CHANGING = {'POST', 'PUT', 'PATCH', 'DELETE'}
_FAILURES = 400
#: Calls that change nothing: uploads are recorded when they are complete, and a login is no change.
_NOT_RECORDED = {'/file', '/file/chunk', '/file/completion', '/file/:id/contents', '/file/upload/:id', '/api_key/token',
                '/user/authentication', '/slicer_package_manager/oidc/token', '/resource/download', '/token/session',
                '/token/current'}
#: Calls for Slicer 4, which change nothing whatever their method is.
_OF_MIDAS = '/midas3'
#: Calls before which the document that they change is read.
_READ_BEFORE = (
    'put.item/:id', 'delete.item/:id', 'put.item/:id/metadata', 'delete.item/:id/metadata', 'put.folder/:id',
    'delete.folder/:id', 'put.folder/:id/metadata', 'delete.folder/:id/metadata', 'put.folder/:id/access',
    'put.file/:id', 'delete.file/:id',
)
_LONGEST_VALUE = 200


class Recorder(logging.Handler):
    """Record the requests that changed something, from Girder's log of requests."""

    def emit(self, record: logging.LogRecord) -> None:
        """Record the request of ``record`` if it changed something; never raise."""
        if record.msg != 'rest.request':
            return
        try:
            _record_request(record.details)  # type: ignore[attr-defined] # which Girder adds
        except Exception:
            logger.exception('A change could not be written to the audit log.')


def _record_request(details: Mapping[str, Any]) -> None:
    route = routing.template()
    if route.startswith(_OF_MIDAS):
        return
    params = cherrypy.request.params  # the record lacks the parameters that Girder has passed to the handler
    is_link = route == '/file' and 'linkUrl' in params
    if (details['method'] not in _CHANGING or tracing.status_of(cherrypy.response) >= _FAILURES
            or (route in _NOT_RECORDED and not is_link)):
        return
    path = details['route']
    subject = request_state.current().audit_subject or _subject(path, params)
    audit_log.record({**_caller(), 'kind': _kind(path, route), 'method': routing.method(),
                      'path': _text('/' + '/'.join(path)), 'route': route, **subject})


def _caller() -> Document:
    user, token = getCurrentUser(), getCurrentToken()
    build = request_state.current().build
    origin = {'key': token['apiKeyId']} if token and 'apiKeyId' in token else {'build': build} if build else {}
    return {'user': user and user['_id'], 'login': user and user['login'], **origin,
            'address': tracing.client_address(), 'request_id': tracing.request_id()}


def _kind(path: Sequence[str], route: str) -> str:
    """Return what a request to ``path`` changed, such as ``package``."""
    if path[0] == 'slicer_package_manager':
        return path[1]
    if path[0] != 'app':
        return path[0]
    named = [part for part in route.split('/')[2:] if not part.startswith(':')]
    return named[0] if named else 'application'


def _subject(path: Sequence[str], params: Mapping[str, Any]) -> Document:
    """Describe the change by the request alone, with values only where they cannot be secrets."""
    name = next((params[key] for key in ('name', 'baseName', 'login', 'key') if params.get(key)), None)
    found = {'name': _text(name)} if name else {}
    if path[0] != 'app':
        return found
    app = object_id(path[1]) if len(path) > 1 else None
    given = {_text(key): _text(value) for key, value in params.items() if key != 'token' and '.' not in key
             and not key.startswith('$')}
    return {**found, **({'app': app} if app else {}), **({'given': given} if given else {})}


def _text(value: object) -> str:
    """Shorten ``value`` to a text that MongoDB accepts even as a key, so that no value prevents a record."""
    return str(value)[:_LONGEST_VALUE].encode(errors='replace').decode().replace('\0', '\N{REPLACEMENT CHARACTER}')


def _read_subject(model: str) -> Callable[[events.Event], None]:
    @before_anyone
    def handler(event: events.Event) -> None:
        state = request_state.current()
        state.audit_subject = state.audit_subject or audit_log.subject(model, object_id(event.info.get('id')))
    return handler


def _on_upload(event: events.Event) -> None:
    """Record an upload that became a file or the new content of a file."""
    file = event.info['file']
    route = routing.template()
    audit_log.record({**_caller(), 'kind': 'file', 'method': cherrypy.request.method, 'path': f'/file/{file["_id"]}',
                      'route': route, **audit_log.subject('file', file['_id'])})


def start(operation: Operation) -> None:
    """Record changes from now on; MongoDB deletes them after ``operation.audit_days`` days."""
    audit_log.ensure(operation.audit_days)
    auditLogger.addHandler(Recorder())
    for call in _READ_BEFORE:
        model = call.split('.')[1].split('/')[0]
        events.bind(f'rest.{call}.before', 'slicer_package_manager.audit', _read_subject(model))
    events.bind('model.file.finalizeUpload.after', 'slicer_package_manager.audit', _on_upload)
