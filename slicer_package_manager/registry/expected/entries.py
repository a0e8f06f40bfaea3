"""Entries of Slicer's extension index, https://github.com/Slicer/ExtensionsIndex: pure functions.

The index has one file for each extension, named after it: JSON, or lines of a key and a value (``.s4ext``) in the
branches of older versions of Slicer.
"""
from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TypedDict

from slicer_package_manager.registry.schema import urls, validators

#: The suffixes of files of the index; for an extension that has several files, the first of these counts.
SUFFIXES = ('.json', '.s4ext')
#: The tier of an extension whose entry states none, and the highest one.
_LOWEST, _HIGHEST = 1, 5


class Entry(TypedDict):
    """An extension that is expected to be built. All texts but ``name`` may be empty."""

    name: str
    category: str
    tier: int
    repository_url: str


def is_entry(file_name: str) -> bool:
    """Whether a file with this name may have an entry."""
    path = PurePosixPath(file_name)
    return path.suffix.lower() in SUFFIXES and not path.name.startswith('.')


def parse(file_name: str, content: bytes) -> Entry | None:
    """Return the entry in the file ``file_name``; ``None`` if it has none, such as a JSON file of another kind.

    :raises ValueError: the file cannot be read.
    """
    path = PurePosixPath(file_name)
    text = content.decode('utf-8-sig')
    values = _of_json(text) if path.suffix.lower() == '.json' else _of_lines(text)
    if not values.get('scm_url'):
        return None
    name = validators.name(path.stem)
    return Entry(name=name, category=validators.one_line(values.get('category', '')),
                 tier=_tier(values.get('tier', '')), repository_url=urls.without_credentials(values['scm_url']))


def _of_json(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError('is nested too deeply') from None
    if not isinstance(found, dict):
        return {}
    return {key: str(value) for key, value in found.items() if isinstance(value, str | int)}


def _of_lines(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        key, *rest = line.split(maxsplit=1) or ['#']
        if not key.startswith('#'):
            value = ''.join(rest).strip()
            found[{'scmurl': 'scm_url'}.get(key, key)] = '' if value == 'NA' else value
    return found


def _tier(text: str) -> int:
    if not text.strip():
        return _LOWEST
    tier = int(text) if text.strip().isdecimal() else 0
    if not _LOWEST <= tier <= _HIGHEST:
        raise ValueError(f'has the tier "{validators.shortened(text)}", no number from {_LOWEST} to {_HIGHEST}')
    return tier
