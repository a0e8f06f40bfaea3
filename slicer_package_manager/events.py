"""Handlers of the events that Girder's models trigger. Each one calls the registry.

They run for all documents on the server, so what they call returns early for documents that are not registered.
"""
from __future__ import annotations

from collections.abc import Callable

from girder import events

from slicer_package_manager.registry.links import rules as link_rules
from slicer_package_manager.registry.midas import aliases
from slicer_package_manager.registry.storage import quotas, upload_completion
from slicer_package_manager.registry.tree import attestations, consistency, copies, documents, file_names, item_files
from slicer_package_manager.rest.middleware import upload_warnings


def on_item_save(event: events.Event) -> None:
    """Before an item is saved."""
    upload_warnings.warn(consistency.check_item(event.info))
    documents.require_storable(event.info)


def on_folder_save(event: events.Event) -> None:
    """Before a folder is saved."""
    copies.add_metadata(event.info)
    documents.require_storable(event.info)
    consistency.check_folder(event.info)


def on_item_copied(event: events.Event) -> None:
    """After an item was copied with its files."""
    consistency.register_item(event.info)
    attestations.copy({event.info['copyOfItem']: event.info['_id']})


def on_upload_save(event: events.Event) -> None:
    """Before the document of an upload is saved."""
    quotas.check_size(event.info)
    quotas.note_place(event.info)
    upload_completion.note_move(event.info)


def on_file_save(event: events.Event) -> None:
    """Before a file is saved, by whichever call: the links of packages must be allowed."""
    file = event.info
    is_link = file.get('linkUrl') and not file.get('assetstoreId')
    if (is_link or not file_names.is_name(file['name'])) and item_files.package_of(file) is not None:
        file['name'] = file_names.checked_name(file['name'])
        if is_link:
            link_rules.check_file(file)


def on_item_removed(event: events.Event) -> None:
    """When an item is deleted: its aliases forget it. The registry does this for packages, in one transaction."""
    if 'spm' not in event.info:
        aliases.forget([event.info['_id']])


HANDLERS: dict[str, Callable[[events.Event], None]] = {
    'model.item.save': on_item_save,
    'model.item.copy.after': on_item_copied,
    'model.folder.save': on_folder_save,
    'model.upload.save': on_upload_save,
    # After an upload was created, and before its first byte arrives.
    'model.upload.save.created': lambda event: quotas.check_begun(event.info),
    # Before an upload becomes a file, or the new content of a file.
    'model.upload.finalize': lambda event: quotas.check_complete(event.info),
    'model.file.save': on_file_save,
    'model.item.remove': on_item_removed,
}
