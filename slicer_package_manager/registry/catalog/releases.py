"""Releases and drafts: the folders of the packages of one revision of an application."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from girder.models.folder import Folder
from pymongo.errors import DuplicateKeyError

from slicer_package_manager.registry.catalog import removal
from slicer_package_manager.registry.catalog.applications import drafts_folder
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound
from slicer_package_manager.registry.schema.fields import PACKAGE, PackageType
from slicer_package_manager.registry.schema.pagination import BATCH, Listing, Page
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import Input, clean_all, object_id
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import access, documents, keys, registration
from slicer_package_manager.registry.tree.access import folder_clause
from slicer_package_manager.registry.tree.registration import (
    APPLICATION,
    CHANNELS,
    DRAFT,
    DRAFT_NAME,
    DRAFTS,
    EXTENSIONS,
    EXTENSIONS_NAME,
    RELEASE,
    WITHOUT_EARLIER_COUNTS,
    package_type_in,
    role,
)
from slicer_package_manager.registry.tree.types import ApplicationFolder, ChannelFolder, RegisteredFolder, UserDocument

#: The names of the roles in messages.
LABELS = {RELEASE: 'release', DRAFT: 'draft'}


def find(app: ApplicationFolder, place: str, user: UserDocument | None, page: Page, revision: str | None = None
         ) -> Listing:
    """The releases or drafts of ``app`` that ``user`` may see, or that of ``revision``; ``place`` is their role."""
    query = {keys.APP: app['_id'], keys.ROLE: place, **folder_clause(user)}
    return Listing.of(Folder(), query if revision is None else {**query, keys.REVISION: revision}, page,
                      WITHOUT_EARLIER_COUNTS)


def links(app: ApplicationFolder, user: UserDocument | None) -> dict[str, str]:
    """The first http or https URL in the description of each release that ``user`` may see, by the release's name."""
    found = Folder().find({keys.APP: app['_id'], keys.ROLE: RELEASE, **folder_clause(user)},
                          fields=['name', 'description']).batch_size(BATCH)
    urls = {folder['name']: validators.web_url(folder.get('description') or '') for folder in found}
    return {name: url for name, url in urls.items() if url}


def find_release(app: ApplicationFolder, id_or_name: str, user: UserDocument | None) -> RegisteredFolder | None:
    """The release with this id, or this name in any case; ``None`` if ``user`` sees none.

    The folder of drafts counts as a release: the published client requests it before an upload.
    """
    by_name = {'lowerName': id_or_name.lower()}
    found: RegisteredFolder | None = _one_of(app, (RELEASE, DRAFTS), by_name, id_or_name, user)
    return found


def find_channel(app: ApplicationFolder, id_or_name: str, user: UserDocument | None) -> Any:  # a ``RegisteredFolder``
    """The release with this id or name, else the draft with this id or revision; ``None`` if there is none."""
    return find_release(app, id_or_name, user) or find_one(app, DRAFT, id_or_name, user)


def find_one(app: ApplicationFolder, place: str, identifier: str, user: UserDocument | None) -> ChannelFolder | None:
    """The release with this id or name, or the draft with this id or revision; ``place`` is the role of the folder."""
    by = {'lowerName': identifier.lower()} if place == RELEASE else {keys.REVISION: identifier}
    found: ChannelFolder | None = _one_of(app, (place,), by, identifier, user)
    return found


def is_drafts_folder(app: ApplicationFolder, identifier: str) -> bool:
    """Whether ``identifier`` is the id or the name of the folder of drafts."""
    if identifier.lower() == DRAFT_NAME:
        return True
    wanted = object_id(identifier)
    return wanted is not None and Folder().findOne(
        {'_id': wanted, keys.APP: app['_id'], keys.ROLE: DRAFTS}, fields=['_id']) is not None


def _one_of(app: ApplicationFolder, places: Sequence[str], by_name: Document, id_or_name: str,
            user: UserDocument | None) -> Any:  # the folder, as Girder returns it without a type
    identifier = object_id(id_or_name)
    either: list[Document] = [{'_id': identifier}, by_name] if identifier else [by_name]
    found = list(Folder().find({keys.APP: app['_id'], keys.ROLE: {'$in': list(places)},
                                '$and': [{'$or': either}, folder_clause(user)]}, limit=2,
                               fields=WITHOUT_EARLIER_COUNTS))
    return next((one for one in found if one['_id'] == identifier), found[0] if found else None)


