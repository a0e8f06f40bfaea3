"""Bounds for the texts of requests that read: what a search may ask for, and how long the database works on it.

They hold for all calls of the API, Girder's own too: everybody may make them, and their work grows with the text.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import wraps
from typing import Any

import pymongo
from girder.api.rest import Resource
from pymongo.errors import PyMongoError

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.server import database_outage
from slicer_package_manager.rest.middleware import parameter_shapes

#: Parameters with words that are searched for.
SEARCHES = ('q', 'text')
#: JSON lists of ids, as Girder's web client sends them for what is selected.
_LISTS = ('resources',)
_LIST_BYTES = 64 * 1024
#: How long the database may work on a search, in seconds. Ours take a tenth of that at most, see
#: plugin_tests/rest/middleware/test_text_limits.py; Girder's, over all items of the server, may take longer than
#: anybody should wait.
SEARCH_SECONDS = 5
_READS = ('GET', 'HEAD')


def require_bounded(params: Mapping[str, Any]) -> None:
    """Refuse parameters of a call that reads if one of them is too long.

    :raises Invalid: naming all that are.
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
            _require_size(value, _LIST_BYTES if name in _LISTS else validators.VALUE_BYTES)
    except ValueError as error:
        return str(error)
    return None


def _require_size(value: str, size: int) -> None:
    if len(value.encode('utf-8', 'surrogatepass')) > size:
        raise ValueError(f'is longer than {size // 1024} KiB')


def _bounded(handle: Callable[..., Any]) -> Callable[..., Any]:
    """``handle``, Girder's way from a request to its handler, for texts within bounds."""
    @wraps(handle)
    def handle_route(self: Resource, method: str, path: tuple[str, ...], params: dict[str, Any]) -> Any:
        if not hasattr(self, 'own_shapes'):  # ours check each parameter for themselves
            parameter_shapes.require(path, params)
        if method not in _READS:
            return handle(self, method, path, params)
        require_bounded(params)
        searched = [name for name in SEARCHES if params.get(name)]
        try:
            with pymongo.timeout(SEARCH_SECONDS) if searched else nullcontext():
                return handle(self, method, path, params)
        except PyMongoError as error:
            if searched and error.timeout and database_outage.answers():
                wrong = f'takes more than {SEARCH_SECONDS} s to search for; give fewer words, or longer ones'
                raise Invalid([(searched[0], wrong)]) from error
            raise
    handle_route.bounded = True  # type: ignore[attr-defined]
    return handle_route


def guard() -> None:
    """Have all calls of the API, Girder's own too, keep to the bounds; may be called again."""
    if not hasattr(Resource.handleRoute, 'bounded'):
        Resource.handleRoute = _bounded(Resource.handleRoute)
