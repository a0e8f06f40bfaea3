"""What of the source is not taken over, and why: each of it is a note in the report."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slicer_package_manager.migration import settings
from slicer_package_manager.migration.girder_database import AnyDatabase
from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.migration.rules import shapes
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.invariants import REFERENCES
from slicer_package_manager.registry.tree.registration import PACKAGES_NAME

#: The collections of Girder that a migration reads, or that belong to one server only.
_KNOWN = frozenset({'user', 'group', 'collection', 'folder', 'item', 'file', 'api_key', 'token', 'setting',
                    'assetstore', 'upload', 'notification', 'password', 'cache'})
#: The collections of the older server and of this one.
_OURS = ('slicer_package', 'system.')
#: The folders that :mod:`shapes` cannot use, but those in what does not exist.
_UNUSABLE = {'$or': [{'_id': {'$not': {'$type': 'objectId'}}}, {'parentCollection': {'$nin': shapes.PLACES}}]}


def notes(source: AnyDatabase) -> Iterator[Note]:
    """Yield what is left out of ``source``."""
    for upload in source['upload'].find({}, {'name': 1}):
        yield Note(Outcome.LEFT_OUT, 'upload', str(upload['_id']), str(upload.get('name', '')),
                   'the upload was under way', 'Upload the file again, or let the next run take it.')
    for reference in REFERENCES:
        for one in source[reference.child].aggregate(reference.without_parent):
            yield Note(Outcome.LEFT_OUT, reference.child, str(one['_id']), str(one.get('name', '')),
                       f'it is in a {reference.parent} that does not exist ({one.get(reference.key)})',
                       'Correct it at the source if it is wanted.')
    for name in sorted(source.list_collection_names()):
        if name not in _KNOWN and not name.startswith(_OURS):
            number = source[name].estimated_document_count()
            yield Note(Outcome.LEFT_OUT, 'collection', name, name, f'{number} documents of another plugin')
    for folder in source['folder'].find(_UNUSABLE):
        yield Note(Outcome.LEFT_OUT, 'folder', str(folder['_id']), str(folder.get('name', '')),
                   f'{shapes.shaped("folder", folder).problem}; what is in it is left out, too',
                   'Correct it at the source, and run the migration again.')
    yield from _settings(source)
    yield from _attached(source)
    yield from _like_applications(source)


def _settings(source: AnyDatabase) -> Iterator[Note]:
    for row in source['setting'].find():
        key = row.get('key')
        if not isinstance(key, str) or 'value' not in row:
            yield Note(Outcome.LEFT_OUT, 'setting', str(row['_id']), str(key), 'the setting has no key or no value')
        elif key not in (*settings.TAKEN, *settings.RENEWED) and not key.startswith('slicer_package_manager.'):
            yield Note(Outcome.LEFT_OUT, 'setting', key, key, 'the setting is not taken over',
                       'Set it here if it is wanted.')


def _attached(source: AnyDatabase) -> Iterator[Note]:
    """A note for each file that is in no item, but attached to something, and was not attached by a migration."""
    for file in source['file'].find({'itemId': None, 'attachedToId': {'$ne': None}, 'spm.beside': {'$ne': True}}):
        yield Note(Outcome.LEFT_OUT, 'file', str(file['_id']), str(file.get('name', '')),
                   f'it is attached to the {file.get("attachedToType")} {file["attachedToId"]} and in no item',
                   'Add it to an item at the source if it is wanted.')


def _like_applications(source: AnyDatabase) -> Iterator[Note]:
    """A note for each folder beside applications that the older server does not list, since it has no template."""
    tops = source['folder'].distinct('_id', {'name': PACKAGES_NAME, 'parentCollection': 'collection'})
    templates = {f'meta.{package_type.template}': {'$exists': False} for package_type in PACKAGE_TYPES.values()}
    for folder in source['folder'].find({'parentId': {'$in': tops}, 'parentCollection': 'folder', **templates}):
        yield Note(Outcome.NOT_LISTED, 'folder', str(folder['_id']), str(folder.get('name', '')),
                   f'it is in "{PACKAGES_NAME}" and no application, since its metadata has no template of names',
                   f'If it is one, set {" and ".join(one.template for one in PACKAGE_TYPES.values())} at the source, '
                   'and run the migration again.')


def unreachable_folders(source: AnyDatabase) -> set[Any]:
    """The ids of folders that cannot be used or are in what does not exist, and of all folders below them."""
    level = [one['_id'] for reference in REFERENCES if reference.child == 'folder'
             for one in source[reference.child].aggregate(reference.without_parent)]
    level += [one['_id'] for one in source['folder'].find(_UNUSABLE, {'_id': 1})]
    found = set(level)
    while level:
        level = [one['_id'] for one in source['folder'].find(
            {'parentCollection': 'folder', 'parentId': {'$in': level}}, {'_id': 1}) if one['_id'] not in found]
        found.update(level)
    return found