@transactions.atomic
def create_release(app: ApplicationFolder, user: UserDocument | None, name: str, revision: str, description: str = '',
                   public: object = True) -> ChannelFolder:
    """Create the release ``name`` of the application's ``revision``. Later uploads for the revision go there.

    The release is public only if the application is.

    :raises Invalid: a value is invalid, or another release has the name or the revision.
    :raises NotFound: ``app`` no longer exists.
    """
    given = clean_all(name=Input(name, registration.release_name), app_revision=Input(revision, validators.name),
                    description=Input(description, validators.html, required=False),
                    public=Input(public, validators.boolean, required=False))
    creator, parent = access.require_user(user), documents.take(Folder(), app)
    taken = Folder().findOne({'parentId': app['_id'], 'lowerName': given['name'].lower()}, fields=['name'])
    if taken:
        raise Invalid([('name', f'there is a release or folder "{taken["name"]}" already')])
    folder: Any = documents.new_folder(
        parent, 'folder', given['name'], creator, administers=True, description=given['description'],
        public=given['public'] and bool(parent.get('public')), meta={'revision': given['app_revision']})
    folder['spm'] = registration.of_folder(folder, parent)
    try:
        created: ChannelFolder = documents.insert(Folder(), folder)
    except DuplicateKeyError:
        raise Invalid([('app_revision', f'another release has the revision "{given["app_revision"]}"')]) from None
    return created


def delete(app: ApplicationFolder, id_or_name: str, user: UserDocument | None, progress: Any) -> ChannelFolder:
    """Delete a release or draft with everything below it, and return its folder.

    :param progress: Girder's, which has no type.
    :raises Invalid: ``id_or_name`` is the folder of all drafts.
    :raises NotFound: ``user`` sees no such release or draft.
    :raises AccessException: ``user`` does not administer it.
    """
    if is_drafts_folder(app, id_or_name):
        what = f'"{DRAFT_NAME}" is the folder of all drafts and cannot be deleted; give the revision of one draft'
        raise Invalid([('release_id_or_name', what)])
    folder: ChannelFolder | None = find_channel(app, id_or_name, user)
    if not folder:
        raise NotFound(f'There is no release or draft "{validators.shortened(id_or_name)}" in "{app["name"]}".')
    access.require(access.DELETE_RELEASE, folder, user)
    removal.remove_folder(folder, progress)
    return folder


def folder_for(app: ApplicationFolder, package_type: PackageType, revision: str, user: UserDocument | None
               ) -> tuple[ChannelFolder | None, RegisteredFolder]:
    """The folder for packages of ``package_type`` for the application's ``revision``, if it exists.

    :returns: this folder or ``None``, and the deepest folder above or at its place that exists.
    :raises AccessException: ``user`` may not write to the deepest folder.
    """
    found: list[Any] = list(Folder().find({keys.APP: app['_id'], '$or': [
        {keys.REVISION: revision, keys.ROLE: {'$in': [*CHANNELS, EXTENSIONS]}}, {keys.ROLE: DRAFTS}]}))
    channel = next((one for place in CHANNELS for one in found if role(one) == place), None)
    folder = channel
    if channel and package_type is not PACKAGE:
        folder = next((one for one in found if one['parentId'] == channel['_id']), None)
    nearest = folder or channel or next((one for one in found if role(one) == DRAFTS), app)
    access.require(access.SAVE_PACKAGE, nearest, user)
    return folder, nearest


def make_folder(package_type: PackageType, revision: str, nearest: RegisteredFolder, user: UserDocument
                ) -> ChannelFolder:
    """Make the folder for packages of ``package_type``, and the folders between ``nearest`` and it.

    New folders have the access of their parents. Runs in a transaction of the caller.

    :param nearest: the deepest folder that exists, see :func:`folder_for`; the transaction has taken it.
    :raises Conflict: the draft of another revision was renamed to ``revision``.
    """
    folder: Any = nearest
    if role(folder) == APPLICATION:
        folder = drafts_folder(folder, user)
    if role(folder) == DRAFTS:
        folder = _child(folder, revision, {'revision': revision}, user)
    made: ChannelFolder = (folder if package_type is package_type_in(folder)
                           else _child(folder, EXTENSIONS_NAME, {}, user))
    return made


def _child(parent: RegisteredFolder, name: str, meta: Document, user: UserDocument) -> Any:
    folder = documents.new_folder(parent, 'folder', name, user, meta=meta)
    folder['spm'] = registration.of_folder(folder, parent)
    try:
        return documents.insert(Folder(), folder)
    except DuplicateKeyError as error:
        raise Conflict(f'The folder "{parent["name"]}" has another folder with the name "{name}" already; rename or '
                       'delete that one.') from error
