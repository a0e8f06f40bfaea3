"""Downloads by day, release, system and country, for the page of statistics."""
from __future__ import annotations

from typing import Any, NamedTuple

from slicer_package_manager.registry.downloads import overview, sealing, statistics
from slicer_package_manager.registry.downloads.counts import Download
from slicer_package_manager.registry.downloads.logged import Days
from slicer_package_manager.registry.downloads.statistics import Question
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument

#: The keys of counts by which they are added up, for each part.
_PARTS = {'days': ('day',), 'releases': ('release',), 'systems': ('os', 'arch')}


class Breakdown(NamedTuple):
    """The downloads that match a question, added up in several ways.

    Rows have the keys of counts by which they are added up, and ``count``.

    :param days: the first day first. Days without downloads are left out.
    :param releases: by ``release``, empty for drafts, the most first, as the other parts.
    :param countries: according to logs, without robots.
    :param logs: the days of these logs; ``None`` if none were loaded.
    :param notice: what has to be shown with countries; empty without them.
    """

    days: list[Document]
    releases: list[Document]
    systems: list[Document]
    countries: list[Document]
    logs: Days | None
    notice: str


def of(app: ApplicationFolder, user: UserDocument | None, question: Question) -> Breakdown:
    """The downloads of ``app`` that match ``question`` and that ``user`` may see; the counts are read once."""
    hidden, sealed = sealing.visible_counts(app, user)
    sums = _sums(statistics.condition(app, question, hidden, sealed))
    return Breakdown(sums['days'], sums['releases'], sums['systems'],
                     *overview.by_country(app, user, question, hidden))


def _sums(match: Document) -> dict[str, list[Document]]:
    (found,) = Download().collection.aggregate(
        [{'$match': match}, {'$facet': {part: _stages(keys) for part, keys in _PARTS.items()}}],
        allowDiskUse=True, batchSize=BATCH)
    return {part: [{**row['_id'], 'count': row['count']} for row in rows] for part, rows in found.items()}


def _stages(keys: tuple[str, ...]) -> list[Document]:
    order: dict[str, Any] = {} if keys == ('day',) else {'count': -1}
    return [{'$group': {'_id': {key: f'${key}' for key in keys}, 'count': {'$sum': '$count'}}},
            {'$sort': {**order, **{f'_id.{key}': 1 for key in keys}}}]
