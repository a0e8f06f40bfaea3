"""Answers: lists as compact JSON with a validator, and folders without what is not for everyone."""
import gzip
import hashlib

import cherrypy
import orjson
from girder.api.rest import getCurrentUser, setRawResponse, setResponseHeader

#: Smaller bodies gain nothing from compression.
_SMALL = 1400


def listing(model, found, more_keys=()):
    """Answer the documents of ``found`` as ``model`` shows them to the current user, and ``more_keys`` of them.

    With ``Girder-Total-Count``, ``ETag`` and, when the client accepts it, compressed; 304 without a body when
    the client has this very answer already.
    """
    user = getCurrentUser()
    body = orjson.dumps([model.filter(document, user, more_keys) for document in found.documents], default=str)
    setResponseHeader('Girder-Total-Count', found.total)
    return json_body(body)


def json_body(body):
    """Answer ``body``, which is JSON, with ``ETag`` and as :func:`listing` does."""
    setRawResponse()
    setResponseHeader('Content-Type', 'application/json')
    setResponseHeader('Vary', 'Accept-Encoding, Girder-Token, Cookie, Origin')
    tag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    setResponseHeader('ETag', tag)
    if _matches(tag):
        cherrypy.response.status = 304
        cherrypy.response.headers.pop('Content-Type', None)
        return b''
    return _compressed(body)


def _matches(tag):
    given = cherrypy.request.headers.get('If-None-Match', '')
    return any(one.strip().removeprefix('W/') in (tag, '*') for one in given.split(','))


def _compressed(body):
    accepted = cherrypy.request.headers.elements('Accept-Encoding') or ()
    if len(body) < _SMALL or not any(one.value in ('gzip', 'x-gzip') and one.qvalue for one in accepted):
        return body
    setResponseHeader('Content-Encoding', 'gzip')
    return gzip.compress(body, compresslevel=5, mtime=0)
