"""How many bytes the files of an application may have together.

What counts are the items in the folders of the application, and uploads that are under way.
"""
from __future__ import annotations

from datetime import timedelta

from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload

from slicer_package_manager.registry.schema.errors import Invalid, TooLarge
from slicer_package_manager.registry.server import clock, settings

#: An upload that has not moved for so long holds no place any more; it is checked again when it is complete.
PATIENCE = timedelta(hours=1)
_LARGEST = 2**63 - 1


def check_size(upload) -> None:
    """Before ``upload`` is stored: refuse a size that the database has no number for.

    :raises Invalid: it is that large.
    """
    if upload['size'] > _LARGEST:
        raise Invalid([('size', f'must not be more than {_LARGEST} bytes')])


def note_place(upload) -> None:
    """Before ``upload`` is begun: if there are limits, note what it goes to, so that it is found among all others."""
    if '_id' in upload or not settings.get(settings.UPLOAD_QUOTAS):
        return
    app, item = _place(upload)
    if app:
        upload['quota'] = {'app': app, 'item': item and item['_id']}


def check_begun(upload) -> None:
    """After ``upload`` was begun: refuse it if what it adds does not fit, beside all others that are under way.

    It is stored already, as the others are. So of two that begin at the same time, at least one sees the other:
    together they never fill more than there is, and it may be that both are refused.

    :raises TooLarge: it does not fit; it is forgotten.
    """
    place = 'quota' in upload and _limited(upload)
    if place:
        app, item, limit = place
        _require(upload, app, limit, _under_way(app), adds=_added(upload['size'], item))


def check_complete(upload) -> None:
    """Before ``upload`` becomes a file: refuse it if it does not fit any more.

    :raises TooLarge: it does not fit; it is forgotten.
    """
    place = _limited(upload)
    if place:
        app, item, limit = place
        added = _added(upload['size'], item)
        _require(upload, app, limit, added, adds=added)


def _limited(upload):
    """The application that ``upload`` goes to, the item if there is one, and how much fits; ``None`` without limit."""
    quotas = settings.get(settings.UPLOAD_QUOTAS)
    app, item = _place(upload) if quotas else (None, None)
    limit = quotas.get(str(app), quotas.get(settings.ALL_OTHERS)) if app else None
    return None if limit is None else (app, item, limit)


def _place(upload):
    """The ids of the application and of the item that ``upload`` goes to, as far as there are any."""
    file = upload.get('fileId') and File().findOne({'_id': upload['fileId']}, fields=['itemId'])
    item_id = file['itemId'] if file else upload.get('parentType') == 'item' and upload['parentId']
    item = Item().findOne({'_id': item_id}, fields=['folderId', 'size']) if item_id else None
    folder_id = item['folderId'] if item else upload.get('parentType') == 'folder' and upload['parentId']
    folder = Folder().findOne({'_id': folder_id}, fields=['spm']) if folder_id else None
    return (folder or {}).get('spm', {}).get('app'), item


def _added(size, item):
    """How much more ``item`` has once a file of ``size`` bytes has replaced what it has now."""
    return max(size - (item or {}).get('size', 0), 0)


def _under_way(app):
    """What all uploads to ``app`` add; of several for one item, the largest counts."""
    largest: dict = {}
    moving = {'quota.app': app, 'updated': {'$gte': clock.now() - PATIENCE}}
    for upload in Upload().find(moving, fields=['size', 'quota']):
        key = upload['quota']['item'] or upload['_id']
        largest[key] = max(largest.get(key, 0), upload['size'])
    items = {item['_id']: item for item in Item().find({'_id': {'$in': list(largest)}}, fields=['size'])}
    return sum(_added(size, items.get(key)) for key, size in largest.items())


def used(app) -> int:
    """How many bytes the files of the application with the id ``app`` have together."""
    folders = [folder['_id'] for folder in Folder().find({'spm.app': app}, fields=['_id'])]
    total = next(iter(Item().collection.aggregate([
        {'$match': {'folderId': {'$in': folders}}}, {'$group': {'_id': None, 'bytes': {'$sum': '$size'}}}])), None)
    return total['bytes'] if total else 0


def _require(upload, app, limit, wanted, *, adds):
    taken = used(app)
    if not adds or taken + wanted <= limit:
        return
    Upload().cancelUpload(upload)
    name = Folder().findOne({'_id': app}, fields=['name'])['name']
    raise TooLarge(f'"{upload["name"]}" does not fit: the files of "{name}" may have {limit} bytes and have {taken}; '
                   f'with all uploads that are under way, {wanted} more are wanted. Delete what is not needed any '
                   f'more, or ask a site administrator to raise the setting {settings.UPLOAD_QUOTAS}.')
