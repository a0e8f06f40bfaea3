"""Applications: the folders below which everything else lies."""
from __future__ import annotations

import re

from bson.objectid import ObjectId
from girder.exceptions import AccessException
from girder.models.collection import Collection
from girder.models.folder import Folder
from pymongo.errors import DuplicateKeyError

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.pagination import Listing
from slicer_package_manager.registry.schema.validators import Input, clean_all
from slicer_package_manager.registry.server import settings
from slicer_package_manager.registry.tree import access, consistency, documents, registration
from slicer_package_manager.registry.tree.access import folder_clause
from slicer_package_manager.registry.tree.registration import APPLICATION, DRAFT_NAME, PACKAGES_NAME

COLLECTION_NAME = 'Applications'
#: The application that Slicer builds ask for.
SLICER = '5f4474d0e1d8c75dfc705482'


def load(app_id, user, operation=access.GET_APPLICATION):
    """The application with the id ``app_id``, for ``operation``.

    :raises NotFound: there is none.
    :raises AccessException: ``user`` does not have the access to it that ``operation`` needs.
    """
    identifier = validators.object_id(app_id)
    app = identifier and Folder().findOne({'_id': identifier, 'spm.role': APPLICATION})
    if not app:
        raise NotFound(f'There is no application with the id "{validators.shortened(str(app_id))}".')
    access.require_application(operation, app, user)
    return app


def default(user, operation=access.GET_APPLICATION):
    """The application that pages are about unless their address names another.

    That is the one of the setting, else Slicer's, else the only public one.

    :raises NotFound: there is no such application; the message says what to set.
    :raises AccessException: ``user`` cannot read it.
    """
    chosen = settings.get(settings.DEFAULT_APP)
    if chosen:
        return load(chosen, user, operation)
    slicer = Folder().findOne({'_id': ObjectId(SLICER), 'spm.role': APPLICATION})
    if slicer and access.allows_application(operation, slicer, user):
        return slicer
    public = list(Folder().find({'spm.role': APPLICATION, 'public': True}, limit=2))
    if len(public) != 1:
        raise NotFound(f'There is {"more than one" if public else "no"} public application here. An administrator can '
                       f'name the one to show in the setting {settings.DEFAULT_APP}.')
    return public[0]


def by_id_or_name(text) -> list[dict]:
    """The application with the id ``text`` or, failing that, those with that name; for commands of the server."""
    identifier = validators.object_id(text)
    found = identifier and Folder().findOne({'_id': identifier, 'spm.role': APPLICATION})
    return [found] if found else list(Folder().find({'name': text, 'spm.role': APPLICATION}))


def find(user, page, collection_id=None, name=None, text=None) -> Listing:
    """The applications in a collection, ``Applications`` by default, that ``user`` may see.

    :param name: exactly this name.
    :param text: words, all of which are in the name or the description, in any case.
    :raises Invalid: ``collection_id`` is no id.
    :raises NotFound: there is no such collection, as far as ``user`` may know.
    """
    collection = _collection_to_list(collection_id)
    if collection is None:
        return Listing.empty()
    query = {'spm.role': APPLICATION, 'baseParentId': collection['_id'], **folder_clause(user)}
    conditions = search_conditions(text, ('name', 'description')) if text else []
    if name is not None:
        conditions.append({'name': name})
    found = Listing.of(Folder(), {**query, '$and': conditions} if conditions else query, page)
    if collection_id is not None and not found.total and not Collection().hasAccess(collection, user):
        raise _no_collection(collection_id)
    return found


def editable(user) -> list[dict]:
    """The applications, of all collections, in which ``user`` may write to something, by name."""
    writable = folder_clause(user, access.LIST_EDITABLE.target)
    ids = Folder().collection.distinct('spm.app', {
        'spm.app': {'$exists': True}, 'spm.role': {'$exists': True}, **writable})
    return list(Folder().find({'_id': {'$in': ids}, 'spm.role': APPLICATION, **folder_clause(user)},
                              sort=[('lowerName', 1), ('_id', 1)]))


def _collection_to_list(collection_id):
    if collection_id is None:
        return Collection().findOne({'name': COLLECTION_NAME}, fields=['_id'])
    identifier = validators.object_id(collection_id)
    if identifier is None:
        raise Invalid([('collection_id', f'"{validators.shortened(collection_id)}" is not 24 hexadecimal digits')])
    collection = Collection().findOne({'_id': identifier})
    if collection is None:
        raise _no_collection(collection_id)
    return collection


def _no_collection(collection_id):
    return NotFound(f'There is no collection with the id "{validators.shortened(collection_id)}".')


def search_conditions(text, keys):
    """Conditions for documents with every word of ``text`` in one of ``keys``, in any case and order.

    A control character is in no stored value, so text with one matches nothing.
    """
    if validators.has_control_characters(text):
        return [{'_id': None}]
    return [{'$or': [{key: {'$regex': re.escape(word), '$options': 'i'}} for key in keys]}
            for word in text.split()]


