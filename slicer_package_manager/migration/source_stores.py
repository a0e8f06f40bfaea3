"""The assetstores of a source, which are only read."""
from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from io import BufferedReader, BytesIO, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import httpx
import pymongo
from girder.constants import AssetstoreType

from slicer_package_manager.migration.errors import LostBytesError, MigrationError
from slicer_package_manager.migration.girder_database import AnyDatabase
from slicer_package_manager.migration.rest_client import RestClient
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.storage import stores

#: The type of assetstores in GridFS, which Girder 3 had.
_GRIDFS = 1


class Reader(Protocol):
    """An assetstore of the source."""

    def size(self, file: Document) -> int | None:
        """Return how many bytes of ``file`` are there; ``None`` if it is not."""

    def opened(self, file: Document) -> AbstractContextManager[BinaryIO]:
        """Open ``file`` for reading.

        :raises LostBytesError: it cannot be read.
        """


class Directory:
    """An assetstore of the type filesystem."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, file: Mapping[str, Any]) -> Path:
        """Return where ``file`` is."""
        return Path(file['path']) if file.get('imported') else self.root / file['path']

    def size(self, file: Mapping[str, Any]) -> int | None:
        """See :class:`Reader`."""
        try:
            found = self.path(file).stat() if file.get('path') else None
        except (OSError, ValueError):  # ValueError: a NUL in the path
            return None
        return found.st_size if found and stat.S_ISREG(found.st_mode) else None

    def opened(self, file: Mapping[str, Any]) -> AbstractContextManager[BinaryIO]:
        """See :class:`Reader`."""
        try:
            return self.path(file).open('rb')
        except OSError as error:
            raise LostBytesError(str(error)) from error


class Grid:
    """An assetstore of the type GridFS of Girder 3: chunks in a collection ``chunk``."""

    def __init__(self, database: AnyDatabase) -> None:
        self._chunks = database['chunk']

    def size(self, file: Mapping[str, Any]) -> int | None:
        """See :class:`Reader`."""
        found = next(iter(self._chunks.aggregate([
            {'$match': {'uuid': file.get('chunkUuid')}},
            {'$group': {'_id': None, 'size': {'$sum': {'$binarySize': '$data'}}}}])), None)
        return found['size'] if found else (0 if not file['size'] else None)

    def opened(self, file: Mapping[str, Any]) -> AbstractContextManager[BinaryIO]:
        """See :class:`Reader`."""
        chunks = self._chunks.find({'uuid': file.get('chunkUuid')}, sort=[('n', 1)], batch_size=4)
        return cast('AbstractContextManager[BinaryIO]', BufferedReader(_Pieces(bytes(one['data']) for one in chunks)))


class Bucket:
    """An assetstore in object storage (S3)."""

    def __init__(self, assetstore: Document) -> None:
        self._store = stores.of_assetstore(assetstore)

    def size(self, file: Document) -> int | None:
        """See :meth:`Reader.size`."""
        return self._store.size(file) if isinstance(file.get('s3Key'), str) else None

    def opened(self, file: Document) -> AbstractContextManager[BinaryIO]:
        """See :meth:`Reader.opened`."""
        pieces = iter(self._store.read(file, 0, file['size']))
        return cast('AbstractContextManager[BinaryIO]', BufferedReader(_Pieces(pieces)))


class Remote:
    """The files of a server, by its REST API."""

    def __init__(self, client: RestClient, fetched: Callable[[Document], None]) -> None:
        self._client, self._fetched = client, fetched

    def size(self, file: Mapping[str, Any]) -> int | None:
        """See :meth:`Reader.size`."""
        return int(file['size'] or 0)

    @contextmanager
    def opened(self, file: Document) -> Iterator[BinaryIO]:
        """See :meth:`Reader.opened`. An empty file is not requested: the older server fails at one in GridFS."""
        if not file['size']:
            yield BytesIO()
            return
        try:
            with self._client.download(f'file/{file["_id"]}/download') as pieces:
                yield cast('BinaryIO', BufferedReader(_Pieces(self._noted(file, pieces))))
        except httpx.HTTPStatusError as error:
            raise LostBytesError(f'the source answers {error.response.status_code} instead of its bytes') from error
        except httpx.TransportError as error:
            self._require()
            raise LostBytesError(f'the source does not send all of its bytes: {error}') from error

    def _noted(self, file: Document, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """``pieces``; at their end, note that ``file`` was fetched, also if the source has ended too early."""
        try:
            yield from pieces
        except httpx.RemoteProtocolError:
            self._fetched(file)
            raise
        self._fetched(file)

    def _require(self) -> None:
        """Require that the source still answers: then it has only a part of the file."""
        try:
            self._client.get('system/version')
        except MigrationError as error:
            raise MigrationError(f'{error} Run the migration again to continue.') from error


class _Pieces(RawIOBase):
    """A stream of ``pieces``."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b''

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        taken, self._rest = self._rest[:len(buffer)], self._rest[len(buffer):]
        buffer[:len(taken)] = taken
        return len(taken)


def readers(source: AnyDatabase, roots: Mapping[str, Path]) -> dict[Any, Reader]:
    """Return the assetstores of the older server ``source``, by id.

    :param roots: directories by id, where they are mounted elsewhere than there.
    :raises MigrationError: one of them cannot be read.
    """
    return {store['_id']: _reader(source, store, roots) for store in source['assetstore'].find()
            if source['file'].find_one({'assetstoreId': store['_id']}, {'_id': 1})}


def readers_over_rest(source: AnyDatabase, client: RestClient, fetched: Callable[[Document], None]
                      ) -> dict[Any, Reader]:
    """Return the assetstores of ``source``, a copy of the server of ``client``, by id.

    :param fetched: called with each file that was downloaded, or of which the source has sent what it has.
    """
    return {store['_id']: Remote(client, fetched) for store in source['assetstore'].find()}


def _reader(source: AnyDatabase, store: Document, roots: Mapping[str, Path]) -> Reader:
    what = f'assetstore "{store.get("name", "")}" ({store["_id"]})'
    mounted = roots.get(str(store['_id']))
    if mounted or store.get('type') == AssetstoreType.FILESYSTEM:
        root = mounted or Path(str(store.get('root') or ''))
        if not root.is_dir() or not (mounted or store.get('root')):
            raise MigrationError(
                f'The directory {root if root.name else "(none)"} of the {what} is not here. If it is '
                f'mounted elsewhere, name the place: --source-assetstore {store["_id"]}=PATH')
        return Directory(root)
    if store.get('type') == _GRIDFS and isinstance(store.get('db'), str):
        return Grid(_grid_database(source, store))
    if store.get('type') == AssetstoreType.S3:
        return Bucket(store)
    raise MigrationError(f'The {what} has the unknown type "{store.get("type")}". If its files are in a directory, '
                         f'name it: --source-assetstore {store["_id"]}=PATH')


def forget_grids(database: AnyDatabase) -> None:
    """Remove the documents of assetstores in GridFS to which no file refers any more, and make another one current."""
    found = database['assetstore']
    for store in found.find({'type': _GRIDFS}):
        if database['file'].find_one({'assetstoreId': store['_id']}, {'_id': 1}) is None:
            found.delete_one({'_id': store['_id']})
    if found.find_one({'current': True}) is None:
        found.update_one({'type': AssetstoreType.FILESYSTEM}, {'$set': {'current': True}})


def _grid_database(source: AnyDatabase, store: Document) -> AnyDatabase:
    host = store.get('mongohost')
    client: pymongo.MongoClient[Document] = pymongo.MongoClient(host) if host else source.client
    return client[store['db']]
