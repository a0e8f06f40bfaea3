"""Where Girder's models do what is wrong for packages and extensions, they are corrected here, for those only.

Girder offers no event at these points: it changes sizes before it validates a move, copies a plugin's keys
without asking, deletes the bytes of a file before its document, does not see what is stored in a folder
while it deletes it, and fails on passwords that bcrypt does not take.
"""
from __future__ import annotations

from functools import wraps

from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.user import User

from slicer_package_manager.registry import disk, files, object_storage, passwords, placement, promotion
from slicer_package_manager.registry.registration import CHANNELS, EXTENSIONS, RELEASE, role


def _correct(model, name, correction):
    original = getattr(model, name)
    if getattr(original, 'corrected', False):
        return

    @wraps(original)
    def corrected(*args, **kwargs):
        return correction(original, *args, **kwargs)

    corrected.corrected = True  # type: ignore[attr-defined]
    setattr(model, name, corrected)


def _unregistered(document):
    """``document`` without the key that would make a copy claim the same identity."""
    return {key: value for key, value in document.items() if key != 'spm'}


def _move_item(original, item, folder):
    # Sizes are moved before the item is validated; a refused move must not leave them wrong.
    placement.check_item({**item, 'folderId': folder['_id']})
    return original(item, folder)


def _move_folder(original, folder, parent, parentType):
    placement.check_folder({**folder, 'parentId': parent['_id'], 'parentCollection': parentType})
    return original(folder, parent, parentType)


def _copy_item(original, srcItem, *args, **kwargs):
    return original(_unregistered(srcItem), *args, **kwargs)


def _copy_folder_components(original, srcFolder, newFolder, *args, **kwargs):
    try:
        return original(_unregistered(srcFolder), newFolder, *args, **kwargs)
    except Exception:
        if role(srcFolder):
            Folder().remove(newFolder)
        raise


def _remove_folder(original, folder, *args, **kwargs):
    if role(folder) in (*CHANNELS, EXTENSIONS):
        promotion.make_way(folder)
    original(folder, *args, **kwargs)
    if role(folder) == RELEASE:
        promotion.forget(folder)
    if role(folder):
        # What was stored in it after Girder looked, by somebody who saw the folder still there.
        Folder().clean(folder)


def _remove_file(original, file, updateItemSize=True, **kwargs):
    # Girder says False where the item goes too. Otherwise a newer file takes the place of this one, and those
    # who were told its id a moment ago shall still get it.
    item = files.thing_of(file)
    if item is not None and updateItemSize and files.replaced_soon(file):
        files.retire(file)
        files.settle(item)
        return None
    if item is not None:
        _forget_before_bytes(item, file)
    try:
        result = original(file, updateItemSize=updateItemSize, **kwargs)
    except Exception:
        if item is not None:
            files.settle(item)  # the file stays, if object storage has got out of reach
        raise
    if item is not None and updateItemSize:
        # Somebody else may have told of the file while it was still there.
        files.settle(item)
    return result


def _forget_before_bytes(item, file):
    """Take ``file`` from the lists while its bytes are there, and from its item if they are on disk.

    A server that is killed between the two leaves bytes that nobody wants, not a package that has lost them.
    """
    adapter = File().getAssetstoreAdapter(file) if file.get('assetstoreId') else None
    if isinstance(adapter, disk.Disk | object_storage.Adapter):
        adapter.require_writable()
    if file.get('itemId'):
        files.settle(item, without=file)
    if isinstance(adapter, disk.Disk):  # Girder deletes bytes in object storage only as long as the document is there
        File().collection.delete_one({'_id': file['_id']})


def _refuse_unusable_passwords():
    users = User()
    if not isinstance(users._cryptContext, passwords.Context):  # noqa: SLF001 - all that checks and sets goes through it
        users._cryptContext = passwords.Context(users._cryptContext)  # noqa: SLF001 - as above


def apply() -> None:
    """Correct Girder's models, and how it keeps files; may be called again."""
    disk.register()
    object_storage.register()
    _refuse_unusable_passwords()
    _correct(Item(), 'move', _move_item)
    _correct(Item(), 'copyItem', _copy_item)
    _correct(Folder(), 'move', _move_folder)
    _correct(Folder(), 'copyFolderComponents', _copy_folder_components)
    _correct(Folder(), 'remove', _remove_folder)
    _correct(File(), 'remove', _remove_file)
