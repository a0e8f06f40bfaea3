"""The bytes of an upload, which one request at a time adds to."""
from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from girder.exceptions import GirderException, RestException
from girder.models.file import File
from girder.models.upload import Upload

from slicer_package_manager.registry.schema.errors import Conflict, NotFound


@contextmanager
def exclusively(upload) -> Iterator[None]:
    """Take the next bytes of ``upload``, which no other request does meanwhile.

    :raises Conflict: another request does, or has done so since ``upload`` was read.
    """
    if '_id' not in upload:  # one that no request knows
        yield
        return
    with _locked(upload):
        if _has_moved(upload):
            _refuse_again(upload)
        try:
            yield
        except GirderException as error:
            # Object storage knows no locks: Girder finds out after it has taken the bytes, and calls that a failure.
            if 'simultaneously modified' in str(error):
                _refuse_again(upload)
            raise


def _has_moved(upload):
    stored = Upload().findOne({'_id': upload['_id']}, fields=['received'])
    return stored is None or stored['received'] != upload['received']


def _refuse_again(upload) -> NoReturn:
    raise Conflict(f'These bytes of "{upload["name"]}" come by another request too, which is ahead of this one.')


@contextmanager
def _locked(upload):
    """Have no other request write to what has arrived of ``upload`` on a disk, of whichever process it is.

    The system lets go of the lock when its process ends, however it does. Two that write at once could store bytes
    under the checksum of others.

    :raises Conflict: another request writes to it now.
    """
    with ExitStack() as stack:
        with suppress(OSError):  # what is missing, and what the system refuses, shows when it is written to
            part = stack.enter_context(Path(upload.get('tempFile', '')).open('r+b'))
            _lock(part, upload)
        yield


def _lock(part, upload):
    try:
        fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Conflict(f'Another request sends bytes of "{upload["name"]}" at the same time. Ask for the offset when '
                       'it has ended, or begin anew.') from None


def refusal(upload_id) -> RestException:
    """Why there is no upload with the id ``upload_id``: it is complete, or its client has to begin anew."""
    if File().findOne({'_id': upload_id}, fields=['_id']):
        return Conflict('This upload is complete already.')
    return NotFound(f'There is no upload {upload_id}: it is complete, or it was cancelled, or that which it went to '
                    'was deleted. Begin anew.')
