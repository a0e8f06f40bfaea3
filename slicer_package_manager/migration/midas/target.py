"""The application here that gets the data of MIDAS."""
from __future__ import annotations

from typing import Any, NamedTuple

from bson.objectid import ObjectId
from girder.constants import AccessType

from slicer_package_manager.migration import girder_database
from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.girder_database import AnyDatabase
from slicer_package_manager.migration.midas import ids
from slicer_package_manager.registry.catalog.applications import COLLECTION_NAME, SLICER
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import object_id
from slicer_package_manager.registry.server import clock
from slicer_package_manager.registry.tree import documents, keys, registration
from slicer_package_manager.registry.tree.registration import APPLICATION, ORIGIN, PACKAGES_NAME

#: The name of the application for which Slicer requests extensions.
SLICER_NAME = 'Slicer'


class Target(NamedTuple):
    """An application, the folders above it, and all folders below it that are here.

    :param creator: the id of the administrator whose documents those are that name no other user.
    """

    app: Document
    packages: Document
    collection: Document
    folders: list[Document]
    creator: Any


def find(here: AnyDatabase, wanted: str | None) -> Target:
    """Return the application ``wanted``, an id or a name; by default Slicer's. It is a new one if it is not here.

    :raises MigrationError: there is no such id, several have the name, or this server has no administrator.
    """
    admins = list(here['user'].find({'admin': True}, {'_id': 1}, sort=[('created', 1)]))
    if not admins:
        raise MigrationError('This server has no administrator. Start it once, or create an account: '
                             '`slicer-package-manager serve`.')
    app = _existing(here, wanted)
    if app is None:
        return _new(here, wanted or SLICER_NAME, admins)
    packages = here['folder'].find_one({'_id': app['parentId']}) or {}
    collection = here['collection'].find_one({'_id': packages.get('parentId')})
    if collection is None:
        raise MigrationError(f'The application "{app["name"]}" is in no collection; `slicer-package-manager doctor` '
                             'names what is wrong.')
    return Target(app, packages, collection, girder_database.folders_below(here, app['_id']),
                  _creator(app, admins)['_id'])


def _creator(app: Document | None, admins: list[Any]) -> Any:
    """The creator of ``app``, so that it is the same in each run; an account that an import made may be the oldest."""
    return next((one for one in admins if app and one['_id'] == app.get('creatorId')), admins[0])


def _existing(here: AnyDatabase, wanted: str | None) -> Document | None:
    identifier = object_id(wanted or SLICER)
    found = list(here['folder'].find({keys.ROLE: APPLICATION, '_id': identifier}))
    found = found or list(here['folder'].find({keys.ROLE: APPLICATION, 'name': wanted or SLICER_NAME}))
    if len(found) > 1:
        listed = ', '.join(str(one['_id']) for one in found)
        raise MigrationError(f'Several applications are called "{found[0]["name"]}": {listed}. Choose one: --app ID')
    if not found and wanted and identifier:
        raise MigrationError(f'There is no application with the id {wanted} here. Pass the name of a new one: '
                             '--app NAME')
    return found[0] if found else None


def _new(here: AnyDatabase, name: str, admins: list[Any]) -> Target:
    """An application that is not here, or that a run which was killed has not completed."""
    identifier = ObjectId(SLICER) if name == SLICER_NAME else ids.of('application', name)
    app = here['folder'].find_one({'_id': identifier})
    creator = _creator(app, admins)
    collection = here['collection'].find_one({'name': COLLECTION_NAME}) or _collection(creator['_id'])
    place = {'parentId': collection['_id'], 'parentCollection': 'collection', 'name': PACKAGES_NAME}
    packages = here['folder'].find_one(place) or {
        **documents.new_folder(collection, 'collection', PACKAGES_NAME, creator,
                               _id=ids.of('packages', PACKAGES_NAME)), 'spm': {'role': registration.PACKAGES}}
    if app and not registration.is_set_aside(app):
        raise MigrationError(f'The folder "{app["name"]}" has the id {identifier}, which the new application needs. '
                             'Name another application: --app NAME')
    app = app or documents.new_folder(
        packages, 'folder', name, creator, _id=identifier,
        meta={one.template: one.default_template for one in PACKAGE_TYPES.values()})
    app = {key: value for key, value in app.items() if key != ORIGIN}
    return Target(app, packages, collection, girder_database.folders_below(here, identifier),
                  creator['_id'])


def _collection(creator: Any) -> Document:
    moment, name = clock.now(), COLLECTION_NAME
    access = {'users': [{'id': creator, 'level': AccessType.ADMIN, 'flags': []}], 'groups': []}
    return {'_id': ids.of('collection', name), 'name': name, 'lowerName': name.lower(), 'description': '',
            'creatorId': creator, 'created': moment, 'updated': moment, 'size': 0, 'meta': {}, 'public': True,
            'access': access, 'spm': {'role': 'collection'}}
