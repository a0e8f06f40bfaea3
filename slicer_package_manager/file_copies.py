"""Copies of files, with their SHA-512, that are on the disk as a whole or not at all."""
from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from slicer_package_manager.progress import Advance

_PIECE = 1024 * 1024


def pour(source: BinaryIO, target: BinaryIO | None = None, advance: Advance = lambda _: None) -> str:
    """Copy ``source`` to ``target``, if there is one, and return its SHA-512."""
    digest = hashlib.sha512()
    while piece := source.read(_PIECE):
        digest.update(piece)
        if target:
            target.write(piece)
        advance(len(piece))
    return digest.hexdigest()


def place(source: BinaryIO, target: Path, by_digest: bool, temporary: Path, advance: Advance = lambda _: None) -> str:
    """Copy ``source`` to ``target`` atomically, and return its SHA-512.

    :param by_digest: ``target`` is a directory that gets the file at ``ab/cd/<SHA-512>``.
    :param temporary: directory for incomplete copies, on the file system of ``target``.
    :raises OSError: the source cannot be read, or the target cannot be written.
    """
    temporary.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=temporary)
    try:
        with os.fdopen(handle, 'wb') as copy:
            digest = pour(source, copy, advance)
            copy.flush()
            os.fsync(copy.fileno())
        final = target / address(digest) if by_digest else target
        final.parent.mkdir(parents=True, exist_ok=True)
        Path(name).replace(final)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return digest


def address(digest: str) -> str:
    """The relative path of the file with the SHA-512 ``digest``; that of Girder's assetstores."""
    return f'{digest[:2]}/{digest[2:4]}/{digest}'
