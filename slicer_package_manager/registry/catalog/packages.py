"""Packages and extensions: the items of an application, known by their identity."""
from __future__ import annotations

from typing import Any, NamedTuple

from girder.models.item import Item
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from slicer_package_manager.registry.catalog import releases
from slicer_package_manager.registry.links import rules
from slicer_package_manager.registry.schema import metadata, name_templates, validators
from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound
from slicer_package_manager.registry.schema.fields import PACKAGE
from slicer_package_manager.registry.schema.validators import object_id
from slicer_package_manager.registry.server import write_gate
from slicer_package_manager.registry.tree import (
    access,
    consistency,
    documents,
    registration,
    unique_indexes,
)

#: How often a race with another server process is run again before giving up.
_ATTEMPTS = 20


class Wanted(NamedTuple):
    """What a request wants a thing to become: clean values, keys to clear, the item's description, and its link.

    ``description`` and ``link`` are ``None`` where the request does not touch them.
    """

    kept: dict[str, Any]
    cleared: set[str]
    description: str | None
    link: rules.Link | None


def upsert(package_type, app, given, user):
    """Create the thing that ``given`` describes, or update the one with its identity in place.

    With a ``url`` its file is a link to what is hosted there. The thing lies in the release of its application
    revision, else in the draft, which is made when missing. On an update what is given replaces and what is not
    given stays; an empty text clears an optional key.

    :raises Invalid: naming everything that is wrong with ``given``.
    :raises AccessException: ``user`` may not write to the folder.
    :raises Conflict: another item there has the name that the template gives.
    """
    wanted = _wanted(package_type, app, given)
    for _ in range(_ATTEMPTS):
        folder, nearest = releases.folder_for(app, package_type, wanted.kept[package_type.app_revision], user)
        existing = folder and _existing(package_type, folder, wanted.kept)
        done = (_update(package_type, app, folder, existing, wanted) if existing
                else _create(package_type, app, folder, nearest, wanted, user))
        if done:
            return _linked(done, wanted.link, user, is_new=not existing)
    raise Conflict(f'The {package_type.label} is being changed by others all the time; try again.')


def _wanted(package_type, app, given):
    link, problems = rules.parse(given)
    values_given = {key: value for key, value in given.items() if key not in rules.FIELDS}
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


def _linked(item, link, user, *, is_new):
    """``item`` with ``link`` as its file, if there is one; a new item does not outlive a failure to make it."""
    if link is None:
        return item
    try:
        rules.put(item, link, user)
    except Exception:
        if is_new:
            Item().remove(item)
        raise
    return Item().findOne({'_id': item['_id']})


def _with_missing(package_type, app, kept, problems):
    """``problems`` and, of a thing that is new as far as can be told, what else it lacks."""
    named = {key for key, _ in problems}
    identity = {f'meta.{key}': kept.get(key) for key in package_type.identity}
    known = all(identity.values()) and Item().findOne(
        {'spm.app': app['_id'], 'spm.kind': package_type.label, **identity}, fields=['_id'])
    if known:
        return problems
    return problems + [(key, what) for key, what in metadata.missing(package_type, kept) if key not in named]


def _existing(package_type, folder, meta):
    identity = {'spm.identity': registration.identity(package_type, meta)}
    found = Item().findOne({'folderId': folder['_id'], **identity})
    mark = folder['spm'].get('promoting')
    if found or not mark:
        return found
    # It may be on its way from the draft.
    return Item().findOne({'spm.app': folder['spm']['app'], 'spm.kind': package_type.label,
                           'spm.channel': mark['draft'], **identity})


def _name(package_type, app, meta):
    template = app['meta'].get(package_type.template, package_type.default_template)
    try:
        name = name_templates.render(template, package_type, meta)
    except ValueError as error:
        raise Invalid([(package_type.template, str(error))]) from None
    if name == registration.EXTENSIONS_NAME and package_type is PACKAGE:
        raise Conflict(f'The name "{name}" is that of the folder of extensions; change the template.')
    return name


def _create(package_type, app, folder, nearest, wanted, user):
    kept = wanted.kept
    lacking = metadata.missing(package_type, kept)
    if lacking:
        raise Invalid(lacking)
    meta = {'app_id': str(app['_id']), **kept, **metadata.defaults(package_type, kept), 'sha512': ''}
    name = _name(package_type, app, meta)
    made = folder is None
    folder = folder or releases.make_folder(app, package_type, kept[package_type.app_revision], nearest, user)
    if folder is None or not registration.package_type_in(folder) or (folder['spm'].get('promoting') and (
            made or folder['spm']['draft'])):
        return None  # a draft that is being promoted takes nothing more, and what is in it was not looked for
    meta.update(registration.place_values(package_type, folder))
    item = documents.new_item(folder, name, user, wanted.description or '', meta)
    item['spm'] = registration.of_item(package_type, folder, meta, has_file=False)
    try:
        documents.insert(Item(), item)
    except DuplicateKeyError as error:
        if _existing(package_type, folder, meta) is None:
            _raise_if_name(error, name, folder)
        # Else somebody was quicker with the same thing: of two indexes that a document violates, the database names the
        # one that was created first, which may be that of names.
        return None
    return consistency.reconcile_with_parent(Item(), item, folder, consistency.register_item)


def _raise_if_name(error, name, folder):
    if unique_indexes.violated(error) == unique_indexes.ITEM_NAME:
        raise Conflict(f'Another item in "{folder["name"]}" has the name "{name}" already; let the template of '
                       'names tell the two apart.') from None


def _update(package_type, app, folder, existing, wanted):
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
    gone = {f'meta.{key}': '' for key in old.keys() - meta.keys()}
    if not changes and not gone:
        return existing
    changes.update({'updated': documents.now(), 'spm.search': registration.search_text(meta)})
    return _apply(existing, {'$set': changes, **({'$unset': gone} if gone else {})}, name, folder)


def _apply(existing, update, name, folder):
    write_gate.require()
    try:
        item = Item().collection.find_one_and_update(
            {'_id': existing['_id'], 'spm.identity': existing['spm']['identity']}, update,
            return_document=ReturnDocument.AFTER)
    except DuplicateKeyError as error:
        _raise_if_name(error, name, folder)
        raise
    if item:
        documents.trigger_saved(Item(), item, 'after')
    return item


def load(package_type, app, identifier, user, operation):
    """The package of ``package_type`` in ``app`` with the id ``identifier``, for ``operation``.

    :raises NotFound: there is none.
    :raises AccessException: ``user`` does not have the access to it that ``operation`` needs.
    """
    wanted = object_id(identifier)
    item = wanted and Item().findOne({'_id': wanted, 'spm.app': app['_id'], 'spm.kind': package_type.label})
    if not item:
        raise NotFound(f'There is no {package_type.label} with the id "{validators.shortened(identifier)}" in '
                       f'"{app["name"]}".')
    access.require(operation, item, user)
    return item


def delete(item):
    """Remove ``item`` with its file; its download counts stay."""
    Item().remove(item)
