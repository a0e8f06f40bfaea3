"""The assetstore of this server that gets the bytes of a migration: a directory, or a bucket of object storage (S3).

A file is there when all of it was read and compared with what the source states. One that is there is not read again,
also by a run after one that was killed.
"""
from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from girder.constants import AssetstoreType

from slicer_package_manager import file_copies
from slicer_package_manager.migration.errors import LostBytesError, MigrationError
from slicer_package_manager.migration.girder_database import AnyDatabase
from slicer_package_manager.migration.source_stores import Directory, Reader
from slicer_package_manager.progress import Advance
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.storage import s3_copy, stores
from slicer_package_manager.registry.storage.s3_bucket import Bucket

_UNFINISHED = 'temp'
#: How the names of files begin of which not all is there.
_PREFIX = 'migration-'
#: Requires that a file has this size and this SHA-512.
Require = Callable[[int, str], None]


class Target(Protocol):
    """An assetstore that gets files."""

    def copied(self, source: Reader) -> bool:
        """Whether files of ``source`` take room here."""

    def require_room(self, total: int) -> None:
        """Require that files of ``total`` bytes, some of which may be there already, fit.

        :raises MigrationError: they do not.
        """

    def discard_unfinished(self) -> None:
        """Remove what a migration that was killed has left of a file. No other one may run."""

    def has(self, file: Mapping[str, Any]) -> bool:
        """Whether ``file``, a document of this server, is there, as far as one can see without reading it."""

    def find(self, file: Mapping[str, Any]) -> Document | None:
        """Return the place of ``file`` of the source, which states its SHA-512, if it is there."""

    def store(self, file: Document, source: Reader, advance: Advance, require: Require) -> Document:
        """Store ``file`` of ``source``, and return its place, as fields of its document.

        :raises LostBytesError: it cannot be read.
        """


