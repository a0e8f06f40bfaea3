"""An assetstore on a disk that may be full, or not be there.

Girder's own adapter makes the folder of an assetstore when it is missing, and so puts new files beside the place where
the disk belongs; it appends what a request sends to what an earlier one left behind; and what the system refuses is
an unexpected error to it.
"""
from __future__ import annotations

import errno
import io
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock
from girder.constants import AssetstoreType
from girder.models.file import File
from girder.models.upload import Upload
from girder.utility import _hash_state, assetstore_utilities
from girder.utility.abstract_assetstore_adapter import AbstractAssetstoreAdapter
from girder.utility.filesystem_assetstore_adapter import DEFAULT_PERMS, FilesystemAssetstoreAdapter

from slicer_package_manager.durability import sync
from slicer_package_manager.registry.schema.errors import Full, NotFound, OutOfStep, Unavailable

logger = logging.getLogger(__name__)

#: What a client is told to wait before it tries again, in seconds.
_RETRY_AFTER = 30
#: Bytes that are written at once.
_PIECE = 256 * 1024
#: What the system says when there is no room: on the disk, in a quota, in what a process may write.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_BUCKET = re.compile('[0-9a-f]{2}')
#: The folder in an assetstore for what has not arrived whole.
TEMPORARY = 'temp'
#: On an upload: a deletion found its bytes in use by it, and has left it to it to remove them.
LEFT = 'bytesLeft'


def absence(store) -> str | None:
    """Why the folder of ``store``, an assetstore on disk, is not the one with its files; ``None`` if it is.

    A folder that is empty although files are said to be in it is the place of a disk that is not mounted. The text
    names no path.
    """
    root = store['root']
    if os.path.isdir(f'{root}/{TEMPORARY}'):  # noqa: PTH112 - a path object says no to fewer failures
        return None
    try:
        filled = any(_BUCKET.fullmatch(entry.name) for entry in Path(root).iterdir())
    except OSError:
        return 'its folder is not there'
    if not filled and File().findOne({'assetstoreId': store['_id'], 'path': {'$exists': True}}, fields=['_id']):
        return 'its folder is empty, and should have files; is its disk mounted?'
    return None


def problem(store) -> str | None:
    """Why nothing can be uploaded to ``store``, an assetstore on disk, whatever its size; ``None`` if it can."""
    writable = os.access(store['root'], os.R_OK | os.W_OK | os.X_OK)
    return absence(store) or (None if writable else 'its folder cannot be written to')


class Disk(FilesystemAssetstoreAdapter):
    """Keeps files as Girder does, and answers for it when it cannot.

    What it raises is 507 (:class:`Full`) when there is no room, 503 (:class:`Unavailable`) when the folder is out of
    reach or the system fails otherwise; the log has the reason, with the path.
    """

    def __init__(self, assetstore):
        self._absence = absence(assetstore)
        if self._absence is None:
            super().__init__(assetstore)
            return
        AbstractAssetstoreAdapter.__init__(self, assetstore)
        self.tempDir = str(Path(assetstore['root'], TEMPORARY))
        self._unavailable = True

    def require(self) -> None:
        """Pass if the files are there.

        :raises Unavailable: they are not.
        """
        if self._absence:
            self._refuse(self._absence)

    def require_writable(self) -> None:
        """Pass if files can be stored.

        :raises Unavailable: they cannot.
        """
        wrong = self._absence or problem(self.assetstore)
        if wrong:
            self._refuse(wrong)

    def _refuse(self, reason):
        logger.error('The assetstore "%s" at %s cannot be used: %s.', self.assetstore['name'], self.assetstore['root'],
                     reason)
        raise Unavailable('The files of this server are out of reach now. Try again later; its administrator finds '
                          'the reason in the log.', _RETRY_AFTER)

    def initUpload(self, upload, uploadExtraParameters):
        """Begin ``upload``, if all of it fits."""
        self.require_writable()
        self._require_room(upload, upload['size'])
        with self._explained(upload):
            return super().initUpload(upload, uploadExtraParameters)

    def uploadChunk(self, upload, chunk, uploadExtraParameters):  # noqa: ARG002 - Girder's signature
        """Write ``chunk`` where the upload has got to, over what a request that failed may have left there.

        Where there is no room for the first one, the upload is given up, so that it holds no place.
        """
        self.require_writable()
        checksum = _hash_state.restoreHex(upload['sha512state'], 'sha512')
        try:
            self._require_room(upload, upload['size'] - upload['received'])
            with self._explained(upload):
                size = _write(upload, _stream(chunk), checksum)
        except Full:
            if not upload['received']:
                Upload().cancelUpload(upload)
            raise
        self.checkUploadSize(upload, size)
        upload['sha512state'] = _hash_state.serializeHex(checksum)
        upload['received'] += size
        return upload

    def requestOffset(self, upload):
        """How much of ``upload`` has arrived for good; what a request that failed has left does not count.

        :raises NotFound: none of it is there any more.
        """
        self.require()
        with self._explained(upload, lost=NotFound):
            if _is_in_place(self._target(upload), upload):
                return upload['received']
            return min(Path(upload['tempFile']).stat().st_size, upload['received'])

    def finalizeUpload(self, upload, file):
        """Put the bytes in their place, and have them on the disk itself before anybody is told so.

        What an earlier attempt has put there is as good; bytes with this checksum that are there already may be
        damaged, so the new ones take their place.
        """
        self.require_writable()
        target = self._target(upload)
        if '_id' in upload:  # from now on nobody deletes these bytes
            upload['sha512'] = target.name
            Upload().update({'_id': upload['_id']}, {'$set': {'sha512': target.name}}, multi=False)
        with self._explained(upload):
            made = _make_folders(target)
            with filelock.FileLock(f'{target}.deleteLock'):
                if Path(upload['tempFile']).exists() or not _is_in_place(target, upload):
                    self._put_in_place(upload, target)
            for folder in {target.parent, *made}:
                sync(folder)
        file.update(sha512=target.name, path=str(target.relative_to(self.assetstore['root'])))
        return file

    def deleteFile(self, file):
        """Delete the bytes of ``file``, if no other one has the same; not while nobody can tell whether they go."""
        self.require_writable()
        if file.get('imported') or 'path' not in file:
            return
        path = Path(self.fullPath(file))
        if path.is_file():
            remove_unused(path, file['sha512'], self.assetstore['_id'], but=file['_id'])

    def downloadFile(self, file, *args, **kwargs):
        """Hand out ``file`` as Girder does."""
        self.require()
        return super().downloadFile(file, *args, **kwargs)

    def _target(self, upload) -> Path:
        digest = _hash_state.restoreHex(upload['sha512state'], 'sha512').hexdigest()
        return Path(self.assetstore['root'], digest[:2], digest[2:4], digest)

    def _put_in_place(self, upload, target):
        part = Path(upload['tempFile'])
        if part.stat().st_size < upload['size']:
            raise FileNotFoundError(errno.ENOENT, 'The end of an upload is lost', str(part))
        os.truncate(part, upload['size'])
        sync(part)
        with suppress(PermissionError):  # some file systems know no permissions
            part.chmod(self.assetstore.get('perms', DEFAULT_PERMS))
        part.replace(target)

    def _require_room(self, upload, wanted):
        free = self.capacityInfo()['free']
        if free is not None and wanted > free:
            logger.error('"%s" is refused: it needs %d bytes in %s, where %d are left beside the reserve.',
                         upload['name'], wanted, self.assetstore['root'], free)
            raise _full(upload)

    @contextmanager
    def _explained(self, upload, lost=OutOfStep) -> Iterator[None]:
        """Turn what the system refuses into an answer.

        :param lost: what is raised where there are no bytes of the upload.
        """
        try:
            yield
        except FileNotFoundError:
            logger.exception('The bytes of the upload %s are lost.', upload.get('_id'))
            raise lost(f'The server has lost what it had of "{upload["name"]}". Begin the upload anew.') from None
        except OSError as error:
            logger.exception('The assetstore "%s" does not take "%s".', self.assetstore['name'], upload['name'])
            if error.errno in _NO_ROOM:
                raise _full(upload) from error
            raise Unavailable(f'The disk of this server fails, so that "{upload["name"]}" is not stored. Try again '
                              'later; its administrator finds the reason in the log.', _RETRY_AFTER) from error


