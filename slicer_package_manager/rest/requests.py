"""Requests that no handler could make sense of: refused before one is reached."""
from functools import wraps

import cherrypy
from bson.errors import BSONError
from cherrypy import _cpreqbody
from girder.api.describe import autoDescribeRoute
from girder.exceptions import RestException

from slicer_package_manager.rest import errors, routing, tracing

#: Requests to the registry are forms and queries; files go through Girder's own upload calls.
LARGEST_BODY = 1024 * 1024
#: What a POST may say that it is instead. Whatever is read is asked for by its address alone, which caches go by.
_OVERRIDABLE = {'PUT', 'PATCH', 'DELETE'}
#: Calls of Girder that take forms and JSON, and no files.
_WITHOUT_FILES = (
    'api_key', 'assetstore', 'collection', 'folder', 'group', 'item', 'resource', 'system', 'token', 'user')


def _readable(process):
    """``process``, one of CherryPy's readers of bodies, with a 400 instead of a 500 for bodies it cannot read."""
    @wraps(process)
    def reader(entity):
        try:
            process(entity)
        except (ValueError, EOFError, LookupError) as error:
            raise cherrypy.HTTPError(400, f'The body of the request cannot be read: {error}') from None
    return reader


READERS = {
    'application/x-www-form-urlencoded': _readable(_cpreqbody.process_urlencoded),
    'multipart/form-data': _readable(_cpreqbody.process_multipart_form_data),
    'multipart': _readable(_cpreqbody.process_multipart),
}


def prepare() -> None:
    """Bring the request into the form that Girder's handlers count on."""
    request = cherrypy.request
    if request.method == 'DELETE' and 'Content-Length' in request.headers:
        # Girder would read the body too late for a failure to be a 4xx.
        request.body.process()
        del request.headers['Content-Length']
    if 'self' in request.params:  # would be taken for the resource
        raise cherrypy.HTTPError(400, 'There is no parameter "self".')
    # Girder makes a page for browsers of its answers; ours are JSON for everyone.
    request.headers['Accept'] = 'application/json'


def _measure():
    """At the beginning of a request: refuse a body that is too large, or that does not tell how large it is.

    :raises cherrypy.HTTPError: it is (413), or does not (411).
    """
    headers = cherrypy.request.headers
    if 'Transfer-Encoding' in headers:
        raise cherrypy.HTTPError(411, 'Send the body in one piece, with a Content-Length.')
    length = headers.get('Content-Length') or '0'
    if not length.isdecimal() or int(length) > LARGEST_BODY:
        raise cherrypy.HTTPError(413, f'The body may have {LARGEST_BODY} bytes; only files may have more.')


def _measure_form():
    """The same where files are taken: a form there would be read into memory, whoever sends it."""
    if any(one.value == 'application/x-www-form-urlencoded' or one.value.startswith('multipart/')
           for one in cherrypy.request.headers.elements('Content-Type')):
        _measure()


def _refuse_override():
    """At the beginning of a request: refuse a POST that says it is a request which reads.

    :raises cherrypy.HTTPError: it does (400). Its body would take the place of the query that caches know it by.
    """
    headers = cherrypy.request.headers
    given = {headers[name].upper() for name in routing.OVERRIDES if name in headers}
    if cherrypy.request.method == 'POST' and not given <= _OVERRIDABLE:
        raise cherrypy.HTTPError(400, 'A POST can be overridden only by PUT, PATCH or DELETE. Send any other request '
                                      f'with its own method, without the headers {", ".join(routing.OVERRIDES)}.')


for _hook in (_measure, _measure_form, _refuse_override):
    _hook.priority = 90  # type: ignore[attr-defined] # after the request has got its id


def _as_json(load):
    @wraps(load)
    def loaded(*args):
        try:
            return load(*args)
        except (RecursionError, UnicodeDecodeError, OverflowError, BSONError) as error:
            raise RestException(f'The JSON cannot be read: {error}.') from None
    return loaded


def guard(tree) -> None:
    """Have all that ``tree`` serves refuse requests that are ambiguous; may be called again."""
    tracing.add_hooks(tree, {'on_start_resource.spm_override': _refuse_override})


def guard_bodies(api_root) -> None:
    """Have Girder's calls refuse bodies that are too large, and JSON that it fails on; may be called again."""
    for name in _WITHOUT_FILES:
        _configure(getattr(api_root, name), _measure)
    _configure(api_root.file, _measure_form)
    for name in ('_loadJson', '_loadJsonBody'):
        setattr(autoDescribeRoute, name, _as_json(getattr(autoDescribeRoute, name)))


def _configure(resource, measure):
    resource._cp_config = {**getattr(resource, '_cp_config', {}),  # noqa: SLF001 - CherryPy's way to configure a resource
                           'hooks.on_start_resource.spm_size': measure, 'error_page.default': errors.as_json}
