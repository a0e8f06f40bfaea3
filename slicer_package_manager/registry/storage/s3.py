"""Files in object storage (S3), with the same guarantees for packages as files in a directory of the server.

Clients download from the bucket by signed URLs, or through the server. Where Girder's adapter is not enough for
packages, the methods state why; files that belong to no package are treated as Girder does.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from girder.models.file import File
from girder.models.upload import Upload

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions
from slicer_package_manager.registry.storage.s3_bucket import NoSuchUploadError
from slicer_package_manager.registry.storage.s3_uploads import S3Uploads
from slicer_package_manager.registry.storage.store import Leftover, Store
from slicer_package_manager.registry.tree import item_files

#: Lifetime of a signed URL in seconds: for so long a client may begin a download.
SIGNED_FOR = 3600
#: How Girder names objects, below the prefix of the assetstore.
_NAME = re.compile('[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{32}')


class S3Store(S3Uploads, Store):
    """An assetstore of Girder's type ``S3``."""

    place_field = 's3Key'
    content_fields = ('s3Key', 'relpath', 'imported')
    required_fields = {'bucket': 'string'}  # noqa: RUF012 - a ClassVar of the protocol
    has_urls = True

    def __str__(self) -> str:
        return f's3://{self.assetstore["bucket"]}'

    def require_writable(self) -> None:
        """Check that the bucket can be reached, before a deletion changes anything.

        :raises Unavailable: it cannot.
        """
        self.bucket.require()

    def read(self, file: Document, start: int, stop: int) -> Iterator[bytes]:
        """Open the object of ``file`` and return its bytes from ``start`` up to ``stop``, see :meth:`Store.read`."""
        if start >= stop:  # an empty file has no object
            return iter(())
        return self.bucket.read(file['s3Key'], start, stop, file['size'])

    def url(self, file: Document, disposition: str, *, head: bool) -> str:
        """Return a URL that delivers ``file`` for :data:`SIGNED_FOR` seconds, see :meth:`Store.url`.

        Girder's URL is always for ``GET``, and has the name that the object was created with, which copies of a file
        share.
        """
        return str(self._generatePresignedUrl(
            ClientMethod='head_object' if head else 'get_object', ExpiresIn=SIGNED_FOR,
            Params={'Bucket': self.assetstore['bucket'], 'Key': file['s3Key'],
                    'ResponseContentDisposition': disposition,
                    'ResponseContentType': file.get('mimeType') or 'application/octet-stream'}))

    def downloadFile(self, file: Document, offset: int = 0, headers: bool = True, endByte: int | None = None,
                     **kwargs: Any) -> Any:
        """Return a function that yields the bytes of ``file``; with ``headers``, redirect as Girder does.

        Girder would deliver error messages of the object storage as if they were the file.
        """
        if headers or file['size'] <= 0:
            return super().downloadFile(file, offset=offset, headers=headers, endByte=endByte, **kwargs)
        stop = file['size'] if endByte is None else min(endByte, file['size'])
        pieces = self.read(file, min(offset or 0, stop), stop)
        return lambda: pieces

    def fileUpdated(self, file: Document) -> None:
        """Do nothing after a file of a package was renamed: :meth:`url` has its name. Girder copies the object."""
        if item_files.package_of(file) is None:
            with self.bucket.failures():
                super().fileUpdated(file)

    def discard(self, upload: Document) -> None:
        """Do nothing: no other upload has the same object, so ``cancelUpload`` has already removed it."""

    def delete(self, file: Document, forget: Callable[[], None]) -> None:
        """Delete the object of ``file``, then its document: the object storage fails more often than the database.

        The object stays if another file has it too.
        """
        if not transactions.run(partial(self._forget_shared, file, forget)):
            self.deleteFile(file)
            forget()

    def _forget_shared(self, file: Document, forget: Callable[[], None]) -> bool:
        """Remove the document of ``file`` if another file has its object; return whether one has.

        That one is taken. So if both are deleted at the same time, the later one finds no other.
        """
        other = transactions.find_for_update(File(), self._others(file))
        if other:
            forget()
        return other is not None

    def _others(self, file: Document) -> Document:
        """The query for other files with the object of ``file``."""
        return {'relpath': file.get('relpath', ''), 'assetstoreId': self.assetstore['_id'], '_id': {'$ne': file['_id']}}

    def deleteFile(self, file: Document) -> None:
        """Delete the object of ``file`` unless another file has it too; one without bytes has none."""
        if 'relpath' in file and file['size'] and File().findOne(self._others(file), fields=['_id']) is None:
            self.bucket.call('delete_object', Key=file['s3Key'])

    def place(self, file: Document) -> str:
        """Return the URL of the object of ``file``; that of the bucket for an empty file, which has no object."""
        return self._place(file.get('s3Key', ''))

    def _place(self, key: str) -> str:
        return f'{self}/{key}'

    def size(self, file: Document) -> int | None:
        """Return how many bytes the object of ``file`` has, ``None`` if there is none."""
        return self.bucket.size(file['s3Key']) if file['size'] else 0

    def sizes(self) -> Callable[[Document], int | None]:
        """Return a function like :meth:`size` that looks into one listing of the bucket."""
        found = {one['Key']: one['Size'] for one in self._pages('list_objects_v2', 'Contents')}
        return lambda file: found.get(file['s3Key']) if file['size'] else 0

    def leftovers(self, age: timedelta) -> Iterator[Leftover]:
        """Yield multipart uploads that began before ``age`` and belong to no upload.

        :raises Unavailable: the bucket cannot be reached.
        :raises BadGateway: it refuses the request.
        """
        for one in self._pages('list_multipart_uploads', 'Uploads'):
            if _is_older(one['Initiated'], age) and not Upload().findOne({'s3.key': one['Key']}, fields=['_id']):
                yield Leftover(self._place(one['Key']), None, partial(self._abort, one['Key'], one['UploadId']),
                               'Use --fix, which removes its parts, which are paid for; a rule of the bucket can do '
                               'so always.')

    def remove_leftovers(self, age: timedelta) -> None:
        """Do nothing: the doctor or a rule of the bucket removes them."""

    def _abort(self, key: str, upload_id: str) -> None:
        try:
            self.bucket.call('abort_multipart_upload', Key=key, UploadId=upload_id)
        except NoSuchUploadError:
            return  # another process has aborted it

    def unused(self, age: timedelta) -> Iterator[Leftover]:
        """Yield objects that have a name as Girder gives them, are older than ``age``, and belong to no document.

        :raises Unavailable: the bucket cannot be reached.
        :raises BadGateway: it refuses the request.
        """
        for one in self._pages('list_objects_v2', 'Contents'):
            if _is_older(one['LastModified'], age) and self._is_unused(one['Key']):
                yield Leftover(self._place(one['Key']), one['Size'], None,
                               'Delete it in the bucket once you are sure that no restored database refers to it.')

    def _is_unused(self, key: str) -> bool:
        prefix = self.assetstore.get('prefix') or ''
        name = str(PurePosixPath(key).relative_to(prefix)) if key.startswith(prefix) else key
        return bool(_NAME.fullmatch(name)) and not any((
            File().findOne({'assetstoreId': self.assetstore['_id'], 's3Key': key}, fields=['_id']),
            Upload().findOne({'s3.key': key}, fields=['_id'])))

    def _pages(self, operation: str, what: str) -> Iterator[Document]:
        with self.bucket.failures():
            pages = self.bucket.client.get_paginator(operation).paginate(
                Bucket=self.assetstore['bucket'], Prefix=self.assetstore.get('prefix') or '')
            for page in pages:
                yield from page.get(what, ())


def _is_older(moment: datetime, age: timedelta) -> bool:
    limit: datetime = clock.now() - age
    return moment < limit
