"""A bucket of object storage (S3), with time limits, and with failures that say what to do."""
from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from girder.utility.s3_assetstore_adapter import makeBotoConnectParams

from slicer_package_manager.registry.schema.errors import BadGateway, Unavailable
from slicer_package_manager.registry.storage.store import PIECE, LostError

logger = logging.getLogger(__name__)

#: Seconds, attempts: by default boto3 waits for minutes, during which a thread of the server serves nobody. Checksums
#: that not all services know are left out.
_CONFIG = Config(connect_timeout=5, read_timeout=30, retries={'mode': 'standard', 'total_max_attempts': 3},
                 request_checksum_calculation='when_required', response_checksum_validation='when_required',
                 max_pool_connections=32)
#: Which of an assetstore's fields say where it is and who may use it, as :func:`makeBotoConnectParams` takes them.
_CONNECTION = ('accessKeyId', 'secret', 'service', 'region', 'inferCredentials')
#: How often a read goes on that was broken off.
_RESUMED = 3
#: In seconds, for those who are told that the storage is out of reach.
_RETRY_AFTER = 10
_BUSY = ('SlowDown', 'RequestTimeout', 'Throttling', 'RequestLimitExceeded', 'TooManyRequests')
_SERVER_ERROR = 500

_clients: dict[tuple, Any] = {}
_lock = threading.Lock()


def _client(assetstore):
    """The client for ``assetstore``, made once: that takes 15 ms and is not safe in several threads, its use is."""
    key = tuple(assetstore.get(name) for name in _CONNECTION)
    with _lock:
        if key not in _clients:
            params = makeBotoConnectParams(*key)
            params['config'] = params['config'].merge(_CONFIG)
            _clients[key] = boto3.session.Session().client('s3', **params)
        return _clients[key]


class NoSuchUploadError(Exception):
    """The bucket knows nothing of a multipart upload: it is complete, or was given up."""


class Bucket:
    """The bucket of ``assetstore``.

    :raises Unavailable: from all its functions: it does not answer, or is too busy.
    :raises BadGateway: from all its functions: it refuses, which will not pass by itself.
    """

    def __init__(self, assetstore) -> None:
        self.assetstore = assetstore
        self.client = _client(assetstore)

    def call(self, method: str, **params) -> dict[str, Any]:
        """Call ``method`` of boto3's client for this bucket.

        :raises LostError: there is no such object.
        :raises NoSuchUploadError: there is no such multipart upload.
        """
        with self.failures():
            return getattr(self.client, method)(Bucket=self.assetstore['bucket'], **params)

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Name the failures of the calls within."""
        name = f'The object storage "{self.assetstore["name"]}"'
        try:
            yield
        except ClientError as error:
            code, status = error.response['Error']['Code'], error.response['ResponseMetadata']['HTTPStatusCode']
            if code in ('NoSuchKey', '404'):
                raise LostError(f'{name} does not have the object.') from error
            if code == 'NoSuchUpload':
                raise NoSuchUploadError from error
            logger.error('%s: %s', name, error)  # noqa: TRY400 - the message tells all
            if status >= _SERVER_ERROR or code in _BUSY:
                raise Unavailable(f'{name} is busy ({code}). Try again later.', _RETRY_AFTER) from error
            raise self._refusal(code) from error
        except BotoCoreError as error:
            logger.error('%s: %s', name, error)  # noqa: TRY400 - the message tells all
            raise Unavailable(f'{name} does not answer. Try again later.', _RETRY_AFTER) from error

    def _refusal(self, code):
        return BadGateway(f'The object storage "{self.assetstore["name"]}" refuses what is asked for ({code}). An '
                          f'administrator has to look at the bucket "{self.assetstore["bucket"]}" and at what its key '
                          'may do.')

    def require(self) -> None:
        """Pass if the bucket is there and answers."""
        try:
            self.call('head_bucket')
        except LostError as error:
            raise self._refusal('NoSuchBucket') from error

    def size(self, key: str) -> int | None:
        """How many bytes the object ``key`` has; ``None`` if there is none."""
        try:
            return self.call('head_object', Key=key)['ContentLength']
        except LostError:
            return None

    def read(self, key: str, start: int, stop: int, size: int) -> Iterator[bytes]:
        """The bytes of the object ``key`` from ``start`` up to, and without, ``stop``; ``start`` is before ``stop``.

        It is asked for at once, so that a failure shows before anything is sent on. A transfer that breaks off goes on
        where it was.

        :raises LostError: there is no such object of ``size`` bytes.
        """
        opened = self._open(key, start, stop)
        found = int(opened['ContentRange'].rpartition('/')[2])
        if found != size:
            opened['Body'].close()
            raise LostError(f'The object {key} has {found} bytes instead of {size}.')
        return self._pieces(key, opened, start, stop)

    def sha512(self, key: str, size: int) -> str:
        """The checksum of the object ``key``, of which all ``size`` bytes are read, at least one.

        :raises LostError: there is no such object of ``size`` bytes.
        """
        digest = hashlib.sha512()
        for piece in self.read(key, 0, size, size):
            digest.update(piece)
        return digest.hexdigest()

    def _open(self, key, start, stop, **conditions):
        return self.call('get_object', Key=key, Range=f'bytes={start}-{stop - 1}', **conditions)

    def _pieces(self, key, opened, start, stop):
        left = _RESUMED
        try:
            while start < stop:
                try:
                    piece = opened['Body'].read(min(PIECE, stop - start))
                except BotoCoreError as error:
                    logger.warning('Reading %s broke off at byte %s: %s', key, start, error)
                    left -= 1
                    if not left:
                        raise
                    opened['Body'].close()
                    opened = self._open(key, start, stop, IfMatch=opened['ETag'])
                else:
                    start += len(piece)
                    yield piece
        finally:
            opened['Body'].close()
