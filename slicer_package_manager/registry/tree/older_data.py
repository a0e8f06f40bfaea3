"""Recognizes data of the older Slicer Package Manager (the plugin for Girder 3) that has not been migrated.

Its applications, releases, drafts and packages are the same folders and items as ours, without our registration. A
server that began to work on them would list a part of them as if it were all. So none starts:

1. An application of the older plugin is a folder in a folder `packages` at the top of a collection, with one of the
   name templates in its metadata, and not registered. While this plugin runs, no such folder can come about: saving it
   registers it.
2. An earlier version of this plugin registered such applications when it started, and may have been interrupted. Then
   packages that a list could show are unregistered below a registered application.

Only reads, and uses no model of Girder, since a model creates indexes as soon as it is used.
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from bson.objectid import ObjectId
from pymongo.database import Database

from slicer_package_manager.registry.schema.errors import Invalid, UnusableDatabaseError
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import keys, registration
from slicer_package_manager.registry.tree.registration import APPLICATION, PACKAGES_NAME

#: A database of pymongo, with codec options of any kind.
AnyDatabase: TypeAlias = Database[Document]

PAGE = 'docs/how-to/take-over-an-older-database.md'
_UNREGISTERED = {'spm': {'$exists': False}}
_FOLDER_FIELDS = ('spm', 'name', 'meta', 'parentId', 'parentCollection')
#: What the older plugin wrote into the metadata of each package and extension.
_OF_PACKAGES = {f'meta.{key}': {'$exists': True} for key in ('baseName', 'os', 'arch')}
_NAMED = 5


class OlderDataError(UnusableDatabaseError):
    """The database has data of the older plugin that has not been migrated; the message says what to do."""


def require_none(database: AnyDatabase) -> None:
    """Make sure that ``database`` has no data of the older plugin that has not been migrated.

    :raises OlderDataError: it has; the message names the applications.
    """
    found = list(_applications(database)) or list(_half_registered(database))
    if not found:
        return
    names = ', '.join(f'"{app["name"]}" ({app["_id"]})' for app in found[:_NAMED])
    more = f' and {len(found) - _NAMED} more' if found[_NAMED:] else ''
    raise OlderDataError(
        f'The database "{database.name}" has data of the older Slicer Package Manager that has not been migrated: '
        f'{names}{more}. Nothing was changed. This version cannot use it: the command that migrates it, '
        '`slicer-package-manager migrate girder --in-place`, comes with a later version; with `--dry-run` it will show '
        f'what it would do. Until then keep the older server running, or name another database. See {PAGE}')


def _applications(database: AnyDatabase) -> Iterator[Document]:
    templates = [{f'meta.{package_type.template}': {'$exists': True}} for package_type in PACKAGE_TYPES.values()]
    tops = database['folder'].find({'name': PACKAGES_NAME, 'parentCollection': 'collection'}, {'_id': 1})
    parents = [top['_id'] for top in tops]
    return database['folder'].find(
        {'parentId': {'$in': parents}, 'parentCollection': 'folder', **_UNREGISTERED, '$or': templates}, {'name': 1})


def _half_registered(database: AnyDatabase) -> Iterator[Document]:
    """The registered applications with documents that could be listed and are not registered."""
    apps = {str(app['_id']): app for app in database['folder'].find({keys.ROLE: APPLICATION}, {'name': 1})}
    items = database['item'].find({**_UNREGISTERED, 'meta.app_id': {'$in': list(apps)}, **_OF_PACKAGES},
                                  {'meta': 1, 'folderId': 1}) if apps else ()
    places: dict[ObjectId, Document | None] = {}
    for item in items:
        folder = _place(database, item['folderId'], places)
        if item['meta']['app_id'] in apps and _is_missing_in(database, item, folder):
            yield apps.pop(item['meta']['app_id'])


def _place(database: AnyDatabase, folder_id: ObjectId, known: dict[ObjectId, Document | None]) -> Document | None:
    """The folder ``folder_id`` with the registration that it has, or would have had next."""
    if folder_id not in known:
        known[folder_id] = None  # also ends the way up in a circle
        folder = database['folder'].find_one({'_id': folder_id}, dict.fromkeys(_FOLDER_FIELDS, 1))
        if folder and 'spm' not in folder and folder.get('parentCollection') == 'folder':
            parent = _place(database, folder['parentId'], known)
            folder['spm'] = parent and registration.of_folder({'meta': {}, **folder}, parent)
        known[folder_id] = folder
    return known[folder_id]


def _is_missing_in(database: AnyDatabase, item: Document, folder: Document | None) -> bool:
    """Whether ``item`` could be registered in ``folder``; an unusable one, or the second of two, could not."""
    package_type = registration.package_type_in(folder)
    if package_type is None or folder is None or str(folder['spm']['app']) != item['meta']['app_id']:
        return False
    try:
        meta = registration.checked_meta(package_type, folder, item['meta'])
    except Invalid:
        return False
    return database['item'].find_one({'folderId': folder['_id'],
                                       keys.IDENTITY: registration.identity(package_type, meta)},
                                     {'_id': 1}) is None
