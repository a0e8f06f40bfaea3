"""Downloads by month, system and country, for pages and for the administration."""
from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from slicer_package_manager.logs.rules import labels
from slicer_package_manager.registry.downloads import logged, logged_statistics, sealing, statistics
from slicer_package_manager.registry.downloads.counts import Download
from slicer_package_manager.registry.downloads.logged import Days
from slicer_package_manager.registry.downloads.statistics import Question
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import settings
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument


class ByCountry(NamedTuple):
    """The downloads by country, as in an :class:`Overview`."""

    countries: list[Document]
    logs: Days | None
    notice: str


class Overview(NamedTuple):
    """The downloads that match a question.

    :param months: ``period`` and ``count``, the oldest month first. Months without downloads are left out.
    :param systems: ``os``, ``arch`` and ``count`` of what was downloaded, the most first.
    :param countries: ``country``, its ``name``, and ``count`` according to logs, without robots, the most first.
    :param logs: the days of these logs; ``None`` if none were loaded.
    :param notice: what has to be shown with countries; empty without them.
    """

    months: list[Document]
    systems: list[Document]
    countries: list[Document]
    logs: Days | None
    notice: str


def of(app: ApplicationFolder, user: UserDocument | None, question: Question) -> Overview:
    """The downloads of ``app`` that match ``question`` and that ``user`` may see.

    :raises Invalid: a date is not a day.
    """
    hidden, sealed = sealing.visible_counts(app, user)
    rows = _counts(statistics.condition(app, question, hidden, sealed))
    return Overview(
        [{'period': period, 'count': count} for (period,), count in sorted(_sums(rows, 'period').items())],
        [{'os': os, 'arch': arch, 'count': count} for (os, arch), count in _most_first(_sums(rows, 'os', 'arch'))],
        *by_country(app, user, question, hidden))


def by_country(app: ApplicationFolder, user: UserDocument | None, question: Question, hidden: Collection[str]
               ) -> ByCountry:
    """The downloads that match a question by country.

    :param hidden: the revisions whose counts ``user`` may not see.
    """
    version = logged.loaded()
    logs = logged.days_of(version)
    countries = logged_statistics.by_country(app, user, question, hidden, version) if logs else {}
    rows = [{'country': code, 'name': labels.country(code), 'count': count} for code, count in _most_first(countries)]
    return ByCountry(rows, logs, settings.get(settings.COUNTRIES_NOTICE) if countries else '')


def _counts(match: Document) -> list[Document]:
    """The server's own counts that match, by month and system."""
    group: Document = {'period': {'$substrCP': ['$day', 0, statistics.GRANULARITIES['month']]}, 'os': '$os',
                       'arch': '$arch'}
    found = Download().collection.aggregate(
        [{'$match': match}, {'$group': {'_id': group, 'count': {'$sum': '$count'}}}], batchSize=BATCH)
    return [{**row['_id'], 'count': row['count']} for row in found]


def _sums(rows: list[Document], *by: str) -> dict[Any, int]:
    sums: dict[Any, int] = {}
    for row in rows:
        key = tuple(row[name] for name in by)
        sums[key] = sums.get(key, 0) + row['count']
    return sums


def _most_first(sums: dict[Any, int]) -> list[tuple[Any, int]]:
    return sorted(sums.items(), key=lambda one: (-one[1], one[0]))
