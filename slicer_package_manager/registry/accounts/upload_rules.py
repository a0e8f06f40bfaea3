"""What the scope :data:`api_keys.UPLOAD` allows: which calls a user may make whose token has no other scope.

An id that belongs to no document is allowed too: Girder then answers that there is no such document.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bson.objectid import ObjectId
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Forbidden, Invalid
from slicer_package_manager.registry.schema.fields import EXTENSION
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import access, item_files, keys
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument

#: Stands for all extensions.
ALL = '*'


class Limits(NamedTuple):
    """What may be uploaded to the application ``app``, see :mod:`publishers` and :mod:`api_keys`.

    :param holder: what has these limits, as messages name it.
    :param remedy: what an administrator can do about them.
    """

    app: ObjectId
    extensions: tuple[str, ...]
    packages: bool
    holder: str = 'publisher'
    remedy: str = 'register another publisher'

    def allow(self, app: ObjectId | None, label: str, name: object) -> bool:
        """Whether the package ``name`` of the type ``label`` may be uploaded to the application ``app``."""
        if app != self.app:
            return False
        return (ALL in self.extensions or name in self.extensions) if label == EXTENSION.label else self.packages

    def __str__(self) -> str:
        names = 'all extensions' if ALL in self.extensions else ', '.join(f'"{one}"' for one in self.extensions)
        return ' and '.join(filter(None, (names, 'packages' if self.packages else '')))


class Uploader(NamedTuple):
    """The user of a token that is only for uploads; ``limits`` is ``None`` if only the access of the user limits it."""

    user: UserDocument
    limits: Limits | None = None


def may_see(uploader: Uploader, app_id: ObjectId | None) -> bool:
    """Whether the uploader may write to a folder of the application ``app_id``, and so may find the application."""
    if uploader.limits and uploader.limits.app != app_id:
        return False
    writable = access.folder_clause(uploader.user, access.SAVE_PACKAGE.target)
    return Folder().findOne({keys.APP: app_id, **writable}, fields=['_id']) is not None


def may_upload(user: Any, app_id: ObjectId) -> bool:
    """Whether ``user`` is enabled, and may write to a folder of the application ``app_id``."""
    return user.get('status', 'enabled') == 'enabled' and may_see(Uploader(user), app_id)


def require_uploader(user: Any, app: ApplicationFolder) -> None:
    """Check that ``user`` may upload to ``app``.

    :raises Invalid: they are disabled, or may write to no folder of it.
    """
    if not may_upload(user, app['_id']):
        wrong = (f'"{user["login"]}" may not write to any folder of "{app["name"]}", or is disabled; give the account '
                 'WRITE on the application')
        raise Invalid([('login', wrong)])


def require_allowed(uploader: Uploader, app_id: ObjectId | None, label: str, name: object) -> None:
    """Check that the uploader may save the package ``name`` of the type ``label``; the handler checks the user.

    :raises Forbidden: the limits do not allow it.
    """
    limits = uploader.limits
    if limits and not limits.allow(app_id, label, name):
        shown = validators.shortened(str(name))
        raise Forbidden(f'The {limits.holder} may not upload the {label} "{shown}" to the application {app_id}: it '
                        f'may upload {limits} to the application {limits.app}. An administrator of the server can '
                        f'{limits.remedy}.')


def may_fill(uploader: Uploader, item_id: ObjectId | None) -> bool:
    """Whether the uploader may upload a file to the item ``item_id``: it is a package or extension, and writable."""
    item: Document | None = Item().findOne({'_id': item_id}) if item_id else None
    return item_id is not None and (item is None or _may_write(uploader, item))


def _may_write(uploader: Uploader, item: Mapping[str, Any]) -> bool:
    place, limits = item.get('spm', ()), uploader.limits
    if 'kind' not in place or (limits and not limits.allow(place['app'], place['kind'], item['meta'].get('baseName'))):
        return False
    return access.allows(access.UPLOAD_FILE, item, uploader.user)


def may_replace(uploader: Uploader, file_id: ObjectId | None) -> bool:
    """Whether the uploader may replace the file ``file_id``: it belongs, or belonged, to a writable package."""
    file: Document | None = File().findOne({'_id': file_id}) if file_id else None
    item = item_files.package_of(file) if file else None
    return file_id is not None and (file is None or (item is not None and _may_write(uploader, item)))


def may_remove(uploader: Uploader, file_id: ObjectId | None) -> bool:
    """Whether the uploader may delete the file ``file_id``: it may be replaced, and another file takes its place."""
    file: Document | None = File().findOne({'_id': file_id}) if file_id else None
    return may_replace(uploader, file_id) and (file is None or bool(item_files.is_replaced(file)))


def may_continue(uploader: Uploader, upload_id: ObjectId | None) -> bool:
    """Whether the uploader began the upload ``upload_id``, of a file of a package or extension."""
    upload: Document | None = Upload().findOne({'_id': upload_id}) if upload_id else None
    if upload is None:
        return upload_id is not None
    if upload['userId'] != uploader.user['_id']:
        return False
    return (may_replace(uploader, upload['fileId']) if upload.get('fileId')
            else may_fill(uploader, upload.get('parentId')))
