"""The types of assetstores whose files a backup can have, by the numbers that Girder and the manifest give them.

To support another type, add it to one of these two groups, and raise the format of the manifest.
"""
from __future__ import annotations

from collections.abc import Mapping

from girder.constants import AssetstoreType

#: Stores with a path for each file. A backup always has their files, and any restored files go to such a store.
DIRECTORIES = (AssetstoreType.FILESYSTEM,)
#: Stores with any text as the key of a file. A backup has their files only if it is asked to copy them.
BUCKETS = (AssetstoreType.S3,)
#: All types that a manifest may name.
SUPPORTED = DIRECTORIES + BUCKETS
#: The type of assetstores whose files are restored.
RESTORED = AssetstoreType.FILESYSTEM


def is_bucket(store: Mapping[str, object]) -> bool:
    """Whether the files of ``store``, a document or an entry of the manifest, are objects in a bucket."""
    return store['type'] in BUCKETS
