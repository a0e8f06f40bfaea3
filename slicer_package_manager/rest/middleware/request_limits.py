"""Refuse requests that are too large or ambiguous, before a handler is called."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import cherrypy
from bson.errors import BSONError
from cherrypy import _cpreqbody
from cherrypy._cpreqbody import Entity
from cherrypy._cptree import Tree
from girder.api.describe import autoDescribeRoute
from girder.api.rest import Resource
from girder.exceptions import RestException

from slicer_package_manager.registry.server.replacements import replaced
from slicer_package_manager.rest.http import headers as http_headers
from slicer_package_manager.rest.middleware import error_responses, routing, tracing
from slicer_package_manager.rest.middleware.error_responses import ParameterError

#: The largest body, in bytes. Requests are forms and queries; files are sent by Girder's upload calls.
MAX_BODY = 1024 * 1024
#: Parameters become arguments of functions, which have these arguments already.
_ARGUMENTS = {'self', 'cls', 'params', 'event', 'args', 'kwargs'}
#: Names of parameters: without dots, a leading dollar sign, and control characters.
_NAME = re.compile(r'(?!\$)[^.\x00-\x1f\x7f-\x9f\ud800-\udfff]*')
_SHOWN = 100
#: The hook that limits bodies, in CherryPy's configuration. An application may have one of its own.
SIZE_HOOK = 'hooks.on_start_resource.spm_size'
#: A name or an IPv4 address, or an IPv6 address in brackets, with an optional port. Proxies may send a list.
_HOST = re.compile(r'(?:\[[0-9A-Fa-f:.]+\]|[^][\s/?#@\\]*?)(?::\d{0,5})?(?:,.*)?')
#: Methods by which headers may override POST. GET is not among them: caches identify a read by its URL alone.
_OVERRIDABLE = {'PUT', 'PATCH', 'DELETE'}
#: Resources of Girder that accept forms and JSON, but no files.
_WITHOUT_FILES = (
    'api_key', 'assetstore', 'collection', 'folder', 'group', 'item', 'resource', 'system', 'token', 'user')


def _read(process: Callable[[Entity], None], entity: Entity) -> None:
    """Read a body by ``process``, one of CherryPy's: respond with 400 instead of 500 to bodies it cannot read."""
    try:
        process(entity)
    except (cherrypy.HTTPError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - malformed bodies raise errors of any type
        raise cherrypy.HTTPError(400, f'The body of the request cannot be read: {error}') from None


_READERS = {
    'application/x-www-form-urlencoded': replaced(_cpreqbody.process_urlencoded, _read),
    'multipart/form-data': replaced(_cpreqbody.process_multipart_form_data, _read),
    'multipart': replaced(_cpreqbody.process_multipart, _read),
}


def _read_parameters() -> None:
    """Before a handler: read the body of a DELETE, and refuse parameters with impossible names.

    :raises ParameterError: a name is impossible, or occurs twice.
    """
    request = cherrypy.request
    if request.method == 'DELETE':
        _read_body_of_delete(request)
    for name, value in request.params.items():
        if name in _ARGUMENTS or not _NAME.fullmatch(name):
            raise ParameterError(name, f'There is no parameter "{ascii(name)[1:-1][:_SHOWN]}".')
        if isinstance(value, list):
            raise ParameterError(name, f'Parameter "{name[:_SHOWN]}" must not be specified multiple times.')


def _read_body_of_delete(request: Any) -> None:  # CherryPy has no types
    if 'Content-Length' in request.headers:
        # Girder reads the body only in the handler, where an error becomes a 500.
        request.body.process()
        del request.headers['Content-Length']
    else:  # a request without a length has no body (RFC 9112, section 6.3); Girder compares the length with 0
        request.body.length = 0


_read_parameters.priority = 40  # type: ignore[attr-defined] # before files of the root are opened


def prepare() -> None:
    """Prepare the request for Girder's handlers."""
    request = cherrypy.request
    # Girder responds to browsers with a page; our calls respond with JSON to all clients.
    request.headers['Accept'] = 'application/json'


def measure() -> None:
    """At the beginning of a request: refuse a body that is too large, or of unknown size.

    :raises cherrypy.HTTPError: it is too large (413), or its size is unknown (411).
    """
    headers = cherrypy.request.headers
    if 'Transfer-Encoding' in headers:
        raise cherrypy.HTTPError(411, 'Send the body with a Content-Length, not in chunks.')
    length = headers.get('Content-Length') or '0'
    if not length.isdecimal() or int(length) > MAX_BODY:
        raise cherrypy.HTTPError(413, f'The body has more than {MAX_BODY} bytes. Only uploads of files may be larger.')


def _measure_form() -> None:
    """The same for calls that accept files, where a form would be read into memory before the user is known."""
    if any(one.value == 'application/x-www-form-urlencoded' or one.value.startswith('multipart/')
           for one in cherrypy.request.headers.elements('Content-Type')):
        measure()


def _refuse_override() -> None:
    """At the beginning of a request: refuse a POST that overrides its method with one that reads.

    Caches identify a read by its URL, and here the body would replace the query.

    :raises cherrypy.HTTPError: 400.
    """
    headers = cherrypy.request.headers
    overrides = {headers[name].upper() for name in routing.OVERRIDES if name in headers}
    if cherrypy.request.method == 'POST' and not overrides <= _OVERRIDABLE:
        raise cherrypy.HTTPError(400, 'A POST can be overridden only by PUT, PATCH or DELETE. Send any other request '
                                      f'with its own method, without the headers {", ".join(routing.OVERRIDES)}.')


def _refuse_class() -> None:
    """At the beginning of a request: refuse paths such as ``/__class__``, whose parts CherryPy looks up as attributes.

    :raises cherrypy.NotFound: the path leads to a function without an instance.
    """
    function = getattr(cherrypy.request.handler, 'callable', None)
    if function is not None and not hasattr(function, '__self__'):
        raise cherrypy.NotFound


def _refuse_host() -> None:
    """At the beginning of a request: refuse a malformed host name (RFC 9112, section 3.2).

    :raises cherrypy.HTTPError: 400.
    """
    for name in ('Host', 'X-Forwarded-Host'):
        if not _HOST.fullmatch(cherrypy.request.headers.get(name, '')):
            raise cherrypy.HTTPError(400, f'The header {name} is not a valid host name.')


for _hook in (measure, _measure_form, _refuse_override, _refuse_class, _refuse_host):
    _hook.priority = 90  # type: ignore[attr-defined] # after tracing


def _load(original: Callable[..., Any], *args: Any) -> Any:
    try:
        return original(*args)
    except (RecursionError, UnicodeDecodeError, OverflowError, BSONError) as error:
        raise RestException(f'The JSON cannot be read: {error}.') from None


def guard(tree: Tree) -> None:
    """Refuse ambiguous and too large requests to all that ``tree`` serves. Idempotent."""
    http_headers.replace_parsers()
    tracing.add_hooks(tree, {
        'on_start_resource.spm_override': _refuse_override, 'on_start_resource.spm_class': _refuse_class,
        'on_start_resource.spm_host': _refuse_host,
        'before_handler.spm_parameters': _read_parameters})
    for path, app in tree.apps.items():
        is_api = path.endswith('/api')
        own = app.config.get('/', {}).get(SIZE_HOOK)
        app.merge({'/': {'request.body.processors': _READERS,
                         SIZE_HOOK: own or (_measure_form if is_api else measure)}})
        if is_api:
            app.merge({'/': {'error_page.default': error_responses.as_json}})


def guard_bodies(api_root: Any) -> None:
    """Refuse bodies of Girder's calls that are too large, and JSON on which Girder fails. Idempotent."""
    for name in _WITHOUT_FILES:
        _configure(getattr(api_root, name), measure)
    _configure(api_root.file, _measure_form)
    for name in ('_loadJson', '_loadJsonBody'):
        setattr(autoDescribeRoute, name, replaced(getattr(autoDescribeRoute, name), _load))


def _configure(resource: Resource, measure: Callable[[], None]) -> None:
    resource._cp_config = {**getattr(resource, '_cp_config', {}),  # noqa: SLF001 - CherryPy's way to configure a resource
                           SIZE_HOOK: measure, 'error_page.default': error_responses.as_json}
