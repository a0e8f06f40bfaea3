"""Validation of names, numbers and paths in a backup before they are used.

A backup may come from anywhere. Its checksums prove that it is unchanged, not who wrote it.
"""
from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

from slicer_package_manager.backup import store_types
from slicer_package_manager.backup.errors import BackupError
from slicer_package_manager.registry.server import scratch

#: The largest number of values in a manifest, each of which takes much more memory than it has bytes.
MAX_VALUES = 300_000
#: The largest manifest, line of the contents, and document (MongoDB's own limit and what its server adds), in bytes.
MAX_MANIFEST, MAX_LINE, MAX_DOCUMENT = 8 * 2**20, 16 * 1024, 16 * 2**20 + 16 * 1024
#: The largest size in bytes that BSON can represent.
_MAX_SIZE = 2**63 - 1
_ID = re.compile('[0-9a-f]{24}')
_OBJECT = re.compile('[0-9a-f]{128}')
_SHA256 = re.compile('[0-9a-f]{64}')
#: Collections that no backup has: incomplete uploads, whose documents name files that a server writes to, and the lock
#: of the bootstrap.
EXCLUDED_COLLECTIONS = ('upload', scratch.COLLECTION)
#: Names of collections of Girder and its plugins; they become names of files.
_COLLECTION = re.compile('[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}')


def reading_problem(path: Path, error: BackupError | OSError) -> str:
    """What is wrong with the file at ``path`` of a backup, which cannot be read because of ``error``."""
    if isinstance(error, BackupError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return f'{path}: is missing'
    return f'{path}: cannot be read: {error.strerror}'


def manifest_problem(manifest: dict[str, Any]) -> str | None:
    """What is wrong with ``manifest``, as read from JSON; ``None`` if it is valid."""
    checks = (('collections', _are_collections), ('contents', _is_file_entry), ('assetstores', _are_stores),
              ('left_out', _are_texts), ('notes', _are_texts))
    return next((f'"{key}" is not what a backup has' for key, is_valid in checks if not is_valid(manifest.get(key))),
                None)


def _are_collections(value: object) -> bool:
    return isinstance(value, dict) and all(
        _COLLECTION.fullmatch(name) and not name.startswith('system.') and name not in EXCLUDED_COLLECTIONS
        and _is_file_entry(entry) for name, entry in value.items())


def _is_file_entry(value: object) -> bool:
    return (isinstance(value, dict) and is_size(value.get('entries')) and is_size(value.get('size'))
            and _matches(_SHA256, value.get('sha256')))


def _are_stores(value: object) -> bool:
    if not isinstance(value, list) or not all(isinstance(store, dict) for store in value):
        return False
    ids = [store.get('id') for store in value]
    return len(set(map(str, ids))) == len(ids) and all(_is_store(store) for store in value)


def _is_store(store: dict[str, object]) -> bool:
    texts = ('name', 'root', 'bucket', 'prefix')
    return (_matches(_ID, store.get('id')) and type(store.get('type')) is int and store['type'] in store_types.SUPPORTED
            and isinstance(store.get('current'), bool | None)
            and all(isinstance(store.get(key), str | None) for key in texts))


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def is_size(value: object) -> bool:
    """Whether ``value`` can be a number of bytes or entries."""
    return type(value) is int and 0 <= value <= _MAX_SIZE


def require_entry(row: Any, stores: set[str], buckets: set[str]) -> None:
    """Refuse a line of the contents unless it names an object and a path in one of the ``stores``.

    :param row: object, size, assetstore and path, as parsed from JSON.
    :param stores: ids of the assetstores whose files are in the backup.
    :param buckets: those of them in S3, where any key is allowed as a path.
    :raises BackupError: the line is not valid.
    """
    problem = None
    if not (isinstance(row, list) and len(row) == 4 and _matches(_OBJECT, row[0]) and is_size(row[1])):  # noqa: PLR2004
        problem = 'does not have an object, a size, an assetstore and a path'
    elif not isinstance(row[2], str) or row[2] not in stores:
        problem = 'names an assetstore that the manifest does not have'
    elif not isinstance(row[3], str) or '\0' in row[3] or not (row[2] in buckets or _is_within(row[3])):
        problem = 'names a path outside of the assetstore'
    if problem:
        raise BackupError(f'An entry of the backup {problem}: {str(row)[:200]}')


def _is_within(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and path == '/'.join(parts) and parts[0] != '/' and '..' not in parts and '\\' not in path


def require_within(root: Path, path: str) -> None:
    """Refuse the relative ``path`` of a file if it leads out of the assetstore at ``root``.

    :raises BackupError: it does, or a symbolic link is on the way.
    """
    if not _is_within(path) or '\0' in path:
        raise BackupError(f'{path!r} would lie outside of the assetstore {root}.')
    require_no_links(root, root / path)


def require_no_links(root: Path, path: Path) -> None:
    """Refuse ``path`` if it, or a directory between ``root`` and it, is a symbolic link.

    :raises BackupError: there is such a link, or ``path`` is not below ``root``.
    """
    if not path.is_relative_to(root):
        raise BackupError(f'{path} is not below {root}.')
    step = root
    for part in path.relative_to(root).parts:
        step /= part
        if step.is_symlink():
            raise BackupError(f'{step} is a symbolic link, which is not followed. Replace it with what it points to.')

