"""Requests that no handler could make sense of: refused before one is reached."""
from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

import cherrypy
from bson.errors import BSONError
from cherrypy import _cpreqbody
from cherrypy._cpreqbody import Entity
from cherrypy._cptree import Tree
from girder.api.describe import autoDescribeRoute
from girder.api.rest import Resource
from girder.exceptions import RestException

from slicer_package_manager.rest.http import headers as http_headers
from slicer_package_manager.rest.middleware import error_responses, routing, tracing
from slicer_package_manager.rest.middleware.error_responses import ParameterError

#: Requests to the registry are forms and queries; files go through Girder's own upload calls.
LARGEST_BODY = 1024 * 1024
#: Parameters become arguments of functions, which have these themselves.
_ARGUMENTS = {'self', 'cls', 'params', 'event', 'args', 'kwargs'}
#: No name of a parameter has a dot, a dollar sign at its beginning, or control characters.
_NAME = re.compile(r'(?!\$)[^.\x00-\x1f\x7f-\x9f\ud800-\udfff]*')
_SHOWN = 100
#: A name or an IPv4 address, or an IPv6 address in brackets, and perhaps a port; what a proxy sends may be a list.
_HOST = re.compile(r'(?:\[[0-9A-Fa-f:.]+\]|[^][\s/?#@\\]*?)(?::\d{0,5})?(?:,.*)?')
#: What a POST may say that it is instead. Whatever is read is asked for by its address alone, which caches go by.
_OVERRIDABLE = {'PUT', 'PATCH', 'DELETE'}
#: Calls of Girder that take forms and JSON, and no files.
_WITHOUT_FILES = (
    'api_key', 'assetstore', 'collection', 'folder', 'group', 'item', 'resource', 'system', 'token', 'user')


