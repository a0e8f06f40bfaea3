"""A bucket of object storage (S3), with time limits, and with errors that state what to do."""
from __future__ import annotations

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
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.storage.store import PIECE, LostError

logger = logging.getLogger(__name__)

#: Seconds and attempts: by default boto3 waits for minutes, which blocks a thread of the server. Checksums that not all
#: services support are left out.
_CONFIG = Config(connect_timeout=5, read_timeout=30, retries={'mode': 'standard', 'total_max_attempts': 3},
                 request_checksum_calculation='when_required', response_checksum_validation='when_required',
                 max_pool_connections=32)
#: Fields of an assetstore with its address and its credentials, in the order of :func:`makeBotoConnectParams`.
_CONNECTION = ('accessKeyId', 'secret', 'service', 'region', 'inferCredentials')
#: How many times an interrupted read is continued.
_RESUMED = 3
#: ``Retry-After`` of responses while the storage cannot be reached, in seconds.
_RETRY_AFTER = 10
_BUSY = ('SlowDown', 'RequestTimeout', 'Throttling', 'RequestLimitExceeded', 'TooManyRequests')
_SERVER_ERROR = 500

_clients: dict[tuple[Any, ...], Any] = {}
_lock = threading.Lock()


def _client(assetstore: Document) -> Any:
    """Return the client for ``assetstore``, created once: that takes 15 ms, and only its use is safe in threads."""
    key = tuple(assetstore.get(name) for name in _CONNECTION)
    with _lock:
        if key not in _clients:
            params = makeBotoConnectParams(*key)
            params['config'] = params['config'].merge(_CONFIG)
            _clients[key] = boto3.session.Session().client('s3', **params)
        return _clients[key]


class NoSuchUploadError(Exception):
    """The bucket does not know a multipart upload: it is complete, or was aborted."""


class Bucket:
    """The bucket of an assetstore.

    All methods raise :class:`Unavailable` if the bucket does not answer or is too busy, and :class:`BadGateway` if it
    refuses a request, which only an administrator can change.
    """

    def __init__(self, assetstore: Document) -> None:
        self.assetstore = assetstore
        self.client = _client(assetstore)

    def call(self, method: str, **params: Any) -> Document:
        """Call ``method`` of boto3's client for this bucket, and return its response.

        :raises LostError: there is no such object.
        :raises NoSuchUploadError: there is no such multipart upload.
        """
        with self.failures():
            response: Document = getattr(self.client, method)(Bucket=self.assetstore['bucket'], **params)
            return response

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Translate failures of boto3 in the block, which no transaction may wait for."""
        transactions.require_none('A request to the object storage')
        name = f'The object storage "{self.assetstore["name"]}"'
        try:
            yield
        except ClientError as error:
            code, status = error.response['Error']['Code'], error.response['ResponseMetadata']['HTTPStatusCode']
            if code in ('NoSuchKey', '404'):
                raise LostError(f'{name} does not have the object.') from error
            if code == 'NoSuchUpload':
                raise NoSuchUploadError from error
            logger.error('%s: %s', name, error)  # noqa: TRY400 - the message has all details
            if status >= _SERVER_ERROR or code in _BUSY:
                raise Unavailable(f'{name} is busy ({code}). Try again later.', _RETRY_AFTER) from error
            raise self._refusal(code) from error
        except BotoCoreError as error:
            logger.error('%s: %s', name, error)  # noqa: TRY400 - the message has all details
            raise Unavailable(f'{name} does not answer. Try again later.', _RETRY_AFTER) from error

    def _refusal(self, code: str) -> BadGateway:
        return BadGateway(f'The object storage "{self.assetstore["name"]}" refuses the request ({code}). An '
                          f'administrator has to check the bucket "{self.assetstore["bucket"]}" and the permissions of '
                          'its key.')

    def require(self) -> None:
        """Check that the bucket exists and answers."""
        try:
            self.call('head_bucket')
        except LostError as error:
            raise self._refusal('NoSuchBucket') from error

    def size(self, key: str) -> int | None:
        """Return how many bytes the object ``key`` has, ``None`` if there is none."""
        try:
            return int(self.call('head_object', Key=key)['ContentLength'])
        except LostError:
            return None

    def read(self, key: str, start: int, stop: int, size: int) -> Iterator[bytes]:
        """Return the bytes of the object ``key`` from ``start`` up to, but not including, ``stop``, at least one.

        The request is sent at once, so that a failure shows before a response begins. An interrupted transfer is
        continued where it ended.

        :raises LostError: there is no such object of ``size`` bytes.
        """
        opened = self._open(key, start, stop)
        found = int(opened['ContentRange'].rpartition('/')[2])
        if found != size:
            opened['Body'].close()
            raise LostError(f'The object {key} has {found} bytes instead of {size}.')
        return self._pieces(key, opened, start, stop)

    def _open(self, key: str, start: int, stop: int, **conditions: str) -> Document:
        return self.call('get_object', Key=key, Range=f'bytes={start}-{stop - 1}', **conditions)

    def _pieces(self, key: str, opened: Document, start: int, stop: int) -> Iterator[bytes]:
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
