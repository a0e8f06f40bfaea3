"""Patches of Girder's models, for packages, extensions and API keys: other documents take Girder's way.

Girder triggers no event at these points. Each function here takes the method that it replaces as ``original``, and its
docstring states what is wrong with that. ``docs/development/girder-patches.md`` lists these and all other patches, with
the issue to file upstream and the test that guards each.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from girder.models.api_key import ApiKey
from girder.models.collection import Collection
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload
from girder.models.user import User

from slicer_package_manager.registry.accounts import api_keys, passwords
from slicer_package_manager.registry.catalog import removal
from slicer_package_manager.registry.downloads import sealing
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.server.replacements import replaced
from slicer_package_manager.registry.storage import file_removal, stores, upload_chunks, upload_completion
from slicer_package_manager.registry.tree import consistency, copies, documents, file_names, item_files, moves, saves
from slicer_package_manager.registry.tree.registration import role
from slicer_package_manager.registry.tree.types import FolderDocument, ItemDocument

#: The method of a model that a function here replaces.
Original = Callable[..., Document]


def _move_item(original: Original, item: Any, folder: Any) -> Any:
    """Move the package in one transaction: Girder changes the sizes of both folders before it validates the item."""
    if 'spm' in item or role(folder):
        return saves.replace(item, moves.move_item(item, folder))
    return original(item, folder)


def _move_folder(original: Original, folder: Any, parent: Document, parentType: str) -> Any:
    """Move the folder with all below it in one transaction: Girder changes sizes and documents one after the other."""
    if 'spm' in folder or consistency.concerns(
            {**folder, 'parentId': parent['_id'], 'parentCollection': parentType}):
        return saves.replace(folder, moves.move_folder(original, folder, parent, parentType))
    return original(folder, parent, parentType)


def _copy_item(original: Original, srcItem: ItemDocument, *args: object, **kwargs: object) -> Document:
    """Copy the item without its registration, which Girder would copy, and with it the identity.

    Girder leaves a part of a copy that fails. This one comes whole, with its files and its registration, or not at all.
    """
    def copy() -> Document:
        item_files.take({'itemId': srcItem['_id']})  # what changes its files takes it too
        return original(documents.without_registration(srcItem), *args, **kwargs)
    return transactions.run(copy)


def _copy_folder(original: Original, srcFolder: FolderDocument, parent: Any = None, *args: object, **kwargs: object
                 ) -> Any:
    """Copy the folder with all that is in it in one transaction: Girder leaves a part of a copy that fails."""
    if 'spm' in srcFolder or role(parent):
        return copies.copy_folder(srcFolder, lambda: original(srcFolder, parent, *args, **kwargs))
    return original(srcFolder, parent, *args, **kwargs)


def _copy_folder_components(original: Original, srcFolder: Any, newFolder: Any, *args: Any, **kwargs: Any) -> Any:
    """Copy the content without its registration, and by a few statements: Girder needs several for each document."""
    copy = copies.copy_content if transactions.is_open() else original
    return copy(srcFolder, newFolder, *args, **kwargs)


def _remove_folder(original: Original, folder: FolderDocument, *args: Any, itself: bool = True, **kwargs: Any) -> None:
    """Delete the folder with all that is in it by one transaction, see :mod:`removal`: Girder leaves a part of it."""
    if role(folder):
        removal.remove_folder(folder, *args, itself=itself, **kwargs)
    else:
        original(folder, *args, **kwargs)


def _remove_item(original: Original, item: ItemDocument, progress: Any = None, **kwargs: object) -> None:
    """Delete the package with its files by one transaction, and the bytes of uploads to it, which Girder leaves."""
    if 'spm' in item:
        removal.remove_item(item, progress)
    else:  # it may have been a package
        removal.cancel_uploads('item', [item])
        original(item, progress=progress, **kwargs)


def _load_file(original: Original, *args: Any, **kwargs: Any) -> Any:
    """Load the file, unless its package was deleted: Girder lets everyone have a file whose item no longer exists."""
    file = original(*args, **kwargs)
    if file and not kwargs.get('force') and item_files.is_detached(file) and item_files.package_of(file) is None:
        raise NotFound(f'There is no file with the id {file["_id"]}.')
    return file


def _has_access_to_file(original: Original, resource: Document, *args: Any, **kwargs: Any) -> bool:
    """Decide by what the file is attached to: Girder loads the item of each file, and fails if it is in none."""
    if resource.get('itemId'):
        return bool(original(resource, *args, **kwargs))
    if resource.get('attachedToType') != 'item':
        return False
    item = Item().load(resource.get('attachedToId'), force=True)
    return item is not None and bool(Item().hasAccess(item, *args, **kwargs))


def _remove_file(original: Original, file: Document, **kwargs: object) -> None:
    """Delete the document before the bytes, and only if no other file takes its place in the item.

    Girder deletes the bytes first: a reader, or a crash, in between finds a file without bytes.
    """
    package = item_files.with_files(file)
    if package:
        file_removal.remove(package, file)
    elif item_files.is_detached(file):
        file_removal.erase(file)
    else:
        original(file, **kwargs)


def _update_file(original: Original, file: Document) -> Document:
    """Update the name and the type only: Girder saves the whole document over concurrent changes."""
    if item_files.package_of(file) is None:
        return original(file)
    return file_names.change(file, file['name'], file.get('mimeType'))


def _copy_file(original: Original, srcFile: Document, creator: Document, item: Document | None = None) -> Document:
    """Copy the file of a package without its registration, unless its bytes or its new item are about to be deleted.

    :raises NotFound: the file was deleted or replaced by another request, or the item was deleted.
    """
    if item_files.package_of(srcFile) is None:
        return original(srcFile, creator, item)

    def copy() -> Document:
        item_files.take(srcFile)  # what deletes the file takes it too
        source = File().findOne({'_id': srcFile['_id']})
        if source is None or item_files.is_detached(source) != item_files.is_detached(srcFile):
            raise NotFound(f'"{srcFile["name"]}" was deleted or replaced while it was copied.')
        if item and Item().findOne({'_id': item['_id']}, fields=['_id']) is None:
            raise NotFound(f'The item "{item["name"]}" was deleted while a file was copied to it.')
        return original(_unattached(source), creator, item)
    return transactions.run(copy)


def _unattached(file: Document) -> Document:
    """``file`` without its registration, and if it was detached, as it was before."""
    gone = ('attachedToType', 'attachedToId') if item_files.is_detached(file) else ()
    return {key: value for key, value in documents.without_registration(file).items() if key not in gone}


def _create_upload(original: Original, user: Document | None, name: str, parentType: str, parent: Document,
                   *args: object, **kwargs: object) -> Any:
    """Check the name of the file of a package, which Girder takes as it is, before any bytes are sent."""
    if parentType == 'item' and 'kind' in parent.get('spm', ()):
        name = file_names.checked_name(name)
    return original(user, name, parentType, parent, *args, **kwargs)


def _create_upload_to_file(original: Original, file: Document, *args: object, **kwargs: object) -> Any:
    """Refuse new content of a file that another one has replaced, which Girder knows nothing about."""
    upload_completion.require_current(file)
    return original(file, *args, **kwargs)


def _move_file(original: Original, file: Document, *args: object, **kwargs: object) -> Document:
    """Move the content as it was read only: Girder would put it over newer content."""
    with upload_completion.moving(file):
        return original(file, *args, **kwargs)


def _handle_chunk(original: Original, upload: Document, *args: object, **kwargs: object) -> Document:
    """Take one chunk at a time: Girder writes the bytes of a second request before it finds out about the first."""
    with upload_chunks.exclusively(upload):
        return original(upload, *args, **kwargs)


def _finish_upload(original: Original, upload: Document, assetstore: Document | None = None) -> Document:
    """Finish uploads to packages as :mod:`upload_completion` does: Girder deletes the old bytes before it saves."""
    package = item_files.of_upload(upload)
    if package:
        return upload_completion.finish(upload, package, assetstore)
    upload_completion.check_others(upload)
    return original(upload, assetstore)


class Patch(NamedTuple):
    """A method of a model, and the function that replaces it."""

    model: type[Any]
    method: str
    replacement: Callable[..., Any]


PATCHES = (
    Patch(Item, 'load', saves.load_item),
    Patch(Item, 'save', saves.save_item),
    Patch(Item, 'move', _move_item),
    Patch(Item, 'copyItem', _copy_item),
    Patch(Item, 'remove', _remove_item),
    Patch(Folder, 'load', saves.load),
    Patch(Folder, 'save', partial(saves.save_folder, leave=sealing.leave)),
    Patch(Folder, 'setAccessList', saves.set_access),
    Patch(Folder, 'move', _move_folder),
    Patch(Folder, 'copyFolder', _copy_folder),
    Patch(Folder, 'copyFolderComponents', _copy_folder_components),
    Patch(Folder, 'remove', _remove_folder),
    Patch(Folder, 'clean', partial(_remove_folder, itself=False)),
    Patch(Collection, 'load', saves.load),
    Patch(Collection, 'save', saves.save_collection),
    Patch(File, 'load', _load_file),
    Patch(File, 'hasAccess', _has_access_to_file),
    Patch(File, 'save', saves.save_file),
    Patch(File, 'remove', _remove_file),
    Patch(File, 'updateFile', _update_file),
    Patch(File, 'copyFile', _copy_file),
    Patch(Upload, 'createUpload', _create_upload),
    Patch(Upload, 'createUploadToFile', _create_upload_to_file),
    Patch(Upload, 'moveFileToAssetstore', _move_file),
    Patch(Upload, 'handleChunk', _handle_chunk),
    Patch(Upload, 'finalizeUpload', _finish_upload),
    Patch(ApiKey, 'createToken', api_keys.in_transaction),
    Patch(ApiKey, 'remove', api_keys.in_transaction),
)


def apply() -> None:
    """Patch the models, of which Girder has one instance each, and register our stores and scopes. Idempotent."""
    stores.register()
    api_keys.register()
    _refuse_unusable_passwords()
    for patch in PATCHES:
        model = patch.model()
        setattr(model, patch.method, replaced(getattr(model, patch.method), patch.replacement))


def _refuse_unusable_passwords() -> None:
    """Refuse passwords that bcrypt does not take, see :mod:`passwords`; all checks and changes use the context."""
    users = User()
    if not isinstance(users._cryptContext, passwords.Context):  # noqa: SLF001
        users._cryptContext = passwords.Context(users._cryptContext)  # noqa: SLF001
