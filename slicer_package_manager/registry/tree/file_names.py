"""What the file of a package is called, and of which type it is."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from girder.models.file import File
from pymongo import ReturnDocument

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import Input, clean_all
from slicer_package_manager.registry.server import clock, transactions
from slicer_package_manager.registry.tree import documents, item_files


def is_name(name: str) -> bool:
    """Whether the file of a package may have ``name``, as it is."""
    try:
        return validators.file_name(name) == name
    except ValueError:
        return False


def checked_name(name: object) -> str:
    """``name`` as the name of the file of a package.

    :raises Invalid: a file cannot have it.
    """
    return str(clean_all(name=Input(name, validators.file_name))['name'])


def named(name: str) -> Document:
    """The fields of a file that has ``name``."""
    return {'name': name, 'exts': [extension.lower() for extension in name.split('.')[1:]]}


@transactions.atomic
def change(file: Mapping[str, Any], name: str | None = None, mime_type: str | None = None) -> Document:
    """Set the name and the type of ``file``, as far as given, and nothing else; the file as it is then.

    :raises Invalid: the file cannot have this name.
    :raises NotFound: it no longer exists.
    """
    changes = {} if name is None else named(checked_name(name))
    if mime_type is not None:
        changes['mimeType'] = mime_type
    item = item_files.take(file)
    changed: Document | None = File().collection.find_one_and_update(
        {'_id': file['_id']}, {'$set': {**changes, 'updated': clock.now()}}, return_document=ReturnDocument.AFTER)
    if changed is None:
        raise NotFound(f'The file "{file["name"]}" ({file["_id"]}) was deleted just now.')
    if item:
        item_files.settle_taken(item)  # a replacement waits as long as it has its first name
    documents.trigger_saved(File(), changed, 'after')
    return changed
