"""Promotions as earlier versions stored them, brought to the present form at the start of the server.

Promotions left the packages of a draft registered for it, and assigned them to the release by an entry in
``spm.promoted`` of the application's folder. Its ``state`` was ``announced`` before that, ``moving`` until all packages
lay in the folders of the release, and then ``done``. ``folders`` has pairs of a folder of the draft and one of the
release, and ``without`` the packages that the release had too. Folders were marked with ``spm.promoting`` meanwhile.
"""
from __future__ import annotations

from bson.objectid import ObjectId
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.catalog import removal
from slicer_package_manager.registry.promotion import promote
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.registration import APPLICATION

_MARK = 'spm.promoting'


def convert() -> None:
    """Convert the promotions of all applications, one application at a time. Idempotent."""
    query = {keys.ROLE: {'$exists': True}, '$or': [
        {keys.ROLE: APPLICATION, keys.PROMOTED: {'$exists': True}}, {_MARK: {'$exists': True}}]}
    for app_id in Folder().collection.distinct(keys.APP, query):
        _convert(app_id)


@transactions.atomic
def _convert(app_id: ObjectId) -> None:
    app = transactions.find_for_update(Folder(), {'_id': app_id})
    for entry in app['spm'].get('promoted', ()) if app else ():
        if entry['state'] != 'announced':
            _finish(entry)
    Folder().collection.update_one({'_id': app_id}, {'$unset': {keys.PROMOTED: ''}})
    Folder().collection.update_many({keys.APP: app_id, _MARK: {'$exists': True}}, {'$unset': {_MARK: ''}})


def _finish(entry: Document) -> None:
    release = Folder().findOne({'_id': entry['release']})
    if release is None:
        return
    removal.remove_items(list(Item().find({'_id': {'$in': entry.get('without', [])}})))
    for source_id, target_id in entry['folders']:
        source, target = Folder().findOne({'_id': source_id}), Folder().findOne({'_id': target_id})
        if target:
            promote.move_items({'folderId': {'$in': [source_id, target_id]}, keys.CHANNEL: entry['draft']}, target)
        if source:
            promote.remove_folder(source)
    promote.mark(release)
