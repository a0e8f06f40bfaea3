"""Lists for anonymous clients that are made anew without CherryPy and Girder, whose work takes longer than many lists.

1. Girder handles the first request, checks its parameters, and the handler passes on how it makes the list
   (:func:`prepared_list`). This is kept for a minute, by the path and the query without the words of a search.
2. For the next such request, :mod:`front.cached` has :meth:`PreparedList.response` make the response: all is read anew
   that it depends on, also who may see it.
3. If that fails, Girder handles the request, and responds with the error.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, cast
from urllib.parse import unquote_plus

import cherrypy

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.pagination import Listing
from slicer_package_manager.registry.server import data_version
from slicer_package_manager.registry.server.versioned_cache import VersionedCache
from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware import anonymous_access, request_state, response_cache
from slicer_package_manager.rest.middleware.response_cache import Key


class Searchable(Protocol):
    """What a search goes through.

    :ivar memory: an estimate of what it takes, in bytes.
    """

    memory: int

    def matching(self, words: str) -> Listing:
        """Find what has all ``words``."""


class PreparedList:
    """A list for anonymous clients that can be made again.

    :param key: see :func:`prepared_key`.
    :param find: reads it from the database.
    :param searchable: reads what a search goes through; ``None`` if the database searches.
    """

    def __init__(self, key: Key, find: Callable[[], Listing], searchable: Callable[[], Searchable] | None) -> None:
        self._key, self._find, self._searchable = key, find, searchable
        self.can_search = searchable is not None

    def response(self, words: str = '', version: data_version.Version | None = None) -> JsonResponse:
        """Return the list as it is now, or what of it has all ``words``. The list is cached until the data changes.

        :param words: only if :attr:`can_search`.
        :param version: the data version now, if the caller knows it.
        :raises Exception: the list cannot be read any more.
        """
        searched = _SEARCHED.get(self._key, version) if words else None
        if searched:
            return searched.response(words)
        with request_state.kept():
            anonymous_access.require_open()
            if words:
                return self._searched().response(words)
            return response_cache.cached(self._key, lambda: response_cache.public(_of(self._find())))

    def _searched(self) -> _Searched:
        version = anonymous_access.state().version
        found = _SEARCHED.get(self._key, version)
        if found is None:
            searchable = cast(Callable[[], Searchable], self._searchable)()
            found = _Searched(searchable, response_cache.cache_control())
            _SEARCHED.put(self._key, version, found, searchable.memory, _MOST_SEARCHED)
        return found


class _Searched(NamedTuple):
    """What searches go through, and the header of their responses."""

    searchable: Searchable
    cache_control: str

    def response(self, words: str) -> JsonResponse:
        found = _of(self.searchable.matching(words))
        found.cache_control = self.cache_control
        return found


#: The lists, of whatever data version.
PREPARED: VersionedCache[PreparedList] = VersionedCache()
ANY_VERSION = 'any'
_MOST_PREPARED, _LONGEST_KEY = 256, 1024
#: The length of queries that are examined. The longest words have 3 KiB, percent-encoded.
_LONGEST_QUERY = 4096
#: What was searched, and the memory for that in bytes.
_SEARCHED: VersionedCache[_Searched] = VersionedCache()
_MOST_SEARCHED = 16 * 2**20


def _of(found: Listing) -> JsonResponse:
    return cast(JsonResponse, response_cache.of_list(found))


def prepared_key(key: Key) -> tuple[Key, str] | None:
    """Return the key of the list that a request with ``key`` is for, and its search words.

    :returns: ``None`` if the words are too many, or the query is long or ambiguous.
    """
    path, query = key
    if ';' in query or len(path) + len(query) > _LONGEST_QUERY:  # CherryPy takes ";" for "&"
        return None
    given = query.split('&')
    words = [one for one in given if unquote_plus(one.partition('=')[0]) == 'q']
    if len(words) > 1 or not all(one.startswith('q=') for one in words):
        return None
    try:
        found = unquote_plus(''.join(words)[2:], errors='strict')
        validators.words(found)
    except ValueError:
        return None
    return (path, '&'.join(one for one in given if one not in words)), found


def prepared_for(key: Key) -> tuple[PreparedList, str] | None:
    """Return the list that is prepared for requests with ``key``, and their search words; ``None`` if none is."""
    found = prepared_key(key)
    prepared = found and PREPARED.get(found[0], ANY_VERSION)
    if not found or not prepared or (found[1] and not prepared.can_search):
        return None
    return prepared, found[1]


def prepared_list(find: Callable[[], Listing], searchable: Callable[[], Searchable] | None,
                  words: str) -> bytes | None:
    """Respond to the current request, which is anonymous, and prepare the list for others that follow.

    :param find: reads the whole list from the database, without a search, also when this request has ended.
    :param searchable: see :class:`PreparedList`.
    :param words: of a search.
    :returns: ``None`` if the list cannot be prepared.
    """
    found = prepared_key(response_cache.request_key(cherrypy.request.wsgi_environ))
    if not found or found[1] != words or not response_cache.is_plain() or (words and not searchable):
        return None
    key, _ = found
    prepared = PreparedList(key, find, searchable)
    response = prepared.response(words)
    if sum(map(len, key)) <= _LONGEST_KEY:
        PREPARED.put(key, ANY_VERSION, prepared, 1, _MOST_PREPARED)
    return response_cache.send(response, is_public=True)
