"""Chunks of an upload, which one request at a time appends."""
from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

from bson.objectid import ObjectId
from girder.exceptions import GirderException
from girder.models.file import File
from girder.models.upload import Upload

from slicer_package_manager.registry.schema.errors import Conflict, NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import builds


@contextmanager
def exclusively(upload: Document) -> Iterator[None]:
    """Append the next bytes to ``upload`` in the block, while no other request does.

    :raises Conflict: another request does, or has done so since ``upload`` was read, or another run has begun it.
    """
    if '_id' not in upload:  # no other request knows it
        yield
        return
    builds.require_same(upload)
    with _locked(upload) as arrived:
        if arrived != upload['received'] and _has_moved(upload):
            _refuse_again(upload)
        try:
            yield
        except GirderException as error:
            # A store without local files has no lock: Girder detects this after the bytes were sent, and fails.
            if 'simultaneously modified' in str(error):
                _refuse_again(upload)
            raise


def _has_moved(upload: Document) -> bool:
    stored = Upload().findOne({'_id': upload['_id']}, fields=['received'])
    return stored is None or stored['received'] != upload['received']


def _refuse_again(upload: Document) -> NoReturn:
    raise Conflict(f'Another request has already sent these bytes of "{upload["name"]}".')


@contextmanager
def _locked(upload: Document) -> Iterator[int | None]:
    """Lock the local file with what has arrived of ``upload``, if there is one, against requests to all processes.

    Two requests that write at once could store bytes under a wrong checksum. The system releases the lock when the
    process ends. Yields the size of the file: any request that wrote since ``upload`` was read has changed it.

    :raises Conflict: another request has the lock.
    """
    size = None
    with ExitStack() as stack:
        with suppress(OSError):  # the store reports such failures when it writes to the file
            part = stack.enter_context(Path(upload.get('tempFile', '')).open('r+b'))
            _lock(part, upload)
            size = os.fstat(part.fileno()).st_size
        yield size


def _lock(part: BinaryIO, upload: Document) -> None:
    try:
        fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Conflict(f'Another request is sending bytes of "{upload["name"]}". Ask for the offset when it has '
                       'ended, or begin a new upload.') from None


def refusal(upload_id: ObjectId) -> Conflict | NotFound:
    """Return the error for an upload that is not there: it is complete, or its client has to begin a new one."""
    if File().findOne({'_id': upload_id}, fields=['_id']):
        return Conflict('This upload is already complete.')
    return NotFound(f'There is no upload {upload_id}: it is complete, it was cancelled, or its package was deleted. '
                    'Begin a new upload.')