class DirectoryTarget:
    """An assetstore of the type filesystem. Files on the same volume are linked, not copied; they are never moved."""

    def __init__(self, assetstore: Document) -> None:
        self._id, self._root = assetstore['_id'], Path(assetstore['root'])

    def copied(self, source: Reader) -> bool:
        """See :class:`Target`."""
        return not (isinstance(source, Directory) and source.root.is_dir()
                    and source.root.stat().st_dev == self._root.stat().st_dev)

    def require_room(self, total: int) -> None:
        """See :class:`Target`."""
        free = shutil.disk_usage(self._root).free
        # What is there may be the files of a run before.
        if total > free and total > free + sum(path.stat().st_size for path in self._root.glob('??/??/*')):
            raise MigrationError(f'The files of the older server that are copied have {total} bytes, and {self._root} '
                                 f'has only {free} left.')

    def discard_unfinished(self) -> None:
        """See :class:`Target`."""
        for path in (self._root / _UNFINISHED).glob(f'{_PREFIX}*'):
            path.unlink(missing_ok=True)

    def has(self, file: Mapping[str, Any]) -> bool:
        """See :class:`Target`."""
        with suppress(OSError):
            return bool((self._root / file['path']).stat().st_size == file['size'])
        return False

    def find(self, file: Mapping[str, Any]) -> Document | None:
        """See :class:`Target`."""
        place = self._place(file['sha512'], file['size'])
        return place if self.has(place) else None

    def store(self, file: Document, source: Reader, advance: Advance, require: Require) -> Document:
        """See :class:`Target`.

        :raises MigrationError: the directory cannot be written to.
        """
        try:
            return self._stored(file, source, advance, require)
        except OSError as error:
            raise MigrationError(f'{self._root} cannot be written to: {error.strerror}. Correct that, and run the '
                                 'migration again to continue.') from error

    def _stored(self, file: Document, source: Reader, advance: Advance, require: Require) -> Document:
        temporary = self._root / _UNFINISHED / f'{_PREFIX}{file["_id"]}'
        temporary.parent.mkdir(parents=True, exist_ok=True)
        linked = isinstance(source, Directory) and _link(file, source, temporary)
        try:
            found = digest(file, source, advance) if linked else self._copy(file, source, temporary, advance)
            require(temporary.stat().st_size, found)
            final = self._root / file_copies.address(found)
            final.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(final)
        finally:
            temporary.unlink(missing_ok=True)  # if it is not in its place
        return self._place(found, file['size'])

    def _place(self, digest: str, size: int) -> Document:
        return {'assetstoreId': self._id, 'path': file_copies.address(digest), 'sha512': digest, 'size': size}

    @staticmethod
    def _copy(file: Document, source: Reader, path: Path, advance: Advance) -> str:
        """Copy ``file`` to the new file ``path``, which is on the disk then, and return its SHA-512."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, 'wb') as target, source.opened(file) as content:
            found = file_copies.pour(cast('BinaryIO', _Readable(content)), target, advance)
            target.flush()
            os.fsync(target.fileno())
        return found


def _link(file: Document, source: Directory, path: Path) -> bool:
    """Link the file of the source to ``path``, if it is on the same volume and cannot be changed by others."""
    if file.get('imported'):
        return False
    try:
        path.hardlink_to(source.path(file))
    except OSError:  # another volume, a file of another user, …: a copy succeeds, or fails with the reason
        return False
    return True


class BucketTarget:
    """An assetstore of the type S3. Each file has an object of its own, so that none goes with another file."""

    def __init__(self, assetstore: Document) -> None:
        self._assetstore, self._bucket = assetstore, Bucket(assetstore)
        self._store = stores.of_assetstore(assetstore)

    def copied(self, source: Reader) -> bool:  # noqa: ARG002 - of whichever type it is
        """See :class:`Target`."""
        return True

    def require_room(self, total: int) -> None:  # noqa: ARG002 - a bucket has no end
        """Require that the bucket can be reached."""
        self._bucket.require()

    def discard_unfinished(self) -> None:
        """See :class:`Target`. An upload that is not completed is no object."""

    def has(self, file: Mapping[str, Any]) -> bool:
        """See :class:`Target`."""
        return bool(self._store.size(dict(file)) == file['size'])

    def find(self, file: Mapping[str, Any]) -> Document | None:
        """See :class:`Target`."""
        place = self._place(file, file['sha512'])
        return place if self.has(place) else None

    def store(self, file: Document, source: Reader, advance: Advance, require: Require) -> Document:
        """See :class:`Target`."""
        stated = file.get('sha512')
        place = self._place(file, stated or digest(file, source, lambda _: None))
        if file['size']:
            params = {'Key': place['s3Key'], **self._settings(file)}
            with source.opened(file) as content:
                s3_copy.put(self._bucket, params, _Readable(content), advance, require)
        else:
            require(0, digest(file, source, advance))
        return place

    def _place(self, file: Mapping[str, Any], digest: str) -> Document:
        place = {'assetstoreId': self._assetstore['_id'], 'sha512': digest, 'size': file['size']}
        if not file['size']:
            return place  # an empty file has no object
        name = hashlib.sha512(f'{file["_id"]} {digest}'.encode()).hexdigest()[:32]
        key = '/'.join(filter(None, (self._assetstore.get('prefix', ''), name[:2], name[2:4], name)))
        return {**place, 's3Key': key, 'relpath': f'/{self._assetstore["bucket"]}/{key}'}

    def _settings(self, file: Document) -> Document:
        encrypted = {'ServerSideEncryption': 'AES256'} if self._assetstore.get('serverSideEncryption') else {}
        return {'ContentType': str(file.get('mimeType') or 'application/octet-stream'), **encrypted}


_TARGETS: dict[Any, Callable[[Document], Target]] = {
    AssetstoreType.FILESYSTEM: DirectoryTarget, AssetstoreType.S3: BucketTarget}


def of(assetstore: Document) -> Target:
    """Return ``assetstore`` as a target."""
    return _TARGETS[assetstore['type']](assetstore)


def current(here: AnyDatabase) -> Document:
    """Return the assetstore that gets the bytes: the current one, if it is a directory or a bucket.

    :raises MigrationError: there is none, or it cannot be written to.
    """
    found = here['assetstore'].find_one({'current': True, 'type': AssetstoreType.S3})
    if found is None:
        return assetstore(here)
    if found.get('readOnly'):
        raise MigrationError(f'The assetstore "{found["name"]}" is read-only. Make another one the current one in '
                             'Girder.')
    return found


def assetstore(here: AnyDatabase) -> Document:
    """Return the assetstore that gets the bytes: the current one, if it is a directory, else the first that is.

    :raises MigrationError: there is none.
    """
    found = here['assetstore'].find_one({'current': True, 'type': AssetstoreType.FILESYSTEM}) or here[
        'assetstore'].find_one({'type': AssetstoreType.FILESYSTEM})
    if found is None:
        raise MigrationError('This server has no assetstore of the type filesystem. Create one in Girder, or start the '
                             'server once: `slicer-package-manager serve`.')
    root = Path(found['root'])
    root.mkdir(parents=True, exist_ok=True)
    return found


def _is_same_place(one: Document, other: Document) -> bool:
    """Whether two assetstores have their files in one place, so that one would remove those of the other."""
    if AssetstoreType.FILESYSTEM in (one.get('type'), other.get('type')):
        return one.get('type') == other.get('type') and os.path.realpath(str(one.get('root'))) == os.path.realpath(
            str(other.get('root')))
    return one.get('type') == other.get('type') == AssetstoreType.S3 and all(
        (one.get(key) or '') == (other.get(key) or '') for key in ('service', 'bucket', 'prefix'))


def discard_unfinished(store: Document) -> None:
    """See :meth:`Target.discard_unfinished`."""
    of(store).discard_unfinished()


def require_room(store: Document, total: int) -> None:
    """See :meth:`Target.require_room`."""
    of(store).require_room(total)


class _Readable:
    """The bytes of a file of the source. That they cannot be read is not a failure of this server's disk."""

    def __init__(self, content: BinaryIO) -> None:
        self._content = content

    def read(self, size: int) -> bytes:
        try:
            return self._content.read(size)
        except (OSError, KeyError, TypeError) as error:
            raise LostBytesError(f'its bytes cannot be read: {error}') from error


def digest(file: Document, source: Reader, advance: Advance) -> str:
    """Read ``file``, and return its SHA-512."""
    with source.opened(file) as content:
        return file_copies.pour(cast('BinaryIO', _Readable(content)), None, advance)


def require_others(source: AnyDatabase, here: AnyDatabase, store: Document) -> None:
    """Require that the source is another database than ``here``, and that its files are elsewhere than ``store``.

    :raises MigrationError: they are the same.
    """
    if source.name == here.name and source.client.address == here.client.address:
        raise MigrationError('SOURCE is the database of this server. To migrate it itself, use --in-place.')
    for other in source['assetstore'].find():
        if _is_same_place(other, store):
            raise MigrationError(f'The assetstore of this server is at the place of one of the source, '
                                 f'{store.get("root") or store.get("bucket")}: each would remove files of the other. '
                                 'Use another directory or bucket.')
