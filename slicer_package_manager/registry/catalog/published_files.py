"""Facts of all files of packages that were ever published, for statistics from the logs of web servers."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from bson.objectid import ObjectId
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.midas.aliases import AliasModel
from slicer_package_manager.registry.midas.numbers import Kind
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import former_files, keys
from slicer_package_manager.registry.tree.registration import APPLICATION

_FILES: Document = {'$lookup': {'from': 'file', 'localField': '_id', 'foreignField': 'itemId', 'as': 'files'}}


def read() -> Iterator[Document]:
    """Yield what is known of each file, as JSON has it: see :func:`former_files.facts`.

    ``app`` is the name of the application. ``public`` states whether everyone can download the file, or could before it
    was deleted, and ``aliases`` has the numbers of MIDAS that it stands for, such as ``item:77``.
    """
    names = {one['_id']: one['name'] for one in Folder().collection.find({keys.ROLE: APPLICATION}, {'name': 1})}
    found = _there()
    while batch := list(islice(found, BATCH)):
        aliases = _aliases({one['item'] for one in batch})
        for one in batch:
            yield _json({**one, 'app': names.get(one['app'], str(one['app'])), 'aliases': aliases.get(one['item'], [])})


def _there() -> Iterator[Document]:
    """Yield the facts of the files that are there, and then of those that are gone."""
    folders = Folder().collection.find({'public': True, keys.ROLE: {'$exists': True}}, {'_id': 1})
    public = {one['_id'] for one in folders}
    visible: set[ObjectId] = set()
    for item in Item().collection.aggregate([{'$match': {keys.PACKAGE_TYPE: {'$exists': True}}}, _FILES]):
        if item['folderId'] in public:
            visible.add(item['_id'])
        for file in item['files']:
            yield {**former_files.facts(item, file), 'public': item['folderId'] in public}
    for one in former_files.find({}):
        yield {'public': one['item'] in visible, **one}


def _aliases(items: Iterable[ObjectId]) -> dict[ObjectId, list[str]]:
    """The numbers of MIDAS that ``items`` stand for, or stood for before they were deleted."""
    found: dict[ObjectId, list[str]] = {}
    ids = set(items)
    either: Document = {'$or': [{'targets': {'$in': list(ids)}}, {'former': {'$in': list(ids)}}]}
    for alias in AliasModel().collection.find(either):
        if alias['kind'] != Kind.FOLDER.value:
            for item in ids.intersection((*alias['targets'], *alias.get('former', ()))):
                found.setdefault(item, []).append(f'{alias["kind"]}:{alias["value"]}')
    return found


def _json(facts: Document) -> Document:
    return {key: _value(value) for key, value in facts.items()}


def _value(value: Any) -> Any:  # any value of BSON
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, ObjectId) else value
