"""Packages and extensions: the items of an application, each of which has a unique identity in its folder."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from girder.models.folder import Folder
from girder.models.item import Item
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from slicer_package_manager.registry.catalog import releases, removal
from slicer_package_manager.registry.links import rules as link_rules
from slicer_package_manager.registry.schema import metadata, name_templates, validators
from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound, Problem
from slicer_package_manager.registry.schema.fields import PACKAGE, PackageType
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import object_id
from slicer_package_manager.registry.server import clock, transactions, write_gate
from slicer_package_manager.registry.tree import (
    access,
    documents,
    keys,
    registration,
    unique_indexes,
)
from slicer_package_manager.registry.tree.access import Operation
from slicer_package_manager.registry.tree.types import (
    ApplicationFolder,
    ChannelFolder,
    PackageItem,
    RegisteredFolder,
    UserDocument,
)


class Wanted(NamedTuple):
    """The requested state of a package: clean values, keys to clear, the item's description, and its link.

    ``description`` and ``link`` are ``None`` if the request does not change them.
    """

    kept: Document
    cleared: set[str]
    description: str | None
    link: link_rules.Link | None


def upsert(package_type: PackageType, app: ApplicationFolder, given: Mapping[str, object], user: UserDocument | None
           ) -> PackageItem:
    """Create the package that ``given`` describes, or update the one with its identity.

    With a ``url``, its file is a link to this URL. The package belongs to the release of its application revision, else
    to the draft, which is made if it is missing. An update replaces the given values only. An empty text clears an
    optional key.

    :raises Invalid: with all problems of ``given``.
    :raises AccessException: ``user`` may not write to the folder.
    :raises Conflict: another item in the folder has the name that results from the template.
    """
    wanted, creator = _wanted(package_type, app, given), access.require_user(user)
    while True:
        try:
            return _save(package_type, app, wanted, creator)
        except _ChangedError:
            continue  # each time, another request was completed


class _ChangedError(Exception):
    """Another request has created, moved or deleted the package or its folder meanwhile."""


def _save(package_type: PackageType, app: ApplicationFolder, wanted: Wanted, user: UserDocument) -> PackageItem:
    """Find the place of the package before the transaction: then those that conflict on its folder are short."""
    folder, nearest = releases.folder_for(app, package_type, wanted.kept[package_type.app_revision], user)
    existing = _existing(package_type, folder, wanted.kept) if folder else None
    try:
        return transactions.run(lambda: _with_link(
            _update(package_type, app, folder, _again(existing), wanted) if folder and existing
            else _create(package_type, app, folder, nearest, wanted, user), wanted.link, user),
            turn=(existing or nearest)['_id'])
    except (Conflict, DuplicateKeyError):
        if folder and not existing and _existing(package_type, folder, wanted.kept):
            raise _ChangedError from None
        raise


def _with_link(item: PackageItem, link: link_rules.Link | None, user: UserDocument) -> PackageItem:
    if link is None:
        return item
    link_rules.put(item, link, user)
    changed: PackageItem = Item().findOne({'_id': item['_id']})
    return changed


def _wanted(package_type: PackageType, app: ApplicationFolder, given: Mapping[str, object]) -> Wanted:
    link, problems = link_rules.parse(given)
    values_given = {key: value for key, value in given.items() if key not in link_rules.FIELDS}
    kept, cleared, wrong = metadata.clean(package_type, values_given, form=True)
    problems += wrong
    named = {key for key, _ in problems}
    problems += [(key, 'is required') for key in package_type.identity if key not in kept and key not in named]
    if problems:
        raise Invalid(_with_missing(package_type, app, kept, problems))
    description = kept.get('description', '' if 'description' in cleared else None)
    for field in package_type.form_only:
        kept.pop(field.name, None)
        cleared.discard(field.name)
    return Wanted(kept, cleared, description, link)


def _with_missing(package_type: PackageType, app: ApplicationFolder, kept: Document, problems: list[Problem]
                  ) -> list[Problem]:
    """``problems`` and, if the package is probably new, the required values that it lacks."""
    named = {key for key, _ in problems}
    identity = {f'meta.{key}': kept.get(key) for key in package_type.identity}
    known = all(identity.values()) and Item().findOne(
        {keys.APP: app['_id'], keys.PACKAGE_TYPE: package_type.label, **identity}, fields=['_id'])
    if known:
        return problems
    return problems + [(key, what) for key, what in metadata.missing(package_type, kept) if key not in named]


def _existing(package_type: PackageType, folder: ChannelFolder, meta: Document) -> Any:  # of type ``PackageItem``
    identity = {keys.IDENTITY: registration.identity(package_type, meta)}
    return Item().findOne({'folderId': folder['_id'], **identity})


def _name(package_type: PackageType, app: ApplicationFolder, meta: Document) -> str:
    template = app['meta'].get(package_type.template, package_type.default_template)
    try:
        name = name_templates.render(template, package_type, meta)
    except ValueError as error:
        raise Invalid([(package_type.template, str(error))]) from None
    if name == registration.EXTENSIONS_NAME and package_type is PACKAGE:
        raise Conflict(f'The name "{name}" is that of the folder of extensions; change the template.')
    return name


def _create(package_type: PackageType, app: ApplicationFolder, folder: ChannelFolder | None,
            nearest: RegisteredFolder, wanted: Wanted, user: UserDocument) -> PackageItem:
    kept = wanted.kept
    lacking = metadata.missing(package_type, kept)
    if lacking:
        raise Invalid(lacking)
    meta = {'app_id': str(app['_id']), **kept, **metadata.defaults(package_type, kept), 'sha512': ''}
    name = _name(package_type, app, meta)
    folder = (_taken(folder) if folder
              else _made_folder(package_type, app, nearest, kept[package_type.app_revision], user))
    meta.update(registration.place_values(package_type, folder))
    item: Any = documents.new_item(folder, name, user, wanted.description or '', meta)
    item['spm'] = registration.of_item(package_type, folder, meta, has_file=False)
    try:
        documents.insert(Item(), item)
    except DuplicateKeyError as error:
        _raise_if_name(error, name, folder)
        raise
    created: PackageItem = item
    return created


def _taken(folder: RegisteredFolder) -> Any:  # the type of ``folder``
    """Take ``folder`` for the transaction, and return it as it is now."""
    same = {f'spm.{key}': folder['spm'].get(key) for key in ('app', 'role', 'revision')}
    taken = transactions.find_for_update(Folder(), {'_id': folder['_id'], **same})
    if taken is None:
        raise _ChangedError
    return taken


def _made_folder(package_type: PackageType, app: ApplicationFolder, nearest: RegisteredFolder, revision: str,
                 user: UserDocument) -> ChannelFolder:
    """Make the folder for the package; ``nearest`` is the deepest one around it that exists."""
    taken = documents.take(Folder(), app) if nearest['_id'] == app['_id'] else _taken(nearest)
    found, deepest = releases.folder_for(app, package_type, revision, user)
    if found or deepest['_id'] != taken['_id']:
        raise _ChangedError
    return releases.make_folder(package_type, revision, taken, user)


def _raise_if_name(error: DuplicateKeyError, name: str, folder: ChannelFolder) -> None:
    if unique_indexes.is_violated(unique_indexes.ITEM_NAME, error):
        raise Conflict(f'Another item in "{folder["name"]}" has the name "{name}" already; change the template '
                       'of names so that the two names differ.') from None


def _again(existing: PackageItem) -> PackageItem:
    """Return ``existing`` as the transaction sees it."""
    same = {'_id': existing['_id'], 'folderId': existing['folderId'], keys.IDENTITY: existing['spm']['identity']}
    item: PackageItem | None = Item().findOne(same)
    if item is None:
        raise _ChangedError
    return item


def _update(package_type: PackageType, app: ApplicationFolder, folder: ChannelFolder, existing: PackageItem,
            wanted: Wanted) -> PackageItem:
    old = existing['meta']
    meta = {**old, **wanted.kept}
    for key in wanted.cleared:
        meta.pop(key, None)
    name = _name(package_type, app, meta)
    after = {**{f'meta.{key}': value for key, value in meta.items()}, 'name': name, 'lowerName': name.lower()}
    if wanted.description is not None:
        after['description'] = wanted.description
    before = {**{f'meta.{key}': value for key, value in old.items()}, **existing}
    changes = {key: value for key, value in after.items() if key not in before or before[key] != value}
    removed = {f'meta.{key}': '' for key in old.keys() - meta.keys()}
    if not changes and not removed:
        return existing
    changes.update({'updated': clock.now(), keys.SEARCH: registration.search_text(meta)})
    return _apply(existing, {'$set': changes, **({'$unset': removed} if removed else {})}, name, folder)


def _apply(existing: PackageItem, update: Document, name: str, folder: ChannelFolder) -> PackageItem:
    write_gate.require()
    try:
        item: PackageItem = Item().collection.find_one_and_update(
            {'_id': existing['_id']}, update, return_document=ReturnDocument.AFTER)
    except DuplicateKeyError as error:
        _raise_if_name(error, name, folder)
        raise
    documents.trigger_saved(Item(), item, 'after')
    return item


def load(package_type: PackageType, app: ApplicationFolder, identifier: str, user: UserDocument | None,
         operation: Operation) -> PackageItem:
    """The package of ``package_type`` in ``app`` with the id ``identifier``, for ``operation``.

    :raises NotFound: there is none.
    :raises AccessException: ``user`` does not have the access to it that ``operation`` needs.
    """
    wanted = object_id(identifier)
    item: PackageItem | None = Item().findOne(
        {'_id': wanted, keys.APP: app['_id'], keys.PACKAGE_TYPE: package_type.label}) if wanted else None
    if not item:
        raise NotFound(f'There is no {package_type.label} with the id "{validators.shortened(identifier)}" in '
                       f'"{app["name"]}".')
    access.require(operation, item, user)
    return item


def delete(item: PackageItem) -> None:
    """Delete ``item`` with its file. Its download counts stay."""
    removal.remove_item(item)
