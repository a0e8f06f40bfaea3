"""The extensions with the most downloads, and how their ranks move.

An extension is one name in an application, whatever its revision and system are. Extensions with equal downloads are
ranked in the order of their names.
"""
from __future__ import annotations

from datetime import date
from typing import NamedTuple

from slicer_package_manager.logs.report.daily_files import DailyFiles, Span
from slicer_package_manager.logs.report.tables import Table
from slicer_package_manager.logs.rules import scales
from slicer_package_manager.logs.rules.vocabulary import ROBOT

#: Number of extensions in the report.
MOST = 10
_RANKS = f"""
SELECT baseName, app, sum(requests) AS number, row_number() OVER (ORDER BY number DESC, baseName, app) AS place
FROM history WHERE kind = 'extension' AND client <> '{ROBOT}' AND requests > 0 AND day BETWEEN $first AND $last
GROUP BY baseName, app ORDER BY place"""
_STEPS = """
SELECT baseName, app, CAST(date_trunc($step, day) AS DATE) AS step,
    row_number() OVER (PARTITION BY step ORDER BY sum(requests) DESC, baseName, app)
FROM downloads WHERE kind = 'extension' GROUP BY baseName, app, step"""
_FORMATS = {'day': '%Y-%m-%d', 'week': '%Y-%m-%d', 'month': '%Y-%m', 'year': '%Y'}
_FIXED = {'extension': 'Extension', 'app': 'Application', 'rank': 'Rank', 'downloads': 'Downloads',
          'downloads_before': 'Downloads before', 'rank_before': 'Rank before'}


class _Standing(NamedTuple):
    downloads: int
    rank: int


def top_extensions(files: DailyFiles) -> Table:
    """Downloads and ranks of the top extensions, those in the period before, and the rank in each step of the period.

    What is unknown, or not there, is ``None``.
    """
    now, before = _standings(files, files.period), _standings(files, files.period.before)
    step = scales.step(files.period.length)
    ranks = {(name, app, day): rank for name, app, day, rank in files.rows(_STEPS, step=step)}
    days = sorted({day for *_, day in ranks})
    rows = [(*key, one.rank, one.downloads, *(before.get(key) or (None, None)),
             *(ranks.get((*key, day)) for day in days))
            for key, one in list(now.items())[:MOST]]
    return Table({**_FIXED, **{_named(day, step): _named(day, step) for day in days}}, rows)


def steps(table: Table) -> list[str]:
    """Return the columns of ``table`` that have the ranks in the steps of the period."""
    return list(table.columns)[len(_FIXED):]


def _standings(files: DailyFiles, span: Span) -> dict[tuple[str, str], _Standing]:
    return {(name, app): _Standing(int(number), rank)
            for name, app, number, rank in files.rows(_RANKS, first=span.first, last=span.last)}


def _named(day: date, step: str) -> str:
    return day.strftime(_FORMATS[step])
