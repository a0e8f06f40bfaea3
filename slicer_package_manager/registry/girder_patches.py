"""Where Girder's models do what is wrong for packages and extensions, they are corrected here, for those only.

Girder offers no event at these points: it changes sizes before it validates a move, copies a plugin's keys
without asking, deletes the bytes of a file before its document, saves whole documents of files that others change
(see :mod:`upload_completion`), does not see what is stored in a folder or an item while it deletes it,
and fails on passwords that bcrypt does not take.
"""
from __future__ import annotations

from functools import wraps

from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload
from girder.models.user import User

from slicer_package_manager.registry.accounts import passwords
from slicer_package_manager.registry.downloads import sealing
from slicer_package_manager.registry.promotion import promote
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.storage import file_removal, stores, upload_chunks, upload_completion, uploads
from slicer_package_manager.registry.tree import consistency, file_names, item_files
from slicer_package_manager.registry.tree.registration import CHANNELS, EXTENSIONS, RELEASE, role


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
    consistency.check_item({**item, 'folderId': folder['_id']})
    return original(item, folder)


def _move_folder(original, folder, parent, parentType):
    consistency.check_folder({**folder, 'parentId': parent['_id'], 'parentCollection': parentType})
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
        promote.make_way(folder)
    original(folder, *args, **kwargs)
    if role(folder) in (*CHANNELS, EXTENSIONS):
        sealing.finish(folder['_id'])
    if role(folder) == RELEASE:
        promote.forget(folder)
    if role(folder):
        # What was stored in it after Girder looked, by somebody who saw the folder still there.
        Folder().clean(folder)


def _remove_item(original, item, **kwargs):
    if 'spm' in item:  # Girder would leave what has arrived of them
        for upload in Upload().find({'parentType': 'item', 'parentId': item['_id']}):
            uploads.give_up(upload)
    original(item, **kwargs)
    if 'spm' in item:
        # What was uploaded to it after Girder looked.
        for file in File().find({'itemId': item['_id']}):
            File().remove(file, updateItemSize=False)


def _remove_file(original, file, updateItemSize=True, **kwargs):
    item = item_files.thing_of(file)
    if item_files.is_detached(file):
        # Those who were told its id a moment ago shall still get it; it is removed with all that were replaced.
        return None if item is not None and updateItemSize else file_removal.erase(file)
    if item is None:
        return original(file, updateItemSize=updateItemSize, **kwargs)
    # Girder says False where the item goes too. Otherwise a newer file takes the place of this one.
    if updateItemSize and item_files.give_way(item, file):
        return None
    return file_removal.remove_with_bytes(item, file)


def _update_file(original, file):
    if item_files.thing_of(file) is None:
        return original(file)
    return file_names.change(file, file['name'], file.get('mimeType'))


def _copy_file(original, srcFile, *args, **kwargs):
    copied, was_detached = _unregistered(srcFile), item_files.is_detached(srcFile)
    if was_detached:  # the copy is not
        copied = {key: value for key, value in copied.items() if not key.startswith('attachedTo')}
    made = original(copied, *args, **kwargs)
    now = File().findOne({'_id': srcFile['_id']}, fields=['spm'])
    # A deletion that begins from now on sees the copy.
    if now is None or (item_files.is_detached(now) and not was_detached):
        File().remove(made)
        raise NotFound(f'"{srcFile["name"]}" was deleted or replaced while it was copied.')
    return made


def _create_upload(original, user, name, parentType, parent, *args, **kwargs):
    if parentType == 'item' and 'kind' in parent.get('spm', ()):
        name = file_names.checked_name(name)
    return original(user, name, parentType, parent, *args, **kwargs)


def _create_upload_to_file(original, file, *args, **kwargs):
    upload_completion.require_current(file)
    return original(file, *args, **kwargs)


def _move_file(original, file, *args, **kwargs):
    with upload_completion.moving(file):
        return original(file, *args, **kwargs)


def _handle_chunk(original, upload, *args, **kwargs):
    with upload_chunks.exclusively(upload):
        return original(upload, *args, **kwargs)


def _finish_upload(original, upload, assetstore=None):
    if item_files.thing_of_upload(upload) is not None:
        return upload_completion.finish(upload, assetstore)
    upload_completion.check_others(upload)
    return original(upload, assetstore)


def _refuse_unusable_passwords():
    users = User()
    if not isinstance(users._cryptContext, passwords.Context):  # noqa: SLF001 - all that checks and sets goes through it
        users._cryptContext = passwords.Context(users._cryptContext)  # noqa: SLF001 - as above


def apply() -> None:
    """Correct Girder's models, and how it keeps files; may be called again."""
    stores.register()
    _refuse_unusable_passwords()
    _correct(Item(), 'move', _move_item)
    _correct(Item(), 'copyItem', _copy_item)
    _correct(Item(), 'remove', _remove_item)
    _correct(Folder(), 'move', _move_folder)
    _correct(Folder(), 'copyFolderComponents', _copy_folder_components)
    _correct(Folder(), 'remove', _remove_folder)
    _correct(File(), 'remove', _remove_file)
    _correct(File(), 'updateFile', _update_file)
    _correct(File(), 'copyFile', _copy_file)
    _correct(Upload(), 'createUpload', _create_upload)
    _correct(Upload(), 'createUploadToFile', _create_upload_to_file)
    _correct(Upload(), 'moveFileToAssetstore', _move_file)
    _correct(Upload(), 'handleChunk', _handle_chunk)
    _correct(Upload(), 'finalizeUpload', _finish_upload)
