"""The indexes that make identities unique and lists quick; see :mod:`startup` for when they are created."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias

import pymongo
from girder.models.collection import Collection
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError, OperationFailure

from slicer_package_manager.registry.accounts import id_tokens, publishers
from slicer_package_manager.registry.downloads import counts, logged, logged_sums
from slicer_package_manager.registry.downloads.counts import Download
from slicer_package_manager.registry.expected import store
from slicer_package_manager.registry.midas import aliases
from slicer_package_manager.registry.news import history
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE, PackageType
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import attestations, former_files, keys
from slicer_package_manager.registry.tree.unique_indexes import (
    CHANNEL_REVISION,
    COLLECTION_NAME,
    FOLDER_NAME,
    ITEM_IDENTITY,
    ITEM_NAME,
    RELEASE_NAME,
)
from slicer_package_manager.registry.webhooks import hooks

#: An index on very many documents takes long; Girder's connection to the database times out after a minute.
_PATIENCE = 6 * 3600
#: How many groups of documents that share an identity a message names.
_NAMED = 20

#: An index, and the model of Girder whose collection it is for.
WantedIndex: TypeAlias = tuple[Any, IndexModel]


def _unique(name: str, of: Sequence[str], present: Document) -> IndexModel:
    return IndexModel([(key, ASCENDING) for key in of], name=name, unique=True,
                      partialFilterExpression=present)


def _lists(name: str, package_type: PackageType | None, *compared: str, more: Sequence[str] = ()) -> IndexModel:
    """For lists in the order of creation or, read backwards, its reverse, of what is equal in ``compared``.

    :param more: what the index has besides, for queries that read no items then.
    """
    of_package_type = {'$exists': True} if package_type is None else package_type.label
    return IndexModel([(key, DESCENDING) for key in (keys.APP, keys.PACKAGE_TYPE, *compared, 'created', '_id', *more)],
                      name=name, partialFilterExpression={keys.PACKAGE_TYPE: of_package_type})


_SYSTEM = ('meta.os', 'meta.arch')
# Each has what a query compares for equality first, and then the order of the list; see the query plans in
# plugin_tests/registry/test_query_plans.py.
ITEM_INDEXES = [
    _unique(ITEM_IDENTITY, ('folderId', keys.IDENTITY), {keys.IDENTITY: {'$exists': True}}),
    _unique(ITEM_NAME, ('folderId', 'name'), {keys.PACKAGE_TYPE: {'$exists': True}}),
    # Partial indexes serve queries that are sure to ask for a package type; all of ours do.
    _lists('spm_all', None),
    _lists('spm_in_channel', None, keys.CHANNEL, *_SYSTEM),
    _lists('spm_extensions', EXTENSION, 'meta.app_revision', *_SYSTEM,
           more=(keys.HAS_FILE, keys.CHANNEL, 'meta.baseName', 'meta.revision')),
    _lists('spm_extensions_by_name', EXTENSION, 'meta.app_revision', *_SYSTEM, 'meta.baseName'),
    _lists('spm_extensions_named', EXTENSION, 'meta.baseName', *_SYSTEM),
    _lists('spm_extensions_search', EXTENSION, keys.SEARCH, keys.HAS_FILE),
    _lists('spm_packages', PACKAGE, 'meta.revision', *_SYSTEM),
    _lists('spm_packages_by_date', PACKAGE, *_SYSTEM),
    _lists('spm_packages_by_revision', PACKAGE, *_SYSTEM, 'meta.revision'),
    IndexModel([(keys.APP, ASCENDING), ('folderId', ASCENDING)], name='spm_unready',
               partialFilterExpression={keys.HAS_FILE: False}),
    # Has all that summaries ask for, so that these read no items.
    IndexModel([(key, ASCENDING) for key in (keys.APP, keys.PACKAGE_TYPE, keys.CHANNEL, 'meta.os', 'meta.arch',
                                             keys.HAS_FILE, 'size', 'meta.baseName', 'meta.revision')],
               name='spm_summary', partialFilterExpression={keys.PACKAGE_TYPE: {'$exists': True}}),
    # Has all that the news ask for, in the order in which they group it.
    IndexModel([(key, ASCENDING) for key in (keys.APP, keys.PACKAGE_TYPE, keys.HAS_FILE, 'meta.baseName',
                                             'meta.revision', 'updated')],
               name='spm_extensions_revisions', partialFilterExpression={keys.PACKAGE_TYPE: EXTENSION.label}),
]
FOLDER_INDEXES = [
    _unique(FOLDER_NAME, ('parentId', 'name', keys.ROLE), {keys.ROLE: {'$exists': True}}),
    _unique(RELEASE_NAME, (keys.APP, 'lowerName', keys.ROLE), {keys.ROLE: 'release'}),
    _unique(CHANNEL_REVISION, (keys.APP, keys.REVISION, keys.ROLE, 'parentId'),
            {keys.ROLE: {'$exists': True}}),
    IndexModel([(keys.APP, ASCENDING), (keys.ROLE, ASCENDING), ('created', DESCENDING), ('_id', DESCENDING)],
               name='spm_folders', partialFilterExpression={keys.ROLE: {'$exists': True}}),
    IndexModel([(keys.ROLE, ASCENDING), ('public', ASCENDING)], name='spm_folders_role',
               partialFilterExpression={keys.ROLE: {'$exists': True}}),
    IndexModel([(keys.APP, ASCENDING), ('public', ASCENDING)], name='spm_folders_public',
               partialFilterExpression={keys.ROLE: {'$exists': True}}),
]
FILE_INDEXES = [IndexModel([(keys.DETACHED, ASCENDING)], name='spm_retired',
                           partialFilterExpression={keys.DETACHED: {'$exists': True}}),
                # The files of an item beside that for readers, and those that were replaced.
                IndexModel([('attachedToId', ASCENDING)], name='spm_attached',
                           partialFilterExpression={'attachedToId': {'$exists': True}})]
UPLOAD_INDEXES = [IndexModel([('quota.app', ASCENDING), ('updated', ASCENDING)], name='spm_quota',
                             partialFilterExpression={'quota.app': {'$exists': True}})]
COLLECTION_INDEXES = [_unique(COLLECTION_NAME, (keys.ROLE, 'name'), {keys.ROLE: {'$exists': True}})]


def _wanted() -> tuple[tuple[Any, list[IndexModel]], ...]:
    return ((Item(), ITEM_INDEXES), (Folder(), FOLDER_INDEXES), (Collection(), COLLECTION_INDEXES),
            (File(), FILE_INDEXES), (Upload(), UPLOAD_INDEXES), (Download(), counts.INDEXES),
            (aliases.AliasModel(), aliases.INDEXES), (history.EventModel(), history.INDEXES),
            (publishers.PublisherModel(), publishers.INDEXES), (id_tokens.SpentToken(), id_tokens.INDEXES),
            (store.ExpectedModel(), store.INDEXES), (hooks.WebhookModel(), hooks.INDEXES),
            (attestations.AttestationModel(), attestations.INDEXES),
            (former_files.FormerFile(), former_files.INDEXES), (logged.LoggedDownload(), logged.INDEXES),
            (logged_sums.LoggedSum(), logged_sums.INDEXES))


def missing() -> list[WantedIndex]:
    """Return the missing indexes, each with its model, unique ones first. One query for each collection."""
    found = []
    for model, wanted in _wanted():
        there = model.collection.index_information()
        found += [(model, index) for index in wanted if not _is_there(index.document, there)]
    return sorted(found, key=lambda one: not _is_unique(one))


def _is_there(index: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    known = there.get(index['name'], {})
    same_keys = known.get('key') == list(index['key'].items())
    return same_keys and bool(known.get('unique')) == bool(index.get('unique'))


def _is_unique(one: WantedIndex) -> bool:
    _, index = one
    return bool(index.document.get('unique'))


def ensure() -> None:
    """Create the missing indexes; wait if another process creates them.

    :raises RuntimeError: documents violate a unique index; the message names them. The server must not write without
        the index, or it would store more of them.
    """
    lacking = missing()
    for model, index in filter(_is_unique, lacking):
        _create(model, [index])
    for model, _ in _wanted():
        others = [index for of, index in lacking if of is model and not index.document.get('unique')]
        if others:
            _create(model, others)


def _create(model: Any, indexes: list[IndexModel]) -> None:
    _drop_outdated(model, indexes)
    try:
        with pymongo.timeout(_PATIENCE):
            model.collection.create_indexes(indexes)
    except (DuplicateKeyError, OperationFailure) as error:
        name = '", "'.join(index.document['name'] for index in indexes)
        if error.code != transactions.DUPLICATE:
            raise RuntimeError(f'The index "{name}" on "{model.name}" could not be created: {error}') from error
        raise RuntimeError(_refusal(model, indexes[0].document)) from error


def _drop_outdated(model: Any, indexes: list[IndexModel]) -> None:
    """Drop what has the name of one of ``indexes`` and is another one, of an earlier release."""
    there = model.collection.index_information()
    for index in (one.document for one in indexes):
        if index['name'] in there and not _is_there(index, there):
            try:
                # By its keys: by its name it might be the right one, which another process has just created.
                model.collection.database.command(
                    'dropIndexes', model.name, index=dict(there[index['name']]['key']))
            except OperationFailure as error:
                if error.code != 27:  # noqa: PLR2004 - MongoDB's IndexNotFound
                    raise


def in_the_way(model: Any, index: Mapping[str, Any]) -> Iterator[list[Document]]:
    """Yield groups of documents, with ``_id`` and ``name``, that share what must be unique in ``index``."""
    identity = {key.replace('.', '_'): f'${key}' for key in index['key']}
    for group in model.collection.aggregate([
            {'$match': index.get('partialFilterExpression', {})},
            {'$group': {'_id': identity, 'documents': {'$push': {'_id': '$_id', 'name': '$name'}}}},
            {'$match': {'documents.1': {'$exists': True}}}], allowDiskUse=True):
        yield group['documents']


def _refusal(model: Any, index: Mapping[str, Any]) -> str:
    groups = islice(in_the_way(model, index), _NAMED)
    lines = ['; '.join(f'"{one["name"]}" ({one["_id"]})' for one in group) for group in groups]
    return (f'These documents of "{model.name}" share {", ".join(index["key"])}, which must be unique; delete or '
            'change all but one of each line and start again:\n  ' + '\n  '.join(lines))
