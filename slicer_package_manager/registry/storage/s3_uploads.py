"""Uploads that the server passes on to the bucket, as most clients use them.

1. A file that comes in one chunk of moderate size becomes an object at once.
2. Otherwise a multipart upload is created in the bucket. Its id is stored in the upload's document before anything is
   sent, so that whatever cancels the upload finds it.
3. Each chunk is sent in parts of :data:`PART` bytes, each from a temporary file, so that it can be sent again. The
   checksum is computed on the way.
4. With the last chunk the multipart upload is completed.
"""
from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from girder.exceptions import ValidationException
from girder.models.file import File
from girder.models.upload import Upload
from girder.utility import _hash_state

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.storage.s3_bucket import NoSuchUploadError
from slicer_package_manager.registry.storage.s3_direct import DirectUploads
from slicer_package_manager.registry.storage.store import PIECE, received_digest
from slicer_package_manager.registry.tree import item_files

#: Bytes of a part, and the least that a part may have unless it is the last one of a file.
PART, SMALLEST_PART = 16 << 20, 5 << 20


class S3Uploads(DirectUploads):
    """Girder's methods for uploads."""

    def uploadChunk(self, upload: Document, chunk: Any, uploadExtraParameters: Any) -> Document:
        """Send the next bytes of ``upload`` to the bucket.

        Girder refuses files up to 64 MiB that come in chunks, as most clients send them; computes no checksum; waits
        forever when a client goes away; and forgets a multipart upload in the bucket when its first chunk fails.

        :param chunk: the bytes as a stream; or a text, which asks for a signed request for the next part.
        :raises ValidationException: they are too many, too few, or end too early.
        """
        if isinstance(chunk, str) or not upload['s3'].get('package'):
            with self.bucket.failures():
                answer: Document = super().uploadChunk(upload, chunk, uploadExtraParameters)
                return answer
        size: int = chunk.getSize()
        self.checkUploadSize(upload, size)
        if size < SMALLEST_PART and upload['received'] + size != upload['size']:
            raise ValidationException(f'A chunk of {size} bytes is too small: all but the last have {SMALLEST_PART}.')
        try:
            self._send(upload, chunk, size)
        except NoSuchUploadError:
            self._accept_if_complete(upload, size)
        upload['received'] += size
        return upload

    def _send(self, upload: Document, chunk: Any, size: int) -> None:
        digest = received_digest(upload)
        if size == upload['size'] < PART + SMALLEST_PART:
            with _spooled(chunk, size, digest) as part:
                self.bucket.call('put_object', Body=part, **self.object_params(upload))
        else:
            parts = [*upload['s3'].get('parts', ()), *self._send_parts(upload, chunk, size, digest)]
            if upload['received'] + size == upload['size']:
                self.complete_multipart(upload, parts)
            upload['s3'].update({'chunked': True, 'parts': parts})
        upload['sha512state'] = _hash_state.serializeHex(digest)

    def _send_parts(self, upload: Document, chunk: Any, size: int, digest: Any) -> Iterator[str]:
        """Send ``chunk`` to the bucket; yield the ``ETag`` of each part."""
        where = {'Key': upload['s3']['key'], 'UploadId': self._multipart_id(upload)}
        number, left = len(upload['s3'].get('parts', ())), size
        while left:
            part_size = left if left < PART + SMALLEST_PART else PART
            number, left = number + 1, left - part_size
            with _spooled(chunk, part_size, digest) as part:
                yield self.bucket.call('upload_part', PartNumber=number, Body=part, **where)['ETag']

    def _multipart_id(self, upload: Document) -> str:
        """Return the id of the multipart upload in the bucket; create it if there is none."""
        if 'uploadId' not in upload['s3']:
            made = self.bucket.call('create_multipart_upload', **self.object_params(upload))['UploadId']
            mine = {'_id': upload['_id'], 's3.uploadId': {'$exists': False}}
            if not Upload().collection.update_one(mine, {'$set': {'s3.uploadId': made}}).modified_count:
                self.bucket.call('abort_multipart_upload', Key=upload['s3']['key'], UploadId=made)
                made = _as_stored(upload)['s3']['uploadId']  # another request has sent the same chunk
            upload['s3']['uploadId'] = made
        return str(upload['s3']['uploadId'])

    def _accept_if_complete(self, upload: Document, size: int) -> None:
        """Handle a multipart upload that the bucket does not know: the last attempt completed it, or it is lost."""
        key = upload['s3']['key']
        if upload['received'] + size != upload['size'] or self.bucket.size(key) != upload['size']:
            Upload().cancelUpload(upload)
            raise ValidationException(f'The object storage has aborted the upload of "{upload["name"]}", as it does '
                                      'with old ones. Begin a new upload.')
        upload['sha512'] = self.sha512({'s3Key': key, 'size': upload['size']})

    def finalizeUpload(self, upload: Document, file: Document) -> Document:
        """Set the place of the bytes and their checksum in ``file``."""
        ours = upload['s3'].get('package') if upload['size'] > 0 else item_files.of_upload(upload) is not None
        if not ours:
            with self.bucket.failures():
                made: Document = super().finalizeUpload(upload, file)
                return made
        if upload['size'] > 0:
            file.update({'relpath': upload['s3']['relpath'], 's3Key': upload['s3']['key']})
        file['sha512'] = upload.get('sha512') or received_digest(upload).hexdigest()
        return file

    def cancelUpload(self, upload: Document) -> None:
        """Remove what the bucket has of ``upload``, unless it is already a file.

        A server that ended between storing the file and forgetting the upload has left both.
        """
        key = upload.get('s3', {}).get('key')
        if key and File().findOne({'assetstoreId': self.assetstore['_id'], 's3Key': key}, fields=['_id']):
            return
        with self.bucket.failures():
            super().cancelUpload(upload)


@contextmanager
def _spooled(chunk: Any, size: int, digest: Any) -> Iterator[IO[bytes]]:
    """Copy the next ``size`` bytes of ``chunk`` to a temporary file, from which they can be sent repeatedly."""
    with tempfile.TemporaryFile() as part:
        left = size
        while left:
            piece = chunk.read(min(PIECE, left))
            if not piece:
                raise ValidationException(f'The chunk ends {left} bytes too early. Send it again.')
            digest.update(piece)
            part.write(piece)
            left -= len(piece)
        part.seek(0)
        yield part


def _as_stored(upload: Document) -> Document:
    stored: Document | None = Upload().findOne({'_id': upload['_id']})
    if stored is None:
        raise ValidationException('This upload was cancelled, or is complete.')
    return stored
