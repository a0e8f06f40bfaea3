"""Girder's own calls for the files of items, where they promise more for packages and extensions.

Bound to the events that Girder gives before its handlers; other people's items pass through untouched.
"""
from girder import events
from girder.api import access
from girder.api.rest import getCurrentUser
from girder.constants import AccessType, TokenScope
from girder.models.file import File
from girder.models.item import Item

from slicer_package_manager.registry import files
from slicer_package_manager.registry.applications import object_id
from slicer_package_manager.registry.errors import NotFound


def _thing(event):
    """The package or extension that the request is about, if the user may read it; else ``None``."""
    identifier = object_id(event.info.get('id'))
    item = identifier and Item().findOne({'_id': identifier, 'spm.kind': {'$exists': True}})
    if item:
        Item().requireAccess(item, getCurrentUser(), AccessType.READ)
    return item


@access.public(scope=TokenScope.DATA_READ)
def one_file(event):
    """``GET /item/:id/files``: who cannot write to the item sees exactly one file, also during a replacement."""
    item = _thing(event)
    if not item or Item().hasAccess(item, getCurrentUser(), AccessType.WRITE):
        return
    file = files.current(item)
    event.preventDefault().addResponse([File().filter(file, getCurrentUser())] if file else [])


@access.public(scope=TokenScope.DATA_READ, cookie=True)
def not_yet(event):
    """``GET /item/:id/download``: an item without a file is a 404, not an empty archive."""
    item = _thing(event)
    if item and files.current(item) is None:
        raise NotFound(f'"{item["name"]}" has no file yet; its upload is not complete.')


HANDLERS = {
    'rest.get.item/:id/files.before': one_file,
    'rest.get.item/:id/download.before': not_yet,
}


def bind():
    """Bind all handlers."""
    for name, handler in HANDLERS.items():
        events.bind(name, 'slicer_package_manager', handler)
