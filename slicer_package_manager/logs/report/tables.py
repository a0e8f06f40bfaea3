"""The tables of a report, from queries of the daily files."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slicer_package_manager.logs.report.daily_files import DailyFiles
from slicer_package_manager.logs.rules import labels
from slicer_package_manager.logs.rules.vocabulary import ROBOT

_KINDS = {'packages': 'Packages', 'extensions': 'Extensions', 'total': 'Total'}
_BY_KIND = """CAST(coalesce(sum(requests) FILTER (kind = 'package'), 0) AS BIGINT) AS packages,
    CAST(coalesce(sum(requests) FILTER (kind = 'extension'), 0) AS BIGINT) AS extensions,
    CAST(coalesce(sum(requests), 0) AS BIGINT) AS total"""
_NO_ROBOT = f"client <> '{ROBOT}'"
_BY_DAY = f"""
SELECT day, coalesce(packages, 0), coalesce(extensions, 0), coalesce(total, 0), coalesce(robots, 0),
    coalesce(incomplete, 0)
FROM days LEFT JOIN (SELECT day, {_BY_KIND} FROM downloads GROUP BY day) USING (day)
LEFT JOIN (SELECT day, CAST(coalesce(sum(requests) FILTER (NOT {_NO_ROBOT}), 0) AS BIGINT) AS robots,
    CAST(sum(incomplete) AS BIGINT) AS incomplete FROM everything GROUP BY day) USING (day) ORDER BY day"""
_BY_VERSION = """
SELECT coalesce(nullif(split_part(version, '-', 1), ''), 'unknown') AS number, app,
    CAST(coalesce(sum(requests) FILTER (release), 0) AS BIGINT),
    CAST(coalesce(sum(requests) FILTER (NOT release), 0) AS BIGINT), CAST(sum(requests) AS BIGINT) AS total
FROM downloads WHERE kind = 'package' GROUP BY app, number ORDER BY total DESC, number, app"""
_RELEASES = """
SELECT day, {} FROM days LEFT JOIN downloads USING (day) GROUP BY day ORDER BY day""".format(', '.join(
    f"CAST(coalesce(sum(requests) FILTER ({condition}), 0) AS BIGINT)" for condition in (
        'release', 'NOT release', "release AND kind = 'package'", "NOT release AND kind = 'package'",
        "release AND kind = 'extension'", "NOT release AND kind = 'extension'")))
_NEW = f"""
WITH firsts AS (SELECT item, min(day) AS first FROM history WHERE {_NO_ROBOT} AND requests > 0 GROUP BY item)
SELECT day, CAST(coalesce(sum(requests) FILTER (day = first), 0) AS BIGINT),
    CAST(coalesce(sum(requests) FILTER (day > first), 0) AS BIGINT),
    count(DISTINCT item) FILTER (day = first), count(DISTINCT item) FILTER (day > first)
FROM days LEFT JOIN downloads USING (day) LEFT JOIN firsts USING (item) GROUP BY day ORDER BY day"""
_SUMMARY = f"""
SELECT {_BY_KIND}, count(DISTINCT country) FILTER (len(country) = 2),
    count(DISTINCT (app, baseName)) FILTER (kind = 'extension')
FROM downloads"""


@dataclass(frozen=True)
class Table:
    """Rows with the same ``columns``: their names in files, and their titles for people."""

    columns: Mapping[str, str]
    rows: list[tuple[Any, ...]]

    def column(self, name: str) -> list[Any]:
        """Return the values of a column."""
        number = list(self.columns).index(name)
        return [row[number] for row in self.rows]


def by_day(files: DailyFiles) -> Table:
    """Downloads on each day."""
    return Table({'day': 'Day', **_KINDS, 'robots': 'Robots', 'incomplete': 'Incomplete'}, files.rows(_BY_DAY))


def by_version(files: DailyFiles) -> Table:
    """Downloads of packages by the version of the application, without what follows its numbers."""
    return Table({'version': 'Version', 'app': 'Application', 'releases': 'Releases', 'previews': 'Previews',
                  'total': 'Total'}, files.rows(_BY_VERSION))


def by_system(files: DailyFiles) -> Table:
    """Downloads by the operating system that they are made for."""
    return _by(files, 'os', 'System')


def by_architecture(files: DailyFiles) -> Table:
    """Downloads by the architecture that they are made for."""
    return _by(files, 'arch', 'Architecture')


def by_client(files: DailyFiles) -> Table:
    """Downloads by the class of the client, with robots."""
    return _by(files, 'client', 'Client', 'everything')


def by_country(files: DailyFiles) -> Table:
    """Downloads by country."""
    found = _by(files, 'country', 'Code')
    return Table({'country': 'Code', 'name': 'Country', **_KINDS},
                 [(code, labels.country(code), *rest) for code, *rest in found.rows])


def _by(files: DailyFiles, column: str, title: str, view: str = 'downloads') -> Table:
    return Table({column: title, **_KINDS}, files.rows(
        f"SELECT coalesce({column}, 'unknown') AS value, {_BY_KIND} FROM {view} WHERE requests > 0 GROUP BY value "
        'ORDER BY total DESC, value'))


def releases_and_previews(files: DailyFiles) -> Table:
    """Downloads of releases and of previews on each day."""
    return Table({'day': 'Day', 'releases': 'Releases', 'previews': 'Previews',
                  'release_packages': 'Packages of releases', 'preview_packages': 'Packages of previews',
                  'release_extensions': 'Extensions of releases', 'preview_extensions': 'Extensions of previews'},
                 files.rows(_RELEASES))


def new_and_returning(files: DailyFiles) -> Table:
    """Downloads on each day of packages and extensions that have their first download on that day, and of others."""
    return Table({'day': 'Day', 'new': 'Downloads of new', 'returning': 'Downloads of returning',
                  'new_items': 'New packages and extensions', 'returning_items': 'Returning packages and extensions'},
                 files.rows(_NEW))


def summary(files: DailyFiles) -> dict[str, int]:
    """Return the totals of the period, by their titles."""
    (packages, extensions, total, places, names), = files.rows(_SUMMARY)
    days = by_day(files)
    return {'Downloads': total, 'Packages': packages, 'Extensions': extensions, 'Different extensions': names,
            'Countries': places, 'Robots (not included)': sum(days.column('robots')),
            'Incomplete (not included)': sum(days.column('incomplete'))}
