"""The names of the unique indexes, and which of them an error is about; see :mod:`indexes` for what they have."""
from __future__ import annotations

from pymongo.errors import DuplicateKeyError

#: MongoDB's code of the error that a unique index causes.
DUPLICATE = 11000
#: Names of the unique indexes.
ITEM_IDENTITY = 'spm_item_identity'
ITEM_NAME = 'spm_item_name'
FOLDER_NAME = 'spm_folder_name'
RELEASE_NAME = 'spm_release_name'
CHANNEL_REVISION = 'spm_channel_revision'
COLLECTION_NAME = 'spm_collection_name'


def violated(error: DuplicateKeyError) -> str:
    """The name of the unique index that a ``DuplicateKeyError`` is about; ``''`` if the error does not name it."""
    message = str((error.details or {}).get('errmsg', ''))
    known = (ITEM_IDENTITY, ITEM_NAME, FOLDER_NAME, RELEASE_NAME, CHANNEL_REVISION, COLLECTION_NAME)
    return next((name for name in known if f'index: {name} ' in message), '')
