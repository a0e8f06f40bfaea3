"""The audit log: what of the requests goes into it.

Girder tells a logger of its own about every request that it has handled; here those that changed something are kept.
"""
from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cherrypy
from girder import auditLogger, events
from girder.api.rest import getCurrentUser

from slicer_package_manager.registry.accounts import audit_log
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import object_id
from slicer_package_manager.registry.server.environment import Operation
from slicer_package_manager.rest.middleware import request_state, routing, tracing
from slicer_package_manager.rest.middleware.permissions import before_anyone

logger = logging.getLogger(__name__)

_CHANGING = {'POST', 'PUT', 'PATCH', 'DELETE'}
_FAILURES = 400
#: What changes nothing yet: uploads are noted when they are complete, and logging in is no change.
_PASSED_OVER = {'/file', '/file/chunk', '/file/completion', '/file/:id/contents', '/file/upload/:id', '/api_key/token',
                '/user/authentication', '/resource/download', '/token/session', '/token/current'}
#: Calls after which nobody can tell what they were about; it is looked up before.
_LOOKED_UP = (
    'put.item/:id', 'delete.item/:id', 'put.item/:id/metadata', 'delete.item/:id/metadata', 'put.folder/:id',
    'delete.folder/:id', 'put.folder/:id/metadata', 'delete.folder/:id/metadata', 'put.folder/:id/access',
    'put.file/:id', 'delete.file/:id',
)
_LONGEST_VALUE = 200


class Recorder(logging.Handler):
    """Keeps what Girder tells of requests that changed something."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep ``record``, if it is one of those; never raises."""
        if record.msg != 'rest.request':
            return
        try:
            _keep_request(record.details)  # type: ignore[attr-defined] # which Girder adds
        except Exception:
            logger.exception('A change is not in the audit log.')


def _keep_request(details: Mapping[str, Any]) -> None:
    route = routing.template()
    params = cherrypy.request.params  # those of the record lack what Girder has handed to the handler
    is_link = route == '/file' and 'linkUrl' in params
    if (details['method'] not in _CHANGING or tracing.status_of(cherrypy.response) >= _FAILURES
            or (route in _PASSED_OVER and not is_link)):
        return
    path = details['route']
    about = request_state.current().audit_subject or _about(path, params)
    audit_log.record({**_who(), 'kind': _kind(path, route), 'method': routing.method(),
                      'path': _text('/' + '/'.join(path)), 'route': route, **about})


def _who() -> Document:
    user, token = getCurrentUser(), request_state.current().token
    key = {'key': token['apiKeyId']} if token and 'apiKeyId' in token else {}
    return {'user': user and user['_id'], 'login': user and user['login'], **key,
            'address': tracing.client_address(), 'request_id': tracing.request_id()}


def _kind(path: Sequence[str], route: str) -> str:
    """What a request to ``path`` changed."""
    if path[0] != 'app':
        return path[0]
    named = [part for part in route.split('/')[2:] if not part.startswith(':')]
    return named[0] if named else 'application'


def _about(path: Sequence[str], params: Mapping[str, Any]) -> Document:
    """What is known of the change from the request alone; values only where they can be no secrets."""
    name = next((params[key] for key in ('name', 'baseName', 'login', 'key') if params.get(key)), None)
    found = {'name': _text(name)} if name else {}
    if path[0] != 'app':
        return found
    app = object_id(path[1]) if len(path) > 1 else None
    given = {_text(key): _text(value) for key, value in params.items() if key != 'token' and '.' not in key
             and not key.startswith('$')}
    return {**found, **({'app': app} if app else {}), **({'given': given} if given else {})}


def _text(value: object) -> str:
    """``value`` as a short text that the database takes as a key too: nobody is to hide a change by what he sends."""
    return str(value)[:_LONGEST_VALUE].encode(errors='replace').decode().replace('\0', '\N{REPLACEMENT CHARACTER}')


def _look_up(model: str) -> Callable[[events.Event], None]:
    @before_anyone
    def handler(event: events.Event) -> None:
        request_state.current().audit_subject = audit_log.subject(model, object_id(event.info.get('id')))
    return handler


def _on_upload(event: events.Event) -> None:
    """After an upload became a file, or the new content of one."""
    file = event.info['file']
    route = routing.template()
    audit_log.record({**_who(), 'kind': 'file', 'method': cherrypy.request.method, 'path': f'/file/{file["_id"]}',
                      'route': route, **audit_log.subject('file', file['_id'])})


def start(operation: Operation) -> None:
    """Keep changes from now on, for as many days as ``operation`` says."""
    audit_log.ensure(operation.audit_days)
    auditLogger.addHandler(Recorder())
    for call in _LOOKED_UP:
        events.bind(f'rest.{call}.before', 'slicer_package_manager.audit', _look_up(call.split('.')[1].split('/')[0]))
    events.bind('model.file.finalizeUpload.after', 'slicer_package_manager.audit', _on_upload)
