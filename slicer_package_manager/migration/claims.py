"""Names and identities that one registered document only can have, by the unique indexes of this server."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from slicer_package_manager.migration.girder_database import AnyDatabase, batches
from slicer_package_manager.registry import indexes
from slicer_package_manager.registry.schema.types import Document

_INDEXES = {'item': indexes.ITEM_INDEXES, 'folder': indexes.FOLDER_INDEXES, 'collection': indexes.COLLECTION_INDEXES}
#: The unique indexes of each collection. They are partial: a document without a registration is in none.
_UNIQUE = {collection: [one.document for one in wanted if one.document.get('unique')]
           for collection, wanted in _INDEXES.items()}


class Claim(NamedTuple):
    """What one document of a collection can have: the values of the fields of a unique index."""

    fields: tuple[str, ...]
    values: tuple[Any, ...]


def of(collection: str, document: Mapping[str, Any] | None) -> set[Claim]:
    """What ``document`` of ``collection`` has for itself; nothing without a registration."""
    if document is None:
        return set()
    return {Claim(tuple(index['key']), tuple(_value(document, field) for field in index['key']))
            for index in _UNIQUE.get(collection, ()) if _is_in(index, document)}


def owners(database: AnyDatabase, collection: str, wanted: Iterable[Claim]) -> dict[Claim, Document]:
    """The documents that have ``wanted`` here."""
    groups: dict[tuple[Any, ...], set[Claim]] = {}
    for one in wanted:
        first, _, *others = one.values  # the second value is what differs most: an identity, a name or a revision
        groups.setdefault((one.fields, first, *others), set()).add(one)
    found: dict[Claim, Document] = {}
    for group in groups.values():
        for some in batches(group):
            for document in database[collection].find(_query(collection, some)):
                found.update(dict.fromkeys(of(collection, document).intersection(some), document))
    return found


def _query(collection: str, claims: list[Claim]) -> Document:
    """The query for the documents that have ``claims``, all values of which are the same but the second."""
    fields, (first, _, *others) = claims[0]
    partial = next(one['partialFilterExpression'] for one in _UNIQUE[collection] if tuple(one['key']) == fields)
    values = [first, {'$in': [one.values[1] for one in claims]}, *others]
    return {**partial, **dict(zip(fields, values, strict=True))}


def _is_in(index: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    return all(_value(document, field) is not None if isinstance(condition, Mapping) else
               _value(document, field) == condition for field, condition in index['partialFilterExpression'].items())


def _value(document: Mapping[str, Any], field: str) -> Any:
    value: Any = document
    for key in field.split('.'):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
