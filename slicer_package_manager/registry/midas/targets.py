"""The item that an old address names: by a number of MIDAS, by a checksum, or by an id of this server."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from bson.objectid import ObjectId
from girder.models.folder import Folder

from slicer_package_manager.registry.midas import aliases
from slicer_package_manager.registry.midas.aliases import Alias, AliasModel
from slicer_package_manager.registry.midas.numbers import Kind, spelled
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Gone, Invalid, NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import object_id
from slicer_package_manager.registry.tree import access, item_files
from slicer_package_manager.registry.tree.access import Operation
from slicer_package_manager.registry.tree.types import ChannelFolder, PackageItem, RegisteredFolder, UserDocument

#: What is said about all that is gone.
LOOK_ELSEWHERE = ('Look for packages on the page /download, for extensions on the page /catalog, and for sample data '
                  'at https://github.com/Slicer/SlicerDataStore.')
#: Items of this server have one revision.
_ONLY_REVISION = ',1'


class Target(NamedTuple):
    """An item, its folder, whose access decides who may read it, and the file that readers get.

    :param item: a package, or an ordinary item if not :attr:`is_package`.
    """

    item: PackageItem
    folder: ChannelFolder
    file: Mapping[str, Any] | None

    @property
    def is_package(self) -> bool:
        """Whether it is a package or extension, whose downloads are counted."""
        return 'kind' in self.item.get('spm', ())


class Resolved(NamedTuple):
    """What an address leads to: an item of this server, or a URL elsewhere."""

    target: Target | None
    url: str = ''


def resolve(kind: Kind, text: str, user: UserDocument | None, operation: Operation = access.DOWNLOAD_FILE
            ) -> Resolved:
    """Return what the number, checksum or id ``text`` names and ``user`` may read.

    Of several items with the same checksum, the first one that ``user`` may read.

    :raises Invalid: it is none of these.
    :raises NotFound: there is nothing of this name, or ``user`` may not read it.
    :raises Gone: it was on the MIDAS server, and is not here, or without its file.
    """
    identifier = object_id(text.removesuffix(_ONLY_REVISION)) if kind is not Kind.MD5 else None
    if identifier:
        readable = _readable(_of_id(identifier), user, operation)
        return Resolved(_with_file(readable) or _not_found(kind, text))
    value = spelled(kind, text)
    if value is None:
        raise Invalid([(kind.value, f'"{validators.shortened(text)}" is neither a number of MIDAS nor an id')])
    alias, found = _of_number(kind, value)
    if alias is None:
        _require_no_revision(kind, value, user, operation)
        raise NotFound(_unknown(kind, value))
    readable = _readable(found, user, operation)
    if found and not readable:
        _not_found(kind, text)
    target = _with_file(readable)
    return Resolved(target) if target else _elsewhere(alias)


def _readable(found: Sequence[Target], user: UserDocument | None, operation: Operation) -> list[Target]:
    return [one for one in found if access.allows(operation, one.folder, user)]


def _with_file(found: Sequence[Target]) -> Target | None:
    return next((one for one in found if one.file), None)


def _not_found(kind: Kind, text: str) -> NoReturn:
    raise NotFound(_unknown(kind, validators.shortened(text)))


def _unknown(kind: Kind, value: str) -> str:
    return f'There is no {kind.value} {value} here. Check the address; /catalog and /download list what there is.'


def _of_id(identifier: ObjectId) -> list[Target]:
    found = item_files.of_item(identifier) or item_files.of_file(identifier)
    return [Target(found.item, found.folder, found.file)] if found else []


def _of_number(kind: Kind, value: str) -> tuple[Alias | None, list[Target]]:
    """Return the alias and its items that exist, by one query."""
    rows = list(AliasModel().collection.aggregate([
        {'$match': {'kind': kind.value, 'value': value}}, _lookup('item', 'targets', '_id'),
        {'$unwind': {'path': '$item', 'preserveNullAndEmptyArrays': True}},
        _lookup('folder', 'item.folderId', '_id'), _lookup('file', 'item._id', 'itemId')]))
    if not rows:
        return None, []
    alias = aliases.of_document(rows[0])
    found = [_target(row) for row in rows if 'item' in row and row['folder']]
    return alias, sorted(found, key=lambda one: alias.targets.index(one.item['_id']))


def _lookup(collection: str, key: str, foreign: str) -> dict[str, Any]:
    return {'$lookup': {'from': collection, 'localField': key, 'foreignField': foreign, 'as': collection}}


def _target(row: Document) -> Target:
    return Target(row['item'], row['folder'][0], item_files.Package(row['item'], row['file']).current)


def _require_no_revision(kind: Kind, value: str, user: UserDocument | None, operation: Operation) -> None:
    """Refuse a revision of an item that was not kept.

    :raises NotFound: there is no such item, or ``user`` may not read it.
    :raises Gone: the item itself is known.
    """
    item, _, revision = value.partition(',')
    if revision:
        resolve(kind, item, user, operation)
        raise Gone(f'Revision {revision} of the {kind.value} {item} of MIDAS was not kept. Its newest file is at '
                   f'/midas3/download?items={item}.')


def _elsewhere(alias: Alias) -> Resolved:
    if alias.url:
        return Resolved(None, alias.url)
    raise Gone(f'The {_named(alias)} is not here any more. {LOOK_ELSEWHERE}')


def _named(alias: Alias) -> str:
    title = f', "{validators.shortened(alias.name)}",' if alias.name else ''
    return f'{alias.kind.value} {alias.value} of MIDAS{title}'


def folder(text: str, user: UserDocument | None) -> RegisteredFolder:
    """Return the release, draft or application that the folder ``text`` of MIDAS, or with this id, became.

    :raises NotFound: there is no such folder, or ``user`` may not read it.
    :raises Gone: it was on the MIDAS server, and is not here.
    """
    identifier, alias = object_id(text), None
    if identifier is None:
        alias = aliases.find(Kind.FOLDER, text)
        identifier = alias.targets[0] if alias and alias.targets else None
    found = Folder().findOne({'_id': identifier, 'spm.role': {'$exists': True}}) if identifier else None
    if alias and not found:
        _elsewhere(alias._replace(url=''))
    if not found or not access.allows(access.LIST_PACKAGES, found, user):
        raise NotFound(_unknown(Kind.FOLDER, validators.shortened(text)))
    folder_: RegisteredFolder = found
    return folder_
