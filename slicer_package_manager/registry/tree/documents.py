"""New documents, stored through Girder's models in a single write."""
from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

import bson
from bson.errors import BSONError
from bson.objectid import ObjectId
from girder import auditLogger, events
from girder.constants import AccessType
from girder.models.collection import Collection
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.schema.errors import Invalid, NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions, write_gate
from slicer_package_manager.registry.tree import sizes
from slicer_package_manager.registry.tree.types import UserDocument

#: Bytes that metadata may take: of what is registered, which lists show whole, and of all else, as the database has it.
_LARGEST_META, _LARGEST_META_OF_OTHERS = 256 * 1024, 15 * 1024 * 1024
#: The database takes somewhat more, beside what is around metadata in queries and updates.
_DEEPEST_META = 100
#: How many items one transaction changes at most.
MOST_ITEMS = 20_000

#: A document that is stored.
Stored = TypeVar('Stored', bound=Document)


def require_storable(document: Mapping[str, Any]) -> None:
    """Refuse ``document``, a folder or item as Girder is about to save it, if the database cannot take its metadata.

    :raises Invalid: its keys, its numbers, its depth or its size are beyond what the database can keep.
    """
    if _is_deeper(document.get('meta'), _DEEPEST_META):
        raise Invalid([('meta', f'must not be nested more than {_DEEPEST_META} levels deep')])
    try:
        size = len(bson.encode({'meta': document.get('meta')}))
    except (BSONError, OverflowError, UnicodeEncodeError) as error:
        raise Invalid([('meta', f'cannot be kept: {error}')]) from None
    limit = _LARGEST_META if 'spm' in document else _LARGEST_META_OF_OTHERS
    if size > limit:
        raise Invalid([('meta', f'must not take more than {limit} bytes')])


def _is_deeper(value: object, levels: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(not levels or _is_deeper(one, levels - 1) for one in inside)


def insert(model: Any, document: Stored, *moments: str) -> Stored:
    """Store ``document`` as a new one, with the events of Girder's ``Model.save``, or those of ``moments`` only.

    Girder's own ``save`` takes a document that has an id for an old one and hides which index was violated.

    :raises DuplicateKeyError: a unique index holds this identity already.
    :raises Unavailable: the server does not accept writes yet.
    """
    write_gate.require()
    document.setdefault('_id', ObjectId())
    model.collection.insert_one(document)
    details = {'collection': model.name, 'id': document['_id']}
    transactions.after_commit(lambda: auditLogger.info('document.create', extra={'details': details}))
    trigger_saved(model, document, *(moments or ('created', 'after')))
    return document


def trigger_saved(model: Any, document: Mapping[str, Any], *moments: str) -> None:
    """Trigger the events of a save of ``document``, which this process has just written, after the commit."""
    for moment in moments:
        transactions.after_commit(partial(events.trigger, f'model.{model.name}.save.{moment}', document))


def take(model: Any, document: Mapping[str, Any]) -> Any:  # of the type of ``document``
    """Take ``document`` of ``model`` for the transaction, and return it as it is now.

    :raises NotFound: it no longer exists.
    """
    taken = transactions.find_for_update(model, {'_id': document['_id']})
    if taken is None:
        raise NotFound(f'The {model.name} "{document["name"]}" was deleted by another request.')
    return taken


def new_folder(parent: Mapping[str, Any], parent_type: str, name: str, creator: UserDocument, *,
               administers: bool = False, public: bool | None = None, description: str = '',
               meta: Mapping[str, Any] | None = None, _id: ObjectId | None = None) -> Document:
    """A folder document as Girder's ``createFolder`` makes it, with its metadata and not stored yet.

    It inherits the access list of its parent.

    :param administers: whether ``creator`` gets ADMIN access besides. Folders that an upload creates have the access of
        their parent only.
    :param public: whether anyone may read it; as public as the parent by default.
    """
    moment = clock.now()
    root = root_of(parent, parent_type)
    folder = {
        '_id': _id or ObjectId(), 'name': name, 'lowerName': name.lower(), 'description': description,
        'parentCollection': parent_type, 'parentId': parent['_id'],
        'baseParentType': root[0], 'baseParentId': root[1],
        'creatorId': creator['_id'], 'created': moment, 'updated': moment, 'size': 0,
        'meta': dict(meta or {}),
    }
    Folder().copyAccessPolicies(src=parent, dest=folder)
    if administers:
        Folder().setUserAccess(folder, user=creator, level=AccessType.ADMIN)
    if public is not None:
        folder['public'] = public
    return folder


def root_of(parent: Mapping[str, Any], parent_type: str) -> sizes.Place:
    """The collection or user at the top of what is in ``parent``."""
    return sizes.root_of(parent) if parent_type == 'folder' else (parent_type, parent['_id'])


def with_folders_below(folders: list[Any]) -> list[Any]:
    """``folders`` and all that are below them, each after the one that it is in."""
    ids = [one['_id'] for one in folders]
    below = list(Folder().find({'parentId': {'$in': ids}, 'parentCollection': 'folder'}))
    return folders + with_folders_below(below) if below else folders


def require_few(folders: list[Any]) -> None:
    """Refuse to change all items of ``folders``, the first of which the others are below, if they are too many.

    :raises Invalid: one transaction could not change them in time.
    """
    most, here = transactions.DOCUMENTS, {'folderId': {'$in': [one['_id'] for one in folders]}}
    if len(folders) > most or Item().collection.count_documents(here, limit=MOST_ITEMS + 1) > MOST_ITEMS:
        what = (f'has more than {most} folders or {MOST_ITEMS} items in it, too many to change at once; change the '
                'folders in it one after the other')
        raise Invalid([(folders[0]['name'], what)])


def without_registration(document: Mapping[str, Any]) -> Document:
    """``document`` without the keys that no copy has: what would claim the same identity, and the lock."""
    return {key: value for key, value in document.items() if key not in ('spm', transactions.LOCK)}


def new_item(folder: Mapping[str, Any], name: str, creator: UserDocument, description: str,
             meta: Document) -> Document:
    """An item document as Girder's ``createItem`` makes it, with its metadata and not stored yet."""
    moment = clock.now()
    return {
        '_id': ObjectId(), 'name': name, 'lowerName': name.lower(), 'description': description,
        'folderId': folder['_id'], 'creatorId': creator['_id'],
        'baseParentType': folder['baseParentType'], 'baseParentId': folder['baseParentId'],
        'created': moment, 'updated': moment, 'size': 0, 'meta': meta,
    }


def new_collection(name: str, description: str, creator: UserDocument) -> Document:
    """Store a public collection that ``creator`` administers.

    :raises DuplicateKeyError: another process has stored one with this name.
    """
    moment = clock.now()
    collection = {
        '_id': ObjectId(), 'name': name, 'lowerName': name.lower(), 'description': description,
        'creatorId': creator['_id'], 'created': moment, 'updated': moment, 'size': 0, 'meta': {},
        'access': {'users': [], 'groups': []}, 'public': True, 'spm': {'role': 'collection'},
    }
    Collection().setUserAccess(collection, user=creator, level=AccessType.ADMIN)
    return insert(Collection(), collection)