def _readable(process: Callable[[Entity], None]) -> Callable[[Entity], None]:
    """``process``, one of CherryPy's readers of bodies, with a 400 instead of a 500 for bodies it cannot read."""
    @wraps(process)
    def reader(entity: Entity) -> None:
        try:
            process(entity)
        except (cherrypy.HTTPError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - it raises whatever comes of what it did not expect
            raise cherrypy.HTTPError(400, f'The body of the request cannot be read: {error}') from None
    return reader


_READERS = {
    'application/x-www-form-urlencoded': _readable(_cpreqbody.process_urlencoded),
    'multipart/form-data': _readable(_cpreqbody.process_multipart_form_data),
    'multipart': _readable(_cpreqbody.process_multipart),
}


def _read_parameters() -> None:
    """Before a handler: read the body of a DELETE, and refuse parameters that are none.

    :raises ParameterError: one is none, or is there twice.
    """
    request = cherrypy.request
    if request.method == 'DELETE' and 'Content-Length' in request.headers:
        # Girder would read the body too late for a failure to be a 4xx.
        request.body.process()
        del request.headers['Content-Length']
    for name, value in request.params.items():
        if name in _ARGUMENTS or not _NAME.fullmatch(name):
            raise ParameterError(name, f'There is no parameter "{ascii(name)[1:-1][:_SHOWN]}".')
        if isinstance(value, list):
            raise ParameterError(name, f'Parameter "{name[:_SHOWN]}" must not be specified multiple times.')


_read_parameters.priority = 40  # type: ignore[attr-defined] # before files of the root are opened


def prepare() -> None:
    """Bring the request into the form that Girder's handlers count on."""
    request = cherrypy.request
    # Girder makes a page for browsers of its answers; ours are JSON for everyone.
    request.headers['Accept'] = 'application/json'


def _measure() -> None:
    """At the beginning of a request: refuse a body that is too large, or that does not tell how large it is.

    :raises cherrypy.HTTPError: it is (413), or does not (411).
    """
    headers = cherrypy.request.headers
    if 'Transfer-Encoding' in headers:
        raise cherrypy.HTTPError(411, 'Send the body in one piece, with a Content-Length.')
    length = headers.get('Content-Length') or '0'
    if not length.isdecimal() or int(length) > LARGEST_BODY:
        raise cherrypy.HTTPError(413, f'The body may have {LARGEST_BODY} bytes; only files may have more.')


def _measure_form() -> None:
    """The same where files are taken: a form there would be read into memory, whoever sends it."""
    if any(one.value == 'application/x-www-form-urlencoded' or one.value.startswith('multipart/')
           for one in cherrypy.request.headers.elements('Content-Type')):
        _measure()


def _refuse_override() -> None:
    """At the beginning of a request: refuse a POST that says it is a request which reads.

    :raises cherrypy.HTTPError: it does (400). Its body would take the place of the query that caches know it by.
    """
    headers = cherrypy.request.headers
    given = {headers[name].upper() for name in routing.OVERRIDES if name in headers}
    if cherrypy.request.method == 'POST' and not given <= _OVERRIDABLE:
        raise cherrypy.HTTPError(400, 'A POST can be overridden only by PUT, PATCH or DELETE. Send any other request '
                                      f'with its own method, without the headers {", ".join(routing.OVERRIDES)}.')


def _refuse_class() -> None:
    """At the beginning of a request: CherryPy takes parts of the path for attributes, ``__class__`` among them.

    :raises cherrypy.NotFound: the path leads to a function that belongs to no object, and would take a part of the path
        for the object.
    """
    function = getattr(cherrypy.request.handler, 'callable', None)
    if function is not None and not hasattr(function, '__self__'):
        raise cherrypy.NotFound


def _refuse_host() -> None:
    """At the beginning of a request: refuse the name of a host that is none (RFC 9112, section 3.2).

    :raises cherrypy.HTTPError: 400.
    """
    for name in ('Host', 'X-Forwarded-Host'):
        if not _HOST.fullmatch(cherrypy.request.headers.get(name, '')):
            raise cherrypy.HTTPError(400, f'The header {name} does not name a host.')


for _hook in (_measure, _measure_form, _refuse_override, _refuse_class, _refuse_host):
    _hook.priority = 90  # type: ignore[attr-defined] # after the request has got its id


def _as_json(load: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(load)
    def loaded(*args: Any) -> Any:
        try:
            return load(*args)
        except (RecursionError, UnicodeDecodeError, OverflowError, BSONError) as error:
            raise RestException(f'The JSON cannot be read: {error}.') from None
    return loaded


def guard(tree: Tree) -> None:
    """Have all that ``tree`` serves refuse requests that are ambiguous; may be called again."""
    http_headers.be_lenient()
    tracing.add_hooks(tree, {
        'on_start_resource.spm_override': _refuse_override, 'on_start_resource.spm_class': _refuse_class,
        'on_start_resource.spm_host': _refuse_host,
        'before_handler.spm_parameters': _read_parameters})
    for path, app in tree.apps.items():
        is_api = path.endswith('/api')
        app.merge({'/': {'request.body.processors': _READERS,
                         'hooks.on_start_resource.spm_size': _measure_form if is_api else _measure}})
        if is_api:
            app.merge({'/': {'error_page.default': error_responses.as_json}})


def guard_bodies(api_root: Any) -> None:
    """Have Girder's calls refuse bodies that are too large, and JSON that it fails on; may be called again."""
    for name in _WITHOUT_FILES:
        _configure(getattr(api_root, name), _measure)
    _configure(api_root.file, _measure_form)
    for name in ('_loadJson', '_loadJsonBody'):
        setattr(autoDescribeRoute, name, _as_json(getattr(autoDescribeRoute, name)))


def _configure(resource: Resource, measure: Callable[[], None]) -> None:
    resource._cp_config = {**getattr(resource, '_cp_config', {}),  # noqa: SLF001 - CherryPy's way to configure a resource
                           'hooks.on_start_resource.spm_size': measure, 'error_page.default': error_responses.as_json}
