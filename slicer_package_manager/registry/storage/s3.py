"""Files of packages in object storage (S3), with the same promises as files on the server's disk.

Girder's own adapter, which this one stands in for, is made for clients that send and fetch all bytes themselves. Where
that is not enough for packages and extensions is told with each function; other people's files go Girder's way.
"""
from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from girder.constants import AssetstoreType
from girder.exceptions import ValidationException
from girder.models.assetstore import Assetstore
from girder.models.file import File
from girder.models.upload import Upload
from girder.utility import _hash_state, assetstore_utilities
from girder.utility.abstract_assetstore_adapter import AbstractAssetstoreAdapter
from girder.utility.s3_assetstore_adapter import S3AssetstoreAdapter

from slicer_package_manager.registry.storage.s3_bucket import Bucket, NoSuchUploadError
from slicer_package_manager.registry.tree import item_files

#: How many bytes go to the bucket at a time, and how many must at least, but for the last ones of a file.
PART, SMALLEST_PART = 16 << 20, 5 << 20
#: For how many seconds after a client was sent to the bucket it may begin a download there.
SIGNED_FOR = 3600
_PIECE = 256 * 1024
#: Headers of an object: how it is stored, and what those who find it in the bucket are told. Girder's others name the
#: uploader and his address, and an access list, which buckets without such lists refuse.
_HEADERS = {'Content-Disposition': 'ContentDisposition', 'Content-Type': 'ContentType',
            'x-amz-server-side-encryption': 'ServerSideEncryption'}
#: Files that were stored by another adapter before have these.
_ELSEWHERE = ('path', 's3Key', 'relpath', 'imported', 'mtime')