def create(user, name, description='', *, collection_id=None, collection_name=None, collection_description='',
           public=True, app_id=None):
    """Create an application with its ``draft`` folder, and the collection and folder above if missing.

    :raises Invalid: a value is unusable, or the place has an application of that name.
    :raises AccessException: ``user`` may not write to the collection, or not create one.
    :raises Conflict: ``app_id`` is the id of another folder.
    """
    given = clean_all(
        name=Input(name, validators.name), public=Input(public, validators.boolean, required=False),
        app_description=Input(description, validators.html, required=False),
        collection_name=Input(collection_name, validators.name, required=False),
        collection_description=Input(collection_description, validators.html, required=False))
    identifier = _checked_id(app_id, user)
    made: list = []
    try:
        collection = _writable_collection(user, collection_id, given, made)
        packages = _packages_folder(collection, user, made)
        app = _application(packages, given, user, identifier)
        made.append((Folder(), app))
        drafts_folder(app, user)
    except Exception:
        _undo(made)
        raise
    return app


def _undo(made):
    for model, document in reversed(made):
        # Another application may have been created in a folder that was made here.
        below = {'$or': [{'parentId': document['_id']}, {'baseParentId': document['_id']}], 'spm.role': APPLICATION}
        if not Folder().findOne(below, fields=['_id']):
            model.remove(document)


def _checked_id(text, user):
    """The id that the application is to have; ``None`` to make one up."""
    if not text:
        return None
    if validators.object_id(text) is None:
        raise Invalid([('app_id', 'must be 24 hexadecimal digits')])
    if not access.may_call(access.CHOOSE_APPLICATION_ID, user):
        raise AccessException('Only site administrators choose the id of an application.')
    return validators.object_id(text)


def _writable_collection(user, collection_id, given, made):
    name = given['collection_name'] or COLLECTION_NAME
    if collection_id:
        identifier = validators.object_id(collection_id)
        collection = identifier and Collection().findOne({'_id': identifier})
        if not collection:
            raise _no_collection(collection_id)
    else:
        collection = Collection().findOne({'name': name})
    if collection:
        access.require(access.CREATE_APPLICATION, collection, user)
        return collection
    if not Collection().hasCreatePrivilege(user):
        raise AccessException(f'You may not create the collection "{name}"; ask an administrator for it.')
    collection, is_new = documents.new_collection(name, given['collection_description'], user)
    if is_new:
        made.append((Collection(), collection))
    return collection


def _packages_folder(collection, user, made):
    place = {'parentId': collection['_id'], 'parentCollection': 'collection', 'name': PACKAGES_NAME}
    existing = Folder().findOne(place)
    if existing:
        if not registration.role(existing):
            # Made by hand, before this plugin was there.
            Folder().update({'_id': existing['_id']}, {'$set': {'spm': {'role': registration.PACKAGES}}},
                            multi=False)
            existing['spm'] = {'role': registration.PACKAGES}
        return existing
    folder = documents.new_folder(collection, 'collection', PACKAGES_NAME, user, public=True)
    folder['spm'] = {'role': registration.PACKAGES}
    try:
        made.append((Folder(), documents.insert(Folder(), folder)))
    except DuplicateKeyError:
        return Folder().findOne(place)
    return folder


def _application(packages, given, user, identifier):
    name = given['name']
    meta = {package_type.template: package_type.default_template for package_type in PACKAGE_TYPES.values()}
    app = documents.new_folder(packages, 'folder', name, user, administers=True, public=given['public'],
                               description=given['app_description'], meta=meta, _id=identifier)
    app['spm'] = {'role': APPLICATION, 'app': app['_id']}
    taken = Invalid([('name', f'there is an application or folder "{name}" in this place already')])
    if Folder().findOne({'parentId': packages['_id'], 'name': name}, fields=['_id']):
        raise taken
    try:
        return documents.insert(Folder(), app)
    except DuplicateKeyError as error:
        if '_id_' in str(error):
            raise Conflict(f'The id "{identifier}" is in use.') from None
        raise taken from None


def drafts_folder(app, user):
    """The folder of ``app`` that holds the drafts; made when missing, with the access of the application.

    :returns: ``None`` if ``app`` is being deleted.
    """
    place = {'parentId': app['_id'], 'parentCollection': 'folder', 'name': DRAFT_NAME}
    existing = Folder().findOne(place)
    if existing:
        return existing
    folder = documents.new_folder(app, 'folder', DRAFT_NAME, user)
    folder['spm'] = registration.of_folder(folder, app)
    try:
        documents.insert(Folder(), folder)
    except DuplicateKeyError:
        return Folder().findOne(place)
    return consistency.reconcile_with_parent(Folder(), folder, app, consistency.register_folder)


def delete(app, progress):
    """Remove ``app`` with everything below it; its download counts stay."""
    Folder().remove(app, progress=progress)
