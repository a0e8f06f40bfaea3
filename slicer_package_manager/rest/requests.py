"""Requests that no handler could make sense of: refused before one is reached."""
from functools import wraps

import cherrypy
from cherrypy import _cpreqbody

#: Requests to the registry are forms and queries; files go through Girder's own upload calls.
LARGEST_BODY = 1024 * 1024


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
