"""Sums of download counts over days and releases, in the shape of the response of ``downloadstats``.

The sums of a revision are ``{'applications': {os: {arch: n}}, 'extensions': {baseName: {os: {arch: n}}}}``.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import orjson

from slicer_package_manager.registry.downloads.counts import Download
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE_TYPES
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document

#: Nested dictionaries whose innermost values are numbers.
Sums: TypeAlias = dict[str, Any]

_PACKAGE = ('kind', 'revision', 'baseName', 'os', 'arch')
#: The stage of an aggregation that adds up the counts of each package.
BY_PACKAGE: Document = {'$group': {'_id': {key: f'${key}' for key in _PACKAGE}, 'count': {'$sum': '$count'}}}


def of(match: Document) -> dict[str, Sums]:
    """The sums of the counts that ``match`` selects, by revision. The database adds them up."""
    found: dict[str, Sums] = {}
    for row in Download().collection.aggregate([{'$match': match}, BY_PACKAGE], allowDiskUse=True, batchSize=BATCH):
        add(found.setdefault(row['_id']['revision'], {}), row)
    return found


def add(sums: Sums, row: Document) -> None:
    """Add ``row``, a result of :data:`BY_PACKAGE`, to the sums of its revision."""
    package = row['_id']
    package_type = PACKAGE_TYPES[package['kind']]
    names = (package['baseName'],) if package_type is EXTENSION else ()
    for key in (package_type.plural, *names, package['os']):
        sums = sums.setdefault(key, {})
    sums[package['arch']] = sums.get(package['arch'], 0) + row['count']


def merge(sums: Sums, more: Sums) -> None:
    """Add ``more`` to ``sums``."""
    for key, value in more.items():
        if isinstance(value, dict):
            merge(sums.setdefault(key, {}), value)
        else:
            sums[key] = sums.get(key, 0) + value


def as_json(sums: Sums) -> bytes:
    """``sums`` as JSON. Equal sums have equal texts."""
    return orjson.dumps(sums, option=orjson.OPT_SORT_KEYS)


def joined(texts: Iterable[tuple[str, bytes]]) -> bytes:
    """One JSON object of revisions and the texts of their sums, without those that have no sums."""
    return b'{' + b','.join(orjson.dumps(revision) + b':' + text for revision, text in sorted(texts)
                            if text != b'{}') + b'}'
