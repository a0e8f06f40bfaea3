"""Uploads that go on after a crash of the server."""
from __future__ import annotations

import hashlib
from pathlib import Path

from girder.models.upload import Upload
from girder.utility import _hash_state

from slicer_package_manager.registry import files

_PIECE = 1024 * 1024


def mend_checksum(upload) -> None:
    """Make ``upload``, of a file of a package, know the checksum of what the server has of it.

    After a crash in the middle of a chunk there are more bytes on the disk than were hashed. Girder lets the client go
    on after them, and would end up with a wrong checksum.
    """
    part, state = upload.get('tempFile'), upload.get('sha512state')
    if not part or not state or not Path(part).is_file() or not files.is_for_thing(upload):
        return
    size = Path(part).stat().st_size
    if size != upload['received']:
        known = {'received': size, 'sha512state': _hash_state.serializeHex(_digest(part))}
        Upload().update({'_id': upload['_id'], 'received': upload['received']}, {'$set': known}, multi=False)


def _digest(path):
    digest = hashlib.sha512()
    with Path(path).open('rb') as content:
        while piece := content.read(_PIECE):
            digest.update(piece)
    return digest
