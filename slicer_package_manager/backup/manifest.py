"""The manifest of a backup: a JSON file that is written last, with the checksums of all other files."""
from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

from slicer_package_manager.backup import store_types, validation
from slicer_package_manager.backup.dump_files import FileEntry
from slicer_package_manager.backup.errors import BackupError, DamagedError
from slicer_package_manager.durability import sync

NAME = 'manifest.json'
#: Raised when older programs could not restore a backup correctly: those of the second format have files of buckets.
FORMAT, WITH_BUCKETS = 1, 2
#: How the documents were read. Earlier versions could also read them in order, and again what did not fit.
ONE_MOMENT = 'read as of one moment'
_KEYS = ('format', 'created', 'version', 'collections', 'contents', 'assetstores', 'left_out', 'notes', 'sha256')


class StoreEntry(TypedDict):
    """An assetstore; ``root`` is its directory or the URL of its bucket if the backup has its files, else ``None``."""

    id: str
    name: str | None
    type: int
    root: str | None
    bucket: str | None
    prefix: str | None
    current: bool | None


class Manifest(TypedDict):
    """The content of a manifest, without its format and its checksum.

    ``consistency`` is :data:`ONE_MOMENT`; ``collections`` has the documents; ``contents`` is the list of files;
    ``left_out`` names files whose bytes are lost, and ``notes`` has other remarks on the backup.
    """

    created: str
    version: str
    mongodb: str
    consistency: str
    collections: dict[str, FileEntry]
    contents: FileEntry
    assetstores: list[StoreEntry]
    left_out: list[str]
    notes: list[str]


def write(directory: Path, manifest: Manifest) -> None:
    """Write ``manifest`` to ``directory``, and sync it to the disk."""
    whole = {'format': WITH_BUCKETS if buckets(manifest) else FORMAT, **manifest}
    whole['sha256'] = _checksum(whole)
    with (directory / NAME).open('w', encoding='utf-8') as file:
        json.dump(whole, file, indent=2, ensure_ascii=False)
    sync(directory / NAME)


def read(directory: Path) -> Manifest:
    """Read and validate the manifest in ``directory``.

    :raises DamagedError: the manifest differs from what was written, or is not valid.
    :raises BackupError: a newer version of this program wrote it.
    """
    path = directory / NAME
    found = _parsed(directory, path)
    if found['format'] not in (FORMAT, WITH_BUCKETS):
        raise BackupError(f'{path} has the format {found["format"]}, and this version knows {WITH_BUCKETS}. Restore it '
                          f'with the version that made it: {found.get("version")}.')
    if found['sha256'] != _checksum(found) or any(key not in found for key in _KEYS):
        raise DamagedError([f'{path}: its text has changed'])
    problem = validation.manifest_problem(found)
    if problem:
        raise DamagedError([f'{path}: {problem}'])
    return cast('Manifest', found)  # it is valid


def _parsed(directory: Path, path: Path) -> dict[str, Any]:
    """The JSON of the manifest, which has at least a format and a checksum."""
    try:
        validation.require_no_links(directory.parent, path)
        if path.stat().st_size > validation.MAX_MANIFEST:
            raise ValueError('it is too large')  # noqa: TRY301 - as what cannot be read
        text = path.read_text(encoding='utf-8')
        if sum(text.count(sign) for sign in '[{,') > validation.MAX_VALUES:
            raise ValueError('it has too many values')  # noqa: TRY301
        found: dict[str, Any] = json.loads(text)
        found['format'], found['sha256']
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedError([f'{path}: cannot be read: {error}']) from error
    return found


def buckets(manifest: Manifest) -> set[str]:
    """The ids of the assetstores in S3 whose files are in the backup."""
    return {store['id'] for store in manifest['assetstores'] if store_types.is_bucket(store) and store['root']}


def _checksum(manifest: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in manifest.items() if key != 'sha256'}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
