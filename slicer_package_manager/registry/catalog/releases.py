"""Releases and drafts: the folders that hold the things of one revision of an application."""
from __future__ import annotations

from girder.models.folder import Folder
from pymongo.errors import DuplicateKeyError

from slicer_package_manager.registry.catalog.applications import drafts_folder
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid, NotFound
from slicer_package_manager.registry.schema.fields import PACKAGE
from slicer_package_manager.registry.schema.pagination import Listing
from slicer_package_manager.registry.schema.validators import Input, clean_all, object_id
from slicer_package_manager.registry.tree import (
    access,
    consistency,
    documents,
    promotions,
    registration,
    unique_indexes,
)
from slicer_package_manager.registry.tree.access import folder_clause
from slicer_package_manager.registry.tree.registration import (
    CHANNELS,
    DRAFT_NAME,
    DRAFTS,
    EXTENSIONS,
    EXTENSIONS_NAME,
    RELEASE,
    REVISION,
    role,
)

#: What the folders of each role are called.
LABELS = {RELEASE: 'release', REVISION: 'draft'}


def find_releases(app, user, page) -> Listing:
    """The releases of ``app`` that ``user`` may see."""
    return Listing.of(Folder(), _query(app, RELEASE, user), page)


def find_drafts(app, user, page, revision=None) -> Listing:
    """The draft folders of ``app`` that ``user`` may see, or just the one of ``revision``."""
    query = _query(app, REVISION, user)
    if revision is not None:
        query['spm.revision'] = revision
    return Listing.of(Folder(), query, page)


def _query(app, place, user):
    emptied = promotions.emptied(app) if place == REVISION else []
    gone = {'_id': {'$nin': emptied}} if emptied else {}
    return {'spm.app': app['_id'], 'spm.role': place, **gone, **folder_clause(user)}


def find_release(app, id_or_name, user):
    """The release with that id or, in any case, name; ``None`` if ``user`` sees none.

    The folder of drafts counts as one: the published client asks for it before it uploads.
    """
    return _one_of(app, (RELEASE, DRAFTS), {'lowerName': id_or_name.lower()}, id_or_name, user)


def find_channel(app, id_or_name, user):
    """The release or, failing that, the draft with that id, name or revision; ``None`` if there is none."""
    return find_release(app, id_or_name, user) or find_one(app, REVISION, id_or_name, user)


def find_one(app, place, identifier, user):
    """The release with that id or name, or the draft with that id or revision, as ``place`` says; or ``None``."""
    by = {'lowerName': identifier.lower()} if place == RELEASE else {'spm.revision': identifier}
    found = _one_of(app, (place,), by, identifier, user)
    return found if found and found['_id'] not in promotions.emptied(app) else None


def is_drafts_folder(app, identifier) -> bool:
    """Whether ``identifier``, an id or a name, means the folder that holds the drafts."""
    if identifier.lower() == DRAFT_NAME:
        return True
    wanted = object_id(identifier)
    return wanted is not None and Folder().findOne(
        {'_id': wanted, 'spm.app': app['_id'], 'spm.role': DRAFTS}, fields=['_id']) is not None


def _one_of(app, places, by_name, id_or_name, user):
    identifier = object_id(id_or_name)
    either = [{'_id': identifier}, by_name] if identifier else [by_name]
    found = list(Folder().find({'spm.app': app['_id'], 'spm.role': {'$in': list(places)},
                                '$and': [{'$or': either}, folder_clause(user)]}, limit=2))
    return next((one for one in found if one['_id'] == identifier), found[0] if found else None)


