"""Uploads to a directory: bytes are appended to a temporary file, which is moved into its place in the end.

1. ``initUpload`` creates the temporary file, if all of the upload fits.
2. ``uploadChunk`` writes after the bytes that the database knows of, over what a failed request may have left there.
3. ``requestOffset`` returns the offset at which a client continues. If the disk has lost the end of what arrived, the
   upload's document is corrected first.
4. With the last bytes, the checksum is written into the upload's document, so that no deletion removes such bytes.
5. ``finalizeUpload`` moves the temporary file to the path that the checksum determines, and syncs both to the disk.
"""
from __future__ import annotations

import errno
import hashlib
import io
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import filelock
from girder.exceptions import ValidationException
from girder.models.upload import Upload
from girder.utility import _hash_state
from girder.utility.filesystem_assetstore_adapter import DEFAULT_PERMS

from slicer_package_manager.durability import sync
from slicer_package_manager.registry.schema.errors import InsufficientStorage, NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.storage.filesystem_access import FilesystemAccess
from slicer_package_manager.registry.storage.store import PIECE


class FilesystemUploads(FilesystemAccess):
    """Girder's methods for uploads."""

    def initUpload(self, upload: Document, uploadExtraParameters: Any) -> Document:
        """Begin ``upload``, if all of it fits."""
        self.require_writable()
        self.require_room(upload, upload['size'])
        with self.translated(upload):
            begun: Document = super().initUpload(upload, uploadExtraParameters)
            return begun

    def uploadChunk(self, upload: Document, chunk: Any, uploadExtraParameters: Any) -> Document:  # noqa: ARG002 - Girder's signature
        """Append ``chunk``, a stream, to ``upload``. If there is no room for the first chunk, cancel the upload."""
        self.require_writable()
        checksum = _hash_state.restoreHex(upload['sha512state'], 'sha512')
        try:
            self.require_room(upload, upload['size'] - upload['received'])
            with self.translated(upload):
                size = _write(upload, _stream(chunk), checksum)
        except InsufficientStorage:
            if not upload['received']:
                Upload().cancelUpload(upload)
            raise
        self.checkUploadSize(upload, size)
        upload['sha512state'] = _hash_state.serializeHex(checksum)
        upload['received'] += size
        if upload['received'] == upload['size']:  # from now on, no deletion removes bytes that are the same
            upload['sha512'] = checksum.hexdigest()
        return upload

    def checkUploadSize(self, upload: Document, chunkSize: int) -> None:
        """Check that ``upload`` has as many bytes left. Girder refuses small chunks, but bad networks let no others by.

        :raises ValidationException: it has fewer.
        """
        if upload['received'] + chunkSize > upload['size']:
            raise ValidationException('Received too many bytes.')

    def requestOffset(self, upload: Document) -> int:
        """Return how many bytes of ``upload`` have arrived; what a failed request has left does not count.

        :raises NotFound: all of them are lost.
        """
        self.require_readable()
        with self.translated(upload, lost=NotFound):
            received: int = upload['received']
            if _is_in_place(self._target(upload), upload):
                return received
            size = Path(upload['tempFile']).stat().st_size
            if size < received:
                _correct_received(upload, size)
            return min(size, received)

    def finalizeUpload(self, upload: Document, file: Document) -> Document:
        """Store the bytes of ``upload`` durably, and set their place and checksum in ``file``.

        Bytes that an earlier attempt has stored are as good. Otherwise, bytes with this checksum that are already
        there may be damaged, so the new ones replace them.
        """
        self.require_writable()
        target = self._target(upload)
        if '_id' in upload and 'sha512' not in upload:  # it came without chunks
            upload['sha512'] = target.name
            Upload().update({'_id': upload['_id']}, {'$set': {'sha512': target.name}}, multi=False)
        with self.translated(upload):
            made = _make_folders(target)
            with filelock.FileLock(f'{target}.deleteLock'):
                if Path(upload['tempFile']).exists() or not _is_in_place(target, upload):
                    self._put_in_place(upload, target)
            for folder in {target.parent, *made}:
                sync(folder)
        file.update(sha512=target.name, path=str(target.relative_to(self.assetstore['root'])))
        return file

    def cancelUpload(self, upload: Document) -> None:
        """Remove the temporary file of ``upload``."""
        self.require_no_transaction()
        Path(upload['tempFile']).unlink(missing_ok=True)

    def path_of(self, sha512: str) -> Path:
        """Return the path of the bytes with the checksum ``sha512``."""
        return Path(self.assetstore['root'], sha512[:2], sha512[2:4], sha512)

    def _target(self, upload: Document) -> Path:
        return self.path_of(_hash_state.restoreHex(upload['sha512state'], 'sha512').hexdigest())

    def _put_in_place(self, upload: Document, target: Path) -> None:
        part = Path(upload['tempFile'])
        if part.stat().st_size < upload['size']:
            raise FileNotFoundError(errno.ENOENT, 'The end of an upload is lost', str(part))
        os.truncate(part, upload['size'])
        sync(part)
        with suppress(PermissionError):  # some file systems know no permissions
            part.chmod(self.assetstore.get('perms', DEFAULT_PERMS))
        part.replace(target)


def _stream(chunk: Any) -> Any:
    if isinstance(chunk, str):
        chunk = chunk.encode()
    return io.BytesIO(chunk) if isinstance(chunk, bytes) else chunk


def _write(upload: Document, source: Any, checksum: Any) -> int:
    """Write the bytes of ``source`` after those that have arrived; return how many there were, even if too many."""
    size, left = 0, upload['size'] - upload['received']
    with Path(upload['tempFile']).open('r+b', buffering=0) as part:
        if part.seek(0, os.SEEK_END) < upload['received']:
            raise FileNotFoundError(errno.ENOENT, 'The end of an upload is lost', upload['tempFile'])
        part.seek(upload['received'])
        while size <= left and (piece := source.read(PIECE)):
            size += len(piece)
            if size <= left:
                _write_all(part, piece)
                checksum.update(piece)
    return size


def _write_all(part: io.RawIOBase, piece: bytes) -> None:
    """Write ``piece``; a disk that gets full may take only the beginning of it."""
    left = memoryview(piece)
    while left:
        left = left[part.write(left):]


def _correct_received(upload: Document, size: int) -> None:
    """Correct the number of bytes of ``upload`` to ``size``, and its checksum, unless a chunk has arrived."""
    with Path(upload['tempFile']).open('rb') as content:
        known = {'received': size, 'sha512state': _hash_state.serializeHex(_digest(content))}
    Upload().update({'_id': upload['_id'], 'received': upload['received']}, {'$set': known}, multi=False)


def _digest(content: BinaryIO) -> Any:
    digest = hashlib.sha512()
    while piece := content.read(PIECE):
        digest.update(piece)
    return digest


def _is_in_place(target: Path, upload: Document) -> bool:
    """Whether an earlier attempt has stored all bytes of ``upload``."""
    return (upload['received'] == upload['size'] and not Path(upload['tempFile']).exists()
            and target.is_file() and target.stat().st_size == upload['size'])


def _make_folders(target: Path) -> list[Path]:
    """Create the two directories above ``target``, but never the assetstore's own; return those with a new entry."""
    changed = []
    for folder in (target.parent.parent, target.parent):
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        changed.append(folder.parent)
    return changed
