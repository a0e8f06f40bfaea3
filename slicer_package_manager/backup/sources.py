"""Where the bytes of files are copied from: directories and buckets."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from girder.constants import AssetstoreType

from slicer_package_manager.backup import validation
from slicer_package_manager.backup.document_index import Content
from slicer_package_manager.backup.errors import BackupError
from slicer_package_manager.registry.schema.errors import BadGateway, Unavailable
from slicer_package_manager.registry.storage.s3_bucket import Bucket
from slicer_package_manager.registry.storage.store import LostError


class Source(Protocol):
    """An assetstore that can be read; as a text, its place."""

    def opened(self, content: Content):
        """A context with a stream of the bytes of ``content``.

        :raises FileNotFoundError: they are not there, or not as many as there should be.
        """


class _Directory:
    def __init__(self, store: dict[str, Any]) -> None:
        self.root = Path(store['root'])
        if not self.root.is_dir():
            raise BackupError(f'The directory of the assetstore "{store["name"]}", {self.root}, is not there. '
                              'Mount it, or make the backup on the machine that has it.')

    def __str__(self) -> str:
        return str(self.root)

    @contextmanager
    def opened(self, content: Content) -> Iterator[BinaryIO]:
        path = self.root / content.path
        if not content.imported:
            validation.require_within(self.root, content.path)
        if path.stat().st_size != content.size:
            raise FileNotFoundError(path)
        with path.open('rb') as file:
            yield file


class _InBucket:
    def __init__(self, store: dict[str, Any]) -> None:
        self.bucket = Bucket(store)

    def __str__(self) -> str:
        return f's3://{self.bucket.assetstore["bucket"]}'

    @contextmanager
    def opened(self, content: Content) -> Iterator[BinaryIO]:
        try:
            yield cast('BinaryIO', _Pieces(self.bucket.read(content.path, 0, content.size, content.size)))
        except LostError as error:
            raise FileNotFoundError(str(error)) from error
        except (Unavailable, BadGateway) as error:
            raise BackupError(f'{error} What was copied until now is not copied again.') from error


class _Pieces:
    """A stream that has pieces of any size."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces

    def read(self, _size: int) -> bytes:
        return next(self.pieces, b'')


def of(store: dict[str, Any]) -> Source:
    """The source of the assetstore ``store``.

    :raises BackupError: it is not there, or of a type that is not known.
    """
    if store['type'] == AssetstoreType.FILESYSTEM:
        return _Directory(store)
    if store['type'] == AssetstoreType.S3:
        return _InBucket(store)
    raise BackupError(f'The assetstore "{store["name"]}" is of a type that backups do not know ({store["type"]}). Move '
                      'its files to another one, and delete it.')
