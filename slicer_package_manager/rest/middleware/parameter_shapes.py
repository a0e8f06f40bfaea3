"""Check parameters that many of Girder's calls share, because Girder responds to impossible values with 500."""
from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from slicer_package_manager.registry.schema.errors import Invalid

_LARGEST = 2**63 - 1
_MOST_DAYS = 36525
#: A key of a document, or a path of keys, as MongoDB accepts it.
_KEY = re.compile(r'(?!\$)[^.\x00-\x1f]+(?:\.(?!\$)[^.\x00-\x1f]+)*')
_ID = re.compile('[0-9a-fA-F]{24}')
_IDS = ('uploadId', 'userId', 'assetstoreId', 'parentId')


def _number(largest: int) -> Callable[[str], str | None]:
    def problem(value: str) -> str | None:
        try:
            number = float(value)
        except ValueError:
            return None  # the handler reports it
        return None if 0 <= number <= largest else f'must be a number from 0 to {largest}'
    return problem


def _sort(value: str) -> str | None:
    return None if _KEY.fullmatch(value) else 'must be a key of the documents'


def _resources(value: str) -> str | None:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return None
    fits = isinstance(found, dict) and all(
        isinstance(ids, list) and all(isinstance(one, str) for one in ids) for ids in found.values())
    return None if fits else 'must be a JSON object with a list of ids for each type: {"item": ["..."]}'


def _types(value: str) -> str | None:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return None
    fits = isinstance(found, list) and all(isinstance(one, str) for one in found)
    return None if fits else 'must be a JSON list of types: ["item", "folder"]'


def _id(value: str) -> str | None:
    return None if not value or _ID.fullmatch(value) else 'must be an id, 24 hexadecimal digits'


def _lookup_path(value: str) -> str | None:
    return 'must begin with /user/LOGIN or /collection/NAME' if value.strip('/') in ('user', 'collection') else None


_RULES: dict[str, Callable[[str], str | None]] = {
    'limit': _number(_LARGEST), 'offset': _number(_LARGEST), 'sort': _sort, 'resources': _resources, 'types': _types}
#: More rules for single calls, by their path below the resource.
_RULES_OF: dict[tuple[str, ...], dict[str, Callable[[str], str | None]]] = {
    ('uploads',): {**dict.fromkeys(_IDS, _id), 'minimumAge': _number(_MOST_DAYS)}, ('lookup',): {'path': _lookup_path}}


def require(path: tuple[str, ...], params: Mapping[str, Any]) -> None:
    """Refuse a call to ``path`` if one of ``params`` has a form on which Girder fails.

    :raises Invalid: one has; the error lists all of them.
    """
    rules = {**_RULES, **_RULES_OF.get(path, {})}
    problems = [(name, wrong) for name, rule in rules.items()
                if isinstance(params.get(name), str) and (wrong := rule(params[name]))]
    if problems:
        raise Invalid(problems)
