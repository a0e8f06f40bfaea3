"""JSON of items, as Girder's responses have it, made from documents as the database sends them (BSON).

To make objects of a long list, and text of these, took most of the time of a list that is not cached. Most items are
as they were when the list was made before, so the text is cached by the bytes of the document. It depends on nothing
else.
"""
from __future__ import annotations

from functools import lru_cache

import bson
import orjson
from bson.codec_options import CodecOptions
from girder.constants import AccessType
from girder.models.item import Item

from slicer_package_manager.registry.schema.types import Document

#: How many texts are cached in each process, and the bytes of the largest document that is. Most have some 1,600.
_MOST, _LARGEST = 4096, 8192
_OPTIONS: CodecOptions[Document] = CodecOptions(tz_aware=True)


def projection() -> Document:
    """The keys that Girder's responses have, for queries."""
    return dict.fromkeys(Item()._filterKeys[AccessType.READ], 1)  # noqa: SLF001 - Girder has no other way


def of(raw: bytes) -> bytes:
    """The JSON of the document ``raw``."""
    return _cached(raw) if len(raw) <= _LARGEST else _encoded(raw)


@lru_cache(_MOST)
def _cached(raw: bytes) -> bytes:
    return _encoded(raw)


def _encoded(raw: bytes) -> bytes:
    document = bson.decode(raw, _OPTIONS)
    shown = {key: value for key, value in document.items() if key != 'spm'}  # what is registered
    return orjson.dumps({**shown, '_modelType': 'item'}, default=str)
