"""Which builds, which are releases and drafts, a write to Girder's items concerns.

Each build belongs to one of 256 sections, by its id, so that their versions take a fixed amount of space.
"""
from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from bson.objectid import ObjectId

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions

#: The key of an item that has the id of its build, and its parts.
BUILD = 'spm.channel'
_OUTER, _INNER = BUILD.split('.')
_NUMBER = 256

#: Sections as the documents of the data version spell them.
Sections: TypeAlias = frozenset[str]
#: Of a write that may concern any build.
EVERY: Sections = frozenset({'every'})
NONE: Sections = frozenset()


def section(build: ObjectId) -> str:
    """The section of a build."""
    return str(zlib.crc32(build.binary) % _NUMBER)


def of_builds(builds: Iterable[Any]) -> Sections:
    """The sections of ``builds``; a value that is no id may be that of any build."""
    found = [one for one in builds if one is not None]
    return frozenset(map(section, found)) if all(isinstance(one, ObjectId) for one in found) else EVERY


def of_items(items: Iterable[Mapping[str, Any]]) -> Sections:
    """The sections of items that are inserted, or were read with all their fields."""
    return of_builds((one.get(_OUTER) or {}).get(_INNER) for one in items)


#: Of the collection of items, and the arguments of its method that writes: a function that is called before the write
#: and returns another one, which states by the result of the write which sections it concerns.
SectionsOf: TypeAlias = Callable[[Any, tuple[Any, ...], Mapping[str, Any]], Callable[[Any], Sections]]
#: Other arguments may change what a write concerns, or what it returns.
_PLAIN = frozenset({'return_document', 'session'})
_MOST_POSITIONAL = 2


def _is_plain(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    return 0 < len(args) <= _MOST_POSITIONAL and kwargs.keys() <= _PLAIN


def of_any(_items: Any, _args: tuple[Any, ...], _kwargs: Mapping[str, Any]) -> Callable[[Any], Sections]:
    """For methods of which it is not known what they concern."""
    return lambda _result: EVERY


def _of_insert(_items: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Callable[[Any], Sections]:
    inserted = args[0] if _is_plain(args, kwargs) else None
    listed = [inserted] if isinstance(inserted, Mapping) else inserted
    return lambda _result: of_items(listed) if isinstance(listed, list) else EVERY


def _of_found(_items: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Callable[[Any], Sections]:
    """For methods that return the item, as it was before or is after."""
    if not _is_plain(args, kwargs):
        return lambda _result: EVERY
    return lambda found: of_items([found] if found else []) | _of_change(*args[1:])


def _of_matching(items: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Callable[[Any], Sections]:
    """For methods that write what matches a query. In a transaction, what matches does not change before the write."""
    if not _is_plain(args, kwargs) or not transactions.is_open():
        return lambda _result: EVERY
    before = of_builds(items.distinct(BUILD, args[0]))
    return lambda _result: before | _of_change(*args[1:])


BY_METHOD: dict[str, SectionsOf] = {
    **dict.fromkeys(('insert_one', 'insert_many'), _of_insert),
    **dict.fromkeys(('find_one_and_update', 'find_one_and_replace', 'find_one_and_delete'), _of_found),
    **dict.fromkeys(('update_one', 'update_many', 'replace_one', 'delete_one', 'delete_many'), _of_matching)}


def _of_change(change: Document | list[Document] | None = None) -> Sections:
    """The sections of the builds that items belong to after ``change``, an update or a replacement, if it states them.

    It may leave them as they are, so those before it are concerned, too.
    """
    if change is None:
        return NONE
    if isinstance(change, list) or '$rename' in change:
        return EVERY
    values = change.get('$set', change)
    return of_items([values]) | of_builds([values.get(BUILD)])
