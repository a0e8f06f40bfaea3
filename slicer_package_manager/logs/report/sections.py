"""The parts of a report, in their order."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from slicer_package_manager.logs.report import movement, plots, tables
from slicer_package_manager.logs.report.comparison import Comparison
from slicer_package_manager.logs.report.daily_files import DailyFiles
from slicer_package_manager.logs.report.images import Plot
from slicer_package_manager.logs.report.tables import Table
from slicer_package_manager.logs.report.world import world
from slicer_package_manager.logs.rules import labels

_KINDS = {'packages': 'Packages', 'extensions': 'Extensions'}
_STABILITIES = {'releases': 'Releases', 'previews': 'Previews'}
#: The name of the comparison with the server's counts, and of its packages.
COMPARISON, DIFFERENCES = 'server-and-logs', 'packages-that-differ'


@dataclass(frozen=True)
class Section:
    """A part of a report.

    :param name: of its files, and of its anchor in the page.
    :param text: states what is counted.
    :param plot: ``None`` if there is nothing to draw.
    :param alt: states what the plot shows.
    :param codes: of columns with codes, what shows them.
    """

    name: str
    title: str
    text: str
    table: Table
    plot: Plot | None = None
    alt: str = ''
    codes: dict[str, Callable[[str], str]] = field(default_factory=dict)


#: The names of all sections that a report may have.
NAMES = ('by-day', 'by-version', 'by-system', 'by-architecture', 'by-country', 'top-extensions',
         'releases-and-previews', 'new-and-returning', 'by-client', COMPARISON, DIFFERENCES)


def sections(files: DailyFiles, comparison: Comparison | None) -> Iterator[Section]:
    """Yield the sections of a report about ``files``, and about ``comparison`` if there is one."""
    yield _by_day(files)
    yield _by_version(files)
    yield _by_code('by-system', 'Downloads by system', 'The operating system that a package or extension is made for.',
                   tables.by_system(files), {'os': labels.system})
    yield _by_code('by-architecture', 'Downloads by architecture',
                   'The architecture that a package or extension is made for.', tables.by_architecture(files), {})
    yield _by_country(files)
    yield _top_extensions(files)
    yield _releases_and_previews(files)
    yield _new_and_returning(files)
    yield _by_code('by-client', 'Downloads by client',
                   'The program that downloads. This is the only plot that includes robots.', tables.by_client(files),
                   {'client': labels.client})
    if comparison:
        yield _server_and_logs(comparison)
        yield Section(DIFFERENCES, 'Packages that differ', 'The packages and extensions for which the server has other '
                      'counts than the logs, by day, the largest difference first.', comparison.packages,
                      codes={'os': labels.system})


def _by_day(files: DailyFiles) -> Section:
    table = tables.by_day(files)
    return Section('by-day', 'Downloads by day', 'Days are those of UTC. Robots, and incomplete responses, are in the '
                   'table only.', table, plots.over_days(table, _KINDS),
                   f'Downloads of packages and extensions on each day. {_peak(table, "total")}')


def _by_version(files: DailyFiles) -> Section:
    table = tables.by_version(files)
    one_app = len(set(table.column('app'))) == 1
    names = [number if one_app else f'{app} {number}' for number, app, *_ in table.rows]
    return Section('by-version', 'Downloads by version', 'Packages by the version of the application. Previews have '
                   'the version that they lead to. Extensions are left out: theirs are of a revision.', table,
                   *_bars(table, names, _STABILITIES))


def _by_code(name: str, title: str, text: str, table: Table, codes: dict[str, Callable[[str], str]]) -> Section:
    (column, *_), shown = table.columns, next(iter(codes.values()), str)
    return Section(name, title, text, table, *_bars(table, [shown(value) for value in table.column(column)], _KINDS),
                   codes=codes)


def _bars(table: Table, names: Sequence[str], series: plots.Series) -> tuple[Plot | None, str]:
    """The plot, and its description."""
    if not table.rows:
        return None, ''
    number = min(len(names), plots.MOST)
    shown = ', '.join(f'{labels.printable(name, 40)}: {total:,}'
                      for name, total in list(zip(names, table.column('total'), strict=True))[:3])
    more = '' if number == len(names) else f' The first {number} of {len(names)} rows.'
    return (plots.bars(table, names, series),
            f'Bars for {" and ".join(series.values()).lower()}. The most: {shown}.{more}')


def _by_country(files: DailyFiles) -> Section:
    table = tables.by_country(files)
    totals = dict(zip(table.column('country'), table.column('total'), strict=True))
    most = ', '.join(f'{labels.printable(name, 40)}: {total:,}' for _, name, *_, total in table.rows[:5])
    return Section('by-country', 'Downloads by country', 'The country of the client. If few clients of a day share '
                   'a country, program and system, their country is not published: it is "other".', table,
                   world(totals) if table.rows else None,
                   f'Map of the world; countries with more downloads are stronger in color. The most: {most}.')


def _top_extensions(files: DailyFiles) -> Section:
    table = movement.top_extensions(files)
    one_app = len(set(table.column('app'))) == 1
    names = [name if one_app else f'{name} ({app})' for app, name in zip(
        table.column('app'), table.column('extension'), strict=True)]
    before = files.period.before
    there = len(files.there(before))
    text = (f'The {movement.MOST} extensions with the most downloads, with their rank in each step of the period. '
            'Blue lines rise from their first to their last step, and orange, dashed lines fall. '
            f'"Before" is the period of the same length before this one: {before.first} to {before.last}, of which '
            f'{there} of {before.length} days have daily files.')
    alt = 'Rank of each extension over time. At the end of the period: ' + ', '.join(
        f'{labels.printable(name, 40)}: {row[-1] or "none"}' for name, row in zip(names, table.rows, strict=True))
    return Section('top-extensions', 'Top extensions, and how they move', text, table,
                   plots.ranks(table, names) if table.rows else None, alt)


def _releases_and_previews(files: DailyFiles) -> Section:
    table = tables.releases_and_previews(files)
    return Section('releases-and-previews', 'Previews against releases', 'A release is a package or extension of a '
                   'revision that was released, and that is not marked as a pre-release. All others are previews. The '
                   'daily files have what each was when they were made.', table,
                   plots.over_days(table, _STABILITIES), 'Downloads of releases and of previews on each day. '
                   f'Releases: {sum(table.column("releases")):,}, previews: {sum(table.column("previews")):,}.')


def _new_and_returning(files: DailyFiles) -> Section:
    table = tables.new_and_returning(files)
    return Section('new-and-returning', 'New against returning days', 'A package or extension of one revision and '
                   'system is new on the first day with a download of it in the daily files, and returning on each '
                   'later day. Whether clients are new is not known: nothing is stored by which one could be '
                   'recognized on another day.', table,
                   plots.over_days(table, {'new': 'New', 'returning': 'Returning'}),
                   'Downloads on each day of packages and extensions that are new, and of those that return. '
                   f'New: {sum(table.column("new")):,}, returning: {sum(table.column("returning")):,}.')


def _server_and_logs(comparison: Comparison) -> Section:
    table = comparison.days
    server, logs = sum(table.column('server')), sum(table.column('logs'))
    return Section(COMPARISON, "The server's own counts against the logs", 'Both include robots. The numbers are those '
                   'that "logs check" found when it ran last.', table,
                   plots.over_days(table, {'server': 'Server', 'logs': 'Logs'}, stacked=False),
                   f'Lines of the downloads on each day. The server has counted {server:,}, the logs have {logs:,}.')


def _peak(table: Table, name: str) -> str:
    number, day = max(zip(table.column(name), table.column('day'), strict=True))
    return f'The most: {number:,} on {day}.'
