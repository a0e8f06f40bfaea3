"""What a backup may say: it may come from anywhere, so each name, number and path in it is checked before it is used.

The checksums of a backup show that it is as it was written, not who wrote it.
"""
from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

from girder.constants import AssetstoreType

from slicer_package_manager.backup.errors import BackupError

#: Values in a manifest, each of which takes memory, at most.
_VALUES = 300_000
#: Bytes of a manifest, of a line of the contents, and of a document (MongoDB's own limit, with what its server adds).
MANIFEST, LINE, DOCUMENT = 8 * 2**20, 16 * 1024, 16 * 2**20 + 16 * 1024
#: More than this no file system and no number of BSON holds.
_LARGEST = 2**63 - 1
_ID = re.compile('[0-9a-f]{24}')
_OBJECT = re.compile('[0-9a-f]{128}')
_SHA256 = re.compile('[0-9a-f]{64}')
#: Collections that are in no backup: uploads that are not complete, whose documents name files that a server writes to,
#: and short locks.
LEFT_OUT = ('upload', 'slicer_package_manager_bootstrap')
#: Names of collections of Girder and its plugins, which become names of files.
_COLLECTION = re.compile('[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}')


def manifest_problem(facts: Any) -> str | None:
    """What is wrong with the manifest ``facts``; ``None`` if nothing is."""
    checks = (('collections', _collections), ('contents', _written), ('assetstores', _stores), ('left_out', _texts),
              ('notes', _texts))
    return next((f'"{key}" is not what a backup has' for key, fits in checks if not fits(facts.get(key))), None)


def has_too_many_values(text: str) -> bool:
    """Whether the JSON ``text`` would take much more memory than it has bytes."""
    return sum(text.count(sign) for sign in '[{,') > _VALUES


def _collections(value) -> bool:
    return isinstance(value, dict) and all(
        _COLLECTION.fullmatch(name) and not name.startswith('system.') and name not in LEFT_OUT and _written(told)
        for name, told in value.items())


def _written(value) -> bool:
    return (isinstance(value, dict) and is_size(value.get('entries')) and is_size(value.get('size'))
            and _fits(_SHA256, value.get('sha256')))


def _stores(value) -> bool:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        return False
    ids = [one.get('id') for one in value]
    return len(set(map(str, ids))) == len(ids) and all(_store(one) for one in value)


def _store(one) -> bool:
    texts = ('name', 'root', 'bucket', 'prefix')
    types = (AssetstoreType.FILESYSTEM, AssetstoreType.S3)
    return (_fits(_ID, one.get('id')) and type(one.get('type')) is int and one['type'] in types
            and isinstance(one.get('current'), bool | None)
            and all(isinstance(one.get(key), str | None) for key in texts))


def _texts(value) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _fits(pattern: re.Pattern[str], value) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def is_size(value) -> bool:
    """Whether ``value`` can be a number of bytes or entries."""
    return type(value) is int and 0 <= value <= _LARGEST


def require_entry(row: Any, stores: set[str], buckets: set[str]) -> None:
    """Refuse a line of the contents unless it speaks of an object and of a place within one of the ``stores``.

    :raises BackupError: it does not.
    """
    problem = None
    if not (isinstance(row, list) and len(row) == 4 and _fits(_OBJECT, row[0]) and is_size(row[1])):  # noqa: PLR2004
        problem = 'is no object with its size and place'
    elif not isinstance(row[2], str) or row[2] not in stores:
        problem = 'lies in an assetstore that the manifest does not name'
    elif not isinstance(row[3], str) or '\0' in row[3] or not (row[2] in buckets or _is_within(row[3])):
        problem = 'would lie outside of the assetstore'
    if problem:
        raise BackupError(f'An entry of the backup {problem}: {str(row)[:200]}')


def _is_within(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and path == '/'.join(parts) and parts[0] != '/' and '..' not in parts and '\\' not in path


def require_within(root: Path, path: str) -> None:
    """Refuse the place ``path`` of a file in the assetstore at ``root`` if it leads out of that.

    :raises BackupError: it does, be it by a symbolic link.
    """
    if not _is_within(path) or '\0' in path:
        raise BackupError(f'{path!r} would lie outside of the assetstore {root}.')
    require_no_links(root, root / path)


def require_no_links(root: Path, path: Path) -> None:
    """Refuse ``path`` if a symbolic link below ``root`` is on the way to it, or it is one itself.

    :raises BackupError: there is one, or ``path`` is not below ``root``.
    """
    if not path.is_relative_to(root):
        raise BackupError(f'{path} is not below {root}.')
    step = root
    for part in path.relative_to(root).parts:
        step /= part
        if step.is_symlink():
            raise BackupError(f'{step} is a symbolic link, which is not followed. Put what it leads to in its place.')

