"""Checks of files in object storage: what is lost there, what has changed, and what is left over."""
from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath

from girder.constants import AssetstoreType
from girder.models.assetstore import Assetstore
from girder.models.file import File
from girder.models.upload import Upload

from slicer_package_manager.doctor.findings import ABANDONED, ERROR, WARNING, Finding, Options, bytes_finding
from slicer_package_manager.registry.schema.errors import BadGateway, Unavailable
from slicer_package_manager.registry.schema.invariants import Bytes
from slicer_package_manager.registry.storage.s3_bucket import Bucket, NoSuchUploadError
from slicer_package_manager.registry.storage.store import LostError
from slicer_package_manager.registry.tree import documents

#: How Girder names objects.
_NAME = re.compile('[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{32}')


def _buckets() -> list[Bucket]:
    return [Bucket(one) for one in Assetstore().find({'type': AssetstoreType.S3})]


def lost(_options: Options) -> Iterator[Finding]:
    """Whether buckets can be read, and have the objects of all files, with the right number of bytes."""
    for bucket in _buckets():
        try:
            sizes = {one['Key']: one['Size'] for one in _pages(bucket, 'list_objects_v2', 'Contents')}
        except (Unavailable, BadGateway) as error:
            yield Finding(ERROR, str(error), 'Until then nobody gets the files in it. The log has the details.')
            continue
        for file in File().find({'assetstoreId': bucket.assetstore['_id'], 's3Key': {'$exists': True},
                                 'size': {'$gt': 0}}):
            found = Bytes(sizes[file['s3Key']]) if file['s3Key'] in sizes else None
            yield from filter(None, [bytes_finding(file, _place(bucket, file['s3Key']), found)])


def _pages(bucket, operation, what):
    with bucket.failures():
        pages = bucket.client.get_paginator(operation).paginate(
            Bucket=bucket.assetstore['bucket'], Prefix=bucket.assetstore.get('prefix') or '')
        for page in pages:
            yield from page.get(what, ())


def _place(bucket, key) -> str:
    return f's3://{bucket.assetstore["bucket"]}/{key}'


def changed(options: Options) -> Iterator[Finding]:
    """Whether objects have the bytes that the checksums of files tell: a sample of them, or all."""
    buckets = {bucket.assetstore['_id']: bucket for bucket in _buckets()}
    some = [] if options.sample is None else [{'$sample': {'size': options.sample}}]
    for file in File().collection.aggregate([
            {'$match': {'assetstoreId': {'$in': list(buckets)}, 'sha512': {'$type': 'string'}, 'size': {'$gt': 0}}},
            *some]):
        bucket = buckets[file['assetstoreId']]
        try:
            digest = bucket.sha512(file['s3Key'], file['size'])
        except (LostError, Unavailable, BadGateway):
            continue  # see lost
        yield from filter(None, [bytes_finding(file, _place(bucket, file['s3Key']), Bytes(None, digest))])


def unfinished(_options: Options) -> Iterator[Finding]:
    """Multipart uploads in buckets that no upload speaks of."""
    for bucket in _buckets():
        try:
            found = [(one['Key'], one['UploadId']) for one in _pages(bucket, 'list_multipart_uploads', 'Uploads')
                     if _is_old(one['Initiated']) and not Upload().findOne({'s3.key': one['Key']}, fields=['_id'])]
        except (Unavailable, BadGateway):
            continue  # see lost
        for key, upload in found:
            yield Finding(WARNING, f'The parts of an upload to {_place(bucket, key)} belong to nothing, and are paid '
                                   'for.', 'Use --fix, which removes them; a rule of the bucket can do so always.',
                          partial(_abort, bucket, key, upload))


def _abort(bucket, key, upload) -> None:
    try:
        bucket.call('abort_multipart_upload', Key=key, UploadId=upload)
    except NoSuchUploadError:
        return  # somebody else did


def unused(_options: Options) -> Iterator[Finding]:
    """Objects that no file speaks of, among those that have names as Girder gives them."""
    for bucket in _buckets():
        try:
            found = [one for one in _pages(bucket, 'list_objects_v2', 'Contents') if _is_unused(bucket, one)]
        except (Unavailable, BadGateway):
            continue  # see lost
        for one in found:
            yield Finding(WARNING, f'No file speaks of {_place(bucket, one["Key"])} ({one["Size"]} bytes).',
                          'Delete it in the bucket once you are sure that no restored database wants it.')


def _is_unused(bucket, found) -> bool:
    prefix, key = bucket.assetstore.get('prefix') or '', found['Key']
    name = str(PurePosixPath(key).relative_to(prefix)) if key.startswith(prefix) else key
    return bool(_NAME.fullmatch(name)) and _is_old(found['LastModified']) and not any((
        File().findOne({'assetstoreId': bucket.assetstore['_id'], 's3Key': key}, fields=['_id']),
        Upload().findOne({'s3.key': key}, fields=['_id'])))


def _is_old(moment) -> bool:
    return moment < documents.now() - ABANDONED
