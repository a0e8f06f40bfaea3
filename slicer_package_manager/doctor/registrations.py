"""Checks of the tree of folders and items: identities, registrations and parents."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import Any

from bson.objectid import ObjectId
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.model_base import Model

from slicer_package_manager.doctor.findings import ERROR, WARNING, Finding, Options, name
from slicer_package_manager.doctor.packages import PACKAGES
from slicer_package_manager.registry import indexes
from slicer_package_manager.registry.schema.errors import Conflict, Invalid
from slicer_package_manager.registry.schema.invariants import REFERENCES, Reference
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import consistency, keys, registration


def duplicates(_options: Options) -> Iterator[Finding]:
    """Documents that share a unique identity, so that a unique index cannot be created."""
    for model, index in indexes.missing():
        document = index.document
        if document.get('unique') and model.name != 'slicer_package_download':
            for group in indexes.in_the_way(model, document):
                yield Finding(ERROR, f'These of "{model.name}" share {", ".join(document["key"])}: '
                                     + ', '.join(name(one) for one in group) + '.',
                              'Change or delete all but one, by id; then use --fix for the index.')


def wrong_registrations(_options: Options) -> Iterator[Finding]:
    """Folders and items whose registration does not follow from their place."""
    visited: set[ObjectId] = set()
    wrong: list[Document] = []
    for packages in Folder().find({'name': registration.PACKAGES_NAME, 'parentCollection': 'collection'}):
        yield from _in_place(packages, None, visited, wrong)
    if not wrong:
        yield from _misplaced(visited)


def _misplaced(visited: set[ObjectId]) -> Iterator[Finding]:
    """Folders and items that are registered in a place where none should be."""
    for folder in Folder().find({keys.ROLE: {'$exists': True}}, fields=['name', 'spm', 'parentId', 'meta']):
        if folder['_id'] not in visited:
            yield Finding(ERROR, f'The folder {name(folder)} is registered as {registration.role(folder)}, but does '
                                 'not have the place of such a folder.',
                          'Use --fix, which makes it an ordinary folder.',
                          partial(_register, Folder(), consistency.register_folder, folder['_id']))
    items = Item().collection.aggregate([
        {'$match': PACKAGES},
        {'$lookup': {'from': 'folder', 'localField': 'folderId', 'foreignField': '_id', 'as': 'folder'}},
        {'$match': {'folder.0': {'$exists': True}, f'folder.{keys.ROLE}': {'$nin': [
            *registration.CHANNELS, registration.EXTENSIONS]}}}])
    for item in items:
        yield Finding(ERROR, f'{name(item)} is listed, but is not in a folder of packages.',
                      'Use --fix, which makes it an ordinary item; its file stays.',
                      partial(_register, Item(), consistency.register_item, item['_id']))


def _in_place(folder: Document, parent: Document | None, visited: set[ObjectId], wrong: list[Document],
              ) -> Iterator[Finding]:
    """Check ``folder`` and, if its registration is right, what is in it, whose registration depends on it."""
    visited.add(folder['_id'])
    if not _is_right(folder, parent):
        yield Finding(ERROR, f'The registration of the folder {name(folder)} does not follow from its place.',
                      'Use --fix; if that is refused, correct what the message names.',
                      partial(_register, Folder(), consistency.register_folder, folder['_id']))
        now = Folder().findOne({'_id': folder['_id']})  # --fix may have repaired it
        if not now or not _is_right(now, parent):
            wrong.append(folder)
            return
        folder = now
    if registration.package_type_in(folder):
        for item in Item().find({'folderId': folder['_id']}):
            yield from _item_findings(folder, item)
    for child in Folder().find({'parentId': folder['_id'], 'parentCollection': 'folder'}):
        if registration.of_folder(child, folder) is not None:
            yield from _in_place(child, folder, visited, wrong)


def _is_right(folder: Document, parent: Document | None) -> bool:
    stored = folder.get('spm')
    return registration.of_folder(folder, parent) == (stored and registration.of_place(stored))


def _item_findings(folder: Document, item: Document) -> Iterator[Finding]:
    expected = deepcopy(item)
    try:
        consistency.check_item(expected)
    except (Invalid, Conflict) as error:
        what = 'is listed, and its metadata is not valid' if 'spm' in item else 'is not listed'
        yield Finding(WARNING, f'{name(item)} {what}: {error}', 'Correct its metadata, or move it elsewhere.')
        return
    if expected.get('spm') != item.get('spm') or expected.get('meta') != item.get('meta'):
        yield Finding(ERROR, f'The registration of {name(item)} does not follow from its place in "{folder["name"]}".',
                      'Use --fix, which registers it where it is.',
                      partial(_register, Item(), consistency.register_item, item['_id']))


def _register(model: Model, register: Callable[[Any], None], identifier: ObjectId) -> None:
    """Register the document as it is now.

    :param register: :func:`consistency.register_folder` or :func:`consistency.register_item`.
    :raises RuntimeError: its name or its metadata does not allow that.
    """
    try:
        register(model.load(identifier, force=True))
    except (Invalid, Conflict) as error:
        raise RuntimeError(str(error)) from error


def orphans(_options: Options) -> Iterator[Finding]:
    """Documents whose parent no longer exists, so that no client can reach them."""
    for reference in REFERENCES:
        for one in _without_parent(reference):
            yield Finding(WARNING, f'The {reference.child} {name(one)} is in a {reference.parent} that does not exist '
                                   f'({one[reference.key]}).',
                          'Delete it by its id; if it is wanted, restore a backup elsewhere and take it from there.')


def _without_parent(reference: Reference) -> Iterator[Document]:
    model = next(model for model in (File(), Item(), Folder()) if model.name == reference.child)
    yield from model.collection.aggregate(reference.without_parent)
