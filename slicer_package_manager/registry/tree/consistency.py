"""Keep the registration of folders and items consistent when they are saved, moved, renamed or copied.

Called by the event handlers, so that it holds for Girder's own calls and its web UI too.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, cast

from bson.objectid import ObjectId
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from slicer_package_manager.registry.schema import metadata, validators
from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound
from slicer_package_manager.registry.schema.fields import EXTENSION, PackageType
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import Input, clean_all
from slicer_package_manager.registry.server import transactions, write_gate
from slicer_package_manager.registry.tree import documents, item_files, keys, registration
from slicer_package_manager.registry.tree.registration import CHANNELS, PACKAGES_NAME, RELEASE, role
from slicer_package_manager.registry.tree.types import ChannelFolder

_PLACE = ('spm', 'name')


def check_item(item: Document) -> list[tuple[str, str]]:
    """Register ``item``, which is about to be saved, for its folder, or refuse it.

    Items elsewhere, and items without the metadata of a package, are not changed.

    :returns: what of its metadata was left out, see :func:`metadata.left_out`.
    :raises Invalid: it has the metadata of a package, and some of that or the name of a file is invalid.
    :raises Conflict: its folder has another one of its identity.
    :raises NotFound: its folder no longer exists.
    """
    folder = _folder_of(item)
    package_type = registration.package_type_in(folder)
    if package_type is None or not (registration.is_package(item) or _returns(item, package_type, folder)):
        item.pop('spm', None)
        return []
    given, before = item['meta'], item.get('spm', {})
    if not before and '_id' in item:
        _require_file_names(File().find({'itemId': item['_id']}, fields=['name']))
    _register(item, package_type, folder, has_file=before.get('ready', False))
    _require_identity_free(item, folder)
    return metadata.left_out(package_type, given)


def _returns(item: Document, package_type: PackageType, folder: ChannelFolder) -> bool:
    """Whether ``item``, which a migration has set aside, can be a package now; then it is no longer set aside."""
    if not registration.is_set_aside(item) or not metadata.is_package(item.get('meta', {})):
        return False
    trial = deepcopy(item)
    try:
        _register(trial, package_type, folder, has_file=False)
        _require_identity_free(trial, folder)
    except (Invalid, Conflict):
        return False
    item[registration.ORIGIN].pop('set_aside')
    return True


def _register(item: Document, package_type: PackageType, folder: ChannelFolder, *, has_file: bool) -> None:
    write_gate.require()
    item['meta'] = registration.checked_meta(package_type, folder, item['meta'])
    item['description'] = _description(package_type, item)
    item['spm'] = {**registration.of_item(package_type, folder, item['meta'], has_file=has_file),
                   **registration.kept(item.get('spm', {}))}


def _require_file_names(files: Iterable[Mapping[str, Any]]) -> None:
    """Check that ``files`` of an item that was no package until now are valid for a package."""
    for file in files:
        try:
            validators.file_name(file['name'])
        except ValueError as error:
            raise Invalid([('file', f'"{file["name"]}" {error}; rename it first')]) from None


def _folder_of(item: Document) -> ChannelFolder:
    """The folder of ``item``, taken for the transaction of the save if it is one of packages.

    :raises NotFound: it no longer exists.
    """
    query = {'_id': item['folderId']}
    taken: ChannelFolder | None = None
    if transactions.is_open():
        taken = transactions.find_for_update(Folder(), {**query, keys.ROLE: {'$exists': True}})
    if taken is None:
        taken = Folder().findOne(query, fields=_PLACE)
    if taken is None:
        raise NotFound(f'The folder of "{item["name"]}" was deleted by another request.')
    return taken


def _description(package_type: PackageType, item: Document) -> str:
    if package_type is EXTENSION:
        return str(item['meta']['description'])
    given = Input(item.get('description'), validators.html, required=False)
    return str(clean_all(description=given)['description'])


def _require_identity_free(item: Document, folder: ChannelFolder) -> None:
    query = {'folderId': folder['_id'], keys.IDENTITY: item['spm']['identity']}
    if '_id' in item:
        query['_id'] = {'$ne': item['_id']}
    other = Item().findOne(query, fields=['name'])
    if other:
        raise Conflict(f'"{folder["name"]}" has this {item["spm"]["kind"]} already: "{other["name"]}" '
                       f'({other["_id"]}). Change or delete one of the two.')


def register_item(item: Document) -> None:
    """Register ``item``, which is stored and may be a copy, where it is now, or take its registration away.

    :raises NotFound: its folder no longer exists.
    :raises Invalid, Conflict: see :func:`check_item`.
    """
    folder = _folder_of(item)
    package_type = registration.package_type_in(folder)
    if package_type is None:
        Item().update({'_id': item['_id'], 'spm': {'$exists': True}}, {'$unset': {'spm': ''}}, multi=False)
    else:
        _register_all([item], package_type, folder)


def _register_all(items: list[Document], package_type: PackageType, folder: ChannelFolder) -> None:
    """Register those of ``items``, which are stored in ``folder``, that are packages or are meant as such."""
    chosen = [one for one in items if registration.is_package(one)]
    files: dict[ObjectId, list[Document]] = {}
    for file in File().find({'itemId': {'$in': [one['_id'] for one in chosen]}}):
        files.setdefault(file['itemId'], []).append(file)
    updates = []
    for item in chosen:
        here, before = files.get(item['_id'], []), item.get('meta', {})
        if 'spm' not in item:
            _require_file_names(here)
        _register(item, package_type, folder, has_file=bool(here))
        updates.append(UpdateOne({'_id': item['_id']}, _changes(item, before)))
    if updates:
        _write(updates, chosen)
    for item in chosen:
        # Its file may have been added or removed, or may be the newer of two.
        if [one.get('sha512', '') for one in files.get(item['_id'], [{}])] != [item['meta']['sha512']]:
            item_files.settle(item)


def _write(updates: list[UpdateOne], items: list[Document]) -> None:
    try:
        Item().collection.bulk_write(updates)
    except BulkWriteError as error:
        failed = (error.details or {})['writeErrors'][0]
        if failed['code'] != transactions.DUPLICATE:
            raise
        raise Conflict(f'Another item like "{items[failed["index"]]["name"]}" is in this folder.') from None


def _changes(item: Document, before: Document) -> Document:
    """The update that registers ``item``; it leaves alone what others may be changing in its metadata."""
    changed = {f'meta.{key}': value for key, value in item['meta'].items()
               if key not in before or before[key] != value}
    removed = {f'meta.{key}': '' for key in before.keys() - item['meta'].keys()}
    update = {'$set': {'spm': item['spm'], 'description': item['description'], **changed}}
    return {**update, '$unset': removed} if removed else update


def check_folder(folder: Document) -> None:
    """Register ``folder``, which is about to be saved, for its place, or refuse it.

    :raises Invalid: its name, place or metadata would break the registry.
    :raises NotFound: the folder that it is in no longer exists.
    """
    parent = _parent(folder)
    found = registration.of_folder(folder, parent)
    stored: Document | None = Folder().findOne({'_id': folder['_id']}, fields=(*_PLACE, 'parentId')) if (
        '_id' in folder and (found or 'spm' in folder)) else None
    wrong = stored and registration.fixed_name_problem(stored, folder)
    if wrong:
        raise Invalid([('name', wrong)])
    folder.pop('spm', None)
    if found is not None:
        write_gate.require()
        folder['spm'] = {**found, **registration.kept((stored or {}).get('spm') or {})}
        registration.check_folder(folder)
        _require_channel_free(folder)


def _parent(folder: Document) -> Document | None:
    """The folder around ``folder``; taken for the transaction that adds ``folder`` to it."""
    if folder['parentCollection'] != 'folder':
        return None
    query, is_new = {'_id': folder['parentId']}, '_id' not in folder
    parent: Document | None = (transactions.find_for_update(Folder(), query) if is_new and transactions.is_open()
                               else Folder().findOne(query, fields=_PLACE))
    if is_new and parent is None:
        raise NotFound(f'The folder around "{folder["name"]}" was deleted by another request.')
    return parent


def concerns(folder: Document) -> bool:
    """Whether ``folder`` is registered, or in a place where it may become so."""
    if folder['parentCollection'] == 'collection':
        return 'spm' in folder or folder['name'].strip() == PACKAGES_NAME
    return 'spm' in folder or (folder['parentCollection'] == 'folder' and bool(Folder().findOne(
        {'_id': folder['parentId'], keys.ROLE: {'$exists': True}}, fields=['_id'])))


def _require_channel_free(folder: Document) -> None:
    if role(folder) not in CHANNELS:
        return
    place = folder['spm']
    same = [{keys.REVISION: place['revision']}]
    if place['role'] == RELEASE:
        same.append({'lowerName': folder['name'].lower()})
    query = {keys.APP: place['app'], keys.ROLE: place['role'], '$or': same}
    if '_id' in folder:
        query['_id'] = {'$ne': folder['_id']}
    other = Folder().findOne(query, fields=['name', 'spm'])
    if other:
        what = f'"{other["name"]}" has this name or the revision "{other["spm"]["revision"]}" already'
        raise Invalid([('revision', what)])


def follow_folder(folder: Document, before: Document | None) -> None:
    """Bring ``folder``, which was saved, and what is below it up to date if its registration was ``before``.

    :raises Invalid: too much is below it, see :func:`documents.require_few`.
    """
    if folder.get('spm') == before:
        return
    folders = documents.with_folders_below([folder])
    documents.require_few(folders)
    if role(folder) in CHANNELS and folder['spm']['channel'] is None:  # it had no id when it was checked
        folder['spm']['channel'] = folder['_id']
        Folder().update({'_id': folder['_id']}, {'$set': {'spm': folder['spm']}}, multi=False)
    for below in folders[1:]:
        register_folder(below)
    for one in folders:
        register_items(one)


def register_folder(folder: Document) -> None:
    """Register ``folder``, which is stored and may be a copy, where it is now.

    :raises Invalid: see :func:`check_folder`.
    """
    check_folder(folder)
    if role(folder) in CHANNELS:
        folder['spm']['channel'] = folder['_id']
    changes = {'$set': {key: folder[key] for key in ('spm', 'meta')}} if 'spm' in folder else {'$unset': {'spm': ''}}
    Folder().update({'_id': folder['_id']}, changes, multi=False)


def register_items(folder: Document) -> None:
    """Register the items of ``folder`` by a few statements, however many they are."""
    package_type, here = registration.package_type_in(folder), {'folderId': folder['_id']}
    if package_type is None:
        Item().update({**here, 'spm': {'$exists': True}}, {'$unset': {'spm': ''}})
        return
    Item().update({**here, keys.PACKAGE_TYPE: package_type.label}, registration.place_update(package_type, folder))
    others = list(Item().find({**here, keys.PACKAGE_TYPE: {'$ne': package_type.label}}))
    _register_all(others, package_type, cast('ChannelFolder', folder))
