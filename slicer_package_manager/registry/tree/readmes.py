"""The READMEs of extensions.

An extension is built every night for each system, with the same README. So a text is stored once, with its SHA-256, and
the registration of each extension names it. What replaces or deletes the extension leaves the text, which the doctor
removes when no extension names it any more.
"""
from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from bson.objectid import ObjectId
from girder.models.item import Item

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions
from slicer_package_manager.registry.tree import keys

#: For how long a text is kept that no extension names. A request that stores it again must not lose it.
_KEPT = timedelta(days=1)


class ReadmeModel(transactions.TransactionalModel):
    """Texts in the collection ``slicer_package_readme``, with the time when one was last stored, ``used``."""

    stored_in = 'slicer_package_readme'


def put(item_id: ObjectId, text: str) -> None:
    """Store ``text`` as the README of an extension, in a transaction; an empty one removes it."""
    if not text:
        Item().collection.find_one_and_update({'_id': item_id}, {'$unset': {keys.README: ''}})
        return
    digest = hashlib.sha256(text.encode()).hexdigest()
    ReadmeModel().collection.update_one(
        {'_id': digest}, {'$set': {'used': clock.now()}, '$setOnInsert': {'text': text}}, upsert=True)
    Item().collection.find_one_and_update({'_id': item_id}, {'$set': {keys.README: digest}})


def of_item(item: Mapping[str, Any]) -> str:
    """Return the README of ``item``; an empty text if it has none."""
    digest = item['spm'].get('readme')
    found = ReadmeModel().collection.find_one({'_id': digest}) if digest else None
    return found['text'] if found else ''


def unused() -> Iterator[Document]:
    """Yield the texts that no extension names."""
    named = Item().collection.distinct(keys.README)
    yield from ReadmeModel().collection.find({'_id': {'$nin': named}, **_old()}, {'text': 0})


def remove(one: Mapping[str, Any]) -> None:
    """Remove a text that is :func:`unused`, unless it was stored again meanwhile."""
    ReadmeModel().collection.delete_one({'_id': one['_id'], **_old()})


def _old() -> Document:
    return {'used': {'$lt': clock.now() - _KEPT}}
