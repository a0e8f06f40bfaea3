"""Answers: lists as compact JSON with a validator, kept while nothing changes."""
from __future__ import annotations

import hashlib

import cherrypy
import orjson
from girder.api.rest import getCurrentUser, setRawResponse, setResponseHeader
from girder.models.item import Item

from slicer_package_manager.registry.server import settings
from slicer_package_manager.rest.middleware import anonymous_access
from slicer_package_manager.rest.middleware.response_cache import KEPT, Answer, question_of


def listing(model, find, more_keys=(), *, keep=True):
    """Answer the documents that ``find`` gives as a ``Listing``, as ``model`` shows them to the current user.

    With ``Girder-Total-Count``, ``ETag`` and, when the client accepts it, compressed; 304 without a body when
    the client has this very answer already. What the anonymous are answered is kept until something changes.

    :param more_keys: keys of the documents to show besides those that ``model`` exposes.
    :param find: may give ``None`` for what is not to be answered here.
    :param keep: ``False`` if the answer depends on more than folders, items and files.
    :returns: the body, or ``None`` if ``find`` gave that.
    """
    user = getCurrentUser()
    if user is None and _is_plain(cherrypy.request):
        answer = _for_all(lambda: _made(find(), model, None, more_keys), keep=keep)
    else:
        answer = _made(find(), model, user, more_keys)
    return None if answer is None else _send(answer)


def object_as_json(body):
    """Answer ``body``, which is JSON and no list: with ``ETag``, 304 and compression as :func:`listing` does."""
    return _send(_tagged(body, None, 'public, no-cache' if getCurrentUser() is None else 'private, no-cache'))


def record(question, make, total=None):
    """Answer what ``make`` gives, as :func:`object_as_json` does; caches ask for it each time. It is kept as lists are.

    :param question: what the answer depends on, besides folders, items and files; unlike that of any list.
    :param total: gives the number for ``Girder-Total-Count`` from what ``make`` gave.
    """
    def made():
        content = make()
        return _tagged(orjson.dumps(content, default=str), total and total(content), 'no-cache')
    plain = getCurrentUser() is None and _is_plain(cherrypy.request)
    return _send(_for_all(made, keep=True, question=question) if plain else made())


def _send(answer):
    asked = cherrypy.request.headers
    status, headers, body = answer.represented(asked.get('Accept-Encoding', ''), asked.get('If-None-Match', ''))
    setRawResponse()
    cherrypy.response.status = status
    for name in ('Content-Type', 'Expires', 'Pragma'):
        cherrypy.response.headers.pop(name, None)
    for name, value in headers.items():
        setResponseHeader(name, value)
    return body


def _for_all(make, *, keep, question=None):
    """What ``make`` gives, or has given; one that has no ``question`` of its own is as fresh as the settings say."""
    asked = question or question_of(cherrypy.request.wsgi_environ)
    # Before the answer is made, which is at least as new then.
    version = anonymous_access.state().version if keep else None
    answer = KEPT.get(asked, version)
    if answer is None:
        answer = make()
        if answer is None:
            return None
        # A change of these settings makes a new version too, so they need not be read for what is kept.
        seconds, megabytes = settings.get_each(settings.LIST_MAX_AGE, settings.LIST_CACHE)
        if question is None:
            answer.freshness = f'public, max-age={seconds}' if seconds else 'public, no-cache'
        KEPT.put(asked, version, answer, megabytes * 2**20)
    return answer


def _is_plain(request):
    """Whether the path and the query of ``request`` say all that it asks for, and on behalf of nobody."""
    return request.wsgi_environ['REQUEST_METHOD'] in ('GET', 'HEAD') and 'token' not in request.params


def _made(found, model, user, more_keys):
    if found is None:
        return None
    body = orjson.dumps(_shown(found.documents, model, user, more_keys), default=str)
    return _tagged(body, found.total, 'private, no-cache')


def _tagged(body, total, freshness):
    return Answer(body, hashlib.sha1(body, usedforsecurity=False).hexdigest(), total, freshness)


def _shown(documents, model, user, more_keys):
    if not isinstance(model, Item):
        # Girder's filter has the keys in an order of its own in each process, on which the tag must not depend.
        return [dict(sorted(model.filter(document, user, more_keys).items())) for document in documents]
    # Items came with just the keys that Girder's filter would leave, which is slow for hundreds of them.
    for document in documents:
        document['_modelType'] = 'item'
    return documents
