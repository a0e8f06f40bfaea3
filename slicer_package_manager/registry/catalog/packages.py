"""Packages and extensions: the items of an application, each of which has a unique identity in its folder."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from girder.models.folder import Folder
from girder.models.item import Item
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from slicer_package_manager.registry.catalog import releases
from slicer_package_manager.registry.links import rules as link_rules
from slicer_package_manager.registry.schema import metadata, name_templates, validators
from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound, Problem
from slicer_package_manager.registry.schema.fields import PACKAGE, PackageType
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import object_id
from slicer_package_manager.registry.server import clock, transactions, write_gate
from slicer_package_manager.registry.tree import access, documents, item_files, keys, registration
from slicer_package_manager.registry.tree.access import Operation
from slicer_package_manager.registry.tree.types import (
    ApplicationFolder,
    ChannelFolder,
    PackageItem,
    RegisteredFolder,
    StoredFile,
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
    turn = app['_id'], wanted.kept[package_type.app_revision]
    return transactions.run(lambda: _save(package_type, app, wanted, creator), turn=turn)


def _save(package_type: PackageType, app: ApplicationFolder, wanted: Wanted, user: UserDocument) -> PackageItem:
    """Create or update the package. Whatever others change of it and its folder meanwhile conflicts with this."""
    folder, nearest = releases.folder_for(app, package_type, wanted.kept[package_type.app_revision], user)
    existing = folder and _existing(package_type, folder, wanted.kept)
    item = (_update(package_type, app, folder, existing, wanted) if folder and existing
            else _create(package_type, app, nearest, wanted, user))
    if wanted.link is None:
        return item
    link_rules.put(item, wanted.link, user)
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


def _create(package_type: PackageType, app: ApplicationFolder, nearest: RegisteredFolder, wanted: Wanted,
            user: UserDocument) -> PackageItem:
    """Create the package, and its folder if ``nearest``, the deepest one that exists, is another one."""
    kept = wanted.kept
    lacking = metadata.missing(package_type, kept)
    if lacking:
        raise Invalid(lacking)
    meta = {'app_id': str(app['_id']), **kept, **metadata.defaults(package_type, kept), 'sha512': ''}
    name = _name(package_type, app, meta)
    folder = releases.make_folder(
        package_type, kept[package_type.app_revision], documents.take(Folder(), nearest), user)
    meta.update(registration.place_values(package_type, folder))
    item: Any = documents.new_item(folder, name, user, wanted.description or '', meta)
    item['spm'] = registration.of_item(package_type, folder, meta, has_file=False)
    with _name_conflicts(folder, name):
        return documents.insert(Item(), item)  # type: ignore[no-any-return]


@contextmanager
def _name_conflicts(folder: ChannelFolder, name: str) -> Iterator[None]:
    """Refuse what the block stores if another item of ``folder`` has ``name``; identities conflict before."""
    try:
        yield
    except DuplicateKeyError:
        raise Conflict(f'Another item in "{folder["name"]}" has the name "{name}" already; change the template '
                       'of names so that the two names differ.') from None


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
    write_gate.require()
    with _name_conflicts(folder, name):
        item: PackageItem = Item().collection.find_one_and_update(
            {'_id': existing['_id']}, {'$set': changes, **({'$unset': removed} if removed else {})},
            return_document=ReturnDocument.AFTER)
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


def file_of(item: PackageItem) -> StoredFile:
    """The file of ``item`` that readers get.

    :raises NotFound: it has none yet.
    """
    found = item_files.with_files({'itemId': item['_id']})
    if found is None or found.current is None:
        raise NotFound(f'"{item["name"]}" has no file.')
    return found.current
