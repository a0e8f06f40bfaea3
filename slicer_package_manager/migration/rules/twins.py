"""Which of several documents with one identity is the one that lists and readers get."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from slicer_package_manager.registry.schema.invariants import REPLACEMENT_NAME
from slicer_package_manager.registry.schema.types import Document

#: Which of several complete items is listed: by default that which was updated last.
Preference = Literal['first', 'last']


def listed(items: Sequence[Document], with_file: set[Any], prefer: Preference | None = None) -> Document:
    """The one of ``items``, which share an identity, that is listed.

    :param with_file: ids of the items that have a file; they come before others.
    :param prefer: ``first`` or ``last`` by creation.
    """
    complete = [item for item in items if item['_id'] in with_file] or list(items)
    if prefer:
        return (min if prefer == 'first' else max)(complete, key=lambda item: (item['created'], item['_id']))
    return max(complete, key=lambda item: (item['updated'], item['created'], item['_id']))


def file_for_readers(files: Sequence[Document], sha512: object, *, prefer_newest: bool = False) -> Document | None:
    """The one of the ``files`` of an item that readers get, as they did from the older server.

    :param sha512: the checksum that the item states.
    :param prefer_newest: take the newest one, unless its name says that it waits to replace another.
    """
    ordered = sorted(files, key=lambda file: file['_id'])
    if not ordered:
        return None
    newest = max(ordered, key=lambda file: (file['created'], file['_id']))
    if prefer_newest and newest['name'] != REPLACEMENT_NAME and (newest.get('sha512') or newest.get('linkUrl')):
        return newest
    return next((file for file in ordered if sha512 and file.get('sha512') == sha512), ordered[0])
