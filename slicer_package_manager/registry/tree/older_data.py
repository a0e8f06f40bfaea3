"""Recognizes data of the older Slicer Package Manager (the plugin for Girder 3) that has not been migrated.

Its applications, releases, drafts and packages are the same folders and items as ours, without our registration. A
server that began to work on them would list a part of them as if it were all. So none starts.

An application of the older plugin is a folder in a folder `packages` at the top of a collection, with one of the name
templates in its metadata, and not registered. While this plugin runs, no such folder can come about: saving it
registers it.

Only reads, and uses no model of Girder, since a model creates indexes as soon as it is used.
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from pymongo.database import Database

from slicer_package_manager.registry.schema.errors import UnusableDatabaseError
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree.registration import ORIGIN, PACKAGES_NAME

#: A database of pymongo, with codec options of any kind.
AnyDatabase: TypeAlias = Database[Document]

PAGE = 'docs/how-to/move-from-the-older-server.md'
_NAMED = 5


def require_none(database: AnyDatabase) -> None:
    """Make sure that ``database`` has no data of the older plugin that has not been migrated.

    :raises UnusableDatabaseError: it has; the message names the applications.
    """
    found = [app for app, _ in applications(database, {'name': 1, 'parentId': 1}, unmigrated=True)]
    if not found:
        return
    names = ', '.join(f'"{app["name"]}" ({app["_id"]})' for app in found[:_NAMED])
    more = f' and {len(found) - _NAMED} more' if found[_NAMED:] else ''
    raise UnusableDatabaseError(
        f'The database "{database.name}" has data of the older Slicer Package Manager that has not been migrated: '
        f'{names}{more}. Nothing was changed. Migrate it first: `slicer-package-manager migrate girder --in-place` '
        f'with `--dry-run` shows what that would do. Or copy from it into another database. See {PAGE}')


def applications(database: AnyDatabase, fields: Document | None = None, *, unmigrated: bool = False
                 ) -> Iterator[tuple[Document, Document]]:
    """Yield the folder of each application of the older plugin, and the folder ``packages`` that it is in.

    :param fields: to read of both, ``parentId`` among them; all by default.
    :param unmigrated: only those that are neither registered nor set aside by a migration.
    """
    tops = {top['_id']: top for top in database['folder'].find(
        {'name': PACKAGES_NAME, 'parentCollection': 'collection'}, fields)}
    templates = [{f'meta.{package_type.template}': {'$exists': True}} for package_type in PACKAGE_TYPES.values()]
    query: Document = {'parentId': {'$in': list(tops)}, 'parentCollection': 'folder', '$or': templates}
    if unmigrated:
        query |= {'spm': {'$exists': False}, f'{ORIGIN}.set_aside': {'$exists': False}}
    for app in database['folder'].find(query, fields, sort=[('created', 1)]):
        yield app, tops[app['parentId']]
