"""Copies of files into a bucket. An object is there as a whole and with the right checksum, or not at all."""
from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator
from itertools import chain
from typing import IO, Any, NamedTuple, Protocol

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.storage.s3_bucket import Bucket
from slicer_package_manager.registry.storage.s3_uploads import PART
from slicer_package_manager.registry.storage.store import PIECE


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes, none at the end."""


def put(bucket: Bucket, params: Document, source: Readable, advance: Callable[[int], None],
        require: Callable[[int, str], None]) -> None:
    """Store the bytes of ``source`` as the object of ``params``, with which boto3 creates it.

    The bytes are read once. At most one part is in a temporary file.

    :param require: called with the size and the SHA-512 before the object comes about; raises if they are wrong.
    """
    digest, size = hashlib.sha512(), 0
    parts = _parts(source, digest, advance)
    first = next(parts, None)
    if first is None or first.size < PART:
        content = first.content if first else io.BytesIO()
        with content:
            require(first.size if first else 0, digest.hexdigest())
            bucket.call('put_object', Body=content, **params)
        return
    where = {'Key': params['Key'], 'UploadId': bucket.call('create_multipart_upload', **params)['UploadId']}
    try:
        tags = []
        for number, part in enumerate(chain([first], parts), 1):
            with part.content:
                size += part.size
                tags.append({'PartNumber': number, 'ETag': bucket.call(
                    'upload_part', PartNumber=number, Body=part.content, **where)['ETag']})
        require(size, digest.hexdigest())
        bucket.call('complete_multipart_upload', MultipartUpload={'Parts': tags}, **where)
    except BaseException:
        bucket.call('abort_multipart_upload', **where)
        raise


class _Part(NamedTuple):
    """Bytes in a temporary file, from which they can be sent repeatedly."""

    content: IO[bytes]
    size: int


def _parts(source: Readable, digest: Any, advance: Callable[[int], None]) -> Iterator[_Part]:
    while True:
        content = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        try:
            while content.tell() < PART and (piece := source.read(PIECE)):
                digest.update(piece)
                content.write(piece)
                advance(len(piece))
        except BaseException:
            content.close()
            raise
        size = content.tell()
        if not size:
            content.close()
            return
        content.seek(0)
        yield _Part(content, size)
