"""Answers: lists as compact JSON with a validator, and folders without what is not for everyone."""
import gzip
import hashlib

import cherrypy
import orjson
from girder.api.rest import getCurrentUser, setRawResponse, setResponseHeader

from slicer_package_manager.rest.http import accepts_gzip, has_tag

#: Smaller bodies gain nothing from compression.
_SMALL = 1400


def listing(model, found, more_keys=()):
    """Answer the documents of ``found`` as ``model`` shows them to the current user, and ``more_keys`` of them.

    With ``Girder-Total-Count``, ``ETag`` and, when the client accepts it, compressed; 304 without a body when
    the client has this very answer already.
    """
    user = getCurrentUser()
    body = orjson.dumps([model.filter(document, user, more_keys) for document in found.documents], default=str)
    setRawResponse()
    setResponseHeader('Content-Type', 'application/json')
    setResponseHeader('Girder-Total-Count', found.total)
    setResponseHeader('Vary', 'Accept-Encoding, Girder-Token, Cookie, Origin')
    tag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    setResponseHeader('ETag', tag)
    if has_tag(cherrypy.request.headers, tag):
        cherrypy.response.status = 304
        cherrypy.response.headers.pop('Content-Type', None)
        return b''
    return _compressed(body)


def _compressed(body):
    if len(body) < _SMALL or not accepts_gzip(cherrypy.request.headers):
        return body
    setResponseHeader('Content-Encoding', 'gzip')
    return gzip.compress(body, compresslevel=5, mtime=0)
