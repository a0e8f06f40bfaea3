"""The directory of an assetstore: whether it is the right one, and what its failures mean for clients."""
from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from girder.models.file import File
from girder.models.upload import Upload
from girder.utility.abstract_assetstore_adapter import AbstractAssetstoreAdapter
from girder.utility.filesystem_assetstore_adapter import FilesystemAssetstoreAdapter

from slicer_package_manager.registry.schema.errors import InsufficientStorage, NotFound, OffsetMismatch, Unavailable
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.storage.store import RETRY_AFTER

logger = logging.getLogger(__name__)

#: Errors of the system when there is no room: on the disk, in a quota, in what a process may write.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_BUCKET = re.compile('[0-9a-f]{2}')
#: The directory in an assetstore for uploads that are not complete.
TEMPORARY = 'temp'


def _absence(assetstore: Document) -> str | None:
    """Return why the directory of ``assetstore`` is not the one with its files, ``None`` if it is.

    A directory that is empty although files should be in it is the mount point of a disk that is not mounted. Girder's
    adapter would create a missing directory, and store new files beside that disk.
    """
    root = assetstore['root']
    if os.path.isdir(f'{root}/{TEMPORARY}'):  # noqa: PTH112 - Path.is_dir raises for some errors
        return None
    try:
        filled = any(_BUCKET.fullmatch(entry.name) for entry in Path(root).iterdir())
    except OSError:
        return 'its folder is not there'
    if not filled and File().findOne({'assetstoreId': assetstore['_id'], 'path': {'$exists': True}}, fields=['_id']):
        return 'its folder is empty, and should have files; is its disk mounted?'
    return None


class FilesystemAccess(FilesystemAssetstoreAdapter):  # type: ignore[misc] # Girder has no types
    """Girder's adapter for a directory that may be missing, full or broken.

    It raises :class:`InsufficientStorage` (507) when the disk is full, and :class:`Unavailable` (503) when the
    directory is missing or the system reports another failure. Only the log has the reason and the path.
    """

    assetstore: Document

    def __init__(self, assetstore: Document) -> None:
        AbstractAssetstoreAdapter.__init__(self, assetstore)  # Girder's next class creates a missing directory
        self.tempDir = str(Path(assetstore['root'], TEMPORARY))
        self._absence = _absence(assetstore)
        if self._absence is None:
            with suppress(OSError):
                Path(self.tempDir).mkdir(exist_ok=True)
        self._unavailable = self.problem() is not None

    def __str__(self) -> str:
        return str(self.assetstore['root'])

    def problem(self) -> str | None:
        """Return why nothing can be uploaded, whatever its size; ``None`` if it can."""
        writable = os.access(self.assetstore['root'], os.R_OK | os.W_OK | os.X_OK)
        return self._absence or (None if writable else 'its folder cannot be written to')

    def require_readable(self) -> None:
        """Check that the directory is there.

        :raises Unavailable: it is not.
        """
        self.require_no_transaction()
        if self._absence:
            self._refuse(self._absence)

    def require_writable(self) -> None:
        """Check that files can be stored and deleted.

        :raises Unavailable: they cannot.
        """
        self.require_no_transaction()
        wrong = self.problem()
        if wrong:
            self._refuse(wrong)

    def require_no_transaction(self) -> None:
        """Check that no transaction is open, which would wait for the disk."""
        transactions.require_none(f'Access to files in {self}')

    def _refuse(self, reason: str) -> NoReturn:
        logger.error('The assetstore "%s" at %s cannot be used: %s.', self.assetstore['name'], self, reason)
        raise Unavailable('The files of this server are out of reach now. Try again later; its administrator finds '
                          'the reason in the log.', RETRY_AFTER)

    def require_room(self, upload: Document, wanted: int) -> None:
        """Check that ``wanted`` more bytes of ``upload`` fit, beside the reserve of the server.

        :raises InsufficientStorage: they do not.
        """
        free = self.capacityInfo()['free']
        if free is not None and wanted > free:
            logger.error('"%s" is refused: it needs %d bytes in %s, where %d are left beside the reserve.',
                         upload['name'], wanted, self, free)
            raise _full(upload)

    @contextmanager
    def translated(self, upload: Document, lost: type[Exception] = OffsetMismatch) -> Iterator[None]:
        """Translate errors of the system in the block to errors for the client.

        :param lost: raised when the bytes of the upload are missing.
        :raises NotFound: they are missing, since the upload was cancelled, or its package deleted, meanwhile.
        """
        try:
            yield
        except FileNotFoundError:
            if '_id' in upload and Upload().findOne({'_id': upload['_id']}, fields=['_id']) is None:
                raise NotFound(f'The upload of "{upload["name"]}" was cancelled, or its package was deleted. Begin a '
                               'new upload.') from None
            logger.exception('The bytes of the upload %s are lost.', upload.get('_id'))
            raise lost(f'The server has lost what it had of "{upload["name"]}". Begin a new upload.') from None
        except OSError as error:
            logger.exception('The assetstore "%s" does not take "%s".', self.assetstore['name'], upload['name'])
            if error.errno in _NO_ROOM:
                raise _full(upload) from error
            raise Unavailable(f'The disk of this server fails, so that "{upload["name"]}" is not stored. Try again '
                              'later; its administrator finds the reason in the log.', RETRY_AFTER) from error


def _full(upload: Document) -> InsufficientStorage:
    return InsufficientStorage(
        f'There is no room for "{upload["name"]}" with its {upload["size"]} bytes: the disk of this server is full. '
        'Ask its administrator to make room, then upload it again.')