class Adapter(S3AssetstoreAdapter):
    """Keeps files in the bucket of ``assetstore``."""

    def __init__(self, assetstore) -> None:
        if assetstore.get('allowS3AcceleratedTransfer'):
            super().__init__(assetstore)
        else:  # Girder makes a client of boto3 for each use
            AbstractAssetstoreAdapter.__init__(self, assetstore)
        self.bucket = Bucket(assetstore)
        self.client = self.bucket.client

    def initUpload(self, upload, uploadExtraParameters):
        """Begin ``upload``; note there that it is for a package or extension."""
        upload = super().initUpload(upload, uploadExtraParameters)
        if 's3' in upload and item_files.thing_of_upload(upload) is not None:
            upload['s3'].update({'package': True, 'request': self._request(upload, uploadExtraParameters)})
        return upload

    def _request(self, upload, extra=None):
        """The signed request by which the client may begin to send the bytes to the bucket itself."""
        method, call = ('POST', 'create_multipart_upload') if upload['s3']['chunked'] else ('PUT', 'put_object')
        params = {'Bucket': self.assetstore['bucket'], **self._object(upload)}
        if method == 'PUT':
            params['ContentLength'] = upload['size']
        url = self._generatePresignedUrl(ClientMethod=call, Params=params,
                                         useS3TransferAcceleration=self._getS3TransferAccelerationParam(extra))
        headers = {key: value for key, value in self._getRequestHeaders(upload).items() if key in _HEADERS}
        return {'method': method, 'headers': headers, 'url': url}

    def _object(self, upload) -> dict[str, Any]:
        headers = self._getRequestHeaders(upload)
        return {'Key': upload['s3']['key'],
                **{name: headers[key] for key, name in _HEADERS.items() if headers.get(key)}}

    def uploadChunk(self, upload, chunk, uploadExtraParameters):
        """Take the next bytes of ``upload``.

        Girder refuses files up to 64 MiB that come in pieces, as most clients send them; has no checksum; waits forever
        when a client goes away; and forgets a multipart upload in the bucket when its first piece fails.

        :param chunk: the bytes as a stream; or, as a text, a question for a signed request for the next ones.
        :raises ValidationException: they are too many, too few, or end too early.
        """
        if isinstance(chunk, str) or not upload['s3'].get('package'):
            with self.bucket.failures():
                return super().uploadChunk(upload, chunk, uploadExtraParameters)
        size = chunk.getSize()
        self.checkUploadSize(upload, size)
        if size < SMALLEST_PART and upload['received'] + size != upload['size']:
            raise ValidationException(f'A chunk of {size} bytes is too small: all but the last have {SMALLEST_PART}.')
        try:
            self._take(upload, chunk, size)
        except NoSuchUploadError:
            self._take_as_done(upload, size)
        upload['received'] += size
        return upload

    def _take(self, upload, chunk, size):
        state = upload.get('sha512state')
        digest = _hash_state.restoreHex(state, 'sha512') if state else hashlib.sha512()
        if size == upload['size'] < PART + SMALLEST_PART:
            with _spooled(chunk, size, digest) as part:
                self.bucket.call('put_object', Body=part, **self._object(upload))
        else:
            parts = [*upload['s3'].get('parts', ()), *self._send_parts(upload, chunk, size, digest)]
            if upload['received'] + size == upload['size']:
                self._complete(upload, parts)
            upload['s3'].update({'chunked': True, 'parts': parts})
        upload['sha512state'] = _hash_state.serializeHex(digest)

    def _send_parts(self, upload, chunk, size, digest) -> Iterator[str]:
        """Send ``chunk`` to the bucket; gives the tag of each part."""
        where = {'Key': upload['s3']['key'], 'UploadId': self._multipart(upload)}
        number, left = len(upload['s3'].get('parts', ())), size
        while left:
            part_size = left if left < PART + SMALLEST_PART else PART
            number, left = number + 1, left - part_size
            with _spooled(chunk, part_size, digest) as part:
                yield self.bucket.call('upload_part', PartNumber=number, Body=part, **where)['ETag']

    def _multipart(self, upload) -> str:
        """The id of the multipart upload in the bucket.

        It is stored before anything is sent, so that whoever cancels the upload finds it.
        """
        if 'uploadId' in upload['s3']:
            return upload['s3']['uploadId']
        made = self.bucket.call('create_multipart_upload', **self._object(upload))['UploadId']
        mine = {'_id': upload['_id'], 's3.uploadId': {'$exists': False}}
        if not Upload().collection.update_one(mine, {'$set': {'s3.uploadId': made}}).modified_count:
            self.bucket.call('abort_multipart_upload', Key=upload['s3']['key'], UploadId=made)
            made = _as_stored(upload)['s3']['uploadId']  # the same chunk comes by another request too
        upload['s3']['uploadId'] = made
        return made

    def _complete(self, upload, tags):
        parts = [{'PartNumber': number, 'ETag': tag} for number, tag in enumerate(tags, 1)]
        self.bucket.call('complete_multipart_upload', Key=upload['s3']['key'], UploadId=upload['s3']['uploadId'],
                         MultipartUpload={'Parts': parts})

    def _take_as_done(self, upload, size):
        """The bucket knows nothing of the multipart upload: the last attempt got as far as its end, or it is lost."""
        key = upload['s3']['key']
        if upload['received'] + size != upload['size'] or self.bucket.size(key) != upload['size']:
            Upload().cancelUpload(upload)
            raise ValidationException(f'The object storage has given up the upload of "{upload["name"]}", as it does '
                                      'with old ones. Begin it anew.')
        upload['sha512'] = self.bucket.sha512(key, upload['size'])

    def requestOffset(self, upload):
        """Where an upload goes on; for a client that sends to the bucket itself, the request to repeat.

        Girder refuses to tell it for a large file of which nothing has arrived yet.
        """
        if not upload['s3'].get('package'):
            return super().requestOffset(upload)
        if upload['received'] or upload['s3']['chunked']:
            return upload['received']
        return {**self._request(upload), 'offset': 0}

    def require_whole(self, upload):
        """Before ``upload`` becomes a file: the bucket must have all of it, and its checksum must be known.

        Girder makes a file of whatever is in the bucket, be it nothing, and lists it. What a client sent there itself
        has to be read for its checksum.

        :raises ValidationException: it does not have all.
        """
        if upload['received'] not in (0, upload['size']):
            raise ValidationException(f'Only {upload["received"]} of {upload["size"]} bytes of "{upload["name"]}" have '
                                      'arrived.')
        key = upload['s3']['key']
        if not upload['received']:
            if upload['s3']['chunked']:
                self._complete_of_client(upload)
            found = self.bucket.size(key) or 0
            if found != upload['size']:
                raise ValidationException(f'The bucket has {found} of {upload["size"]} bytes of "{upload["name"]}".')
            upload['sha512'] = self.bucket.sha512(key, upload['size'])

    def _complete_of_client(self, upload):
        where = {'Bucket': self.assetstore['bucket'], 'Key': upload['s3']['key'],
                 'UploadId': upload['s3'].get('uploadId', '')}
        try:
            with self.bucket.failures():
                found = [part for page in self.client.get_paginator('list_parts').paginate(**where)
                         for part in page.get('Parts', ())]
            if found:
                self._complete(upload, [part['ETag'] for part in found])
        except NoSuchUploadError:
            return  # complete already, or nothing was sent: its size will tell

    def finalizeUpload(self, upload, file):
        """Tell ``file`` where its bytes are, and their checksum."""
        ours = upload['s3'].get('package') if upload['size'] > 0 else item_files.thing_of_upload(upload) is not None
        if not ours:
            with self.bucket.failures():
                return super().finalizeUpload(upload, file)
        for key in _ELSEWHERE:
            file.pop(key, None)
        if upload['size'] > 0:
            file.update({'relpath': upload['s3']['relpath'], 's3Key': upload['s3']['key']})
        state = upload.get('sha512state')
        digest = _hash_state.restoreHex(state, 'sha512') if state else hashlib.sha512()
        file['sha512'] = upload.get('sha512') or digest.hexdigest()
        return file

    def downloadFile(self, file, offset=0, headers=True, endByte=None, **kwargs):
        """A function that gives the bytes of ``file``; or, with ``headers``, Girder's redirect to the bucket.

        Girder hands out the storage's messages of failure as if they were the file.
        """
        if headers or file['size'] <= 0:
            return super().downloadFile(file, offset=offset, headers=headers, endByte=endByte, **kwargs)
        stop = file['size'] if endByte is None else min(endByte, file['size'])
        start = min(offset or 0, stop)
        if start >= stop:
            return lambda: iter(())
        pieces = self.bucket.read(file['s3Key'], start, stop, file['size'])
        return lambda: pieces

    def location(self, file, disposition: str, *, head: bool) -> str:
        """A URL by which anybody gets ``file`` from the bucket for :data:`SIGNED_FOR` seconds.

        Girder's always is for ``GET`` and lets the object tell its name, which copies of a file share.

        :param disposition: the value of ``Content-Disposition`` that comes with it.
        :param head: it is signed for ``HEAD``; a signature is for one method.
        """
        return self._generatePresignedUrl(
            ClientMethod='head_object' if head else 'get_object', ExpiresIn=SIGNED_FOR,
            Params={'Bucket': self.assetstore['bucket'], 'Key': file['s3Key'],
                    'ResponseContentDisposition': disposition,
                    'ResponseContentType': file.get('mimeType') or 'application/octet-stream'})

    def fileUpdated(self, file):
        """Do nothing after ``file`` was renamed: :meth:`location` tells the name. Girder copies the whole object."""
        if item_files.thing_of(file) is None:
            with self.bucket.failures():
                super().fileUpdated(file)

    def require_writable(self) -> None:
        """Pass if the bucket can be reached, so that nothing is changed before a deletion fails.

        :raises Unavailable: it cannot.
        """
        self.bucket.require()

    def deleteFile(self, file):
        """Delete the object of ``file`` unless another file has it too."""
        self.delete_unshared(file)

    def delete_unshared(self, file) -> bool:
        """Delete it as :meth:`deleteFile`, also after ``file`` has gone from the database; whether it is deleted."""
        if 'relpath' in file and file['size']:
            same = {'relpath': file['relpath'], 'assetstoreId': self.assetstore['_id'], '_id': {'$ne': file['_id']}}
            if File().findOne(same, fields=['_id']):
                return False
            self.bucket.call('delete_object', Key=file['s3Key'])
        return True

    def cancelUpload(self, upload):
        """Leave nothing of ``upload`` in the bucket."""
        with self.bucket.failures():
            super().cancelUpload(upload)


@contextmanager
def _spooled(chunk, size, digest):
    """The next ``size`` bytes of ``chunk`` in a temporary file, from which they can be sent repeatedly."""
    with tempfile.TemporaryFile() as part:
        left = size
        while left:
            piece = chunk.read(min(_PIECE, left))
            if not piece:
                raise ValidationException(f'The chunk ends {left} bytes too early. Send it again.')
            digest.update(piece)
            part.write(piece)
            left -= len(piece)
        part.seek(0)
        yield part


def _as_stored(upload):
    stored = Upload().findOne({'_id': upload['_id']})
    if stored is None:
        raise ValidationException('This upload was cancelled, or is complete.')
    return stored


def require_whole(upload) -> None:
    """Before ``upload`` becomes a file of a package: if it goes to object storage, that must have all of it.

    :raises ValidationException: it does not.
    """
    if upload.get('s3', {}).get('package'):
        assetstore_utilities.getAssetstoreAdapter(Assetstore().load(upload['assetstoreId'])).require_whole(upload)


def register() -> None:
    """Have Girder use :class:`Adapter` for all assetstores of this type."""
    assetstore_utilities.setAssetstoreAdapter(AssetstoreType.S3, Adapter)
