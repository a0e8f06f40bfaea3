"""Uploads that a client sends to the bucket itself, by requests that the server signs.

1. ``initUpload`` signs a request for the whole file, or one that begins a multipart upload.
2. For each part of a multipart upload, the client calls ``uploadChunk`` and gets a signed request.
3. ``requestOffset`` signs the first request again, for a client that resumes.
4. ``complete`` ends the multipart upload, compares the size, and reads the object for its checksum.
"""
from __future__ import annotations

from typing import Any

from girder.exceptions import ValidationException
from girder.utility.abstract_assetstore_adapter import AbstractAssetstoreAdapter
from girder.utility.s3_assetstore_adapter import S3AssetstoreAdapter

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.storage.s3_bucket import Bucket, NoSuchUploadError
from slicer_package_manager.registry.tree import item_files

#: Headers of an object: its encryption, and what those who find it in the bucket see. Girder's others name the uploader
#: and the IP address, and an access list, which buckets without such lists refuse.
_HEADERS = {'Content-Disposition': 'ContentDisposition', 'Content-Type': 'ContentType',
            'x-amz-server-side-encryption': 'ServerSideEncryption'}


class DirectUploads(S3AssetstoreAdapter):  # type: ignore[misc] # Girder has no types
    """Girder's adapter, whose uploads to packages are completed only when the bucket has all bytes."""

    assetstore: Document

    def __init__(self, assetstore: Document) -> None:
        if assetstore.get('allowS3AcceleratedTransfer'):
            super().__init__(assetstore)
        else:  # Girder creates a client of boto3 for each use
            AbstractAssetstoreAdapter.__init__(self, assetstore)
        self.bucket = Bucket(assetstore)
        self.client = self.bucket.client

    def initUpload(self, upload: Document, uploadExtraParameters: Any) -> Document:
        """Begin ``upload``; mark it if it is for a package."""
        begun: Document = super().initUpload(upload, uploadExtraParameters)
        if 's3' in begun and item_files.of_upload(begun) is not None:
            begun['s3'].update({'package': True, 'request': self._request(begun, uploadExtraParameters)})
        return begun

    def _request(self, upload: Document, extra: Any = None) -> Document:
        """Return the signed request by which the client may begin to send the bytes to the bucket."""
        method, call = ('POST', 'create_multipart_upload') if upload['s3']['chunked'] else ('PUT', 'put_object')
        params = {'Bucket': self.assetstore['bucket'], **self.object_params(upload)}
        if method == 'PUT':
            params['ContentLength'] = upload['size']
        url = self._generatePresignedUrl(ClientMethod=call, Params=params,
                                         useS3TransferAcceleration=self._getS3TransferAccelerationParam(extra))
        headers = {key: value for key, value in self._getRequestHeaders(upload).items() if key in _HEADERS}
        return {'method': method, 'headers': headers, 'url': url}

    def object_params(self, upload: Document) -> Document:
        """Return the parameters by which boto3 creates the object of ``upload``."""
        headers = self._getRequestHeaders(upload)
        return {'Key': upload['s3']['key'],
                **{name: headers[key] for key, name in _HEADERS.items() if headers.get(key)}}

    def requestOffset(self, upload: Document) -> int | Document:
        """Return the offset at which an upload resumes, or the request to repeat if the client sends to the bucket.

        Girder refuses this for a large file of which nothing has arrived yet.
        """
        if not upload['s3'].get('package'):
            found: int | Document = super().requestOffset(upload)
            return found
        if upload['received'] or upload['s3']['chunked']:
            return int(upload['received'])
        return {**self._request(upload), 'offset': 0}

    def complete(self, upload: Document) -> None:
        """Check that the bucket has all of ``upload``, and set its checksum if the server did not see the bytes.

        Girder makes a file of whatever is in the bucket, even if it is nothing.

        :raises ValidationException: bytes are missing.
        """
        if not upload.get('s3', {}).get('package'):
            return
        if upload['received'] not in (0, upload['size']):
            raise ValidationException(f'Only {upload["received"]} of {upload["size"]} bytes of "{upload["name"]}" have '
                                      'arrived.')
        if not upload['received']:
            self._complete_direct(upload)

    def _complete_direct(self, upload: Document) -> None:
        if upload['s3']['chunked']:
            self._complete_parts(upload)
        key = upload['s3']['key']
        found = self.bucket.size(key) or 0
        if found != upload['size']:
            raise ValidationException(f'The bucket has {found} of {upload["size"]} bytes of "{upload["name"]}".')
        upload['sha512'] = self.sha512({'s3Key': key, 'size': upload['size']})

    def _complete_parts(self, upload: Document) -> None:
        where = {'Bucket': self.assetstore['bucket'], 'Key': upload['s3']['key'],
                 'UploadId': upload['s3'].get('uploadId', '')}
        try:
            with self.bucket.failures():
                found = [part for page in self.client.get_paginator('list_parts').paginate(**where)
                         for part in page.get('Parts', ())]
            if found:
                self.complete_multipart(upload, [part['ETag'] for part in found])
        except NoSuchUploadError:
            return  # already complete, or nothing was sent: the size of the object shows which

    def complete_multipart(self, upload: Document, tags: list[str]) -> None:
        """Make the bucket join the parts of ``upload`` that have these ``tags`` (``ETag``), in this order."""
        parts = [{'PartNumber': number, 'ETag': tag} for number, tag in enumerate(tags, 1)]
        self.bucket.call('complete_multipart_upload', Key=upload['s3']['key'], UploadId=upload['s3']['uploadId'],
                         MultipartUpload={'Parts': parts})