def create_release(app, user, name, revision, description='', public=True):
    """Create the release ``name`` of the application's ``revision``; later uploads of it go there.

    It is public only if the application is.

    :raises Invalid: a value is unusable, or the name or the revision is that of another release.
    :raises NotFound: ``app`` was deleted meanwhile.
    """
    given = clean_all(name=Input(name, registration.release_name), app_revision=Input(revision, validators.name),
                    description=Input(description, validators.html, required=False),
                    public=Input(public, validators.boolean, required=False))
    name, revision = given['name'], given['app_revision']
    taken = Folder().findOne({'parentId': app['_id'], 'lowerName': name.lower()}, fields=['name'])
    if taken:
        raise Invalid([('name', f'there is a release or folder "{taken["name"]}" already')])
    folder = documents.new_folder(app, 'folder', name, user, administers=True, description=given['description'],
                                  public=given['public'] and bool(app.get('public')), meta={'revision': revision})
    folder['spm'] = registration.of_folder(folder, app)
    try:
        documents.insert(Folder(), folder)
    except DuplicateKeyError as error:
        raise Invalid([_taken(error, name, revision)]) from None
    kept = consistency.reconcile_with_parent(Folder(), folder, app, consistency.register_folder)
    if not kept:
        raise NotFound(f'The application "{app["name"]}" was deleted meanwhile.')
    return kept


def _taken(error, name, revision):
    if unique_indexes.violated(error) == unique_indexes.CHANNEL_REVISION:
        return 'app_revision', f'another release has the revision "{revision}"'
    return 'name', f'there is a release "{name}" already'


def delete(app, id_or_name, user, progress):
    """Remove a release, or else a draft, with everything below it, and return it.

    :raises Invalid: the folder of all drafts was named.
    :raises NotFound: ``user`` sees no such release or draft.
    :raises AccessException: ``user`` does not administer it.
    """
    if is_drafts_folder(app, id_or_name):
        what = f'"{DRAFT_NAME}" holds all drafts and cannot be deleted; name the revision of one draft'
        raise Invalid([('release_id_or_name', what)])
    folder = find_channel(app, id_or_name, user)
    if not folder:
        raise NotFound(f'There is no release or draft "{validators.shortened(id_or_name)}" in "{app["name"]}".')
    access.require(access.DELETE_RELEASE, folder, user)
    Folder().remove(folder, progress=progress)
    return folder


def folder_for(app, package_type, revision, user):
    """The folder for packages of ``package_type`` for the application's ``revision``, if it is there.

    :returns: that folder or ``None``, and the deepest folder on the way to it that is there, in which
        :func:`make_folder` can make what is missing.
    :raises AccessException: ``user`` may not write to it, or to the deepest folder on the way to it.
    """
    found = list(Folder().find({'spm.app': app['_id'], '$or': [
        {'spm.revision': revision, 'spm.role': {'$in': [*CHANNELS, EXTENSIONS]}}, {'spm.role': DRAFTS}]}))
    channel = next((one for place in CHANNELS for one in found if role(one) == place), None)
    folder = channel
    if channel and package_type is not PACKAGE:
        folder = next((one for one in found if one['parentId'] == channel['_id']), None)
    nearest = folder or channel or next((one for one in found if role(one) == DRAFTS), app)
    access.require(access.SAVE_PACKAGE, nearest, user)
    return folder, nearest


def make_folder(app, package_type, revision, nearest, user):
    """Make what is missing between ``nearest`` and the folder for packages of ``package_type``, and return that folder.

    Whatever is made has the access of the folder that it lies in.

    :returns: ``None`` if one of the folders on the way was deleted meanwhile.
    """
    folder = nearest
    if role(folder) not in CHANNELS:
        drafts = folder if role(folder) == DRAFTS else drafts_folder(app, user)
        folder = _child(drafts, revision, {'revision': revision}, user)
    return folder if package_type is PACKAGE else _child(folder, EXTENSIONS_NAME, {}, user)


def _child(parent, name, meta, user):
    if parent is None:
        return None
    folder = documents.new_folder(parent, 'folder', name, user, meta=meta)
    folder['spm'] = registration.of_folder(folder, parent)
    try:
        documents.insert(Folder(), folder)
    except DuplicateKeyError:
        # Another process made it, by this name or, for a draft, of this revision.
        by = {'spm.revision': meta['revision']} if meta else {'name': name}
        return Folder().findOne({'parentId': parent['_id'], **by})
    return consistency.reconcile_with_parent(Folder(), folder, parent, consistency.register_folder)
