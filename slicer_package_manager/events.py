"""Handlers of the events that Girder's models trigger. Each one calls the registry.

They run for all documents on the server, so what they call returns early for documents that are not registered.
"""
from __future__ import annotations

from contextvars import ContextVar

from girder import events

from slicer_package_manager.registry.downloads import sealing
from slicer_package_manager.registry.links import rules as link_rules
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.storage import quotas, upload_completion
from slicer_package_manager.registry.tree import consistency, documents, file_names, item_files
from slicer_package_manager.rest.middleware import upload_warnings

_HANDLER = 'slicer_package_manager'
#: The registration, before the save, of the folder that this thread is saving.
_registered_before: ContextVar[Document | None] = ContextVar('registered_before', default=None)


def on_item_save(event: events.Event) -> None:
    """Before an item is saved."""
    upload_warnings.warn(consistency.check_item(event.info))
    documents.require_storable(event.info)


def on_item_copied(event: events.Event) -> None:
    """After an item was copied with its files."""
    consistency.register_item(event.info)


def on_folder_save(event: events.Event) -> None:
    """Before a folder is saved."""
    documents.require_storable(event.info)
    _registered_before.set(consistency.check_folder(event.info))


def on_folder_saved(event: events.Event) -> None:
    """After a folder was saved: documents below it follow a new name or place."""
    if not documents.is_own_write(event.info):
        before = _registered_before.get()
        sealing.leave(event.info, before)
        consistency.follow_folder(event.info, before)


def on_upload_save(event: events.Event) -> None:
    """Before the document of an upload is saved."""
    quotas.check_size(event.info)
    quotas.note_place(event.info)
    upload_completion.note_move(event.info)


def on_upload_begun(event: events.Event) -> None:
    """After an upload was created, and before its first byte arrives."""
    quotas.check_begun(event.info)


def on_upload_finalize(event: events.Event) -> None:
    """Before an upload becomes a file, or the new content of a file."""
    quotas.check_complete(event.info)


def on_file_save(event: events.Event) -> None:
    """Before a file is saved, by whichever call: the links of packages must be allowed."""
    file = event.info
    is_link = file.get('linkUrl') and not file.get('assetstoreId')
    if (is_link or not file_names.is_name(file['name'])) and item_files.package_of(file) is not None:
        file['name'] = file_names.checked_name(file['name'])
        if is_link:
            link_rules.check_file(file)


HANDLERS = {
    'model.item.save': on_item_save,
    'model.item.copy.after': on_item_copied,
    'model.folder.save': on_folder_save,
    'model.folder.save.after': on_folder_saved,
    'model.upload.save': on_upload_save,
    'model.upload.save.created': on_upload_begun,
    'model.upload.finalize': on_upload_finalize,
    'model.file.save': on_file_save,
}


def bind() -> None:
    """Bind all handlers."""
    for name, handler in HANDLERS.items():
        events.bind(name, _HANDLER, handler)
