"""What MIDAS stated about a package, kept in one key of its item, ``spm.midas``, which no response of Girder shows.

The import of MIDAS data stores them with the item; see :mod:`migration.midas.documents`.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slicer_package_manager.registry.tree.types import MidasFacts

#: Facts about the file, which are true only as long as the item has this file.
_OF_FILE = ('md5', 'sha512')


def of(item: Mapping[str, Any], file: Mapping[str, Any]) -> MidasFacts:
    """Return the facts of ``item``; without those about its file if ``file``, which it has now, is another one."""
    found: dict[str, Any] = dict(item.get('spm', {}).get('midas') or {})
    if found.get('sha512') != file.get('sha512'):
        for key in _OF_FILE:
            found.pop(key, None)
    facts: MidasFacts = found  # type: ignore[assignment] # without some of the keys
    return facts
