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


def is_violated(name: str, error: DuplicateKeyError) -> bool:
    """Whether ``error`` is about the unique index ``name``."""
    return f'index: {name} ' in str((error.details or {}).get('errmsg', ''))
