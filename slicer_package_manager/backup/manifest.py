"""What a backup says of itself: a JSON file that is written last."""
from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from girder.constants import AssetstoreType

from slicer_package_manager.backup import validation
from slicer_package_manager.backup.errors import BackupError, DamagedError

NAME = 'manifest.json'
#: Raised when an older program could not restore a backup any more: files of buckets are in the second.
FORMAT, WITH_BUCKETS = 1, 2
_KEYS = ('format', 'created', 'version', 'collections', 'contents', 'assetstores', 'left_out', 'notes', 'sha256')


def write(directory: Path, facts: dict[str, Any]) -> None:
    """Write ``facts`` as the manifest in ``directory``, and have it on the disk before this returns."""
    whole = {'format': WITH_BUCKETS if buckets(facts) else FORMAT, **facts}
    whole['sha256'] = _checksum(whole)
    with (directory / NAME).open('w', encoding='utf-8') as file:
        json.dump(whole, file, indent=2, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())


def read(directory: Path) -> dict[str, Any]:
    """The manifest in ``directory``.

    :raises DamagedError: it is not what was written.
    :raises BackupError: a newer version wrote it.
    """
    path = directory / NAME
    try:
        validation.require_no_links(directory.parent, path)
        if path.stat().st_size > validation.MANIFEST:
            raise ValueError('it is too large')  # noqa: TRY301 - as what cannot be read
        text = path.read_text(encoding='utf-8')
        if validation.has_too_many_values(text):
            raise ValueError('it has too many values')  # noqa: TRY301
        found = json.loads(text)
        form, checksum = found['format'], found['sha256']
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedError([f'{path}: cannot be read: {error}']) from error
    if form not in (FORMAT, WITH_BUCKETS):
        raise BackupError(f'{path} has the format {form}, and this version knows {WITH_BUCKETS}. Restore it with the '
                          f'version that made it: {found.get("version")}.')
    if checksum != _checksum(found) or any(key not in found for key in _KEYS):
        raise DamagedError([f'{path}: its text has changed'])
    problem = validation.manifest_problem(found)
    if problem:
        raise DamagedError([f'{path}: {problem}'])
    return found


def buckets(facts: dict[str, Any]) -> set[str]:
    """The ids of the assetstores in object storage whose files are in the backup with the manifest ``facts``."""
    return {store['id'] for store in facts['assetstores'] if store['type'] == AssetstoreType.S3 and store['root']}


def _checksum(manifest: dict[str, Any]) -> str:
    rest = {key: value for key, value in manifest.items() if key != 'sha256'}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
