"""Sums of download counts over days and releases, in the shape of the response of ``downloadstats``.

The sums of a revision are ``{'applications': {os: {arch: n}}, 'extensions': {baseName: {os: {arch: n}}}}``.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import orjson

from slicer_package_manager.registry.downloads.counts import SUMS, Download
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE_TYPES
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import raw_documents, transactions

#: Nested dictionaries whose innermost values are numbers.
Sums: TypeAlias = dict[str, Any]

_PACKAGE = ('kind', 'revision', 'baseName', 'os', 'arch')
_BY_PACKAGE = {key: f'${key}' for key in _PACKAGE}


def read(of: Document, counts: Document, number: Any) -> list[Document]:
    """Read the stored sums, and counts that the database adds up, all as of one moment, for :func:`by_revision`.

    :param of: condition for both.
    :param counts: condition for the counts.
    :param number: expression of MongoDB for the number that a count contributes.
    """
    return list(transactions.at_one_moment(Download()).aggregate([
        {'$match': _either(of, counts)},
        {'$group': {'_id': _BY_PACKAGE, 'count': {'$sum': number}, 'texts': {'$push': '$counts'}}}],
        allowDiskUse=True, batchSize=BATCH))


def read_each(of: Document, counts: Document) -> frozenset[bytes]:
    """Read what :func:`read` reads, as documents (BSON) of the stored sums and of each count."""
    batches: Any = transactions.at_one_moment(Download()).find_raw_batches(  # pymongo's type is that of another cursor
        _either(of, counts), dict.fromkeys((*_PACKAGE, 'count', 'summed', 'counts'), 1), batch_size=BATCH)
    return frozenset(raw_documents.split(batches))


def _either(of: Document, counts: Document) -> Document:
    return {'$or': [{**of, 'kind': SUMS}, {**of, **counts}]}  # each has an index


def by_revision(rows: Iterable[Document]) -> tuple[dict[str, bytes], dict[str, Sums]]:
    """The JSON texts of the stored sums, and the sums of the counts, that :func:`read` returned."""
    texts: dict[str, bytes] = {}
    found: dict[str, Sums] = {}
    for row in rows:
        package = row['_id']
        if package['kind'] == SUMS:
            texts[package['revision']] = _merged(row['texts'])
        else:
            add(found.setdefault(package['revision'], {}), package, row['count'])
    return texts, found


def _merged(texts: list[str]) -> bytes:
    if len(texts) == 1:
        return texts[0].encode()
    found: Sums = {}
    for text in texts:
        merge(found, orjson.loads(text))
    return as_json(found)


def add(sums: Sums, package: Mapping[str, Any], number: int) -> None:
    """Add ``number`` downloads of ``package``, which has the keys of a count, to the sums of its revision."""
    package_type = PACKAGE_TYPES[package['kind']]
    names = (package['baseName'],) if package_type is EXTENSION else ()
    for key in (package_type.plural, *names, package['os']):
        sums = sums.setdefault(key, {})
    sums[package['arch']] = sums.get(package['arch'], 0) + number


def merge(sums: Sums, more: Sums, times: int = 1) -> None:
    """Add ``times`` ``more`` to ``sums``."""
    for key, value in more.items():
        if isinstance(value, dict):
            merge(sums.setdefault(key, {}), value, times)
        else:
            sums[key] = sums.get(key, 0) + times * value


def total(sums: Any) -> int:
    """The sum of all numbers in nested dictionaries."""
    return sum(map(total, sums.values())) if isinstance(sums, dict) else int(sums)


def without_zeros(sums: Sums) -> Sums:
    """``sums`` without packages that have none."""
    found = {key: without_zeros(value) if isinstance(value, dict) else value for key, value in sums.items()}
    return {key: value for key, value in found.items() if value}


def as_json(sums: Sums) -> bytes:
    """``sums`` as JSON. Equal sums have equal texts."""
    return orjson.dumps(sums, option=orjson.OPT_SORT_KEYS)


def joined(texts: Iterable[tuple[str, bytes]]) -> bytes:
    """One JSON object of revisions and the texts of their sums, without those that have no sums."""
    return b'{' + b','.join(orjson.dumps(revision) + b':' + text for revision, text in sorted(texts)
                            if text != b'{}') + b'}'
