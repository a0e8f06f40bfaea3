"""Saves of registered documents by Girder's code, each in one transaction.

Girder loads a document, changes it, and stores the whole of it, over what others have changed meanwhile. Here:

1. :func:`load` returns a :class:`Loaded` document, which remembers what was read.
2. The transaction of a save takes the stored document, and repeats the changes since step 1 in it.
3. Girder's own method validates the result and stores it; :mod:`consistency` registers it for its place.
4. What is below a folder follows it, in the same transaction.

A document that was not loaded, such as one of a list, is stored as a whole; a package gets what its file and its folder
state about it nevertheless.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from bson.objectid import ObjectId
from girder.exceptions import ValidationException
from girder.models.collection import Collection
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import consistency, documents, item_files, keys

#: The method of a model that a function here replaces.
Original = Callable[..., Any]


class Loaded(Document):
    """A document, and what it was when it was loaded or saved: ``as_read``."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__(document)
        self.remember()

    def remember(self) -> None:
        """Let the document as it is now be the one that was read."""
        self.as_read: Document = deepcopy(dict(self))


def load(original: Original, *args: object, **kwargs: object) -> Any:
    """Remember what was read: what a save has to change is not known in Girder."""
    document = original(*args, **kwargs)
    return Loaded(document) if document and 'spm' in document else document


def load_item(original: Original, *args: object, **kwargs: Any) -> Any:
    """Load an item like other documents.

    A promotion may put it into another folder between Girder's reads of the item and of its folder, by which it checks
    access. Girder then fails, or checks nothing, so the item is read again.
    """
    try:
        return load(original, *args, **{**kwargs, 'exc': True})
    except ValidationException:
        return load(original, *args, **kwargs)


def save_item(original: Original, document: Any, *args: object, **kwargs: object) -> Any:
    """Save an item in a folder of packages together with what is checked before: its folder and its file may change.

    Girder stores an item again that was deleted meanwhile, and one in a folder that was deleted.
    """
    def save() -> Document:
        item, taken = _current(Item(), document)
        is_package = 'kind' in taken.get('spm', ())
        if is_package:
            item_files.refresh(item, taken)
        original(item, *args, **kwargs)
        if not is_package:
            item_files.settle(item)
        return item
    if 'spm' in document or _may_be_registered(document['folderId']):
        return replace(document, transactions.run(save))
    return original(document, *args, **kwargs)


def _may_be_registered(folder_id: ObjectId) -> bool:
    """Whether the folder is registered, or was deleted."""
    return Folder().findOne({'_id': folder_id, keys.ROLE: {'$exists': False}}, fields=['_id']) is None


def save_folder(original: Original, document: Any, *args: object,
                leave: Callable[[Document, Document | None], None], **kwargs: object) -> Any:
    """Save a registered folder in one transaction with what is below it, whose registration follows its own.

    :param leave: is called with the folder, and with its registration before it was saved.
    """
    def save() -> Document:
        folder, taken = _current(Folder(), document)
        original(folder, *args, **kwargs)
        leave(folder, taken.get('spm'))
        consistency.follow_folder(folder, taken.get('spm'))
        return folder
    if not consistency.concerns(document):
        return original(document, *args, **kwargs)
    return replace(document, transactions.run(save))


def save_collection(original: Original, document: Any, *args: object, **kwargs: object) -> Any:
    """Save the collection of packages as it is now: Girder would save its former size, which each upload changes."""
    def save() -> Document:
        current, _ = _current(Collection(), document)
        original(current, *args, **kwargs)
        return current
    if 'spm' not in document:
        return original(document, *args, **kwargs)
    return replace(document, transactions.run(save))


def save_file(original: Original, document: Any, *args: object, **kwargs: object) -> Any:
    """Save the file of a package together with what the package states about its file, which Girder does not know."""
    def save() -> Document:
        file = deepcopy(document)  # each attempt begins with the same
        item = item_files.take(file)
        if item is None:
            raise NotFound(f'The package that "{file["name"]}" belongs to was deleted.')
        original(file, *args, **kwargs)
        item_files.settle_taken(item)
        return file  # type: ignore[no-any-return]
    if item_files.package_of(document) is None:
        return original(document, *args, **kwargs)
    return replace(document, transactions.run(save))


def set_access(original: Original, folder: Any, *args: object, **kwargs: object) -> Any:
    """Change the access of ``folder`` only: Girder lists all folders below it, and then saves one after the other."""
    if 'spm' not in folder or isinstance(folder, Loaded):
        return original(folder, *args, **kwargs)
    return replace(folder, original(Loaded(folder), *args, **kwargs))


def replace(document: Any, new: Document) -> Any:
    """Put ``new`` into ``document``, as Girder's methods do, and return it."""
    document.clear()
    document.update(new)
    if isinstance(document, Loaded):
        document.remember()
    return document


def _current(model: Any, document: Any) -> tuple[Document, Document]:
    """Return a copy of ``document`` with what others have changed, and the stored document, which is taken.

    :raises NotFound: it was deleted.
    """
    copy = deepcopy(dict(document))  # each attempt begins with the same
    if '_id' not in copy:
        return copy, {}
    taken = documents.take(model, copy)
    return _merged(document.as_read, copy, taken) if isinstance(document, Loaded) else copy, taken


def _merged(read: Mapping[str, Any], changed: Mapping[str, Any], stored: Mapping[str, Any]) -> Document:
    """Return ``stored`` with the changes that led from ``read`` to ``changed``, also those within its values."""
    merged = {key: value for key, value in stored.items() if key in changed or key not in read}
    for key, value in changed.items():
        before, now = read.get(key), stored.get(key)
        if isinstance(before, dict) and isinstance(value, dict) and isinstance(now, dict):
            merged[key] = _merged(before, value, now)
        elif key not in read or before != value:
            merged[key] = value
    return merged
