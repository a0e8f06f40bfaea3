"""The names of the unique indexes; see :mod:`indexes` for what they have."""
from __future__ import annotations

#: Names of the unique indexes.
ITEM_IDENTITY = 'spm_item_identity'
ITEM_NAME = 'spm_item_name'
FOLDER_NAME = 'spm_folder_name'
RELEASE_NAME = 'spm_release_name'
CHANNEL_REVISION = 'spm_channel_revision'
COLLECTION_NAME = 'spm_collection_name'
