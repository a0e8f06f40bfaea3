"""Applications: the folders at the top of releases, drafts and packages."""
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bson.objectid import ObjectId
from girder.exceptions import AccessException
from girder.models.collection import Collection
from girder.models.folder import Folder
from pymongo.errors import DuplicateKeyError

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.pagination import Listing, Page
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import Input, clean_all
from slicer_package_manager.registry.server import settings, transactions
from slicer_package_manager.registry.tree import access, documents, keys, registration
from slicer_package_manager.registry.tree.access import Operation, folder_clause
from slicer_package_manager.registry.tree.registration import APPLICATION, DRAFT_NAME, PACKAGES_NAME
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument

COLLECTION_NAME = 'Applications'
#: The id of the application from which builds of Slicer request extensions.
SLICER = '5f4474d0e1d8c75dfc705482'


def load(app_id: str, user: UserDocument | None, operation: Operation = access.GET_APPLICATION) -> ApplicationFolder:
    """The application with the id ``app_id``, for ``operation``.

    :raises NotFound: there is no such application.
    :raises AccessException: ``user`` does not have the access to it that ``operation`` needs.
    """
    identifier = validators.object_id(app_id)
    app = _by_id(identifier) if identifier else None
    if not app:
        raise NotFound(f'There is no application with the id "{validators.shortened(str(app_id))}".')
    Folder().requireAccess(app, user, operation.application)
    return app


def _by_id(identifier: ObjectId) -> ApplicationFolder | None:
    found: ApplicationFolder | None = Folder().findOne({'_id': identifier, keys.ROLE: APPLICATION})
    return found


def default(user: UserDocument | None, operation: Operation = access.GET_APPLICATION) -> ApplicationFolder:
    """The default application of pages and of ``/find``: that of the setting, else Slicer's, else the only public one.

    :raises NotFound: there is no such application. The message names the setting.
    :raises AccessException: ``user`` cannot read it.
    """
    chosen = settings.get(settings.DEFAULT_APP)
    if chosen:
        return load(chosen, user, operation)
    slicer = _by_id(ObjectId(SLICER))
    if slicer and Folder().hasAccess(slicer, user, operation.application):
        return slicer
    public: list[ApplicationFolder] = list(Folder().find({keys.ROLE: APPLICATION, 'public': True}, limit=2))
    if len(public) != 1:
        raise NotFound(f'There is {"more than one" if public else "no"} public application here. An administrator can '
                       f'name the one to show in the setting {settings.DEFAULT_APP}.')
    return public[0]


def by_id_or_name(text: str | None) -> list[ApplicationFolder]:
    """The application with the id ``text``, else those with this name, or all without; for commands of the server."""
    if text is None:
        return list(Folder().find({keys.ROLE: APPLICATION}))
    identifier = validators.object_id(text)
    found = _by_id(identifier) if identifier else None
    return [found] if found else list(Folder().find({'name': text, keys.ROLE: APPLICATION}))


def find(user: UserDocument | None, page: Page, collection_id: str | None = None, name: str | None = None,
         text: str | None = None) -> Listing:
    """The applications in a collection, ``Applications`` by default, that ``user`` may see.

    :param name: only applications with exactly this name.
    :param text: only applications with all of these words in their name or description, in any case.
    :raises Invalid: ``collection_id`` is not an id.
    :raises NotFound: there is no such collection, or ``user`` may not know of it.
    """
    collection = (_collection(collection_id) if collection_id is not None
                  else Collection().findOne({'name': COLLECTION_NAME}, fields=['_id']))
    if collection is None:
        return Listing([], 0)
    query = {keys.ROLE: APPLICATION, 'baseParentId': collection['_id'], **folder_clause(user)}
    conditions = search_conditions(text, ('name', 'description')) if text else []
    if name is not None:
        conditions.append({'name': name})
    found = Listing.of(Folder(), {**query, '$and': conditions} if conditions else query, page)
    if collection_id is not None and not found.total and not Collection().hasAccess(collection, user):
        raise _no_collection(collection_id)
    return found


def editable(user: UserDocument | None) -> list[ApplicationFolder]:
    """The applications of all collections with a folder to which ``user`` may write, ordered by name."""
    writable = folder_clause(user, access.LIST_EDITABLE.target)
    ids = Folder().collection.distinct(keys.APP, {
        keys.APP: {'$exists': True}, keys.ROLE: {'$exists': True}, **writable})
    return list(Folder().find({'_id': {'$in': ids}, keys.ROLE: APPLICATION, **folder_clause(user)},
                              sort=[('lowerName', 1), ('_id', 1)]))


def _collection(collection_id: str) -> Document:
    identifier = validators.object_id(collection_id)
    if identifier is None:
        raise Invalid([('collection_id', f'"{validators.shortened(collection_id)}" is not 24 hexadecimal digits')])
    collection: Document | None = Collection().findOne({'_id': identifier})
    if collection is None:
        raise _no_collection(collection_id)
    return collection


