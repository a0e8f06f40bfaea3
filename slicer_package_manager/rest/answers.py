"""Answers: lists as compact JSON with a validator, kept while nothing changes."""
from __future__ import annotations

import gzip
import hashlib

import cherrypy
import orjson
from girder.api.rest import getCurrentUser, setRawResponse, setResponseHeader
from girder.models.item import Item

from slicer_package_manager.registry import changes, settings
from slicer_package_manager.rest.http import accepts_gzip
from slicer_package_manager.rest.kept import Answer, Kept

#: Smaller bodies gain nothing from compression.
_SMALL = 1400

_kept = Kept()


def listing(question, model, find, more_keys=()):
    """Answer the documents that ``find`` gives as a ``Listing``, as ``model`` shows them to the current user.

    With ``Girder-Total-Count``, ``ETag`` and, when the client accepts it, compressed; 304 without a body when
    the client has this very answer already. What the anonymous are answered is kept until something changes.

    :param question: what is asked for, so that the same question has the same answer; empty if the answer
        depends on more than folders and items.
    :param more_keys: keys of the documents to show besides those that ``model`` exposes.
    """
    user = getCurrentUser()
    if user is None:
        answer = _for_all(question, lambda freshness: _made(find(), model, None, more_keys, freshness))
    else:
        answer = _made(find(), model, user, more_keys, 'private, no-cache')
    setRawResponse()
    _set_headers(answer)
    return _body(answer)


def record(question, make):
    """Answer what ``make`` gives, as JSON and always asked for anew; kept as lists are.

    :param question: as for :func:`listing`.
    """
    def answer(_freshness=None):
        body = orjson.dumps(make())
        return Answer(body, _hash(body), 1, 'no-cache')
    given = _for_all(question, answer) if getCurrentUser() is None else answer()
    setRawResponse()
    _set_headers(given)
    cherrypy.response.headers.pop('Girder-Total-Count')
    return _body(given)


def _hash(body):
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def _for_all(question, make):
    version = question and changes.version()  # before the answer is made, which is at least as new then
    answer = _kept.get(question, version)
    if answer is None:
        # A change of these settings makes a new version too, so they need not be read for what is kept.
        seconds, megabytes = settings.get_each(settings.LIST_MAX_AGE, settings.LIST_CACHE)
        answer = make(f'public, max-age={seconds}' if seconds else 'public, no-cache')
        _kept.put(question, version, answer, megabytes * 2**20)
    return answer


def _made(found, model, user, more_keys, freshness):
    body = orjson.dumps(_shown(found.documents, model, user, more_keys), default=str)
    return Answer(body, _hash(body), found.total, freshness)


def _shown(documents, model, user, more_keys):
    if not isinstance(model, Item):
        return [model.filter(document, user, more_keys) for document in documents]
    # Items came with just the keys that Girder's filter would leave, which is slow for hundreds of them.
    for document in documents:
        document['_modelType'] = 'item'
    return documents


def _set_headers(answer):
    setResponseHeader('Content-Type', 'application/json')
    setResponseHeader('Girder-Total-Count', answer.total)
    setResponseHeader('Vary', 'Accept-Encoding, Girder-Token, Cookie, Origin')
    setResponseHeader('Cache-Control', answer.freshness)
    for name in ('Expires', 'Pragma'):
        cherrypy.response.headers.pop(name, None)


def _body(answer):
    packed = len(answer.body) >= _SMALL and accepts_gzip(cherrypy.request.headers)
    # The compressed body is another representation, with a tag of its own.
    tag = f'"{answer.tag}-gzip"' if packed else f'"{answer.tag}"'
    setResponseHeader('ETag', tag)
    if _client_has(answer.tag):
        cherrypy.response.status = 304
        cherrypy.response.headers.pop('Content-Type', None)
        return b''
    if not packed:
        return answer.body
    setResponseHeader('Content-Encoding', 'gzip')
    if answer.packed is None:
        answer.packed = gzip.compress(answer.body, compresslevel=6, mtime=0)
    return answer.packed


def _client_has(tag):
    given = cherrypy.request.headers.get('If-None-Match')
    if not given:
        return False
    tags = (one.strip().removeprefix('W/').strip('"').removesuffix('-gzip') for one in given.split(','))
    return any(one in (tag, '*') for one in tags)
