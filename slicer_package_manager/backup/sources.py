"""The assetstores from which the bytes of files are copied.

Directories are read with the rules for backups: no path and no symbolic link may lead out of them. All other
assetstores are read through the protocol of stores.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from slicer_package_manager.backup import store_types, validation
from slicer_package_manager.backup.errors import BackupError
from slicer_package_manager.backup.file_index import FileBytes
from slicer_package_manager.registry.schema.errors import BadGateway, Unavailable
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.storage import stores
from slicer_package_manager.registry.storage.store import LostError, Store


class Source(Protocol):
    """An assetstore that can be read; ``str`` gives its directory, or the URL of its bucket."""

    def opened(self, content: FileBytes) -> AbstractContextManager[BinaryIO]:
        """A context with a stream of the bytes of ``content``.

        :raises FileNotFoundError: the bytes are missing, or their number is not that of ``content``.
        """


class _Directory:
    def __init__(self, store: Document) -> None:
        self.root = Path(store['root'])
        if not self.root.is_dir():
            raise BackupError(f'The assetstore "{store["name"]}" has no directory {self.root} on this machine. Mount '
                              'its disk, or create the backup on the machine that has it.')

    def __str__(self) -> str:
        return str(self.root)

    @contextmanager
    def opened(self, content: FileBytes) -> Iterator[BinaryIO]:
        path = self.root / content.path
        if not content.imported:
            validation.require_within(self.root, content.path)
        if path.stat().st_size != content.size:
            raise FileNotFoundError(path)
        with path.open('rb') as file:
            yield file


class _Remote:
    def __init__(self, store: Store) -> None:
        self.store = store

    def __str__(self) -> str:
        return str(self.store)

    @contextmanager
    def opened(self, content: FileBytes) -> Iterator[BinaryIO]:
        file = {self.store.place_field: content.path, 'name': content.name, 'size': content.size}
        try:
            yield cast('BinaryIO', _Pieces(self.store.read(file, 0, content.size)))
        except LostError as error:
            raise FileNotFoundError(str(error)) from error
        except (Unavailable, BadGateway) as error:
            raise BackupError(f'{error} The next backup does not copy again what was copied until now.') from error


class _Pieces:
    """A stream of pieces of any size."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces

    def read(self, _size: int) -> bytes:
        return next(self.pieces, b'')


def of(store: Document) -> Source:
    """The source for the document ``store`` of an assetstore.

    :raises BackupError: its directory is missing, or its type is unknown.
    """
    if store['type'] in store_types.DIRECTORIES:
        return _Directory(store)
    if store_types.is_bucket(store):
        return _Remote(stores.of_assetstore(dict(store)))
    raise BackupError(f'Backups do not support the type of the assetstore "{store["name"]}" ({store["type"]}). Move '
                      'its files to another assetstore, and delete it.')
