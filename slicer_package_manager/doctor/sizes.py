"""Check of the sizes of folders and collections, which follow those of their items after the commit."""
from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from bson.objectid import ObjectId
from girder.models.collection import Collection
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.doctor.findings import WARNING, Finding, Options, name
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import keys, sizes

_REGISTERED = {keys.ROLE: {'$exists': True}}


def wrong_sizes(_options: Options) -> Iterator[Finding]:
    """Folders and collections of packages whose size is not that of their items."""
    collections = {'_id': {'$in': Folder().collection.distinct('baseParentId', _REGISTERED)}}
    yield from _wrong(Folder(), _REGISTERED, 'folderId')
    yield from _wrong(Collection(), collections, 'baseParentId')


def _wrong(model: Any, query: Document, key: str) -> Iterator[Finding]:
    """Findings about the documents of ``model``, whose items have their id as ``key``."""
    found = sizes.sums(Item().collection, key, {})
    for one in model.find(query, fields=['name', 'size']):
        if one['size'] != found.get(one['_id'], 0):
            yield from _still_wrong(model, key, one['_id'])


def _still_wrong(model: Any, key: str, identifier: ObjectId) -> Iterator[Finding]:
    """Look again at the document: an upload may have ended in between."""
    now, size = _look(model, key, identifier)
    if now and now['size'] != size:
        yield Finding(WARNING, f'The {model.name} {name(now)} has the size {now["size"]}, but its items have {size}.',
                      'Use --fix, which corrects it.', partial(_correct, model, key, identifier))


@transactions.atomic
def _look(model: Any, key: str, identifier: ObjectId) -> tuple[Document | None, int]:
    found = sizes.sums(Item().collection, key, {key: identifier})
    return model.findOne({'_id': identifier}), found.get(identifier, 0)


@transactions.atomic
def _correct(model: Any, key: str, identifier: ObjectId) -> None:
    now, size = _look(model, key, identifier)
    if now:  # what is about to be added by a server is added to this
        model.increment({'_id': identifier}, 'size', size - now['size'], multi=False)
