"""Limit the length of texts in requests that read, and the time of searches.

The limits apply to all calls of the API, including Girder's: anyone may make them, and their work grows with the text.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import pymongo
from girder.api.rest import Resource
from pymongo.errors import PyMongoError

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.server import database_outage
from slicer_package_manager.registry.server.replacements import replaced
from slicer_package_manager.rest.middleware import parameter_shapes

#: Parameters with search words.
SEARCHES = ('q', 'text')
#: Parameters with JSON lists of ids, which Girder's web client sends for selected documents.
_LISTS = ('resources',)
_LIST_BYTES = 64 * 1024
#: The time limit for a search in the database, in seconds. Searches of this plugin take at most a tenth of it, see
#: plugin_tests/rest/middleware/test_text_limits.py. Girder's searches read all items of the server.
SEARCH_SECONDS = 5
_READS = ('GET', 'HEAD')


def require_bounded(params: Mapping[str, Any]) -> None:
    """Check the length of the parameters of a call that reads.

    :raises Invalid: some are too long; the error lists all of them.
    """
    problems = [(validators.shortened(name), wrong) for name, given in params.items()
                for value in (given if isinstance(given, list) else [given]) if (wrong := _problem(name, value))]
    if problems:
        raise Invalid(problems)


def _problem(name: str, value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        if name in SEARCHES:
            validators.words(value)
        else:
            validators.at_most(value, _LIST_BYTES if name in _LISTS else validators.VALUE_BYTES)
    except ValueError as error:
        return str(error)
    return None


def _handle(original: Callable[..., Any], resource: Resource, method: str, path: tuple[str, ...],
            params: dict[str, Any]) -> Any:
    """Handle a call like ``Resource.handleRoute``, within the limits."""
    if not hasattr(resource, 'own_shapes'):  # our handlers check their parameters
        parameter_shapes.require(path, params)
    if method not in _READS:
        return original(resource, method, path, params)
    require_bounded(params)
    searched = [name for name in SEARCHES if params.get(name)]
    try:
        with pymongo.timeout(SEARCH_SECONDS) if searched else nullcontext():
            return original(resource, method, path, params)
    except PyMongoError as error:
        if searched and error.timeout and database_outage.answers():
            wrong = f'takes more than {SEARCH_SECONDS} s to search for; use fewer or longer words'
            raise Invalid([(searched[0], wrong)]) from error
        raise


def guard() -> None:
    """Apply the limits to all calls of the API, including Girder's. Idempotent."""
    Resource.handleRoute = replaced(Resource.handleRoute, _handle)
