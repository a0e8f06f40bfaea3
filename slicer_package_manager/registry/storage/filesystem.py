"""Files in a directory of the server, named by their SHA-512: ``ab/cd/abcd...``.

Files with the same bytes share them. Code that removes bytes therefore checks whether a file or an upload refers to
them, under a lock that uploads take too (Girder's ``.deleteLock`` beside the file).
"""
from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import filelock
from girder.exceptions import GirderException
from girder.models.file import File
from girder.models.upload import Upload

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.storage.filesystem_access import TEMPORARY
from slicer_package_manager.registry.storage.filesystem_uploads import FilesystemUploads
from slicer_package_manager.registry.storage.store import PIECE, Leftover, LostError, Store, opened

logger = logging.getLogger(__name__)

#: The directory in an assetstore for bytes that no document refers to.
ASIDE = 'orphaned'
_SHA512 = re.compile('[0-9a-f]{128}')


class FilesystemStore(FilesystemUploads, Store):
    """An assetstore of Girder's type ``FILESYSTEM``."""

    place_field = 'path'
    content_fields = ('path', 'imported', 'mtime')
    required_fields = {'root': 'string'}  # noqa: RUF012 - a ClassVar of the protocol
    finds_uploads = True

    def read(self, file: Document, start: int, stop: int) -> Iterator[bytes]:
        """Open ``file`` and return its bytes from ``start`` up to ``stop``, see :meth:`Store.read`."""
        self.require_readable()
        try:
            return opened(_read(file, self.fullPath(file), start, stop))
        except FileNotFoundError as error:
            raise LostError(str(error)) from error

    @contextmanager
    def opened(self, file: Document) -> Iterator[BinaryIO]:
        """Open ``file``, see :meth:`Store.opened`."""
        self.require_readable()
        with Path(self.fullPath(file)).open('rb') as stream:
            yield stream

    def downloadFile(self, file: Document, *args: Any, **kwargs: Any) -> Any:
        """Return the function by which Girder streams ``file``."""
        self.require_readable()
        return super().downloadFile(file, *args, **kwargs)

    def deleteFile(self, file: Document) -> None:
        """Delete the bytes of ``file`` unless another file or an upload has them.

        :raises Unavailable: the directory cannot be written to.
        """
        self.require_writable()
        if file.get('imported') or 'path' not in file:
            return
        path = Path(self.fullPath(file))
        if path.is_file():
            self._remove_unused(path, file['sha512'], but=file['_id'])

    def discard(self, upload: Document) -> None:
        """Delete the bytes stored for ``upload``, which is forgotten, unless a file or another upload has them."""
        sha512 = upload.get('sha512')
        if sha512 and (path := self.path_of(sha512)).is_file():
            self._remove_unused(path, sha512)

    def _remove_unused(self, path: Path, sha512: str, *, but: Any = None) -> None:
        """Delete the bytes at ``path`` if neither a file, except for that with the id ``but``, nor an upload has them.

        An upload writes its checksum before it takes the same lock and trusts that bytes are there. It is removed when
        its file is stored, so uploads are asked first: in the other order both could be missed.
        """
        self.require_no_transaction()
        wanted = {'sha512': sha512, 'assetstoreId': self.assetstore['_id']}
        with filelock.FileLock(f'{path}.deleteLock'):
            if (Upload().findOne(wanted, fields=['_id'])
                    or File().findOne({**wanted, '_id': {'$ne': but}}, fields=['_id'])):
                return
            try:
                path.unlink(missing_ok=True)
            except OSError:
                logger.exception('No file needs %s any more, but it cannot be deleted.', path)

    def place(self, file: Document) -> str:
        """Return the path of the bytes of ``file``."""
        return str(self.fullPath(file))

    def size(self, file: Document) -> int | None:
        """Return how many bytes of ``file`` are on the disk, ``None`` if they cannot be found."""
        try:
            return Path(self.fullPath(file)).stat().st_size
        except OSError:
            return None

    def sizes(self) -> Callable[[dict[str, Any]], int | None]:
        """Return :meth:`size`, see :meth:`Store.sizes`."""
        self.require_readable()
        return self.size

    def leftovers(self, age: timedelta) -> Iterator[Leftover]:
        """Yield temporary files that belong to no upload and have not changed for ``age``."""
        known = {upload.get('tempFile') for upload in Upload().find({}, fields=['tempFile'])}
        for path in Path(self.assetstore['root'], TEMPORARY).glob('*'):
            if str(path) not in known and _is_older(path, age):
                yield Leftover(str(path), path.stat().st_size, partial(path.unlink, missing_ok=True),
                               'Use --fix, which removes it.')

    def unused(self, age: timedelta) -> Iterator[Leftover]:
        """Yield stored files that no document refers to and that have not changed for ``age``."""
        for path in Path(self.assetstore['root']).glob('[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*'):
            if _SHA512.fullmatch(path.name) and _is_older(path, age) and self._is_unused(path):
                yield Leftover(str(path), path.stat().st_size, partial(self._put_aside, path),
                               f'Use --fix, which moves it to {Path(self.assetstore["root"], ASIDE)}; delete it there '
                               'once you are sure that no restored database refers to it.')

    def _is_unused(self, path: Path) -> bool:
        here = {'assetstoreId': self.assetstore['_id']}
        at_path = {'path': str(path.relative_to(self.assetstore['root'])), **here}
        return not any(model.findOne(query, fields=['_id']) for model, query in (
            (File(), {'sha512': path.name, **here}), (Upload(), {'sha512': path.name, **here}), (File(), at_path)))

    def _put_aside(self, path: Path) -> None:
        aside = Path(self.assetstore['root'], ASIDE)
        aside.mkdir(mode=0o700, exist_ok=True)
        with filelock.FileLock(f'{path}.deleteLock'):  # an upload of the same bytes may end now
            if self._is_unused(path):
                path.rename(aside / path.name)


def _read(file: Document, path: str, start: int, stop: int) -> Generator[bytes, None, None]:
    left = stop - start
    with open(path, 'rb', buffering=0) as content:  # noqa: PTH123 - Path.open is slower
        content.seek(start)
        while left and (piece := content.read(min(PIECE, left))):
            left -= len(piece)
            yield piece
    if left:
        raise GirderException(f'The content of the file {file["_id"]} ends {left} bytes too early.')


def _is_older(path: Path, age: timedelta) -> bool:
    return time.time() - path.stat().st_mtime > age.total_seconds()
