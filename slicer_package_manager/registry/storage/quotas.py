"""Quotas: how many bytes the files of an application may have together.

The items in the folders of the application count, and the uploads in progress.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

from bson.objectid import ObjectId
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload

from slicer_package_manager.registry.schema.errors import Invalid, TooLarge
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, settings
from slicer_package_manager.registry.tree import keys

#: An upload that was not updated for so long no longer counts; it is checked again when it is complete.
PATIENCE = timedelta(hours=1)
_LARGEST = 2**63 - 1


def check_size(upload: Document) -> None:
    """Check, before ``upload`` is saved, that the database can store its size.

    :raises Invalid: it is too large.
    """
    if upload['size'] > _LARGEST:
        raise Invalid([('size', f'must not be more than {_LARGEST} bytes')])


def note_place(upload: Document) -> None:
    """Before ``upload`` begins: if there are quotas, store its application and item, by which it is found."""
    if '_id' in upload or not settings.get(settings.UPLOAD_QUOTAS):
        return
    app, item = _place(upload)
    if app:
        upload['quota'] = {'app': app, 'item': item and item['_id']}


def check_begun(upload: Document) -> None:
    """Check, after ``upload`` was saved, that it fits beside all other uploads in progress.

    Of two uploads that begin at the same time, at least one sees the other. So they never exceed the quota together,
    but both may be refused.

    :raises TooLarge: it does not fit; it is cancelled.
    """
    place = 'quota' in upload and _limited(upload)
    if place:
        app, item, limit = place
        _require(upload, app, limit, _in_progress(app), adds=_added(upload['size'], item))


def check_complete(upload: Document) -> None:
    """Check, before ``upload`` becomes a file, that it still fits.

    :raises TooLarge: it does not fit; it is cancelled.
    """
    place = _limited(upload)
    if place:
        app, item, limit = place
        added = _added(upload['size'], item)
        _require(upload, app, limit, added, adds=added)


def _limited(upload: Document) -> tuple[ObjectId, Document | None, int] | None:
    """Return the application of ``upload``, its item if there is one, and the quota; ``None`` without a quota."""
    quotas = settings.get(settings.UPLOAD_QUOTAS)
    app, item = _place(upload) if quotas else (None, None)
    if app is None:
        return None
    limit = limit_of(app, quotas)
    return None if limit is None else (app, item, limit)


def limit_of(app: ObjectId, quotas: Mapping[str, int]) -> int | None:
    """Return the quota of the application with the id ``app``, in bytes; ``None`` if it has none.

    :param quotas: the setting.
    """
    return quotas.get(str(app), quotas.get(settings.ALL_OTHERS))


def _place(upload: Document) -> tuple[ObjectId | None, Document | None]:
    """Return the id of the application and the item that ``upload`` goes to, as far as there are any."""
    file = upload.get('fileId') and File().findOne({'_id': upload['fileId']}, fields=['itemId'])
    item_id = file['itemId'] if file else upload.get('parentType') == 'item' and upload['parentId']
    item = Item().findOne({'_id': item_id}, fields=['folderId', 'size']) if item_id else None
    folder_id = item['folderId'] if item else upload.get('parentType') == 'folder' and upload['parentId']
    folder = Folder().findOne({'_id': folder_id}, fields=['spm']) if folder_id else None
    return (folder or {}).get('spm', {}).get('app'), item


def _added(size: int, item: Document | None) -> int:
    """Return by how many bytes ``item`` grows when a file of ``size`` bytes replaces its file."""
    present: int = (item or {}).get('size', 0)
    return max(size - present, 0)


def _in_progress(app: ObjectId) -> int:
    """Return how many bytes all uploads to ``app`` add; of several for one item, the largest counts."""
    largest: dict[ObjectId, int] = {}
    moving = {'quota.app': app, 'updated': {'$gte': clock.now() - PATIENCE}}
    for upload in Upload().find(moving, fields=['size', 'quota']):
        key = upload['quota']['item'] or upload['_id']
        largest[key] = max(largest.get(key, 0), upload['size'])
    items = {item['_id']: item for item in Item().find({'_id': {'$in': list(largest)}}, fields=['size'])}
    return sum(_added(size, items.get(key)) for key, size in largest.items())


def used(app: ObjectId) -> int:
    """Return how many bytes the files of the application with the id ``app`` have together."""
    return used_by([app])[app]


def used_by(apps: Sequence[ObjectId]) -> Counter[ObjectId]:
    """Return how many bytes the files of each application have together, by the ids of the applications."""
    places = {folder['_id']: folder['spm']['app'] for folder in Folder().find(
        {keys.APP: {'$in': apps}}, fields=[keys.APP]).batch_size(BATCH)}
    total: Counter[ObjectId] = Counter()
    for one in Item().collection.aggregate([
            {'$match': {'folderId': {'$in': list(places)}}},
            {'$group': {'_id': '$folderId', 'bytes': {'$sum': '$size'}}}], batchSize=BATCH):
        total[places[one['_id']]] += one['bytes']
    return total


def _require(upload: Document, app: ObjectId, limit: int, wanted: int, *, adds: int) -> None:
    taken = used(app)
    if not adds or taken + wanted <= limit:
        return
    Upload().cancelUpload(upload)
    name = Folder().findOne({'_id': app}, fields=['name'])['name']
    raise TooLarge(f'"{upload["name"]}" does not fit: the files of "{name}" may have {limit} bytes and have {taken}; '
                   f'the uploads in progress need {wanted} more. Delete packages that are no longer needed, or ask '
                   f'a site administrator to raise the setting {settings.UPLOAD_QUOTAS}.')
