"""All download counts of an application in one response, from its :mod:`rollup`."""
from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
from bson.objectid import ObjectId

from slicer_package_manager.registry.downloads import sums
from slicer_package_manager.registry.downloads.counts import UNSETTLED
from slicer_package_manager.registry.schema.types import Document

_REMAINDER: Document = {'$subtract': ['$count', {'$ifNull': ['$summed', 0]}]}


def as_json(app: Mapping[str, Any], hidden_revisions: Collection[str] = (), sealed: Sequence[ObjectId] = ()) -> bytes:
    """All counts of ``app`` but those of ``hidden_revisions``, by one command to the database.

    :param sealed: seals whose counts are included, see :mod:`sealing`.
    :returns: ``{revision: sums}`` as JSON, see :mod:`sums`. Equal counts have equal texts.
    """
    parts, remainders = sums.read({'app': {'$in': [app['_id'], *sealed]}}, UNSETTLED, _REMAINDER)
    for revision, found in remainders.items():
        sums.merge(found, orjson.loads(parts.get(revision, b'{}')))
        parts[revision] = sums.as_json(found)
    return sums.joined((revision, text) for revision, text in parts.items() if revision not in hidden_revisions)
