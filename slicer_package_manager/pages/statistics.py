"""The page of statistics, for everyone: downloads by day, release, system, country and extension, also as CSV."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import cherrypy

from slicer_package_manager import csv_cells
from slicer_package_manager.pages import charts, days, html, page_cache, popular, shares
from slicer_package_manager.pages.about import About
from slicer_package_manager.pages.addresses import Place
from slicer_package_manager.pages.application import application, limited_name, shown_app
from slicer_package_manager.pages.html import Page
from slicer_package_manager.pages.links import Links
from slicer_package_manager.registry.downloads import breakdown
from slicer_package_manager.registry.downloads.breakdown import Breakdown
from slicer_package_manager.registry.downloads.statistics import Question
from slicer_package_manager.registry.news import popularity
from slicer_package_manager.registry.news.popularity import Popularity
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock
from slicer_package_manager.registry.tree.types import ApplicationFolder
from slicer_package_manager.rest.handlers import site
from slicer_package_manager.rest.http.semantics import content_disposition

#: The periods by the parameter ``days``, with their words; the one without a number of days is everything.
PERIODS = {'30': 'Last 30 days', '90': 'Last 90 days', '365': 'Last 365 days', 'all': 'All time'}
_USUAL = '90'
#: How many extensions the tables have.
_MOST = 15
_USAGE = ('The address of a table is /statistics/days.csv, /statistics/releases.csv, /statistics/systems.csv, '
          '/statistics/countries.csv or /statistics/extensions.csv.')


class Choice(NamedTuple):
    """What the parameters choose: a period, one of :data:`PERIODS`, and a type of packages."""

    days: str = _USUAL
    kind: str = PACKAGE.label

    @property
    def first(self) -> date | None:
        """The first day."""
        return clock.now().date() - timedelta(days=int(self.days) - 1) if self.days.isdigit() else None

    @property
    def query(self) -> str:
        """The query of the address, without its question mark."""
        return f'days={self.days}&kind={self.kind}'


class Found(NamedTuple):
    """What was read for a choice."""

    choice: Choice
    downloads: Breakdown
    extensions: list[Popularity]


class Statistics:
    """``/statistics``, and its tables as ``/statistics/NAME.csv``, of what everyone may see."""

    exposed = True

    def GET(self, *place: str, app: str | None = None, days: str = _USUAL, kind: str = PACKAGE.label,
            **_others: str) -> bytes:
        """Return the page, or a table. Parameters with unknown values are ignored."""
        name = limited_name(place)
        found = application(app)
        choice = Choice(days if days in PERIODS else _USUAL, kind if kind == EXTENSION.label else PACKAGE.label)
        if not name:
            return page_cache.respond(lambda: _page(found, choice, app), choice.first)
        if name not in _TABLES:
            raise cherrypy.HTTPError(404, _USAGE)
        return _send(name, csv_cells.table(*_TABLES[name](_read(found, choice))))


def _read(app: ApplicationFolder, choice: Choice) -> Found:
    first = choice.first
    question = Question(kind=choice.kind, date_from=first.isoformat() if first else None)
    downloads = page_cache.value(('downloads', app['_id'], choice, first), lambda: breakdown.of(app, None, question))
    return Found(choice, downloads, popular.of(app))


def _page(app: ApplicationFolder, choice: Choice, wanted: str | None) -> Page:
    found = _read(app, choice)
    bars, by = _bars(found), 'month' if choice.first is None else 'day'
    about = About(f'{app["name"]} statistics', f'Downloads of {app["name"]} and of its extensions by day, release, '
                  'system and country, and the most popular extensions.', f'{site.root()}/statistics')
    return html.render(
        'statistics.html', current='statistics', about=about, choice=choice, periods=PERIODS, by=by, rows=bars,
        kinds={PACKAGE.label: app['name'], EXTENSION.label: 'Extensions'},
        of_app=f'&app={app["_id"]}' if wanted else '',
        chart=charts.chart([(days.shown(period), count) for period, count in bars]) if bars else None,
        first=days.shown(bars[0][0]) if bars else '', last=days.shown(bars[-1][0]) if bars else '',
        releases=shares.of_releases(found.downloads.releases), systems=shares.of_systems(found.downloads.systems),
        countries=shares.of_countries(found.downloads.countries), logs=found.downloads.logs,
        notice=found.downloads.notice, shown=days.shown,
        link=Links(Place(), {'app': wanted or ''}),
        popular=_popular(found.extensions), trending=_trending(found.extensions), **shown_app(app, wanted))


def _bars(found: Found) -> list[tuple[str, int]]:
    """The numbers of the chart: by day until today, and by month for all time; none if there is no download."""
    counts = {row['day']: row['count'] for row in found.downloads.days}
    if not counts:
        return []
    if found.choice.first is not None:
        return [(day, counts.get(day, 0)) for day in days.between(found.choice.first, clock.now().date())]
    sums: dict[str, int] = dict.fromkeys(days.months(min(counts), max(counts)), 0)
    for day, count in counts.items():
        sums[days.month(day)] += count
    return list(sums.items())


def _popular(rows: Iterable[Popularity]) -> list[Popularity]:
    return [one for one in _most_first(rows) if one['last_30_days']][:_MOST]


def _most_first(rows: Iterable[Popularity]) -> list[Popularity]:
    return sorted(rows, key=popularity.SORTS['downloads'], reverse=True)


def _trending(rows: Iterable[Popularity]) -> list[Popularity]:
    risen = [one for one in rows if one['last_30_days'] > one['previous_30_days']]
    return sorted(risen, key=popularity.SORTS['trending'], reverse=True)[:_MOST]


Table = tuple[Sequence[str], Iterable[Sequence[object]]]


def _part(part: str, *keys: str) -> Callable[[Found], Table]:
    def rows(found: Found) -> Table:
        listed: list[Document] = getattr(found.downloads, part)
        return (*keys, 'count'), ([row[key] for key in (*keys, 'count')] for row in listed)
    return rows


def _extensions(found: Found) -> Table:
    columns = tuple(Popularity.__annotations__)
    rows = map(_as_document, _most_first(found.extensions))
    return columns, ([_text(row[column]) for column in columns] for row in rows)


def _as_document(row: Popularity) -> dict[str, Any]:
    return {**row}


def _text(value: Any) -> object:
    return '' if value is None else value.isoformat() if hasattr(value, 'isoformat') else value


_TABLES: dict[str, Callable[[Found], Table]] = {
    'days.csv': _part('days', 'day'), 'releases.csv': _part('releases', 'release'),
    'systems.csv': _part('systems', 'os', 'arch'), 'countries.csv': _part('countries', 'country'),
    'extensions.csv': _extensions}


def _send(name: str, text: str) -> bytes:
    cherrypy.response.headers.update({
        'Cache-Control': 'no-cache', 'Content-Type': 'text/csv;charset=utf-8', 'X-Content-Type-Options': 'nosniff',
        'Content-Disposition': content_disposition(name)})
    return text.encode()