def _no_collection(collection_id: str) -> NotFound:
    return NotFound(f'There is no collection with the id "{validators.shortened(collection_id)}".')


def search_conditions(text: str, fields: Sequence[str]) -> list[Document]:
    """Conditions for documents with every word of ``text`` in one of ``fields``, in any case and order.

    No stored value has a control character, so a text with one matches nothing.
    """
    if validators.has_control_characters(text):
        return [{'_id': None}]
    return [{'$or': [{key: {'$regex': re.escape(word), '$options': 'i'}} for key in fields]}
            for word in text.split()]


@transactions.atomic
def create(user: UserDocument | None, name: str, description: str = '', *, collection_id: str | None = None,
           collection_name: str | None = None, collection_description: str = '', public: object = True,
           app_id: str | None = None) -> ApplicationFolder:
    """Create an application with its ``draft`` folder, and the collection and the folder above it if they are missing.

    :raises Invalid: a value is invalid, or there is an application with this name.
    :raises AccessException: ``user`` may not write to the collection, or not create one.
    :raises Conflict: another folder has the id ``app_id``.
    """
    creator = access.require_user(user)
    given = clean_all(
        name=Input(name, validators.name), public=Input(public, validators.boolean, required=False),
        app_description=Input(description, validators.html, required=False),
        collection_name=Input(collection_name, validators.name, required=False),
        collection_description=Input(collection_description, validators.html, required=False))
    identifier = _checked_id(app_id, creator)
    collection = _writable_collection(creator, collection_id, given)
    app = _application(_packages_folder(collection, creator), given, creator, identifier)
    drafts_folder(app, creator)
    return app


def _checked_id(text: str | None, user: UserDocument) -> ObjectId | None:
    """The id in ``text`` for the new application; ``None`` for a generated one."""
    if not text:
        return None
    if validators.object_id(text) is None:
        raise Invalid([('app_id', 'must be 24 hexadecimal digits')])
    if not access.may_call(access.CHOOSE_APPLICATION_ID, user):
        raise AccessException('Only site administrators choose the id of an application.')
    return validators.object_id(text)


def _writable_collection(user: UserDocument, collection_id: str | None, given: Document) -> Document:
    name = given['collection_name'] or COLLECTION_NAME
    if collection_id:
        identifier = validators.object_id(collection_id)
        collection: Document | None = Collection().findOne({'_id': identifier}) if identifier else None
        if not collection:
            raise _no_collection(collection_id)
    else:
        collection = Collection().findOne({'name': name})
    if collection:
        access.require(access.CREATE_APPLICATION, collection, user)
        return collection
    if not Collection().hasCreatePrivilege(user):
        raise AccessException(f'You may not create the collection "{name}"; ask an administrator to create it.')
    return documents.new_collection(name, given['collection_description'], user)


def _packages_folder(collection: Document, user: UserDocument) -> Any:
    place = {'parentId': collection['_id'], 'parentCollection': 'collection', 'name': PACKAGES_NAME}
    existing = Folder().findOne(place)
    if existing:
        if not registration.role(existing):
            # It was made before this plugin was installed.
            Folder().update({'_id': existing['_id']}, {'$set': {'spm': {'role': registration.PACKAGES}}},
                            multi=False)
            existing['spm'] = {'role': registration.PACKAGES}
        return existing
    folder = documents.new_folder(collection, 'collection', PACKAGES_NAME, user, public=True)
    folder['spm'] = {'role': registration.PACKAGES}
    return documents.insert(Folder(), folder)


def _application(packages: Document, given: Document, user: UserDocument, identifier: ObjectId | None
                 ) -> ApplicationFolder:
    name = given['name']
    meta = {package_type.template: package_type.default_template for package_type in PACKAGE_TYPES.values()}
    app: Any = documents.new_folder(packages, 'folder', name, user, administers=True, public=given['public'],
                               description=given['app_description'], meta=meta, _id=identifier)
    app['spm'] = {'role': APPLICATION, 'app': app['_id']}
    if Folder().findOne({'parentId': packages['_id'], 'name': name}, fields=['_id']):
        raise Invalid([('name', f'there is an application or folder "{name}" in this place already')])
    try:
        documents.insert(Folder(), app)
    except DuplicateKeyError:  # another transaction that inserts the name now conflicts, and this one begins again
        raise Conflict(f'The id "{identifier}" is in use.') from None
    created: ApplicationFolder = app
    return created


def drafts_folder(app: ApplicationFolder, user: UserDocument) -> ApplicationFolder:
    """The folder of the drafts of ``app``. If it is missing, it is made, with the access of the application.

    Runs in a transaction that has made or taken ``app``.
    """
    found: Any = Folder().findOne({'parentId': app['_id'], 'parentCollection': 'folder', 'name': DRAFT_NAME})
    if found is None:
        found = documents.new_folder(app, 'folder', DRAFT_NAME, user)
        found['spm'] = registration.of_folder(found, app)
        documents.insert(Folder(), found)
    drafts: ApplicationFolder = found
    return drafts