def remove_unused(path: Path, sha512: str, store_id, *, but=None) -> None:
    """Delete the bytes at ``path``, which have this checksum, if neither a file nor an upload has the same.

    :param but: the id of a file that may have them.
    """
    wanted = {'sha512': sha512, 'assetstoreId': store_id}
    # An upload tells what it wants, and asks for this lock then, before it trusts that bytes are there.
    with filelock.FileLock(f'{path}.deleteLock'):
        # An upload is forgotten after its file is stored: asked in the other order, both could be missed. It is marked,
        # since its file may be the one that is deleted here: then it removes the bytes when it is forgotten.
        if (Upload().collection.update_many(wanted, {'$set': {LEFT: True}}).matched_count
                or File().findOne({**wanted, '_id': {'$ne': but}}, fields=['_id'])):
            return
        try:
            path.unlink(missing_ok=True)
        except OSError:
            logger.exception('Nobody wants %s any more, but it cannot be deleted.', path)


def _full(upload):
    return Full(f'There is no room for "{upload["name"]}" with its {upload["size"]} bytes: the disk of this server is '
                'full. Ask its administrator to make room, then upload it again.')


def _stream(chunk):
    if isinstance(chunk, str):
        chunk = chunk.encode()
    return io.BytesIO(chunk) if isinstance(chunk, bytes) else chunk


def _write(upload, source, checksum) -> int:
    """Write what ``source`` has after the bytes that have arrived before; how many there were, written or too many."""
    size, left = 0, upload['size'] - upload['received']
    with Path(upload['tempFile']).open('r+b', buffering=0) as part:
        if part.seek(0, os.SEEK_END) < upload['received']:
            raise FileNotFoundError(errno.ENOENT, 'The end of an upload is lost', upload['tempFile'])
        part.seek(upload['received'])
        while size <= left and (piece := source.read(_PIECE)):
            size += len(piece)
            if size <= left:
                _write_all(part, piece)
                checksum.update(piece)
    return size


def _write_all(part, piece):
    """Write ``piece``; a disk that gets full may take the beginning of it."""
    left = memoryview(piece)
    while left:
        left = left[part.write(left):]


def _is_in_place(target: Path, upload) -> bool:
    """Whether an earlier attempt has put all bytes of ``upload`` in their place."""
    return (upload['received'] == upload['size'] and not Path(upload['tempFile']).exists()
            and target.is_file() and target.stat().st_size == upload['size'])


def _make_folders(target: Path) -> list[Path]:
    """Make the two folders that ``target`` lies in, but never the assetstore's own; gives those with a new entry."""
    changed = []
    for folder in (target.parent.parent, target.parent):
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        changed.append(folder.parent)
    return changed


def register() -> None:
    """Have Girder keep its files so from now on."""
    assetstore_utilities.setAssetstoreAdapter(AssetstoreType.FILESYSTEM, Disk)
