"""Packages or extensions with their files, as the lists of MIDAS have them: everything in one list, of whole items."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bson.objectid import ObjectId
from girder.models.file import File
from girder.models.item import Item

from slicer_package_manager.registry.catalog import package_lists
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.fields import EXTENSION, PackageType
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.types import ApplicationFolder, PackageItem, UserDocument

#: The most packages in one list. A larger list is refused, since clients take a part for the whole.
MOST = 20_000
_ITEM = ('name', 'description', 'created', 'updated', 'folderId', 'size', 'meta', 'spm')
_FILE = ('name', 'size', 'sha512', 'created', 'itemId', 'mimeType')


class Row(NamedTuple):
    """A package, and the file that readers get."""

    item: PackageItem
    file: Mapping[str, Any]


@transactions.atomic
def find(package_type: PackageType, app: ApplicationFolder, user: UserDocument | None, **filters: str | None
         ) -> list[Row]:
    """The packages of ``package_type`` in ``app`` that have a file and that ``user`` may see, newest first.

    :param filters: those of :func:`package_lists.query_of`.
    :raises Invalid: there are more than :data:`MOST`.
    """
    query = package_lists.query_of(package_type, app, user, **filters)  # type: ignore[arg-type] # none is of a tier
    items = list(Item().find(query, limit=MOST + 1, fields=_ITEM, sort=[('created', -1), ('_id', -1)]
                             ).batch_size(BATCH))
    if len(items) > MOST:
        raise Invalid([('limit', f'more than {MOST} match; give more parameters')])
    files = _files([item['_id'] for item in items])
    return [Row(item, files[item['_id']]) for item in items if item['_id'] in files]


def _files(items: list[ObjectId]) -> dict[ObjectId, Document]:
    """The file that readers get of each of ``items``."""
    found = File().find({'itemId': {'$in': items}}, fields=_FILE, sort=[('created', -1), ('_id', -1)])
    return {file['itemId']: file for file in found.batch_size(BATCH)}  # the first one comes last


def newest_revision(app: ApplicationFolder, user: UserDocument | None, os: str | None = None) -> str:
    """The revision of ``app`` for which the newest extension was added that ``user`` may see.

    Extensions of drafts come before those of releases. Without any extension, it is an empty text.
    """
    query = package_lists.query_of(EXTENSION, app, user, os=os)
    for place in ({keys.DRAFT: True}, {}):
        newest = Item().findOne({**query, **place}, fields=['meta.app_revision'], sort=[('created', -1), ('_id', -1)])
        if newest:
            return str(newest['meta']['app_revision'])
    return ''
